//! The disk as the explorer shows it to a reader: each question is answered once for every different answer.
//!
//! ```text
//!   ask(1031, descriptor of transaction 7?)    contents  a b c d     answers  yes no no no
//!   first time   ──▶ yes     1031 ∈ {a}        levels where a is legal
//!   next time    ──▶ no      1031 ∈ {b c d}    levels where any of them is
//! ```
//! The *trail* says which answer was given where there were several. A step of a reader is taken again with the next
//! trail until all have been followed.

use super::Levels;
use super::class::{Class, Combo, Told};
use super::flaw::{Flaw, is_made};
use super::images::{Images, Varying};
use crate::device::{Media, Question};
use crate::units::{Block, BlockNr};
use std::ops::Range;

/// Units in a block, at most.
const UNITS: usize = 8;
/// A block with more contents than this is not told apart: whoever asks for it is not followed further.
const MOST_CONTENTS: usize = 1 << 16;

/// An answer that was given where several were possible.
#[derive(Clone, Copy, Debug)]
pub(super) struct Turn {
    pub(super) taken: usize,
    pub(super) of: usize,
}

/// The answers of one step.
#[derive(Clone, Default, Debug)]
pub(super) struct Trail(pub(super) Vec<Turn>);

impl Trail {
    /// Goes to the next combination of answers; whether there is one.
    pub(super) fn advance(&mut self) -> bool {
        while let Some(turn) = self.0.pop() {
            if turn.taken + 1 < turn.of {
                self.0.push(Turn { taken: turn.taken + 1, ..turn });
                return true;
            }
        }
        false
    }
}

/// How an answer is chosen among several, beyond the end of the trail.
pub(super) trait Chooser {
    /// The number of the answer to give, of those whose contents are listed.
    fn choose(&mut self, images: &Images<'_>, cells: Range<usize>, parts: &[Part]) -> usize;
    /// One content of cells that have too many together; none where nobody chooses.
    fn wide(&mut self, images: &Images<'_>, cells: Range<usize>, levels: &Levels) -> Option<Combo>;
}

/// The first: the trail leads to the others later.
#[derive(Debug)]
pub(super) struct First;

impl Chooser for First {
    fn choose(&mut self, _: &Images<'_>, _: Range<usize>, _: &[Part]) -> usize {
        0
    }
    fn wide(&mut self, _: &Images<'_>, _: Range<usize>, _: &Levels) -> Option<Combo> {
        None
    }
}

/// The contents with one answer.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) combos: Vec<Combo>,
    pub(super) levels: Levels,
}

/// The disk during one step.
#[derive(Debug)]
pub(super) struct Probe<'a, C> {
    pub(super) images: &'a Images<'a>,
    pub(super) class: Class,
    pub(super) trail: &'a mut Trail,
    /// How many turns of the trail were taken.
    pub(super) turns: usize,
    /// A block had too many contents: what was answered is not to be followed.
    pub(super) too_wide: bool,
    pub(super) chooser: C,
}

impl<'a, C: Chooser> Probe<'a, C> {
    pub(super) const fn new(images: &'a Images<'a>, class: Class, trail: &'a mut Trail, chooser: C) -> Self {
        Self { images, class, trail, turns: 0, too_wide: false, chooser }
    }

    /// The content of a block that can hold no other now, if such contents are kept: the common case.
    fn only(&self, block: BlockNr, varying: &'a Varying) -> Option<&'a Block> {
        if !varying.is_kept() || self.class.told.contains_key(&block) {
            return None;
        }
        let mut choice = [0_u16; UNITS];
        for (cell, digit) in self.images.cells[varying.cells.clone()].iter().zip(&mut choice) {
            let mut legal =
                cell.variants.iter().zip(0..).filter(|(it, _)| it.legal.meets(&self.class.levels));
            *digit = legal.next()?.1;
            if legal.next().is_some() {
                return None;
            }
        }
        varying.kept(self.images, choice.get(..varying.cells.len())?)
    }

    /// The contents that a block may hold now.
    fn contents(&self, cells: Range<usize>, block: BlockNr) -> Option<Vec<Combo>> {
        if let Some(told) = self.class.told.get(&block) {
            let legal = told.combos.iter().filter(|combo| combo.legal.meets(&self.class.levels));
            return Some(legal.cloned().collect());
        }
        self.images.product(cells, &self.class.levels)
    }
}

impl<C: Chooser> Media for Probe<'_, C> {
    fn blocks(&self) -> u64 {
        self.images.blocks()
    }

    fn ask<Q: Question>(&mut self, block: BlockNr, question: &Q) -> Q::Answer {
        let Some(varying) = self.images.varying(block) else {
            return question.answer(self.images.ground(block));
        };
        let cells = varying.cells.clone();
        if let Some(only) = self.only(block, varying) {
            return question.answer(only);
        }
        let Some(contents) = self.contents(cells.clone(), block) else {
            return self.wide(block, cells, question);
        };
        let mut scratch = Scratch::new(self.images, block, cells.clone());
        let mut answers: Vec<Q::Answer> = Vec::new();
        let mut parts: Vec<Part> = Vec::new();
        for combo in contents {
            let content = match varying.kept(self.images, &combo.choice) {
                Some(kept) => kept,
                None => scratch.hold(&combo.choice),
            };
            let answer = question.answer(content);
            let blurred = (is_made(Flaw::WrongQuotient) && answers.len() == 1).then_some(0);
            match answers.iter().position(|known| *known == answer).or(blurred) {
                Some(known) => {
                    parts[known].levels.add(&combo.legal);
                    parts[known].combos.push(combo);
                }
                None => {
                    answers.push(answer);
                    parts.push(Part { levels: combo.legal.clone(), combos: vec![combo] });
                }
            }
        }
        if answers.len() == 1 || self.too_wide {
            return answers.swap_remove(0);
        }
        let taken = match self.trail.0.get(self.turns) {
            Some(turn) => turn.taken,
            None => {
                let taken = self.chooser.choose(self.images, cells.clone(), &parts);
                let of = parts.len() - usize::from(is_made(Flaw::MissingAnswer));
                self.trail.0.push(Turn { taken, of });
                taken
            }
        };
        self.turns += 1;
        let part = parts.swap_remove(taken);
        self.class.levels.keep(&part.levels);
        if !is_made(Flaw::MissingReread) {
            self.class.tell(self.images, block, Told { cells, combos: part.combos });
        }
        answers.swap_remove(taken)
    }
}

impl<C: Chooser> Probe<'_, C> {
    /// The answer for one content of a block with too many, if somebody chooses one.
    fn wide<Q: Question>(&mut self, block: BlockNr, cells: Range<usize>, question: &Q) -> Q::Answer {
        let Some(combo) = self.chooser.wide(self.images, cells.clone(), &self.class.levels) else {
            self.too_wide = true;
            return question.answer(self.images.ground(block));
        };
        let answer = question.answer(&self.images.compose(block, cells.clone(), combo.variants()));
        self.class.levels.keep(&combo.legal);
        self.class.tell(self.images, block, Told { cells, combos: vec![combo] });
        answer
    }
}

/// One content of a block after another, in one piece of memory.
struct Scratch<'a> {
    images: &'a Images<'a>,
    cells: Range<usize>,
    content: Block,
    held: Vec<Option<u16>>,
}

impl<'a> Scratch<'a> {
    fn new(images: &'a Images<'a>, block: BlockNr, cells: Range<usize>) -> Self {
        let held = vec![None; cells.len()];
        Self { images, content: images.ground(block).clone(), cells, held }
    }

    fn hold(&mut self, choice: &[u16]) -> &Block {
        let cells = &self.images.cells[self.cells.clone()];
        for ((cell, variant), held) in cells.iter().zip(choice).zip(&mut self.held) {
            if *held != Some(*variant) {
                let bytes = &cell.variants[usize::from(*variant)].bytes;
                self.content.bytes_mut()[cell.at..cell.at + bytes.len()].copy_from_slice(bytes);
                *held = Some(*variant);
            }
        }
        &self.content
    }
}

impl Images<'_> {
    /// The contents that some cells can hold together at any of some levels; none where there are too many. The
    /// oldest come first, the last cell changes fastest.
    pub(super) fn product(&self, cells: Range<usize>, levels: &Levels) -> Option<Vec<Combo>> {
        let mut contents = vec![(Vec::with_capacity(cells.len()), levels.clone())];
        for cell in &self.cells[cells] {
            if cell.variants.len() > usize::from(u16::MAX) {
                return None;
            }
            let mut longer = Vec::with_capacity(contents.len());
            for (choice, legal) in contents {
                for (variant, number) in cell.variants.iter().zip(0_u16..) {
                    if variant.legal.meets(&legal) {
                        let mut choice: Vec<u16> = choice.clone();
                        choice.push(number);
                        longer.push((choice, legal.and(&variant.legal)));
                    }
                }
            }
            if longer.len() > MOST_CONTENTS {
                return None;
            }
            contents = longer;
        }
        let combo = |(choice, legal): (Vec<u16>, Levels)| Combo { choice: choice.into(), legal };
        Some(contents.into_iter().map(combo).collect())
    }
}
