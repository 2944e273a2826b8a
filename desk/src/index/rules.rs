//! The rules of a security that are only in its events: pairs of groups, blocked countries.

use std::collections::{BTreeMap, BTreeSet};

use super::Index;
use super::error::IndexError;
use super::source::{self, Source};
use crate::chain::Block;
use crate::chain::abi::ISecurityToken::ISecurityTokenEvents as Event;

/// Rules that no view lists.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Rules {
    /// From when on one group may send to another, unix seconds; 1: always. Closed pairs are left out.
    pub pairs: BTreeMap<(u8, u8), u64>,
    /// Countries whose investors may neither send nor receive.
    pub blocked: BTreeSet<u16>,
}

impl Rules {
    fn apply(&mut self, event: &Event) {
        match event {
            Event::GroupRuleSet(rule) => {
                let pair = (rule.fromGroup, rule.toGroup);
                if rule.opensAt == 0 {
                    self.pairs.remove(&pair);
                } else {
                    self.pairs.insert(pair, rule.opensAt);
                }
            }
            Event::CountryBlockedSet(rule) if rule.blocked => {
                self.blocked.insert(rule.country);
            }
            Event::CountryBlockedSet(rule) => {
                self.blocked.remove(&rule.country);
            }
            _ => {}
        }
    }
}

impl Index {
    /// The rules of a security after a block.
    ///
    /// # Errors
    /// `Ahead`, `Locked`, `Store`, `Damaged`.
    pub async fn rules(&self, source: &Source, block: Block) -> Result<Rules, IndexError> {
        let mut rules = Rules::default();
        self.each(source, Some(block.number), |entry| {
            if let Some(event) = source::event(entry) {
                rules.apply(&event);
            }
            Ok(())
        })
        .await?;
        Ok(rules)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chain::abi::ISecurityToken::{CountryBlockedSet, GroupRuleSet};

    #[test]
    fn the_last_word_on_a_pair_or_a_country_counts() {
        let mut rules = Rules::default();
        let pair = |from, to, opens| {
            Event::GroupRuleSet(GroupRuleSet {
                fromGroup: from,
                toGroup: to,
                opensAt: opens,
            })
        };
        let country =
            |country, blocked| Event::CountryBlockedSet(CountryBlockedSet { country, blocked });
        for event in [
            pair(1, 1, 1),
            pair(1, 2, 1),
            pair(1, 2, 1_900_000_000),
            pair(2, 1, 1),
            pair(2, 1, 0),
            country(364, true),
            country(408, true),
            country(364, false),
        ] {
            rules.apply(&event);
        }
        let pairs = BTreeMap::from([((1, 1), 1), ((1, 2), 1_900_000_000)]);
        assert_eq!(rules.pairs, pairs);
        assert_eq!(rules.blocked, BTreeSet::from([408]));
    }
}
