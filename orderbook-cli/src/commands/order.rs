//! `order`: its commands; `list` and `show`.

use std::io::Write as _;
use std::time::Duration;

use alloy::primitives::{Address, U256};
use book::board::Board;
use book::log::event::Event;
use book::market::amount::{date, short_id, time};
use book::market::count::counted;
use book::market::filter::{OrderFilter, OrderSort};
use book::market::investor::Directory;
use book::market::literal::decimal;
use book::market::order::Side;
use book::market::record::{OrderState, OrderView};
use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Value, json};

use super::context::Context;
use super::failure::Result;
use super::order_adopt::Adopt;
use super::order_cancel::{Cancel, CancelAll, epoch};
use super::order_entry::{Post, Sign};
use super::order_import::Import;
use super::order_register::Register;
use crate::render::{Answer, Block, Cell, Sentence, Surface, Table, Tone};

/// Sign orders, post them, list them, cancel them
#[derive(Debug, Subcommand)]
pub(super) enum Order {
    Sign(Sign),
    Post(Post),
    List(List),
    /// Show one order: what was signed, its state and its history
    #[command(after_help = "Example: orderbook order show 0x12ab34")]
    Show {
        /// Its id, or the first digits of it
        id: String,
    },
    Register(Register),
    Adopt(Adopt),
    Cancel(Cancel),
    CancelAll(CancelAll),
    /// Show the epoch that a wallet's orders must carry
    #[command(after_help = "Example: orderbook order epoch ada")]
    Epoch {
        /// Wallet or address
        #[arg(id = "holder", value_name = "WALLET")]
        wallet: String,
    },
    Import(Import),
}

/// How many rows beyond the limit are counted; if there are more, the total is given as "at least".
const COUNTED: u32 = 10_000;

/// List orders, newest first
#[derive(Args, Debug)]
#[allow(clippy::struct_excessive_bools)] // Flags.
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
    /// Highest or latest first; the default when sorted by posting
    #[arg(long)]
    descending: bool,
    /// Lowest or earliest first; the default when sorted by price, quantity or expiry
    #[arg(long, conflicts_with = "descending")]
    ascending: bool,
    /// Maximum number of rows
    #[arg(long, default_value = "100", value_parser = decimal::whole::<u32>)]
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
            Self::Register(command) => command.run(context).await,
            Self::Adopt(command) => command.run(context).await,
            Self::Cancel(command) => command.run(context).await,
            Self::CancelAll(command) => command.run(context).await,
            Self::Epoch { wallet } => epoch(context, &wallet).await,
            Self::Import(command) => command.run(context).await,
        }
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
            before_seq: None,
            sort: match self.sort {
                Sort::Posted => OrderSort::Posted,
                Sort::Price => OrderSort::Price,
                Sort::Quantity => OrderSort::Quantity,
                Sort::Expiry => OrderSort::Expiry,
            },
            descending: match self.sort {
                Sort::Posted => !self.ascending,
                Sort::Price | Sort::Quantity | Sort::Expiry => self.descending,
            },
            limit: Some(self.limit),
            offset: 0,
        };
        let board = context.board().await?;
        let mut orders = board.orders(&filter).await?;
        let mut directory = board.directory().await?;
        if !self.watch {
            let data = orders.iter().map(|order| order_json(order, &directory));
            let answer = Answer::new(Value::Array(data.collect()));
            let answer = answer.with(Block::Table(table(&orders, &directory)));
            return Ok(match left_out(&board, &filter, orders.len()).await? {
                Some(words) => answer.warn(words),
                None => answer,
            });
        }
        // From here on in the order in which they arrive.
        orders.sort_by_key(|order| order.posted_seq);
        let filter = OrderFilter {
            sort: OrderSort::Posted,
            descending: false,
            ..filter
        };
        let (mut last, mut new, mut heading) = (0, orders, true);
        loop {
            let lines = followed(&new, &directory, context.json, heading);
            let mut out = std::io::stdout();
            // Nobody is reading any more: stop following.
            if out.write_all(lines.as_bytes()).and(out.flush()).is_err() {
                return Ok(Answer::default());
            }
            heading = false;
            last = new.iter().map(|o| o.posted_seq).max().unwrap_or(last);
            tokio::time::sleep(Duration::from_millis(500)).await;
            let filter = OrderFilter {
                after_seq: Some(last),
                ..filter.clone()
            };
            new = board.orders(&filter).await?;
            if !new.is_empty() {
                directory = board.directory().await?;
            }
        }
    }
}

/// What a list that reached its limit does not show.
async fn left_out(board: &Board, filter: &OrderFilter, shown: usize) -> Result<Option<String>> {
    let limit = filter.limit.unwrap_or_default();
    if shown < limit as usize {
        return Ok(None);
    }
    let most = limit.saturating_add(COUNTED);
    let all = board.count(filter, most).await?;
    Ok(match all.saturating_sub(shown as u64) {
        0 => None,
        _ if all == u64::from(most) => Some(format!(
            "{shown} of at least {} listed: raise --limit, or filter them",
            counted(all, "order")
        )),
        _ => Some(format!(
            "{shown} of {} listed: raise --limit, or filter them",
            counted(all, "order")
        )),
    })
}

/// Following has no end at which an answer could be given: every batch is printed as it arrives, for programs one
/// object a line, and the heading only once.
fn followed(orders: &[OrderView], directory: &Directory, json: bool, heading: bool) -> String {
    if json {
        let line = |order| format!("{}\n", order_json(order, directory));
        return orders.iter().map(line).collect();
    }
    if orders.is_empty() && !heading {
        return String::new();
    }
    let table = table(orders, directory);
    if heading {
        table.render(Surface::stdout())
    } else {
        table.render_rows(Surface::stdout())
    }
}

/// A table of orders; owners in the directory are shown by name.
fn table(orders: &[OrderView], directory: &Directory) -> Table {
    let mut table = Table::new(&[
        "order",
        "side",
        "??security",
        ">quantity",
        ">price",
        "???>limit total",
        "?expires",
        "owner",
        "????account",
        "state",
    ]);
    for order in orders {
        let record = &order.record;
        table.row([
            Cell::id(record.id),
            side_cell(record.side),
            record.symbol.clone().into(),
            Cell::units(U256::from(record.quantity), record.decimals),
            Cell::new(record.price.to_string(), Tone::Strong),
            Cell::dollars(U256::from(record.limit_total)),
            date(record.expiry).into(),
            owner(directory, record.owner),
            record.account.clone().into(),
            state_cell(order),
        ]);
    }
    table
}

/// Somebody's wallet: by name where the directory has one.
pub(super) fn owner(directory: &Directory, wallet: Address) -> Cell {
    match directory.name_of(wallet) {
        Some(name) => Cell::named(name, wallet),
        None => Cell::address(wallet),
    }
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

pub(super) fn state_cell(order: &OrderView) -> Cell {
    match order.state {
        OrderState::Open if order.expired => Cell::new("OPEN (expired)", Tone::Warn),
        OrderState::Open => Cell::new("OPEN", Tone::Plain),
        OrderState::Filled => Cell::new("FILLED", Tone::Good),
        OrderState::Cancelled => Cell::new("CANCELLED", Tone::Dim),
    }
}

/// An order for programs; amounts in base units as text.
pub(super) fn order_json(order: &OrderView, directory: &Directory) -> Value {
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
        "owner_name": directory.name_of(record.owner),
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
    let history = board.history(order.record.id).await?;
    let directory = board.directory().await?;
    let mut data = order_json(&order, &directory);
    let committed = match order.state {
        OrderState::Open => board.commitment_of(order.record.id).await?,
        OrderState::Filled | OrderState::Cancelled => None,
    };
    data["commitment"] = committed.as_ref().map_or(Value::Null, |(id, committed)| {
        json!({ "match": id, "bid": committed.bid, "ask": committed.ask, "until": committed.until,
            "transaction": committed.tx_hash })
    });
    data["history"] = history
        .iter()
        .map(|e| json!({ "seq": e.seq, "type": e.kind, "at": e.captured_at, "actor": e.actor, "reason": e.reason }))
        .collect();
    let mut pairs = particulars(&order, &directory);
    if let Some((_, committed)) = committed {
        let words = format!(
            "bid {} with ask {} until {}",
            short_id(committed.bid),
            short_id(committed.ask),
            time(committed.until)
        );
        pairs.insert(2, ("committed".into(), Cell::new(words, Tone::Strong)));
    }
    Ok(Answer::new(data)
        .with(Block::Pairs(pairs))
        .with(Block::Table(events(&history))))
}

/// Everything that an order says, and its state.
fn particulars(order: &OrderView, directory: &Directory) -> Vec<(String, Cell)> {
    let record = &order.record;
    let expired = if order.expired { " (expired)" } else { "" };
    let counterparty = if record.counterparty.is_zero() {
        "anyone".to_string()
    } else {
        record.counterparty.to_string()
    };
    let solicited = if record.solicited {
        "solicited"
    } else {
        "unsolicited"
    };
    let limit_total = Sentence::of(|reader| reader.dollars(U256::from(record.limit_total)));
    let pairs = [
        ("order", record.id.into()),
        ("state", format!("{}{expired}", order.state).into()),
        ("side", record.side.into()),
        (
            "security",
            format!("{} {} {}", record.symbol, record.isin, record.security).into(),
        ),
        (
            "quantity",
            Cell::units(U256::from(record.quantity), record.decimals),
        ),
        ("price", format!("${}", record.price).into()),
        ("limit total", Cell::sentence(&limit_total)),
        ("expires", time(record.expiry).into()),
        (
            "owner",
            match directory.name_of(record.owner) {
                Some(name) => format!("{name} ({})", record.owner).into(),
                None => record.owner.into(),
            },
        ),
        ("account", record.account.clone().into()),
        ("counterparty", counterparty.into()),
        (
            "capacity",
            format!("{}, {solicited}", record.capacity).into(),
        ),
        ("received", record.received_at.into()),
        (
            "captured",
            format!("{} by {}", record.captured_at, record.taken_by).into(),
        ),
        ("board reference", record.board_ref.into()),
        (
            "settles through",
            format!("{} on chain {}", record.contract, record.chain_id).into(),
        ),
        ("signature", record.signature.clone().into()),
    ];
    pairs
        .into_iter()
        .map(|(name, value)| (name.to_string(), value))
        .collect()
}

/// What has happened to an order.
pub(super) fn events(history: &[Event]) -> Table {
    let mut table = Table::new(&["?>event", "what", "when", "who", "why"]);
    for event in history {
        table.row([
            event.seq.into(),
            event.kind.into(),
            event.captured_at.strftime("%Y-%m-%d %H:%M:%S").into(),
            event.actor.clone().into(),
            event.reason.clone().into(),
        ]);
    }
    table
}
