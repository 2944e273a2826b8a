//! What an agent signs: orders, allowances, acts and transactions of one chain for the contracts of one profile, but
//! only what it can show in words.

use alloy::consensus::TxEip1559;
use alloy::primitives::{Address, TxKind, U256};
use alloy::sol_types::SolInterface;
use book::market::amount::{dollars, short_id, time, units};
use book::market::order::Side;

use super::signing::request::{ActTerms, CancelTerms, OrderTerms, PermitTerms, Request};
use super::signing::sign_in::SignIn;
use crate::chain::abi::{IDvPSettlement, ISecurityToken, ITsUSDC, canonical};

/// A security of the profile.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Known {
    /// Its contract.
    pub token: Address,
    /// Its symbol.
    pub symbol: String,
    /// Decimals of one whole token.
    pub decimals: u8,
}

/// A chain and the contracts of a profile.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Scope {
    /// The chain.
    pub chain_id: u64,
    /// The settlement contract.
    pub settlement: Option<Address>,
    /// The coin.
    pub coin: Option<Address>,
    /// The securities.
    pub securities: Vec<Known>,
}

/// Why an agent refuses to sign.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum OutOfScope {
    /// It is for another chain.
    #[error("it is for chain {found}, but the profile is on chain {wanted}")]
    Chain {
        /// The chain that it is for.
        found: u64,
        /// The profile's.
        wanted: u64,
    },
    /// It is for a contract that the profile does not name there.
    #[error("{found} is not the profile's {what}")]
    Contract {
        /// What it should be.
        what: &'static str,
        /// What it is for.
        found: Address,
    },
    /// Somebody else must sign it.
    #[error("it is for {found} to sign, but this is the key of {own}")]
    Owner {
        /// Whose it is.
        found: Address,
        /// Whose key this is.
        own: Address,
    },
    /// It sends ether, or creates a contract.
    #[error("it {0}: for that, run wallet lock and open the wallet itself")]
    Unusual(&'static str),
    /// It cannot be shown.
    #[error("its call cannot be read: no function of the profile's contract matches these bytes")]
    Unreadable,
}

impl Scope {
    /// What the key of `own` would sign, in words.
    ///
    /// # Errors
    /// The first reason in the order of [`OutOfScope`].
    pub fn words(&self, own: Address, request: &Request) -> Result<String, OutOfScope> {
        match request {
            Request::Order(order) => self.order(own, order),
            Request::Cancel(cancel) => self.cancel(cancel),
            Request::Permit(permit) => self.permit(own, permit),
            Request::Act(act) => self.act(act),
            Request::Transaction(tx) => self.transaction(own, tx),
            Request::SignIn(text) => self.sign_in(own, text),
        }
    }

    fn sign_in(&self, own: Address, text: &SignIn) -> Result<String, OutOfScope> {
        self.chain(text.chain_id)?;
        owned(own, text.address)?;
        let SignIn { domain, uri, .. } = text;
        Ok(format!("sign in at {domain}, {uri}"))
    }

    fn order(&self, own: Address, order: &OrderTerms) -> Result<String, OutOfScope> {
        self.chain(order.chain_id)?;
        is(self.settlement, "settlement contract", order.settlement)?;
        is(self.coin, "coin", order.payment)?;
        let security = self.security(order.security)?;
        owned(own, order.owner)?;
        let side = Side::from_code(order.side).map_or("order", Side::as_str);
        Ok(format!(
            "{side} {} {} for ${} in all, until {}: order {}",
            units(order.quantity, security.decimals),
            security.symbol,
            dollars(order.limit_total),
            time(order.expiry),
            short_id(order.id())
        ))
    }

    fn cancel(&self, cancel: &CancelTerms) -> Result<String, OutOfScope> {
        self.chain(cancel.chain_id)?;
        is(self.settlement, "settlement contract", cancel.settlement)?;
        Ok(format!("cancel order {}", short_id(cancel.id)))
    }

    fn permit(&self, own: Address, permit: &PermitTerms) -> Result<String, OutOfScope> {
        self.chain(permit.chain_id)?;
        is(self.settlement, "settlement contract", permit.spender)?;
        let amount = if Some(permit.token) == self.coin {
            format!("${}", dollars(permit.value))
        } else {
            let security = self.security(permit.token)?;
            format!(
                "{} {}",
                units(permit.value, security.decimals),
                security.symbol
            )
        };
        owned(own, permit.owner)?;
        let until = u64::try_from(permit.deadline).map_or_else(
            |_| "with no time limit".into(),
            |at| format!("until {}", time(at)),
        );
        Ok(format!(
            "permit: the settlement contract may take {amount}, {until}"
        ))
    }

    fn act(&self, act: &ActTerms) -> Result<String, OutOfScope> {
        self.chain(act.chain_id)?;
        is(self.settlement, "settlement contract", act.settlement)?;
        let what = format!("{} {}", act.act, short_id(act.subject));
        if act.total.is_zero() {
            return Ok(what);
        }
        Ok(format!(
            "{what}: bid {} with ask {} for ${}",
            short_id(act.bid),
            short_id(act.ask),
            dollars(act.total)
        ))
    }

    fn transaction(&self, own: Address, tx: &TxEip1559) -> Result<String, OutOfScope> {
        self.chain(tx.chain_id)?;
        let TxKind::Call(to) = tx.to else {
            return Err(OutOfScope::Unusual("creates a contract"));
        };
        if tx.value != U256::ZERO {
            return Err(OutOfScope::Unusual("sends ether"));
        }
        if to == own && tx.input.is_empty() {
            return Ok(format!(
                "transaction {}: nothing, to use up its nonce",
                tx.nonce
            ));
        }
        let call = if Some(to) == self.settlement {
            shown::<IDvPSettlement::IDvPSettlementCalls>(&tx.input)
        } else if Some(to) == self.coin {
            shown::<ITsUSDC::ITsUSDCCalls>(&tx.input)
        } else {
            self.security(to)?;
            shown::<ISecurityToken::ISecurityTokenCalls>(&tx.input)
        };
        let call = call.ok_or(OutOfScope::Unreadable)?;
        Ok(format!(
            "transaction {} to {}: {call}",
            tx.nonce,
            self.name(to)
        ))
    }

    fn chain(&self, found: u64) -> Result<(), OutOfScope> {
        let wanted = self.chain_id;
        if found == wanted {
            Ok(())
        } else {
            Err(OutOfScope::Chain { found, wanted })
        }
    }

    fn security(&self, token: Address) -> Result<&Known, OutOfScope> {
        let known = self.securities.iter().find(|known| known.token == token);
        known.ok_or(OutOfScope::Contract {
            what: "security",
            found: token,
        })
    }

    fn name(&self, contract: Address) -> &str {
        if Some(contract) == self.settlement {
            return "the settlement contract";
        }
        let security = self.security(contract);
        security.map_or("the coin", |known| known.symbol.as_str())
    }
}

fn is(known: Option<Address>, what: &'static str, found: Address) -> Result<(), OutOfScope> {
    if known == Some(found) {
        Ok(())
    } else {
        Err(OutOfScope::Contract { what, found })
    }
}

fn owned(own: Address, found: Address) -> Result<(), OutOfScope> {
    if found == own {
        Ok(())
    } else {
        Err(OutOfScope::Owner { found, own })
    }
}

/// A call with its arguments, on one line; `None` for bytes that contain more or less than the call.
fn shown<C: SolInterface + std::fmt::Debug>(input: &[u8]) -> Option<String> {
    canonical::<C>(input).map(|call| format!("{call:?}"))
}

#[cfg(test)]
mod tests {
    use alloy::primitives::{B256, Bytes};
    use alloy::sol_types::SolCall;

    use super::*;

    const OWN: Address = Address::repeat_byte(9);
    const SETTLEMENT: Address = Address::repeat_byte(1);
    const COIN: Address = Address::repeat_byte(2);
    const TOKEN: Address = Address::repeat_byte(3);
    const OTHER: Address = Address::repeat_byte(4);

    fn scope() -> Scope {
        Scope {
            chain_id: 412_346,
            settlement: Some(SETTLEMENT),
            coin: Some(COIN),
            securities: vec![Known {
                token: TOKEN,
                symbol: "HRBR".into(),
                decimals: 6,
            }],
        }
    }

    fn order() -> OrderTerms {
        OrderTerms {
            chain_id: 412_346,
            settlement: SETTLEMENT,
            owner: OWN,
            side: 0,
            security: TOKEN,
            payment: COIN,
            quantity: U256::from(1_000_000_000),
            limit_total: U256::from(10_250_000_000_u64),
            expiry: 1_800_000_000,
            epoch: 0,
            counterparty: Address::ZERO,
            board_ref: B256::ZERO,
        }
    }

    fn permit() -> PermitTerms {
        PermitTerms {
            name: "TsUSDC".into(),
            version: "2".into(),
            chain_id: 412_346,
            token: COIN,
            owner: OWN,
            spender: SETTLEMENT,
            value: U256::from(1_500_000),
            nonce: U256::ZERO,
            deadline: U256::from(1_800_000_000),
        }
    }

    fn cancel() -> CancelTerms {
        CancelTerms {
            chain_id: 412_346,
            settlement: SETTLEMENT,
            id: B256::repeat_byte(6),
        }
    }

    fn act() -> ActTerms {
        ActTerms {
            chain_id: 412_346,
            settlement: SETTLEMENT,
            act: "approve".into(),
            subject: B256::repeat_byte(5),
            bid: B256::repeat_byte(6),
            ask: B256::repeat_byte(7),
            total: U256::from(245_000_000),
            reason: B256::ZERO,
            time: 1_800_000_000,
        }
    }

    fn transaction(to: Address, input: Vec<u8>) -> TxEip1559 {
        TxEip1559 {
            chain_id: 412_346,
            nonce: 7,
            to: TxKind::Call(to),
            input: Bytes::from(input),
            ..TxEip1559::default()
        }
    }

    fn pause() -> Vec<u8> {
        ISecurityToken::pauseCall {}.abi_encode()
    }

    #[allow(clippy::needless_pass_by_value)] // Each is made for it.
    fn words(request: Request) -> Result<String, OutOfScope> {
        scope().words(OWN, &request)
    }

    fn sends(tx: TxEip1559) -> Result<String, OutOfScope> {
        words(Request::Transaction(Box::new(tx)))
    }

    #[test]
    fn what_is_signed_is_said_in_words() {
        let said = words(Request::Order(order())).unwrap();
        assert!(
            said.starts_with("bid 1,000 HRBR for $10,250.00 in all, until 2027-01-15"),
            "{said}"
        );
        let said = words(Request::Permit(permit())).unwrap();
        assert!(
            said.starts_with("permit: the settlement contract may take $1.50, until 2027"),
            "{said}"
        );
        let said = words(Request::Cancel(cancel())).unwrap();
        assert!(said.starts_with("cancel order 0x06060606"), "{said}");
        let said = words(Request::Act(act())).unwrap();
        assert!(said.starts_with("approve 0x05050505…"), "{said}");
        assert!(said.ends_with("for $245.00"), "{said}");
        let call = ISecurityToken::transferCall {
            to: OTHER,
            value: U256::from(5),
        };
        let said = sends(transaction(TOKEN, call.abi_encode())).unwrap();
        assert!(
            said.starts_with("transaction 7 to HRBR: transfer("),
            "{said}"
        );
        assert!(said.contains(&OTHER.to_string()), "{said}");
        let said = sends(transaction(OWN, Vec::new())).unwrap();
        assert!(said.contains("to use up its nonce"), "{said}");
    }

    #[test]
    fn another_chain_is_refused_whatever_is_to_be_signed() {
        let wanted = Err(OutOfScope::Chain {
            found: 1,
            wanted: 412_346,
        });
        let chain_id = 1;
        assert_eq!(
            words(Request::Order(OrderTerms {
                chain_id,
                ..order()
            })),
            wanted
        );
        assert_eq!(
            words(Request::Permit(PermitTerms {
                chain_id,
                ..permit()
            })),
            wanted
        );
        assert_eq!(words(Request::Act(ActTerms { chain_id, ..act() })), wanted);
        let elsewhere = CancelTerms {
            chain_id,
            ..cancel()
        };
        assert_eq!(words(Request::Cancel(elsewhere)), wanted);
        let tx = TxEip1559 {
            chain_id,
            ..transaction(TOKEN, pause())
        };
        assert_eq!(sends(tx), wanted);
    }

    #[test]
    fn another_contract_is_refused_wherever_it_stands() {
        let other = |what| Err(OutOfScope::Contract { what, found: OTHER });
        for (order, what) in [
            (
                OrderTerms {
                    settlement: OTHER,
                    ..order()
                },
                "settlement contract",
            ),
            (
                OrderTerms {
                    payment: OTHER,
                    ..order()
                },
                "coin",
            ),
            (
                OrderTerms {
                    security: OTHER,
                    ..order()
                },
                "security",
            ),
        ] {
            assert_eq!(words(Request::Order(order)), other(what));
        }
        for (permit, what) in [
            (
                PermitTerms {
                    spender: OTHER,
                    ..permit()
                },
                "settlement contract",
            ),
            (
                PermitTerms {
                    token: OTHER,
                    ..permit()
                },
                "security",
            ),
        ] {
            assert_eq!(words(Request::Permit(permit)), other(what));
        }
        let elsewhere = ActTerms {
            settlement: OTHER,
            ..act()
        };
        assert_eq!(words(Request::Act(elsewhere)), other("settlement contract"));
        let elsewhere = CancelTerms {
            settlement: OTHER,
            ..cancel()
        };
        assert_eq!(
            words(Request::Cancel(elsewhere)),
            other("settlement contract")
        );
        assert_eq!(sends(transaction(OTHER, pause())), other("security"));
    }

    fn sign_in(chain_id: u64, address: Address) -> Request {
        let text = format!(
            "board.example wants you to sign in with your Ethereum account:\n{address}\n\n\nURI: https://board.example\n\
             Version: 1\nChain ID: {chain_id}\nNonce: 00ff00ff\nIssued At: 2027-01-15T08:00:00Z"
        );
        Request::SignIn(text.parse().unwrap())
    }

    #[test]
    fn a_sign_in_is_of_this_chain_and_this_key() {
        let said = words(sign_in(412_346, OWN)).unwrap();
        assert_eq!(said, "sign in at board.example, https://board.example");
        assert!(matches!(
            words(sign_in(1, OWN)),
            Err(OutOfScope::Chain { .. })
        ));
        assert!(matches!(
            words(sign_in(412_346, OTHER)),
            Err(OutOfScope::Owner { .. })
        ));
    }

    #[test]
    fn what_is_somebody_elses_to_sign_is_refused() {
        let wanted = Err(OutOfScope::Owner {
            found: OTHER,
            own: OWN,
        });
        let owner = OTHER;
        assert_eq!(
            words(Request::Order(OrderTerms { owner, ..order() })),
            wanted
        );
        assert_eq!(
            words(Request::Permit(PermitTerms { owner, ..permit() })),
            wanted
        );
    }

    #[test]
    fn ether_a_creation_and_bytes_that_are_no_call_are_refused() {
        let ether = TxEip1559 {
            value: U256::from(1),
            ..transaction(TOKEN, pause())
        };
        assert_eq!(sends(ether), Err(OutOfScope::Unusual("sends ether")));
        let creation = TxEip1559 {
            to: TxKind::Create,
            ..transaction(TOKEN, pause())
        };
        assert_eq!(
            sends(creation),
            Err(OutOfScope::Unusual("creates a contract"))
        );
        let mut longer = pause();
        longer.push(0);
        for input in [vec![], vec![1, 2, 3, 4], longer] {
            assert_eq!(
                sends(transaction(TOKEN, input)),
                Err(OutOfScope::Unreadable)
            );
        }
    }
}
