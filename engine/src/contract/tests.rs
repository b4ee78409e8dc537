//! Which promises are derived, and that a broken one is told from a kept one.

use super::{Level, Promise, promises};
use crate::device::DiskImage;
use crate::history::History;
use crate::oracle::{Found, Observation, Requirement, observe};
use crate::recovery::{Profile, RepairNeeded, recover};
use crate::scenario::{Kernel, parse};
use crate::schedule::Schedule;
use crate::stack::run;

fn observed(disk: &DiskImage) -> Observation {
    let mut disk = disk.clone();
    let survivors = recover(&mut disk, &Profile::of(Kernel::default())).unwrap();
    observe(&survivors, &mut disk)
}

/// The promises of a program, and what it found at first.
fn derived(stack: &str, setup: &str, steps: &str) -> (Vec<Promise>, Observation, History) {
    let text = format!("(title: \"t\", stack: ({stack}), setup: [{setup}], steps: [{steps}])");
    let scenario = parse(&text).unwrap_or_else(|errors| panic!("{errors:#?}"));
    let trace = run(&scenario, Schedule::Prompt).unwrap();
    let before = observed(&trace.base);
    (promises(&scenario, &trace.history, &before), before, trace.history)
}

/// Each as `level step call: about`, those that are always given left out.
fn listed(stack: &str, setup: &str, steps: &str) -> Vec<String> {
    let shown = |promise: &Promise| {
        let step = promise.step.map(|step| step.get())?;
        let level = promise.row.level.name();
        Some(format!("{level} {step} {}: {} ({})", promise.row.call, promise.row.promise, promise.about))
    };
    derived(stack, setup, steps).0.iter().filter_map(shown).collect()
}

const OPEN: &str = "open(fd: \"f\", path: \"/f\", flags: [O_CREAT, O_RDWR])";

#[test]
fn fsync_promises_the_file_and_ext4_its_name() {
    let all = listed("", "", &format!("{OPEN}, write(\"f\", \"new\"), fsync(\"f\")"));
    assert_eq!(
        all,
        [
            "documented 2 fsync: the bytes and the size of the file (/f)",
            "ext4 2 fsync: the names that the file was given, or lost (/f)",
        ]
    );
}

#[test]
fn without_a_journal_ext4_promises_no_name() {
    let all = listed("mkfs: (journal: false)", "", &format!("{OPEN}, write(\"f\", \"new\"), fsync(\"f\")"));
    assert_eq!(all, ["documented 2 fsync: the bytes and the size of the file (/f)"]);
}

#[test]
fn a_sync_that_fails_promises_nothing() {
    let steps = format!("{OPEN}, close(\"f\"), fails(EBADF, fsync(\"f\"))");
    assert_eq!(listed("", "", &steps), Vec::<String>::new());
}

#[test]
fn a_file_without_a_name_is_promised_nothing() {
    let steps = format!("{OPEN}, unlink(\"/f\"), fsync(\"f\"), close(\"f\"), create(\"/g\", \"new\")");
    let all = listed("", "", &steps);
    assert_eq!(all, ["ext4 2 fsync: the names that the file was given, or lost (inode 12)"]);
}

#[test]
fn msync_promises_the_pages_of_shared_mappings() {
    let map = |flags| {
        format!(
            "{OPEN}, mmap(map: \"m\", fd: \"f\", length: 12288, prot: [PROT_READ, PROT_WRITE], flags: [{flags}]), \
             msync(map: \"m\", flags: [MS_SYNC], offset: 4096, length: 1)"
        )
    };
    let setup = "create(\"/f\", repeat(\"A\", 12288))";
    let all = listed("", setup, &map("MAP_SHARED"));
    assert_eq!(all, ["documented 2 msync(MS_SYNC): the bytes of the pages (/f from 4096 to 8192)"]);
    assert_eq!(listed("", setup, &map("MAP_PRIVATE")), Vec::<String>::new());
}

#[test]
fn a_rename_promises_the_old_or_the_new_file() {
    let steps = "create(\"/new\", \"new\"), rename(\"/new\", \"/f\")";
    let all = listed("", "create(\"/f\", \"old\")", steps);
    assert_eq!(
        all.iter().map(|one| one.split(':').next().unwrap()).collect::<Vec<_>>(),
        ["ext4 1 rename over a name"; 3]
    );
    // Where the old one was never durable, the name may be missing, and only the new file's bytes are promised.
    let all = listed("", "", &format!("create(\"/f\", \"old\"), {steps}"));
    assert_eq!(all.len(), 2, "{all:?}");
    // Nothing is written for an exchange.
    let exchange =
        "create(\"/new\", \"new\"), renameat2(old: \"/new\", new: \"/f\", flags: [RENAME_EXCHANGE])";
    let all = listed("", "create(\"/f\", \"old\")", exchange);
    assert_eq!(
        all,
        ["ext4 1 rename over a name: the old file or the new one has the name, at every moment (/f)"]
    );
}

/// Whether all that is promised in the last window is so on a disk where other things are found.
fn kept(promises: &[Promise], level: Level, found: &Observation, window: usize) -> bool {
    let outline = found.outline();
    let found = Found::of(&outline);
    let clauses = promises.iter().filter(|promise| promise.row.level == level).flat_map(|one| &one.clauses);
    clauses
        .filter(|clause| clause.windows.contains(&window))
        .all(|clause| clause.requirement.compile(&found).known() == Some(true))
}

#[test]
fn other_bytes_another_size_and_another_name_break_them() {
    let setup = "create(\"/f\", repeat(\"A\", 1000)), create(\"/g\", \"g\")";
    let program = "open(fd: \"f\", path: \"/f\", flags: [O_RDWR]), pwrite(fd: \"f\", data: \"new\", offset: 600), \
                   fsync(\"f\"), pwrite(fd: \"f\", data: \"later\", offset: 10)";
    let (promises, before, history) = derived("", setup, program);
    assert_eq!(history.steps.len(), 4);
    let there = |f: &str| observed_of(&format!("create(\"/f\", {f}), create(\"/g\", \"g\")"));
    let synced = "concat([repeat(\"A\", 600), \"new\", repeat(\"A\", 397)])";
    let later = "concat([repeat(\"A\", 10), \"later\", repeat(\"A\", 585), \"new\", repeat(\"A\", 397)])";
    let half = "concat([repeat(\"A\", 10), \"later\", repeat(\"A\", 985)])";
    let documented = |found: &Observation, window| kept(&promises, Level::Documented, found, window);
    // Before the fsync returns, the file may be as it was; behind it no more.
    assert!(documented(&before, 2));
    assert!(!documented(&before, 3));
    assert!(documented(&there(synced), 3));
    assert!(documented(&there(synced), 4));
    // What is written later may be there when that call is under way, and not before.
    assert!(documented(&there(later), 4));
    assert!(documented(&there(later), 3), "the write is the step after");
    assert!(!documented(&there(later), 2));
    assert!(!documented(&there(half), 4), "the second sector is the old one");
    assert!(!documented(&there("repeat(\"A\", 500)"), 4), "the size is another");
    let without_g = observed_of(&format!("create(\"/f\", {synced})"));
    assert!(!documented(&without_g, 4), "a name is missing");
    let unmountable = Observation::Unmountable { why: "no".to_owned(), repair: RepairNeeded::Manual };
    assert!(!documented(&unmountable, 4));
    assert!(!kept(&promises, Level::Ext4, &unmountable, 4));
}

/// What is found where a setup was unmounted.
fn observed_of(setup: &str) -> Observation {
    derived("", setup, "sync").1
}

#[test]
fn bytes_that_a_file_never_held_are_found() {
    let (promises, _, _) = derived("", "create(\"/f\", \"old\")", "create(\"/f\", \"new\")");
    let is = |text: &str| {
        let found = observed_of(&format!("create(\"/f\", {text})"));
        kept(&promises, Level::Ext4, &found, 1)
    };
    assert!(is("\"old\""));
    assert!(is("\"new\""));
    assert!(is("zeros(3)"));
    assert!(!is("\"bad\""));
}

#[test]
fn clauses_go_on_from_window_to_window() {
    let steps: Vec<String> =
        (0..40).map(|at| format!("pwrite(fd: \"f\", data: \"x\", offset: {at})")).collect();
    let (promises, _, _) = derived("", "", &format!("{OPEN}, fsync(\"f\"), {}", steps.join(", ")));
    let fsync = promises.iter().find(|promise| promise.row.call == "fsync").unwrap();
    let windows: Vec<_> = fsync.clauses.iter().map(|clause| clause.windows.clone()).collect();
    assert_eq!(*windows.first().unwrap().start(), 2);
    assert_eq!(*windows.last().unwrap().end(), 42);
    for (one, next) in windows.iter().zip(windows.iter().skip(1)) {
        assert_eq!(one.end() + 1, *next.start());
    }
    assert!(fsync.clauses.iter().all(|clause| matches!(clause.requirement, Requirement::File(_))));
}
