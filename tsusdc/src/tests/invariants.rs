//! What holds after any sequence of calls, of which most are refused.

use alloy_primitives::{Address, B256, U256};
use motsu::prelude::*;
use proptest::prelude::*;
use runtime::abi::Revert;

use crate::{
    event::{BankReference, Mint, Seized},
    fixture::{Coin, NOW},
};

/// One call; small numbers, so that they often meet.
#[derive(Clone, Debug)]
enum Act {
    Transfer {
        from: usize,
        to: usize,
        value: u64,
    },
    TransferFrom {
        spender: usize,
        from: usize,
        to: usize,
        value: u64,
    },
    Approve {
        owner: usize,
        spender: usize,
        value: u64,
    },
    Configure {
        minter: usize,
        allowance: u64,
    },
    Raise {
        minter: usize,
        by: u64,
    },
    Lower {
        minter: usize,
        by: u64,
    },
    Remove {
        minter: usize,
    },
    Mint {
        minter: usize,
        to: usize,
        amount: u64,
        reference: Option<u8>,
    },
    Burn {
        minter: usize,
        amount: u64,
        reference: Option<u8>,
    },
    Attest {
        reserves: u64,
        as_of: u64,
    },
    MaxAge {
        max_age: u64,
    },
    Blacklist {
        account: usize,
    },
    UnBlacklist {
        account: usize,
    },
    Seize {
        from: usize,
        to: Option<usize>,
        order: u8,
    },
    Pause {
        on: bool,
    },
}

const ACTORS: usize = 4;
const MANY: u64 = 100;

fn act() -> impl Strategy<Value = Act> {
    let who = || 0..ACTORS;
    let many = || 0..MANY;
    let reference = || prop::option::of(0_u8..6);
    prop_oneof![
        4 => (who(), who(), many()).prop_map(|(from, to, value)| Act::Transfer { from, to, value }),
        3 => (who(), who(), who(), many())
            .prop_map(|(spender, from, to, value)| Act::TransferFrom { spender, from, to, value }),
        2 => (who(), who(), many())
            .prop_map(|(owner, spender, value)| Act::Approve { owner, spender, value }),
        2 => (who(), many()).prop_map(|(minter, allowance)| Act::Configure { minter, allowance }),
        1 => (who(), many()).prop_map(|(minter, by)| Act::Raise { minter, by }),
        1 => (who(), many()).prop_map(|(minter, by)| Act::Lower { minter, by }),
        1 => who().prop_map(|minter| Act::Remove { minter }),
        6 => (who(), who(), many(), reference())
            .prop_map(|(minter, to, amount, reference)| Act::Mint { minter, to, amount, reference }),
        3 => (who(), many(), reference())
            .prop_map(|(minter, amount, reference)| Act::Burn { minter, amount, reference }),
        3 => (many(), NOW - 100..NOW + 5).prop_map(|(by, as_of)| Act::Attest { reserves: 3 * by, as_of }),
        1 => prop_oneof![Just(0), Just(50), Just(1000)].prop_map(|max_age| Act::MaxAge { max_age }),
        2 => who().prop_map(|account| Act::Blacklist { account }),
        2 => who().prop_map(|account| Act::UnBlacklist { account }),
        2 => (who(), prop::option::of(who()), 0_u8..3)
            .prop_map(|(from, to, order)| Act::Seize { from, to, order }),
        1 => any::<bool>().prop_map(|on| Act::Pause { on }),
    ]
}

/// The coin, and the accounts that take part.
struct World {
    coin: Coin,
    actors: [Account; ACTORS],
}

impl World {
    fn new() -> Self {
        let coin = Coin::deployed();
        coin.contract
            .sender(coin.admin)
            .set_reserve_max_age(1000)
            .motsu_unwrap();
        let actors = [coin.alice, coin.bob, coin.carol, coin.minter];
        Self { coin, actors }
    }

    fn perform(&self, act: &Act) -> Result<(), Revert> {
        let (coin, c) = (&self.coin, &self.coin.contract);
        let at = |index: usize| self.actors[index].address();
        let by = |index: usize| c.sender(self.actors[index]);
        let reference = |number: u8| B256::with_last_byte(number);
        let n = U256::from::<u64>;
        match *act {
            Act::Transfer { from, to, value } => by(from).transfer(at(to), n(value)).map(drop),
            Act::TransferFrom {
                spender,
                from,
                to,
                value,
            } => by(spender)
                .transfer_from(at(from), at(to), n(value))
                .map(drop),
            Act::Approve {
                owner,
                spender,
                value,
            } => by(owner).approve(at(spender), n(value)).map(drop),
            Act::Configure { minter, allowance } => c
                .sender(coin.master)
                .configure_minter(at(minter), n(allowance))
                .map(drop),
            Act::Raise { minter, by } => c
                .sender(coin.master)
                .increase_minter_allowance(at(minter), n(by))
                .map(drop),
            Act::Lower { minter, by } => c
                .sender(coin.master)
                .decrease_minter_allowance(at(minter), n(by))
                .map(drop),
            Act::Remove { minter } => c.sender(coin.master).remove_minter(at(minter)).map(drop),
            Act::Mint {
                minter,
                to,
                amount,
                reference: None,
            } => by(minter).mint(at(to), n(amount)).map(drop),
            Act::Mint {
                minter,
                to,
                amount,
                reference: Some(used),
            } => by(minter)
                .mint_with_reference(at(to), n(amount), reference(used))
                .map(drop),
            Act::Burn {
                minter,
                amount,
                reference: None,
            } => by(minter).burn(n(amount)),
            Act::Burn {
                minter,
                amount,
                reference: Some(used),
            } => by(minter).burn_with_reference(n(amount), reference(used)),
            Act::Attest { reserves, as_of } => {
                c.sender(coin.attestor)
                    .attest_reserves(n(reserves), as_of, B256::ZERO)
            }
            Act::MaxAge { max_age } => c.sender(coin.admin).set_reserve_max_age(max_age),
            Act::Blacklist { account } => c.sender(coin.blacklister).blacklist(at(account)),
            Act::UnBlacklist { account } => c.sender(coin.blacklister).un_blacklist(at(account)),
            Act::Seize { from, to, order } => {
                let to = to.map_or(Address::ZERO, at);
                c.sender(coin.seizer).seize(at(from), to, reference(order))
            }
            Act::Pause { on: true } => c.sender(coin.pauser).pause(),
            Act::Pause { on: false } => c.sender(coin.admin).unpause(),
        }
    }

    /// Balance, whether blacklisted, minter's allowance of each actor.
    fn actors(&self) -> Vec<(U256, bool, U256)> {
        let view = self.coin.contract.sender(self.coin.admin);
        self.actors
            .iter()
            .map(Account::address)
            .map(|actor| {
                (
                    view.balance_of(actor),
                    view.is_blacklisted(actor),
                    view.minter_allowance(actor),
                )
            })
            .collect()
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn the_books_hold_after_any_sequence(acts in prop::collection::vec(act(), 1..40)) {
        use alloy_sol_types::SolEvent;

        let world = World::new();
        let coin = &world.coin;
        let mut references = std::collections::HashSet::new();
        for act in &acts {
            let before = world.actors();
            let supply_before = coin.contract.sender(coin.admin).total_supply();
            let events = coin.contract.all_events().len();
            let done = world.perform(act).motsu_res().is_ok();
            let after = world.actors();
            let logs = coin.contract.all_events().split_off(events);
            let view = coin.contract.sender(coin.admin);
            let (supply, (reserves, ..)) = (view.total_supply(), view.reserves());

            if !done {
                prop_assert_eq!(&after, &before);
                prop_assert_eq!(supply, supply_before);
                prop_assert!(logs.is_empty());
            }
            // I7: the sum of balances is the supply.
            let sum = after.iter().fold(U256::ZERO, |sum, actor| sum + actor.0);
            prop_assert_eq!(sum, supply);
            // I6: at each mint the reserves cover the supply.
            if logs.iter().any(|log| Mint::decode_log_data(log, true).is_ok()) {
                prop_assert!(supply <= reserves);
            } else {
                prop_assert!(supply <= supply_before);
            }
            let seized: Vec<_> = logs.iter().filter_map(|log| Seized::decode_log_data(log, true).ok()).collect();
            for (index, (before, after)) in before.iter().zip(&after).enumerate() {
                // A minter's allowance rises by the master minter's act alone.
                if after.2 > before.2 {
                    let raised = matches!(act, Act::Configure { .. } | Act::Raise { .. });
                    prop_assert!(raised);
                }
                // A blacklisted balance changes by seizure alone, to zero.
                if before.1 && after.0 != before.0 {
                    let from = world.actors[index].address();
                    prop_assert!(seized.iter().any(|seized| seized.from == from && seized.amount == before.0));
                    prop_assert_eq!(after.0, U256::ZERO);
                }
            }
            // A bank reference works once, and never zero.
            for log in logs.iter().filter_map(|log| BankReference::decode_log_data(log, true).ok()) {
                prop_assert!(!log.bankReference.is_zero());
                prop_assert!(references.insert(log.bankReference));
            }
        }
    }
}
