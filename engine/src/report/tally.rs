//! Counts states into windows and expectations as they come.
//!
//! What is remembered of a state is one number in its outcome's count; of an outcome, one observation, its tree and
//! what each expectation says of it. Where two runs are explored, the digests of the first one's images are kept,
//! so that an image that both lead to is counted once.

use super::machine::{machine, storage};
use super::product::{Draft, join};
use super::steps::steps;
use super::story::in_memory;
use super::{
    Case, Judgement, Outcome, Report, Run, RunReport, Shown, ShownTree, Storyteller, Timeline, Verdict,
    Window, Witness,
};
use crate::crash::CrashId;
use crate::crash::brute::Coverage;
use crate::oracle::{Entry, Key, Observation, holds, speaks_of_mounts, tree_text};
use crate::scenario::{Call, Expectation, Name, Predicate, Quantifier, Scenario};
use crate::schedule::Schedule;
use crate::units::{Ino, Moment, StepIdx, Widen, len_u32, len_u64};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;
use std::sync::Arc;

/// Windows with more outcomes than this have no stories.
const TOLD: usize = 64;
/// So many trees are named where what must be found sometimes never is.
const INSTEAD: usize = 4;

/// A legal crash state of a run, judged.
#[derive(Debug)]
pub struct Finding<'a> {
    /// Which run it belongs to.
    pub run: usize,
    /// When it is legal, in order.
    pub legal: &'a [RangeInclusive<Moment>],
    /// How many units are lost at the first moment at which it is legal.
    pub lost: u32,
    /// A digest of the image, the same for equal images of all runs; needed only where there are several.
    pub image: u128,
}

/// States counted so far.
#[derive(Debug)]
pub struct Tally<'a> {
    scenario: &'a Scenario,
    runs: Vec<Run<'a>>,
    timeline: Timeline,
    claims: Vec<Claim>,
    known: BTreeMap<Key, usize>,
    found: Vec<Found>,
    trees: BTreeMap<BTreeMap<String, String>, usize>,
    /// For each stretch, by tree.
    stretches: Vec<BTreeMap<usize, Count>>,
    /// For each image, the stretches that it was counted in.
    seen: BTreeMap<u128, Vec<usize>>,
    images: u64,
    names: BTreeMap<Ino, BTreeSet<String>>,
}

/// Something that was found, at least once.
#[derive(Debug)]
struct Found {
    observation: Observation,
    tree: usize,
    /// For each claim, whether this decides it.
    decides: Vec<bool>,
}

/// How often an outcome was met.
#[derive(Clone, Debug)]
struct Count {
    /// One of the findings that have this tree.
    found: usize,
    images: u64,
    runs: BTreeSet<usize>,
    /// The claims that it speaks against.
    violates: BTreeSet<usize>,
    best: Best,
}

/// The image that shows something best: fewest writes lost, then earliest, then first.
#[derive(Clone, Debug)]
struct Best {
    rank: (u32, Moment),
    run: usize,
    /// Whether it is legal at the end of the log: nothing that was still to be written would change it.
    lasting: bool,
    id: CrashId,
}

/// An expectation and the states of its window so far.
#[derive(Debug)]
struct Claim {
    expectation: Expectation,
    implied: bool,
    /// The step of its `after`.
    from: Option<StepIdx>,
    stretches: RangeInclusive<usize>,
    images: u64,
    decisive: u64,
    best: Option<(Best, usize, usize)>,
}

impl<'a> Tally<'a> {
    /// Nothing counted yet. The runs are numbered as they come.
    pub fn new(scenario: &'a Scenario, runs: Vec<Run<'a>>) -> Self {
        let timeline = Timeline::new(scenario.steps.len(), &runs);
        let claims = claims(scenario, &timeline);
        let stretches = vec![BTreeMap::new(); timeline.len()];
        Self {
            scenario,
            runs,
            timeline,
            claims,
            known: BTreeMap::new(),
            found: Vec::new(),
            trees: BTreeMap::new(),
            stretches,
            seen: BTreeMap::new(),
            images: 0,
            names: BTreeMap::new(),
        }
    }

    /// Counts a state. `name` is asked only where the state is a better witness than those before it.
    pub fn count(
        &mut self,
        finding: &Finding<'_>,
        key: Key,
        observation: Observation,
        name: impl Fn() -> CrashId,
    ) {
        let found = match self.known.get(&key) {
            Some(found) => *found,
            None => self.meet(key, observation),
        };
        let hits = self.timeline.hits(finding.run, finding.legal);
        let before = self.seen.get(&finding.image).cloned();
        self.images += u64::from(before.is_none());
        let before = before.unwrap_or_default();
        self.count_in_windows(finding, found, &hits, &before, &name);
        self.count_in_claims(finding, found, &hits, &before, &name);
        if self.runs.len() > 1 {
            let all: BTreeSet<usize> =
                before.into_iter().chain(hits.iter().map(|(stretch, _)| *stretch)).collect();
            self.seen.insert(finding.image, all.into_iter().collect());
        }
    }

    /// Everything counted, as a report. A storyteller for each run explains the witnesses.
    pub fn report(mut self, coverage: Vec<Coverage>, tellers: &[Storyteller<'_>]) -> Report {
        let sampled = self.sampled(&coverage);
        let windows = self.windows(tellers);
        let claims = std::mem::take(&mut self.claims);
        let expectations: Vec<_> =
            claims.into_iter().map(|claim| self.judgement(claim, &sampled, tellers)).collect();
        let verdict = expectations.iter().map(|judged| judged.verdict).max().unwrap_or(Verdict::Holds);
        let runs = self.runs.iter().zip(coverage);
        Report {
            title: self.scenario.title.clone(),
            about: self.scenario.about.clone(),
            kernel: self.scenario.stack.kernel,
            machine: machine(&self.scenario.stack),
            storage: storage(&self.scenario.stack),
            atomic: self.scenario.stack.disk.atomic,
            verdict,
            images: self.images,
            steps: steps(&self.scenario.steps, &self.runs, &self.names),
            windows,
            expectations,
            runs: runs
                .map(|(run, coverage)| RunReport { schedules: run.schedules.clone(), coverage })
                .collect(),
        }
    }

    /// The stretches of which not every state was looked at.
    fn sampled(&self, coverage: &[Coverage]) -> BTreeSet<usize> {
        let parts = coverage.iter().enumerate().flat_map(|(run, one)| match one {
            Coverage::Complete { .. } => Vec::new(),
            Coverage::Partial { sampled, .. } => self.timeline.hits(run, sampled),
        });
        parts.map(|(stretch, _)| stretch).collect()
    }

    /// Something that was not found before.
    fn meet(&mut self, key: Key, observation: Observation) -> usize {
        if let Observation::Mounted(mounted) = &observation {
            for (path, entry) in &mounted.entries {
                if let Entry::File(content) = entry {
                    self.names.entry(content.ino()).or_default().insert(path.clone());
                }
            }
        }
        let trees = self.trees.len();
        let tree = *self.trees.entry(tree_text(&observation)).or_insert(trees);
        let decides = self.claims.iter().map(|claim| decides(&claim.expectation, &observation)).collect();
        self.found.push(Found { observation, tree, decides });
        self.known.insert(key, self.found.len() - 1);
        self.found.len() - 1
    }

    fn count_in_windows(
        &mut self,
        finding: &Finding<'_>,
        found: usize,
        hits: &[(usize, Moment)],
        before: &[usize],
        name: &impl Fn() -> CrashId,
    ) {
        let tree = self.found[found].tree;
        let lasting = self.is_lasting(finding);
        for (stretch, at) in hits {
            let rank = (self.lost(finding, *at), *at);
            let best = || Best { rank, run: finding.run, lasting, id: name() };
            let count = self.stretches[*stretch].entry(tree).or_insert_with(|| Count {
                found,
                images: 0,
                runs: BTreeSet::new(),
                violates: BTreeSet::new(),
                best: best(),
            });
            count.runs.insert(finding.run);
            let claims = self.claims.iter().zip(&self.found[found].decides).enumerate();
            let violated = claims.filter(|(_, (claim, decides))| **decides && claim.is_violated_at(*stretch));
            count.violates.extend(violated.map(|(number, _)| number));
            count.images += u64::from(before.binary_search(stretch).is_err());
            if rank < count.best.rank {
                count.best = best();
            }
        }
    }

    fn count_in_claims(
        &mut self,
        finding: &Finding<'_>,
        found: usize,
        hits: &[(usize, Moment)],
        before: &[usize],
        name: &impl Fn() -> CrashId,
    ) {
        let lasting = self.is_lasting(finding);
        for number in 0..self.claims.len() {
            let within = self.claims[number].stretches.clone();
            let ranks = hits.iter().filter(|(stretch, _)| within.contains(stretch));
            let ranked = ranks.map(|(stretch, at)| ((self.lost(finding, *at), *at), *stretch)).min();
            let Some((rank, stretch)) = ranked else { continue };
            let news = u64::from(!before.iter().any(|stretch| within.contains(stretch)));
            let claim = &mut self.claims[number];
            claim.images += news;
            if self.found[found].decides[number] {
                claim.decisive += news;
                if claim.best.as_ref().is_none_or(|(best, ..)| rank < best.rank) {
                    let best = Best { rank, run: finding.run, lasting, id: name() };
                    claim.best = Some((best, stretch, found));
                }
            }
        }
    }

    /// How many units are lost when the power is cut at `at`: those submitted since the state was first legal too.
    fn lost(&self, finding: &Finding<'_>, at: Moment) -> u32 {
        let first = finding.legal.first().map_or(at, |range| *range.start());
        finding.lost.saturating_add(self.timeline.submitted(finding.run, first, at))
    }

    /// Whether a state is legal at the end of the log.
    fn is_lasting(&self, finding: &Finding<'_>) -> bool {
        let end = self.runs[finding.run].log.now();
        finding.legal.last().is_some_and(|range| *range.end() >= end)
    }

    fn windows(&self, tellers: &[Storyteller<'_>]) -> Vec<Window> {
        let outcomes: Vec<Arc<[Outcome]>> =
            self.stretches.iter().map(|counts| self.outcomes(counts, tellers).into()).collect();
        let window = |(window, stretch): (usize, &usize)| Window {
            after: window.checked_sub(1).map(|step| StepIdx::new(len_u32(step))),
            outcomes: Arc::clone(&outcomes[*stretch]),
        };
        self.timeline.windows().iter().enumerate().map(window).collect()
    }

    fn outcomes(&self, counts: &BTreeMap<usize, Count>, tellers: &[Storyteller<'_>]) -> Vec<Outcome> {
        let draft = |count: &Count| {
            let found = &self.found[count.found].observation;
            Draft { tree: shown(found), found, rest: count.clone() }
        };
        let unit_bytes = self.scenario.stack.disk.atomic.bytes();
        let drafts = join(counts.values().map(draft).collect(), unit_bytes, Count::merged);
        let tellers = if drafts.len() > TOLD { &[] } else { tellers };
        let outcome = |draft: Draft<'_, Count>| Outcome {
            tree: draft.tree,
            images: draft.rest.images,
            schedules: self.schedules(&draft.rest.runs),
            violates: draft.rest.violates.into_iter().collect(),
            witness: self.witness(draft.rest.best, tellers),
        };
        drafts.into_iter().map(outcome).collect()
    }

    fn schedules(&self, runs: &BTreeSet<usize>) -> Vec<Schedule> {
        let all = runs.iter().flat_map(|run| self.runs[*run].schedules.iter().copied());
        all.collect::<BTreeSet<_>>().into_iter().collect()
    }

    fn witness(&self, best: Best, tellers: &[Storyteller<'_>]) -> Witness {
        let Best { rank: (_, at), run, lasting, id } = best;
        let mut story = tellers.get(run).and_then(|teller| teller.tell(&id, at, &self.names));
        if let Some(story) = story.as_mut().filter(|_| lasting) {
            story.next = None;
        }
        Witness { id, at, story }
    }

    fn judgement(&self, claim: Claim, sampled: &BTreeSet<usize>, tellers: &[Storyteller<'_>]) -> Judgement {
        let complete = sampled.range(claim.stretches.clone()).next().is_none();
        let decided = claim.decisive > 0;
        let verdict = match claim.expectation.quantifier {
            Quantifier::Always | Quantifier::Never if decided => Verdict::Violated,
            Quantifier::Sometimes if decided => Verdict::Holds,
            Quantifier::Always | Quantifier::Never if complete => Verdict::Holds,
            Quantifier::Sometimes if complete => Verdict::Violated,
            Quantifier::Always | Quantifier::Never | Quantifier::Sometimes => Verdict::Inconclusive,
        };
        let fails = verdict == Verdict::Violated && claim.expectation.quantifier == Quantifier::Sometimes;
        let (instead, more_instead) =
            if fails { self.instead(claim.stretches.clone()) } else { (Vec::new(), 0) };
        let case = claim.best.map(|(best, stretch, found)| {
            // Neighbouring windows may share a stretch; the case lies in those of the expectation.
            let after = self.timeline.after(stretch).max(claim.from);
            self.case(best, after, found, tellers)
        });
        Judgement {
            line: if claim.implied { None } else { Some(claim.expectation.line) },
            text: claim.expectation.text,
            verdict,
            images: claim.images,
            decisive: claim.decisive,
            case,
            instead,
            more_instead,
        }
    }

    fn case(&self, best: Best, after: Option<StepIdx>, found: usize, tellers: &[Storyteller<'_>]) -> Case {
        let steps = &self.runs[best.run].history.steps;
        let record = after.and_then(|step| steps.get(step.get().index()));
        Case {
            after,
            in_memory: record.map_or_else(Vec::new, |record| in_memory(&record.in_memory, &self.names)),
            under_way: record.is_some_and(|record| record.at < best.rank.1),
            tree: shown(&self.found[found].observation),
            witness: self.witness(best, tellers),
        }
    }

    /// Some of the trees of some stretches, and how many more there are.
    fn instead(&self, stretches: RangeInclusive<usize>) -> (Vec<ShownTree>, u64) {
        let counts = self.stretches.get(stretches).unwrap_or_default();
        let trees: BTreeMap<usize, usize> =
            counts.iter().flatten().map(|(tree, count)| (*tree, count.found)).collect();
        let named = trees.values().take(INSTEAD).map(|found| shown(&self.found[*found].observation));
        (named.collect(), len_u64(trees.len().saturating_sub(INSTEAD)))
    }
}

impl Claim {
    /// Whether what decides it in this stretch speaks against it.
    fn is_violated_at(&self, stretch: usize) -> bool {
        self.expectation.quantifier != Quantifier::Sometimes && self.stretches.contains(&stretch)
    }
}

impl Count {
    fn merged(mut self, other: Self) -> Self {
        self.images += other.images;
        self.runs.extend(other.runs);
        self.violates.extend(other.violates);
        if other.best.rank < self.best.rank {
            self.best = other.best;
        }
        self
    }
}

fn shown(observation: &Observation) -> ShownTree {
    tree_text(observation).into_iter().map(|(path, text)| (path, Shown::Text(text))).collect()
}

/// Whether finding this settles the matter: a counterexample, or an example for `sometimes`.
fn decides(expectation: &Expectation, observation: &Observation) -> bool {
    let holds = holds(&expectation.holds, observation);
    match expectation.quantifier {
        Quantifier::Always => !holds,
        Quantifier::Sometimes | Quantifier::Never => holds,
    }
}

fn claims(scenario: &Scenario, timeline: &Timeline) -> Vec<Claim> {
    let mut claims: Vec<Claim> = Vec::new();
    let mut add = |expectation: Expectation, implied: bool| {
        let stretches = window(scenario, timeline, &expectation);
        let mark = expectation.after.as_ref().and_then(|name| mark(scenario, name));
        let from = mark.map(|step| StepIdx::new(len_u32(step)));
        claims.push(Claim { expectation, implied, from, stretches, images: 0, decisive: 0, best: None });
    };
    for expectation in &scenario.expect {
        add(expectation.clone(), false);
    }
    if !speaks_of_mounts(&scenario.expect) {
        let always_mounts = Expectation {
            quantifier: Quantifier::Always,
            after: None,
            before: None,
            holds: Predicate::Mounts,
            line: 0,
            text: "always(mounts)".to_owned(),
        };
        add(always_mounts, true);
    }
    claims
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
