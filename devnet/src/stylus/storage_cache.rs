//! A program's storage cache: it reads each slot once, and writes only when the program flushes.

use revm::primitives::{HashMap, U256};

/// The value of a slot as the program sees it, and its value in the state if that is known.
#[derive(Clone, Copy, Debug)]
struct Slot {
    value: U256,
    known: Option<U256>,
}

/// The cached slots of one program call. Writes that are not flushed are lost when the program
/// returns.
#[derive(Debug, Default)]
pub(crate) struct StorageCache {
    slots: HashMap<U256, Slot>,
    reads: u32,
    writes: u32,
}

impl StorageCache {
    /// Gas for one more read, beyond what the state charges: free for the first 32.
    pub(crate) fn read_gas(&mut self) -> u64 {
        self.reads = self.reads.saturating_add(1);
        match self.reads {
            0..=32 => 0,
            33..=128 => 2,
            _ => 10,
        }
    }

    /// Gas for one more write into the cache: free for the first 8.
    pub(crate) fn write_gas(&mut self) -> u64 {
        self.writes = self.writes.saturating_add(1);
        match self.writes {
            0..=8 => 0,
            9..=64 => 7,
            _ => 10,
        }
    }

    /// The cached value of a slot.
    pub(crate) fn get(&self, key: U256) -> Option<U256> {
        self.slots.get(&key).map(|slot| slot.value)
    }

    /// Records the state's value at `key`.
    pub(crate) fn learn(&mut self, key: U256, value: U256) {
        self.slots.insert(
            key,
            Slot {
                value,
                known: Some(value),
            },
        );
    }

    /// Writes `value` at `key` in the cache only.
    pub(crate) fn set(&mut self, key: U256, value: U256) {
        let known = self.slots.get(&key).and_then(|slot| slot.known);
        self.slots.insert(key, Slot { value, known });
    }

    /// Takes what must be written to the state; with `clear`, forgets everything read as well.
    pub(crate) fn flush(&mut self, clear: bool) -> Vec<(U256, U256)> {
        let mut dirty = Vec::new();
        for (key, slot) in &mut self.slots {
            if slot.known != Some(slot.value) {
                slot.known = Some(slot.value);
                dirty.push((*key, slot.value));
            }
        }
        if clear {
            self.slots.clear();
        }
        // Hash maps are not ordered, but which slot runs out of gas first must not differ between
        // runs.
        dirty.sort_unstable();
        dirty
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: U256 = U256::ONE;

    #[test]
    fn a_slot_written_back_to_its_known_value_is_clean() {
        let mut cache = StorageCache::default();
        cache.learn(KEY, U256::from(5));
        cache.set(KEY, U256::from(6));
        cache.set(KEY, U256::from(5));
        assert!(cache.flush(false).is_empty());
    }

    #[test]
    fn flush_takes_each_write_once() {
        let mut cache = StorageCache::default();
        cache.set(KEY, U256::from(6));
        assert_eq!(cache.flush(false), [(KEY, U256::from(6))]);
        assert!(cache.flush(false).is_empty());
        assert_eq!(cache.get(KEY), Some(U256::from(6)));
        assert!(cache.flush(true).is_empty());
        assert_eq!(cache.get(KEY), None);
    }

    #[test]
    fn heavy_use_costs_gas() {
        let mut cache = StorageCache::default();
        let reads: Vec<_> = (0..130).map(|_| cache.read_gas()).collect();
        assert_eq!(
            (reads[31], reads[32], reads[127], reads[128]),
            (0, 2, 2, 10)
        );
        let writes: Vec<_> = (0..66).map(|_| cache.write_gas()).collect();
        assert_eq!(
            (writes[7], writes[8], writes[63], writes[64]),
            (0, 7, 7, 10)
        );
    }
}
