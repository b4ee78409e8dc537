//! Readers that are trees of questions.

use super::logs::BLOCKS;
use crate::crash::Fold;
use crate::device::{DiskImage, Media, Question, Reader, Step};
use crate::units::{Block, BlockNr};
use proptest::prelude::*;
use std::sync::Arc;

/// What to ask, and where to go on for each answer.
#[derive(Clone, Debug)]
pub(super) enum Tree {
    Found(u32),
    Ask { block: u64, question: Residue, then: Vec<Arc<Tree>> },
}

/// What is the sum of some bytes, modulo a number?
#[derive(Clone, Copy, Debug)]
pub(super) struct Residue {
    modulus: u64,
    weights: (u64, u64),
}

impl Question for Residue {
    type Answer = u64;
    fn answer(&self, content: &Block) -> u64 {
        let byte = |at: usize| u64::from(content.bytes()[at]);
        (byte(0) * self.weights.0 + byte(512) * self.weights.1) % self.modulus
    }
}

/// A tree of some depth.
pub(super) fn tree() -> impl Strategy<Value = Tree> {
    let question =
        (2..4_u64, (0..3_u64, 0..3_u64)).prop_map(|(modulus, weights)| Residue { modulus, weights });
    (0..4_u32).prop_map(Tree::Found).prop_recursive(4, 40, 3, move |inner| {
        (0..BLOCKS, question.clone(), prop::collection::vec(inner.prop_map(Arc::new), 3))
            .prop_map(|(block, question, then)| Tree::Ask { block, question, then })
    })
}

impl Tree {
    pub(super) fn reader(&self) -> Walker {
        self.reader_of(2)
    }

    /// A reader that asks so many questions a step.
    pub(super) fn reader_of(&self, questions: u32) -> Walker {
        Walker { at: Arc::new(self.clone()), questions }
    }
}

/// Somewhere in a tree.
#[derive(Clone, Debug)]
pub(super) struct Walker {
    at: Arc<Tree>,
    /// How many questions it asks in one step, at most.
    questions: u32,
}

impl Reader for Walker {
    type Found = u32;
    fn step<M: Media>(self, disk: &mut M) -> Step<Self, u32> {
        let mut at = Arc::clone(&self.at);
        for _ in 0..self.questions {
            match &*at {
                Tree::Found(found) => return Step::Done(*found),
                Tree::Ask { block, question, then } => {
                    let answer = disk.ask(BlockNr::new(*block), question);
                    at = Arc::clone(&then[usize::try_from(answer).unwrap()]);
                }
            }
        }
        Step::GoOn(Self { at, ..self })
    }
}

/// The fold of the parity of the first bytes of all sectors.
pub(super) struct Parity;

impl Fold for Parity {
    type State = u8;
    fn start(&self) -> u8 {
        0
    }
    fn see(&self, state: &u8, _: BlockNr, at: usize, bytes: &[u8]) -> u8 {
        assert!(at.is_multiple_of(512));
        state ^ (bytes.iter().step_by(512).fold(0, |sum, byte| sum ^ byte) & 1)
    }
}

/// The same of an image.
pub(super) fn parity(image: &DiskImage) -> u8 {
    (0..BLOCKS)
        .fold(0, |parity, nr| Parity.see(&parity, BlockNr::new(nr), 0, image.block(BlockNr::new(nr)).bytes()))
}
