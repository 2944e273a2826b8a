//! Matches: two orders that fit or almost fit, their signatures, and what leads to their settlement.

use acceptance::{
    bindings::{
        IDvPSettlement::{self, IDvPSettlementCalls as Dvp},
        ISecurityToken::{self, ISecurityTokenCalls as Security},
        ITsUSDC::{self, ITsUSDCCalls as Coin},
        Order,
    },
    market::{DAY, s, usd},
    order::{self, ASK, BID, Signed, with_high_s},
};
use alloy::primitives::{Address, B256, Bytes, U256, keccak256};

use crate::model::{Act, World, settlement::midpoint};

use super::{Generator, MATCHES, desk::release};

impl Generator {
    /// Draws up a match and what is needed to settle it.
    pub(super) fn begin(&mut self, world: &World) {
        let (bid, ask) = self.draw_up(world);
        let settlement = self.cast.settlement;
        let total = midpoint(&bid.order, &ask.order);
        let security = ask.order.security;
        if let Some(token) = world.securities.get(&security)
            && self.acts(ask.order.owner)
        {
            let allowance = token.ledger.allowance(ask.order.owner, settlement);
            if let Some(value) = self.approval(allowance, ask.order.quantity) {
                let act = self.allow(world, security, ask.order.owner, value);
                self.begun.push_back(act);
            }
        }
        let allowance = world.coin.ledger.allowance(bid.order.owner, settlement);
        if self.acts(bid.order.owner)
            && let Some(value) = self.approval(allowance, total)
        {
            let act = self.allow(world, self.cast.coin, bid.order.owner, value);
            self.begun.push_back(act);
        }
        let registered = match self.random.below(8) {
            0..=4 => vec![&bid, &ask],
            5 => vec![&ask],
            _ => vec![],
        };
        for signed in &registered {
            let act = self.register(world, signed);
            self.begun.push_back(act);
        }
        if registered.len() == 2 && self.random.once_in(2) {
            let act = self.commit(world, &bid, &ask);
            let principal = self.principal(world);
            self.begun.push_back((principal, act));
            if self.random.once_in(5) {
                let by = self.principal(world);
                self.begun.push_back((by, release(bid.id, ask.id)));
            }
        }
        let operator = self.operator(world);
        let act = if registered.len() == 2 && !self.random.once_in(8) {
            settle(bid.id, ask.id)
        } else {
            settle_signed(&bid, &ask)
        };
        self.begun.push_back((operator, act));
        self.remember(bid, ask);
    }

    /// Adds two orders to those in use.
    pub(super) fn remember(&mut self, bid: Signed, ask: Signed) {
        self.matches.push_back((bid, ask));
        if self.matches.len() > MATCHES {
            self.matches.pop_front();
        }
    }

    /// An allowance for the settlement contract, by a call or by a permit.
    fn allow(
        &mut self,
        world: &World,
        token: Address,
        owner: Address,
        value: U256,
    ) -> (Address, Act) {
        let spender = self.cast.settlement;
        if self.random.once_in(4) {
            let deadline = U256::from(world.now + 30 * DAY);
            return self.permitted(world, token, owner, spender, value, deadline);
        }
        let act = if token == self.cast.coin {
            Act::Coin(Coin::approve(ITsUSDC::approveCall { spender, value }))
        } else {
            let call = ISecurityToken::approveCall { spender, value };
            Act::Security(token, Security::approve(call))
        };
        (owner, act)
    }

    /// What to approve so that it is enough, or almost enough.
    fn approval(&mut self, allowance: U256, needed: U256) -> Option<U256> {
        if allowance >= needed && !self.random.once_in(6) {
            return None;
        }
        Some(match self.random.below(30) {
            0 => needed - U256::from(1).min(needed),
            1 => needed + U256::from(1),
            2 => U256::ZERO,
            3..=9 => U256::MAX,
            10..=16 => needed * U256::from(10),
            _ => needed,
        })
    }

    /// A bid and an ask that fit, or almost fit.
    fn draw_up(&mut self, world: &World) -> (Signed, Signed) {
        let security = self.security();
        let holders: Vec<_> = self.cast.investors.clone();
        let holders: Vec<_> = holders
            .into_iter()
            .filter(|holder| world.securities_of(security, *holder) > U256::ZERO)
            .collect();
        let seller = if holders.is_empty() || self.random.once_in(40) {
            self.person()
        } else {
            *self.random.pick(&holders)
        };
        let mut buyer = self.person();
        for _ in 0..3 {
            if buyer == seller || world.coin.ledger.balance(buyer) == U256::ZERO {
                buyer = self.person();
            }
        }
        let balance = world.securities_of(security, seller);
        let mut quantity = match self.random.below(24) {
            0 | 1 => balance,
            2 => balance + U256::from(1),
            3 => U256::from(1),
            4..=14 => s(1 + self.random.below(20)).min(balance),
            _ => balance / U256::from(2 + self.random.below(40)),
        };
        if let Some(token) = world.securities.get(&security) {
            let granularity = token.limits.granularity;
            if granularity > U256::ZERO && !self.random.once_in(6) {
                quantity -= quantity % granularity;
            }
        }
        let quantity = quantity.max(U256::from(1));
        let cash = world.coin.ledger.balance(buyer);
        let usual = usd(1 + self.random.below(100)) + U256::from(self.random.below(3));
        let least = match self.random.below(30) {
            0 => cash,
            1 => cash + U256::from(1),
            2 => U256::from(1),
            _ => usual.min(cash),
        }
        .max(U256::from(1));
        let most = match self.random.below(24) {
            0 => least - U256::from(1).min(least),
            1 | 2 => least,
            3 => least + U256::from(1),
            4 => least + U256::from(3),
            _ => least + U256::from(self.random.below(2_000_000)),
        }
        .max(U256::from(1));
        let mut bid = self.order(world, buyer, seller, BID, security, quantity, most);
        let mut ask = self.order(world, seller, buyer, ASK, security, quantity, least);
        if self.random.once_in(24) {
            self.distort(world, &mut bid);
        }
        if self.random.once_in(24) {
            self.distort(world, &mut ask);
        }
        (self.sign(world, bid), self.sign(world, ask))
    }

    #[allow(clippy::too_many_arguments, reason = "the fields of an order")]
    pub(super) fn order(
        &mut self,
        world: &World,
        owner: Address,
        other: Address,
        side: u8,
        security: Address,
        quantity: U256,
        limit: U256,
    ) -> Order {
        let counterparty = match self.random.below(30) {
            0 => self.person(),
            1..=4 => other,
            _ => Address::ZERO,
        };
        let expiry = match self.random.below(10) {
            0 | 1 => world.now + 20 + self.random.below(120),
            3 => world.now + 20 + self.random.below(1_000),
            2 => world.now + 366 * DAY,
            _ => world.now + 30 * DAY,
        };
        let reference = B256::from(U256::from(self.random.below(u64::MAX)));
        Order {
            expiry,
            epoch: world.settlement.epoch(owner),
            counterparty,
            boardRef: keccak256(reference),
            ..order::unsigned(
                owner,
                side,
                security,
                self.cast.coin,
                quantity,
                limit,
                expiry,
                "",
            )
        }
    }

    /// Makes one field odd, mostly so that the order can still be registered.
    pub(super) fn distort(&mut self, world: &World, order: &mut Order) {
        let one = U256::from(1);
        let too_much = U256::from(1) << 128;
        match self.random.below(20) {
            0 => order.owner = Address::ZERO,
            1 => order.side = 2,
            2 => order.security = self.cast.stranger,
            3 => order.payment = self.cast.shares[0],
            4 => order.quantity = *self.random.pick(&[U256::ZERO, too_much]),
            5 => order.limitTotal = *self.random.pick(&[U256::ZERO, too_much, U256::MAX]),
            6 => order.expiry = world.now + self.random.below(4),
            7 => order.expiry = world.now + 366 * DAY + self.random.below(30),
            8 => order.epoch += 1,
            9 | 10 => order.side = 1 - order.side.min(1),
            11 | 12 => order.security = self.security(),
            13 | 14 => order.quantity += one,
            15 => order.quantity = too_much - one,
            16 => order.limitTotal = too_much - one,
            17 => order.owner = self.cast.settlement,
            18 => order.owner = self.person(),
            _ => order.counterparty = order.owner,
        }
    }

    pub(super) fn sign(&mut self, world: &World, order: Order) -> Signed {
        let id = world.id(&order);
        let signature = self.cast.sign(order.owner, id);
        Signed {
            order,
            id,
            signature,
        }
    }

    /// A signature altered in one way or another.
    fn forge(&mut self, world: &World, signed: &Signed) -> Bytes {
        let whole = &signed.signature;
        if whole.len() != 65 {
            return Bytes::from_static(&[0, 2, 3]);
        }
        let with_v = |v: u8| Bytes::from([&whole[..64], &[v]].concat());
        match self.random.below(12) {
            0 => with_high_s(whole),
            1 => with_v(whole[64] - 27),
            2 => with_v(27 + 28 - whole[64]),
            3 => with_v(29),
            4 => whole.slice(..64),
            5 => Bytes::from([whole, &[0][..]].concat()),
            6 => Bytes::new(),
            7 => vec![0; 65].into(),
            8 => Bytes::from_static(&[1]),
            9 => {
                let mut domain = world.domain.clone();
                domain.chain_id = domain.chain_id.map(|id| id + U256::from(1));
                self.cast
                    .sign(signed.order.owner, order::id(&signed.order, &domain))
            }
            10 => {
                let mut order = signed.order.clone();
                order.quantity += U256::from(1);
                self.cast.sign(order.owner, world.id(&order))
            }
            _ => self.cast.sign(self.cast.stranger, signed.id),
        }
    }

    pub(super) fn signature(&mut self, world: &World, signed: &Signed) -> Bytes {
        if self.random.once_in(14) {
            self.forge(world, signed)
        } else {
            signed.signature.clone()
        }
    }

    pub(super) fn register(&mut self, world: &World, signed: &Signed) -> (Address, Act) {
        let by_owner = self.random.once_in(4) && self.acts(signed.order.owner);
        let from = if by_owner {
            signed.order.owner
        } else {
            self.operator(world)
        };
        let signature = if by_owner && self.random.once_in(2) {
            Bytes::new()
        } else {
            self.signature(world, signed)
        };
        let order = signed.order.clone();
        let call = IDvPSettlement::registerOrderCall { order, signature };
        (from, Act::Settlement(Dvp::registerOrder(call)))
    }
}

pub(super) fn settle(bid: B256, ask: B256) -> Act {
    Act::Settlement(Dvp::settle(IDvPSettlement::settleCall {
        bidId: bid,
        askId: ask,
    }))
}

pub(super) fn settle_signed(bid: &Signed, ask: &Signed) -> Act {
    let call = IDvPSettlement::settleSignedCall {
        bid: bid.order.clone(),
        bidSignature: bid.signature.clone(),
        ask: ask.order.clone(),
        askSignature: ask.signature.clone(),
    };
    Act::Settlement(Dvp::settleSigned(call))
}
