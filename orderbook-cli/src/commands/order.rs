//! `order sign, post, list, show, cancel, import`.

use std::fs::File;
use std::io::{BufReader, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use alloy::primitives::U256;
use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Value, json};

use super::context::Context;
use super::failure::{Failure, Result};
use crate::board::filter::{OrderFilter, OrderSort};
use crate::board::order::Side;
use crate::board::record::{OrderState, OrderView};
use crate::board::signature::ContractSignatures;
use crate::chain::abi::IDvPSettlement;
use crate::desk::eligibility;
use crate::desk::order_form::{self, OrderForm, SignedOrder};
use crate::desk::trade::on_chain;
use crate::render::amount::{dollars, short_address, short_id, time, units};
use crate::render::{Answer, Block, Cell, Surface, Table, Tone};

/// Sign orders, post them, list them, cancel them
#[derive(Debug, Subcommand)]
pub(super) enum Order {
    Sign(Sign),
    Post(Post),
    List(List),
    /// Show one order: what was signed, where it stands and its history
    Show {
        /// Its id, or the first digits of it
        id: String,
    },
    Cancel(Cancel),
    /// Import a CSV file of signed orders: all rows or none
    Import {
        /// The file
        file: PathBuf,
    },
}

/// Sign an order off line; needs the wallet and the profile, no chain
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
    /// Whole tokens, with decimals
    #[arg(required_unless_present = "from")]
    quantity: Option<String>,
    /// Dollars for each token
    #[arg(required_unless_present = "from")]
    price: Option<String>,
    /// 30d, 12h or a date
    #[arg(long, default_value = "30d")]
    expires: String,
    /// The customer's account
    #[arg(long, default_value = "")]
    account: String,
    /// agency, principal or riskless_principal
    #[arg(long, default_value = "agency")]
    capacity: String,
    /// The broker-dealer solicited it
    #[arg(long)]
    solicited: bool,
    /// The only owner it may meet
    #[arg(long, default_value = "")]
    counterparty: String,
    /// The owner's epoch: 0 unless all orders were cancelled at once before
    #[arg(long, default_value_t = 0)]
    epoch: u64,
    /// Sign every row of a CSV file instead
    #[arg(long, value_name = "FILE", conflicts_with_all = ["side", "security", "quantity", "price"])]
    from: Option<PathBuf>,
}

/// Post signed orders
#[derive(Args, Debug)]
#[command(
    after_help = "Example: orderbook order post bid.json\n\nA file holds one signed order, or one for each line; '-' reads stdin."
)]
pub(super) struct Post {
    /// File of signed orders, or '-'
    file: PathBuf,
    /// Do not ask the chain for the owners' KYC records; only wallets without code can have signed then
    #[arg(long)]
    offline: bool,
}

/// Cancel an order on the board, or on chain as its owner
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  orderbook order cancel 0x12ab34 --reason 'customer called'\n  orderbook order cancel 0x12ab34 --on-chain --wallet ada"
)]
pub(super) struct Cancel {
    /// Its id, or the first digits of it
    id: String,
    /// Why
    #[arg(long, default_value = "at the customer's request")]
    reason: String,
    /// Send the owner's cancel to the chain, so that nobody can settle it any more
    #[arg(long)]
    on_chain: bool,
}

/// List orders
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  orderbook order list --security HRBR --side bid --sort price --descending\n  orderbook order list --watch"
)]
pub(super) struct List {
    /// Symbol, ISIN or token
    #[arg(long)]
    security: Option<String>,
    /// bid or ask
    #[arg(long)]
    side: Option<Side>,
    /// open, filled or cancelled
    #[arg(long)]
    state: Option<OrderState>,
    /// Only open orders past their expiry
    #[arg(long)]
    expired: bool,
    /// One wallet's orders: name or address
    #[arg(long)]
    owner: Option<String>,
    /// One account's orders
    #[arg(long)]
    account: Option<String>,
    /// What to sort by
    #[arg(long, value_enum, default_value_t)]
    sort: Sort,
    /// Highest or latest first
    #[arg(long)]
    descending: bool,
    /// How many at most
    #[arg(long, default_value_t = 100)]
    limit: u32,
    /// Follow the board: print orders as they are posted
    #[arg(long)]
    watch: bool,
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum Sort {
    #[default]
    Posted,
    Price,
    Quantity,
    Expiry,
}

impl Order {
    pub(super) async fn run(self, context: &Context) -> Result {
        match self {
            Self::Sign(command) => command.run(context).await,
            Self::Post(command) => command.run(context).await,
            Self::List(command) => command.run(context).await,
            Self::Show { id } => show(context, &id).await,
            Self::Cancel(command) => command.run(context).await,
            Self::Import { file } => import(context, &file).await,
        }
    }
}

impl Sign {
    async fn run(self, context: &Context) -> Result {
        let venue = context.venue().await?;
        let forms = match &self.from {
            Some(path) => {
                let file = File::open(path)
                    .map_err(|e| Failure::usage(format!("{}: {e}", path.display())))?;
                order_form::read(file)?
            }
            None => vec![(0, self.form())],
        };
        let mut opened = std::collections::HashMap::new();
        let (mut signed, mut bad) = (Vec::new(), Vec::new());
        for (line, form) in forms {
            let security = context.security(&form.security)?;
            let name = if form.wallet.is_empty() {
                context.wallet_of("default")?
            } else {
                form.wallet.clone()
            };
            if !opened.contains_key(&name) {
                opened.insert(name.clone(), context.open(&name)?);
            }
            match form.sign(
                &venue,
                security.token,
                security.decimals,
                &opened[&name],
                self.epoch,
            ) {
                Ok(order) => signed.push(order),
                Err(words) if line == 0 => return Err(Failure::refused("ORDER_NOT_SIGNED", words)),
                Err(words) => bad.push(format!("line {line}: {words}")),
            }
        }
        if !bad.is_empty() {
            return Err(crate::desk::DeskError::Rows(bad).into());
        }
        let lines: Vec<String> = signed
            .iter()
            .map(|order| serde_json::to_string(order).unwrap_or_default())
            .collect();
        Ok(Answer::new(json!(signed)).with(Block::Raw(lines.join("\n") + "\n")))
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

impl Post {
    async fn run(self, context: &Context) -> Result {
        let text = if self.file == Path::new("-") {
            let mut text = String::new();
            std::io::stdin().read_to_string(&mut text).map(|_| text)
        } else {
            std::fs::read_to_string(&self.file)
        };
        let text = text.map_err(|e| Failure::usage(format!("{}: {e}", self.file.display())))?;
        let orders = serde_json::Deserializer::from_str(&text)
            .into_iter::<SignedOrder>()
            .collect::<std::result::Result<Vec<_>, _>>()
            .map_err(|e| Failure::usage(format!("{}: {e}", self.file.display())))?;
        let board = context.board().await?;
        let by = context.by("")?;
        let mut table = Table::new(&["order", "side", "security", ">quantity", ">price"]);
        let chain = if self.offline {
            None
        } else {
            Some(context.chain().await?)
        };
        let contracts = chain.as_ref().map(|chain| chain as &dyn ContractSignatures);
        // All are checked before the first is posted: a bad one in the middle leaves nothing half done.
        for order in &orders {
            let identity = board.identity();
            if (order.chain_id, order.settlement) != (identity.chain_id, identity.contract) {
                let words = format!("order {} is signed for another chain or contract", order.id);
                return Err(Failure::refused("OTHER_VENUE", words));
            }
            if let Some(chain) = &chain {
                eligibility::check(chain, order.security, order.owner)
                    .await
                    .map_err(|error| Failure::from(error).context(format!("order {}", order.id)))?;
            }
            board.check(&order.posting(&by.actor), contracts).await?;
        }
        let mut posted = Vec::new();
        for order in &orders {
            let record = board
                .post(order.posting(&by.actor), contracts, by.clone())
                .await?;
            posted.push(json!({ "id": record.id, "side": record.side, "symbol": record.symbol }));
            let quantity = units(U256::from(record.quantity), record.decimals);
            table.row([
                record.id.into(),
                side_cell(record.side),
                record.symbol.into(),
                quantity.into(),
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

impl List {
    async fn run(self, context: &Context) -> Result {
        let filter = OrderFilter {
            security: self.security,
            side: self.side,
            state: self.state,
            expired: self.expired.then_some(true),
            owner: self
                .owner
                .map(|owner| context.account(&owner))
                .transpose()?,
            account: self.account,
            after_seq: None,
            sort: match self.sort {
                Sort::Posted => OrderSort::Posted,
                Sort::Price => OrderSort::Price,
                Sort::Quantity => OrderSort::Quantity,
                Sort::Expiry => OrderSort::Expiry,
            },
            descending: self.descending,
            limit: Some(self.limit),
            offset: 0,
        };
        let board = context.board().await?;
        let orders = board.orders(&filter).await?;
        if !self.watch {
            let answer = Answer::new(Value::Array(orders.iter().map(order_json).collect()));
            return Ok(answer.with(Block::Table(table(&orders))));
        }
        let mut last = orders
            .iter()
            .map(|order| order.posted_seq)
            .max()
            .unwrap_or(0);
        print(&table(&orders));
        loop {
            tokio::time::sleep(Duration::from_millis(500)).await;
            let filter = OrderFilter {
                after_seq: Some(last),
                ..filter.clone()
            };
            let orders = board.orders(&filter).await?;
            if let Some(seq) = orders.iter().map(|order| order.posted_seq).max() {
                last = seq;
                print(&table(&orders));
            }
        }
    }
}

/// Following has no end at which an answer could be given: it prints as it goes.
fn print(table: &Table) {
    let _ = std::io::stdout().write_all(table.render(Surface::stdout()).as_bytes());
}

/// A table of orders.
pub(super) fn table(orders: &[OrderView]) -> Table {
    let mut table = Table::new(&[
        "order",
        "side",
        "security",
        ">quantity",
        ">price",
        ">limit total",
        "expires",
        "owner",
        "account",
        "state",
    ]);
    for order in orders {
        let record = &order.record;
        table.row([
            short_id(record.id).into(),
            side_cell(record.side),
            record.symbol.clone().into(),
            units(U256::from(record.quantity), record.decimals).into(),
            Cell::new(record.price.to_string(), Tone::Strong),
            dollars(U256::from(record.limit_total)).into(),
            time(record.expiry)[..10].into(),
            short_address(record.owner).into(),
            record.account.clone().into(),
            state_cell(order),
        ]);
    }
    table
}

pub(super) fn side_cell(side: Side) -> Cell {
    Cell::new(
        side.as_str(),
        if side == Side::Bid {
            Tone::Good
        } else {
            Tone::Bad
        },
    )
}

fn state_cell(order: &OrderView) -> Cell {
    match order.state {
        OrderState::Open if order.expired => Cell::new("OPEN (expired)", Tone::Warn),
        OrderState::Open => Cell::new("OPEN", Tone::Plain),
        OrderState::Filled => Cell::new("FILLED", Tone::Good),
        OrderState::Cancelled => Cell::new("CANCELLED", Tone::Dim),
    }
}

/// An order for programs; amounts in base units as text.
pub(super) fn order_json(order: &OrderView) -> Value {
    let record = &order.record;
    json!({
        "id": record.id,
        "board_ref": record.board_ref,
        "symbol": record.symbol,
        "isin": record.isin,
        "token": record.security,
        "chain_id": record.chain_id,
        "settlement": record.contract,
        "side": record.side,
        "quantity": record.quantity.to_string(),
        "price": record.price,
        "limit_total": record.limit_total.to_string(),
        "expiry": record.expiry,
        "epoch": record.epoch,
        "counterparty": record.counterparty,
        "owner": record.owner,
        "account": record.account,
        "capacity": record.capacity,
        "solicited": record.solicited,
        "received_at": record.received_at,
        "captured_at": record.captured_at,
        "taken_by": record.taken_by,
        "signature": record.signature,
        "state": order.state,
        "expired": order.expired,
    })
}

async fn show(context: &Context, id: &str) -> Result {
    let board = context.board().await?;
    let order = board.order(id).await?;
    let record = &order.record;
    let history = board.history(record.id).await?;
    let mut data = order_json(&order);
    data["history"] = history
        .iter()
        .map(|e| json!({ "seq": e.seq, "type": e.kind, "at": e.captured_at, "actor": e.actor, "reason": e.reason }))
        .collect();
    let counterparty = if record.counterparty.is_zero() {
        "anyone".to_string()
    } else {
        record.counterparty.to_string()
    };
    let quantity = units(U256::from(record.quantity), record.decimals);
    let pairs = [
        ("order", record.id.to_string()),
        (
            "state",
            format!(
                "{}{}",
                order.state,
                if order.expired { " (expired)" } else { "" }
            ),
        ),
        ("side", record.side.to_string()),
        (
            "security",
            format!("{} {} {}", record.symbol, record.isin, record.security),
        ),
        ("quantity", quantity),
        ("price", format!("${}", record.price)),
        (
            "limit total",
            format!("${}", dollars(U256::from(record.limit_total))),
        ),
        ("expires", time(record.expiry)),
        ("owner", record.owner.to_string()),
        ("account", record.account.clone()),
        ("counterparty", counterparty),
        (
            "capacity",
            format!(
                "{}, {}",
                record.capacity,
                if record.solicited {
                    "solicited"
                } else {
                    "unsolicited"
                }
            ),
        ),
        ("received", record.received_at.to_string()),
        (
            "captured",
            format!("{} by {}", record.captured_at, record.taken_by),
        ),
        ("board reference", record.board_ref.to_string()),
        (
            "settles through",
            format!("{} on chain {}", record.contract, record.chain_id),
        ),
        ("signature", record.signature.to_string()),
    ];
    let mut table = Table::new(&[">event", "what", "when", "who", "why"]);
    for event in &history {
        table.row([
            event.seq.into(),
            event.kind.into(),
            event.captured_at.strftime("%Y-%m-%d %H:%M:%S").into(),
            event.actor.clone().into(),
            event.reason.clone().into(),
        ]);
    }
    let pairs = pairs
        .into_iter()
        .map(|(name, value)| (name.to_string(), value))
        .collect();
    Ok(Answer::new(data)
        .with(Block::Pairs(pairs))
        .with(Block::Table(table)))
}

impl Cancel {
    async fn run(self, context: &Context) -> Result {
        let board = context.board().await?;
        let order = board.order(&self.id).await?;
        let id = order.record.id;
        if !self.on_chain {
            board.cancel(id, context.by(self.reason)?).await?;
            let data = json!({ "id": id, "on_chain": false });
            let answer = Answer::line(data, format!("order {id} is cancelled on the board"));
            return Ok(answer.warn(
                "the signature lives on: only the owner's cancel on chain (--on-chain) makes it void everywhere",
            ));
        }
        let signer = context.sender("default", &format!("cancelling order {id}"))?;
        if signer.address() != order.record.owner {
            let words = format!(
                "the wallet is {}, the owner is {}",
                signer.address(),
                order.record.owner
            );
            return Err(
                Failure::new(super::failure::Exit::Auth, "NOT_ORDER_OWNER", words)
                    .hint("name the owner's wallet with --wallet"),
            );
        }
        let (chain, settlement) = (context.chain().await?, context.settlement()?);
        let call = IDvPSettlement::cancelOrderCall {
            order: on_chain(&order.record),
        };
        let receipt = chain.execute(&signer, settlement, &call).await?;
        let hash = receipt.transaction_hash;
        let at = match chain
            .block(receipt.block_number.unwrap_or_default())
            .await?
        {
            Some(block) => crate::desk::settlement::timestamp(block.time),
            None => jiff::Timestamp::now(),
        };
        board
            .record_cancelled_on_chain(id, hash, at, context.by(self.reason)?)
            .await?;
        let data = json!({ "id": id, "on_chain": true, "transaction": hash });
        Ok(Answer::line(
            data,
            format!("order {id} is cancelled on chain and on the board\n  transaction {hash}"),
        ))
    }
}

async fn import(context: &Context, path: &Path) -> Result {
    let file = File::open(path).map_err(|e| Failure::usage(format!("{}: {e}", path.display())))?;
    let board = context.board().await?;
    let bar = context.progress("importing");
    let by = context.by(format!("import of {}", path.display()))?;
    let imported = board
        .import(BufReader::new(file), by, |rows| bar.set_position(rows))
        .await?;
    bar.finish_and_clear();
    let data = json!({ "orders": imported.orders, "first_seq": imported.first_seq,
        "last_seq": imported.last_seq });
    Ok(Answer::line(
        data,
        format!("{} orders imported", imported.orders),
    ))
}
