//! The disk after replay: for each block that was replayed, which copy in the log it is.
//!
//! ```text
//!   read 23 ──▶ overlay: 23 is the copy at 1030, escaped ──▶ ask 1030, with its magic put back
//!   read 24 ──▶ not replayed ──▶ ask 24
//! ```
//! A copy is a reference, so that nobody reads it until its content matters.

use crate::device::{Media, Question};
use crate::format::journal::unescape;
use crate::units::{Block, BlockNr};
use std::collections::BTreeMap;

/// Where the content of a replayed block is.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Source {
    /// In the log.
    Copy { at: BlockNr, escaped: bool },
    /// Here: the copy was itself overwritten by the replay, which only a hostile log does.
    Kept(Block),
}

/// The blocks that were replayed.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub(super) struct Overlay {
    blocks: BTreeMap<BlockNr, Source>,
}

impl Overlay {
    /// Replays the copy at `at` as `block`. `in_log` says whether that block is part of the journal itself.
    pub(super) fn replay<M: Media>(&mut self, disk: &mut M, block: BlockNr, copy: Copied) {
        let Copied { at, escaped, onto_log } = copy;
        if onto_log {
            // Whoever refers to the block that is overwritten now must keep what it held.
            let held = After::new(disk, self).read(block);
            for source in self.blocks.values_mut() {
                match source {
                    Source::Copy { at, escaped } if *at == block => {
                        *source = Source::Kept(unescaped(&held, *escaped))
                    }
                    Source::Copy { .. } | Source::Kept(_) => {}
                }
            }
        }
        let source = if self.blocks.contains_key(&at) {
            Source::Kept(unescaped(&After::new(disk, self).read(at), escaped))
        } else {
            Source::Copy { at, escaped }
        };
        self.blocks.insert(block, source);
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
        match self.overlay.blocks.get(&block) {
            None => self.disk.ask(block, question),
            Some(Source::Copy { at, escaped: false }) => self.disk.ask(*at, question),
            Some(Source::Copy { at, escaped: true }) => self.disk.ask(*at, &Unescaped(question)),
            Some(Source::Kept(content)) => question.answer(content),
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
