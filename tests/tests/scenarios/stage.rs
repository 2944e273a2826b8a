//! A market in which one leg is a hostile token.

use acceptance::{
    bindings::{
        IDvPSettlement::{self, SettlementRefused},
        ISecurityToken, Order,
    },
    deploy,
    hostile::{IHostile, Token, Wallet, execute},
    market::{Market, register_call, role, s, settle_call, usd},
    order::{self, Signed, state},
    refusal,
    watch::Watch,
};
use alloy::{
    primitives::{Address, Bytes, TxKind, U256},
    sol_types::{SolCall, SolError},
};

use super::hostile_wallets::buying;

/// A market in which one leg is a hostile token.
pub(crate) struct Stage {
    pub(crate) market: Market,
    /// The owners of the two legs' tokens.
    pub(crate) settlement: Address,
    /// The hostile token.
    pub(crate) hostile: Address,
    /// The registered bid: 100 S for at most 1,050.
    pub(crate) bid: Signed,
    /// The registered ask: 100 S for at least 1,020.
    pub(crate) ask: Signed,
}

/// Which leg is the hostile token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Leg {
    Security,
    Payment,
}

impl Leg {
    /// The legs, in the order in which they move.
    pub(crate) const BOTH: [Self; 2] = [Self::Security, Self::Payment];
}

impl Stage {
    /// The hostile token as the security.
    pub(crate) async fn security(token: Token) -> Self {
        Self::on(Leg::Security, token).await
    }

    /// The hostile token as the cash.
    pub(crate) async fn payment(token: Token) -> Self {
        Self::on(Leg::Payment, token).await
    }

    /// The hostile token as the given leg, between the market's seller and buyer.
    pub(crate) async fn on(leg: Leg, token: Token) -> Self {
        let market = Market::open().await;
        let buyer = market.buyer.address;
        match leg {
            Leg::Security => Self::with_security(market, token, buyer).await,
            Leg::Payment => Self::with_payment(market, token, buyer).await,
        }
    }

    /// The same with a buyer through which anybody can call anything: a contract wallet that accepts any signature, and
    /// that is also the settlement contract's default admin, operator and pauser.
    pub(crate) async fn for_the_almighty(leg: Leg, token: Token) -> (Self, Address) {
        let market = Market::open().await;
        let (wallet, _) = buying(&market, Wallet::Accepts).await;
        let stage = match leg {
            Leg::Security => Self::with_security(market, token, wallet).await,
            Leg::Payment => Self::with_payment(market, token, wallet).await,
        };
        let (market, settlement) = (&stage.market, stage.settlement);
        for name in ["OPERATOR_ROLE", "PAUSER_ROLE"] {
            let grant = IDvPSettlement::grantRoleCall {
                role: role(name),
                account: wallet,
            };
            market.chain.send(&market.admin, settlement, &grant).await;
        }
        let begin = IDvPSettlement::beginDefaultAdminTransferCall { newAdmin: wallet };
        market.chain.send(&market.admin, settlement, &begin).await;
        let accept = IDvPSettlement::acceptDefaultAdminTransferCall {};
        execute(&market.chain, &market.admin, wallet, settlement, &accept).await;
        (stage, wallet)
    }

    async fn with_security(market: Market, token: Token, buyer: Address) -> Self {
        let hostile = token.deploy(&market.chain).await;
        let settlement = market.settlement;
        list(&market, settlement, hostile).await;
        let wake = IHostile::wakeCall {};
        market.chain.send(&market.admin, hostile, &wake).await;
        let mint = IHostile::mintCall {
            to: market.seller.address,
            value: s(1_000),
        };
        market.chain.send(&market.admin, hostile, &mint).await;
        let bid = Order {
            owner: buyer,
            security: hostile,
            ..market.bid()
        };
        let ask = Order {
            security: hostile,
            ..market.ask()
        };
        Self::registered(market, settlement, hostile, bid, ask).await
    }

    async fn with_payment(market: Market, token: Token, buyer: Address) -> Self {
        let hostile = token.deploy(&market.chain).await;
        let (admin, operator) = (market.admin.address, market.operator.address);
        let settlement = deploy::settlement(&market.chain, hostile, admin, operator).await;
        list(&market, settlement, market.token).await;
        let mint = IHostile::mintCall {
            to: buyer,
            value: usd(50_000),
        };
        market.chain.send(&market.admin, hostile, &mint).await;
        let approve = ISecurityToken::approveCall {
            spender: settlement,
            value: s(1_000),
        };
        market
            .chain
            .send(&market.seller, market.token, &approve)
            .await;
        let bid = Order {
            owner: buyer,
            payment: hostile,
            ..market.bid()
        };
        let ask = Order {
            payment: hostile,
            ..market.ask()
        };
        Self::registered(market, settlement, hostile, bid, ask).await
    }

    async fn registered(
        market: Market,
        settlement: Address,
        hostile: Address,
        bid: Order,
        ask: Order,
    ) -> Self {
        let domain = order::domain(market.chain.chain_id, settlement);
        let bid = order::sign(bid, &domain, &market.buyer);
        let ask = order::sign(ask, &domain, &market.seller);
        for signed in [&bid, &ask] {
            let register = register_call(signed);
            market
                .chain
                .send(&market.operator, settlement, &register)
                .await;
        }
        Self {
            market,
            settlement,
            hostile,
            bid,
            ask,
        }
    }

    /// Every balance and state, including the hostile token's.
    pub(crate) fn watch(&self) -> Watch {
        let mut watch = self.market.watch(&[]);
        let mut accounts = self.market.accounts();
        accounts.extend([
            self.settlement,
            self.hostile,
            self.bid.order.owner,
            Address::ZERO,
        ]);
        watch.settlement(self.settlement, &accounts, &[self.bid.id, self.ask.id]);
        for account in accounts {
            let balance = ISecurityToken::balanceOfCall { account };
            watch.view(
                format!("hostile balance of {account}"),
                self.hostile,
                &balance,
            );
        }
        watch
    }

    /// What preflight returns: the failures and the restriction code.
    pub(crate) async fn preflight(&self) -> (Vec<u8>, u8) {
        let call = IDvPSettlement::preflightCall {
            bidId: self.bid.id,
            askId: self.ask.id,
        };
        let answer = self.market.chain.call(self.settlement, &call).await;
        (answer.failures, answer.restrictionCode)
    }

    pub(crate) fn settle(&self) -> Bytes {
        settle_call(self.bid.id, self.ask.id).abi_encode().into()
    }

    /// Asserts that settle is refused with exactly this revert data.
    pub(crate) async fn refused_with(&self, expected: &[u8], what: &str) {
        let (market, watch) = (&self.market, self.watch());
        let (operator, input) = (&market.operator, self.settle());
        let to = self.settlement;
        refusal::refused_with(&market.chain, &watch, operator, to, input, expected, what).await;
    }

    /// Asserts that settle is refused with this failure.
    pub(crate) async fn refused(&self, failure: u8, restriction: u8, what: &str) {
        let error = SettlementRefused {
            failure,
            restrictionCode: restriction,
        };
        self.refused_with(&error.abi_encode(), what).await;
    }

    /// Asserts that settle is refused with any error, and that nothing moves.
    pub(crate) async fn refused_somehow(&self, what: &str) {
        let watch = self.watch();
        let before = watch.read(&self.market.chain).await;
        let (chain, operator) = (&self.market.chain, &self.market.operator);
        let simulated = chain
            .simulate(operator.address, self.settlement, self.settle())
            .await;
        assert!(simulated.is_err(), "{what}: settle would succeed");
        let to = TxKind::Call(self.settlement);
        let receipt = chain.attempt(operator, to, self.settle(), U256::ZERO).await;
        assert!(!receipt.status(), "{what}: settle succeeds");
        before.assert_unchanged(&watch.read(chain).await, what);
    }

    /// Asserts that settle succeeds and moves exactly the trade.
    pub(crate) async fn settles(&self, what: &str) {
        let market = &self.market;
        market
            .chain
            .send(
                &market.operator,
                self.settlement,
                &settle_call(self.bid.id, self.ask.id),
            )
            .await;
        self.assert_traded_once(what).await;
    }

    /// Asserts that exactly one trade has happened.
    pub(crate) async fn assert_traded_once(&self, what: &str) {
        let market = &self.market;
        let (security, payment) = (self.bid.order.security, self.bid.order.payment);
        let (seller, buyer) = (market.seller.address, self.bid.order.owner);
        let balance = async |token: Address, account: Address| {
            let call = ISecurityToken::balanceOfCall { account };
            market.chain.call(token, &call).await
        };
        assert_eq!(balance(security, seller).await, s(900), "{what}");
        assert_eq!(balance(security, buyer).await, s(100), "{what}");
        assert_eq!(balance(payment, seller).await, usd(1_035), "{what}");
        assert_eq!(
            balance(payment, buyer).await,
            usd(50_000) - usd(1_035),
            "{what}"
        );
        assert_eq!(
            balance(security, self.settlement).await,
            U256::ZERO,
            "{what}"
        );
        assert_eq!(
            balance(payment, self.settlement).await,
            U256::ZERO,
            "{what}"
        );
        let count = IDvPSettlement::settlementCountCall {};
        assert_eq!(
            market.chain.call(self.settlement, &count).await,
            U256::from(1),
            "{what}"
        );
        for id in [self.bid.id, self.ask.id] {
            let call = IDvPSettlement::orderStateCall { id };
            let found = market.chain.call(self.settlement, &call).await;
            assert_eq!(found, state::FILLED, "{what}");
        }
    }
}

/// Puts a security on a settlement contract's list.
pub(crate) async fn list(market: &Market, settlement: Address, security: Address) {
    let list = IDvPSettlement::listSecurityCall {
        security,
        listed: true,
    };
    market.chain.send(&market.admin, settlement, &list).await;
}
