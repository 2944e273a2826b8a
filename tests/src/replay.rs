//! Rebuilding a market from its logs alone (invariant I8 of the architecture).

use std::collections::{BTreeMap, BTreeSet};

use alloy::{
    primitives::{Address, B256, Bytes, Signature, U256},
    rpc::types::Log,
    sol_types::{Eip712Domain, SolEventInterface},
};

use crate::{
    bindings::{
        IDvPSettlement::{self, IDvPSettlementEvents as Event, Settled},
        ISecurityToken, Order,
    },
    chain::Chain,
    order::{self, state},
};

/// A settlement contract as its logs describe it.
#[derive(Clone, Debug, Default)]
pub struct Replay {
    /// Every order that was registered, with its signature (empty when its owner registered it).
    pub orders: BTreeMap<B256, (Order, Bytes)>,
    /// The orders that each owner cancelled before they were ever registered.
    pub voided: BTreeMap<B256, Order>,
    /// For each order that ever was committed: until when, and to which other. A release ends it in that second.
    pub commitments: BTreeMap<B256, Commitment>,
    /// Whether only committed pairs settle.
    pub commitment_required: bool,
    /// The state of each order ever mentioned.
    pub states: BTreeMap<B256, u8>,
    /// The settlements, in the order in which they happened.
    pub settlements: Vec<Settled>,
    /// Epochs above 0.
    pub epochs: BTreeMap<Address, u64>,
    /// Securities on the list.
    pub listed: BTreeSet<Address>,
    /// What each security supported when it was last listed: the extension for spenders, and holds.
    pub probed: BTreeMap<Address, (bool, bool)>,
    /// Roots of the off-chain log, with its size.
    pub anchors: Vec<(B256, u64)>,
    /// Who has which role.
    pub roles: BTreeSet<(B256, Address)>,
    /// Whether it is paused.
    pub paused: bool,
    /// Owners that run code (ERC-1271): what they accept as a signature does not follow from the logs.
    pub wallets: BTreeSet<Address>,
}

/// A commitment of one order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Commitment {
    /// When it stops binding, unix seconds.
    pub until: u64,
    /// The order on the other side.
    pub other: B256,
    /// Whether it was ended before its time.
    pub released: bool,
}

impl Replay {
    /// Replays a contract's logs, which must be all of them.
    ///
    /// # Panics
    /// When the logs contradict themselves: an order whose id is not its digest or that its owner did not sign, a state
    /// that goes back, a settlement of orders that do not fit, a gap in the settlement ids.
    pub fn of(logs: &[Log], domain: &Eip712Domain) -> Self {
        let mut replay = Self::default();
        for log in logs {
            let event = Event::decode_log(&log.inner).expect("every log is an event of the ABI");
            replay.apply(event.data, domain);
        }
        replay
    }

    /// Replays one more event.
    ///
    /// # Panics
    /// As [`Replay::of`].
    pub fn apply(&mut self, event: Event, domain: &Eip712Domain) {
        match event {
            Event::OrderRegistered(event) => {
                let IDvPSettlement::OrderRegistered {
                    id,
                    owner,
                    order,
                    signature,
                    by,
                    ..
                } = event;
                assert_eq!(
                    id,
                    order::id(&order, domain),
                    "the id is the order's digest"
                );
                assert_eq!(owner, order.owner);
                assert_eq!(event.security, order.security);
                if !self.wallets.contains(&owner) && (by != owner || !signature.is_empty()) {
                    let signer = Signature::from_raw(&signature)
                        .ok()
                        .and_then(|signature| signature.recover_address_from_prehash(&id).ok());
                    assert_eq!(signer, Some(owner), "order {id} is signed by its owner");
                }
                self.enter(id, state::NONE, state::OPEN);
                self.orders.insert(id, (order, signature));
            }
            Event::OrderCancelled(event) => {
                let from = self.states.get(&event.id).copied().unwrap_or(state::NONE);
                assert!(
                    from == state::NONE || from == state::OPEN,
                    "{} was {from}",
                    event.id
                );
                let is_known = self.orders.contains_key(&event.id);
                assert_ne!(
                    is_known,
                    self.voided.contains_key(&event.id),
                    "the terms of {} stand once in the logs",
                    event.id
                );
                self.states.insert(event.id, state::CANCELLED);
            }
            Event::OrderVoided(event) => {
                assert_eq!(event.id, order::id(&event.order, domain));
                assert_eq!(event.owner, event.order.owner);
                let found = self.states.get(&event.id);
                assert_eq!(found, None, "{} was known", event.id);
                self.voided.insert(event.id, event.order);
            }
            Event::EpochAdvanced(event) => {
                let before = self.epochs.insert(event.owner, event.epoch);
                assert!(before.unwrap_or(0) < event.epoch, "epochs advance");
            }
            Event::MatchCommitted(event) => {
                let (bid, ask) = (&self.orders[&event.bid].0, &self.orders[&event.ask].0);
                let total = (bid.limitTotal + ask.limitTotal) / U256::from(2);
                assert_eq!(event.total, total, "the midpoint");
                let until = event.until;
                for (id, other) in [(event.bid, event.ask), (event.ask, event.bid)] {
                    assert_eq!(self.states.get(&id), Some(&state::OPEN));
                    let commitment = Commitment {
                        until,
                        other,
                        released: false,
                    };
                    let before = self.commitments.insert(id, commitment);
                    assert_eq!(before, None, "{id} is committed once");
                }
            }
            Event::MatchReleased(event) => {
                for (id, other) in [(event.bid, event.ask), (event.ask, event.bid)] {
                    let commitment = self.commitments.get_mut(&id).expect("it was committed");
                    assert_eq!((commitment.other, commitment.released), (other, false));
                    commitment.released = true;
                }
            }
            Event::CommitmentRequiredSet(event) => self.commitment_required = event.required,
            Event::SecurityProbed(event) => {
                self.probed
                    .insert(event.security, (event.checksSpender, event.holds));
            }
            Event::Settled(event) => self.settle(event),
            Event::SecurityListed(event) => {
                if event.listed {
                    self.listed.insert(event.security);
                } else {
                    self.listed.remove(&event.security);
                }
            }
            Event::BookAnchored(event) => self.anchors.push((event.root, event.size)),
            Event::RoleGranted(event) => {
                self.roles.insert((event.role, event.account));
            }
            Event::RoleRevoked(event) => {
                self.roles.remove(&(event.role, event.account));
            }
            Event::Paused(_) => self.paused = true,
            Event::Unpaused(_) => self.paused = false,
            Event::HoldNotDropped(_) | Event::DefaultAdminTransferScheduled(_) => {}
        }
    }

    fn settle(&mut self, settled: Settled) {
        let (bid, ask) = (
            &self.orders[&settled.bidId].0,
            &self.orders[&settled.askId].0,
        );
        assert_eq!((bid.owner, ask.owner), (settled.buyer, settled.seller));
        assert_eq!(
            (bid.limitTotal, ask.limitTotal),
            (settled.bidLimit, settled.askLimit)
        );
        assert_eq!(
            (bid.quantity, ask.quantity),
            (settled.quantity, settled.quantity)
        );
        assert_eq!(
            (bid.security, ask.security),
            (settled.security, settled.security)
        );
        let total = (bid.limitTotal + ask.limitTotal) / U256::from(2);
        assert_eq!(settled.total, total, "the midpoint");
        assert_eq!(
            settled.settlementId,
            U256::from(self.settlements.len() + 1),
            "no gap"
        );
        self.enter(settled.bidId, state::OPEN, state::FILLED);
        self.enter(settled.askId, state::OPEN, state::FILLED);
        self.settlements.push(settled);
    }

    /// Invariant I2: forward only.
    fn enter(&mut self, id: B256, from: u8, to: u8) {
        let found = self.states.insert(id, to).unwrap_or(state::NONE);
        assert_eq!(found, from, "{id} goes to {to}");
    }

    /// Compares what was rebuilt with what the contract's views say.
    ///
    /// # Panics
    /// When anything differs.
    pub async fn verify(&self, chain: &Chain, settlement: Address) {
        for (&id, &expected) in &self.states {
            let call = IDvPSettlement::orderStateCall { id };
            assert_eq!(
                chain.call(settlement, &call).await,
                expected,
                "the state of {id}"
            );
        }
        for (&id, (order, _)) in &self.orders {
            let record = chain
                .call(settlement, &IDvPSettlement::getOrderCall { id })
                .await;
            assert_eq!(record.owner, order.owner);
            assert_eq!(record.side, order.side);
            // The terms of an order that was settled in the transaction that registered it are only in the log.
            let terms_are_stored =
                record.security != Address::ZERO || self.states[&id] != state::FILLED;
            if terms_are_stored {
                assert_eq!(record.security, order.security);
                assert_eq!(record.quantity, order.quantity);
                assert_eq!(record.limitTotal, order.limitTotal);
                assert_eq!(record.expiry, order.expiry);
                assert_eq!(record.epoch, order.epoch);
                assert_eq!(record.counterparty, order.counterparty);
            }
            assert_eq!(record.state, self.states[&id]);
            let call = IDvPSettlement::epochOfCall { owner: order.owner };
            let epoch = self.epochs.get(&order.owner).copied().unwrap_or_default();
            assert_eq!(chain.call(settlement, &call).await, epoch);
            let call = IDvPSettlement::isListedCall {
                security: order.security,
            };
            let listed = self.listed.contains(&order.security);
            assert_eq!(chain.call(settlement, &call).await, listed);
        }
        let count = chain
            .call(settlement, &IDvPSettlement::settlementCountCall {})
            .await;
        assert_eq!(count, U256::from(self.settlements.len()));
        assert_eq!(
            chain.call(settlement, &IDvPSettlement::pausedCall {}).await,
            self.paused
        );
        for &(role, account) in &self.roles {
            let call = IDvPSettlement::hasRoleCall { role, account };
            assert!(
                chain.call(settlement, &call).await,
                "{account} has role {role}"
            );
        }
    }
}

/// An ERC-20's balances according to its `Transfer` logs.
#[derive(Debug, Default)]
pub struct Holdings {
    /// Of every account ever mentioned.
    pub balances: BTreeMap<Address, U256>,
    /// Minted less burned.
    pub supply: U256,
}

impl Holdings {
    /// Replays a token's logs; all except `Transfer` are skipped.
    ///
    /// # Panics
    /// When an account sends what it does not have.
    pub fn of(logs: &[Log]) -> Self {
        let mut holdings = Self::default();
        for log in logs {
            let Ok(log) = log.log_decode::<ISecurityToken::Transfer>() else {
                continue;
            };
            let ISecurityToken::Transfer { from, to, value } = log.inner.data;
            if from == Address::ZERO {
                holdings.supply += value;
            } else {
                let balance = holdings.balances.entry(from).or_default();
                *balance = balance
                    .checked_sub(value)
                    .expect("nobody sends what he has not");
            }
            if to == Address::ZERO {
                holdings.supply -= value;
            } else {
                *holdings.balances.entry(to).or_default() += value;
            }
        }
        holdings
    }

    /// Compares with the token's views; invariant I7.
    ///
    /// # Panics
    /// When anything differs.
    pub async fn verify(&self, chain: &Chain, token: Address) {
        let mut sum = U256::ZERO;
        for (&account, &expected) in &self.balances {
            let balance = ISecurityToken::balanceOfCall { account };
            assert_eq!(
                chain.call(token, &balance).await,
                expected,
                "the balance of {account}"
            );
            sum += expected;
        }
        let supply = chain.call(token, &ISecurityToken::totalSupplyCall {}).await;
        assert_eq!(
            (sum, self.supply),
            (supply, supply),
            "the sum of the balances"
        );
    }
}
