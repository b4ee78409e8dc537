//! The pipeline, as the tests drive it, and what they have in common.

use rayon::prelude::*;
use std::fs::File;
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;
use std::process::Command;
use tempfile::TempDir;
use unplug::check::{DistinctRun, Finder, distinct, judge};
use unplug::crash::{Bounds, Course, Coverage, CrashId, Images, Nothing, brute, explore, image};
use unplug::device::{DiskImage, Media};
use unplug::mutant::Mutant;
use unplug::oracle::{self, Observation};
use unplug::recovery::{Profile, Recovery, recover};
use unplug::report::Report;
use unplug::scenario::Scenario;
use unplug::schedule::Schedule;
use unplug::stack::{Trace, run, run_mutant};
use unplug::units::{BlockNr, block_bytes};

/// Every state of a scenario.
pub(crate) const ALL_STATES: Bounds = Bounds { max_leaves: 200_000, draws: 1000, seed: 1 };

/// A legal crash state, as bytes and as recovery sees it.
pub(crate) struct Crashed {
    /// Its name.
    pub(crate) id: CrashId,
    /// Its bytes.
    pub(crate) image: DiskImage,
    /// What recovery finds.
    pub(crate) found: Observation,
}

/// Recovers a dead disk and looks at it.
pub(crate) fn observe<M: Media>(disk: &mut M, profile: &Profile) -> Observation {
    match recover(disk, profile) {
        Err(error) => Observation::unmountable(&error),
        Ok(survivors) => oracle::observe(&survivors, disk),
    }
}

/// Runs a scenario under both schedules, or on a stack that lacks a rule.
pub(crate) fn traces(scenario: &Scenario, mutant: Option<Mutant>) -> Vec<Trace> {
    let one = |schedule| match mutant {
        None => run(scenario, schedule),
        Some(mutant) => run_mutant(scenario, schedule, mutant),
    };
    let ran = |schedule| one(schedule).unwrap_or_else(|error| panic!("{}: {error}", scenario.title));
    Schedule::ALL.into_iter().map(ran).collect()
}

/// The report of a scenario, or of a stack that lacks a rule.
pub(crate) fn report(scenario: &Scenario, mutant: Option<Mutant>, bounds: &Bounds) -> Report {
    let profile = Profile::of(scenario.stack.kernel);
    judge(scenario, &distinct(traces(scenario, mutant)), bounds, &Finder::new(&profile), &|_| {})
}

/// Whether nothing was left out.
pub(crate) fn is_complete(report: &Report) -> bool {
    report.coverage == Coverage::Complete
}

/// Crash states of a scenario: all of each run where there are at most `max`, else a seeded sample of as many.
pub(crate) fn crashed(scenario: &Scenario, profile: &Profile, max: u64) -> Vec<Crashed> {
    let bounds = brute::Bounds { max_states: max, seed: 1 };
    let mut states = Vec::new();
    for run in distinct(traces(scenario, None)) {
        let Trace { base, log, schedule, .. } = &run.trace;
        brute::explore(
            base,
            log,
            *schedule,
            &bounds,
            |view| observe(view, profile),
            |state, found| {
                let id = state.id();
                states.push(Crashed { image: image(base, log, &id).unwrap(), id, found });
            },
        );
    }
    states
}

/// A run, with a cut behind every step.
pub(crate) fn course(run: &DistinctRun) -> Course<'_> {
    let trace = &run.trace;
    let cuts = trace.history.steps.iter().map(|step| step.at).collect();
    Course { schedule: trace.schedule, base: &trace.base, log: &trace.log, cuts }
}

/// An image of each leaf of a scenario, drawn at random, and what recovery finds on its bytes: what `look` says of them,
/// one after the other. Of more leaves than `most` some are taken, evenly.
pub(crate) fn members<R>(
    scenario: &Scenario,
    profile: &Profile,
    most: usize,
    look: impl Fn(&Crashed) -> R,
) -> Vec<R> {
    let runs = distinct(traces(scenario, None));
    let images = Images::of(runs.iter().map(course).collect());
    let blocks = (0..images.blocks()).map(BlockNr::new);
    let blocks: Vec<BlockNr> = blocks.filter(|block| images.varies(*block)).collect();
    let bounds = Bounds { draws: 1, seed: 3, max_leaves: 3000 };
    let explored = explore(&images, Recovery::new(profile), &bounds, &|_| {});
    let drawn = explored
        .leaves
        .iter()
        .step_by(explored.leaves.len().div_ceil(most).max(1))
        .flat_map(|leaf| images.draw(&leaf.class, &images.all(), &blocks, &Nothing, &bounds));
    let crashed = drawn.map(|drawn| {
        let id = images.id(&drawn.image);
        let trace = &runs[drawn.image.run].trace;
        let image = image(&trace.base, &trace.log, &id).unwrap();
        look(&Crashed { found: observe(&mut image.clone(), profile), id, image })
    });
    crashed.collect()
}

/// A folder for image files, in memory where that can be: e2fsck waits for each of its writes.
pub(crate) fn folder() -> TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

/// Writes a disk as an image file, with holes where nothing was ever written.
pub(crate) fn write_sparsely(image: &DiskImage, path: &Path) {
    let mut file = File::create(path).unwrap();
    file.set_len(image.blocks() * block_bytes()).unwrap();
    for (nr, block) in image.written().filter(|(_, block)| block.bytes().iter().any(|byte| *byte != 0)) {
        file.seek(SeekFrom::Start(nr.get() * block_bytes())).unwrap();
        file.write_all(block.bytes()).unwrap();
    }
}

/// Calls `work` for each item on two threads; results in the order of the items.
pub(crate) fn on_two_threads<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> R + Sync + Send) -> Vec<R> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build().unwrap();
    pool.install(|| items.par_iter().map(work).collect())
}

/// Whether a tool can be run. Where it must be there and is not, the test fails.
pub(crate) fn has_tool(tool: &str) -> bool {
    let there = Command::new(tool).arg("-V").output().is_ok();
    if !there {
        let required = std::env::var_os("UNPLUG_REQUIRE_TOOLS").is_some();
        assert!(!required, "{tool} is missing, and UNPLUG_REQUIRE_TOOLS is set");
        note(&format!("{tool} is missing"));
    }
    there
}

/// Says that a test was skipped, past the harness, which keeps what passing tests print to itself.
pub(crate) fn note(why: &str) {
    // Nothing can be done where standard error is closed.
    let _ = writeln!(std::io::stderr(), "skipped: {why}");
}
