//! Orders over HTTP: an investor's own, which its wallet signed; the desk sees the whole book.

use alloy::primitives::{Address, B256, Bytes, U256};
use axum::http::StatusCode;
use book::board::BoardError;
use book::board::act::WEB;
use book::board::answering::answering;
use book::board::posting::Posting;
use book::board::signature::ContractSignatures;
use book::log::By;
use book::log::event::EventType;
use book::market::filter::OrderFilter;
use book::market::investor::Directory;
use book::market::order::{Order, Side};
use book::market::price::Price;
use book::market::record::{Capacity, OrderState, OrderView};
use desk::eligibility::Refusal;
use desk::statement::{Statement, StatementError};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::access;
use crate::answers::Slot;
use crate::app::App;
use crate::caller::Caller;
use crate::fields::{self, Fields};
use crate::needs::{self, Need};
use crate::problem::{Bad, Problem};
use crate::query;
use crate::refusal;
use crate::route::{Call, Reply, WHOLE_BOOK};
use crate::sight;
use crate::terms;
use crate::void::{self, Voidness};
use crate::wait;

/// An order as it is sent.
#[derive(Debug)]
struct Sent {
    chain_id: u64,
    contract: Address,
    order: Order,
    signature: Bytes,
    price: Option<Price>,
    /// The lot that it answers.
    answers: Option<String>,
}

/// Whole seconds of an instant.
fn expiry(text: &str) -> Result<u64, String> {
    let time: Timestamp = fields::instant(text)?;
    if time.subsec_nanosecond() != 0 {
        return Err(format!(
            "{text:?} has a fraction of a second, but an order ends at a whole one"
        ));
    }
    u64::try_from(time.as_second()).map_err(|_| format!("{text:?} is before 1970"))
}

/// Reads a signed order: all that is wrong with its form at once.
fn sent(body: &[u8]) -> Result<Sent, Problem> {
    let mut all = Fields::of(body)?;
    let mut order = all.object("order");
    let chain_id = order.number("chain_id");
    let contract = order.address("contract");
    let owner = order.address("owner");
    let side = order.text("side", str::parse::<Side>);
    let security = order.address("security");
    let payment = order.address("payment");
    let quantity = order.amount("quantity");
    let total = order.amount("limit_total");
    let ends = order.text("expiry", expiry);
    let epoch = order.number("epoch");
    let counterparty = order.maybe("counterparty", book::market::address::parse);
    let board_ref = order.hash("board_ref");
    all.join(order);
    let signature = all.bytes("signature");
    let price = all.maybe("price", str::parse::<Price>);
    let answers = all.maybe("answers", str::parse::<String>);
    let read = (|| {
        Some(Sent {
            chain_id: chain_id?,
            contract: contract?,
            order: Order {
                owner: owner?,
                side: side?.code(),
                security: security?,
                payment: payment?,
                quantity: U256::from(quantity?),
                limitTotal: U256::from(total?),
                expiry: ends?,
                epoch: epoch?,
                counterparty: counterparty.unwrap_or_default(),
                boardRef: board_ref?,
            },
            signature: signature?,
            price,
            answers,
        })
    })();
    all.end(read)
}

/// The owner's investor, with every account.
async fn directory(app: &App, sent: &Sent) -> Result<Directory, Problem> {
    let found = app.board.directory_of(sent.order.owner).await;
    found.map_err(refusal::board)
}

/// What the desk must record with an order that came in over the web: unsolicited, as agent, for the owner's own
/// account.
fn posting(sent: &Sent, directory: &Directory, received_at: Timestamp) -> Result<Posting, Problem> {
    let owner = sent.order.owner;
    let statement = Statement {
        account: None,
        capacity: Capacity::Agency,
        solicited: false,
        received_at: Some(received_at),
        taken_by: WEB.to_owned(),
    };
    let account = statement.account(owner, directory).map_err(|error| {
        let words = if let StatementError::ManyAccounts { .. } = error {
            "the desk has several accounts for this wallet's owner and has not said which one to use"
        } else {
            "the desk has no account for this wallet: ask it to open one"
        };
        Problem::field("NO_ACCOUNT", "/order/owner", words)
    })?;
    Ok(Posting {
        order: sent.order.clone(),
        signature: sent.signature.clone(),
        price: sent.price,
        account,
        capacity: statement.capacity,
        solicited: statement.solicited,
        received_at,
        taken_by: statement.taken_by,
    })
}

/// Refuses an order that is not the caller's, is for another venue, or is not allowed, before the board looks at it.
async fn admissible(call: &Call, sent: &Sent) -> Result<(), Problem> {
    let (app, caller) = (&call.app, call.caller()?);
    if sent.order.owner != caller.wallet {
        return Err(Problem::not_allowed(
            "an investor posts orders that its own wallet signed",
        ));
    }
    let book = app.board.identity();
    let mut wrong = Vec::new();
    for (pointer, found, wanted) in [
        (
            "/order/chain_id",
            sent.chain_id.to_string(),
            book.chain_id.to_string(),
        ),
        (
            "/order/contract",
            sent.contract.to_string(),
            book.contract.to_string(),
        ),
    ] {
        if found != wanted {
            let words = format!("it is {found}, but this board settles through {wanted}");
            wrong.push(Bad::new(pointer, "OTHER_VENUE", words));
        }
    }
    if !wrong.is_empty() {
        let words = "the order is signed for another chain or contract";
        let problem = Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "OTHER_VENUE", words);
        return Err(problem.fields(wrong));
    }
    eligible(app, sent).await?;
    let order = &sent.order;
    let side = Side::from_code(order.side);
    terms::require(app, order.owner, side, order.security).await
}

/// Refuses an owner that the security's registry does not let hold it, and an order of another epoch.
async fn eligible(app: &App, sent: &Sent) -> Result<(), Problem> {
    let (securities, watched) = sight::look(app).await?;
    let (owner, token) = (sent.order.owner, sent.order.security);
    let mut sight = sight::as_watched(app, watched.as_ref(), owner, &securities).await?;
    // The owner's own transaction may just have changed the epoch that is remembered.
    if sight.epoch != sent.order.epoch {
        sight = sight::ask(app, owner, &securities).await?;
    }
    let Some(standing) = sight.standings.get(&token) else {
        let unknown = BoardError::UnknownSecurity(token.to_string());
        return Err(refusal::board(unknown));
    };
    if let Some(Refusal { restriction, words }) = &standing.refusal {
        let code = format!("RESTRICTION_{restriction}");
        let problem = Problem::field(
            code,
            "/order/owner",
            format!("restriction {restriction}: {words}"),
        );
        let problem = problem
            .hint(restriction.remedy())
            .with("restriction", restriction.number())
            .with("block", standing.block);
        return Err(match standing.until {
            0 => problem,
            until => problem.with("kyc_until", refusal::instant(until)),
        });
    }
    if sight.epoch != sent.order.epoch {
        let words = format!(
            "it is {}, but the owner's epoch is {}",
            sent.order.epoch, sight.epoch
        );
        return Err(Problem::field("BOARD_REFUSED", "/order/epoch", words));
    }
    Ok(())
}

/// Who posts, and in answer to which lot.
async fn by(app: &App, sent: &Sent) -> Result<By, Problem> {
    let Some(reference) = &sent.answers else {
        return Ok(By::new(WEB));
    };
    let unknown = || {
        let words = "it does not refer to a lot on this board";
        Problem::field("BAD_INPUT", "/answers", words)
    };
    let seq = app.lots.read(reference).ok_or_else(unknown)?;
    let events = app.board.events(seq, 1).await.map_err(refusal::board)?;
    let posted = events
        .first()
        .filter(|event| event.kind == EventType::OrderPosted);
    let id: B256 = posted
        .and_then(|event| event.subject.parse().ok())
        .ok_or_else(unknown)?;
    let lot = app
        .board
        .find(id)
        .await
        .map_err(refusal::board)?
        .ok_or_else(unknown)?;
    let other_side = lot.record.side.code() != sent.order.side;
    if lot.record.security != sent.order.security || !other_side {
        return Err(unknown());
    }
    Ok(answering(By::new(WEB), id))
}

/// What is reported of an order when it is posted: facts that never change, so that they can be reported again.
fn posted(order: &OrderView) -> Value {
    let record = &order.record;
    json!({
        "id": record.id,
        "seq": order.posted_seq,
        "state": OrderState::Open,
        "symbol": record.symbol,
        "price": record.price,
        "received_at": record.received_at,
        "captured_at": record.captured_at,
    })
}

fn slot(call: &Call) -> Result<&Slot, Problem> {
    call.answer
        .as_ref()
        .ok_or_else(|| Problem::internal("the route takes no key"))
}

/// `POST /v1/orders`.
pub(crate) async fn post(call: Call) -> Result<Reply, Problem> {
    call.query.end()?;
    let sent = sent(&call.body)?;
    admissible(&call, &sent).await?;
    let (app, keep) = (&call.app, slot(&call)?);
    let known = directory(app, &sent).await?;
    let posting = posting(&sent, &known, call.received_at)?;
    let by = by(app, &sent).await?;
    let keep = keep.keep(|order| posted(order).to_string());
    let node = app.node.as_ref();
    match app
        .board
        .post_keeping(
            posting,
            Some(signatures(node)),
            by,
            Some(keep),
            Some(&known),
        )
        .await
    {
        Ok(order) => Reply::json(StatusCode::CREATED, &posted(&order)),
        // The same signed order under another key.
        Err(BoardError::DuplicateOrder(id)) => again(app, id).await,
        Err(error) => Err(refusal::board(error)),
    }
}

fn signatures(node: &dyn crate::node::Node) -> &dyn ContractSignatures {
    node
}

/// The first answer to an order that is on the board.
async fn again(app: &App, id: B256) -> Result<Reply, Problem> {
    let order = app.board.find(id).await.map_err(refusal::board)?;
    let order =
        order.ok_or_else(|| Problem::internal(format!("order {id} is there and is not")))?;
    Reply::ok(&posted(&order))
}

/// `DELETE /v1/orders/{order}`.
pub(crate) async fn take_off(call: Call) -> Result<Reply, Problem> {
    call.query.end()?;
    let app = &call.app;
    let order = seen(&call, call.place("order")).await?;
    let id = order.record.id;
    let by = By::new(WEB).because("taken off the board by its owner");
    let event = app.board.cancel(id, by).await.map_err(refusal::board)?;
    Reply::ok(&json!({
        "id": id,
        "seq": event.seq,
        "state": OrderState::Cancelled,
        "void": false,
        "make_void": void::how(&order),
    }))
}

/// `POST /v1/orders/{order}/replace`.
pub(crate) async fn replace(call: Call) -> Result<Reply, Problem> {
    call.query.end()?;
    let sent = sent(&call.body)?;
    let old = seen(&call, call.place("order")).await?.record.id;
    admissible(&call, &sent).await?;
    let app = &call.app;
    let known = directory(app, &sent).await?;
    let posting = posting(&sent, &known, call.received_at)?;
    let node = app.node.as_ref();
    let order = match app
        .board
        .replace(old, posting, Some(signatures(node)), Some(&known))
        .await
    {
        Ok(order) => order,
        Err(BoardError::DuplicateOrder(id)) => return again_replaced(app, old, id).await,
        // The old order is closed, perhaps by this very order.
        Err(BoardError::NotOpen { id, state }) => {
            let sent =
                book::market::order::OrderHasher::new(sent.chain_id, sent.contract).id(&sent.order);
            return match again_replaced(app, old, sent).await {
                Ok(reply) => Ok(reply),
                Err(_) => Err(refusal::board(BoardError::NotOpen { id, state })),
            };
        }
        Err(error) => return Err(refusal::board(error)),
    };
    let mut answer = posted(&order);
    answer["replaces"] = json!(old);
    let reply = Reply::json(StatusCode::CREATED, &answer)?;
    slot(&call)?.fill(app, &reply).await?;
    Ok(reply)
}

/// The first answer to a replacement that was done.
async fn again_replaced(app: &App, old: B256, new: B256) -> Result<Reply, Problem> {
    let found = app.board.find(new).await.map_err(refusal::board)?;
    let done = app.board.replaced_by(old).await.map_err(refusal::board)?;
    match found {
        Some(order) if done == Some(new) => {
            let mut answer = posted(&order);
            answer["replaces"] = json!(old);
            Reply::ok(&answer)
        }
        _ => Err(refusal::board(BoardError::DuplicateOrder(new))),
    }
}

/// An order that a caller may see: by its whole id, so that nobody can search for others' orders by their first digits.
///
/// # Errors
/// 404, the same whether there is no such order or it belongs to another; 503.
pub(crate) async fn seen(call: &Call, id: &str) -> Result<OrderView, Problem> {
    let unknown = || Problem::not_found("order");
    let id = fields::hash(id).map_err(|_| unknown())?;
    let caller = call.caller()?;
    let found = call.app.board.find(id).await.map_err(refusal::board)?;
    let whole = caller.is_any(WHOLE_BOOK);
    found
        .filter(|order| whole || (caller.is_investor() && order.record.owner == caller.wallet))
        .ok_or_else(unknown)
}

/// An order as its owner signed it.
pub(crate) fn signed_json(order: &OrderView) -> Value {
    let record = &order.record;
    json!({
        "chain_id": record.chain_id,
        "contract": record.contract,
        "owner": record.owner,
        "side": record.side,
        "security": record.security,
        "payment": record.payment,
        "quantity": record.quantity.to_string(),
        "limit_total": record.limit_total.to_string(),
        "expiry": refusal::instant(record.expiry),
        "epoch": record.epoch,
        "counterparty": record.counterparty,
        "board_ref": record.board_ref,
    })
}

pub(crate) fn order_json(order: &OrderView) -> Value {
    let record = &order.record;
    json!({
        "id": record.id,
        "order": signed_json(order),
        "signature": record.signature,
        "symbol": record.symbol,
        "isin": record.isin,
        "decimals": record.decimals,
        "price": record.price,
        "account": record.account,
        "capacity": record.capacity,
        "solicited": record.solicited,
        "taken_by": record.taken_by,
        "received_at": record.received_at,
        "captured_at": record.captured_at,
        "state": order.state,
        "expired": order.expired,
        "seq": order.posted_seq,
        "closed_seq": order.closed_seq,
    })
}

/// What is reported of one order besides the order itself.
#[derive(Debug, Clone)]
pub(crate) struct Detail {
    /// The order that took its place.
    pub(crate) replaced_by: Option<B256>,
    /// What it lacks of its security and of the coin; `None` if it is not open, or the chain does not answer.
    pub(crate) needs: Option<[Need; 2]>,
    /// Whether it is void, not just off the board.
    pub(crate) voidness: Voidness,
    /// The order whose lot it answers: for the desk only.
    pub(crate) answers: Option<B256>,
}

/// What is reported of one order besides the order itself, to a caller who may see it.
///
/// # Errors
/// 503.
pub(crate) async fn detail(
    app: &App,
    caller: &Caller,
    order: &OrderView,
) -> Result<Detail, Problem> {
    let replaced_by = app.board.replaced_by(order.record.id).await;
    let answers = if caller.is_any(WHOLE_BOOK) {
        let answered = app.board.answered_by([order]).await;
        answered.map_err(refusal::board)?.remove(&order.record.id)
    } else {
        None
    };
    Ok(Detail {
        replaced_by: replaced_by.map_err(refusal::board)?,
        needs: needs::of(app, order).await?,
        voidness: void::view(app, order).await?,
        answers,
    })
}

/// `GET /v1/orders/{order}`.
pub(crate) async fn show(call: Call) -> Result<Reply, Problem> {
    wait::min_seq(&call).await?;
    call.query.end()?;
    let order = seen(&call, call.place("order")).await?;
    access::seen(&call, "GET /v1/orders/{order}", [order.record.owner]).await?;
    let mut shown = order_json(&order);
    let detail = detail(&call.app, call.caller()?, &order).await?;
    shown["replaced_by"] = json!(detail.replaced_by);
    shown["needs"] = json!(detail.needs);
    shown["void"] = json!(detail.voidness);
    if let Some(answers) = detail.answers {
        shown["answers"] = json!(answers);
    }
    Reply::ok(&shown)
}

/// `GET /v1/orders`, newest first.
pub(crate) async fn list(call: Call) -> Result<Reply, Problem> {
    wait::min_seq(&call).await?;
    let (app, caller) = (&call.app, call.caller()?);
    let state = call.query.take("state", str::parse::<OrderState>)?;
    let side = call.query.take("side", str::parse::<Side>)?;
    let security = call.query.text("security");
    let limit = call.query.limit()?;
    let cursor = call.query.text("cursor");
    call.query.end()?;
    let owner = (!caller.is_any(WHOLE_BOOK)).then_some(caller.wallet);
    let list = format!("orders {owner:?} {state:?} {side:?} {security:?}");
    let before = cursor.map(|cursor| {
        let place = app.cursors.read(&list, &cursor);
        place
            .and_then(|place| place.parse().ok())
            .ok_or_else(|| query::bad("cursor", "it is not a cursor of this list"))
    });
    let filter = OrderFilter {
        security,
        side,
        state,
        owner,
        before_seq: before.transpose()?,
        descending: true,
        limit: Some(limit),
        ..OrderFilter::default()
    };
    let seq = crate::market::seq(app).await?;
    let orders = match app.board.orders(&filter).await {
        Ok(orders) => orders,
        // Same as for an investor without orders in it.
        Err(BoardError::UnknownSecurity(_)) => Vec::new(),
        Err(error) => return Err(refusal::board(error)),
    };
    let owners = orders.iter().map(|order| order.record.owner);
    access::seen(&call, "GET /v1/orders", owners).await?;
    let full = u32::try_from(orders.len()).is_ok_and(|count| count == limit);
    let next = orders.last().filter(|_| full);
    let next = next.map(|last| app.cursors.write(&list, &last.posted_seq.to_string()));
    Reply::ok(&json!({
        "seq": seq,
        "orders": orders.iter().map(order_json).collect::<Vec<_>>(),
        "cursor": next,
    }))
}
