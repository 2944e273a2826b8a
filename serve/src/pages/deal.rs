//! A bid and an ask side by side, as the desk sees them, and what they would trade at.

use book::market::amount::short_address;
use book::market::matching::midpoint;
use book::market::order::Side;
use book::market::price::Price;
use book::market::record::{OrderRecord, OrderView};
use jiff::Timestamp;

use super::time::{Moment, ago};
use super::words::{money, price, rounded, short, tokens};
use crate::app::App;
use crate::problem::Problem;
use crate::refusal;

/// One of the two orders.
#[derive(Debug)]
pub(super) struct Leg {
    pub(super) id: String,
    pub(super) short: String,
    pub(super) side: &'static str,
    pub(super) heading: &'static str,
    pub(super) limit: &'static str,
    /// The customer's name, else the beginning of the wallet.
    pub(super) customer: String,
    pub(super) wallet: String,
    pub(super) account: String,
    pub(super) capacity: String,
    pub(super) solicited: bool,
    pub(super) price: String,
    pub(super) total: String,
    pub(super) until: Moment,
    pub(super) expired: bool,
    pub(super) received: Moment,
    pub(super) received_ago: String,
    pub(super) seq: u64,
    /// The only wallet that it may trade with.
    pub(super) counterparty: Option<String>,
}

/// What the two would trade at.
#[derive(Debug)]
pub(super) struct Midpoint {
    /// Dollars per whole token, to the hundredth of a cent.
    pub(super) price: String,
    /// Dollars that move.
    pub(super) total: String,
    /// The same in base units, as it is signed.
    pub(super) units: u128,
    /// How much less than its limit the buyer pays.
    pub(super) saved: String,
    /// How much more than its limit the seller gets.
    pub(super) gained: String,
}

/// The two, side by side.
#[derive(Debug)]
pub(super) struct Deal {
    pub(super) symbol: String,
    pub(super) quantity: String,
    /// The customers' names.
    pub(super) buyer: String,
    pub(super) seller: String,
    pub(super) bid: String,
    pub(super) ask: String,
    /// The bid, then the ask.
    pub(super) legs: [Leg; 2],
    /// Nothing if the limits do not cross.
    pub(super) midpoint: Option<Midpoint>,
}

/// What two orders would trade at.
pub(super) fn between(bid: &OrderRecord, ask: &OrderRecord) -> Option<Midpoint> {
    let total = midpoint(bid.limit_total, ask.limit_total)?;
    let unit = Price::rounded_down(total, bid.quantity, bid.decimals);
    Some(Midpoint {
        price: unit.map_or_else(String::new, rounded),
        total: money(total),
        units: total,
        saved: money(bid.limit_total - total),
        gained: money(total - ask.limit_total),
    })
}

/// The name that the directory has of an order's owner, else the beginning of its wallet.
///
/// # Errors
/// 503.
pub(super) async fn customer(app: &App, order: &OrderRecord) -> Result<String, Problem> {
    let directory = app.board.directory_of(order.owner).await;
    let directory = directory.map_err(refusal::board)?;
    let name = directory.name_of(order.owner);
    Ok(name.map_or_else(|| short_address(order.owner), str::to_owned))
}

fn leg(view: &OrderView, customer: String, now: Timestamp) -> Leg {
    let order = &view.record;
    let bid = order.side == Side::Bid;
    Leg {
        id: order.id.to_string(),
        short: short(order.id),
        side: order.side.as_str(),
        heading: if bid { "The bid" } else { "The ask" },
        limit: if bid {
            "pays at most"
        } else {
            "takes at least"
        },
        customer,
        wallet: order.owner.to_string(),
        account: order.account.clone(),
        capacity: order.capacity.as_str().replace('_', " "),
        solicited: order.solicited,
        price: price(order.price),
        total: money(order.limit_total),
        until: Moment::of_seconds(order.expiry),
        expired: view.expired,
        received: Moment::of(order.received_at),
        received_ago: ago(order.received_at, now),
        seq: view.posted_seq,
        counterparty: (!order.counterparty.is_zero()).then(|| order.counterparty.to_string()),
    }
}

impl Deal {
    /// Of a bid and an ask.
    ///
    /// # Errors
    /// 503.
    pub(super) async fn of(app: &App, bid: &OrderView, ask: &OrderView) -> Result<Self, Problem> {
        let (buyer, seller) = (
            customer(app, &bid.record).await?,
            customer(app, &ask.record).await?,
        );
        let now = app.now();
        Ok(Self {
            symbol: bid.record.symbol.clone(),
            quantity: tokens(bid.record.quantity, bid.record.decimals),
            midpoint: between(&bid.record, &ask.record),
            bid: bid.record.id.to_string(),
            ask: ask.record.id.to_string(),
            legs: [leg(bid, buyer.clone(), now), leg(ask, seller.clone(), now)],
            buyer,
            seller,
        })
    }

    /// What would be done, as part of a sentence.
    pub(super) fn words(&self) -> String {
        let total = self.midpoint.as_ref().map_or("", |found| &found.total);
        format!(
            "{} sells {} {} to {} for ${total}",
            self.seller, self.quantity, self.symbol, self.buyer
        )
    }
}
