//! The confirmation of a trade for one of its parties: what Rule 10b-10 of the Securities Exchange Act (17 CFR 240.10b-10)
//! requires, with the transaction and the place in the log. One page, and the same facts for programs.

use std::fmt::Write as _;

use alloy::primitives::{Address, B256, U256};
use serde::Serialize;

use super::proof::InclusionProof;
use crate::board::export::commission;
use crate::board::fills::Fill;
use crate::log::body::{BookAnchored, BookOpened};
use crate::market::amount::{dollars, plain, plain_dollars};
use crate::market::commission::Schedule;
use crate::market::days::Days;
use crate::market::order::Side;
use crate::market::price::Price;
use crate::market::record::{Capacity, OrderRecord};
use crate::market::security::Security;

/// The value of `format`.
pub const FORMAT: &str = "orderbook-confirmation/1";

/// What only the broker-dealer knows about itself.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Disclosures {
    /// Whether it is a member of the Securities Investor Protection Corporation; a non-member must say so.
    pub sipc_member: Option<bool>,
    /// Whether it makes a market in the securities; must be stated where it is principal.
    pub market_maker: Option<bool>,
    /// Where written requests go.
    pub contact: Option<String>,
}

/// What a confirmation needs besides the fill.
#[derive(Debug, Clone, Copy)]
pub struct Setting<'a> {
    /// Whose book it is.
    pub identity: &'a BookOpened,
    /// What was traded.
    pub security: &'a Security,
    /// The time zone of trade days.
    pub days: &'a Days,
    /// What is billed.
    pub commissions: &'a Schedule,
    /// What the broker-dealer states about itself.
    pub disclosures: &'a Disclosures,
    /// The customer's name, if the directory has it.
    pub name: Option<&'a str>,
    /// The last root on chain that covers the fill, with the proof that it does.
    pub proof: Option<(&'a BookAnchored, &'a InclusionProof)>,
}

/// The broker-dealer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct House {
    /// Legal name.
    pub name: String,
    /// CRD number.
    pub crd: u64,
    /// Legal entity identifier.
    pub lei: String,
    /// Where written requests go.
    pub contact: Option<String>,
}

/// The customer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Customer {
    /// The name, if the directory has it.
    pub name: Option<String>,
    /// The account.
    pub account: String,
    /// The wallet that signed the order.
    pub wallet: Address,
}

/// What was traded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Traded {
    /// Ticker.
    pub symbol: String,
    /// Full name.
    pub name: String,
    /// ISIN.
    pub isin: String,
    /// The token's contract.
    pub token: Address,
}

/// When.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct When {
    /// The time of the block, RFC 3339 in UTC; trade and settlement are one transaction.
    pub executed_at: String,
    /// The same in the local time of the trade day's zone.
    pub local: String,
    /// The trade day, which is the settlement day.
    pub trade_day: String,
}

/// What the customer is billed; none of it was taken from the trade.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fees {
    /// Dollars.
    pub commission_usd: String,
    /// Basis points of the total; 0 where the broker-dealer was principal.
    pub commission_bips: u16,
}

/// The transaction that moved both legs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OnChain {
    /// The chain.
    pub chain_id: u64,
    /// The settlement contract.
    pub contract: Address,
    /// The contract's sequence number.
    pub settlement_id: String,
    /// The transaction's hash.
    pub tx_hash: B256,
    /// The block's number.
    pub block: u64,
}

/// The place in the log.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Recorded {
    /// The event's number.
    pub seq: u64,
    /// The event's hash.
    pub hash: B256,
    /// The root on chain that covers it; none if the log has not been anchored since.
    pub anchor: Option<BookAnchored>,
    /// The proof that it does.
    pub proof: Option<InclusionProof>,
}

/// A confirmation.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Confirmation {
    /// [`FORMAT`].
    pub format: &'static str,
    /// Who confirms.
    pub broker_dealer: House,
    /// To whom.
    pub customer: Customer,
    /// `bought` or `sold`.
    pub action: &'static str,
    /// What.
    pub security: Traded,
    /// Whole tokens.
    pub quantity: String,
    /// Base units of the token.
    pub quantity_base_units: String,
    /// Dollars per whole token, rounded down to eighteen places where it is not exact.
    pub price_usd: String,
    /// Whether price times quantity is the total to the base unit.
    pub price_exact: bool,
    /// Dollars that moved.
    pub total_usd: String,
    /// Base units of the coin that moved.
    pub total_base_units: String,
    /// When.
    pub time: When,
    /// In which capacity the broker-dealer acted.
    pub capacity: Capacity,
    /// What is billed.
    pub fees: Fees,
    /// The required statements.
    pub statements: Vec<String>,
    /// The customer's order.
    pub order: B256,
    /// The transaction.
    pub transaction: OnChain,
    /// The place in the log.
    pub record: Recorded,
}

impl Confirmation {
    /// The confirmation for one side; `None` where the board does not have its order.
    pub fn of(fill: &Fill, side: Side, setting: &Setting<'_>) -> Option<Self> {
        let order = fill.side(side)?;
        let other = match side {
            Side::Bid => fill.side(Side::Ask),
            Side::Ask => fill.side(Side::Bid),
        };
        let Setting {
            identity,
            security,
            days,
            ..
        } = *setting;
        let total = fill.settled.total;
        let day = days.day_of(fill.event.occurred_at);
        let commission = U256::from(commission(order, fill, days, setting.commissions));
        let agency = order.capacity == Capacity::Agency;
        Some(Self {
            format: FORMAT,
            broker_dealer: House {
                name: identity.broker_dealer.clone(),
                crd: identity.crd,
                lei: identity.lei.to_string(),
                contact: setting.disclosures.contact.clone(),
            },
            customer: Customer {
                name: setting.name.map(str::to_owned),
                account: order.account.clone(),
                wallet: order.owner,
            },
            action: match side {
                Side::Bid => "bought",
                Side::Ask => "sold",
            },
            security: Traded {
                symbol: security.symbol.clone(),
                name: security.name.clone(),
                isin: security.isin.to_string(),
                token: security.token,
            },
            quantity: plain(U256::from(order.quantity), order.decimals),
            quantity_base_units: order.quantity.to_string(),
            price_usd: fill
                .price()
                .map_or_else(String::new, |price| price.to_string()),
            price_exact: Price::of(total, order.quantity, order.decimals).is_ok(),
            total_usd: plain_dollars(U256::from(total)),
            total_base_units: total.to_string(),
            time: When {
                executed_at: fill.event.occurred_at.to_string(),
                local: days.local(fill.event.occurred_at),
                trade_day: day.to_string(),
            },
            capacity: order.capacity,
            fees: Fees {
                commission_usd: plain_dollars(commission),
                commission_bips: if agency {
                    setting.commissions.bips_on(day)
                } else {
                    0
                },
            },
            statements: statements(order, other, setting),
            order: order.id,
            transaction: OnChain {
                chain_id: identity.chain_id,
                contract: identity.contract,
                settlement_id: fill.settled.settlement_id.to_string(),
                tx_hash: fill.settled.tx_hash,
                block: fill.settled.block,
            },
            record: Recorded {
                seq: fill.event.seq,
                hash: fill.event.hash,
                anchor: setting.proof.map(|(anchor, _)| anchor.clone()),
                proof: setting.proof.map(|(_, proof)| proof.clone()),
            },
        })
    }

    /// The page: self-contained, and prints on one sheet.
    pub fn to_html(&self) -> String {
        let mut page = String::with_capacity(6_000);
        let title = format!(
            "Confirmation of settlement {} for account {}",
            self.transaction.settlement_id, self.customer.account
        );
        let _ = write!(
            page,
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>{}</title>\n\
             <style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n<h1>Trade confirmation</h1>\n",
            escaped(&title)
        );
        let house = &self.broker_dealer;
        let _ = writeln!(
            page,
            "<p class=\"house\"><strong>{}</strong><br>CRD {}, LEI {}{}</p>",
            escaped(&house.name),
            house.crd,
            escaped(&house.lei),
            house
                .contact
                .as_ref()
                .map_or_else(String::new, |contact| format!("<br>{}", escaped(contact)))
        );
        let _ = writeln!(
            page,
            "<p class=\"sentence\">You {} <strong>{} {}</strong> at <strong>${}</strong>, in all \
             <strong>{}</strong>.</p>",
            self.action,
            escaped(&self.quantity),
            escaped(&self.security.symbol),
            escaped(&self.price_usd),
            escaped(&total(&self.total_base_units)),
        );
        page.push_str("<table>\n");
        for (name, value) in self.facts() {
            let _ = writeln!(
                page,
                "<tr><th scope=\"row\">{name}</th><td>{}</td></tr>",
                escaped(&value)
            );
        }
        page.push_str("</table>\n<ul>\n");
        for statement in &self.statements {
            let _ = writeln!(page, "<li>{}</li>", escaped(statement));
        }
        page.push_str("</ul>\n</main>\n</body>\n</html>\n");
        page
    }

    /// The rows of the page.
    fn facts(&self) -> Vec<(&'static str, String)> {
        let customer = match &self.customer.name {
            Some(name) => format!("{name}, account {}", self.customer.account),
            None => format!("account {}", self.customer.account),
        };
        let (security, time, chain) = (&self.security, &self.time, &self.transaction);
        let rounded = if self.price_exact {
            ""
        } else {
            ", rounded down; the total is exact"
        };
        let acted = match self.capacity {
            Capacity::Agency => "agent",
            Capacity::Principal => "principal, for our own account",
            Capacity::RisklessPrincipal => {
                "riskless principal, for our own account against a customer's order"
            }
        };
        let record = match &self.record.anchor {
            Some(anchor) => format!(
                "event {} of the log, hash {}; one of {} events under root {}, anchored in transaction {}",
                self.record.seq, self.record.hash, anchor.size, anchor.root, anchor.tx_hash
            ),
            None => format!(
                "event {} of the log, hash {}; no root on chain covers it yet",
                self.record.seq, self.record.hash
            ),
        };
        vec![
            ("Customer", customer),
            ("Wallet", self.customer.wallet.to_string()),
            (
                "Security",
                format!(
                    "{} ({}), ISIN {}",
                    security.name, security.symbol, security.isin
                ),
            ),
            ("Token", security.token.to_string()),
            ("Quantity", self.quantity.clone()),
            ("Price", format!("${} per token{rounded}", self.price_usd)),
            ("Total", total(&self.total_base_units)),
            (
                "Commission",
                format!(
                    "${} ({} basis points), billed separately: nothing was taken from the trade",
                    self.fees.commission_usd, self.fees.commission_bips
                ),
            ),
            (
                "Time of the trade",
                format!("{} ({})", time.local, time.executed_at),
            ),
            (
                "Trade and settlement day",
                format!("{}: both legs moved in one transaction", time.trade_day),
            ),
            ("We acted as", acted.to_owned()),
            (
                "Transaction",
                format!(
                    "{}, settlement {} of contract {}, block {} of chain {}",
                    chain.tx_hash, chain.settlement_id, chain.contract, chain.block, chain.chain_id
                ),
            ),
            ("Order", self.order.to_string()),
            ("Record", record),
        ]
    }
}

/// Dollars with groups, from the base units of the fill.
fn total(base_units: &str) -> String {
    let value = base_units.parse().unwrap_or_default();
    format!("${}", dollars(value))
}

/// The sentences that the rule requires, and those that are true of every trade here.
fn statements(
    order: &OrderRecord,
    other: Option<&OrderRecord>,
    setting: &Setting<'_>,
) -> Vec<String> {
    let mut said = Vec::new();
    match order.capacity {
        Capacity::Agency => said.push(
            match other.map(|other| other.capacity) {
                Some(Capacity::Agency) => {
                    "We acted as agent for you and as agent for the other party."
                }
                Some(_) => "We acted as agent for you; the other side was for our own account.",
                None => "We acted as agent for you.",
            }
            .to_owned(),
        ),
        Capacity::Principal | Capacity::RisklessPrincipal => {
            said.push("We acted as principal for our own account.".to_owned());
            said.push(
                match setting.disclosures.market_maker {
                    Some(true) => "We make a market in this security.",
                    Some(false) => "We do not make a market in this security.",
                    None => {
                        "Whether we make a market in this security will be furnished on written request."
                    }
                }
                .to_owned(),
            );
        }
    }
    let words = "The name of the other party, and the source and amount of any other remuneration we receive, will be furnished \
    on written request";
    said.push(match &setting.disclosures.contact {
        Some(contact) => format!("{words} to {contact}."),
        None => format!("{words}."),
    });
    said.push("No odd-lot differential or equivalent fee was charged.".to_owned());
    if setting.disclosures.sipc_member == Some(false) {
        let who = &setting.identity.broker_dealer;
        said.push(format!(
            "{who} is not a member of the Securities Investor Protection Corporation (SIPC)."
        ));
    }
    said
}

const STYLE: &str = "\
body { font: 11pt/1.4 system-ui, sans-serif; color: #111; background: #fff; margin: 0; }
main { max-width: 46rem; margin: 1.5rem auto; padding: 0 1rem; }
h1 { font-size: 16pt; margin: 0 0 .5rem; }
.sentence { font-size: 13pt; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: .25rem .5rem .25rem 0; border-top: 1px solid #ccc;
  overflow-wrap: anywhere; }
th { width: 11rem; font-weight: 600; }
ul { padding-left: 1.2rem; }
@page { size: auto; margin: 15mm; }
@media print { main { margin: 0; max-width: none; padding: 0; } body { font-size: 9.5pt; } }
";

/// Text between tags.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
    out
}
