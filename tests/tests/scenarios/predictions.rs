//! Invariant I4: predictions and enforcement agree.

use acceptance::{
    account::Account,
    bindings::{ISecurityToken, ISecurityToken::TransferRestricted},
    market::{DAY, Market, s},
    random::{Random, cases},
};
use alloy::{
    primitives::{Address, B256, Bytes, U256, keccak256},
    sol_types::{SolCall, SolError},
};

/// How many random states are checked by default; `ACCEPTANCE_CASES` overrides it.
const STATES: u32 = 1_000;
const GROUPS: [u8; 3] = [20, 21, 22];
const COUNTRIES: [u16; 3] = [840, 276, 392];

/// Scenario 12, and invariant I4.
#[tokio::test]
async fn a_prediction_of_zero_is_exactly_a_transfer_that_succeeds() {
    let market = Market::open().await;
    let mut random = Random::from_environment();
    let people = people(&market).await;
    let mut seen = [0u32; 256];
    let states = if market.chain.is_development() {
        cases(STATES)
    } else {
        cases(20)
    };
    for _ in 0..states {
        let input = step(&market, &mut random, &people);
        let to = alloy::primitives::TxKind::Call(market.token);
        // A step that the token refuses leaves the state unchanged, which is as good as any other.
        market
            .chain
            .attempt(&market.admin, to, input, U256::ZERO)
            .await;
        if random.once_in(8)
            && let Some(clock) = quiet_clock(&market)
        {
            let now = market.chain.now().await;
            clock.mine_at(now + random.below(3) * DAY + 30).await;
        }
        for _ in 0..3 {
            seen[usize::from(compare(&market, &mut random, &people).await)] += 1;
        }
    }
    let codes: Vec<_> = (0..256).filter(|&code| seen[code] > 0).collect();
    eprintln!("codes seen: {codes:?}");
    assert!(
        codes.len() >= 10 || states < STATES,
        "the states are too alike: {codes:?}"
    );
    assert_conserved(&market, &people).await;
}

fn quiet_clock(market: &Market) -> Option<acceptance::chain::Clock<'_>> {
    market
        .chain
        .is_development()
        .then(|| market.chain.clock())
        .flatten()
}

/// Six wallets of four investors, each with the others' unlimited approval, and one that is never listed.
async fn people(market: &Market) -> Vec<Account> {
    let mut people = Vec::new();
    for index in 0..6 {
        let account = market.account(&format!("person {index}")).await;
        market
            .register_as(account.address, investor(index), GROUPS[index % 4 % 3])
            .await;
        people.push(account);
    }
    for from in GROUPS {
        for to in GROUPS {
            market.open_pair(from, to, 1).await;
        }
    }
    for account in &people {
        market.mint(account.address, s(100)).await;
        for spender in &people {
            let approve = ISecurityToken::approveCall {
                spender: spender.address,
                value: U256::MAX,
            };
            market.chain.send(account, market.token, &approve).await;
        }
    }
    people.push(market.wallet("never listed"));
    people
}

fn investor(index: usize) -> B256 {
    keccak256([u8::try_from(index % 4).expect("fits")])
}

/// One administrative act at random.
fn step(market: &Market, random: &mut Random, people: &[Account]) -> Bytes {
    let address = random.pick(people).address;
    let other = random.pick(people).address;
    let now = market.opened;
    let amount = s(random.below(60));
    // Each switch is turned off more often than on, so that transfers stay possible.
    let on = random.once_in(3);
    let call: Vec<u8> = match random.below(19) {
        0 => {
            let group = *random.pick(&GROUPS);
            let expiry = if on {
                now + random.below(900) * DAY
            } else {
                now + 3_600 * DAY
            };
            let index = people
                .iter()
                .position(|who| who.address == address)
                .expect("listed");
            ISecurityToken::setWalletCall {
                wallet: address,
                investorId: investor(index),
                group,
                country: *random.pick(&COUNTRIES),
                kycExpiry: expiry,
            }
            .abi_encode()
        }
        1 => ISecurityToken::removeWalletCall { wallet: address }.abi_encode(),
        2 => ISecurityToken::setGroupRuleCall {
            fromGroup: *random.pick(&GROUPS),
            toGroup: *random.pick(&GROUPS),
            opensAt: if on {
                random.below(2) * (now + random.below(900) * DAY)
            } else {
                1
            },
        }
        .abi_encode(),
        3 => ISecurityToken::setCountryBlockedCall {
            country: *random.pick(&COUNTRIES),
            blocked: random.once_in(5),
        }
        .abi_encode(),
        4 => ISecurityToken::setSanctionedCall {
            accounts: vec![address],
            sanctioned: on,
        }
        .abi_encode(),
        5 => ISecurityToken::setAddressFrozenCall {
            account: address,
            frozen: on,
        }
        .abi_encode(),
        6 => ISecurityToken::freezePartialTokensCall {
            account: address,
            amount,
        }
        .abi_encode(),
        7 => ISecurityToken::unfreezePartialTokensCall {
            account: address,
            amount,
        }
        .abi_encode(),
        8 => ISecurityToken::lockTokensCall {
            holder: address,
            amount,
            releaseTime: now + random.below(900) * DAY,
        }
        .abi_encode(),
        9 => ISecurityToken::grantVestingCall {
            holder: address,
            amount,
            start: now + random.below(300) * DAY,
            cliff: u32::try_from(random.below(100) * DAY).expect("fits"),
            period: u32::try_from(random.below(50) * DAY + 1).expect("fits"),
            periods: u16::try_from(random.below(5)).expect("fits"),
            firstBips: u16::try_from(random.below(10_001)).expect("fits"),
            revocable: true,
        }
        .abi_encode(),
        10 | 11 => ISecurityToken::setLimitsCall {
            maxPerInvestor: if on {
                s(150 + random.below(300))
            } else {
                U256::ZERO
            },
            maxBipsPerInvestor: if random.once_in(4) { 2_500 } else { 0 },
            maxHolders: if random.once_in(4) { 4 } else { 0 },
            minHolding: if random.once_in(4) { s(10) } else { U256::ZERO },
            granularity: if random.once_in(4) { s(1) } else { U256::ZERO },
        }
        .abi_encode(),
        12 => ISecurityToken::setGroupHolderLimitCall {
            group: *random.pick(&GROUPS),
            maxHolders: u32::from(on),
        }
        .abi_encode(),
        13 => ISecurityToken::mintCall {
            to: address,
            value: amount,
        }
        .abi_encode(),
        14 => ISecurityToken::forcedTransferCall {
            from: address,
            to: other,
            value: amount,
            reason: B256::ZERO,
        }
        .abi_encode(),
        15 => ISecurityToken::burnCall {
            from: address,
            value: amount,
            reason: B256::ZERO,
        }
        .abi_encode(),
        17 | 18 => {
            let index = people
                .iter()
                .position(|who| who.address == address)
                .expect("listed");
            ISecurityToken::setInvestorCall {
                investorId: investor(index),
                group: *random.pick(&GROUPS),
                country: *random.pick(&COUNTRIES),
                kycExpiry: if on {
                    now + random.below(900) * DAY
                } else {
                    now + 3_600 * DAY
                },
            }
            .abi_encode()
        }
        _ if random.once_in(6) => ISecurityToken::pauseCall {}.abi_encode(),
        _ => ISecurityToken::unpauseCall {}.abi_encode(),
    };
    call.into()
}

/// Predicts one transfer and tries it; returns the code.
async fn compare(market: &Market, random: &mut Random, people: &[Account]) -> u8 {
    let spender = random.pick(&people[..6]).address;
    let from = random.pick(&people[..6]).address;
    let to = match random.below(20) {
        0 => Address::ZERO,
        1 => market.token,
        _ => random.pick(people).address,
    };
    let balance = market.securities(from).await;
    let value = match random.below(6) {
        0 => balance,
        1 => U256::ZERO,
        2 => U256::from(1),
        _ => balance / U256::from(1 + random.below(9)),
    };
    let ask = ISecurityToken::detectTransferRestrictionFromCall {
        spender,
        from,
        to,
        value,
    };
    let code = market.chain.call(market.token, &ask).await;
    let try_it = ISecurityToken::transferFromCall { from, to, value };
    let outcome = market
        .chain
        .simulate(spender, market.token, try_it.abi_encode().into())
        .await;
    check(
        code,
        &outcome,
        &format!("{spender} sends {value} from {from} to {to}"),
    );
    if spender == from {
        let ask = ISecurityToken::detectTransferRestrictionCall { from, to, value };
        assert_eq!(
            market.chain.call(market.token, &ask).await,
            code,
            "without a spender"
        );
        let try_it = ISecurityToken::transferCall { to, value };
        let outcome = market
            .chain
            .simulate(from, market.token, try_it.abi_encode().into())
            .await;
        check(code, &outcome, &format!("{from} sends {value} to {to}"));
    }
    code
}

fn check(code: u8, outcome: &Result<Bytes, acceptance::chain::Revert>, what: &str) {
    match outcome {
        Ok(answer) => {
            assert_eq!(code, 0, "{what} succeeds");
            assert_eq!(
                U256::from_be_slice(answer),
                U256::from(1),
                "{what} answers true"
            );
        }
        Err(revert) => {
            let data = revert.data.clone().unwrap_or_default();
            let error = TransferRestricted::abi_decode(&data)
                .unwrap_or_else(|_| panic!("{what}, predicted {code}, reverts with {revert}"));
            assert_eq!(error.code, code, "{what}: the prediction and the refusal");
            assert_ne!(code, 0, "{what}: refused with success");
        }
    }
}

/// Invariant I7: balances add up to the supply, and holders are the investors with holdings.
async fn assert_conserved(market: &Market, people: &[Account]) {
    let mut wallets: Vec<_> = people.iter().map(|account| account.address).collect();
    wallets.extend([market.seller.address, market.buyer.address]);
    let mut sum = U256::ZERO;
    let mut holders = std::collections::BTreeMap::new();
    for wallet in wallets {
        let balance = market.securities(wallet).await;
        sum += balance;
        let record = ISecurityToken::walletRecordCall { wallet };
        let investor = market.chain.call(market.token, &record).await.investorId;
        *holders.entry(investor).or_insert(U256::ZERO) += balance;
    }
    let supply = market
        .chain
        .call(market.token, &ISecurityToken::totalSupplyCall {})
        .await;
    assert_eq!(sum, supply, "the sum of the balances");
    let count = market
        .chain
        .call(market.token, &ISecurityToken::holderCountCall {})
        .await;
    let expected = holders.values().filter(|held| **held > U256::ZERO).count();
    assert_eq!(
        usize::try_from(count).expect("fits"),
        expected,
        "the holders"
    );
    for (investor, held) in holders {
        let call = ISecurityToken::holdingsOfCall {
            investorId: investor,
        };
        if investor != B256::ZERO {
            assert_eq!(
                market.chain.call(market.token, &call).await,
                held,
                "of {investor}"
            );
        }
    }
}
