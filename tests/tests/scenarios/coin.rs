//! TsUSDC: backing, minting, the blacklist, the pause, bank references.

use acceptance::{
    account::Account,
    bindings::{IPlainErc20, ITsUSDC},
    deploy,
    market::{DAY, Market, usd},
};
use alloy::{
    primitives::{Address, B256, U256, keccak256},
    sol_types::{SolCall, SolError},
};

async fn refused<C: SolCall, E: SolError>(market: &Market, from: &Account, call: &C, error: &E) {
    market.refused(&[], from, market.coin, call, error).await;
}

/// A second coin without attestation or coins, with the same roles as the market's.
async fn fresh_coin(market: &Market) -> Address {
    let coin = deploy::coin(&market.chain, market.treasurer.address).await;
    for (name, to) in [
        ("MASTER_MINTER_ROLE", &market.admin),
        ("PAUSER_ROLE", &market.admin),
        ("ATTESTOR_ROLE", &market.attestor),
    ] {
        let grant = ITsUSDC::grantRoleCall {
            role: keccak256(name),
            account: to.address,
        };
        market.chain.send(&market.treasurer, coin, &grant).await;
    }
    let minter = ITsUSDC::configureMinterCall {
        minter: market.admin.address,
        minterAllowedAmount: U256::MAX,
    };
    market.chain.send(&market.admin, coin, &minter).await;
    coin
}

fn attest(reserves: U256, as_of: u64) -> ITsUSDC::attestReservesCall {
    ITsUSDC::attestReservesCall {
        reserves,
        asOf: as_of,
        evidence: B256::repeat_byte(0xe1),
    }
}

/// Scenario 13, and invariant I6.
#[tokio::test]
async fn mint_reverts_beyond_the_attested_reserves() {
    let market = Market::open().await;
    let coin = fresh_coin(&market).await;
    let mut watch = market.watch(&[]);
    watch.coin(coin, &market.accounts());
    let mint = |amount| ITsUSDC::mintCall {
        to: market.buyer.address,
        amount,
    };
    let refused = async |amount, error: &dyn Fn() -> Vec<u8>| {
        let input = mint(amount).abi_encode().into();
        let expected = error();
        let (chain, admin) = (&market.chain, &market.admin);
        acceptance::refusal::refused_with(chain, &watch, admin, coin, input, &expected, "mint")
            .await;
    };
    // No attestation and no maximum age: nothing can be minted.
    let stale = |as_of, max_age| {
        move || {
            ITsUSDC::ReservesStale {
                asOf: as_of,
                maxAge: max_age,
            }
            .abi_encode()
        }
    };
    refused(usd(1), &stale(0, 0)).await;
    let now = market.chain.now().await;
    market
        .chain
        .send(&market.attestor, coin, &attest(usd(1_000_000), now))
        .await;
    refused(usd(1), &stale(now, 0)).await;
    let max_age = ITsUSDC::setReserveMaxAgeCall { maxAge: DAY };
    market.chain.send(&market.treasurer, coin, &max_age).await;

    let headroom = ITsUSDC::mintHeadroomCall {};
    assert_eq!(market.chain.call(coin, &headroom).await, usd(1_000_000));
    market
        .chain
        .send(&market.admin, coin, &mint(usd(1_000_000)))
        .await;
    let exceeded = || {
        let supply = usd(1_000_000) + U256::from(1);
        ITsUSDC::ReservesExceeded {
            supplyAfter: supply,
            reserves: usd(1_000_000),
        }
        .abi_encode()
    };
    refused(U256::from(1), &exceeded).await;
    assert_eq!(market.chain.call(coin, &headroom).await, U256::ZERO);
}

/// Scenario 13.
#[tokio::test]
async fn an_attestation_older_than_the_last_or_from_the_future_reverts() {
    let market = Market::open().await;
    let latest = market.opened;
    let older = latest - 1;
    let error = ITsUSDC::InvalidAttestation {
        asOf: older,
        latest,
    };
    refused(
        &market,
        &market.attestor,
        &attest(usd(2_000_000), older),
        &error,
    )
    .await;
    let future = market.chain.now().await + DAY;
    let error = ITsUSDC::InvalidAttestation {
        asOf: future,
        latest,
    };
    refused(
        &market,
        &market.attestor,
        &attest(usd(2_000_000), future),
        &error,
    )
    .await;
    // One of the same second is fine, and so is a smaller one.
    market
        .chain
        .send(&market.attestor, market.coin, &attest(usd(1), latest))
        .await;
    let error = ITsUSDC::ReservesExceeded {
        supplyAfter: usd(50_000) + U256::from(1),
        reserves: usd(1),
    };
    let mint = ITsUSDC::mintCall {
        to: market.buyer.address,
        amount: U256::from(1),
    };
    refused(&market, &market.admin, &mint, &error).await;
}

/// Scenario 13.
#[tokio::test]
async fn mint_reverts_past_the_attestations_age() {
    let market = Market::open().await;
    let Some(clock) = market.chain.clock() else {
        return;
    };
    let max_age = ITsUSDC::setReserveMaxAgeCall { maxAge: 10 * DAY };
    market
        .chain
        .send(&market.treasurer, market.coin, &max_age)
        .await;
    let mint = ITsUSDC::mintCall {
        to: market.buyer.address,
        amount: usd(1),
    };
    let last = market.opened + 10 * DAY;
    clock.next_block_at(last).await;
    market.chain.send(&market.admin, market.coin, &mint).await;
    clock.mine_at(last + 1).await;
    let error = ITsUSDC::ReservesStale {
        asOf: market.opened,
        maxAge: 10 * DAY,
    };
    refused(&market, &market.admin, &mint, &error).await;
    let headroom = market
        .chain
        .call(market.coin, &ITsUSDC::mintHeadroomCall {})
        .await;
    assert_eq!(headroom, U256::ZERO);
}

/// A minter can mint its allowance and no more.
#[tokio::test]
async fn mint_reverts_for_strangers_for_nothing_and_beyond_the_allowance() {
    let market = Market::open().await;
    let mint = |amount| ITsUSDC::mintCall {
        to: market.buyer.address,
        amount,
    };
    let error = ITsUSDC::NotMinter {
        account: market.stranger.address,
    };
    refused(&market, &market.stranger, &mint(usd(1)), &error).await;
    let error = ITsUSDC::InvalidAmount { amount: U256::ZERO };
    refused(&market, &market.admin, &mint(U256::ZERO), &error).await;
    let configure = ITsUSDC::configureMinterCall {
        minter: market.operator.address,
        minterAllowedAmount: usd(5),
    };
    market
        .chain
        .send(&market.admin, market.coin, &configure)
        .await;
    let error = ITsUSDC::MinterAllowanceExceeded {
        minter: market.operator.address,
        allowance: usd(5),
        amount: usd(6),
    };
    refused(&market, &market.operator, &mint(usd(6)), &error).await;
    market
        .chain
        .send(&market.operator, market.coin, &mint(usd(5)))
        .await;
    let lower = ITsUSDC::decreaseMinterAllowanceCall {
        minter: market.operator.address,
        decrement: usd(7),
    };
    market.chain.send(&market.admin, market.coin, &lower).await;
    let error = ITsUSDC::MinterAllowanceExceeded {
        minter: market.operator.address,
        allowance: U256::ZERO,
        amount: U256::from(1),
    };
    refused(&market, &market.operator, &mint(U256::from(1)), &error).await;
}

/// Scenario 16.
#[tokio::test]
async fn a_bank_reference_is_used_once() {
    let market = Market::open().await;
    let mint = |reference| ITsUSDC::mintWithReferenceCall {
        to: market.admin.address,
        amount: usd(10),
        bankReference: reference,
    };
    let burn = |reference| ITsUSDC::burnWithReferenceCall {
        amount: usd(1),
        bankReference: reference,
    };
    let error = |reference| ITsUSDC::BankReferenceUsed {
        bankReference: reference,
    };
    let zero = B256::ZERO;
    refused(&market, &market.admin, &mint(zero), &error(zero)).await;
    refused(&market, &market.admin, &burn(zero), &error(zero)).await;
    let (first, second) = (B256::repeat_byte(1), B256::repeat_byte(2));
    market
        .chain
        .send(&market.admin, market.coin, &mint(first))
        .await;
    refused(&market, &market.admin, &mint(first), &error(first)).await;
    refused(&market, &market.admin, &burn(first), &error(first)).await;
    market
        .chain
        .send(&market.admin, market.coin, &burn(second))
        .await;
    refused(&market, &market.admin, &mint(second), &error(second)).await;
    for (reference, used) in [(first, true), (second, true), (B256::repeat_byte(3), false)] {
        let call = ITsUSDC::isBankReferenceUsedCall {
            bankReference: reference,
        };
        assert_eq!(market.chain.call(market.coin, &call).await, used);
    }
}

/// Coins cannot go anywhere they could not come back from.
#[tokio::test]
async fn transfers_to_zero_and_to_the_coin_itself_revert() {
    let market = Market::open().await;
    for receiver in [Address::ZERO, market.coin] {
        let error = ITsUSDC::ERC20InvalidReceiver { receiver };
        let call = ITsUSDC::transferCall {
            to: receiver,
            value: usd(1),
        };
        refused(&market, &market.buyer, &call, &error).await;
        let call = ITsUSDC::mintCall {
            to: receiver,
            amount: usd(1),
        };
        refused(&market, &market.admin, &call, &error).await;
    }
}

/// USDC's `transferFrom` needs an allowance even for one's own coins, and lowers one of 2^256-1.
#[tokio::test]
async fn transfer_from_always_uses_up_allowance() {
    let market = Market::open().await;
    let from = market.buyer.address;
    let call = ITsUSDC::transferFromCall {
        from,
        to: market.seller.address,
        value: usd(1),
    };
    let error = ITsUSDC::ERC20InsufficientAllowance {
        spender: from,
        allowance: U256::ZERO,
        needed: usd(1),
    };
    refused(&market, &market.buyer, &call, &error).await;
    let approve = ITsUSDC::approveCall {
        spender: market.operator.address,
        value: U256::MAX,
    };
    market
        .chain
        .send(&market.buyer, market.coin, &approve)
        .await;
    let receipt = market
        .chain
        .send(&market.operator, market.coin, &call)
        .await;
    assert_eq!(receipt.inner.logs().len(), 1, "no Approval");
    let left = ITsUSDC::allowanceCall {
        owner: from,
        spender: market.operator.address,
    };
    assert_eq!(
        market.chain.call(market.coin, &left).await,
        U256::MAX - usd(1)
    );
}

/// The reasons for which every movement is refused.
enum Block {
    Pause,
    Blacklist(Address),
}

impl Block {
    async fn apply(&self, market: &Market) {
        match self {
            Self::Pause => {
                market
                    .chain
                    .send(&market.admin, market.coin, &ITsUSDC::pauseCall {})
                    .await
            }
            Self::Blacklist(account) => {
                let call = ITsUSDC::blacklistCall { account: *account };
                market.chain.send(&market.admin, market.coin, &call).await
            }
        };
    }

    fn error(&self) -> Vec<u8> {
        match self {
            Self::Pause => ITsUSDC::EnforcedPause {}.abi_encode(),
            Self::Blacklist(account) => {
                ITsUSDC::AccountBlacklisted { account: *account }.abi_encode()
            }
        }
    }
}

/// One entry point, its caller, and the parties whose coins it moves or who receive them.
struct Entry {
    what: &'static str,
    caller: Account,
    input: alloy::primitives::Bytes,
    /// Parties whose blacklisting stops it.
    parties: Vec<Address>,
    /// Whether the pause stops it.
    pausable: bool,
}

/// Every entry point that moves value or changes an allowance.
async fn entries(market: &Market) -> Vec<Entry> {
    let approve = ITsUSDC::approveCall {
        spender: market.operator.address,
        value: usd(100),
    };
    market
        .chain
        .send(&market.buyer, market.coin, &approve)
        .await;
    let mint = ITsUSDC::mintCall {
        to: market.admin.address,
        amount: usd(10),
    };
    market.chain.send(&market.admin, market.coin, &mint).await;
    let (admin, operator) = (market.admin.clone(), market.operator.clone());
    let (buyer, seller) = (market.buyer.clone(), market.seller.clone());
    let (from, to) = (buyer.address, seller.address);
    let reference = B256::repeat_byte(0xee);
    let spender = operator.address;
    let minter = admin.address;
    // None of those whom the test blacklists.
    let (culprit, outsider) = (Address::repeat_byte(0xc1), Address::repeat_byte(0x0d));
    let blacklist = ITsUSDC::blacklistCall { account: culprit };
    market.chain.send(&admin, market.coin, &blacklist).await;
    let stuck = deploy::program(&market.chain, "plain-erc20", None).await;
    let strand = IPlainErc20::mintCall {
        to: market.coin,
        value: U256::from(5),
    };
    market.chain.send(&admin, stuck, &strand).await;
    let entry = |what, caller: &Account, input: Vec<u8>, parties: &[Address], pausable| Entry {
        what,
        caller: caller.clone(),
        input: input.into(),
        parties: parties.to_vec(),
        pausable,
    };
    let mut entries = vec![
        entry(
            "transfer",
            &buyer,
            ITsUSDC::transferCall { to, value: usd(1) }.abi_encode(),
            &[from, to],
            true,
        ),
        entry(
            "transferFrom",
            &operator,
            ITsUSDC::transferFromCall {
                from,
                to,
                value: usd(1),
            }
            .abi_encode(),
            &[spender, from, to],
            true,
        ),
        entry(
            "mint",
            &admin,
            ITsUSDC::mintCall { to, amount: usd(1) }.abi_encode(),
            &[minter, to],
            true,
        ),
        entry(
            "mintWithReference",
            &admin,
            ITsUSDC::mintWithReferenceCall {
                to,
                amount: usd(1),
                bankReference: reference,
            }
            .abi_encode(),
            &[minter, to],
            true,
        ),
        entry(
            "burn",
            &admin,
            ITsUSDC::burnCall { amount: usd(1) }.abi_encode(),
            &[minter],
            true,
        ),
        entry(
            "burnWithReference",
            &admin,
            ITsUSDC::burnWithReferenceCall {
                amount: usd(1),
                bankReference: reference,
            }
            .abi_encode(),
            &[minter],
            true,
        ),
        entry(
            "approve",
            &buyer,
            ITsUSDC::approveCall {
                spender,
                value: usd(1),
            }
            .abi_encode(),
            &[],
            true,
        ),
        entry(
            "increaseAllowance",
            &buyer,
            ITsUSDC::increaseAllowanceCall {
                spender,
                increment: usd(1),
            }
            .abi_encode(),
            &[],
            true,
        ),
        entry(
            "decreaseAllowance",
            &buyer,
            ITsUSDC::decreaseAllowanceCall {
                spender,
                decrement: usd(1),
            }
            .abi_encode(),
            &[],
            true,
        ),
        entry(
            "configureMinter",
            &admin,
            ITsUSDC::configureMinterCall {
                minter: spender,
                minterAllowedAmount: usd(1),
            }
            .abi_encode(),
            &[],
            true,
        ),
        entry(
            "increaseMinterAllowance",
            &admin,
            ITsUSDC::increaseMinterAllowanceCall {
                minter,
                increment: usd(1),
            }
            .abi_encode(),
            &[],
            true,
        ),
        entry(
            "decreaseMinterAllowance",
            &admin,
            ITsUSDC::decreaseMinterAllowanceCall {
                minter,
                decrement: usd(1),
            }
            .abi_encode(),
            &[],
            false,
        ),
        entry(
            "removeMinter",
            &admin,
            ITsUSDC::removeMinterCall { minter: spender }.abi_encode(),
            &[],
            false,
        ),
        entry(
            "blacklistBatch",
            &admin,
            ITsUSDC::blacklistBatchCall {
                accounts: vec![spender],
            }
            .abi_encode(),
            &[],
            false,
        ),
        entry(
            "unBlacklist",
            &admin,
            ITsUSDC::unBlacklistCall { account: culprit }.abi_encode(),
            &[],
            false,
        ),
        entry(
            "seize",
            &admin,
            ITsUSDC::seizeCall {
                from: culprit,
                to,
                orderReference: reference,
            }
            .abi_encode(),
            &[to],
            false,
        ),
        entry(
            "rescueERC20",
            &admin,
            ITsUSDC::rescueERC20Call {
                token: stuck,
                to: outsider,
                amount: U256::from(5),
            }
            .abi_encode(),
            &[],
            false,
        ),
        entry(
            "pause",
            &admin,
            ITsUSDC::pauseCall {}.abi_encode(),
            &[],
            false,
        ),
        entry(
            "unpause",
            &market.treasurer,
            ITsUSDC::unpauseCall {}.abi_encode(),
            &[],
            false,
        ),
        entry(
            "grantRole",
            &market.treasurer,
            ITsUSDC::grantRoleCall {
                role: keccak256("PAUSER_ROLE"),
                account: outsider,
            }
            .abi_encode(),
            &[],
            false,
        ),
        entry(
            "attestReserves",
            &market.attestor,
            attest(usd(1_000_000), market.opened).abi_encode(),
            &[],
            false,
        ),
        entry(
            "setReserveMaxAge",
            &market.treasurer,
            ITsUSDC::setReserveMaxAgeCall { maxAge: DAY }.abi_encode(),
            &[],
            false,
        ),
    ];
    entries.extend(super::coin_signatures::entries(market).into_iter().map(
        |(what, caller, input, parties)| Entry {
            what,
            caller,
            input,
            parties,
            pausable: true,
        },
    ));
    entries
}

/// Scenario 14, and each entry point works when nothing prevents it.
#[tokio::test]
async fn every_entry_point_is_refused_for_each_blacklisted_party_and_in_a_pause() {
    let market = Market::open().await;
    let Some(clock) = market.chain.clock() else {
        return;
    };
    let entries = entries(&market).await;
    let coin = market.coin;
    let everyone = [
        market.admin.address,
        market.operator.address,
        market.buyer.address,
        market.seller.address,
        market.stranger.address,
    ];
    let blocks: Vec<Block> = everyone
        .into_iter()
        .map(Block::Blacklist)
        .chain([Block::Pause])
        .collect();
    for block in &blocks {
        let snapshot = clock.snapshot().await;
        block.apply(&market).await;
        for entry in &entries {
            let stopped = match block {
                Block::Pause => entry.pausable,
                Block::Blacklist(account) => entry.parties.contains(account),
            };
            let Entry {
                what,
                caller,
                input,
                ..
            } = entry;
            if stopped {
                let (chain, watch, error) = (&market.chain, market.watch(&[]), block.error());
                let input = input.clone();
                acceptance::refusal::refused_with(chain, &watch, caller, coin, input, &error, what)
                    .await;
            } else if let Err(revert) = market
                .chain
                .simulate(caller.address, coin, input.clone())
                .await
            {
                let why = acceptance::refusal::describe(&block.error());
                panic!("{what} is refused while {why}: {revert}");
            }
        }
        clock.go_back(snapshot).await;
    }
}

/// What must still work during a pause: enforcement and a way out.
#[tokio::test]
async fn seizure_works_on_blacklisted_accounts_only_even_in_a_pause() {
    let market = Market::open().await;
    let order = B256::repeat_byte(4);
    let seize = |to, reference| ITsUSDC::seizeCall {
        from: market.buyer.address,
        to,
        orderReference: reference,
    };
    let to = market.stranger.address;
    let error = ITsUSDC::AccountNotBlacklisted {
        account: market.buyer.address,
    };
    refused(&market, &market.admin, &seize(to, order), &error).await;
    let blacklist = |account| ITsUSDC::blacklistCall { account };
    market
        .chain
        .send(&market.admin, market.coin, &blacklist(market.buyer.address))
        .await;
    refused(
        &market,
        &market.admin,
        &seize(to, B256::ZERO),
        &ITsUSDC::ZeroReference {},
    )
    .await;
    let error = ITsUSDC::ERC20InvalidReceiver {
        receiver: market.coin,
    };
    refused(&market, &market.admin, &seize(market.coin, order), &error).await;
    let error = ITsUSDC::AccessControlUnauthorizedAccount {
        account: market.operator.address,
        neededRole: keccak256("SEIZER_ROLE"),
    };
    refused(&market, &market.operator, &seize(to, order), &error).await;
    market
        .chain
        .send(&market.admin, market.coin, &ITsUSDC::pauseCall {})
        .await;
    market
        .chain
        .send(&market.admin, market.coin, &seize(to, order))
        .await;
    assert_eq!(market.cash(to).await, usd(50_000));
    assert_eq!(market.cash(market.buyer.address).await, U256::ZERO);
    let blacklisted = ITsUSDC::isBlacklistedCall {
        account: market.buyer.address,
    };
    assert!(
        market.chain.call(market.coin, &blacklisted).await,
        "it stays blacklisted"
    );
}
