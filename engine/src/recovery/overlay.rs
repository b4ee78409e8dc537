//! The disk after replay: for each block that was replayed, which copy in the log it is.
//!
//! ```text
//!   read 23 ──▶ overlay: 23 is the copy at 1030, escaped ──▶ ask 1030, with its magic put back
//!   read 24 ──▶ not replayed ──▶ ask 24
//! ```
//! A copy is a reference, so that nobody reads it until its content matters.

use super::shelf::Shelf;
use crate::device::{Media, Question};
use crate::format::journal::unescape;
use crate::units::{Block, BlockNr};

/// Where the content of a block is after replay.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Source {
    /// In this block of the disk.
    Disk(BlockNr),
    /// In a copy in the log.
    Copy {
        /// The block of the disk that holds the copy.
        at: BlockNr,
        /// Whether its magic was replaced by zeros, and is to be put back.
        escaped: bool,
    },
    /// Here: a fast commit changed it, or the copy was itself overwritten by the replay, which only a hostile log does.
    Kept(Block),
}

/// The blocks that were replayed; a copy shares them.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub(super) struct Overlay {
    /// Never [`Source::Disk`].
    blocks: Shelf<BlockNr, Source>,
}

impl Overlay {
    /// The blocks, in their order.
    pub(super) fn replayed(&self) -> impl Iterator<Item = BlockNr> {
        self.blocks.iter().map(|(block, _)| *block)
    }

    /// Replays the copy at `at` as `block`. `onto_log` says whether that block is part of the journal itself.
    pub(super) fn replay<M: Media>(&mut self, disk: &mut M, block: BlockNr, copy: Copied) {
        let Copied { at, escaped, onto_log } = copy;
        if onto_log {
            self.keep(disk, block);
        }
        let source = if self.blocks.contains(&at) {
            Source::Kept(unescaped(&After::new(disk, self).read(at), escaped))
        } else {
            Source::Copy { at, escaped }
        };
        self.blocks.insert(block, source);
    }

    /// Whoever refers to a block of the log that is overwritten now must keep what it held.
    fn keep<M: Media>(&mut self, disk: &mut M, block: BlockNr) {
        let held = After::new(disk, self).read(block);
        let refers = |(nr, source): (&BlockNr, &Source)| match source {
            Source::Copy { at, escaped } if *at == block => Some((*nr, *escaped)),
            Source::Copy { .. } | Source::Kept(_) | Source::Disk(_) => None,
        };
        let referring: Vec<(BlockNr, bool)> = self.blocks.iter().filter_map(refers).collect();
        for (nr, escaped) in referring {
            self.blocks.insert(nr, Source::Kept(unescaped(&held, escaped)));
        }
    }

    /// A block holds this now.
    pub(super) fn keep_here(&mut self, block: BlockNr, content: Block) {
        self.blocks.insert(block, Source::Kept(content));
    }

    /// Replays a block no more. It is no part of the journal.
    pub(super) fn take_back(&mut self, block: BlockNr) {
        self.blocks.remove(&block);
    }

    /// Where the content of a block is.
    pub(super) fn source(&self, block: BlockNr) -> Source {
        self.blocks.get(&block).cloned().unwrap_or(Source::Disk(block))
    }
}

fn unescaped(content: &Block, escaped: bool) -> Block {
    if escaped { unescape(content) } else { content.clone() }
}

/// A copy in the log that is replayed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Copied {
    /// Where it lies on the disk.
    pub(super) at: BlockNr,
    /// Whether its magic was replaced by zeros.
    pub(super) escaped: bool,
    /// Whether it is replayed onto the journal itself.
    pub(super) onto_log: bool,
}

/// The disk after replay.
#[derive(Debug)]
pub(super) struct After<'a, M> {
    disk: &'a mut M,
    overlay: &'a Overlay,
}

impl<'a, M: Media> After<'a, M> {
    pub(super) const fn new(disk: &'a mut M, overlay: &'a Overlay) -> Self {
        Self { disk, overlay }
    }
}

impl<M: Media> Media for After<'_, M> {
    fn blocks(&self) -> u64 {
        self.disk.blocks()
    }

    fn ask<Q: Question>(&mut self, block: BlockNr, question: &Q) -> Q::Answer {
        match self.overlay.source(block) {
            Source::Disk(at) | Source::Copy { at, escaped: false } => self.disk.ask(at, question),
            Source::Copy { at, escaped: true } => self.disk.ask(at, &Unescaped(question)),
            Source::Kept(content) => question.answer(&content),
        }
    }
}

/// A question about the block whose copy was escaped.
struct Unescaped<'q, Q>(&'q Q);

impl<Q: Question> Question for Unescaped<'_, Q> {
    type Answer = Q::Answer;
    fn answer(&self, content: &Block) -> Q::Answer {
        self.0.answer(&unescape(content))
    }
}
