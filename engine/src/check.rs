//! The whole pipeline, one call.
//!
//! ```text
//!   scenario ──run, once for each schedule──▶ traces ──all legal images──▶ explore, as recovery reads ──▶ leaves
//!                                                                                              report ◀──┘
//! ```
//! The run without a crash comes first: a step that does not return what the scenario says ends it. A schedule that
//! leads to the same run as another is not explored again.
//!
//! Not here: shrinking a witness; it is the one with the fewest writes lost as it is.

mod finder;

pub use finder::Finder;

use crate::contract::promises;
use crate::crash::{Bounds, explore, image};
use crate::device::{DiskImage, Reader};
use crate::history::{History, Returned};
use crate::oracle::{Observation, Outline, observe, speaks_of_attributes, speaks_of_repairs};
use crate::recovery::{Attributes, Audit, Fsck, Profile, RepairNeeded, recover};
use crate::report::{Assembly, Report, Run, Storyteller, Timeline, Verdict, images};
use crate::scenario::{Recoverer, Scenario};
use crate::schedule::Schedule;
use crate::stack::{StepError, Trace, run};
use crate::units::Moment;

/// Runs a scenario, looks at its crash states, and says what is expected and what is found.
///
/// # Errors
/// Where a step does not return what the scenario says.
pub fn check(scenario: &Scenario, bounds: &Bounds) -> Result<Report, StepError> {
    check_with(scenario, bounds, &|_| {})
}

/// The same; `progress` is told the number of leaves now and then.
///
/// # Errors
/// Where a step does not return what the scenario says.
pub fn check_with(
    scenario: &Scenario,
    bounds: &Bounds,
    progress: &(dyn Fn(u64) + Sync),
) -> Result<Report, StepError> {
    let traces =
        Schedule::ALL.into_iter().map(|schedule| run(scenario, schedule)).collect::<Result<Vec<_>, _>>()?;
    let reader = Finder::new(&profile(scenario));
    Ok(judge(scenario, &distinct(traces), bounds, &reader, progress))
}

/// Who recovers the disks of a scenario, and what is read of them.
pub fn profile(scenario: &Scenario) -> Profile {
    let profile = match scenario.stack.recovery {
        Recoverer::SameKernel => Profile::of(scenario.stack.kernel),
        Recoverer::Kernel(kernel) => Profile::of(kernel),
        Recoverer::E2fsck => Profile::e2fsck(Fsck::AtBoot),
    };
    let read = speaks_of_attributes(&scenario.expect);
    Profile { attributes: if read { Attributes::Read } else { Attributes::Skip }, ..profile }
}

/// A run, and all schedules that lead to it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DistinctRun {
    /// The schedules; the first is the trace's.
    pub schedules: Vec<Schedule>,
    /// The run.
    pub trace: Trace,
}

/// Each run once. The ways through the kernel are not compared: they leave nothing on the disk.
pub fn distinct(traces: Vec<Trace>) -> Vec<DistinctRun> {
    let mut runs: Vec<DistinctRun> = Vec::new();
    for trace in traces {
        match runs.iter_mut().find(|run| same(&run.trace, &trace)) {
            Some(run) => run.schedules.push(trace.schedule),
            None => runs.push(DistinctRun { schedules: vec![trace.schedule], trace }),
        }
    }
    runs
}

fn same(one: &Trace, other: &Trace) -> bool {
    one.base == other.base && one.log == other.log && told(&one.history).eq(told(&other.history))
}

fn told(history: &History) -> impl Iterator<Item = (&Returned, Moment)> {
    history.steps.iter().map(|step| (&step.returned, step.at))
}

/// What the program would have found on the disk before its first step.
fn observe_base(base: &DiskImage, profile: &Profile) -> Observation {
    let mut disk = base.clone();
    match recover(&mut disk, &Profile { audit: Audit::Skip, ..*profile }) {
        Ok(survivors) => observe(&survivors, &mut disk),
        Err(error) => Observation::Unmountable { why: error.to_string(), repair: RepairNeeded::Manual },
    }
}

/// Looks at the crash states of some runs of a scenario, as `reader` finds them.
pub fn judge<R: Reader<Found = Outline>>(
    scenario: &Scenario,
    runs: &[DistinctRun],
    bounds: &Bounds,
    reader: &R,
    progress: &(dyn Fn(u64) + Sync),
) -> Report {
    assemble(scenario, runs, bounds, reader, progress, |assembly| {
        assembly.report(|run, id| {
            let Trace { base, log, .. } = &runs[run].trace;
            match image(base, log, id) {
                Ok(mut disk) => reader.clone().finish(&mut disk).fill(&mut disk),
                Err(error) => {
                    Observation::Unmountable { why: error.to_string(), repair: RepairNeeded::Manual }
                }
            }
        })
    })
}

/// What becomes of the expectations of a scenario, in the order of the file, and nothing else: much faster than
/// [`check`] where there are very many outcomes.
///
/// # Errors
/// Where a step does not return what the scenario says.
pub fn verdicts(scenario: &Scenario, bounds: &Bounds) -> Result<Vec<Verdict>, StepError> {
    let traces =
        Schedule::ALL.into_iter().map(|schedule| run(scenario, schedule)).collect::<Result<Vec<_>, _>>()?;
    let audit = if speaks_of_repairs(&scenario.expect) { Audit::Full } else { Audit::Skip };
    let reader = Finder::new(&Profile { audit, ..profile(scenario) });
    Ok(assemble(scenario, &distinct(traces), bounds, &reader, &|_| {}, |assembly| assembly.verdicts()))
}

/// Explores the crash states of some runs, and has something made of them.
fn assemble<R: Reader<Found = Outline>, T>(
    scenario: &Scenario,
    runs: &[DistinctRun],
    bounds: &Bounds,
    reader: &R,
    progress: &(dyn Fn(u64) + Sync),
    make: impl FnOnce(&Assembly<'_>) -> T,
) -> T {
    let told = runs.iter().map(|DistinctRun { schedules, trace }| Run {
        schedules: schedules.clone(),
        log: &trace.log,
        history: &trace.history,
    });
    let told: Vec<Run<'_>> = told.collect();
    let timeline = Timeline::new(scenario.steps.len(), &told);
    let courses: Vec<_> = runs
        .iter()
        .zip(&told)
        .map(|(DistinctRun { trace, .. }, run)| (trace.schedule, &trace.base, run))
        .collect();
    let images = images(&timeline, &courses);
    let explored = explore(&images, reader.clone(), bounds, progress);
    let profile = profile(scenario);
    let tellers: Vec<_> =
        runs.iter().map(|run| Storyteller::new(&run.trace.base, &run.trace.log, profile)).collect();
    let promises = runs.first().map_or_else(Vec::new, |run| {
        let before = observe_base(&run.trace.base, &profile);
        promises(scenario, &run.trace.history, &before)
    });
    make(&Assembly {
        scenario,
        runs: &told,
        timeline: &timeline,
        images: &images,
        explored: &explored,
        bounds,
        tellers: &tellers,
        promises: &promises,
    })
}

#[cfg(test)]
mod tests;
