//! The cost of operations on the embedded chain, compared with the committed snapshot and the bars.
//!
//! `make snapshots` (this test with `UPDATE_SNAPSHOTS=1`) writes the snapshot.
#![allow(clippy::too_many_lines, reason = "one list of operations")]

use std::collections::BTreeMap;

use acceptance::{
    account::Account,
    bindings::{
        IArbDebug, IArbWasmCache, IDistribution, IDocuments, IDvPSettlement, IEntry, IFloor,
        IPlainErc20, ISecurityToken, ITsUSDC, Order,
    },
    deploy,
    distribution::{Opened, Payout},
    gas::{self, Cost},
    market::{
        DAY, GROUP, Market, commit_call, register_call, s, settle_call, settle_signed_call, usd,
    },
    order::Signed,
};
use alloy::{
    primitives::{Address, B256, Bytes, U256, address, keccak256},
    sol,
    sol_types::{SolCall, SolStruct, eip712_domain},
};

const ARB_WASM_CACHE: Address = address!("0000000000000000000000000000000000000072");
const ARB_DEBUG: Address = address!("00000000000000000000000000000000000000ff");

sol! {
    struct TransferWithAuthorization { address from; address to; uint256 value; uint256 validAfter; uint256 validBefore; bytes32 nonce; }
}

/// The market and the reference contracts, all accounts funded, so that no measured write is the first to its slot.
struct Bench {
    market: Market,
    plain: Address,
    floor: Address,
    /// The same entry point with the SDK's macro and with the runtime.
    entries: [(&'static str, Address); 2],
    /// Two holders, each the last of its investor's 8 wallets, with 16 locks, 8 vestings and 8 holds.
    encumbered: [Account; 2],
    /// A holder of both tokens on whose tokens no hold was ever placed.
    keeper: Account,
    /// One wallet of each of 100 investors with 8 wallets.
    crowd: Vec<Address>,
    /// A distribution to 100,000 holders, none of whom has coins or was paid yet.
    payout: Payout,
    dividend: Opened,
    documents: Address,
}

impl Bench {
    async fn set_up(market: Market) -> Self {
        let plain = deploy::program(&market.chain, "plain-erc20", None).await;
        let floor = deploy::program(&market.chain, "floor", None).await;
        let chain = &market.chain;
        let no_arguments = || Some(Bytes::new());
        let entries = [
            (
                "entry.public",
                deploy::program(chain, "entry-public", no_arguments()).await,
            ),
            (
                "entry.runtime",
                deploy::program(chain, "entry-runtime", no_arguments()).await,
            ),
        ];
        let (buyer, seller, operator) = (&market.buyer, &market.seller, &market.operator);
        for (_, entry) in entries {
            chain.send(operator, entry, &record(operator)).await;
        }

        for account in [buyer, seller] {
            let mint = IPlainErc20::mintCall {
                to: account.address,
                value: s(1_000),
            };
            chain.send(&market.admin, plain, &mint).await;
        }
        let move_some = ISecurityToken::transferCall {
            to: buyer.address,
            value: s(10),
        };
        chain.send(seller, market.token, &move_some).await;
        let move_some = ITsUSDC::transferCall {
            to: seller.address,
            value: usd(10),
        };
        chain.send(buyer, market.coin, &move_some).await;
        let approve = |spender, value| ISecurityToken::approveCall { spender, value };
        for spender in [operator.address, floor] {
            chain
                .send(seller, market.token, &approve(spender, s(500)))
                .await;
            chain
                .send(buyer, market.coin, &approve(spender, usd(20_000)))
                .await;
            chain.send(seller, plain, &approve(spender, s(500))).await;
        }

        // Every rule is on, none prevents anything.
        let limits = ISecurityToken::setLimitsCall {
            maxPerInvestor: s(1_000_000),
            maxBipsPerInvestor: 10_000,
            maxHolders: 1_000,
            minHolding: U256::from(1),
            granularity: U256::from(1),
        };
        chain.send(&market.admin, market.token, &limits).await;
        let limit = ISecurityToken::setGroupHolderLimitCall {
            group: GROUP,
            maxHolders: 500,
        };
        chain.send(&market.admin, market.token, &limit).await;
        let blocked = ISecurityToken::setCountryBlockedCall {
            country: 408,
            blocked: true,
        };
        chain.send(&market.admin, market.token, &blocked).await;

        let mut encumbered = Vec::new();
        for label in ["encumbered", "encumbered too"] {
            let holder = market.account(label).await;
            let investor = keccak256(holder.address);
            for index in 0..7 {
                let wallet = market.wallet(&format!("{label} {index}")).address;
                market.register_as(wallet, investor, GROUP).await;
                market.mint(wallet, s(1)).await;
            }
            market.register_as(holder.address, investor, GROUP).await;
            market.mint(holder.address, s(200)).await;
            encumber(&market, &holder).await;
            encumbered.push(holder);
        }
        let keeper = market.account("keeper").await;
        market.register(keeper.address, GROUP).await;
        market.mint(keeper.address, s(100)).await;
        let fund = ITsUSDC::mintCall {
            to: keeper.address,
            amount: usd(100),
        };
        chain.send(&market.admin, market.coin, &fund).await;
        for token in [market.token, market.coin] {
            chain
                .send(&keeper, token, &approve(operator.address, s(500)))
                .await;
        }
        let crowd = crowd(&market).await;
        let payout = Payout::of(&market).await;
        let share = |index: u32| (Address::from_word(keccak256(index.to_be_bytes())), SHARE);
        let shares = (0..HOLDERS).map(share).collect();
        let (terms, tree) = payout.terms(&market, &shares).await;
        let dividend = payout.open_as(&market, shares, fixed(&terms), tree).await;
        let documents = deploy::documents(&market.chain).await;

        // The first settlement writes the counter's first word; the measured ones do not.
        let (bid, ask) = signed(&market, 0);
        chain
            .send(operator, market.settlement, &settle_signed_call(&bid, &ask))
            .await;
        Self {
            market,
            plain,
            floor,
            entries,
            encumbered: encumbered.try_into().expect("two holders"),
            keeper,
            crowd,
            payout,
            dividend,
            documents,
        }
    }

    async fn send<C: SolCall>(&self, from: &Account, to: Address, call: &C) -> u64 {
        self.market.chain.send(from, to, call).await.gas_used
    }

    /// The gas of every operation, each from the same state as far as the others allow.
    async fn measure(&self) -> BTreeMap<&'static str, u64> {
        let market = &self.market;
        let (token, coin, settlement) = (market.token, market.coin, market.settlement);
        let (buyer, seller, operator) = (&market.buyer, &market.seller, &market.operator);
        let mut costs = BTreeMap::new();
        let to_buyer = ISecurityToken::transferCall {
            to: buyer.address,
            value: s(1),
        };
        let from_seller = |value| ISecurityToken::transferFromCall {
            from: seller.address,
            to: buyer.address,
            value,
        };
        costs.insert(
            "plain.transfer",
            self.send(seller, self.plain, &to_buyer).await,
        );
        costs.insert(
            "plain.transferFrom",
            self.send(operator, self.plain, &from_seller(s(1))).await,
        );
        let approve = ISecurityToken::approveCall {
            spender: market.stranger.address,
            value: s(7),
        };
        costs.insert(
            "plain.approve",
            self.send(seller, self.plain, &approve).await,
        );
        let mint = IPlainErc20::mintCall {
            to: seller.address,
            value: s(1),
        };
        costs.insert(
            "plain.mint",
            self.send(&market.admin, self.plain, &mint).await,
        );

        costs.insert("token.transfer", self.send(seller, token, &to_buyer).await);
        costs.insert(
            "token.transferFrom",
            self.send(operator, token, &from_seller(s(1))).await,
        );
        let [from, to] = &self.encumbered;
        let worst = ISecurityToken::transferCall {
            to: to.address,
            value: s(1),
        };
        costs.insert("token.transferWorst", self.send(from, token, &worst).await);
        costs.insert("token.approve", self.send(seller, token, &approve).await);
        let mint = ISecurityToken::mintCall {
            to: seller.address,
            value: s(1),
        };
        costs.insert("token.mint", self.send(&market.admin, token, &mint).await);

        let locked = ISecurityToken::mintLockedCall {
            to: self.keeper.address,
            amount: s(1),
            unlockAt: market.opened + 180 * DAY,
        };
        costs.insert(
            "token.mintLocked",
            self.send(&market.admin, token, &locked).await,
        );
        let fresh: Vec<_> = (0..100)
            .map(|index| market.wallet(&format!("new investor {index}")).address)
            .collect();
        let wallets = set_wallets(market, &fresh, &fresh);
        costs.insert(
            "token.setWallets100",
            self.send(&market.admin, token, &wallets).await,
        );
        let sanction = ISecurityToken::setSanctionedCall {
            accounts: self.crowd.clone(),
            sanctioned: true,
        };
        costs.insert(
            "token.setSanctioned100",
            self.send(&market.admin, token, &sanction).await,
        );

        let to_seller = ITsUSDC::transferCall {
            to: seller.address,
            value: usd(1),
        };
        costs.insert("coin.transfer", self.send(buyer, coin, &to_seller).await);
        let from_buyer = ITsUSDC::transferFromCall {
            from: buyer.address,
            to: seller.address,
            value: usd(1),
        };
        costs.insert(
            "coin.transferFrom",
            self.send(operator, coin, &from_buyer).await,
        );
        let authorized = authorization(market);
        let stranger = &market.stranger;
        costs.insert(
            "coin.transferWithAuthorization",
            self.send(stranger, coin, &authorized).await,
        );
        let mint = ITsUSDC::mintCall {
            to: seller.address,
            amount: usd(1),
        };
        costs.insert("coin.mint", self.send(&market.admin, coin, &mint).await);
        let approve = ITsUSDC::approveCall {
            spender: market.stranger.address,
            value: usd(7),
        };
        costs.insert("coin.approve", self.send(buyer, coin, &approve).await);

        for (token, names, amount) in [
            (
                token,
                ["token.placeHold", "token.useHold", "token.dropHold"],
                s(1),
            ),
            (
                coin,
                ["coin.placeHold", "coin.useHold", "coin.dropHold"],
                usd(1),
            ),
        ] {
            let (id, owner) = (B256::repeat_byte(1), self.keeper.address);
            let place = ITsUSDC::placeHoldCall {
                id,
                owner,
                amount,
                until: market.opened + 2 * DAY,
            };
            let used = ITsUSDC::useHoldCall {
                id,
                owner,
                to: seller.address,
                amount,
            };
            let dropped = ITsUSDC::dropHoldCall { id, owner };
            costs.insert(names[0], self.send(operator, token, &place).await);
            costs.insert(names[1], self.send(operator, token, &used).await);
            self.send(operator, token, &place).await;
            costs.insert(names[2], self.send(operator, token, &dropped).await);
        }

        for (name, entry) in self.entries {
            costs.insert(name, self.send(operator, entry, &record(operator)).await);
        }
        let exchange = IFloor::exchangeCall {
            security: token,
            payment: coin,
            seller: seller.address,
            buyer: buyer.address,
            quantity: s(100),
            total: usd(1_035),
        };
        costs.insert(
            "settlement.floor",
            self.send(operator, self.floor, &exchange).await,
        );
        let (bid, ask) = signed(market, 1);
        costs.insert(
            "settlement.registerOrder",
            self.send(operator, settlement, &register_call(&bid)).await,
        );
        self.send(operator, settlement, &register_call(&ask)).await;
        costs.insert(
            "settlement.settle",
            self.send(operator, settlement, &settle_call(bid.id, ask.id))
                .await,
        );
        let (bid, ask) = signed(market, 2);
        costs.insert(
            "settlement.settleSigned",
            self.send(operator, settlement, &settle_signed_call(&bid, &ask))
                .await,
        );
        for (reference, both) in [
            (4, "settlement.commitAndSettle"),
            (5, "settlement.commitAndSettleAgain"),
        ] {
            let (bid, ask) = signed(market, reference);
            for order in [&bid, &ask] {
                self.send(operator, settlement, &register_call(order)).await;
            }
            let commit = commit_call(bid.id, ask.id, market.opened + 2 * DAY);
            let committed = self.send(&market.principal, settlement, &commit).await;
            let settle = settle_call(bid.id, ask.id);
            let settled = self.send(operator, settlement, &settle).await;
            costs.insert(both, committed + settled);
            costs.entry("settlement.commitMatch").or_insert(committed);
            costs.entry("settlement.settleCommitted").or_insert(settled);
        }
        let (bid, ask) = signed(market, 3);
        self.send(operator, settlement, &register_call(&bid)).await;
        let cancel = IDvPSettlement::cancelOrderByIdCall {
            id: bid.id,
            reason: B256::repeat_byte(1),
        };
        costs.insert(
            "settlement.cancelOrderById",
            self.send(operator, settlement, &cancel).await,
        );
        let cancel = IDvPSettlement::cancelOrderCall { order: ask.order };
        costs.insert(
            "settlement.cancelOrder",
            self.send(seller, settlement, &cancel).await,
        );
        let advance = IDvPSettlement::cancelAllOrdersCall {};
        costs.insert(
            "settlement.cancelAllOrders",
            self.send(&market.stranger, settlement, &advance).await,
        );
        costs.extend(self.distribution().await);
        let anchor = IDvPSettlement::anchorBookCall {
            root: B256::repeat_byte(2),
            size: 1,
        };
        costs.insert(
            "settlement.anchorBook",
            self.send(operator, settlement, &anchor).await,
        );
        costs
    }

    /// The gas of a distribution to 100,000 holders.
    async fn distribution(&self) -> BTreeMap<&'static str, u64> {
        let Self {
            market,
            payout,
            dividend,
            documents,
            ..
        } = self;
        let contract = payout.contract;
        let stranger = &market.stranger;
        let mut costs = BTreeMap::new();
        let (open, _) = payout
            .terms(market, &vec![(stranger.address, usd(1))])
            .await;
        costs.insert(
            "distribution.open",
            self.send(&payout.funder, contract, &fixed(&open)).await,
        );
        let claim = dividend.claim_call(99_999);
        costs.insert(
            "distribution.claim",
            self.send(stranger, contract, &claim).await,
        );
        let batch = dividend.batch(0..100);
        let hundred = self.send(stranger, contract, &batch).await;
        costs.insert("distribution.payBatch100", hundred);
        costs.insert("distribution.payBatch100PerHolder", hundred / 100);
        let again = self.send(stranger, contract, &batch).await;
        costs.insert("distribution.payBatch100Again", again);
        let set = IDocuments::setDocumentCall {
            security: market.token,
            name: B256::right_padding_from(b"prospectus"),
            uri: "https://example.com/prospectus.pdf".into(),
            documentHash: B256::repeat_byte(1),
        };
        costs.insert(
            "documents.setDocument",
            self.send(&market.admin, *documents, &set).await,
        );
        costs
    }

    /// Puts every program into the chain's cache.
    async fn cache(&self) {
        let (chain, admin) = (&self.market.chain, &self.market.admin);
        chain
            .send(admin, ARB_DEBUG, &IArbDebug::becomeChainOwnerCall {})
            .await;
        let market = &self.market;
        for program in [
            market.token,
            market.coin,
            market.settlement,
            self.plain,
            self.floor,
            self.payout.contract,
            self.documents,
            self.entries[0].1,
            self.entries[1].1,
        ] {
            chain
                .send(
                    admin,
                    ARB_WASM_CACHE,
                    &IArbWasmCache::cacheProgramCall { program },
                )
                .await;
        }
    }
}

/// Terms without anything that changes from run to run: a byte of calldata costs 4 gas when it is zero and 16 when it
/// is not, and the terms are part of the id, which every claim contains.
fn fixed(terms: &IDistribution::openCall) -> IDistribution::openCall {
    IDistribution::openCall {
        recordBlockHash: B256::repeat_byte(0xaa),
        // In 2037, within ten years of the chain's first block.
        claimUntil: 0x7f7f_7f7f,
        ..terms.clone()
    }
}

/// Holders of the distribution that is measured.
const HOLDERS: u32 = 100_000;

/// What each holder gets, base units.
const SHARE: U256 = U256::from_limbs([100, 0, 0, 0]);

fn record(account: &Account) -> IEntry::recordCall {
    IEntry::recordCall {
        account: account.address,
        amount: U256::from(1),
    }
}

/// The scenarios' pair with its own reference.
fn signed(market: &Market, reference: u8) -> (Signed, Signed) {
    let reference = B256::repeat_byte(0x10 + reference);
    let bid = Order {
        boardRef: reference,
        ..market.bid()
    };
    let ask = Order {
        boardRef: reference,
        ..market.ask()
    };
    (
        market.sign(bid, &market.buyer),
        market.sign(ask, &market.seller),
    )
}

/// As much as the rules allow on one wallet.
async fn encumber(market: &Market, holder: &Account) {
    let (chain, token, address) = (&market.chain, market.token, holder.address);
    for index in 0..16 {
        let lock = ISecurityToken::lockTokensCall {
            holder: address,
            amount: s(1),
            releaseTime: market.opened + (100 + index) * DAY,
        };
        chain.send(&market.admin, token, &lock).await;
    }
    for index in 0..8 {
        let grant = ISecurityToken::grantVestingCall {
            holder: address,
            amount: s(10),
            start: market.opened + index * DAY,
            cliff: 42 * 86_400,
            period: 42 * 86_400,
            periods: 7,
            firstBips: 1_250,
            revocable: true,
        };
        chain.send(&market.admin, token, &grant).await;
    }
    let approve = ISecurityToken::approveCall {
        spender: market.operator.address,
        value: s(8),
    };
    chain.send(holder, token, &approve).await;
    for index in 0..8 {
        let place = ISecurityToken::placeHoldCall {
            id: B256::repeat_byte(0x40 + index),
            owner: address,
            amount: s(1),
            until: market.opened + 6 * DAY,
        };
        chain.send(&market.operator, token, &place).await;
    }
}

/// Records of wallets for the investors of other wallets.
fn set_wallets(
    market: &Market,
    wallets: &[Address],
    first: &[Address],
) -> ISecurityToken::setWalletsCall {
    let count = wallets.len();
    ISecurityToken::setWalletsCall {
        wallets: wallets.to_vec(),
        investorIds: first.iter().map(keccak256).collect(),
        groups: vec![GROUP; count],
        countries: vec![acceptance::market::COUNTRY; count],
        kycExpiries: vec![market.opened + 365 * DAY; count],
    }
}

/// A hundred investors with 8 wallets each; returns the first of each.
async fn crowd(market: &Market) -> Vec<Address> {
    let of = |round: u64| -> Vec<Address> {
        (0..100)
            .map(|index| market.wallet(&format!("crowd {round} {index}")).address)
            .collect()
    };
    let first = of(0);
    for round in 0..8 {
        let batch = set_wallets(market, &of(round), &first);
        market.chain.send(&market.admin, market.token, &batch).await;
    }
    first
}

/// The buyer's authorisation of one coin to the seller.
fn authorization(market: &Market) -> ITsUSDC::transferWithAuthorization_1Call {
    let message = TransferWithAuthorization {
        from: market.buyer.address,
        to: market.seller.address,
        value: usd(1),
        validAfter: U256::ZERO,
        validBefore: U256::from(market.opened + 365 * DAY),
        nonce: B256::repeat_byte(0x42),
    };
    let domain = eip712_domain! {
        name: "TsUSDC",
        version: "1",
        chain_id: market.chain.chain_id,
        verifying_contract: market.coin,
    };
    let signature = market.buyer.sign(message.eip712_signing_hash(&domain));
    let TransferWithAuthorization {
        from,
        to,
        value,
        validAfter,
        validBefore,
        nonce,
    } = message;
    ITsUSDC::transferWithAuthorization_1Call {
        from,
        to,
        value,
        validAfter,
        validBefore,
        nonce,
        v: signature[64],
        r: B256::from_slice(&signature[..32]),
        s: B256::from_slice(&signature[32..64]),
    }
}

#[tokio::test]
async fn every_operation_costs_what_the_snapshot_says() {
    let market = Market::open().await;
    if market.chain.clock().is_none() {
        return;
    }
    drop(market);
    let bench = Bench::set_up(Market::open().await).await;
    let Some(clock) = bench.market.chain.clock() else {
        return;
    };
    let snapshot = clock.snapshot().await;
    let uncached = bench.measure().await;
    clock.go_back(snapshot).await;
    bench.cache().await;
    let cached = bench.measure().await;
    let costs: BTreeMap<String, Cost> = cached
        .into_iter()
        .map(|(key, cached)| {
            (
                key.to_owned(),
                Cost {
                    cached,
                    uncached: uncached[key],
                },
            )
        })
        .collect();
    println!("{}", gas::table(&costs));

    let path = gas::snapshot_path();
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("the folder is made");
        std::fs::write(&path, gas::to_json(&costs)).expect("the snapshot is written");
    } else {
        let committed = std::fs::read_to_string(&path).unwrap_or_default();
        let differences = gas::differences(&gas::from_json(&committed), &costs);
        assert!(
            differences.is_empty(),
            "{} differs from what was measured; if that is meant, run `make snapshots` and commit it:\n{}",
            path.display(),
            differences.join("\n")
        );
    }
    let over = gas::over_the_bar(&costs);
    assert!(over.is_empty(), "over the bar:\n{}", over.join("\n"));
}
