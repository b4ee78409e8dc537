//! The reports of one scenario under several kernels, side by side.
//!
//! ```text
//!   reports     2.6.16   2.6.17   2.6.18   2.6.19   3.16
//!   groups      └─ 0 ──┘ └────── 1 ─────┘ └───── 2 ─────┘     neighbours that say the same
//!   steps       0        ENOMEM            ENOMEM             what each returned, and what reached the disk
//!   stretches   old      old or new        new                what a crash in some windows can leave
//! ```
//! Two reports say the same if every step returned the same and sent the same to the disk (which data, how many
//! commits, metadata blocks in place and flushes), the same trees can be found in every window, and the same
//! expectations fail.
//!
//! Not compared: how many images lead to a tree, and copies and descriptors in the log.

use super::{
    DataWritten, Judgement, Outcome, RepairNeeded, Report, ShownTree, StepReport, Traffic, Verdict, Window,
};
use crate::history::Returned;
use crate::kernel::Kernel;
use crate::schedule::Schedule;
use std::sync::Arc;

/// The reports of a scenario under several kernels.
#[derive(Clone, Debug)]
pub struct Comparison<'a> {
    /// Neighbouring kernels that say the same, in the order of the reports.
    pub groups: Vec<Group<'a>>,
    /// Every step that any of the kernels makes, in the order of the program.
    pub steps: Vec<StepRow<'a>>,
    /// Neighbouring windows with the same outcomes under each kernel, in order.
    pub stretches: Vec<Stretch<'a>>,
}

/// Kernels that say the same.
#[derive(Clone, Debug)]
pub struct Group<'a> {
    /// At least one, in the order of the reports.
    pub kernels: Vec<Kernel>,
    /// The report of the first.
    pub report: &'a Report,
}

/// A step, and how it went in each group.
#[derive(Clone, Debug)]
pub struct StepRow<'a> {
    /// The step.
    pub step: &'a StepReport,
    /// For each group; none where its kernels do not make the step.
    pub done: Vec<Option<Done<'a>>>,
}

/// How a step went.
#[derive(Clone, Debug)]
pub struct Done<'a> {
    /// For each schedule that was run: what the step returned, and what reached the disk while it ran.
    pub runs: Vec<(Schedule, &'a Returned, &'a Traffic)>,
}

/// Windows that follow each other and have the same outcomes.
#[derive(Clone, Debug)]
pub struct Stretch<'a> {
    /// In the first window so many of the steps have returned,
    pub from: usize,
    /// and so many in the last.
    pub to: usize,
    /// For each group, what a crash can leave.
    pub outcomes: Vec<&'a [Outcome]>,
}

impl<'a> Comparison<'a> {
    /// Puts reports of one scenario side by side. A kernel that gave none keeps its neighbours apart.
    pub fn new(reports: &[Option<&'a Report>]) -> Self {
        let groups: Vec<Group<'a>> = reports
            .chunk_by(|one, other| matches!((one, other), (Some(one), Some(other)) if same(one, other)))
            .filter_map(|alike| {
                let kernels = alike.iter().flatten().map(|report| report.kernel).collect();
                alike.first().copied().flatten().map(|report| Group { kernels, report })
            })
            .collect();
        let keys: Vec<Vec<Key<'a>>> = groups.iter().map(|group| keys(group.report)).collect();
        let all = merged(&keys);
        let steps = all.iter().filter_map(|key| step_row(key, &groups, &keys)).collect();
        let stretches = stretches(&all, &groups, &keys);
        Self { groups, steps, stretches }
    }
}

impl StepRow<'_> {
    /// Whether the groups returned different things, or some do not make the step.
    pub fn returned_differs(&self) -> bool {
        differ(&self.done, |one, other| alike(one, other, |one, other| one.1 == other.1))
    }

    /// Whether different things reached the disk, or some do not make the step.
    pub fn traffic_differs(&self) -> bool {
        differ(&self.done, |one, other| alike(one, other, |one, other| same_kinds(one.2, other.2)))
    }
}

impl Stretch<'_> {
    /// Whether the groups can leave different trees.
    pub fn differs(&self) -> bool {
        self.outcomes.windows(2).any(|pair| !pair[0].iter().map(tree).eq(pair[1].iter().map(tree)))
    }
}

/// What a step is known by under every kernel: its line and text, and how many like it came before.
type Key<'a> = (u32, &'a str, usize);

fn keys(report: &Report) -> Vec<Key<'_>> {
    let mut keys: Vec<Key<'_>> = Vec::with_capacity(report.steps.len());
    let mut times = std::collections::BTreeMap::new();
    for step in &report.steps {
        let before = times.entry((step.line, step.text.as_str())).or_insert(0_usize);
        keys.push((step.line, &step.text, *before));
        *before += 1;
    }
    keys
}

/// All keys of several programs that differ in left-out steps, in the order of the program.
fn merged<'a>(programs: &[Vec<Key<'a>>]) -> Vec<Key<'a>> {
    let mut all: Vec<Key<'a>> = Vec::new();
    for program in programs {
        let mut at = 0;
        for key in program {
            match all.iter().position(|known| known == key) {
                Some(place) => at = place + 1,
                None => {
                    all.insert(at, *key);
                    at += 1;
                }
            }
        }
    }
    all
}

fn step_row<'a>(key: &Key<'a>, groups: &[Group<'a>], keys: &[Vec<Key<'a>>]) -> Option<StepRow<'a>> {
    let of_group = |(group, keys): (&Group<'a>, &Vec<Key<'a>>)| {
        let at = keys.iter().position(|known| known == key)?;
        group.report.steps.get(at).map(|step| (step, done(group.report, step)))
    };
    let found: Vec<Option<(&'a StepReport, Done<'a>)>> = groups.iter().zip(keys).map(of_group).collect();
    let step = found.iter().flatten().map(|(step, _)| *step).next()?;
    Some(StepRow { step, done: found.into_iter().map(|found| found.map(|(_, done)| done)).collect() })
}

fn done<'a>(report: &'a Report, step: &'a StepReport) -> Done<'a> {
    let mut runs = Vec::with_capacity(Schedule::ALL.len());
    for ((run, returned), traffic) in report.runs.iter().zip(&step.returned).zip(&step.traffic) {
        runs.extend(run.schedules.iter().map(|schedule| (*schedule, returned, traffic)));
    }
    runs.sort_by_key(|(schedule, ..)| *schedule);
    Done { runs }
}

fn stretches<'a>(all: &[Key<'a>], groups: &[Group<'a>], keys: &[Vec<Key<'a>>]) -> Vec<Stretch<'a>> {
    let mut stretches: Vec<(Stretch<'a>, Vec<&'a Window>)> = Vec::new();
    // So many steps of each group have returned.
    let mut returned = vec![0; groups.len()];
    for window in 0..=all.len() {
        if let Some(key) = window.checked_sub(1).and_then(|step| all.get(step)) {
            for (returned, keys) in returned.iter_mut().zip(keys) {
                *returned += usize::from(keys.get(*returned) == Some(key));
            }
        }
        let windows: Vec<&'a Window> = groups
            .iter()
            .zip(&returned)
            .filter_map(|(group, returned)| group.report.windows.get(*returned))
            .collect();
        match stretches.last_mut() {
            Some((last, before)) if before.iter().zip(&windows).all(|(one, other)| unchanged(one, other)) => {
                last.to = window;
            }
            Some(_) | None => {
                let outcomes = windows.iter().map(|window| &*window.outcomes).collect();
                stretches.push((Stretch { from: window, to: window, outcomes }, windows));
            }
        }
    }
    stretches.into_iter().map(|(stretch, _)| stretch).collect()
}

/// Whether two windows of one report have the same outcomes.
fn unchanged(one: &Window, other: &Window) -> bool {
    let shape = |outcome: &'_ Outcome| (outcome.tree.clone(), outcome.repair, outcome.violates.clone());
    Arc::ptr_eq(&one.outcomes, &other.outcomes)
        || one.outcomes.iter().map(shape).eq(other.outcomes.iter().map(shape))
}

/// Whether two kernels say the same.
fn same(one: &Report, other: &Report) -> bool {
    one.verdict == other.verdict
        && failing(one).eq(failing(other))
        && keys(one) == keys(other)
        && same_windows(one, other)
        && one.steps.iter().zip(&other.steps).all(|(first, second)| {
            let (first, second) = (done(one, first), done(other, second));
            alike(&first, &second, |one, other| one.1 == other.1 && same_kinds(one.2, other.2))
        })
}

fn same_windows(one: &Report, other: &Report) -> bool {
    one.windows.len() == other.windows.len()
        && one
            .windows
            .iter()
            .zip(&other.windows)
            .all(|(one, other)| one.outcomes.iter().map(tree).eq(other.outcomes.iter().map(tree)))
}

/// The expectations that do not hold.
fn failing(report: &Report) -> impl Iterator<Item = (Option<u32>, &str, Verdict)> {
    let fails = |judged: &&Judgement| judged.verdict != Verdict::Holds;
    let failing = report.expectations.iter().filter(fails);
    failing.map(|judged| (judged.line, judged.text.as_str(), judged.verdict))
}

const fn tree(outcome: &Outcome) -> (&ShownTree, RepairNeeded) {
    (&outcome.tree, outcome.repair)
}

type OneRun<'a> = (Schedule, &'a Returned, &'a Traffic);

fn alike(one: &Done<'_>, other: &Done<'_>, same: impl Fn(&OneRun<'_>, &OneRun<'_>) -> bool) -> bool {
    one.runs.len() == other.runs.len()
        && one.runs.iter().zip(&other.runs).all(|(one, other)| one.0 == other.0 && same(one, other))
}

fn differ<T>(all: &[Option<T>], same: impl Fn(&T, &T) -> bool) -> bool {
    all.windows(2).any(|pair| match (&pair[0], &pair[1]) {
        (Some(one), Some(other)) => !same(one, other),
        (None, None) => false,
        (Some(_), None) | (None, Some(_)) => true,
    })
}

/// Whether the same kinds of requests were made. A file may be found under other names: the inode counts.
fn same_kinds(one: &Traffic, other: &Traffic) -> bool {
    let data = |data: &DataWritten| (data.ino, data.from, data.blocks, data.fua);
    (one.commits, one.in_place, one.flushes) == (other.commits, other.in_place, other.flushes)
        && one.data.iter().map(data).eq(other.data.iter().map(data))
}

#[cfg(test)]
mod tests;
