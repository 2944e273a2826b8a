//! A market with one pair that settles: 100 securities for a bid of 1,050 and an ask of 1,020.

use std::{
    any::Any,
    cell::RefCell,
    rc::{Rc, Weak},
    sync::{Mutex, MutexGuard, PoisonError},
};

use alloy_primitives::{Address, B256, FixedBytes, LogData, U256};
use alloy_signer::SignerSync;
use alloy_sol_types::{Eip712Domain, SolEvent, SolStruct, sol};
use motsu::prelude::*;
use runtime::abi::Revert;
use stylus_sdk::abi::Bytes;

use super::token::MockToken;
use crate::{
    DvPSettlement,
    administration::{operator_role, pauser_role, principal_role},
    commitment::Commitment,
    error::Error,
    event::Settled,
    order::{ASK, BID, Order},
};

sol! {
    /// As the interface has it, for an encoding that is not the contract's own.
    struct CancelOrder {
        bytes32 id;
    }
}

/// The clock of motsu, which stands still.
pub(crate) const NOW: u64 = 1_735_689_600;

/// The broker-dealer's CRD number.
pub(crate) const CRD: u64 = 123_456;

/// What the pair moves: quantity, both limits, and the midpoint.
pub(crate) const QUANTITY: u64 = 100;
pub(crate) const BID_LIMIT: u64 = 1_050;
pub(crate) const ASK_LIMIT: u64 = 1_020;
pub(crate) const TOTAL: u64 = 1_035;

/// Until when a pair is committed, and the latest that it can be: three days ahead.
pub(crate) const UNTIL: u64 = NOW + 3_600;
pub(crate) const LATEST: u64 = NOW + 259_200;

pub(crate) fn u(value: u64) -> U256 {
    U256::from(value)
}

/// Everything that a refusal must leave as it was.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct State {
    holdings: Vec<U256>,
    allowances: Vec<U256>,
    held: Vec<U256>,
    orders: Vec<(u8, bool)>,
    commitments: Vec<(u64, FixedBytes<27>)>,
    settlements: U256,
    epochs: Vec<u64>,
    events: usize,
}

pub(crate) struct Market {
    pub(crate) dvp: Contract<DvPSettlement>,
    pub(crate) security: Contract<MockToken>,
    pub(crate) cash: Contract<MockToken>,
    pub(crate) admin: Account,
    pub(crate) operator: Account,
    pub(crate) principal: Account,
    pub(crate) pauser: Account,
    pub(crate) seller: Account,
    pub(crate) buyer: Account,
    pub(crate) stranger: Account,
    _precompiles: Box<dyn Any>,
    _turn: Turn,
}

/// One test's turn to use motsu, which gives up when another thread holds its storage for 10 ms.
pub(crate) type Turn = Rc<MutexGuard<'static, ()>>;

/// Waits for this thread's turn; a test that has it has it again.
pub(crate) fn turn() -> Turn {
    static MOTSU: Mutex<()> = Mutex::new(());
    thread_local! {
        static TURN: RefCell<Weak<MutexGuard<'static, ()>>> = const { RefCell::new(Weak::new()) };
    }
    TURN.with_borrow_mut(|known| {
        known.upgrade().unwrap_or_else(|| {
            let turn = Rc::new(MOTSU.lock().unwrap_or_else(PoisonError::into_inner));
            *known = Rc::downgrade(&turn);
            turn
        })
    })
}

impl Market {
    /// A listed security, a funded seller and buyer who allow the contract exactly what the pair needs; tokens without
    /// holds.
    pub(crate) fn new() -> Self {
        Self::open(false, false)
    }

    /// The same with tokens that have holds, and a principal.
    pub(crate) fn firm() -> Self {
        Self::with_holds(true, true)
    }

    /// The same, where the security has holds, or the cash, or both.
    pub(crate) fn with_holds(security: bool, cash: bool) -> Self {
        let market = Self::open(security, cash);
        market
            .dvp
            .sender(market.admin)
            .grant_role(principal_role(), market.principal.address())
            .motsu_unwrap();
        market
    }

    fn open(security_has_holds: bool, cash_has_holds: bool) -> Self {
        let turn = turn();
        let market = Self {
            dvp: Contract::new(),
            security: Contract::new(),
            cash: Contract::new(),
            admin: Account::from_seed("admin"),
            operator: Account::from_seed("operator"),
            principal: Account::from_seed("principal"),
            pauser: Account::from_seed("pauser"),
            seller: Account::from_seed("seller"),
            buyer: Account::from_seed("buyer"),
            stranger: Account::from_seed("stranger"),
            _precompiles: Box::new(deploy_precompiles()),
            _turn: turn,
        };
        let Self {
            dvp,
            security,
            cash,
            admin,
            operator,
            pauser,
            seller,
            buyer,
            ..
        } = &market;
        security.sender(*admin).set_has_holds(security_has_holds);
        cash.sender(*admin).set_has_holds(cash_has_holds);
        dvp.sender(*admin)
            .constructor(
                "Example Securities LLC".into(),
                CRD,
                "5493001KJTIIGC8Y1R12".into(),
                cash.address(),
                admin.address(),
                operator.address(),
            )
            .motsu_unwrap();
        dvp.sender(*admin)
            .grant_role(pauser_role(), pauser.address())
            .motsu_unwrap();
        security.sender(*admin).set_checks_spender(true);
        dvp.sender(*admin)
            .list_security(security.address(), true)
            .motsu_unwrap();
        security.sender(*admin).hold(seller.address(), u(1_000));
        security
            .sender(*admin)
            .allow(seller.address(), dvp.address(), u(QUANTITY));
        cash.sender(*admin).hold(buyer.address(), u(50_000));
        cash.sender(*admin)
            .allow(buyer.address(), dvp.address(), u(TOTAL));
        market
    }

    pub(crate) fn order(&self, side: u8) -> Order {
        let (owner, limit) = if side == BID {
            (self.buyer, BID_LIMIT)
        } else {
            (self.seller, ASK_LIMIT)
        };
        Order {
            owner: owner.address(),
            side,
            security: self.security.address(),
            payment: self.cash.address(),
            quantity: u(QUANTITY),
            limitTotal: u(limit),
            expiry: NOW + 3_600,
            epoch: 0,
            counterparty: Address::ZERO,
            boardRef: B256::repeat_byte(side + 1),
        }
    }

    pub(crate) fn bid(&self) -> Order {
        self.order(BID)
    }

    pub(crate) fn ask(&self) -> Order {
        self.order(ASK)
    }

    pub(crate) fn id(&self, order: &Order) -> B256 {
        self.dvp.sender(self.stranger).order_id(order.clone())
    }

    /// The signature of `order` by `account`.
    pub(crate) fn signed_by(&self, account: Account, order: &Order) -> Bytes {
        let signature = account.signer().sign_hash_sync(&self.id(order)).unwrap();
        Bytes(signature.as_bytes().to_vec())
    }

    /// What the owner of the order `id` signs to cancel it.
    pub(crate) fn cancel_digest(&self, id: B256) -> B256 {
        let domain = Eip712Domain::new(
            Some("DvP Settlement".into()),
            Some("1".into()),
            Some(u(42_161)),
            Some(self.dvp.address()),
            None,
        );
        CancelOrder { id }.eip712_signing_hash(&domain)
    }

    /// The signature by `account` of the cancel of the order `id`.
    pub(crate) fn cancel_signature(&self, account: Account, id: B256) -> Bytes {
        let digest = self.cancel_digest(id);
        let signature = account.signer().sign_hash_sync(&digest).unwrap();
        Bytes(signature.as_bytes().to_vec())
    }

    /// The signature of `order` by the seller or the buyer who owns it.
    pub(crate) fn signature(&self, order: &Order) -> Bytes {
        let owner = [self.seller, self.buyer]
            .into_iter()
            .find(|one| one.address() == order.owner);
        self.signed_by(owner.unwrap_or(self.stranger), order)
    }

    pub(crate) fn try_register(&self, order: &Order) -> Result<B256, Revert> {
        let signature = self.signature(order);
        self.dvp
            .sender(self.operator)
            .register_order(order.clone(), signature)
            .motsu_res()
    }

    pub(crate) fn register(&self, order: &Order) -> B256 {
        self.try_register(order).unwrap()
    }

    /// Registers the pair that settles.
    pub(crate) fn pair(&self) -> (B256, B256) {
        (self.register(&self.bid()), self.register(&self.ask()))
    }

    pub(crate) fn settle(&self, (bid, ask): (B256, B256)) -> Result<U256, Revert> {
        self.dvp.sender(self.operator).settle(bid, ask).motsu_res()
    }

    /// The principal commits the pair.
    pub(crate) fn commit(&self, (bid, ask): (B256, B256), until: u64) -> Result<(), Revert> {
        self.dvp
            .sender(self.principal)
            .commit_match(bid, ask, until)
            .motsu_res()
    }

    /// Registers the pair that settles, and commits it.
    pub(crate) fn committed_pair(&self) -> (B256, B256) {
        let pair = self.pair();
        self.commit(pair, UNTIL).unwrap();
        pair
    }

    pub(crate) fn release(&self, (bid, ask): (B256, B256)) -> Result<(), Revert> {
        self.dvp
            .sender(self.operator)
            .release_match(bid, ask, B256::repeat_byte(5))
            .motsu_res()
    }

    /// What the contract says that an order is committed to.
    pub(crate) fn commitment(&self, id: B256) -> (u64, FixedBytes<27>) {
        let view = self.dvp.sender(self.stranger).commitment_of(id);
        (view.until, view.other)
    }

    /// Amounts and ends of the holds of a pair: of the security, and of the cash.
    pub(crate) fn holds(&self, (bid, ask): (B256, B256)) -> [(U256, U256); 2] {
        let (placer, seller, buyer) = (
            self.dvp.address(),
            self.seller.address(),
            self.buyer.address(),
        );
        [
            self.security
                .sender(self.stranger)
                .hold_of(placer, seller, ask),
            self.cash.sender(self.stranger).hold_of(placer, buyer, bid),
        ]
    }

    /// Ends a pair's commitment as time does, since the clock of motsu stands still.
    pub(crate) fn lapse(&self, (bid, ask): (B256, B256)) {
        let mut dvp = self.dvp.sender(self.admin);
        dvp.set_commitment(bid, Commitment::new(NOW, ask));
        dvp.set_commitment(ask, Commitment::new(NOW, bid));
        let (placer, seller, buyer) = (
            self.dvp.address(),
            self.seller.address(),
            self.buyer.address(),
        );
        self.security
            .sender(self.admin)
            .break_hold(placer, seller, ask);
        self.cash.sender(self.admin).break_hold(placer, buyer, bid);
    }

    pub(crate) fn preflight(&self, (bid, ask): (B256, B256)) -> (Vec<u8>, u8) {
        let forecast = self.dvp.sender(self.stranger).preflight(bid, ask);
        (forecast.failures, forecast.restrictionCode)
    }

    pub(crate) fn settle_signed(&self, bid: &Order, ask: &Order) -> Result<U256, Revert> {
        self.settle_with(bid, self.signature(bid), ask, self.signature(ask))
    }

    pub(crate) fn settle_with(
        &self,
        bid: &Order,
        bid_signature: Bytes,
        ask: &Order,
        ask_signature: Bytes,
    ) -> Result<U256, Revert> {
        self.dvp
            .sender(self.operator)
            .settle_signed(bid.clone(), bid_signature, ask.clone(), ask_signature)
            .motsu_res()
    }

    pub(crate) fn preflight_signed(&self, bid: &Order, ask: &Order) -> (Vec<u8>, u8) {
        let (bid_signature, ask_signature) = (self.signature(bid), self.signature(ask));
        let forecast = self.dvp.sender(self.stranger).preflight_signed(
            bid.clone(),
            bid_signature,
            ask.clone(),
            ask_signature,
        );
        (forecast.failures, forecast.restrictionCode)
    }

    pub(crate) fn order_state(&self, id: B256) -> u8 {
        self.dvp.sender(self.stranger).order_state(id)
    }

    pub(crate) fn count(&self) -> U256 {
        self.dvp.sender(self.stranger).settlement_count()
    }

    /// Securities and cash of seller, buyer and the contract.
    pub(crate) fn holdings(&self) -> Vec<U256> {
        let accounts = [
            self.seller.address(),
            self.buyer.address(),
            self.dvp.address(),
        ];
        let mut holdings = vec![];
        for token in [&self.security, &self.cash] {
            for account in accounts {
                holdings.push(token.sender(self.stranger).held(account));
            }
        }
        holdings
    }

    pub(crate) fn state(&self, ids: &[B256]) -> State {
        let parties = [self.seller.address(), self.buyer.address()];
        let (mut allowances, mut held) = (vec![], vec![]);
        for token in [&self.security, &self.cash] {
            for party in parties {
                held.push(token.sender(self.stranger).held_balance(party));
                allowances.push(
                    token
                        .sender(self.stranger)
                        .allowed(party, self.dvp.address()),
                );
            }
        }
        let dvp = |id: B256| self.dvp.sender(self.stranger).is_expired(id);
        State {
            holdings: self.holdings(),
            allowances,
            held,
            commitments: ids.iter().map(|&id| self.commitment(id)).collect(),
            orders: ids
                .iter()
                .map(|&id| (self.order_state(id), dvp(id)))
                .collect(),
            settlements: self.count(),
            epochs: parties
                .map(|party| self.dvp.sender(self.stranger).epoch_of(party))
                .to_vec(),
            events: self.dvp.all_events().len(),
        }
    }

    /// Asserts that `act` is refused with `error` and leaves everything as it was.
    #[track_caller]
    pub(crate) fn assert_refused<T: std::fmt::Debug>(
        &self,
        ids: &[B256],
        error: Error,
        act: impl FnOnce() -> Result<T, Revert>,
    ) {
        self.assert_refused_with(ids, &Revert::from(error), act);
    }

    #[track_caller]
    pub(crate) fn assert_refused_with<T: std::fmt::Debug>(
        &self,
        ids: &[B256],
        refusal: &Revert,
        act: impl FnOnce() -> Result<T, Revert>,
    ) {
        let before = self.state(ids);
        assert_eq!(&act().unwrap_err(), refusal);
        assert_eq!(self.state(ids), before);
    }

    /// Asserts that the pair is refused for `failure`, as preflight predicts, and that nothing moves.
    #[track_caller]
    pub(crate) fn assert_fails(&self, pair: (B256, B256), failures: &[u8], restriction: u8) {
        assert_eq!(self.preflight(pair), (failures.to_vec(), restriction));
        let failure = failures[0];
        let restriction_code = if failure == 19 { restriction } else { 0 };
        let error = Error::SettlementRefused {
            failure,
            restriction_code,
        };
        self.assert_refused(&[pair.0, pair.1], error, || self.settle(pair));
    }

    /// Likewise for two signed orders.
    #[track_caller]
    pub(crate) fn assert_signed_fails(&self, bid: &Order, ask: &Order, failures: &[u8]) {
        assert_eq!(self.preflight_signed(bid, ask), (failures.to_vec(), 0));
        let error = Error::SettlementRefused {
            failure: failures[0],
            restriction_code: 0,
        };
        let ids = [self.id(bid), self.id(ask)];
        self.assert_refused(&ids, error, || self.settle_signed(bid, ask));
    }

    /// The event of the first settlement, of the pair of these ids.
    pub(crate) fn settled(&self, bid_id: B256, ask_id: B256) -> Settled {
        Settled {
            settlementId: u(1),
            bidId: bid_id,
            askId: ask_id,
            buyer: self.buyer.address(),
            seller: self.seller.address(),
            security: self.security.address(),
            quantity: u(QUANTITY),
            total: u(TOTAL),
            bidLimit: u(BID_LIMIT),
            askLimit: u(ASK_LIMIT),
            operator: self.operator.address(),
            crd: CRD,
        }
    }

    /// The logs of the contract that are events `E`.
    pub(crate) fn events<E: SolEvent>(&self) -> Vec<E> {
        let logs: Vec<LogData> = self.dvp.all_events();
        logs.iter()
            .filter_map(|log| E::decode_log_data(log, true).ok())
            .collect()
    }

    /// The refusal of an account without `role`.
    pub(crate) fn unauthorized(account: Account, needed_role: B256) -> Error {
        Error::AccessControlUnauthorizedAccount {
            account: account.address(),
            needed_role,
        }
    }

    /// The refusal of an account that is not an operator.
    pub(crate) fn not_operator(account: Account) -> Error {
        Self::unauthorized(account, operator_role())
    }
}

/// The refusal of a pair by `failure`.
pub(crate) fn refused(failure: u8) -> Error {
    Error::SettlementRefused {
        failure,
        restriction_code: 0,
    }
}
