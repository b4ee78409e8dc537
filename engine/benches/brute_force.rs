//! How many crash states a second brute force judges on one core, from image to outcome.
//!
//! `cargo bench -p unplug` prints items/s for each scenario; BENCHMARKS.md has what was measured.
#![expect(clippy::unwrap_used, reason = "a benchmark")]

use divan::Bencher;
use divan::counter::ItemsCount;
use unplug::check::check;
use unplug::crash::brute::{Bounds, Coverage, explore};
use unplug::oracle::{Observation, observe};
use unplug::recovery::{Profile, recover};
use unplug::scenario::{Scenario, parse};
use unplug::schedule::Schedule;
use unplug::stack::{Trace, run};

fn main() {
    divan::main();
}

const BOUNDS: Bounds = Bounds { max_states: 20_000, seed: 1 };

/// Replace by rename, with fsync of file and directory; `unit` is the disk's atomic write.
fn rename(unit: u32) -> Scenario {
    let text = format!(
        r#"(
            title: "rename",
            stack: (disk: (atomic_write: {unit})),
            setup: [create("/conf", "old")],
            steps: [
                open(fd: "t", path: "/conf.tmp", flags: [O_CREAT, O_WRONLY, O_TRUNC]),
                write("t", "new"), fsync("t"), close("t"),
                rename("/conf.tmp", "/conf"),
                open(fd: "d", path: "/", flags: [O_RDONLY, O_DIRECTORY]), fsync("d"),
            ],
            expect: [always(any([content("/conf", "old"), content("/conf", "new")]))],
        )"#
    );
    parse(&text).unwrap()
}

fn one_core<R: Send>(work: impl FnOnce() -> R + Send) -> R {
    rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap().install(work)
}

/// Every state of a trace: recovered, audited, its tree and contents read.
fn judge_all(trace: &Trace, profile: &Profile) -> u64 {
    let coverage = explore(
        &trace.base,
        &trace.log,
        trace.schedule,
        &BOUNDS,
        |view| {
            divan::black_box(match recover(view, profile) {
                Ok(survivors) => observe(&survivors, view),
                Err(error) => Observation::unmountable(&error),
            });
        },
        |_, ()| {},
    );
    match coverage {
        Coverage::Complete { states } => states,
        Coverage::Partial { explored, .. } => explored,
    }
}

/// From image to outcome.
#[divan::bench(args = [4096, 512], sample_count = 10)]
fn states_of_rename(bencher: Bencher, unit: u32) {
    let scenario = rename(unit);
    let trace = run(&scenario, Schedule::Prompt).unwrap();
    let profile = Profile::of(scenario.stack.kernel);
    let states = one_core(|| judge_all(&trace, &profile));
    bencher.counter(ItemsCount::new(states)).bench_local(|| one_core(|| judge_all(&trace, &profile)));
}

/// The same with all that surrounds it: both schedules run, windows, expectations, witnesses.
#[divan::bench(args = [4096, 512], sample_count = 10)]
fn report_of_rename(bencher: Bencher, unit: u32) {
    let scenario = rename(unit);
    bencher.bench_local(|| one_core(|| check(&scenario, &unplug::crash::Bounds::default()).unwrap()));
}

/// The stack alone: from the scenario to the device log.
#[divan::bench]
fn run_of_rename(bencher: Bencher) {
    let scenario = rename(4096);
    bencher.bench_local(|| run(&scenario, Schedule::Prompt).unwrap());
}
