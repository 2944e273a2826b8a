//! What an order still lacks to settle: balance and allowance of each of its two tokens, also when several open orders
//! of one owner together need more than there is. It is reported, never a reason to refuse an order.

use alloy::primitives::{Address, U256};
use book::board::commitment::binds;
use book::market::amount::COIN_DECIMALS;
use book::market::filter::OrderFilter;
use book::market::order::Side;
use book::market::record::{OrderRecord, OrderState, OrderView};
use desk::chain::abi::ISecurityToken;
use desk::means::{Asset, Means};
use serde::{Serialize, Serializer};

use crate::app::App;
use crate::problem::Problem;
use crate::refusal;
use crate::transaction::Transaction;

/// The coin's symbol.
pub(crate) const COIN: &str = "TsUSDC";

#[allow(clippy::trivially_copy_pass_by_ref)] // serde's signature.
fn text<S: Serializer>(value: &U256, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(value)
}

/// What is available of one token and what is needed, base units.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Need {
    /// The token.
    pub(crate) token: Address,
    /// Its symbol.
    pub(crate) symbol: String,
    /// Decimals of one whole token.
    pub(crate) decimals: u8,
    /// What can move.
    #[serde(serialize_with = "text")]
    pub(crate) free: U256,
    /// What the settlement contract may take.
    #[serde(serialize_with = "text")]
    pub(crate) allowance: U256,
    /// What this order gives.
    #[serde(serialize_with = "text")]
    pub(crate) needed: U256,
    /// How much of that is missing.
    #[serde(serialize_with = "text")]
    pub(crate) missing_balance: U256,
    /// How much of that the settlement contract may not take.
    #[serde(serialize_with = "text")]
    pub(crate) missing_allowance: U256,
    /// What all open orders of the owner give together, this one included.
    #[serde(serialize_with = "text")]
    pub(crate) needed_together: U256,
    /// How much of that is missing.
    #[serde(serialize_with = "text")]
    pub(crate) missing_balance_together: U256,
    /// How much of that the settlement contract may not take.
    #[serde(serialize_with = "text")]
    pub(crate) missing_allowance_together: U256,
    /// Allows exactly what all of them need; none where that is already allowed.
    pub(crate) approve: Option<Transaction>,
}

/// What an order gives of a token.
fn gives(order: &OrderRecord, token: Address) -> U256 {
    let (given, amount) = match order.side {
        Side::Bid => (order.payment, order.limit_total),
        Side::Ask => (order.security, order.quantity),
    };
    if given == token {
        U256::from(amount)
    } else {
        U256::ZERO
    }
}

/// The open orders of an owner that are not bound on chain: a committed order's tokens are already held.
async fn unbound(app: &App, owner: Address) -> Result<Vec<OrderRecord>, Problem> {
    let filter = OrderFilter {
        owner: Some(owner),
        state: Some(OrderState::Open),
        limit: Some(u32::MAX),
        ..OrderFilter::default()
    };
    let orders = app.board.orders(&filter).await.map_err(refusal::board)?;
    let now = app.now();
    let mut free = Vec::with_capacity(orders.len());
    for order in orders.into_iter().filter(|order| !order.expired) {
        let known = app.board.commitment_of(order.record.id).await;
        let known = known.map_err(refusal::board)?;
        if known.is_none_or(|(_, committed)| !binds(committed.until, now)) {
            free.push(order.record);
        }
    }
    Ok(free)
}

/// What an open order lacks, for its security and for the coin; `None` where it is not open, is bound on chain, or the
/// chain does not answer.
///
/// # Errors
/// Errors of the store.
pub(crate) async fn of(app: &App, order: &OrderView) -> Result<Option<[Need; 2]>, Problem> {
    if order.state != OrderState::Open || order.expired {
        return Ok(None);
    }
    let record = &order.record;
    let all = unbound(app, record.owner).await?;
    if !all.iter().any(|one| one.id == record.id) {
        return Ok(None);
    }
    let assets = [
        Asset::Security(record.security),
        Asset::Coin(record.payment),
    ];
    // An order can be viewed even while the node is away.
    let Ok(means) = app.node.means(record.owner, &assets).await else {
        return Ok(None);
    };
    let [security, coin] = means.as_slice() else {
        return Err(Problem::internal("the chain answered for other tokens"));
    };
    let of =
        |means: &Means, symbol: &str, decimals| need(app, record, &all, means, symbol, decimals);
    Ok(Some([
        of(security, &record.symbol, record.decimals),
        of(coin, COIN, COIN_DECIMALS),
    ]))
}

fn need(
    app: &App,
    order: &OrderRecord,
    all: &[OrderRecord],
    means: &Means,
    symbol: &str,
    decimals: u8,
) -> Need {
    let token = means.token;
    let needed = gives(order, token);
    let together = all
        .iter()
        .map(|one| gives(one, token))
        .fold(U256::ZERO, U256::saturating_add);
    let missing_allowance_together = together.saturating_sub(means.allowance);
    let approve = (!missing_allowance_together.is_zero()).then(|| {
        let book = app.board.identity();
        let call = ISecurityToken::approveCall {
            spender: book.contract,
            value: together,
        };
        Transaction::of(book.chain_id, token, &call)
    });
    Need {
        token,
        symbol: symbol.to_owned(),
        decimals,
        free: means.free,
        allowance: means.allowance,
        needed,
        missing_balance: needed.saturating_sub(means.free),
        missing_allowance: needed.saturating_sub(means.allowance),
        needed_together: together,
        missing_balance_together: together.saturating_sub(means.free),
        missing_allowance_together,
        approve,
    }
}
