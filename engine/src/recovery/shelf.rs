//! A map that is cheap to copy, and of whose copies each can grow.
//!
//! ```text
//!   shelf ──▶ | 1 … 40 | 41 … 77 | 80 … 99 |      at most 64 entries in a chunk
//!                 ▲          ▲         ▲
//!   copy  ──▶ | 1 … 40 |     │     | 80 … 99 |    the chunks are shared: to insert 50 into one copy
//!             | 41 … 50 … 77 |  (its own now)      copies one chunk and the list of chunks
//! ```
//! It is iterated in the order of the keys. A chunk that was filled is never joined with its neighbour.

use crate::units::len_u64;
use std::borrow::Borrow;
use std::sync::Arc;

/// Entries in a chunk.
const ROOM: usize = 64;

/// A map whose copies share what they have in common.
#[derive(Clone, Debug)]
pub(super) struct Shelf<K, V> {
    /// In order; none is empty.
    chunks: Arc<Vec<Chunk<K, V>>>,
}

type Chunk<K, V> = Arc<Vec<(K, V)>>;

impl<K, V> Default for Shelf<K, V> {
    fn default() -> Self {
        Self { chunks: Arc::default() }
    }
}

impl<K: PartialEq, V: PartialEq> PartialEq for Shelf<K, V> {
    /// Whether they hold the same; how it is cut into chunks does not matter.
    fn eq(&self, other: &Self) -> bool {
        self.chunks.iter().flat_map(|chunk| &**chunk).eq(other.chunks.iter().flat_map(|chunk| &**chunk))
    }
}

impl<K: Eq, V: Eq> Eq for Shelf<K, V> {}

impl<K: Ord + Clone, V: Clone> Shelf<K, V> {
    /// What stands under a key.
    pub(super) fn get<Q: Ord + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        let chunk = self.chunks.get(self.after(key).checked_sub(1)?)?;
        let at = chunk.binary_search_by(|(found, _)| found.borrow().cmp(key)).ok()?;
        chunk.get(at).map(|(_, value)| value)
    }

    /// Whether something stands under a key.
    pub(super) fn contains<Q: Ord + ?Sized>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
    {
        self.get(key).is_some()
    }

    /// Puts a value under a key, in the place of the one that stood there.
    pub(super) fn insert(&mut self, key: K, value: V) {
        let at = self.after(&key).saturating_sub(1);
        let chunks = Arc::make_mut(&mut self.chunks);
        let Some(chunk) = chunks.get_mut(at) else { return chunks.push(Arc::new(vec![(key, value)])) };
        let entries = Arc::make_mut(chunk);
        match entries.binary_search_by(|(found, _)| found.cmp(&key)) {
            Ok(there) => {
                if let Some(entry) = entries.get_mut(there) {
                    entry.1 = value;
                }
            }
            Err(there) => entries.insert(there, (key, value)),
        }
        if entries.len() > ROOM {
            let upper = entries.split_off(ROOM / 2);
            chunks.insert(at.saturating_add(1), Arc::new(upper));
        }
    }

    /// Takes out what stands under a key, if anything does.
    pub(super) fn remove(&mut self, key: &K) {
        if !self.contains(key) {
            return;
        }
        let at = self.after(key).saturating_sub(1);
        let chunks = Arc::make_mut(&mut self.chunks);
        let Some(chunk) = chunks.get_mut(at) else { return };
        let entries = Arc::make_mut(chunk);
        entries.retain(|(found, _)| found != key);
        if entries.is_empty() {
            chunks.remove(at);
        }
    }

    /// All entries, in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.chunks.iter().flat_map(|chunk| chunk.iter()).map(|(key, value)| (key, value))
    }

    /// How many entries there are.
    pub(super) fn len(&self) -> u64 {
        self.chunks.iter().map(|chunk| len_u64(chunk.len())).fold(0, u64::saturating_add)
    }

    /// How many chunks start at or before a key.
    fn after<Q: Ord + ?Sized>(&self, key: &Q) -> usize
    where
        K: Borrow<Q>,
    {
        self.chunks.partition_point(|chunk| chunk.first().is_some_and(|(first, _)| first.borrow() <= key))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(60) })]

        /// It is what a map of the standard library is, and a copy keeps what it had.
        #[test]
        fn a_shelf_is_a_map(
            changes in prop::collection::vec((0..300_u32, prop::option::weighted(0.7, any::<u8>())), 0..600),
            copied in 0..600_usize,
        ) {
            let (mut shelf, mut map) = (Shelf::default(), BTreeMap::new());
            let mut copy = None;
            for (nr, (key, value)) in changes.into_iter().enumerate() {
                if nr == copied {
                    copy = Some((shelf.clone(), map.clone()));
                }
                if let Some(value) = value {
                    shelf.insert(key, value);
                    map.insert(key, value);
                } else {
                    shelf.remove(&key);
                    map.remove(&key);
                }
            }
            for (shelf, map) in copy.into_iter().chain([(shelf, map)]) {
                prop_assert!(shelf.iter().eq(map.iter()));
                prop_assert_eq!(shelf.len(), len_u64(map.len()));
                for key in 0..300 {
                    prop_assert_eq!(shelf.get(&key), map.get(&key));
                }
            }
        }
    }
}
