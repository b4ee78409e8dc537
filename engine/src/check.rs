//! The whole pipeline, one call.
//!
//! ```text
//!   scenario ──run, once for each schedule──▶ traces ──explore──▶ states ──recover──▶ survivors
//!                                                                             └─observe──▶ tally ──▶ report
//! ```
//! The run without a crash comes first: a step that does not return what the scenario says ends it. A schedule that
//! leads to the same run as another is not explored again.
//!
//! Not here: shrinking a witness; it is the one with the fewest writes lost as it is.

use crate::crash::brute::{Bounds, CrashView, explore};
use crate::device::{DeviceLog, Media, Op};
use crate::history::{History, Returned};
use crate::oracle::{Key, Keys, Observation, observe};
use crate::recovery::{Profile, recover};
use crate::report::{Finding, Report, Run, Storyteller, Tally};
use crate::scenario::Scenario;
use crate::schedule::Schedule;
use crate::stack::{StepError, Trace, run};
use crate::units::{BlockNr, Moment, SECTOR_BYTES, len_u64};
use std::collections::BTreeSet;
use std::ops::RangeInclusive;

/// Runs a scenario, looks at its crash states, and says what is expected and what is found.
///
/// # Errors
/// Where a step does not return what the scenario says.
pub fn check(scenario: &Scenario, bounds: &Bounds) -> Result<Report, StepError> {
    let traces =
        Schedule::ALL.into_iter().map(|schedule| run(scenario, schedule)).collect::<Result<Vec<_>, _>>()?;
    let profile = Profile::of(scenario.stack.kernel);
    Ok(judge(scenario, &distinct(traces), bounds, |view| match recover(view, &profile) {
        Ok(survivors) => observe(&survivors, view),
        Err(error) => Observation::unmountable(&error),
    }))
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

/// Looks at the crash states of some runs of a scenario; `observe` recovers one and looks at it.
pub fn judge(
    scenario: &Scenario,
    runs: &[DistinctRun],
    bounds: &Bounds,
    observe: impl Fn(&mut CrashView<'_>) -> Observation + Sync,
) -> Report {
    let keys = Keys::new();
    let written = if runs.len() > 1 { written(runs) } else { BTreeSet::new() };
    let look = |view: &mut CrashView<'_>| {
        let image = digest(&keys, &written, view);
        let observation = observe(view);
        (image, keys.key(&observation), observation)
    };
    let outlines = runs.iter().map(|run| Run {
        schedules: run.schedules.clone(),
        log: &run.trace.log,
        history: &run.trace.history,
    });
    let mut tally = Tally::new(scenario, outlines.collect());
    let mut coverage = Vec::with_capacity(runs.len());
    for (run, DistinctRun { trace, .. }) in runs.iter().enumerate() {
        coverage.push(explore(&trace.base, &trace.log, trace.schedule, bounds, look, |state, judged| {
            let (image, key, observation): (u128, Key, Observation) = judged;
            let finding = Finding { run, legal: state.legal, lost: state.lost, image };
            tally.count(&finding, key, observation, || state.id());
        }));
    }
    let profile = Profile::of(scenario.stack.kernel);
    let tellers: Vec<_> =
        runs.iter().map(|run| Storyteller::new(&run.trace.base, &run.trace.log, profile)).collect();
    tally.report(coverage, &tellers)
}

/// The blocks that any of the runs wrote.
fn written(runs: &[DistinctRun]) -> BTreeSet<BlockNr> {
    runs.iter().flat_map(|run| blocks(&run.trace.log)).collect()
}

fn blocks(log: &DeviceLog) -> impl Iterator<Item = BlockNr> {
    log.requests().iter().flat_map(|request| {
        let numbers = match &request.op {
            Op::Write { lba, data, .. } => {
                let last = lba.plus(len_u64(data.len() / SECTOR_BYTES).saturating_sub(1));
                lba.block().get()..=last.block().get()
            }
            Op::Flush => RangeInclusive::new(1, 0),
        };
        numbers.map(BlockNr::new)
    })
}

/// What an image holds in some blocks, as 128 bits.
fn digest(keys: &Keys, blocks: &BTreeSet<BlockNr>, image: &mut impl Media) -> u128 {
    keys.image(blocks.iter().map(|nr| image.read(*nr)))
}

#[cfg(test)]
mod tests;
