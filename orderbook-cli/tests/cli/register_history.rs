//! A random history of a security on the chain: at a hundred of its blocks the index says what the contract says.

use std::collections::BTreeSet;
use std::time::Duration;

use alloy::primitives::{Address, B256, U256, keccak256};
use alloy::sol_types::SolCall;
use desk::chain::Chain;
use desk::chain::abi::ISecurityToken as Token;
use desk::index::lots::Named;
use desk::index::{Index, Kind, Place, Source};
use serde_json::json;

use crate::process::{Market, waiting};

/// Transactions of the history.
const ACTS: usize = 400;
/// Blocks at which both are compared.
const BLOCKS: u64 = 100;
/// Wallets that take part: two of each investor.
const WALLETS: u64 = 12;

/// The same numbers in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }

    fn wallet(&mut self) -> Address {
        wallet(self.below(WALLETS))
    }

    fn amount(&mut self) -> U256 {
        U256::from(1_000_000 * (1 + self.below(50)))
    }
}

fn wallet(number: u64) -> Address {
    Address::from_word(keccak256(number.to_be_bytes()))
}

/// An act by somebody who may do it, perhaps one that the rules refuse; then it is not in the history.
#[allow(clippy::too_many_lines)] // one table
fn act(dice: &mut Dice, market: &Market, now: u64) -> (Address, Vec<u8>) {
    let address = |name: &str| market.wallet(name).parse::<Address>().unwrap();
    let (issuer, counsel) = (address("issuer"), address("counsel"));
    let (one, other, amount) = (dice.wallet(), dice.wallet(), dice.amount());
    let reason = B256::repeat_byte(1);
    let soon = now + 1 + dice.below(4_000);
    let id = B256::from(U256::from(dice.below(3)));
    match dice.below(16) {
        0 | 1 => (
            issuer,
            Token::mintCall {
                to: one,
                value: amount,
            }
            .abi_encode(),
        ),
        2..=5 => (
            one,
            Token::transferCall {
                to: other,
                value: amount,
            }
            .abi_encode(),
        ),
        6 => (
            issuer,
            Token::mintLockedCall {
                to: one,
                amount,
                unlockAt: soon,
            }
            .abi_encode(),
        ),
        7 => {
            let call = Token::grantVestingCall {
                holder: one,
                amount,
                start: now,
                cliff: 100,
                period: 300,
                periods: 4,
                firstBips: 1_000,
                revocable: true,
            };
            (issuer, call.abi_encode())
        }
        8 => {
            let index = U256::from(dice.below(2));
            (
                issuer,
                Token::revokeVestingCall {
                    holder: one,
                    index,
                    to: other,
                }
                .abi_encode(),
            )
        }
        9 => (
            issuer,
            Token::burnCall {
                from: one,
                value: amount,
                reason,
            }
            .abi_encode(),
        ),
        10 => (
            counsel,
            Token::forcedTransferCall {
                from: one,
                to: other,
                value: amount,
                reason,
            }
            .abi_encode(),
        ),
        11 => (
            counsel,
            Token::freezePartialTokensCall {
                account: one,
                amount,
            }
            .abi_encode(),
        ),
        12 => (
            counsel,
            Token::forcedBurnCall {
                from: one,
                value: amount,
                reason,
            }
            .abi_encode(),
        ),
        13 => {
            let (owner, until) = (one, soon);
            (
                other,
                Token::placeHoldCall {
                    id,
                    owner,
                    amount,
                    until,
                }
                .abi_encode(),
            )
        }
        14 => (other, Token::dropHoldCall { id, owner: one }.abi_encode()),
        _ => {
            let frozen = dice.below(3) == 0;
            (
                counsel,
                Token::setAddressFrozenCall {
                    account: one,
                    frozen,
                }
                .abi_encode(),
            )
        }
    }
}

fn send(market: &Market, token: &str, from: Address, input: &[u8]) {
    let data = format!("0x{}", alloy::primitives::hex::encode(input));
    // With gas stated a call that reverts is mined as well.
    market.node(
        "eth_sendTransaction",
        &json!([{ "from": from, "to": token, "data": data, "gas": "0x7a1200" }]),
    );
}

fn prepare(market: &Market, token: &str) {
    market.node("anvil_autoImpersonateAccount", &json!([true]));
    let issuer: Address = market.wallet("issuer").parse().unwrap();
    let ether = "0x56bc75e2d63100000";
    market.node("hardhat_setBalance", &json!([issuer, ether]));
    for number in 0..WALLETS {
        let address = wallet(number);
        market.node("hardhat_setBalance", &json!([address, ether]));
        let call = Token::setWalletCall {
            wallet: address,
            investorId: B256::from(U256::from(1_000 + number / 2)),
            group: 1 + (number / 2 % 3) as u8,
            country: 840,
            kycExpiry: 2_500_000_000,
        };
        send(market, token, issuer, &call.abi_encode());
        for spender in 0..WALLETS {
            let (spender, value) = (wallet(spender), U256::MAX);
            send(
                market,
                token,
                address,
                &Token::approveCall { spender, value }.abi_encode(),
            );
        }
    }
    for pair in 0..9_u8 {
        let (from, to) = (1 + pair / 3, 1 + pair % 3);
        let call = Token::setGroupRuleCall {
            fromGroup: from,
            toGroup: to,
            opensAt: 1,
        };
        send(market, token, issuer, &call.abi_encode());
    }
}

#[test]
fn at_a_hundred_blocks_of_a_random_history_the_index_says_what_the_contract_says() {
    let market = Market::open();
    let token = market.token("HRBR");
    prepare(&market, &token);
    let mut dice = Dice(0x2545_f491_4f6c_dd1d);
    let first = waiting(head(&market.url)).number;
    for _ in 0..ACTS {
        let now = waiting(head(&market.url)).time;
        let (from, input) = act(&mut dice, &market, now);
        send(&market, &token, from, &input);
        if dice.below(4) == 0 {
            market.node("evm_increaseTime", &json!([dice.below(400)]));
        }
    }
    waiting(compare(&market, token.parse().unwrap(), &mut dice, first));
}

async fn connect(url: &str) -> Chain {
    Chain::connect(url, None, Duration::from_secs(30))
        .await
        .unwrap()
}

async fn head(url: &str) -> desk::chain::Block {
    connect(url).await.head().await.unwrap()
}

async fn compare(market: &Market, token: Address, dice: &mut Dice, first: u64) {
    let chain = connect(&market.url).await;
    let place = Place::of(&market.path().join("random.toml"), "sqlite:none.db");
    let index = Index::open(&place).await.unwrap();
    let source = index
        .source(&chain, (Kind::Security, token), None)
        .await
        .unwrap();
    let synced = index.sync(&chain, &source, |_, _| {}).await.unwrap();
    assert!(synced.logs > 300, "{synced:?}");
    let mut blocks = BTreeSet::new();
    while (blocks.len() as u64) < BLOCKS {
        blocks.insert(first + dice.below(synced.to.number - first + 1));
    }
    let mut seen = BTreeSet::new();
    for number in blocks {
        let block = chain.block(number).await.unwrap();
        let register = index
            .register_with_lots(&source, block, Named::new())
            .await
            .unwrap();
        // Supply, number of holders, that of each group.
        register.verify(&chain).await.unwrap();
        for account in (0..WALLETS).map(wallet) {
            let known = register.wallet(account).unwrap();
            let balance = Token::balanceOfCall { account };
            assert_eq!(
                known.balance,
                chain.view_at(token, balance, number).await.unwrap(),
                "{number}"
            );
            let bound = known.encumbrances(register.block.time);
            let views = Token::encumbrancesOfCall { holder: account };
            let views = chain.view_at(token, views, number).await.unwrap();
            assert_eq!(
                (bound.frozen, bound.locked, bound.unvested),
                (views.frozen, views.locked, views.unvested),
                "{account} at {number}"
            );
            let held = Token::heldBalanceOfCall { owner: account };
            assert_eq!(
                bound.held,
                chain.view_at(token, held, number).await.unwrap(),
                "{number}"
            );
            let record = Token::walletRecordCall { wallet: account };
            let record = chain.view_at(token, record, number).await.unwrap();
            assert_eq!(
                (known.frozen, known.group),
                (record.frozen, record.group),
                "{number}"
            );
            let lots: U256 = register.lots(known).map(|lot| lot.amount).sum();
            assert_eq!(lots, known.balance, "{account} at {number}");
            for (name, amount) in [
                ("frozen", bound.frozen),
                ("locked", bound.locked),
                ("unvested", bound.unvested),
                ("held", bound.held),
                ("balance", known.balance),
            ] {
                if !amount.is_zero() {
                    seen.insert(name);
                }
            }
        }
    }
    // The history was a real one: each kind of encumbrance was there at some of these blocks.
    assert_eq!(
        seen,
        BTreeSet::from(["balance", "frozen", "held", "locked", "unvested"])
    );
    index.close().await;
}

/// If nobody knows where a source begins, that is found out.
#[test]
fn an_index_begins_with_the_block_in_which_the_contract_came_onto_the_chain() {
    let market = Market::open();
    waiting(async {
        let chain = connect(&market.url).await;
        let place = Place::of(&market.path().join("found.toml"), "sqlite:none.db");
        let index = Index::open(&place).await.unwrap();
        let token: Address = market.token("HRBR").parse().unwrap();
        let source: Source = index
            .source(&chain, (Kind::Security, token), None)
            .await
            .unwrap();
        let begins = source.first_block;
        assert!(chain.had_code(token, begins).await.unwrap());
        assert!(!chain.had_code(token, begins - 1).await.unwrap());
        let nobody = index.source(&chain, (Kind::Security, Address::repeat_byte(9)), None);
        assert!(nobody.await.is_err());
        index.close().await;
    });
}
