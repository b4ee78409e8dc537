//! Every legal crash image of large stores and long logs: how long it takes to follow recovery through all of them.
//!
//! ```text
//!   scenario ──run (not timed)──▶ logs ──Images::of, explore(Recovery)──▶ leaves ──images_of──▶ exact counts
//! ```
//! Real ext4 bytes, the whole tree and the audit, sectors of 512 bytes, both schedules together. `cargo bench -p unplug
//! --bench explorer`; BENCHMARKS.md has what was measured.
#![expect(clippy::unwrap_used, reason = "a benchmark")]

use divan::Bencher;
use num_bigint::BigUint;
use unplug::check::{DistinctRun, distinct};
use unplug::crash::{Bounds, Course, Coverage, Images, explore};
use unplug::recovery::{Profile, Recovery};
use unplug::scenario::{Scenario, parse};
use unplug::schedule::Schedule;
use unplug::stack::run;
use unplug::units::Moment;

fn main() {
    divan::main();
}

/// Files that exist are overwritten, and sync is called once.
fn overwrite(files: u32, blocks: u32, barrier: bool) -> Scenario {
    let bytes = blocks * 4096;
    let inodes = (files + 1024) / 16 * 16;
    let text = format!(
        r#"(
            title: "overwrite",
            stack: (
                mkfs: (size: "64M", journal_size: "16M", inodes: {inodes}),
                mount: (barrier: {barrier}),
            ),
            setup: [
                times(count: {files}, var: "i", steps: [create("/f${{i}}", repeat("A", {bytes}))]),
            ],
            steps: [
                times(count: {files}, var: "i", steps: [
                    open(fd: "f", path: "/f${{i}}", flags: [O_WRONLY]),
                    pwrite(fd: "f", offset: 0, data: repeat("B", {bytes})),
                    close("f"),
                ]),
                sync,
            ],
            expect: [always(mounts)],
        )"#
    );
    parse(&text).unwrap()
}

/// So many appends of one block to one file, each with an fsync.
fn transactions(count: u32) -> Scenario {
    let text = format!(
        r#"(
            title: "transactions",
            stack: (mkfs: (size: "64M", journal_size: "16M")),
            setup: [create("/f", "A")],
            steps: [
                open(fd: "f", path: "/f", flags: [O_WRONLY]),
                times(count: {count}, var: "i", steps: [write("f", repeat("B", 4096)), fsync("f")]),
            ],
            expect: [always(mounts)],
        )"#
    );
    parse(&text).unwrap()
}

fn runs(scenario: &Scenario) -> Vec<DistinctRun> {
    distinct(Schedule::ALL.into_iter().map(|schedule| run(scenario, schedule).unwrap()).collect())
}

/// The courses, with a cut behind every step, or at every moment.
fn courses(runs: &[DistinctRun], every: bool) -> Vec<Course<'_>> {
    let course = |run: &'_ DistinctRun| {
        let trace = &run.trace;
        let steps = trace.history.steps.iter().map(|step| step.at);
        let cuts =
            if every { (0..=trace.log.now().get()).map(Moment::new).collect() } else { steps.collect() };
        (trace.schedule, cuts)
    };
    runs.iter()
        .map(|run| {
            let (schedule, cuts) = course(run);
            Course { schedule, base: &run.trace.base, log: &run.trace.log, cuts }
        })
        .collect()
}

/// From logs to exact counts; how many leaves, and how many bits the number of images has.
fn explore_all(scenario: &Scenario, runs: &[DistinctRun], every: bool) -> (usize, u64) {
    let images = Images::of(courses(runs, every));
    let profile = Profile::of(scenario.stack.kernel);
    let explored = explore(&images, Recovery::new(&profile), &Bounds::default(), &|_| {});
    assert_eq!(explored.coverage, Coverage::Complete, "all of it is looked at");
    let all = images.all();
    let total: BigUint = explored.leaves.iter().map(|leaf| images.images_of(&leaf.class, &all)).sum();
    (explored.leaves.len(), total.bits())
}

fn bench(bencher: Bencher, scenario: &Scenario, every: bool) {
    let runs = runs(scenario);
    let (leaves, bits) = explore_all(scenario, &runs, every);
    eprint_size(leaves, bits);
    bencher.bench_local(|| explore_all(scenario, &runs, every));
}

#[expect(clippy::print_stderr, reason = "beside the times")]
fn eprint_size(leaves: usize, bits: u64) {
    eprintln!("{leaves} leaves, nearly 2^{bits} images");
}

/// A commit with the data of 8 files of 2 blocks in flight.
#[divan::bench(args = [true, false])]
fn files_8_x_2(bencher: Bencher, barrier: bool) {
    bench(bencher, &overwrite(8, 2, barrier), false);
}

/// 64 files of 2 blocks.
#[divan::bench(args = [true, false])]
fn files_64_x_2(bencher: Bencher, barrier: bool) {
    bench(bencher, &overwrite(64, 2, barrier), false);
}

/// 1,000 files of 4 blocks.
#[divan::bench(sample_count = 10)]
fn files_1000_x_4(bencher: Bencher) {
    bench(bencher, &overwrite(1000, 4, true), false);
}

/// A log of many transactions, counted at every moment.
#[divan::bench(args = [20, 200, 2000], sample_count = 5)]
fn transactions_every_moment(bencher: Bencher, count: u32) {
    bench(bencher, &transactions(count), true);
}
