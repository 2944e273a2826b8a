//! `order sign, post, import`: orders on their way to the board.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufReader, Read as _};
use std::path::{Path, PathBuf};

use alloy::primitives::U256;
use clap::Args;
use serde_json::{Value, json};

use super::context::Context;
use super::failure::{Failure, Result};
use super::order::side_cell;
use crate::board::signature::ContractSignatures;
use crate::desk::eligibility;
use crate::desk::order_form::{self, OrderForm, SignedOrder};
use crate::render::amount::units;
use crate::render::{Answer, Block, Table};

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

impl Sign {
    pub(super) async fn run(self, context: &Context) -> Result {
        let venue = context.venue().await?;
        let forms = match &self.from {
            Some(path) => {
                let file = File::open(path)
                    .map_err(|e| Failure::usage(format!("{}: {e}", path.display())))?;
                order_form::read(file)?
            }
            None => vec![(0, self.form())],
        };
        let mut opened = HashMap::new();
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
    pub(super) async fn run(self, context: &Context) -> Result {
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

pub(super) async fn import(context: &Context, path: &Path) -> Result {
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
