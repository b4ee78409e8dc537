//! What a file held at each time.
//!
//! ```text
//!   sizes    0: 8192    4: 100    7: 5000            at 4 the file was cut off: what it had behind is zeros from then on
//!   block 0  0: "AAA…"  4: "AAA…0"  7: "BBB…"
//!   block 1  0: "CCC…"  4: zeros
//! ```
//! Times are numbers in order: 0 is before the program starts.

use super::Content;
use crate::units::{BLOCK_BYTES, Block, FileBlock, Ino, Widen, block_bytes};
use std::collections::BTreeMap;

/// What a file held.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Past {
    /// The file.
    pub ino: Ino,
    /// The sizes, by the time from which on they were.
    sizes: Vec<(u32, u64)>,
    /// The contents of each block that was ever not all zeros.
    blocks: BTreeMap<FileBlock, Vec<(u32, Block)>>,
}

impl Past {
    /// A file that begins empty.
    pub fn new(ino: Ino, time: u32) -> Self {
        Self { ino, sizes: vec![(time, 0)], blocks: BTreeMap::new() }
    }

    /// A file that is there before the program starts.
    pub fn of(content: &Content) -> Self {
        let mut past = Self::new(content.ino(), 0);
        past.resize(0, content.size_bytes());
        for (at, block) in content.blocks() {
            past.put(0, *at, block);
        }
        past
    }

    /// The size at the end.
    fn size(&self) -> u64 {
        self.sizes.last().map_or(0, |(_, size)| *size)
    }

    /// The file has another size now; what lies behind is zeros.
    pub fn resize(&mut self, time: u32, size_bytes: u64) {
        if size_bytes < self.size() {
            self.zero(time, size_bytes, self.size());
        }
        if size_bytes != self.size() {
            self.sizes.push((time, size_bytes));
        }
    }

    /// A block holds this now, as far as the file reaches.
    pub fn put(&mut self, time: u32, at: FileBlock, block: &Block) {
        let visible = self.size().saturating_sub(at.first_byte()).min(block_bytes()).index();
        let mut block = block.clone();
        if block.bytes()[visible..].iter().any(|byte| *byte != 0) {
            block.bytes_mut()[visible..].fill(0);
        }
        let was = self.blocks.get(&at).and_then(|past| past.last()).map(|(_, was)| was);
        let same = was.map_or_else(|| is_zero(&block), |was| was.is_same(&block) || *was == block);
        if !same {
            self.blocks.entry(at).or_default().push((time, block));
        }
    }

    /// Bytes become zeros.
    pub fn zero(&mut self, time: u32, from: u64, end: u64) {
        let Some(first) = FileBlock::of_byte(from) else { return };
        let later: Vec<FileBlock> =
            self.blocks.range(first..).map(|(at, _)| *at).take_while(|at| at.first_byte() < end).collect();
        for at in later {
            let Some((_, was)) = self.blocks.get(&at).and_then(|past| past.last()) else { continue };
            let mut block = was.clone();
            let within = |byte: u64| byte.saturating_sub(at.first_byte()).min(block_bytes()).index();
            block.bytes_mut()[within(from)..within(end)].fill(0);
            self.put(time, at, &block);
        }
    }

    /// The times at which it changed, in order.
    pub fn changes(&self) -> Vec<u32> {
        let blocks = self.blocks.values().flatten().map(|(time, _)| *time);
        let mut changes: Vec<u32> = blocks.chain(self.sizes.iter().map(|(time, _)| *time)).collect();
        changes.sort_unstable();
        changes.dedup();
        changes
    }

    /// The sizes that it had from one time until another.
    pub fn sizes(&self, from: u32, until: u32) -> impl Iterator<Item = u64> {
        since(&self.sizes, from, until).iter().map(|(_, size)| *size)
    }

    /// The size at a time.
    pub fn size_at(&self, time: u32) -> u64 {
        self.sizes(time, time).next().unwrap_or(0)
    }

    /// What a block held from one time until another; none stands for zeros.
    pub fn contents(&self, at: FileBlock, from: u32, until: u32) -> Vec<Option<&Block>> {
        let Some(past) = self.blocks.get(&at) else { return vec![None] };
        let was_zero = past.first().is_none_or(|(time, _)| *time > from);
        let zeros = was_zero.then_some(None);
        zeros.into_iter().chain(since(past, from, until).iter().map(|(_, block)| Some(block))).collect()
    }

    /// The blocks that may hold something other than zeros.
    pub fn blocks(&self) -> impl Iterator<Item = FileBlock> {
        self.blocks.keys().copied()
    }
}

/// What was so at `from`, and what has become so since, up to `until`.
fn since<T>(past: &[(u32, T)], from: u32, until: u32) -> &[(u32, T)] {
    let first = past.partition_point(|(time, _)| *time <= from).saturating_sub(1);
    let last = past.partition_point(|(time, _)| *time <= until);
    past.get(first..last).unwrap_or_default()
}

fn is_zero(block: &Block) -> bool {
    block.bytes() == &[0; BLOCK_BYTES]
}
