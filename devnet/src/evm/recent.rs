//! The programs that ran last in a block.

use revm::primitives::B256;
use std::collections::VecDeque;

/// The last programs that ran in a block; if they run again, they pay the cached price under
/// versions of `ArbOS` with that rule.
#[derive(Clone, Debug, Default)]
pub struct RecentPrograms(VecDeque<B256>);

impl RecentPrograms {
    /// Records that a program runs, and keeps `limit` of them; returns whether it was among them before.
    pub(crate) fn insert(&mut self, code_hash: B256, limit: u16) -> bool {
        let known = self.0.iter().position(|hash| *hash == code_hash);
        if let Some(index) = known {
            self.0.remove(index);
        }
        self.0.push_front(code_hash);
        self.0.truncate(limit.into());
        known.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_programs_are_recent() {
        let mut recent = RecentPrograms::default();
        let mut insert = |last| recent.insert(B256::with_last_byte(last), 32);
        assert!(!insert(0));
        assert!(insert(0));
        for other in 1..=31 {
            assert!(!insert(other));
        }
        assert!(insert(0));
        for other in 100..=131 {
            assert!(!insert(other));
        }
        assert!(!insert(0));
    }

    #[test]
    fn none_are_recent_where_none_are_kept() {
        let mut recent = RecentPrograms::default();
        for _ in 0..3 {
            assert!(!recent.insert(B256::ZERO, 0));
        }
    }
}
