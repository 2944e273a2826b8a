//! The pause against `OpenZeppelin`'s component (`docs/standards.md`). Roles, domain and signatures are compared in
//! `authority`.

use motsu::prelude::*;
use proptest::prelude::*;
use reference::Reference;

use super::fixture::Market;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn any_sequence_of_switches_is_answered_as_by_the_component(
        switches in prop::collection::vec(any::<bool>(), 1..30),
    ) {
        let market = Market::new();
        let reference = Contract::<Reference>::new();
        let before = market.dvp.all_events().len();
        for pause in switches {
            // Unpausing is the default admin's here; the component names who did it.
            let caller = if pause { market.pauser } else { market.admin };
            let mut ours = market.dvp.sender(caller);
            let result = if pause { ours.pause() } else { ours.unpause() };
            let result = result.map_err(Vec::from).motsu_res();
            drop(ours);
            let mut theirs = reference.sender(caller);
            let expected = if pause { theirs.pause() } else { theirs.unpause() }.motsu_res();
            drop(theirs);
            prop_assert_eq!(result, expected);
            let paused = market.dvp.sender(market.stranger).paused();
            prop_assert_eq!(paused, reference.sender(market.stranger).paused());
            let logs = market.dvp.all_events().split_off(before);
            prop_assert_eq!(logs, reference.all_events());
        }
    }
}
