//! Random steps, most of them near the line between what succeeds and what is refused.

use std::collections::VecDeque;

use acceptance::{
    bindings::{
        IDvPSettlement::{self, IDvPSettlementCalls as Dvp},
        ISecurityToken::{self, ISecurityTokenCalls as Security},
        ITsUSDC::{self, ITsUSDCCalls as Coin},
        Order,
    },
    market::{DAY, s, usd},
    order::{self, ASK, BID, Signed, state, with_high_s},
    random::Random,
};
use alloy::primitives::{Address, B256, Bytes, U256, keccak256};

use crate::{
    cast::{COUNTRIES, Cast, GROUPS},
    model::{Act, Step, World, role, settlement::midpoint},
    probe::{Probe, Transfer},
};

/// The market stays open for less than a program stays active without being activated again.
const LONGEST: u64 = 300 * DAY;
/// Matches that are still thought of.
const MATCHES: usize = 12;

/// Makes steps.
#[derive(Debug)]
pub(crate) struct Generator {
    random: Random,
    cast: Cast,
    opened: u64,
    /// What has been begun: acts that lead to a settlement, interrupted by others.
    begun: VecDeque<(Address, Act)>,
    /// Bids and asks as they were meant to meet, the latest last.
    matches: VecDeque<(Signed, Signed)>,
}

impl Generator {
    pub(crate) fn new(seed: u64, cast: Cast, opened: u64) -> Self {
        Self {
            random: Random::seeded(seed),
            cast,
            opened,
            begun: VecDeque::new(),
            matches: VecDeque::new(),
        }
    }

    /// The next step.
    pub(crate) fn next(&mut self, world: &World) -> Step {
        let at = self.time(world);
        let (from, act) = self.act(world);
        Step { at, from, act }
    }

    /// What to try after it.
    pub(crate) fn probe(&mut self, world: &World) -> Probe {
        let pair = self.pair(world).map(|(mut bid, mut ask)| {
            bid.signature = self.signature(world, &bid);
            ask.signature = self.signature(world, &ask);
            (bid, ask)
        });
        let token = self.share();
        let (from, to) = (self.person(), self.person());
        let spender = if self.random.once_in(4) {
            from
        } else {
            self.cast.settlement
        };
        let value = self.around(world.securities_of(token, from));
        let transfer = Transfer {
            token,
            spender,
            from,
            to,
            value,
        };
        Probe { pair, transfer }
    }

    /// Two orders to be looked at, mostly two that were meant to meet, and mostly such as still can.
    fn pair(&mut self, world: &World) -> Option<(Signed, Signed)> {
        let is_open = |signed: &Signed| world.settlement.state(signed.id) == state::OPEN;
        let matches: Vec<_> = self.matches.iter().collect();
        let mut open = matches.clone();
        open.retain(|(bid, ask)| is_open(bid) && is_open(ask));
        let among = if open.is_empty() || self.random.once_in(3) {
            &matches
        } else {
            &open
        };
        if among.is_empty() {
            return None;
        }
        let (bid, ask) = (*self.random.pick(among)).clone();
        let (other_bid, other_ask) = (*self.random.pick(&matches)).clone();
        Some(match self.random.below(40) {
            0 => (ask, bid),
            1 => (bid.clone(), bid),
            2 | 3 => (other_bid, ask),
            4 => (bid, other_ask),
            5 => (bid, other_bid),
            6 => (other_ask, ask),
            _ => (bid, ask),
        })
    }

    /// A person of the market.
    fn person(&mut self) -> Address {
        let others = [
            self.cast.stranger,
            self.cast.desk,
            self.cast.admin,
            self.cast.operator,
        ];
        if self.random.once_in(10) {
            *self.random.pick(&others)
        } else {
            *self.random.pick(&self.cast.investors)
        }
    }

    /// A value around what an account holds.
    fn around(&mut self, balance: U256) -> U256 {
        match self.random.below(8) {
            0 => balance,
            1 => balance + U256::from(1),
            2 => U256::ZERO,
            3 => U256::from(1),
            _ => balance / U256::from(2 + self.random.below(30)),
        }
    }

    /// One of both share classes, mostly the first.
    fn share(&mut self) -> Address {
        self.cast.shares[usize::from(self.random.once_in(4))]
    }

    fn time(&mut self, world: &World) -> u64 {
        let now = world.now;
        let at = match self.random.below(24) {
            0 | 1 => now,
            2 => {
                // At, before or after the next second that something hangs on.
                let mut ahead = boundaries(world);
                ahead.retain(|at| (now..now + DAY).contains(at));
                ahead.sort_unstable();
                ahead.truncate(3);
                if ahead.is_empty() {
                    now + 1
                } else {
                    (self.random.pick(&ahead) + self.random.below(3))
                        .saturating_sub(1)
                        .max(now)
                }
            }
            _ => now + self.random.below(20),
        };
        if at < self.opened + LONGEST { at } else { now }
    }

    fn act(&mut self, world: &World) -> (Address, Act) {
        let ailments = self.ailments(world);
        let share = if ailments.len() > 3 { 2 } else { 4 };
        if !ailments.is_empty() && self.random.once_in(share) {
            return self.random.pick(&ailments).clone();
        }
        if self.begun.is_empty() {
            self.begin(world);
        }
        match self.random.below(30) {
            0..=2 => self.desk_act(world),
            3 => self.owner_act(world),
            4 | 5 => self.admin_act(world),
            6..=8 => self.security_act(world),
            9 => self.coin_act(world),
            _ => self.begun.pop_front().expect("just begun"),
        }
    }

    /// Somebody who is, or, rarely, is not, entitled.
    fn entitled(&mut self, who: Address) -> Address {
        if self.random.once_in(15) {
            self.person()
        } else {
            who
        }
    }

    fn operator(&mut self, world: &World) -> Address {
        let operator = holder(world, "OPERATOR_ROLE").unwrap_or(self.cast.operator);
        self.entitled(operator)
    }

    /// Draws up a match and what it takes to settle it.
    fn begin(&mut self, world: &World) {
        let (bid, ask) = self.draw_up(world);
        let settlement = self.cast.settlement;
        let total = midpoint(&bid.order, &ask.order);
        let security = ask.order.security;
        if let Some(token) = world.securities.get(&security)
            && self.acts(ask.order.owner)
        {
            let allowance = token.allowance(ask.order.owner, settlement);
            if let Some(value) = self.approval(allowance, ask.order.quantity) {
                let call = ISecurityToken::approveCall {
                    spender: settlement,
                    value,
                };
                let act = Act::Security(security, Security::approve(call));
                self.begun.push_back((ask.order.owner, act));
            }
        }
        let allowance = world.coin.allowance(bid.order.owner, settlement);
        if self.acts(bid.order.owner)
            && let Some(value) = self.approval(allowance, total)
        {
            let call = ITsUSDC::approveCall {
                spender: settlement,
                value,
            };
            self.begun
                .push_back((bid.order.owner, Act::Coin(Coin::approve(call))));
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
        let operator = self.operator(world);
        let act = if registered.len() == 2 && !self.random.once_in(8) {
            settle(bid.id, ask.id)
        } else {
            settle_signed(&bid, &ask)
        };
        self.begun.push_back((operator, act));
        self.matches.push_back((bid, ask));
        if self.matches.len() > MATCHES {
            self.matches.pop_front();
        }
    }

    /// What to approve so that it is enough, or all but enough.
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

    /// A bid and an ask that fit, or all but fit.
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
            if buyer == seller || world.coin.balance(buyer) == U256::ZERO {
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
        let cash = world.coin.balance(buyer);
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

    fn security(&mut self) -> Address {
        if self.random.once_in(8) {
            // The first is no worse than the share classes.
            let odd = if self.random.once_in(2) {
                1
            } else {
                self.cast.weird.len()
            };
            *self.random.pick(&self.cast.weird[..odd])
        } else {
            self.share()
        }
    }

    #[allow(clippy::too_many_arguments, reason = "the fields of an order")]
    fn order(
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
            0 | 1 => world.now + 20 + self.random.below(600),
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
    fn distort(&mut self, world: &World, order: &mut Order) {
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

    fn sign(&mut self, world: &World, order: Order) -> Signed {
        let id = world.id(&order);
        let signature = self.cast.sign(order.owner, id);
        Signed {
            order,
            id,
            signature,
        }
    }

    /// A signature that is in one way or another not what it was.
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

    fn signature(&mut self, world: &World, signed: &Signed) -> Bytes {
        if self.random.once_in(14) {
            self.forge(world, signed)
        } else {
            signed.signature.clone()
        }
    }

    fn register(&mut self, world: &World, signed: &Signed) -> (Address, Act) {
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

    /// Whether an account can send transactions, itself or as a wallet.
    fn acts(&self, account: Address) -> bool {
        self.cast.keys.contains_key(&account) || account == self.cast.wallet()
    }

    /// Of the desk, or of who would be it.
    fn desk_act(&mut self, world: &World) -> (Address, Act) {
        let operator = self.operator(world);
        let Some((mut bid, mut ask)) = self.pair(world) else {
            return (operator, settle(B256::ZERO, B256::ZERO));
        };
        let act = match self.random.below(12) {
            0..=2 => settle(bid.id, ask.id),
            3 => settle(keccak256(bid.id), ask.id),
            4 | 5 => {
                bid.signature = self.signature(world, &bid);
                ask.signature = self.signature(world, &ask);
                settle_signed(&bid, &ask)
            }
            6..=8 => {
                let signed = if self.random.once_in(2) { &bid } else { &ask };
                return self.register(world, signed);
            }
            9 => {
                self.distort(world, &mut bid.order);
                let odd = self.sign(world, bid.order);
                return self.register(world, &odd);
            }
            10 => Act::Settlement(Dvp::anchorBook(IDvPSettlement::anchorBookCall {
                root: bid.id,
                size: self.random.below(1_000),
            })),
            _ => cancel_by_id(
                if self.random.once_in(5) {
                    keccak256(bid.id)
                } else {
                    bid.id
                },
                ask.id,
            ),
        };
        (operator, act)
    }

    /// Of an order's owner, or of somebody who would be it.
    fn owner_act(&mut self, world: &World) -> (Address, Act) {
        let Some((bid, ask)) = self.pair(world) else {
            return (self.cast.stranger, cancel_by_id(B256::ZERO, B256::ZERO));
        };
        let signed = if self.random.once_in(2) { bid } else { ask };
        let owner = if self.acts(signed.order.owner) {
            signed.order.owner
        } else {
            self.cast.stranger
        };
        let from = self.entitled(owner);
        let act = match self.random.below(8) {
            0..=2 => Act::Settlement(Dvp::cancelOrder(IDvPSettlement::cancelOrderCall {
                order: signed.order,
            })),
            3 | 4 => cancel_by_id(signed.id, B256::ZERO),
            5 => Act::Settlement(Dvp::cancelAllOrders(IDvPSettlement::cancelAllOrdersCall {})),
            6 => {
                // An order that was never heard of.
                let mut order = signed.order;
                order.boardRef = keccak256(order.boardRef);
                Act::Settlement(Dvp::cancelOrder(IDvPSettlement::cancelOrderCall { order }))
            }
            _ => return self.register(world, &signed),
        };
        (from, act)
    }

    /// Of the settlement contract's admin, or of who would be it.
    fn admin_act(&mut self, world: &World) -> (Address, Act) {
        let roles = &world.settlement.roles;
        let admin = self.entitled(roles.admin);
        let pauser = holder(world, "PAUSER_ROLE").unwrap_or(admin);
        let pauser = self.entitled(pauser);
        let account = match self.random.below(4) {
            0 => self.cast.operator,
            1 => self.cast.desk,
            2 => self.cast.admin,
            _ => self.person(),
        };
        let names = ["OPERATOR_ROLE", "PAUSER_ROLE"];
        let role = match self.random.below(12) {
            0 => B256::ZERO,
            1 => keccak256("ANOTHER_ROLE"),
            _ => role(self.random.pick(&names)),
        };
        let (from, call) = match self.random.below(14) {
            0 => (pauser, Dvp::pause(IDvPSettlement::pauseCall {})),
            1 => (pauser, Dvp::unpause(IDvPSettlement::unpauseCall {})),
            2 | 3 => {
                let security = match self.random.below(8) {
                    0 => self.cast.stranger,
                    1 => self.cast.coin,
                    _ => self.security(),
                };
                let listed = !self.random.once_in(3);
                (
                    admin,
                    Dvp::listSecurity(IDvPSettlement::listSecurityCall { security, listed }),
                )
            }
            4 | 5 => (
                admin,
                Dvp::grantRole(IDvPSettlement::grantRoleCall { role, account }),
            ),
            6 | 7 => (
                admin,
                Dvp::revokeRole(IDvPSettlement::revokeRoleCall { role, account }),
            ),
            8 | 9 => {
                let account = self.entitled(account);
                let callerConfirmation = self.entitled(account);
                let call = IDvPSettlement::renounceRoleCall {
                    role,
                    callerConfirmation,
                };
                (account, Dvp::renounceRole(call))
            }
            10 => {
                let newAdmin = if self.random.once_in(4) {
                    Address::ZERO
                } else {
                    account
                };
                let call = IDvPSettlement::beginDefaultAdminTransferCall { newAdmin };
                (admin, Dvp::beginDefaultAdminTransfer(call))
            }
            11 | 12 => {
                let from = if self.acts(roles.pending) {
                    roles.pending
                } else {
                    account
                };
                let call = IDvPSettlement::acceptDefaultAdminTransferCall {};
                (self.entitled(from), Dvp::acceptDefaultAdminTransfer(call))
            }
            _ => {
                let call = IDvPSettlement::cancelDefaultAdminTransferCall {};
                (admin, Dvp::cancelDefaultAdminTransfer(call))
            }
        };
        (from, Act::Settlement(call))
    }

    /// Of a share class's issuer, compliance and enforcement, and of its holders.
    fn security_act(&mut self, world: &World) -> (Address, Act) {
        let token = self.share();
        let security = &world.securities[&token];
        let wallet = *self.random.pick(&self.cast.investors);
        let other = *self.random.pick(&self.cast.investors);
        let balance = security.balance(wallet);
        let officer = self.entitled(self.cast.admin);
        let on = self.random.once_in(2);
        let soon = world.now + self.random.below(900);
        let group = *self.random.pick(&GROUPS);
        let value = self.around(balance);
        let (from, call) = match self.random.below(25) {
            0..=2 => (
                wallet,
                Security::transfer(ISecurityToken::transferCall { to: other, value }),
            ),
            3 => {
                let call = ISecurityToken::transferFromCall {
                    from: wallet,
                    to: other,
                    value,
                };
                (other, Security::transferFrom(call))
            }
            4 => {
                let spender = *self
                    .random
                    .pick(&[other, self.cast.settlement, Address::ZERO]);
                (
                    wallet,
                    Security::approve(ISecurityToken::approveCall { spender, value }),
                )
            }
            5 | 6 => {
                let call = ISecurityToken::setSanctionedCall {
                    accounts: vec![wallet],
                    sanctioned: on,
                };
                (officer, Security::setSanctioned(call))
            }
            7 | 8 => {
                let account = if self.random.once_in(5) {
                    self.cast.settlement
                } else {
                    wallet
                };
                let call = ISecurityToken::setAddressFrozenCall {
                    account,
                    frozen: on,
                };
                (officer, Security::setAddressFrozen(call))
            }
            9 | 10 => {
                let call = ISecurityToken::freezePartialTokensCall {
                    account: wallet,
                    amount: value,
                };
                (officer, Security::freezePartialTokens(call))
            }
            11 => {
                let call = ISecurityToken::unfreezePartialTokensCall {
                    account: wallet,
                    amount: value,
                };
                (officer, Security::unfreezePartialTokens(call))
            }
            12 | 13 => {
                let shared = [0, 2].map(|index| self.cast.investors[index]);
                let home = self.cast.home(wallet);
                // The wallets of one investor stay in one group.
                let group = if shared.contains(&wallet) {
                    home
                } else {
                    group
                };
                let kyc_expiry = if on { soon } else { self.opened + 3_650 * DAY };
                (officer, self.set_wallet(wallet, group, kyc_expiry))
            }
            14 => (
                officer,
                Security::removeWallet(ISecurityToken::removeWalletCall { wallet }),
            ),
            15 => {
                let opensAt = *self.random.pick(&[0, soon]);
                let toGroup = *self.random.pick(&GROUPS);
                let call = ISecurityToken::setGroupRuleCall {
                    fromGroup: group,
                    toGroup,
                    opensAt,
                };
                (officer, Security::setGroupRule(call))
            }
            16 => {
                let country = *self.random.pick(&COUNTRIES);
                let call = ISecurityToken::setCountryBlockedCall {
                    country,
                    blocked: on,
                };
                (officer, Security::setCountryBlocked(call))
            }
            17 | 18 => (officer, self.limits(security.supply)),
            19 => {
                let max_holders = u32::try_from(self.random.below(5)).expect("fits");
                let call = ISecurityToken::setGroupHolderLimitCall {
                    group,
                    maxHolders: max_holders,
                };
                (officer, Security::setGroupHolderLimit(call))
            }
            20 | 21 => {
                let live = security
                    .locks
                    .get(&wallet)
                    .map_or(0, std::collections::BTreeMap::len);
                if live >= 16 {
                    return (
                        officer,
                        Act::Security(token, Security::mint(mint(wallet, value))),
                    );
                }
                let call = ISecurityToken::lockTokensCall {
                    holder: wallet,
                    amount: value + U256::from(1),
                    releaseTime: soon + u64::from(!self.random.once_in(10)),
                };
                (officer, Security::lockTokens(call))
            }
            22 => (
                officer,
                Security::mint(mint(wallet, s(self.random.below(100)))),
            ),
            23 => {
                if security
                    .vestings
                    .get(&wallet)
                    .is_some_and(|schedules| schedules.len() >= 8)
                {
                    return (
                        officer,
                        Act::Security(token, Security::mint(mint(wallet, value))),
                    );
                }
                (officer, self.vesting(wallet, world.now))
            }
            _ if self.random.once_in(4) => (officer, Security::pause(ISecurityToken::pauseCall {})),
            _ => (officer, Security::unpause(ISecurityToken::unpauseCall {})),
        };
        (from, Act::Security(token, call))
    }

    fn set_wallet(&self, wallet: Address, group: u8, kyc_expiry: u64) -> Security {
        let country = COUNTRIES[usize::from(wallet[0]) % COUNTRIES.len()];
        let mut call = acceptance::market::wallet_record(
            wallet,
            self.cast.investor(wallet),
            group,
            kyc_expiry,
        );
        call.country = country;
        Security::setWallet(call)
    }

    fn limits(&mut self, supply: U256) -> Security {
        let mut one_in = |times: u64, value: U256| {
            if self.random.once_in(times) {
                value
            } else {
                U256::ZERO
            }
        };
        Security::setLimits(ISecurityToken::setLimitsCall {
            maxPerInvestor: one_in(2, supply / U256::from(4)),
            maxBipsPerInvestor: one_in(3, U256::from(2_500)).to(),
            maxHolders: one_in(2, U256::from(6)).to(),
            minHolding: one_in(3, s(1)),
            granularity: one_in(4, U256::from(1_000)),
        })
    }

    fn vesting(&mut self, holder: Address, now: u64) -> Security {
        let mut below = |bound: u64| u32::try_from(self.random.below(bound)).expect("fits");
        Security::grantVesting(ISecurityToken::grantVestingCall {
            holder,
            amount: s(u64::from(1 + below(50))) + U256::from(below(7)),
            start: now,
            cliff: below(600),
            period: 1 + below(120),
            periods: u16::try_from(below(7)).expect("fits"),
            firstBips: u16::try_from(below(2) * below(10_001)).expect("fits"),
            revocable: true,
        })
    }

    /// Of the coin's officers and holders.
    fn coin_act(&mut self, world: &World) -> (Address, Act) {
        let coin = &world.coin;
        let wallet = *self.random.pick(&self.cast.investors);
        let to = match self.random.below(12) {
            0 => Address::ZERO,
            1 => self.cast.coin,
            2 => self.cast.settlement,
            _ => self.person(),
        };
        let value = self.around(coin.balance(wallet));
        let officer = self.entitled(self.cast.admin);
        let account = if self.random.once_in(6) {
            self.cast.settlement
        } else {
            self.person()
        };
        let kind = if coin.blacklisted.is_empty() { 14 } else { 18 };
        let (from, call) = match self.random.below(kind) {
            0..=3 => (wallet, Coin::transfer(ITsUSDC::transferCall { to, value })),
            4 => {
                let from = self.person();
                (
                    wallet,
                    Coin::transferFrom(ITsUSDC::transferFromCall { from, to, value }),
                )
            }
            5 => {
                let spender = *self.random.pick(&[to, self.cast.settlement]);
                (
                    wallet,
                    Coin::approve(ITsUSDC::approveCall { spender, value }),
                )
            }
            6..=8 => (officer, Coin::blacklist(ITsUSDC::blacklistCall { account })),
            9 => (
                officer,
                Coin::unBlacklist(ITsUSDC::unBlacklistCall { account }),
            ),
            10 => (officer, Coin::pause(ITsUSDC::pauseCall {})),
            11 => {
                let amount = usd(self.random.below(100));
                (officer, Coin::mint(ITsUSDC::mintCall { to, amount }))
            }
            12 | 14..=17 => {
                let call = ITsUSDC::seizeCall {
                    from: coin.blacklisted.first().copied().unwrap_or(wallet),
                    to: wallet,
                    orderReference: B256::from(U256::from(self.random.below(8))),
                };
                (officer, Coin::seize(call))
            }
            _ => {
                let delegator = self.cast.delegator();
                return (
                    delegator,
                    Act::Delegate(!world.code.contains_key(&delegator)),
                );
            }
        };
        (from, Act::Coin(call))
    }

    /// Every state that keeps matches from settling, each as the act that ends it.
    fn ailments(&self, world: &World) -> Vec<(Address, Act)> {
        let admin = self.cast.admin;
        let mut cures = Vec::new();
        let settlement = &world.settlement;
        if settlement.paused {
            let grant = IDvPSettlement::grantRoleCall {
                role: role("PAUSER_ROLE"),
                account: admin,
            };
            cures.push(match holder(world, "PAUSER_ROLE") {
                Some(pauser) => (
                    pauser,
                    Act::Settlement(Dvp::unpause(IDvPSettlement::unpauseCall {})),
                ),
                None => (
                    settlement.roles.admin,
                    Act::Settlement(Dvp::grantRole(grant)),
                ),
            });
        }
        if holder(world, "OPERATOR_ROLE").is_none() {
            let account = self.cast.operator;
            let grant = IDvPSettlement::grantRoleCall {
                role: role("OPERATOR_ROLE"),
                account,
            };
            cures.push((
                settlement.roles.admin,
                Act::Settlement(Dvp::grantRole(grant)),
            ));
        }
        for &security in self.cast.shares.iter().chain(&self.cast.weird) {
            if !settlement.listed.contains(&security) {
                let list = IDvPSettlement::listSecurityCall {
                    security,
                    listed: true,
                };
                cures.push((
                    settlement.roles.admin,
                    Act::Settlement(Dvp::listSecurity(list)),
                ));
            }
        }
        if world.coin.paused {
            cures.push((admin, Act::Coin(Coin::unpause(ITsUSDC::unpauseCall {}))));
        }
        for &account in &world.coin.blacklisted {
            cures.push((
                admin,
                Act::Coin(Coin::unBlacklist(ITsUSDC::unBlacklistCall { account })),
            ));
        }
        for &token in &self.cast.shares {
            let calls = self.ailments_of(world, token);
            cures.extend(
                calls
                    .into_iter()
                    .map(|call| (admin, Act::Security(token, call))),
            );
        }
        cures
    }

    fn ailments_of(&self, world: &World, token: Address) -> Vec<Security> {
        let security = &world.securities[&token];
        let mut cures = Vec::new();
        if security.paused {
            cures.push(Security::unpause(ISecurityToken::unpauseCall {}));
        }
        for &account in &security.sanctioned {
            let call = ISecurityToken::setSanctionedCall {
                accounts: vec![account],
                sanctioned: false,
            };
            cures.push(Security::setSanctioned(call));
        }
        for &account in &security.frozen {
            let call = ISecurityToken::setAddressFrozenCall {
                account,
                frozen: false,
            };
            cures.push(Security::setAddressFrozen(call));
        }
        for (&account, &amount) in security
            .partly
            .iter()
            .filter(|(_, amount)| **amount > U256::ZERO)
        {
            let call = ISecurityToken::unfreezePartialTokensCall { account, amount };
            cures.push(Security::unfreezePartialTokens(call));
        }
        for &wallet in &self.cast.investors {
            let valid = security
                .records
                .get(&wallet)
                .is_some_and(|record| record.kyc_expiry > world.now);
            if !valid {
                cures.push(self.set_wallet(
                    wallet,
                    self.cast.home(wallet),
                    self.opened + 3_650 * DAY,
                ));
            }
        }
        for &country in &security.blocked {
            let call = ISecurityToken::setCountryBlockedCall {
                country,
                blocked: false,
            };
            cures.push(Security::setCountryBlocked(call));
        }
        for from in GROUPS {
            for to in GROUPS {
                if security
                    .rules
                    .get(&(from, to))
                    .is_none_or(|&opens| opens == 0 || opens > world.now)
                {
                    let call = ISecurityToken::setGroupRuleCall {
                        fromGroup: from,
                        toGroup: to,
                        opensAt: 1,
                    };
                    cures.push(Security::setGroupRule(call));
                }
            }
        }
        if security.limits != crate::model::security::Limits::default() {
            cures.push(Security::setLimits(ISecurityToken::setLimitsCall {
                maxPerInvestor: U256::ZERO,
                maxBipsPerInvestor: 0,
                maxHolders: 0,
                minHolding: U256::ZERO,
                granularity: U256::ZERO,
            }));
        }
        for (&group, _) in security
            .group_limits
            .iter()
            .filter(|(_, limit)| **limit > 0)
        {
            let call = ISecurityToken::setGroupHolderLimitCall {
                group,
                maxHolders: 0,
            };
            cures.push(Security::setGroupHolderLimit(call));
        }
        cures
    }
}

/// Somebody with a role.
pub(crate) fn holder(world: &World, name: &str) -> Option<Address> {
    let needed = role(name);
    let held = &world.settlement.roles.held;
    held.iter()
        .find(|(role, _)| *role == needed)
        .map(|(_, account)| *account)
}

/// The seconds at which something expires, opens or is released.
fn boundaries(world: &World) -> Vec<u64> {
    let orders = world.settlement.orders.values();
    let open = orders.filter(|known| known.state == state::OPEN);
    let mut at: Vec<u64> = open.map(|known| known.order.expiry).collect();
    for security in world.securities.values() {
        at.extend(security.rules.values());
        at.extend(security.records.values().map(|record| record.kyc_expiry));
        at.extend(
            security
                .locks
                .values()
                .flat_map(std::collections::BTreeMap::keys),
        );
    }
    at
}

fn settle(bid: B256, ask: B256) -> Act {
    Act::Settlement(Dvp::settle(IDvPSettlement::settleCall {
        bidId: bid,
        askId: ask,
    }))
}

fn settle_signed(bid: &Signed, ask: &Signed) -> Act {
    let call = IDvPSettlement::settleSignedCall {
        bid: bid.order.clone(),
        bidSignature: bid.signature.clone(),
        ask: ask.order.clone(),
        askSignature: ask.signature.clone(),
    };
    Act::Settlement(Dvp::settleSigned(call))
}

fn cancel_by_id(id: B256, reason: B256) -> Act {
    Act::Settlement(Dvp::cancelOrderById(IDvPSettlement::cancelOrderByIdCall {
        id,
        reason,
    }))
}

fn mint(to: Address, value: U256) -> ISecurityToken::mintCall {
    ISecurityToken::mintCall { to, value }
}
