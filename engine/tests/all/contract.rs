//! Random programs of all calls on all kinds of mounts: every crash state mounts and is clean, and none breaks a promise
//! that is documented.
//!
//! A case that fails prints its scenario, shrunk. What a program sees while it runs is the business of `programs` and
//! `random`.
//!
//! Not asked here: promises of single ranges (msync, O_DSYNC), which Linux itself breaks where the file has grown and its
//! size is still on its way (`scenarios/mapping/size-on-disk-lags.ron`); `programs` has a model of that. Without a
//! journal, sync calls promise more than they keep: only that the disk mounts is asked. With data=writeback, what a
//! truncation freed is written over before it commits (`scenarios/modes/writeback-overwritten-victim.ron`).

use crate::case::{Case, scenarios};
use crate::pipeline::on_two_threads;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use std::collections::BTreeSet;
use unplug::check::{Finder, check, distinct, judge};
use unplug::contract::Level;
use unplug::crash::Bounds;
use unplug::kernel::Kernel;
use unplug::mutant::Mutant;
use unplug::recovery::Profile;
use unplug::report::{Report, Verdict};
use unplug::scenario::{Scenario, parse};
use unplug::schedule::Schedule;
use unplug::stack::{Place, StepError, run, run_mutant};

/// How many programs.
const CASES: u32 = 600;
/// How much of each is looked at.
const BOUNDS: Bounds = Bounds { max_leaves: 2000, draws: 200, seed: 3 };
/// Promises about parts of files.
const OF_RANGES: [&str; 2] = ["msync(MS_SYNC)", "write with O_SYNC, O_DSYNC, RWF_SYNC, RWF_DSYNC"];

/// What the calls are made on, all with a disk that writes 4 KiB as one piece, but for the file system without
/// checksums: else a torn superblock is one that does not mount.
const MACHINES: &[&str] = &[
    "disk: (atomic_write: 4096)",
    "mount: (dioread_nolock: false), disk: (atomic_write: 4096)",
    "mount: (delalloc: false), disk: (atomic_write: 4096)",
    "mount: (auto_da_alloc: false), disk: (atomic_write: 4096)",
    "mount: (data: writeback), disk: (atomic_write: 4096)",
    "mount: (data: journal, delalloc: false), disk: (atomic_write: 4096)",
    "mount: (sync: true), disk: (atomic_write: 4096)",
    "mount: (dirsync: true), disk: (atomic_write: 4096)",
    "mkfs: (features: [])",
    "mkfs: (features: [metadata_csum, orphan_file, dir_index]), disk: (atomic_write: 4096)",
    "kernel: \"6.12\", disk: (atomic_write: 4096)",
    "kernel: \"5.4\", disk: (atomic_write: 4096)",
    "disk: (cache: write_through, atomic_write: 4096)",
    "disk: (fua: true, atomic_write: 4096)",
    "mkfs: (journal: false), disk: (atomic_write: 4096)",
];

/// The names of files, and of a directory that may be there or not.
const PATHS: [&str; 4] = ["/a", "/b", "/d/c", "/d/e"];

fn path() -> impl Strategy<Value = &'static str> {
    prop::sample::select(PATHS.to_vec())
}

fn two_paths(call: &'static str) -> impl Strategy<Value = String> {
    (path(), path()).prop_map(move |(one, other)| call.replace("OLD", one).replace("NEW", other))
}

fn on_file(call: &'static str) -> impl Strategy<Value = String> {
    let fds = prop::sample::select(vec!["x", "y"]);
    let lengths = prop::sample::select(vec!["1", "511", "4096", "5000", "9000"]);
    (fds, lengths, prop::sample::select(vec!["0", "100", "4096", "6000"]), "[A-Z]").prop_map(
        move |(fd, length, offset, letter)| {
            let data = format!("repeat(\"{letter}\", {length})");
            call.replace("FD", fd).replace("DATA", &data).replace("LENGTH", length).replace("OFFSET", offset)
        },
    )
}

/// One step, as it stands in a scenario.
fn step() -> impl Strategy<Value = String> {
    let opens = (
        prop::sample::select(vec!["x", "y"]),
        path(),
        prop::sample::select(vec!["", ", O_TRUNC", ", O_APPEND", ", O_DSYNC"]),
    )
        .prop_map(|(fd, path, more)| {
            format!("open(fd: \"{fd}\", path: \"{path}\", flags: [O_CREAT, O_RDWR{more}])")
        });
    let blocks = "offset: 4096, length: 4096)";
    let data = prop_oneof![
        4 => on_file("write(\"FD\", DATA)"),
        3 => on_file("pwrite(fd: \"FD\", data: DATA, offset: OFFSET)"),
        1 => on_file("ftruncate(\"FD\", LENGTH)"),
        1 => on_file("fallocate(fd: \"FD\", mode: [], offset: OFFSET, length: LENGTH)"),
        1 => on_file(
            "fallocate(fd: \"FD\", mode: [FALLOC_FL_PUNCH_HOLE, FALLOC_FL_KEEP_SIZE], offset: OFFSET, length: LENGTH)"
        ),
        1 => on_file("fallocate(fd: \"FD\", mode: [FALLOC_FL_ZERO_RANGE], offset: OFFSET, length: LENGTH)"),
        1 => on_file("sync_file_range(fd: \"FD\", offset: 0, nbytes: 0, flags: [SYNC_FILE_RANGE_WRITE])"),
        1 => on_file("posix_fadvise(fd: \"FD\", offset: 0, length: 0, advice: POSIX_FADV_DONTNEED)"),
        1 => Just(format!("fallocate(fd: \"x\", mode: [FALLOC_FL_COLLAPSE_RANGE], {blocks}")),
        1 => Just(format!("fallocate(fd: \"x\", mode: [FALLOC_FL_INSERT_RANGE], {blocks}")),
    ];
    let mapped = prop_oneof![
        Just(
            "mmap(map: \"m\", fd: \"x\", length: 8192, prot: [PROT_READ, PROT_WRITE], flags: [MAP_SHARED])"
                .to_owned()
        ),
        "[a-z]".prop_map(|letter| format!("store(map: \"m\", offset: 10, data: repeat(\"{letter}\", 300))")),
        Just("msync(map: \"m\", flags: [MS_SYNC])".to_owned()),
        Just("munmap(map: \"m\")".to_owned()),
    ];
    let names = prop_oneof![
        3 => two_paths("rename(\"OLD\", \"NEW\")"),
        1 => two_paths("renameat2(old: \"OLD\", new: \"NEW\", flags: [RENAME_EXCHANGE])"),
        1 => two_paths("renameat2(old: \"OLD\", new: \"NEW\", flags: [RENAME_NOREPLACE])"),
        1 => two_paths("link(\"OLD\", \"NEW\")"),
        2 => two_paths("unlink(\"OLD\")"),
        1 => two_paths("symlink(target: \"OLD\", path: \"/s\")"),
        1 => two_paths("truncate(\"OLD\", 100)"),
        1 => two_paths("setxattr(path: \"OLD\", name: \"user.n\", value: \"NEW\")"),
        1 => Just("open(fd: \"y\", path: \"/\", flags: [O_TMPFILE, O_RDWR])".to_owned()),
        1 => Just("linkat(fd: \"y\", path: \"/t\")".to_owned()),
        1 => Just("mkdir(\"/d\")".to_owned()),
        1 => Just("rmdir(\"/d\")".to_owned()),
    ];
    let syncs = prop_oneof![
        3 => on_file("fsync(\"FD\")"),
        2 => on_file("fdatasync(\"FD\")"),
        2 => Just("fsync(\"dir\")".to_owned()),
        1 => Just("syncfs(\"dir\")".to_owned()),
        1 => Just("sync".to_owned()),
        1 => Just("sleep(seconds: 6)".to_owned()),
        1 => Just("sleep(seconds: 40)".to_owned()),
    ];
    prop_oneof![2 => opens, 3 => data, 1 => mapped, 3 => names, 3 => syncs]
}

fn text(machine: &str, steps: &[String]) -> String {
    let steps = steps.join(",\n    ");
    format!(
        "(\n  title: \"a random program\",\n  stack: ({machine}),\n  setup: [mkdir(\"/d\"), create(\"/a\", repeat(\"0\", 6000)), \
         create(\"/d/c\", \"old\")],\n  steps: [\n    {steps},\n  ],\n)"
    )
}

/// The steps with the errors that they return; one whose error cannot be expected is left out.
fn with_errors(machine: &str, steps: &[String]) -> Vec<String> {
    let mut whole = vec![
        "open(fd: \"dir\", path: \"/\", flags: [O_RDONLY, O_DIRECTORY])".to_owned(),
        "open(fd: \"x\", path: \"/a\", flags: [O_RDWR])".to_owned(),
    ];
    let mut bound = BTreeSet::from(["x"]);
    for step in steps {
        // A name must be closed before it is bound again.
        let binds = ["x", "y"].into_iter().find(|fd| step.starts_with(&format!("open(fd: \"{fd}\"")));
        if let Some(fd) = binds.filter(|fd| bound.contains(fd)) {
            whole.push(format!("close(\"{fd}\")"));
        }
        whole.push(step.clone());
        let fails = match parse(&text(machine, &whole)) {
            Err(_) => None,
            Ok(scenario) => match run(&scenario, Schedule::Prompt) {
                Ok(_) => Some(None),
                Err(error) => errno(&error, whole.len() - 1).map(Some),
            },
        };
        match fails {
            Some(None) => bound.extend(binds),
            Some(Some(ref errno)) => *whole.last_mut().unwrap() = format!("fails({errno}, {step})"),
            None => drop(whole.pop()),
        }
        if let (Some(fd), Some(Some(_)) | None) = (binds, &fails) {
            bound.remove(fd);
        }
    }
    whole
}

/// The error that the last step returned.
fn errno(error: &StepError, last: usize) -> Option<String> {
    let is_last = matches!(error.place, Place::Step(step) if usize::try_from(step.get()).unwrap() == last);
    let words = error.message.split(|letter: char| !letter.is_ascii_alphanumeric());
    words.filter(|word| word.starts_with('E') || word.starts_with("SIG")).find_map(|word| {
        let is_errno = word.len() > 3
            && word.chars().all(|letter| letter.is_ascii_uppercase() || letter.is_ascii_digit());
        (is_last && is_errno).then(|| word.to_owned())
    })
}

fn report(scenario: &Scenario, mutant: Option<Mutant>) -> Result<Report, StepError> {
    let traces = Schedule::ALL.into_iter().map(|schedule| match mutant {
        Some(mutant) => run_mutant(scenario, schedule, mutant),
        None => run(scenario, schedule),
    });
    let traces: Vec<_> = traces.collect::<Result<_, _>>()?;
    let reader = Finder::new(&Profile::of(scenario.stack.kernel));
    Ok(judge(scenario, &distinct(traces), &BOUNDS, &reader, &|_| {}))
}

/// What is wrong with a program on a machine.
fn wrong(machine: &str, steps: &[String], mutant: Option<Mutant>) -> Result<(), TestCaseError> {
    let text = text(machine, &with_errors(machine, steps));
    let journal = !machine.contains("journal: false");
    let keeps = journal && !machine.contains("writeback");
    let expect = if journal { "always(mounts), always(clean)" } else { "always(mounts)" };
    let whole = format!("{}  expect: [{expect}],\n)", text.trim_end_matches(')'));
    let scenario = parse(&whole).map_err(|errors| TestCaseError::fail(format!("{errors:?}\n{whole}")))?;
    let fail = |what: String| TestCaseError::fail(format!("{what}\n{whole}"));
    let found = report(&scenario, mutant).map_err(|error| fail(error.to_string()))?;
    if let Some(failed) = found.expectations.iter().find(|one| one.verdict == Verdict::Violated) {
        return Err(fail(format!("{}: {:?}", failed.text, failed.case)));
    }
    let asked = found.promises.iter().filter(|promise| {
        promise.row.level == Level::Documented && !OF_RANGES.contains(&promise.row.call) && keeps
    });
    for promise in asked {
        if promise.verdict == Verdict::Violated {
            return Err(fail(format!("{promise:?}")));
        }
    }
    Ok(())
}

fn program() -> impl Strategy<Value = (&'static str, Vec<String>)> {
    (prop::sample::select(MACHINES.to_vec()), prop::collection::vec(step(), 1..14))
}

#[test]
fn no_documented_promise_is_broken() {
    let config =
        Config { cases: CASES, failure_persistence: None, max_shrink_iters: 400, ..Config::default() };
    let run = |(machine, steps): (&str, Vec<String>)| wrong(machine, &steps, None);
    // The same programs each time.
    let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    if let Err(error) = runner.run(&program(), run) {
        panic!("{error}");
    }
}

#[test]
fn a_rule_that_is_left_out_breaks_one() {
    for mutant in [Mutant::SyncWithoutFlush, Mutant::SyncWithoutConversion] {
        let config =
            Config { cases: CASES, failure_persistence: None, max_shrink_iters: 0, ..Config::default() };
        let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
        let run = |(machine, steps): (&str, Vec<String>)| wrong(machine, &steps, Some(mutant));
        assert!(runner.run(&program(), run).is_err(), "{mutant:?}: no program of {CASES} finds it");
    }
}

/// The scenarios in which a documented promise is broken, on the kernel that they name first: of disks or mounts that keep
/// no order, of torn blocks that cannot be mounted, without a journal, on kernels before 2.6.20 and before 6.6.3, and of
/// ranges of files whose size is on its way (`MODEL.md`, Promises).
const BROKEN: &[&str] = &[
    "5-two-legal-tears-that-cannot-be-mounted",
    "async-commit",
    "direct-extend",
    "fsync-after-store-by-version",
    "given-up-page",
    "journal-checksum-no-barrier",
    "munmap-by-version",
    "munmap-keeps-dirty-bits",
    "no-barrier",
    "no-barrier-plain",
    "no-flush-in-2.6",
    "no-flush-in-2.6-with-barriers",
    "nojournal-fdatasync-by-version",
    "nojournal-rename-e2fsck",
    "nojournal-sync",
    "other-mapping",
    "size-on-disk-lags",
    "torn-commit",
    "torn-commit-older-kernel",
    "torn-copy",
    "torn-copy-e2fsck",
    "torn-descriptor",
    "torn-superblock",
    "torn-superblock-backups",
    "torn-superblock-one-group",
];

#[test]
fn scenarios_break_the_documented_promises_that_are_listed() {
    let broken = |case: &Case| {
        let report = check(&case.scenario, &Bounds::default()).unwrap();
        let mut promises = report.promises.iter();
        promises.any(|one| one.row.level == Level::Documented && one.verdict == Verdict::Violated)
    };
    let cases = scenarios("scenarios");
    let found = on_two_threads(&cases, broken).into_iter().zip(&cases).filter(|(broken, _)| *broken);
    let found: BTreeSet<&str> = found.map(|(_, case)| case.name.as_str()).collect();
    assert_eq!(found, BROKEN.iter().copied().collect());
}

/// Two machines of the list are no machine twice, and each can be made.
#[test]
fn every_machine_runs() {
    for machine in MACHINES {
        let text = text(machine, &["sync".to_owned()]);
        let scenario = parse(&text).unwrap_or_else(|errors| panic!("{machine}: {errors:?}"));
        assert!(run(&scenario, Schedule::Late).is_ok(), "{machine}");
        assert!(Kernel::ALL.contains(&scenario.stack.kernel));
    }
}
