//! What waits while another commit is under way shares the next one: a commit costs one disk write, whatever its size.

use std::mem;
use std::sync::{Mutex, PoisonError};

/// How many items one commit takes.
const TOGETHER: usize = 256;

#[derive(Debug)]
struct Line<T> {
    waiting: Vec<T>,
    /// Somebody is writing, and will look again.
    busy: bool,
}

/// What is on its way into one book.
#[derive(Debug)]
pub(super) struct Queue<T>(Mutex<Line<T>>);

impl<T> Default for Queue<T> {
    fn default() -> Self {
        Self(Mutex::new(Line {
            waiting: Vec::new(),
            busy: false,
        }))
    }
}

impl<T> Queue<T> {
    /// Takes what waits, oldest first; `None` ends the writer's turn.
    pub(super) fn take(&self) -> Option<Vec<T>> {
        let mut line = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = line.waiting.len().min(TOGETHER);
        line.busy = count > 0;
        line.busy.then(|| line.waiting.drain(..count).collect())
    }

    /// What has arrived since, while the commit has room beside the `taken`: the writer may have waited for its turn.
    pub(super) fn more(&self, taken: usize) -> Vec<T> {
        let mut line = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = line.waiting.len().min(TOGETHER.saturating_sub(taken));
        line.waiting.drain(..count).collect()
    }

    /// Adds one. Returns whether the caller must do the writing.
    pub(super) fn add(&self, one: T) -> bool {
        let mut line = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        line.waiting.push(one);
        !mem::replace(&mut line.busy, true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_writes_at_a_time_and_takes_what_came_meanwhile() {
        let queue = Queue::default();
        assert!(queue.add(1));
        assert!(!queue.add(2));
        assert_eq!(queue.take(), Some(vec![1, 2]));
        // Added while those are being written: the writer looks again.
        assert!(!queue.add(3));
        assert_eq!(queue.take(), Some(vec![3]));
        // Those that arrived before it could begin go with them.
        assert!(!queue.add(5));
        assert_eq!(queue.more(1), [5]);
        assert!(queue.more(2).is_empty());
        assert_eq!(queue.take(), None);
        assert!(queue.add(4));
    }

    #[test]
    fn a_commit_takes_no_more_than_its_share() {
        let queue = Queue::default();
        for one in 0..=TOGETHER {
            queue.add(one);
        }
        let first = queue.take().unwrap();
        assert_eq!(first.len(), TOGETHER);
        assert!(queue.more(first.len()).is_empty());
        assert_eq!(queue.take(), Some(vec![TOGETHER]));
    }
}
