//! Random programs that map files: on every kernel, the program sees what a plain model of arrays sees, and what a crash
//! leaves is what the calls that returned have promised.
//!
//! ```text
//!   calls ──plain──▶ scenario text, with what each read must return ──run──▶ log ──explore──▶ states
//!             └────▶ what a crash may leave during each step ◀──────────── each is checked against it
//! ```
//! A case that fails prints its scenario.

mod expect;
mod found;
mod op;
mod plain;

use crate::pipeline::observe;
use found::{Found, find};
use op::{How, Op, op};
use plain::{GRANULES, LETTERS, PAGES, Program, Promise, byte};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use unplug::crash::brute::{Bounds, explore};
use unplug::kernel::SyncFlush;
use unplug::mutant::Mutant;
use unplug::recovery::Profile;
use unplug::scenario::{DataMode, Kernel, Scenario, parse};
use unplug::schedule::Schedule;
use unplug::stack::{Trace, run, run_mutant};
use unplug::units::Moment;

/// How many programs.
const CASES: u32 = 2000;
/// Crash states of one run, at most.
const STATES: Bounds = Bounds { max_states: 120, seed: 11 };

/// Kernel, mount and disk.
#[derive(Clone, Debug)]
struct Machine {
    kernel: Kernel,
    mode: Mode,
    delalloc: bool,
    dioread_nolock: bool,
    auto_da_alloc: bool,
    synchronous: bool,
    fua: bool,
    stable_writes: bool,
}

/// Which data a crash may show, and when.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Mode {
    Ordered,
    /// Programs see their bytes; what a crash leaves is not looked at: what a truncation freed may be written over before
    /// it commits.
    Writeback,
    /// What a crash leaves is not looked at: what a mapping left behind the end is logged, and comes back when the file
    /// grows, though the program reads zeros there.
    Journal,
    /// What a crash leaves is not looked at.
    Nojournal,
}

impl Mode {
    fn data(self) -> DataMode {
        match self {
            Self::Ordered => DataMode::Ordered,
            Self::Writeback | Self::Nojournal => DataMode::Writeback,
            Self::Journal => DataMode::Journal,
        }
    }
}

fn machine() -> impl Strategy<Value = Machine> {
    // The default first: cases shrink towards it.
    let others: Vec<Kernel> = Kernel::ALL.to_vec();
    let kernel = prop_oneof![Just(Kernel::V6_6), prop::sample::select(others)];
    let mode = prop_oneof![
        3 => Just(Mode::Ordered),
        1 => Just(Mode::Writeback),
        2 => Just(Mode::Journal),
        1 => Just(Mode::Nojournal),
    ];
    (kernel, mode, prop::bool::weighted(0.1), any::<[bool; 5]>()).prop_map(
        |(kernel, mode, synchronous, [delalloc, dioread_nolock, auto_da_alloc, fua, stable])| Machine {
            kernel,
            mode,
            delalloc: match mode {
                Mode::Writeback => true,
                Mode::Journal => false,
                Mode::Ordered | Mode::Nojournal => !delalloc,
            },
            dioread_nolock: mode == Mode::Writeback || !dioread_nolock,
            auto_da_alloc: !auto_da_alloc,
            synchronous,
            fua,
            stable_writes: stable,
        },
    )
}

/// The whole scenario. Kernels that send no flush of their own promise something on disks without a cache only.
fn text(machine: &Machine, size: usize, steps: &[String]) -> String {
    let Machine { kernel, mode, delalloc, dioread_nolock, auto_da_alloc, synchronous, fua, stable_writes } =
        machine;
    let (mkfs, data) = match mode {
        Mode::Ordered => ("journal_size: \"4M\"", "data: ordered, "),
        Mode::Writeback => ("journal_size: \"4M\"", "data: writeback, "),
        Mode::Journal => ("journal_size: \"4M\"", "data: journal, "),
        Mode::Nojournal => ("journal: false", ""),
    };
    let cache = match kernel.rules().sync_flush {
        SyncFlush::None => "write_through",
        SyncFlush::Flush => "volatile",
    };
    let old = char::from(*LETTERS.last().unwrap());
    format!(
        "(\n  title: \"a random program\",\n  stack: (\n    kernel: \"{kernel}\",\n    \
         mkfs: (size: \"10M\", {mkfs}, inodes: 64),\n    \
         mount: ({data}sync: {synchronous}, delalloc: {delalloc}, dioread_nolock: {dioread_nolock}, auto_da_alloc: {auto_da_alloc}, barrier: true),\n    \
         disk: (cache: {cache}, atomic_write: 4096, fua: {fua}, stable_writes: {stable_writes}),\n  ),\n  \
         setup: [create(\"/0\", repeat(\"{old}\", {}))],\n  steps: [\n    {},\n  ],\n)",
        byte(size),
        steps.join(",\n    "),
    )
}

/// What is wrong with the crash states of one run.
fn wrong(scenario: &Scenario, trace: &Trace, promises: &[Promise]) -> Option<String> {
    let returned: Vec<Moment> = trace.history.steps.iter().map(|step| step.at).collect();
    let profile = Profile::of(scenario.stack.kernel);
    let mut wrong = None;
    explore(
        &trace.base,
        &trace.log,
        trace.schedule,
        &STATES,
        |view| find(&observe(view, &profile)),
        |state, found: Result<Found, String>| {
            if wrong.is_some() {
                return;
            }
            wrong = match found {
                Err(damage) => Some(format!("{}: {damage}", state.id())),
                Ok(found) => {
                    let broken = |(step, promise): (usize, &Promise)| {
                        let from = step.checked_sub(1).map_or(Moment::new(0), |before| returned[before]);
                        let until = returned.get(step).copied().unwrap_or(trace.log.now());
                        let meets =
                            state.legal.iter().any(|range| *range.start() <= until && from <= *range.end());
                        let broken = if meets { found.breaks(promise) } else { None };
                        broken.map(|what| format!("{}, during step {step}: {what}", state.id()))
                    };
                    promises.iter().enumerate().find_map(broken)
                }
            };
        },
    );
    wrong
}

/// Runs one program on one machine.
fn holds(machine: &Machine, size: usize, ops: &[Op], mutant: Option<Mutant>) -> Result<(), TestCaseError> {
    let mut program = Program::new(machine.kernel, size, machine.mode.data(), machine.synchronous);
    ops.iter().for_each(|op| program.apply(op));
    program.finish();
    let text = text(machine, size, &program.steps);
    let scenario = parse(&text).map_err(|errors| TestCaseError::fail(format!("{errors:?}\n{text}")))?;
    let run = |schedule| match mutant {
        None => run(&scenario, schedule),
        Some(mutant) => run_mutant(&scenario, schedule, mutant),
    };
    for schedule in Schedule::ALL {
        let ran = |error| TestCaseError::fail(format!("{schedule}: {error}\n{text}"));
        let trace = run(schedule).map_err(ran)?;
        let promises = machine.mode == Mode::Ordered;
        if promises && let Some(what) = wrong(&scenario, &trace, &program.promises) {
            return Err(TestCaseError::fail(format!("{schedule}: {what}\n{text}")));
        }
        prop_assert!(trace == run(schedule).map_err(ran)?, "{schedule}: another run\n{text}");
    }
    Ok(())
}

/// Nearly every program begins with a file that is mapped.
fn program() -> impl Strategy<Value = (Machine, usize, Vec<Op>)> {
    let open = Op::Open { fd: 0, name: 0, how: How::Plain };
    let map = Op::Mmap { map: 0, fd: 0, first: 0, pages: PAGES, private: false };
    let ops = prop::collection::vec(op(), 1..45);
    let ops = ops.prop_map(move |ops| [open.clone(), map.clone()].into_iter().chain(ops).collect());
    (machine(), 0..GRANULES, ops)
}

#[test]
fn mapped_programs_see_their_bytes_and_keep_what_they_synced() {
    let config =
        Config { cases: CASES, failure_persistence: None, max_shrink_iters: 4000, ..Config::default() };
    let run = |(machine, size, ops): (Machine, usize, Vec<Op>)| holds(&machine, size, &ops, None);
    // The same programs each time.
    let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    if let Err(error) = runner.run(&program(), run) {
        panic!("{error}");
    }
}

#[test]
fn a_rule_that_is_left_out_is_found() {
    for mutant in [
        Mutant::WritebackWithoutWriteProtect,
        Mutant::WritebackWithoutZeroedEnd,
        Mutant::MsyncWithoutLastPage,
        Mutant::MunmapWithoutDirtyBits,
        Mutant::OrderedWithoutWait,
        Mutant::SyncWithoutFlush,
        Mutant::SyncWithoutConversion,
    ] {
        let config =
            Config { cases: CASES, failure_persistence: None, max_shrink_iters: 0, ..Config::default() };
        let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
        let run = |(machine, size, ops): (Machine, usize, Vec<Op>)| holds(&machine, size, &ops, Some(mutant));
        assert!(runner.run(&program(), run).is_err(), "{mutant:?}: no program of {CASES} finds it");
    }
}
