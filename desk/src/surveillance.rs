//! What a supervisor looks at in the settlement contract's logs. The contract allows it, and an honest desk has an
//! answer.
//!
//! | kind | what is named |
//! | --- | --- |
//! | `both_sides` | an owner who bought and sold one security within a day: it could stand between two limits |
//! | `owner_role` | an owner who had the operator's or a principal's role when its trade settled |
//! | `anchor` | a root over fewer events than one before it, or over as many with another root |

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use alloy::primitives::{Address, B256, U256};
use alloy::rpc::types::Log;
use alloy::sol_types::SolEvent;
use book::market::count::counted;
use serde::Serialize;

use crate::chain::abi::{IDvPSettlement, role_name};
use crate::chain::{Chain, ChainError};

/// Seconds within which a purchase and a sale belong together.
const DAY: u64 = 24 * 60 * 60;

/// Something to look at.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Remark {
    /// `both_sides`, `owner_role` or `anchor`.
    pub kind: &'static str,
    /// What it is, with the transaction.
    pub words: String,
}

/// Whether an owner bought or sold a security.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Way {
    Bought,
    Sold,
}

/// One side of a settlement.
#[derive(Clone, Copy, Debug)]
struct Part {
    settlement: U256,
    block: u64,
    way: Way,
}

/// Reads the contract's logs in their order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Watch {
    /// Who now has a role that owners of orders should not have.
    holders: BTreeSet<(Address, B256)>,
    /// What each owner bought and sold of a security.
    parts: BTreeMap<(Address, Address), Vec<Part>>,
    /// The last anchor: size and root.
    anchor: Option<(u64, B256)>,
    found: Vec<Remark>,
}

impl Watch {
    pub(crate) fn take(&mut self, log: &Log, tx_hash: B256, block: u64) {
        if let Ok(event) = IDvPSettlement::RoleGranted::decode_log(&log.inner) {
            self.holders.insert((event.account, event.role));
        } else if let Ok(event) = IDvPSettlement::RoleRevoked::decode_log(&log.inner) {
            self.holders.remove(&(event.account, event.role));
        } else if let Ok(event) = IDvPSettlement::Settled::decode_log(&log.inner) {
            self.settled(&event.data, tx_hash, block);
        } else if let Ok(event) = IDvPSettlement::BookAnchored::decode_log(&log.inner) {
            self.anchored(event.size, event.root, tx_hash);
        }
    }

    fn settled(&mut self, event: &IDvPSettlement::Settled, tx_hash: B256, block: u64) {
        for (owner, way) in [(event.buyer, Way::Bought), (event.seller, Way::Sold)] {
            let parts = self.parts.entry((owner, event.security)).or_default();
            parts.push(Part {
                settlement: event.settlementId,
                block,
                way,
            });
            for name in ["OPERATOR_ROLE", "PRINCIPAL_ROLE"] {
                let role = crate::chain::abi::role(name);
                if self.holders.contains(&(owner, role)) {
                    let (id, role) = (event.settlementId, role_name(role));
                    let words = format!(
                        "{owner} had {role} when its trade settled: settlement {id}, transaction {tx_hash}"
                    );
                    self.found.push(Remark {
                        kind: "owner_role",
                        words,
                    });
                }
            }
        }
    }

    fn anchored(&mut self, size: u64, root: B256, tx_hash: B256) {
        if let Some((last, known)) = self.anchor {
            let words = if size < last {
                format!(
                    "transaction {tx_hash} anchors {}, although {last} were anchored before it",
                    counted(size, "event")
                )
            } else if size == last && root != known {
                format!(
                    "transaction {tx_hash} anchors {} under a different root than before",
                    counted(size, "event")
                )
            } else {
                String::new()
            };
            if !words.is_empty() {
                let kind = "anchor";
                self.found.push(Remark { kind, words });
            }
        }
        self.anchor = Some((size, root));
    }

    /// Everything there is to look at.
    ///
    /// # Errors
    /// What the chain answers: it is queried for the times of relevant blocks.
    pub(crate) async fn remarks(&self, chain: &Chain) -> Result<Vec<Remark>, ChainError> {
        let mut times = BTreeMap::new();
        let mut found = self.found.clone();
        for ((owner, security), parts) in &self.parts {
            if parts.iter().all(|part| part.way == parts[0].way) {
                continue;
            }
            for part in parts {
                if let Entry::Vacant(time) = times.entry(part.block) {
                    let block = chain.block(part.block).await?;
                    time.insert(block.map_or(0, |block| block.time));
                }
            }
            found.extend(both_sides(*owner, *security, parts, &times));
        }
        Ok(found)
    }
}

/// Each sale with a purchase of the same owner within a day, the nearest one by number.
fn both_sides(
    owner: Address,
    security: Address,
    parts: &[Part],
    times: &BTreeMap<u64, u64>,
) -> Vec<Remark> {
    let time = |part: &Part| times.get(&part.block).copied().unwrap_or_default();
    let sales = parts.iter().filter(|part| part.way == Way::Sold);
    sales
        .filter_map(|sale| {
            let bought = parts.iter().find(|part| {
                part.way == Way::Bought && time(part).abs_diff(time(sale)) < DAY
            })?;
            let words = format!(
                "{owner} is on both sides of {security} within a day: it bought in settlement {} and sold in settlement {}",
                bought.settlement, sale.settlement
            );
            let kind = "both_sides";
            Some(Remark { kind, words })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chain::abi::role;

    const OWNER: Address = Address::repeat_byte(1);
    const OTHER: Address = Address::repeat_byte(2);
    const SECURITY: Address = Address::repeat_byte(3);

    fn log<E: SolEvent>(event: &E) -> Log {
        let inner = alloy::primitives::Log {
            address: Address::repeat_byte(9),
            data: event.encode_log_data(),
        };
        Log {
            inner,
            ..Log::default()
        }
    }

    fn fill(number: u64, buyer: Address, seller: Address) -> IDvPSettlement::Settled {
        IDvPSettlement::Settled {
            settlementId: U256::from(number),
            bidId: B256::ZERO,
            askId: B256::ZERO,
            buyer,
            seller,
            security: SECURITY,
            quantity: U256::from(1),
            total: U256::from(1),
            bidLimit: U256::from(1),
            askLimit: U256::from(1),
            operator: Address::ZERO,
            crd: 1,
        }
    }

    fn anchor(size: u64, root: u8) -> IDvPSettlement::BookAnchored {
        IDvPSettlement::BookAnchored {
            root: B256::repeat_byte(root),
            size,
            operator: Address::ZERO,
        }
    }

    fn kinds(watch: &Watch) -> Vec<&'static str> {
        watch.found.iter().map(|remark| remark.kind).collect()
    }

    #[test]
    fn a_role_that_an_owner_had_at_the_fill_is_named_and_one_it_had_before_is_not() {
        let (tx, mut watch) = (B256::repeat_byte(7), Watch::default());
        let role = role("OPERATOR_ROLE");
        let granted = IDvPSettlement::RoleGranted {
            role,
            account: OWNER,
            sender: OTHER,
        };
        let revoked = IDvPSettlement::RoleRevoked {
            role,
            account: OWNER,
            sender: OTHER,
        };
        watch.take(&log(&fill(1, OWNER, OTHER)), tx, 1);
        watch.take(&log(&granted), tx, 2);
        watch.take(&log(&fill(2, OTHER, OWNER)), tx, 3);
        watch.take(&log(&revoked), tx, 4);
        watch.take(&log(&fill(3, OWNER, OTHER)), tx, 5);
        assert_eq!(kinds(&watch), ["owner_role"]);
        let words = &watch.found[0].words;
        assert!(
            words.contains("OPERATOR_ROLE") && words.contains("settlement 2"),
            "{words}"
        );
    }

    #[test]
    fn an_anchor_of_fewer_events_or_of_another_root_is_named() {
        let (tx, mut watch) = (B256::repeat_byte(7), Watch::default());
        for (size, root) in [(5, 1), (9, 2), (9, 2), (9, 3), (4, 4), (12, 5)] {
            watch.take(&log(&anchor(size, root)), tx, 1);
        }
        assert_eq!(kinds(&watch), ["anchor", "anchor"]);
        assert!(watch.found[0].words.contains("a different root"));
        assert!(
            watch.found[1]
                .words
                .contains("anchors 4 events, although 9")
        );
    }

    #[test]
    fn an_owner_on_both_sides_within_a_day_is_named() {
        let part = |settlement, block, way| Part {
            settlement: U256::from(settlement),
            block,
            way,
        };
        let times = BTreeMap::from([(1, 1_000), (2, 1_000 + DAY - 1), (3, 1_000 + DAY)]);
        let found = |parts: &[Part]| both_sides(OWNER, SECURITY, parts, &times).len();
        assert_eq!(found(&[part(1, 1, Way::Bought), part(2, 2, Way::Sold)]), 1);
        assert_eq!(found(&[part(1, 1, Way::Sold), part(2, 2, Way::Bought)]), 1);
        assert_eq!(found(&[part(1, 1, Way::Bought), part(2, 3, Way::Sold)]), 0);
        assert_eq!(found(&[part(1, 1, Way::Sold), part(2, 1, Way::Sold)]), 0);
    }
}
