//! `order sign, post`: orders on their way to the board.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fs::File;
use std::io::{BufRead, BufReader, Read as _};
use std::path::{Path, PathBuf};

use alloy::primitives::U256;
use book::board::signature::ContractSignatures;
use book::board::{Board, Judged};
use book::log::act::{Act, Told, digest};
use book::market::amount::{dollars, time, units};
use book::market::investor::Directory;
use book::market::literal::{decimal, time as literal_time};
use book::market::record::Capacity;
use book::market::unique;
use clap::Args;
use desk::chain::Chain;
use desk::order_form::{FormError, OrderForm, SignedOrder, Venue};
use desk::order_table;
use desk::signing::signer::Signer;
use desk::statement::{Statement, StatementError};
use desk::{DeskError, eligibility};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::context::Context;
use super::failure::{Exit, Failure, Fault, Result};
use super::order::side_cell;
use crate::render::{Answer, Block, Cell, Table};

/// Sign an order offline; needs the wallet and the profile, but not the chain
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  orderbook order sign bid HRBR 1000 10.25 --wallet ada --account A-1001 > bid.json\n  orderbook order sign --from examples/orders.csv > signed.jsonl\n\nColumns of the file: side, security, quantity, price, expires, account, wallet, capacity, solicited, counterparty"
)]
pub(super) struct Sign {
    /// bid or ask
    #[arg(required_unless_present = "from")]
    side: Option<String>,
    /// Symbol, ISIN or token
    #[arg(required_unless_present = "from")]
    security: Option<String>,
    /// In whole tokens, with decimals
    #[arg(required_unless_present = "from")]
    quantity: Option<String>,
    /// In dollars per token
    #[arg(required_unless_present = "from")]
    price: Option<String>,
    /// How long it lives, such as 30d or 12h, or the day or instant at which it ends; 366 days at most
    #[arg(long, value_name = "TIME", default_value = "30d")]
    expires: String,
    /// The customer's account [default: the desk states it]
    #[arg(long, default_value = "", hide_default_value = true)]
    account: String,
    /// agency, principal or riskless_principal [default: the desk states it]
    #[arg(long, default_value = "", hide_default_value = true)]
    capacity: String,
    /// The broker-dealer solicited it
    #[arg(long)]
    solicited: bool,
    /// The only owner it may trade with
    #[arg(long, default_value = "", hide_default_value = true)]
    counterparty: String,
    /// The owner's epoch: 0, or what orderbook order epoch shows after cancel-all
    #[arg(long, default_value = "0", value_parser = decimal::whole::<u64>)]
    epoch: u64,
    /// Sign every row of a CSV file instead
    #[arg(long, value_name = "FILE", conflicts_with_all = ["side", "security", "quantity", "price"])]
    from: Option<PathBuf>,
}

/// What the desk states about the orders that it takes; where their file says it too, both must agree.
#[derive(Args, Debug)]
pub(super) struct Stated {
    /// The owner's account [default: the only one that the directory of investors has]
    #[arg(long)]
    account: Option<String>,
    /// The broker-dealer's capacity: agency, principal or riskless_principal [default: agency]
    #[arg(long)]
    capacity: Option<Capacity>,
    /// The broker-dealer solicited them
    #[arg(long)]
    solicited: bool,
    /// When they reached the desk [default: now]
    #[arg(long, value_name = "TIME", value_parser = literal_time::timestamp)]
    received: Option<Timestamp>,
}

impl Stated {
    /// As a person states it.
    pub(super) fn by(self, person: &str) -> Statement {
        Statement {
            account: self.account,
            capacity: self.capacity.unwrap_or(Capacity::Agency),
            solicited: self.solicited,
            received_at: self.received,
            taken_by: person.to_owned(),
        }
    }

    /// Nothing was stated.
    pub(super) fn is_silent(&self) -> bool {
        let silent = self.account.is_none() && self.capacity.is_none() && self.received.is_none();
        silent && !self.solicited
    }
}

/// Post signed orders
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  orderbook order post bid.json\n  orderbook order post bid.json --account A-1028 --solicited --received 2026-07-01T14:30:00Z\n\nA file contains one signed order, or one on each line; '-' reads stdin."
)]
pub(super) struct Post {
    /// File of signed orders, or '-'
    file: PathBuf,
    #[command(flatten)]
    stated: Stated,
    /// Do not check the owners' KYC records on chain; then only orders of wallets without code are accepted
    #[arg(long)]
    offline: bool,
}

impl Sign {
    pub(super) async fn run(self, context: &Context) -> Result {
        let venue = context.venue().await?;
        let forms = match &self.from {
            Some(path) => {
                let file = File::open(path)
                    .map_err(|e| Failure::usage(format!("{}: {e}", path.display())))?;
                let sheet = order_table::read(file)?;
                context.tell(&sheet.assumed);
                sheet.rows
            }
            None => vec![(0, self.form())],
        };
        let mut opened = HashMap::new();
        let (mut signed, mut bad) = (Vec::new(), Vec::new());
        for (line, form) in forms {
            match self.sign(context, &venue, &mut opened, &form) {
                Ok(order) => signed.push(order),
                Err(failure) if line == 0 => return Err(failure),
                // Without the key no row can be signed: the file is not at fault.
                Err(failure) if failure.exit == Exit::Auth => return Err(failure),
                Err(failure) => bad.push(format!("line {line}: {failure}")),
            }
        }
        if !bad.is_empty() {
            return Err(DeskError::Rows(bad).into());
        }
        let lines: Vec<String> = signed
            .iter()
            .map(|order| serde_json::to_string(order).unwrap_or_default())
            .collect();
        let answer = Answer::new(json!(signed)).with(Block::Raw(lines.join("\n") + "\n"));
        if signed.len() > TOLD {
            return Ok(answer.note(format!("{} orders signed", signed.len())));
        }
        let notes = signed.iter().map(|order| told(context, order));
        Ok(notes.fold(answer, Answer::note))
    }

    /// Signs one form; wallets that were opened once stay open.
    fn sign(
        &self,
        context: &Context,
        venue: &Venue,
        opened: &mut HashMap<String, Signer>,
        form: &OrderForm,
    ) -> Result<SignedOrder> {
        let security = context.security(&form.security)?;
        let name = if form.wallet.is_empty() {
            context.wallet_of("default")?
        } else {
            form.wallet.clone()
        };
        let signer = match opened.entry(name) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(new) => {
                let signer = context.open(new.key())?;
                new.insert(signer)
            }
        };
        form.sign(venue, security.token, security.decimals, signer, self.epoch)
            .map_err(|error| match error {
                FormError::Malformed(words) => Failure::usage(words),
                FormError::Refused(words) => Failure::refused("ORDER_NOT_SIGNED", words),
                FormError::NotSigned(error) => Failure::new(Exit::Auth, "CANNOT_SIGN", error),
            })
    }

    fn form(&self) -> OrderForm {
        OrderForm {
            side: self.side.clone().unwrap_or_default(),
            security: self.security.clone().unwrap_or_default(),
            quantity: self.quantity.clone().unwrap_or_default(),
            price: self.price.clone().unwrap_or_default(),
            expires: self.expires.clone(),
            account: self.account.clone(),
            wallet: String::new(),
            capacity: self.capacity.clone(),
            solicited: if self.solicited {
                "yes".into()
            } else {
                String::new()
            },
            counterparty: self.counterparty.clone(),
        }
    }
}

/// Up to this many signed orders are listed one by one.
const TOLD: usize = 20;

/// What was signed, as it was read.
fn told(context: &Context, order: &SignedOrder) -> String {
    let token = order.security.to_string();
    let security = context.security(&token).ok();
    let decimals = security.as_ref().map_or(0, |known| known.decimals);
    let symbol = security.map_or(token, |known| known.symbol);
    format!(
        "signed: {} {} {symbol} at ${}, in all ${}, until {}",
        order.side,
        units(order.quantity, decimals),
        order.price,
        dollars(order.limit_total),
        time(order.expiry)
    )
}

impl Post {
    pub(super) async fn run(self, context: &Context) -> Result {
        let unreadable =
            |e: &dyn std::fmt::Display| Failure::usage(format!("{}: {e}", self.file.display()));
        let mut text = String::new();
        let read = open(&self.file)?.read_to_string(&mut text);
        read.map_err(|e| unreadable(&e))?;
        let orders = unique::documents::<SignedOrder>(&text)
            .map_err(|e| unreadable(&e).hint("expected the output of `order sign`"))?;
        let board = context.board().await?;
        let (subject, file) = match &orders[..] {
            [one] => (one.id, None),
            _ => (digest(text.as_bytes()), Some(digest(text.as_bytes()))),
        };
        let told = Told::about(Act::Post, subject, "");
        let by = context.acting_for(&board, &told, file).await?;
        let mut table = Table::new(&["order", "side", "security", ">quantity", ">price"]);
        let chain = if self.offline {
            None
        } else {
            Some(context.chain().await?)
        };
        let taking = Taking {
            statement: self.stated.by(&by.actor),
            directory: board.directory().await?,
        };
        let judged = judge_all(&board, chain.as_ref(), &orders, &taking).await?;
        let mut posted = Vec::new();
        for record in board.post_all(judged, by).await? {
            posted.push(json!({ "id": record.id, "side": record.side, "symbol": record.symbol }));
            let quantity = Cell::units(U256::from(record.quantity), record.decimals);
            table.row([
                record.id.into(),
                side_cell(record.side),
                record.symbol.into(),
                quantity,
                record.price.into(),
            ]);
        }
        let answer = Answer::new(Value::Array(posted)).with(Block::Table(table));
        Ok(if self.offline {
            answer.warn("posted without asking the chain for KYC records")
        } else {
            answer
        })
    }
}

/// How orders are taken.
struct Taking {
    statement: Statement,
    directory: Directory,
}

/// All are judged, then all are posted together: neither a bad one in the middle nor a crash leaves half of them.
///
/// # Errors
/// Every refusal; a single one is returned as it is.
async fn judge_all(
    board: &Board,
    chain: Option<&Chain>,
    orders: &[SignedOrder],
    taking: &Taking,
) -> Result<Vec<Judged>> {
    let (mut judged, mut refused) = (Vec::with_capacity(orders.len()), Vec::new());
    for order in orders {
        match judge(board, chain, order, taking).await {
            Ok(order) => judged.push(order),
            Err(failure) => refused.push(failure.context(format!("order {}", order.id))),
        }
    }
    let Some(last) = refused.pop() else {
        return Ok(judged);
    };
    if refused.is_empty() {
        return Err(last);
    }
    refused.push(last);
    let exit = refused[0].exit;
    let words = format!("{} orders are refused, nothing was posted", refused.len());
    let faults = refused.into_iter().map(Fault::from);
    Err(Failure::new(exit, "ORDERS_REFUSED", words).faults(faults))
}

/// Whether the board would take an order now, and whether its owner may have one.
async fn judge(
    board: &Board,
    chain: Option<&Chain>,
    order: &SignedOrder,
    taking: &Taking,
) -> Result<Judged> {
    let identity = board.identity();
    if !order.is_for(identity.chain_id, identity.contract) {
        let words = "signed for another chain or contract";
        return Err(Failure::refused("OTHER_VENUE", words));
    }
    order
        .check_id()
        .map_err(|words| Failure::refused("WRONG_ORDER_ID", words))?;
    let posting = taking.statement.posting(order, &taking.directory);
    let posting = posting.map_err(unstated)?;
    if let Some(chain) = chain {
        eligibility::check(chain, order.security, order.owner).await?;
    }
    let contracts = chain.map(|chain| chain as &dyn ContractSignatures);
    Ok(board.judge(&posting, contracts).await?)
}

/// Why the desk's statement is not enough.
fn unstated(error: StatementError) -> Failure {
    match error {
        StatementError::Disagrees { .. } => Failure::refused("STATEMENT_DIFFERS", error),
        StatementError::NoAccount(_) | StatementError::ManyAccounts { .. } => {
            Failure::new(Exit::Usage, "NO_ACCOUNT", error)
        }
    }
}

/// A file, or stdin for '-'.
fn open(path: &Path) -> Result<Box<dyn BufRead + Send>> {
    if path == Path::new("-") {
        return Ok(Box::new(BufReader::new(std::io::stdin())));
    }
    let file = File::open(path).map_err(|e| Failure::usage(format!("{}: {e}", path.display())))?;
    Ok(Box::new(BufReader::new(file)))
}
