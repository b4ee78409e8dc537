//! What a reader may ask of a disk after the power cut.

use crate::units::{Block, BlockNr};

/// A question about the content of one block, whose answer is all that the asker will use.
pub trait Question {
    /// What can be answered. Two contents with equal answers are the same to the asker.
    type Answer: Clone + Eq;
    /// The answer for one content. Pure: the same content has the same answer.
    fn answer(&self, content: &Block) -> Self::Answer;
}

/// The question whose answers all differ: the whole content.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Whole;

impl Question for Whole {
    type Answer = Block;
    fn answer(&self, content: &Block) -> Block {
        content.clone()
    }
}

/// A disk after the power cut. It is finite, and a block beyond its end is never asked for.
pub trait Media {
    /// The disk's size in blocks.
    fn blocks(&self) -> u64;

    /// The answer to a question about one block. Where the block could hold several contents, the reader is
    /// told one answer, and the others are explored in turn.
    fn ask<Q: Question>(&mut self, block: BlockNr, question: &Q) -> Q::Answer;

    /// The whole content: the question whose answers all differ.
    fn read(&mut self, block: BlockNr) -> Block {
        self.ask(block, &Whole)
    }
}

/// A reader of a dead disk that goes step by step, so that it can be copied between two of them: where an answer
/// could be one of several, each is followed by a copy of its own, and nothing before it is read again.
///
/// What a step does depends on the reader and on the answers alone. A step is small: it is taken from its start
/// again for each combination of answers that it can get.
pub trait Reader: Clone + Send + Sync {
    /// What it finds in the end.
    type Found: Send + Sync;
    /// Goes on a little.
    fn step<M: Media>(self, disk: &mut M) -> Step<Self, Self::Found>;

    /// Goes on to the end.
    fn finish<M: Media>(self, disk: &mut M) -> Self::Found {
        let mut reader = self;
        loop {
            match reader.step(disk) {
                Step::GoOn(next) => reader = next,
                Step::Done(found) => return found,
            }
        }
    }
}

/// Where a reader stands after a step.
#[derive(Debug)]
pub enum Step<R, F> {
    /// There is more to read.
    GoOn(R),
    /// This is what it found.
    Done(F),
}
