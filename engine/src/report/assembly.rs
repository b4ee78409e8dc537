//! From leaves to a report.

use super::claims::{Claim, Judged, Open};
use super::machine::{machine, storage};
use super::promises::{self, Kept};
use super::rows::{Found, Row, Rows, rows};
use super::shown::{Texts, text_tree};
use super::stage::Stage;
use super::steps::steps;
use super::story::in_memory;
use super::{
    Case, Judgement, Outcome, PromiseReport, Report, Run, RunReport, ShownTree, Storyteller, Timeline,
    Undecided, Verdict, Window, Witness,
};
use crate::contract::Promise;
use crate::crash::{Best, Bounds, Coverage, CrashId, Explored, Images};
use crate::oracle::{Formula, Observation, Outline};
use crate::scenario::{Quantifier, Scenario};
use crate::schedule::Schedule;
use crate::units::{Ino, Moment, StepIdx, Widen, len_u32, len_u64};
use num_bigint::BigUint;
use rayon::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;
use std::sync::Arc;

/// Windows with more outcomes than this have no stories.
const TOLD: usize = 64;
/// So many trees are named where what must be found sometimes never is.
const INSTEAD: usize = 4;

/// Everything that a report is made of.
#[derive(Debug)]
pub struct Assembly<'a> {
    /// What was run.
    pub scenario: &'a Scenario,
    /// The runs, in the order of `images`.
    pub runs: &'a [Run<'a>],
    /// Their windows.
    pub timeline: &'a Timeline,
    /// All legal images, with a level at the end of each stretch.
    pub images: &'a Images<'a>,
    /// What was found in them.
    pub explored: &'a Explored<Outline>,
    /// With which bounds.
    pub bounds: &'a Bounds,
    /// One for each run.
    pub tellers: &'a [Storyteller<'a>],
    /// What the calls have promised.
    pub promises: &'a [Promise],
}

struct Writer<'s, 'a, O> {
    scenario: &'a Scenario,
    stage: &'s Stage<'a>,
    tellers: &'a [Storyteller<'a>],
    names: BTreeMap<Ino, BTreeSet<String>>,
    /// For each stretch.
    rows: Vec<Rows>,
    /// What is found on an image of a run.
    observe: O,
}

impl<'a> Assembly<'a> {
    fn stage(&self) -> Stage<'a> {
        let Explored { leaves, coverage } = self.explored;
        let coverage = match coverage {
            // The draws met all that had not been followed.
            Coverage::Partial(partial) if partial.left == BigUint::ZERO => &Coverage::Complete,
            Coverage::Partial(_) | Coverage::Complete => coverage,
        };
        let atomic = self.runs.first().map_or(self.scenario.stack.disk.atomic, |run| run.log.disk().atomic);
        let unit_bytes = atomic.bytes();
        Stage::new(self.images, (leaves, coverage), (self.runs, self.timeline), (*self.bounds, unit_bytes))
    }

    /// What became of the expectations, in the order of the file, and nothing else.
    pub fn verdicts(&self) -> Vec<Verdict> {
        let stage = self.stage();
        let verdict = |claim: Claim| {
            let formulas: Vec<Formula> = stage.leaves.iter().map(|leaf| claim.formula(&leaf.found)).collect();
            claim.judge(&stage, &formulas).verdict(claim.expectation.quantifier)
        };
        Claim::all(self.scenario, self.timeline).into_iter().map(verdict).collect()
    }

    /// The report. `observe` looks at one image of a run.
    pub fn report(&self, observe: impl Fn(usize, &CrashId) -> Observation + Sync) -> Report {
        let stage = self.stage();
        let claims = Claim::all(self.scenario, self.timeline);
        let formulas: Vec<Vec<Formula>> = claims
            .par_iter()
            .map(|claim| stage.leaves.iter().map(|leaf| claim.formula(&leaf.found)).collect())
            .collect();
        let stretches: Vec<usize> = (0..self.timeline.len()).collect();
        let of_stretch = |stretch: &usize| {
            let mut texts = Texts::default();
            rows(&stage, *stretch, &claims, &formulas, &mut texts)
        };
        let writer = Writer {
            scenario: self.scenario,
            stage: &stage,
            tellers: self.tellers,
            names: stage.names(),
            rows: stretches.par_iter().map(of_stretch).collect(),
            observe,
        };
        let judged: Vec<Judged> =
            claims.par_iter().zip(&formulas).map(|(claim, formulas)| claim.judge(&stage, formulas)).collect();
        let kept = promises::judge(&stage, self.promises);
        let promises = self.promises.iter().zip(kept).map(|(promise, kept)| writer.promise(promise, kept));
        let promises = promises.collect();
        Report { promises, ..writer.report(claims, judged) }
    }
}

impl<O: Fn(usize, &CrashId) -> Observation + Sync> Writer<'_, '_, O> {
    fn report(&self, claims: Vec<Claim>, judged: Vec<Judged>) -> Report {
        let expectations: Vec<Judgement> =
            claims.into_iter().zip(judged).map(|(claim, judged)| self.judgement(claim, judged)).collect();
        let verdict = expectations.iter().map(|judged| judged.verdict).max().unwrap_or(Verdict::Holds);
        let images = self.stage.images;
        let run = |(number, run): (usize, &Run<'_>)| RunReport {
            schedules: run.schedules.clone(),
            images: self.stage.total(&images.during(number, Moment::new(0), run.log.now())),
        };
        Report {
            title: self.scenario.title.clone(),
            about: self.scenario.about.clone(),
            kernel: self.scenario.stack.kernel,
            machine: machine(&self.scenario.stack),
            storage: storage(&self.scenario.stack),
            atomic: self.scenario.stack.disk.atomic,
            verdict,
            coverage: self.stage.coverage.clone(),
            leaves: len_u64(self.stage.leaves.len()),
            images: self.stage.total(&images.all()),
            subsets: images.subsets(&images.all()),
            repairs: self.stage.repairs(),
            steps: steps(&self.scenario.steps, self.stage.runs, &self.names),
            windows: self.windows(),
            expectations,
            promises: Vec::new(),
            runs: self.stage.runs.iter().enumerate().map(run).collect(),
        }
    }

    fn windows(&self) -> Vec<Window> {
        let numbers: Vec<usize> = (0..self.rows.len()).collect();
        let outcomes: Vec<Arc<[Outcome]>> =
            numbers.par_iter().map(|stretch| self.outcomes(&self.rows[*stretch]).into()).collect();
        let window = |(window, stretch): (usize, &usize)| Window {
            after: window.checked_sub(1).map(|step| StepIdx::new(len_u32(step))),
            outcomes: Arc::clone(&outcomes[*stretch]),
            images: self.stage.total(&self.stage.stretches[*stretch]),
            subsets: self.stage.images.subsets(&self.stage.stretches[*stretch]),
        };
        self.stage.timeline.windows().iter().enumerate().map(window).collect()
    }

    fn outcomes(&self, rows: &Rows) -> Vec<Outcome> {
        let tellers = if rows.len() > TOLD { &[] } else { self.tellers };
        let outcome = |(Found { tree, repair }, row): (&Found, &Row)| {
            Some(Outcome {
                tree: tree.clone(),
                repair: *repair,
                images: row.images.clone(),
                subsets: row.subsets.clone(),
                schedules: self.schedules(&row.runs),
                violates: row.violates.iter().copied().collect(),
                witness: self.witness(row.best.as_ref()?, tellers),
            })
        };
        rows.iter().filter_map(outcome).collect()
    }

    fn schedules(&self, runs: &BTreeSet<usize>) -> Vec<Schedule> {
        let all = runs.iter().flat_map(|run| self.stage.runs[*run].schedules.iter().copied());
        all.collect::<BTreeSet<_>>().into_iter().collect()
    }

    fn witness(&self, best: &Best, tellers: &[Storyteller<'_>]) -> Witness {
        let id = self.stage.images.id(best);
        let mut story = tellers.get(best.run).and_then(|teller| teller.tell(&id, best.moment, &self.names));
        if let Some(story) = story.as_mut().filter(|_| self.stage.images.is_lasting(best)) {
            story.next = None;
        }
        Witness { id, at: best.moment, story }
    }

    fn judgement(&self, claim: Claim, judged: Judged) -> Judgement {
        let quantifier = claim.expectation.quantifier;
        let verdict = judged.verdict(quantifier);
        let fails = verdict == Verdict::Violated && quantifier == Quantifier::Sometimes;
        let (instead, more_instead) =
            if fails { self.instead(claim.stretches.clone()) } else { (Vec::new(), 0) };
        Judgement {
            case: judged.best.as_ref().map(|best| self.case(best, &claim.stretches, claim.from)),
            line: if claim.implied { None } else { Some(claim.expectation.line) },
            text: claim.expectation.text,
            verdict,
            images: judged.images,
            decisive: judged.decisive,
            undecided: judged.open.map(Undecided::from),
            instead,
            more_instead,
        }
    }

    fn promise(&self, promise: &Promise, kept: Kept) -> PromiseReport {
        let verdict = match (&kept.broken, kept.open) {
            (Some(_), _) => Verdict::Violated,
            (None, Some(_)) => Verdict::Inconclusive,
            (None, None) => Verdict::Holds,
        };
        PromiseReport {
            step: promise.step,
            row: promise.row,
            about: promise.about.clone(),
            verdict,
            undecided: kept.open.map(Undecided::from),
            case: kept.broken.map(|(best, stretches)| self.case(&best, &stretches, promise.step)),
        }
    }

    /// An image within some stretches, which start where the step `from` has returned.
    fn case(&self, best: &Best, stretches: &RangeInclusive<usize>, from: Option<StepIdx>) -> Case {
        let stretch = self.stage.timeline.at(stretches.clone(), best.run, best.moment);
        // Neighbouring windows may share a stretch; the case lies in those of the expectation.
        let after = stretch.and_then(|stretch| self.stage.timeline.after(stretch)).max(from);
        let steps = &self.stage.runs[best.run].history.steps;
        let record = after.and_then(|step| steps.get(step.get().index()));
        let witness = self.witness(best, self.tellers);
        Case {
            after,
            in_memory: record.map_or_else(Vec::new, |record| in_memory(&record.in_memory, &self.names)),
            under_way: record.is_some_and(|record| record.at < best.moment),
            tree: text_tree(&(self.observe)(best.run, &witness.id)),
            witness,
        }
    }

    /// Some of the trees of some stretches, and how many more there are.
    fn instead(&self, stretches: RangeInclusive<usize>) -> (Vec<ShownTree>, u64) {
        let rows = self.rows.get(stretches).unwrap_or_default();
        let found = rows.iter().flat_map(BTreeMap::keys);
        let trees: BTreeSet<&ShownTree> = found.map(|found| &found.tree).collect();
        let named = trees.iter().take(INSTEAD).map(|tree| (*tree).clone());
        (named.collect(), len_u64(trees.len().saturating_sub(INSTEAD)))
    }
}

impl From<Open> for Undecided {
    fn from(open: Open) -> Self {
        match open {
            Open::Sampled => Self::Sampled,
            Open::TooMany { drawn } => Self::TooMany { drawn },
        }
    }
}
