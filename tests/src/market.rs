//! A market ready to trade: the starting point of every settlement scenario.
//!
//! The seller owns 1,000 S (18 decimals), the buyer 50,000 TsUSDC; both are in group 20, which is open to itself, and both
//! have approved the settlement contract for all they own. The bid of the scenarios is for 100 S at no more than 1,050
//! TsUSDC, the ask for at least 1,020.

use std::sync::OnceLock;

use alloy::{
    primitives::{Address, B256, U256, keccak256},
    rpc::types::TransactionReceipt,
    sol_types::{Eip712Domain, SolCall, SolError},
};
use tokio::sync::{Mutex, MutexGuard};

use crate::{
    account::Account,
    bindings::{IDvPSettlement, ISecurityToken, ITsUSDC, Order},
    chain::{Chain, GAS_LIMIT},
    deploy,
    order::{self, ASK, BID, Signed},
    refusal,
    watch::Watch,
};

/// One day, in seconds.
pub const DAY: u64 = 86_400;
/// The registry group of both parties.
pub const GROUP: u8 = 20;
/// The parties' country, ISO 3166-1 numeric.
pub const COUNTRY: u16 = 840;

/// When the market opens on a chain whose clock is ours, unix seconds (2033).
const OPENING: u64 = 2_000_000_000;

/// Whole securities in base units.
pub fn s(whole: u64) -> U256 {
    U256::from(whole) * U256::from(10).pow(U256::from(18))
}

/// Whole TsUSDC in base units.
pub fn usd(whole: u64) -> U256 {
    U256::from(whole) * U256::from(1_000_000)
}

/// The role of that name.
pub fn role(name: &str) -> B256 {
    if name == "DEFAULT_ADMIN_ROLE" {
        B256::ZERO
    } else {
        keccak256(name)
    }
}

/// Contracts and people.
#[derive(Clone, Debug)]
pub struct Parties {
    /// The security token.
    pub token: Address,
    /// TsUSDC.
    pub coin: Address,
    /// The settlement contract.
    pub settlement: Address,
    /// Default admin of the security token and the settlement contract, with every role there except operator and
    /// principal; at the coin, master minter, minter, pauser, blacklister, seizer and rescuer.
    pub admin: Account,
    /// Default admin of the coin, where it cannot be a minter.
    pub treasurer: Account,
    /// Attests the coin's reserves.
    pub attestor: Account,
    /// The broker-dealer's hot key.
    pub operator: Account,
    /// The broker-dealer's second key, which commits matches.
    pub principal: Account,
    /// Owns 1,000 S.
    pub seller: Account,
    /// Owns 50,000 TsUSDC.
    pub buyer: Account,
    /// Has ether and nothing else.
    pub stranger: Account,
    /// When the market was opened.
    pub opened: u64,
    seed: B256,
}

/// One test's own market. On devnet, the tests of one binary take turns on one chain, each from the same snapshot.
#[derive(Debug)]
pub struct Market {
    /// The node.
    pub chain: Chain,
    /// Contracts and people.
    pub parties: Parties,
    _turn: MutexGuard<'static, Option<Base>>,
}

impl std::ops::Deref for Market {
    type Target = Parties;

    fn deref(&self) -> &Parties {
        &self.parties
    }
}

/// The market as every test of the binary finds it.
#[derive(Debug)]
struct Base {
    parties: Parties,
    snapshot: U256,
}

fn turns() -> &'static Mutex<Option<Base>> {
    static TURNS: OnceLock<Mutex<Option<Base>>> = OnceLock::new();
    TURNS.get_or_init(|| Mutex::new(None))
}

impl Market {
    /// Opens a market on a chain that nobody else uses.
    pub async fn open_on(chain: Chain) -> Self {
        let turn = turns().lock().await;
        let parties = deploy_all(&chain).await;
        Self {
            chain,
            parties,
            _turn: turn,
        }
    }

    /// Opens a market: on devnet from this binary's snapshot, elsewhere with its own contracts.
    pub async fn open() -> Self {
        // One test at a time: they share the funded key's nonce, and on devnet also the clock.
        let mut turn = turns().lock().await;
        let chain = Chain::connect().await;
        if !chain.is_development() {
            let parties = deploy_all(&chain).await;
            return Self {
                chain,
                parties,
                _turn: turn,
            };
        }
        let clock = chain.clock().expect("devnet has a clock");
        let parties = match turn.take() {
            Some(base) => {
                clock.go_back(base.snapshot).await;
                base.parties
            }
            None => deploy_all(&chain).await,
        };
        let snapshot = clock.snapshot().await;
        // The clock is not part of a snapshot: an earlier test may have moved it.
        clock
            .mine_at(chain.now().await.max(parties.opened) + 1)
            .await;
        *turn = Some(Base {
            parties: parties.clone(),
            snapshot,
        });
        Self {
            chain,
            parties,
            _turn: turn,
        }
    }

    /// A new account with ether.
    pub async fn account(&self, label: &str) -> Account {
        let account = Account::derived(self.seed, label);
        self.chain
            .fund(account.address, allowance_of_ether(&self.chain))
            .await;
        account
    }

    /// A new account without ether: a wallet to receive, freeze or list.
    pub fn wallet(&self, label: &str) -> Account {
        Account::derived(self.seed, label)
    }

    /// Registers a wallet for its own investor in a group.
    pub async fn register(&self, wallet: Address, group: u8) {
        self.register_as(wallet, keccak256(wallet), group).await;
    }

    /// Registers a wallet for an investor.
    pub async fn register_as(&self, wallet: Address, investor: B256, group: u8) {
        let call = wallet_record(wallet, investor, group, self.opened + 3650 * DAY);
        self.chain.send(&self.admin, self.token, &call).await;
    }

    /// Opens a pair of groups from a given second on (1: at once, 0: never).
    pub async fn open_pair(&self, from: u8, to: u8, opens_at: u64) {
        let call = ISecurityToken::setGroupRuleCall {
            fromGroup: from,
            toGroup: to,
            opensAt: opens_at,
        };
        self.chain.send(&self.admin, self.token, &call).await;
    }

    /// Mints securities.
    pub async fn mint(&self, to: Address, value: U256) {
        self.chain
            .send(
                &self.admin,
                self.token,
                &ISecurityToken::mintCall { to, value },
            )
            .await;
    }

    /// Securities of an account, base units.
    pub async fn securities(&self, account: Address) -> U256 {
        self.chain
            .call(self.token, &ISecurityToken::balanceOfCall { account })
            .await
    }

    /// TsUSDC of an account, base units.
    pub async fn cash(&self, account: Address) -> U256 {
        self.chain
            .call(self.coin, &ITsUSDC::balanceOfCall { account })
            .await
    }

    /// The settlement contract's EIP-712 domain.
    pub fn domain(&self) -> Eip712Domain {
        order::domain(self.chain.chain_id, self.settlement)
    }

    /// The bid of the scenarios: the buyer's, 100 S for at most 1,050 TsUSDC, for 30 days.
    pub fn bid(&self) -> Order {
        self.order(&self.buyer, BID, usd(1_050), "bid")
    }

    /// The ask of the scenarios: the seller's, 100 S for at least 1,020 TsUSDC, for 30 days.
    pub fn ask(&self) -> Order {
        self.order(&self.seller, ASK, usd(1_020), "ask")
    }

    fn order(&self, owner: &Account, side: u8, limit_total: U256, reference: &str) -> Order {
        let expiry = self.opened + 30 * DAY;
        let (owner, quantity) = (owner.address, s(100));
        order::unsigned(
            owner,
            side,
            self.token,
            self.coin,
            quantity,
            limit_total,
            expiry,
            reference,
        )
    }

    /// Signs an order for this market.
    pub fn sign(&self, order: Order, signer: &Account) -> Signed {
        order::sign(order, &self.domain(), signer)
    }

    /// The scenarios' bid and ask, signed by their owners.
    pub fn signed(&self) -> (Signed, Signed) {
        (
            self.sign(self.bid(), &self.buyer),
            self.sign(self.ask(), &self.seller),
        )
    }

    /// Registers a signed order as the operator.
    pub async fn register_order(&self, signed: &Signed) -> TransactionReceipt {
        self.chain
            .send(&self.operator, self.settlement, &register_call(signed))
            .await
    }

    /// Registers the scenarios' bid and ask and returns their ids.
    pub async fn registered(&self) -> (B256, B256) {
        let (bid, ask) = self.signed();
        self.register_order(&bid).await;
        self.register_order(&ask).await;
        (bid.id, ask.id)
    }

    /// Settles as the operator.
    pub async fn settle(&self, bid: B256, ask: B256) -> TransactionReceipt {
        self.chain
            .send(&self.operator, self.settlement, &settle_call(bid, ask))
            .await
    }

    /// Commits a match as the principal.
    pub async fn commit(&self, bid: B256, ask: B256, until: u64) -> TransactionReceipt {
        let call = commit_call(bid, ask, until);
        self.chain
            .send(&self.principal, self.settlement, &call)
            .await
    }

    /// What preflight returns: the failures and the restriction code.
    pub async fn preflight(&self, bid: B256, ask: B256) -> (Vec<u8>, u8) {
        let call = IDvPSettlement::preflightCall {
            bidId: bid,
            askId: ask,
        };
        let answer = self.chain.call(self.settlement, &call).await;
        (answer.failures, answer.restrictionCode)
    }

    /// An order's state on chain.
    pub async fn state(&self, id: B256) -> u8 {
        self.chain
            .call(self.settlement, &IDvPSettlement::orderStateCall { id })
            .await
    }

    /// All accounts whose holdings a scenario could move.
    pub fn accounts(&self) -> Vec<Address> {
        let people = [
            &self.admin,
            &self.treasurer,
            &self.attestor,
            &self.operator,
            &self.principal,
            &self.seller,
            &self.buyer,
            &self.stranger,
        ];
        people
            .iter()
            .map(|account| account.address)
            .chain([self.settlement])
            .collect()
    }

    /// Everything that a refused call must not change, including these orders.
    pub fn watch(&self, orders: &[B256]) -> Watch {
        let mut watch = Watch::default();
        let accounts = self.accounts();
        watch.security(self.token, &accounts);
        watch.coin(self.coin, &accounts);
        watch.settlement(self.settlement, &accounts, orders);
        watch
    }

    /// Asserts that a call reverts with `error` and moves nothing; see [`refusal::refused`].
    pub async fn refused<C: SolCall, E: SolError>(
        &self,
        orders: &[B256],
        from: &Account,
        to: Address,
        call: &C,
        error: &E,
    ) {
        refusal::refused(&self.chain, &self.watch(orders), from, to, call, error).await;
    }

    /// Asserts that `settle` by the operator is refused for this failure, that preflight names it first, and that nothing
    /// moves.
    pub async fn settle_refused(&self, bid: B256, ask: B256, failure: u8, restriction: u8) {
        let (failures, code) = self.preflight(bid, ask).await;
        assert_eq!(
            failures.first(),
            Some(&failure),
            "preflight says {failures:?}"
        );
        if failure == 19 {
            assert_eq!(code, restriction, "preflight's restriction code");
        }
        let error = IDvPSettlement::SettlementRefused {
            failure,
            restrictionCode: restriction,
        };
        self.refused(
            &[bid, ask],
            &self.operator,
            self.settlement,
            &settle_call(bid, ask),
            &error,
        )
        .await;
    }

    /// Asserts the result of a settlement at the midpoint, 1,035 TsUSDC for 100 S.
    pub async fn assert_settled(&self, bid: B256, ask: B256) {
        assert_eq!(self.securities(self.seller.address).await, s(900));
        assert_eq!(self.securities(self.buyer.address).await, s(100));
        assert_eq!(self.cash(self.seller.address).await, usd(1_035));
        assert_eq!(
            self.cash(self.buyer.address).await,
            usd(50_000) - usd(1_035)
        );
        assert_eq!(self.securities(self.settlement).await, U256::ZERO);
        assert_eq!(self.cash(self.settlement).await, U256::ZERO);
        assert_eq!(self.state(bid).await, order::state::FILLED);
        assert_eq!(self.state(ask).await, order::state::FILLED);
    }
}

/// `registerOrder` of a signed order.
pub fn register_call(signed: &Signed) -> IDvPSettlement::registerOrderCall {
    IDvPSettlement::registerOrderCall {
        order: signed.order.clone(),
        signature: signed.signature.clone(),
    }
}

/// `settle` of two ids.
pub fn settle_call(bid: B256, ask: B256) -> IDvPSettlement::settleCall {
    IDvPSettlement::settleCall {
        bidId: bid,
        askId: ask,
    }
}

/// `commitMatch` of two ids.
pub fn commit_call(bid: B256, ask: B256, until: u64) -> IDvPSettlement::commitMatchCall {
    IDvPSettlement::commitMatchCall { bid, ask, until }
}

/// `releaseMatch` of two ids.
pub fn release_call(bid: B256, ask: B256) -> IDvPSettlement::releaseMatchCall {
    IDvPSettlement::releaseMatchCall {
        bid,
        ask,
        reason: B256::repeat_byte(0x0e),
    }
}

/// `settleSigned` of two signed orders.
pub fn settle_signed_call(bid: &Signed, ask: &Signed) -> IDvPSettlement::settleSignedCall {
    IDvPSettlement::settleSignedCall {
        bid: bid.order.clone(),
        bidSignature: bid.signature.clone(),
        ask: ask.order.clone(),
        askSignature: ask.signature.clone(),
    }
}

/// `setWallet` in the parties' country.
pub fn wallet_record(
    wallet: Address,
    investor: B256,
    group: u8,
    kyc_expiry: u64,
) -> ISecurityToken::setWalletCall {
    ISecurityToken::setWalletCall {
        wallet,
        investorId: investor,
        group,
        country: COUNTRY,
        kycExpiry: kyc_expiry,
    }
}

/// Ether for an actor: the node requires enough for the whole gas limit before each transaction.
fn allowance_of_ether(chain: &Chain) -> U256 {
    let transactions: u64 = if chain.is_development() { 1_000 } else { 3 };
    U256::from(chain.max_fee) * U256::from(GAS_LIMIT) * U256::from(transactions)
}

async fn deploy_all(chain: &Chain) -> Parties {
    set_time(chain, OPENING - DAY).await;
    let nonce: U256 = chain
        .request("eth_getTransactionCount", (chain.funded.address, "latest"))
        .await;
    let seed = keccak256(
        [
            chain.funded.signer.to_bytes().as_slice(),
            &nonce.to_be_bytes::<32>(),
        ]
        .concat(),
    );
    let admin = chain.funded.clone();
    let actor = |label| Account::derived(seed, label);
    let (operator, seller) = (actor("operator"), actor("seller"));
    let (buyer, stranger) = (actor("buyer"), actor("stranger"));
    let (treasurer, attestor) = (actor("treasurer"), actor("attestor"));
    let principal = actor("principal");
    for account in [
        &operator, &principal, &seller, &buyer, &stranger, &treasurer, &attestor,
    ] {
        chain.fund(account.address, allowance_of_ether(chain)).await;
    }
    let token = deploy::token(chain, 18, U256::ZERO, admin.address).await;
    let coin = deploy::coin(chain, treasurer.address).await;
    let settlement = deploy::settlement(chain, coin, admin.address, operator.address).await;
    set_time(chain, OPENING).await;
    let opened = chain.now().await;
    let parties = Parties {
        token,
        coin,
        settlement,
        admin,
        treasurer,
        attestor,
        operator,
        principal,
        seller,
        buyer,
        stranger,
        opened,
        seed,
    };
    list(chain, &parties).await;
    parties
}

/// The same time in every run makes the same orders, signatures and gas. Programs expire after a year, so the clock is
/// set before they are activated, and again to remove the seconds that deploying takes.
async fn set_time(chain: &Chain, time: u64) {
    if chain.is_development()
        && let Some(clock) = chain.clock()
    {
        clock.mine_at(time.max(chain.now().await)).await;
    }
}

/// Roles, records, holdings, approvals.
async fn list(chain: &Chain, parties: &Parties) {
    let Parties {
        token,
        coin,
        settlement,
        admin,
        treasurer,
        attestor,
        principal,
        seller,
        buyer,
        opened,
        ..
    } = parties;
    let grants = [
        (
            token,
            admin,
            admin,
            &[
                "ISSUER_ROLE",
                "COMPLIANCE_ROLE",
                "ENFORCER_ROLE",
                "PAUSER_ROLE",
            ][..],
        ),
        (
            coin,
            treasurer,
            admin,
            &[
                "MASTER_MINTER_ROLE",
                "PAUSER_ROLE",
                "BLACKLISTER_ROLE",
                "SEIZER_ROLE",
                "RESCUER_ROLE",
            ],
        ),
        (coin, treasurer, attestor, &["ATTESTOR_ROLE"]),
        (settlement, admin, admin, &["PAUSER_ROLE"]),
        (settlement, admin, principal, &["PRINCIPAL_ROLE"]),
    ];
    for (contract, by, to, roles) in grants {
        for name in roles {
            let grant = ISecurityToken::grantRoleCall {
                role: role(name),
                account: to.address,
            };
            chain.send(by, *contract, &grant).await;
        }
    }
    for party in [seller, buyer] {
        let (wallet, expiry) = (party.address, opened + 3650 * DAY);
        let record = wallet_record(wallet, keccak256(wallet), GROUP, expiry);
        chain.send(admin, *token, &record).await;
    }
    let rule = ISecurityToken::setGroupRuleCall {
        fromGroup: GROUP,
        toGroup: GROUP,
        opensAt: 1,
    };
    chain.send(admin, *token, &rule).await;
    let mint = ISecurityToken::mintCall {
        to: seller.address,
        value: s(1_000),
    };
    chain.send(admin, *token, &mint).await;

    let max_age = ITsUSDC::setReserveMaxAgeCall { maxAge: 3650 * DAY };
    chain.send(treasurer, *coin, &max_age).await;
    let attest = ITsUSDC::attestReservesCall {
        reserves: usd(1_000_000),
        asOf: *opened,
        evidence: B256::repeat_byte(0xa7),
    };
    chain.send(attestor, *coin, &attest).await;
    let minter = ITsUSDC::configureMinterCall {
        minter: admin.address,
        minterAllowedAmount: usd(1_000_000),
    };
    chain.send(admin, *coin, &minter).await;
    let mint = ITsUSDC::mintCall {
        to: buyer.address,
        amount: usd(50_000),
    };
    chain.send(admin, *coin, &mint).await;

    let list = IDvPSettlement::listSecurityCall {
        security: *token,
        listed: true,
    };
    chain.send(admin, *settlement, &list).await;
    let approvals = [(seller, token, s(1_000)), (buyer, coin, usd(50_000))];
    for (owner, asset, value) in approvals {
        let approve = ISecurityToken::approveCall {
            spender: *settlement,
            value,
        };
        chain.send(owner, *asset, &approve).await;
    }
}
