//! Expectations, and how many images decide each.
//!
//! ```text
//!   always(after: "synced", holds: content("/f", "new"))
//!     stretches 3..=5     leaf 0: known true                       none
//!                         leaf 1: left to block 700, folded over   so many of its images
//! ```

use super::Verdict;
use super::stage::Stage;
use super::timeline::Timeline;
use crate::crash::{Best, Leaf, Nothing, TooMany};
use crate::oracle::{Formula, Outline, Residual, compile, speaks_of_mounts};
use crate::scenario::{Call, Expectation, Name, Predicate, Quantifier, Scenario};
use crate::units::{BlockNr, StepIdx, len_u32};
use num_bigint::BigUint;
use std::ops::RangeInclusive;

/// An expectation and its window.
#[derive(Debug)]
pub(super) struct Claim {
    pub(super) expectation: Expectation,
    pub(super) implied: bool,
    /// The step of its `after`.
    pub(super) from: Option<StepIdx>,
    pub(super) stretches: RangeInclusive<usize>,
}

/// What became of a claim.
#[derive(Debug)]
pub(super) struct Judged {
    /// How many images lie in its window.
    pub(super) images: BigUint,
    /// How many of them decide it; at least so many, where something is open.
    pub(super) decisive: BigUint,
    /// The one of those with the fewest writes lost, and its leaf.
    pub(super) best: Option<Best>,
    /// Something of which not every image could be decided.
    pub(super) open: Option<Open>,
}

/// Why a claim could not be decided for every image.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Open {
    /// Not every leaf was found.
    Sampled,
    /// Too many combinations of contents; so many images were drawn.
    TooMany { drawn: u64 },
}

impl Judged {
    /// What it amounts to.
    pub(super) const fn verdict(&self, quantifier: Quantifier) -> Verdict {
        match (quantifier, &self.best, self.open) {
            (Quantifier::Always | Quantifier::Never, Some(_), _) => Verdict::Violated,
            (Quantifier::Sometimes, Some(_), _) => Verdict::Holds,
            (_, None, Some(_)) => Verdict::Inconclusive,
            (Quantifier::Always | Quantifier::Never, None, None) => Verdict::Holds,
            (Quantifier::Sometimes, None, None) => Verdict::Violated,
        }
    }
}

impl Claim {
    /// All of a scenario; `always(mounts)` last, where it says nothing of mounts.
    pub(super) fn all(scenario: &Scenario, timeline: &Timeline) -> Vec<Self> {
        let claim = |expectation: &Expectation, implied: bool| {
            let mark = expectation.after.as_ref().and_then(|name| mark(scenario, name));
            Self {
                stretches: window(scenario, timeline, expectation),
                from: mark.map(|step| StepIdx::new(len_u32(step))),
                expectation: expectation.clone(),
                implied,
            }
        };
        let mut claims: Vec<Self> = scenario.expect.iter().map(|expected| claim(expected, false)).collect();
        if !speaks_of_mounts(&scenario.expect) {
            let always_mounts = Expectation {
                quantifier: Quantifier::Always,
                after: None,
                before: None,
                holds: Predicate::Mounts,
                line: 0,
                text: "always(mounts)".to_owned(),
            };
            claims.push(claim(&always_mounts, true));
        }
        claims
    }

    /// Whether an image of which the predicate is `true` settles the matter: a counterexample, or an example for
    /// `sometimes`.
    pub(super) const fn is_decided_by(&self, holds: bool) -> bool {
        match self.expectation.quantifier {
            Quantifier::Always => !holds,
            Quantifier::Sometimes | Quantifier::Never => holds,
        }
    }

    /// The same of what a fold ends in.
    pub(super) const fn is_decided_at(&self, end: &Residual) -> bool {
        match end {
            Residual::Known(holds) => self.is_decided_by(*holds),
            Residual::Open(_) => false,
        }
    }

    /// Whether what decides it in this stretch speaks against it.
    pub(super) fn is_violated_at(&self, stretch: usize) -> bool {
        self.expectation.quantifier != Quantifier::Sometimes && self.stretches.contains(&stretch)
    }

    /// The formula that is left of it on an outline.
    pub(super) fn formula(&self, outline: &Outline) -> Formula {
        compile(&self.expectation.holds, outline)
    }

    /// Counts the images that decide it. `formulas` are those of the leaves.
    pub(super) fn judge(&self, stage: &Stage<'_>, formulas: &[Formula]) -> Judged {
        let levels = stage.levels_of(&self.stretches);
        let images = stage.total(&levels);
        let mut judged =
            Judged { images, decisive: BigUint::ZERO, best: None, open: stage.left_open(&levels) };
        let during = stage.during(&self.stretches);
        for ((number, leaf), formula) in stage.leaves.iter().enumerate().zip(formulas) {
            if !leaf.class.levels().meets(&levels) {
                continue;
            }
            let best = match formula.known() {
                Some(holds) if self.is_decided_by(holds) => {
                    judged.decisive += stage.images_of(number, &levels);
                    stage.images.best(&leaf.class, &during, &[], &Nothing, |()| true)
                }
                Some(_) => continue,
                None => self.judge_leaf(stage, leaf, formula, &mut judged),
            };
            match best {
                Ok(Some(best)) if judged.best.as_ref().is_none_or(|known| rank(&best) < rank(known)) => {
                    judged.best = Some(best);
                }
                Ok(_) => {}
                Err(TooMany) => self.sample(stage, leaf, formula, &mut judged),
            }
        }
        judged
    }

    /// Counts the images of a leaf that leaves it open.
    fn judge_leaf(
        &self,
        stage: &Stage<'_>,
        leaf: &Leaf<Outline>,
        formula: &Formula,
        judged: &mut Judged,
    ) -> Result<Option<Best>, TooMany> {
        let levels = stage.levels_of(&self.stretches);
        let blocks: Vec<BlockNr> = formula.blocks().collect();
        let weighed = stage.images.fold(&leaf.class, &levels, &blocks, formula)?;
        let deciding = weighed.into_iter().filter(|one| self.is_decided_at(&one.state));
        let images: BigUint = deciding.map(|one| one.images).sum();
        if images == BigUint::ZERO {
            return Ok(None);
        }
        judged.decisive += images;
        let during = stage.during(&self.stretches);
        stage.images.best(&leaf.class, &during, &blocks, formula, |end| self.is_decided_at(end))
    }
}

impl Claim {
    /// Looks for an image of a leaf that decides it where not every combination can be told apart: at the moments
    /// where that can be done, and where that finds nothing, among images that are drawn. One is enough.
    fn sample(&self, stage: &Stage<'_>, leaf: &Leaf<Outline>, formula: &Formula, judged: &mut Judged) {
        let before = match judged.open {
            Some(Open::TooMany { drawn }) => drawn,
            Some(Open::Sampled) | None => 0,
        };
        let decides = |end: &Residual| self.is_decided_at(end);
        let (best, drawn) = stage.seek(leaf, &self.stretches, formula, decides);
        judged.open = Some(Open::TooMany { drawn: before + drawn });
        if let Some(best) = best {
            judged.decisive += 1_u32;
            if judged.best.as_ref().is_none_or(|known| rank(&best) < rank(known)) {
                judged.best = Some(best);
            }
        }
    }
}

/// Fewest writes lost, then earliest.
pub(super) const fn rank(best: &Best) -> (u32, u32, usize) {
    (best.lost, best.moment.get(), best.run)
}

/// The stretches of an expectation's window. The window behind step `k` has the number `k + 1`.
fn window(scenario: &Scenario, timeline: &Timeline, expectation: &Expectation) -> RangeInclusive<usize> {
    let step = |name: &Name| mark(scenario, name);
    let from = expectation.after.as_ref().and_then(step).map_or(0, |step| step + 1);
    let to = expectation.before.as_ref().and_then(step).unwrap_or(scenario.steps.len());
    timeline.stretches(from, to)
}

/// The step that sets a mark.
fn mark(scenario: &Scenario, name: &Name) -> Option<usize> {
    scenario.steps.iter().position(|step| matches!(&step.call, Call::Mark { name: mark } if mark == name))
}
