//! A short stand-in for an observation: 128 bits of BLAKE3.
//!
//! Most of the work is the contents of blocks, and the same block is met in state after state: its digest is
//! remembered by the address of the shared memory, which stays allocated as long as it is remembered.

use super::{Content, Entry, Observation};
use crate::units::{Block, Ino, len_u64};
use std::collections::BTreeMap;
use std::sync::{PoisonError, RwLock};

/// Equal for equal observations, and (up to a collision of 128 bits) only for them.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Key(u128);

/// Computes keys, remembering what blocks it has met. Shared between threads; a pure cache.
#[derive(Debug)]
pub struct Keys {
    met: RwLock<BTreeMap<usize, (Block, [u8; 16])>>,
}

/// How many blocks are remembered before all are forgotten: 64 MiB of them.
const REMEMBERED: usize = 16_384;

impl Keys {
    /// Nothing met yet.
    pub const fn new() -> Self {
        Self { met: RwLock::new(BTreeMap::new()) }
    }

    /// The key of an observation.
    pub fn key(&self, observation: &Observation) -> Key {
        let mut hasher = blake3::Hasher::new();
        match observation {
            Observation::Unmountable(text) => {
                hasher.update(b"!");
                put_text(&mut hasher, text);
            }
            Observation::Mounted(mounted) => {
                hasher.update(b"m");
                put_number(&mut hasher, len_u64(mounted.entries.len()));
                for (path, entry) in &mounted.entries {
                    put_text(&mut hasher, path);
                    self.put_entry(&mut hasher, entry);
                }
                for repair in &mounted.repairs {
                    put_text(&mut hasher, repair);
                }
            }
        }
        Key(u128::from_le_bytes(first_half(hasher.finalize())))
    }

    /// A digest of some blocks in their order.
    pub fn image(&self, blocks: impl Iterator<Item = Block>) -> u128 {
        let mut hasher = blake3::Hasher::new();
        for block in blocks {
            hasher.update(&self.block(&block));
        }
        u128::from_le_bytes(first_half(hasher.finalize()))
    }

    fn put_entry(&self, hasher: &mut blake3::Hasher, entry: &Entry) {
        match entry {
            Entry::Directory(ino) => put_tagged(hasher, b"d", *ino),
            Entry::Symlink(ino, target) => {
                put_tagged(hasher, b"l", *ino);
                put_text(hasher, target);
            }
            Entry::File(content) => self.put_content(hasher, content),
            Entry::Unreadable(errno) => {
                hasher.update(b"!");
                put_text(hasher, errno.name());
            }
        }
    }

    fn put_content(&self, hasher: &mut blake3::Hasher, content: &Content) {
        put_tagged(hasher, b"f", content.ino());
        put_number(hasher, content.size_bytes());
        put_number(hasher, len_u64(content.blocks().len()));
        for (at, block) in content.blocks() {
            hasher.update(&at.get().to_le_bytes());
            hasher.update(&self.block(block));
        }
    }

    fn block(&self, block: &Block) -> [u8; 16] {
        let address = block.bytes().as_ptr().addr();
        let met = self.met.read().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, digest)) = met.get(&address) {
            return *digest;
        }
        drop(met);
        let digest = first_half(blake3::hash(block.bytes()));
        let mut met = self.met.write().unwrap_or_else(PoisonError::into_inner);
        if met.len() >= REMEMBERED {
            met.clear();
        }
        met.insert(address, (block.clone(), digest));
        digest
    }
}

impl Default for Keys {
    fn default() -> Self {
        Self::new()
    }
}

fn first_half(digest: blake3::Hash) -> [u8; 16] {
    let mut half = [0; 16];
    half.copy_from_slice(&digest.as_bytes()[..16]);
    half
}

fn put_number(hasher: &mut blake3::Hasher, number: u64) {
    hasher.update(&number.to_le_bytes());
}

fn put_text(hasher: &mut blake3::Hasher, text: &str) {
    put_number(hasher, len_u64(text.len()));
    hasher.update(text.as_bytes());
}

fn put_tagged(hasher: &mut blake3::Hasher, tag: &[u8; 1], ino: Ino) {
    hasher.update(tag);
    hasher.update(&ino.get().to_le_bytes());
}
