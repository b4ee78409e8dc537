//! The blocks of an epoch, composed from units, each content composed once.
//!
//! ```text
//!   block 5 = unit 40 (2 alternatives) · unit 41 (fixed) · unit 42 (3 alternatives) …
//!   its contents are numbered 0 ..= 5, and content n is composed the first time a state has it
//! ```
//! Different numbers are different contents, because alternatives differ; so equal contents share memory, and
//! what recovery remembers about a piece of memory serves all states of the epoch.

use super::epoch::Epoch;
use crate::device::DiskImage;
use crate::units::{Block, BlockNr, Widen};
use std::collections::BTreeMap;
use std::sync::OnceLock;

/// How many contents of one block are kept.
const KEPT_PER_BLOCK: usize = 256;
/// How many contents of all blocks of an epoch are kept: 64 MiB of them.
const KEPT: usize = 16384;

/// A free unit within a block.
#[derive(Debug)]
struct Piece {
    free: usize,
    at: usize,
}

/// A block that may differ from the base image.
#[derive(Debug)]
pub(super) struct Composed {
    /// The base with the units that are fixed in this epoch.
    ground: Block,
    pieces: Vec<Piece>,
    /// How many contents there are.
    size: usize,
    /// By number; empty where there are too many.
    contents: Vec<OnceLock<Block>>,
}

/// The blocks of one epoch.
#[derive(Debug)]
pub(super) struct Board<'a> {
    pub(super) base: &'a DiskImage,
    pub(super) epoch: &'a Epoch<'a>,
    pub(super) blocks: Vec<Composed>,
    /// For each block of the disk, one more than its place in `blocks`, or zero.
    places: Vec<u32>,
    /// For each free unit, its block's place, and what its choice counts there.
    pub(super) homes: Vec<(usize, usize)>,
}

impl<'a> Board<'a> {
    pub(super) fn new(base: &'a DiskImage, epoch: &'a Epoch<'a>) -> Self {
        let mut blocks: BTreeMap<BlockNr, Composed> = BTreeMap::new();
        let mut homes = Vec::with_capacity(epoch.free.len());
        let end = *epoch.space.epochs[epoch.number].end();
        let mut free = (0..).zip(&epoch.free).peekable();
        for (at, unit) in epoch.space.units.iter().enumerate() {
            let (nr, from) = unit.place();
            let free = free.next_if(|(_, free)| free.unit == at);
            let fixed = unit.versions[unit.oldest(end)].content;
            if free.is_none() && fixed == 0 {
                continue;
            }
            let block = blocks.entry(nr).or_insert_with(|| Composed::new(base.block(nr).clone()));
            match free {
                Some((free, alternatives)) => {
                    homes.push((nr, block.add(free, from, alternatives.alternatives.len())));
                }
                None => put(&mut block.ground, from, &unit.contents[fixed]),
            }
        }
        let mut places = vec![0; base.blocks().index()];
        let mut kept = 0;
        for (place, (nr, block)) in (1..).zip(&mut blocks) {
            if let Some(slot) = places.get_mut(nr.get().index()) {
                *slot = place;
            }
            kept += block.keep(KEPT - kept);
        }
        let homes =
            homes.iter().map(|(nr, weight)| (places[nr.get().index()].index() - 1, *weight)).collect();
        Self { base, epoch, blocks: blocks.into_values().collect(), places, homes }
    }

    /// The place of a block that may differ from the base image.
    pub(super) fn place(&self, nr: BlockNr) -> Option<usize> {
        let place = self.places.get(usize::try_from(nr.get()).ok()?)?;
        place.index().checked_sub(1)
    }

    /// The content of a block by its number, if such contents are kept.
    pub(super) fn kept(&self, place: usize, number: usize, choices: &[usize]) -> Option<&Block> {
        let slot = self.blocks[place].contents.get(number)?;
        Some(slot.get_or_init(|| self.compose(place, choices)))
    }

    /// The content of a block.
    pub(super) fn compose(&self, place: usize, choices: &[usize]) -> Block {
        let block = &self.blocks[place];
        let mut content = block.ground.clone();
        for piece in &block.pieces {
            let free = &self.epoch.free[piece.free];
            let bytes =
                &self.epoch.space.units[free.unit].contents[free.alternatives[choices[piece.free]].content];
            put(&mut content, piece.at, bytes);
        }
        content
    }
}

impl Composed {
    const fn new(ground: Block) -> Self {
        Self { ground, pieces: Vec::new(), size: 1, contents: Vec::new() }
    }

    /// Takes in a free unit; says what its choice counts.
    fn add(&mut self, free: usize, at: usize, alternatives: usize) -> usize {
        let weight = self.size;
        self.pieces.push(Piece { free, at });
        // A size that has grown beyond what is kept is never used.
        self.size = self.size.saturating_mul(alternatives);
        weight
    }

    /// Makes room for the contents if they are few; says how many they are.
    fn keep(&mut self, room: usize) -> usize {
        let kept = if self.size <= KEPT_PER_BLOCK.min(room) { self.size } else { 0 };
        self.contents = std::iter::repeat_with(OnceLock::new).take(kept).collect();
        kept
    }

    /// Whether contents are kept by number.
    pub(super) fn is_kept(&self) -> bool {
        !self.contents.is_empty()
    }
}

/// Writes a unit into a block; what is already there is left shared.
fn put(block: &mut Block, at: usize, bytes: &[u8]) {
    if block.bytes()[at..at + bytes.len()] != *bytes {
        block.bytes_mut()[at..at + bytes.len()].copy_from_slice(bytes);
    }
}
