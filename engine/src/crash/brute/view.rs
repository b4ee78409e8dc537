//! One crash state, as recovery sees it: the base image under the contents that were chosen.

use super::board::Board;
use crate::device::{Media, Question};
use crate::units::{Block, BlockNr, Widen, len_u64};

/// A crash state. It holds no copy of the disk: a step to the next state touches the blocks that differ.
#[derive(Debug)]
pub struct CrashView<'a> {
    board: &'a Board<'a>,
    choices: Vec<usize>,
    /// For each block of the board, the number of its content.
    numbers: Vec<usize>,
    /// For each block of the board whose contents are not kept, its content if it was asked for.
    composed: Vec<Option<Block>>,
}

impl<'a> CrashView<'a> {
    /// The state in which nothing survived that had to be durable.
    pub(super) fn new(board: &'a Board<'a>) -> Self {
        let blocks = board.blocks.len();
        let choices = vec![0; board.epoch.free.len()];
        Self { board, choices, numbers: vec![0; blocks], composed: vec![None; blocks] }
    }

    /// The choice for each free unit of the epoch.
    pub(super) fn choices(&self) -> &[usize] {
        &self.choices
    }

    /// Moves to another state.
    pub(super) fn set(&mut self, choices: &[usize]) {
        for (free, choice) in choices.iter().enumerate() {
            self.choose(free, *choice);
        }
    }

    /// Moves to the state with this number: the first free unit is the last digit.
    pub(super) fn set_number(&mut self, number: u64) {
        let mut rest = number;
        for free in 0..self.choices.len() {
            let alternatives = len_u64(self.board.epoch.free[free].alternatives.len());
            self.choose(free, (rest % alternatives).index());
            rest /= alternatives;
        }
    }

    /// Moves to the state with the next number; two units change on average at most.
    pub(super) fn next(&mut self) {
        for free in 0..self.choices.len() {
            let choice = self.choices[free] + 1;
            if choice < self.board.epoch.free[free].alternatives.len() {
                self.choose(free, choice);
                return;
            }
            self.choose(free, 0);
        }
    }

    fn choose(&mut self, free: usize, choice: usize) {
        let before = std::mem::replace(&mut self.choices[free], choice);
        if before == choice {
            return;
        }
        let (place, weight) = self.board.homes[free];
        if self.board.blocks[place].is_kept() {
            let number = &mut self.numbers[place];
            *number = *number - before * weight + choice * weight;
        } else {
            self.composed[place] = None;
        }
    }
}

impl Media for CrashView<'_> {
    fn blocks(&self) -> u64 {
        self.board.base.blocks()
    }

    fn ask<Q: Question>(&mut self, block: BlockNr, question: &Q) -> Q::Answer {
        let Some(place) = self.board.place(block) else {
            return question.answer(self.board.base.block(block));
        };
        if let Some(content) = self.board.kept(place, self.numbers[place], &self.choices) {
            return question.answer(content);
        }
        let content = self.composed[place].get_or_insert_with(|| self.board.compose(place, &self.choices));
        question.answer(content)
    }
}
