//! Random programs that map files: on every kernel, the program sees what a plain model of arrays sees, and what a crash
//! leaves is what the calls that returned have promised.
//!
//! ```text
//!   calls ──plain──▶ scenario text, with what each read must return ──run──▶ log ──explore──▶ states
//!             └────▶ what a crash may leave during each step ◀──────────── each is checked against it
//! ```
//! A case that fails prints its scenario.

mod found;
mod plain;

use crate::pipeline::observe;
use found::{Found, find};
use plain::{GRANULES, How, LETTERS, Op, PAGES, Program, Promise, byte};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use unplug::crash::{Bounds, explore};
use unplug::kernel::SyncFlush;
use unplug::recovery::Profile;
use unplug::scenario::{Kernel, Scenario, parse};
use unplug::schedule::Schedule;
use unplug::stack::{Trace, run};
use unplug::units::Moment;

/// How many programs.
const CASES: u32 = 3000;
/// Crash states of one run, at most.
const STATES: Bounds = Bounds { max_states: 120, seed: 11 };

fn how() -> impl Strategy<Value = How> {
    prop_oneof![
        8 => Just(How::Plain),
        1 => Just(How::Trunc),
        1 => Just(How::ReadOnly),
        1 => Just(How::Dsync),
        1 => Just(How::Sync),
        1 => Just(How::Direct),
        1 => Just(How::DirectSync),
    ]
}

/// Mostly one file, one descriptor, one mapping and one page, so that calls meet.
fn op() -> impl Strategy<Value = Op> {
    let slot = || prop_oneof![3 => Just(0_u8), 1 => 0..3_u8];
    let place = || (prop_oneof![2 => 0..8_usize, 1 => 0..GRANULES], 1..12_usize);
    let size = || prop_oneof![2 => 0..=8_usize, 1 => 0..GRANULES];
    let range = || (0..PAGES, 1..=PAGES);
    prop_oneof![
        3 => (slot(), slot(), how()).prop_map(|(fd, name, how)| Op::Open { fd, name, how }),
        1 => slot().prop_map(|fd| Op::Close { fd }),
        4 => (slot(), place()).prop_map(|(fd, (from, len))| Op::Pwrite { fd, from, len }),
        2 => (slot(), place()).prop_map(|(fd, (from, len))| Op::Pread { fd, from, len }),
        2 => (slot(), size()).prop_map(|(fd, size)| Op::Ftruncate { fd, size }),
        1 => (slot(), size()).prop_map(|(name, size)| Op::Truncate { name, size }),
        4 => (slot(), slot(), prop_oneof![3 => Just(0), 1 => 0..PAGES], 1..=PAGES, prop::bool::weighted(0.2))
            .prop_map(|(map, fd, first, pages, private)| {
                Op::Mmap { map, fd, first, pages: pages.min(PAGES - first), private }
            }),
        1 => slot().prop_map(|map| Op::Munmap { map }),
        8 => (slot(), place()).prop_map(|(map, (from, len))| Op::Store { map, from, len }),
        4 => (slot(), place()).prop_map(|(map, (from, len))| Op::Load { map, from, len }),
        5 => (slot(), range(), prop::bool::weighted(0.8))
            .prop_map(|(map, (first, pages), sync)| Op::Msync { map, first, pages, sync }),
        3 => (slot(), any::<bool>()).prop_map(|(fd, data)| Op::Fsync { fd, data }),
        1 => (slot(), range(), any::<bool>())
            .prop_map(|(fd, (first, pages), wait)| Op::SyncFileRange { fd, first, pages, wait }),
        1 => slot().prop_map(|fd| Op::Fadvise { fd }),
        1 => Just(Op::Sync),
        1 => (slot(), slot()).prop_map(|(old, new)| Op::Rename { old, new }),
        1 => slot().prop_map(|name| Op::Unlink { name }),
        1 => (1..40_u8).prop_map(|seconds| Op::Sleep { seconds }),
    ]
}

/// Kernel, mount and disk.
#[derive(Clone, Debug)]
struct Machine {
    kernel: Kernel,
    delalloc: bool,
    dioread_nolock: bool,
    auto_da_alloc: bool,
    fua: bool,
    stable_writes: bool,
}

fn machine() -> impl Strategy<Value = Machine> {
    // The default first: cases shrink towards it.
    let others: Vec<Kernel> = Kernel::ALL.to_vec();
    let kernel = prop_oneof![Just(Kernel::V6_6), prop::sample::select(others)];
    (kernel, any::<[bool; 5]>()).prop_map(
        |(kernel, [delalloc, dioread_nolock, auto_da_alloc, fua, stable])| Machine {
            kernel,
            delalloc: !delalloc,
            dioread_nolock: !dioread_nolock,
            auto_da_alloc: !auto_da_alloc,
            fua,
            stable_writes: stable,
        },
    )
}

/// The whole scenario. Kernels that send no flush of their own promise something on disks without a cache only.
fn text(machine: &Machine, size: usize, steps: &[String]) -> String {
    let Machine { kernel, delalloc, dioread_nolock, auto_da_alloc, fua, stable_writes } = machine;
    let cache = match kernel.rules().sync_flush {
        SyncFlush::None => "write_through",
        SyncFlush::Flush => "volatile",
    };
    let old = char::from(*LETTERS.last().unwrap());
    format!(
        "(\n  title: \"a random program\",\n  stack: (\n    kernel: \"{kernel}\",\n    \
         mkfs: (size: \"10M\", journal_size: \"4M\", inodes: 64),\n    \
         mount: (delalloc: {delalloc}, dioread_nolock: {dioread_nolock}, auto_da_alloc: {auto_da_alloc}, barrier: true),\n    \
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
fn holds(machine: &Machine, size: usize, ops: &[Op]) -> Result<(), TestCaseError> {
    let mut program = Program::new(machine.kernel, size);
    ops.iter().for_each(|op| program.apply(op));
    program.finish();
    let text = text(machine, size, &program.steps);
    let scenario = parse(&text).map_err(|errors| TestCaseError::fail(format!("{errors:?}\n{text}")))?;
    for schedule in Schedule::ALL {
        let ran = |error| TestCaseError::fail(format!("{schedule}: {error}\n{text}"));
        let trace = run(&scenario, schedule).map_err(ran)?;
        if let Some(what) = wrong(&scenario, &trace, &program.promises) {
            return Err(TestCaseError::fail(format!("{schedule}: {what}\n{text}")));
        }
        prop_assert!(trace == run(&scenario, schedule).map_err(ran)?, "{schedule}: another run\n{text}");
    }
    Ok(())
}

#[test]
fn mapped_programs_see_their_bytes_and_keep_what_they_synced() {
    let config =
        Config { cases: CASES, failure_persistence: None, max_shrink_iters: 4000, ..Config::default() };
    let mut runner = TestRunner::new(config);
    let programs = (machine(), 0..GRANULES, prop::collection::vec(op(), 1..45));
    // Nearly every program begins with a file that is mapped.
    let result = runner.run(&programs, |(machine, size, ops)| {
        let open = Op::Open { fd: 0, name: 0, how: How::Plain };
        let map = Op::Mmap { map: 0, fd: 0, first: 0, pages: PAGES, private: false };
        let ops: Vec<Op> = [open, map].into_iter().chain(ops).collect();
        holds(&machine, size, &ops)
    });
    if let Err(error) = result {
        panic!("{error}");
    }
}
