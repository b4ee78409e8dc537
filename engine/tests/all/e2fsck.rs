//! `e2fsck` and our recovery say the same of a disk: nothing to repair, something to repair, or beyond repair.
//!
//! The journal is replayed, then a full check (`-fn`) must find nothing; then the disk is repaired as at boot (`-fp`),
//! which takes care of orphans, and again nothing must be found. `-fn` alone would not look behind the journal.
//!
//! Without a journal every crash image must be one that `-fy` makes whole, and where our audit finds something to repair
//! `-fn` must find something too. The reverse, and what `-fp` repairs by itself, is asked in `preen.rs`.

use crate::case::{Case, all, recordings, scenarios};
use crate::pipeline::{Crashed, folder, has_tool, members, on_two_threads, write_sparsely};
use std::path::Path;
use std::process::Command;
use unplug::device::DiskImage;
use unplug::ext4::mkfs;
use unplug::format::{Compat, Superblock};
use unplug::oracle::{Mounted, Observation};
use unplug::recovery::Profile;
use unplug::scenario::{Checksums, DataMode, Kernel, Mkfs, Mount, Scenario, Stack, Synchronous};
use unplug::schedule::Schedule;
use unplug::stack::{open_image, run};
use unplug::units::{BlockNr, Time};

/// So many of the different things that recovery can find are looked at in each case, at most.
const LEAVES: usize = 60;
/// The same where a case is run in another mode than its own.
const LEAVES_ELSEWHERE: usize = 12;

/// What e2fsck says of a disk.
#[derive(PartialEq, Eq, Debug)]
pub(crate) enum Verdict {
    /// The journal and the orphans, and nothing else.
    Accepts,
    /// It repaired this, without asking.
    Repairs(String),
    /// It gave up, or repaired and still finds this.
    Refuses(String),
}

/// How the lines start that are no repairs.
const EXPECTED: [&str; 11] = [
    "recovering journal",
    "Pass ",
    "Free blocks count wrong (",
    "Free inodes count wrong (",
    "Fix? no",
    "Setting free ",
    "Clearing orphaned inode",
    "Truncating orphaned inode",
    "Feature orphan_present is set but orphan file is clean.",
    "Orphan file (inode ",
    "CLEARED.",
];

/// What Linux from 6.6.51 on replays and e2fsck 1.47 drops, with these words: a transaction whose commit block is torn
/// behind its first 60 bytes (ext4.md 0.5, E.4: before that the kernel refused the disk).
const DROPS_TORN_COMMIT: &str = "was corrupt, replay was aborted";

pub(crate) fn e2fsck(path: &Path, options: &[&str]) -> (i32, String) {
    let output = Command::new("e2fsck").args(options).arg(path).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    let prefix = format!("{}: ", path.display());
    let lines = text.lines().map(|line| line.strip_prefix(&prefix).unwrap_or(line));
    let lines: Vec<&str> =
        lines.filter(|line| !line.trim().is_empty() && !line.starts_with("e2fsck 1.")).collect();
    (output.status.code().unwrap_or(-1), lines.join("; "))
}

/// Checks a disk in a file of its own.
pub(crate) fn verdict(image: &DiskImage) -> Verdict {
    let folder = folder();
    let path = folder.path().join("disk");
    write_sparsely(image, &path);
    let nothing = || (0, String::new());
    let in_one_go = has_orphan_file(image);
    // What is wrong after replay: `-p` would repair bitmaps without a word.
    let (replayed, messages) =
        if in_one_go { nothing() } else { e2fsck(&path, &["-E", "journal_only", "-y"]) };
    let (wrong, found) = if in_one_go { nothing() } else { e2fsck(&path, &["-fn"]) };
    let (preened, repairs) = e2fsck(&path, &["-fp"]);
    let is_clean = is_summary(&repairs) && !in_one_go;
    let (still, left) = if is_clean { (wrong, String::new()) } else { e2fsck(&path, &["-fn"]) };
    if replayed & !1 != 0 || preened & !1 != 0 || still != 0 || messages.contains("replay was aborted") {
        let all = [(replayed, messages), (preened, repairs), (still, left)];
        return Verdict::Refuses(format!("{all:?}"));
    }
    let all = format!("{messages}; {found}; {repairs}");
    if wrong == 0 && all.split("; ").all(is_expected) { Verdict::Accepts } else { Verdict::Repairs(all) }
}

/// Checks a disk that has no journal: whatever is found must be repaired by a full check that may do anything.
fn verdict_without_journal(image: &DiskImage) -> Verdict {
    let folder = folder();
    let path = folder.path().join("disk");
    write_sparsely(image, &path);
    let (wrong, found) = e2fsck(&path, &["-fn"]);
    let (repaired, repairs) = e2fsck(&path, &["-fy"]);
    let (still, left) = e2fsck(&path, &["-fn"]);
    if repaired & !1 != 0 || still != 0 {
        return Verdict::Refuses(format!("{found}; {repairs}; {left}"));
    }
    if wrong == 0 && found.split("; ").all(is_expected) { Verdict::Accepts } else { Verdict::Repairs(found) }
}

/// e2fsck 1.47.0 cannot take such a disk step by step: after `journal_only` it has deleted an orphan and still finds its
/// place taken, on disks of Linux 6.18 too; and the feature that every mount sets, which says that the file of orphans
/// may not be empty, counts as damage to a check without the right to clear it.
fn has_orphan_file(image: &DiskImage) -> bool {
    let superblock = Superblock::from_block(image.block(BlockNr::new(0)));
    superblock.is_ok_and(|superblock| superblock.compat.has(Compat::ORPHAN_FILE))
}

/// Whether a line is no repair, or one that follows from a journal or from orphans: the superblock's counts are
/// stale whenever a file system was not unmounted.
pub(crate) fn is_expected(line: &str) -> bool {
    line.is_empty() || is_summary(line) || EXPECTED.iter().any(|start| line.starts_with(start))
}

/// Whether it is a line that says how full the disk is, and nothing else.
fn is_summary(text: &str) -> bool {
    text.contains(" files (") && text.ends_with(" blocks") && !text.contains("; ")
}

/// Where e2fsck and recovery disagree.
fn disagreement(crash: &Crashed, stack: &Stack) -> Option<String> {
    let kernel = stack.kernel;
    let has_journal = stack.has_journal();
    let verdict = match (has_journal, stack.mkfs.fast_commit) {
        (false, _) => verdict_without_journal(&crash.image),
        (true, false) => verdict(&crash.image),
        // e2fsck 1.47.0 is no judge of fast commits: on disks of Linux 6.18 too it gives one block twice, leaves what lost
        // its last name, and gives up at names that it does not find. So it judges the disk that our replay leaves.
        (true, true) => match open_image(crash.image.clone(), kernel) {
            Ok(replayed) => verdict(&replayed),
            Err(_) => return None,
        },
    };
    let agrees = match (&crash.found, &verdict) {
        (_, Verdict::Refuses(_)) if !has_journal => false,
        (Observation::Mounted(_), Verdict::Repairs(_)) if !has_journal => true,
        (Observation::Mounted(Mounted { repairs, .. }), Verdict::Accepts) => repairs.is_empty(),
        (Observation::Mounted(Mounted { repairs, .. }), Verdict::Repairs(_)) => !repairs.is_empty(),
        (Observation::Mounted(Mounted { repairs, .. }), Verdict::Refuses(why)) => {
            !repairs.is_empty() || (kernel >= Kernel::V6_6_51 && why.contains(DROPS_TORN_COMMIT))
        }
        (Observation::Unmountable { .. }, verdict) => *verdict != Verdict::Accepts,
    };
    let ours = match &crash.found {
        Observation::Mounted(mounted) => format!("mounts, repairs {:?}", mounted.repairs),
        Observation::Unmountable { why, .. } => format!("does not mount: {why}"),
    };
    (!agrees).then(|| format!("{}: {ours}; e2fsck: {verdict:?}", crash.id))
}

pub(crate) fn check(case: &Case) -> Vec<String> {
    check_some(case, LEAVES)
}

fn check_some(case: &Case, most: usize) -> Vec<String> {
    let stack = &case.scenario.stack;
    let wrong = members(&case.scenario, &Profile::of(stack.kernel), most, |crash| disagreement(crash, stack));
    wrong.into_iter().flatten().map(|wrong| format!("{}: {wrong}", case.name)).collect()
}

#[test]
fn new_file_systems() {
    if !has_tool("e2fsck") {
        return;
    }
    let sizes = [
        ("8 MiB", 2048, 1024, 512),
        ("32 MiB", 8192, 1024, 2048),
        ("256 MiB, two groups", 65536, 1024, 16384),
        ("64 MiB, a journal of 32 MiB", 16384, 8192, 4096),
        ("132 MiB, a second group of 4 MiB", 33792, 1024, 8448),
    ];
    for (what, blocks, journal, inodes) in sizes {
        for metadata_csum in [Checksums::Crc32c, Checksums::None] {
            let options =
                Mkfs { blocks, journal_blocks: Some(journal), metadata_csum, inodes, ..Mkfs::default() };
            let image = mkfs(&options, Time::from_secs(1_700_000_000));
            assert_eq!(verdict(&image), Verdict::Accepts, "{what}, {metadata_csum:?}");
        }
    }
}

/// Some of the shipped scenarios on machines that they do not name: other mount options, and every kernel.
fn elsewhere() -> Vec<Case> {
    const SOME: [&str; 7] = [
        "3-append-in-the-last-block",
        "create-fsync",
        "replace-via-rename",
        "replace-via-truncate",
        "shrink-and-grow",
        "unlink-and-create-again",
        "rename-directory",
    ];
    let on = |case: &Case, name: String, stack: Stack| Case {
        name: format!("{}, {name}", case.name),
        scenario: Scenario { stack, ..case.scenario.clone() },
    };
    let some: Vec<Case> =
        scenarios("scenarios").into_iter().filter(|case| SOME.contains(&case.name.as_str())).collect();
    assert_eq!(some.len(), SOME.len(), "each is there");
    let mut cases = Vec::new();
    for case in &some {
        let mut stack = case.scenario.stack.clone();
        stack.mount.dioread_nolock = false;
        cases.push(on(case, "dioread_lock".to_owned(), stack.clone()));
        stack.mount.delalloc = false;
        cases.push(on(case, "nodelalloc".to_owned(), stack.clone()));
        stack.mount.data = DataMode::Writeback;
        cases.push(on(case, "data=writeback,nodelalloc".to_owned(), stack.clone()));
        stack.mount.data = DataMode::Journal;
        cases.push(on(case, "data=journal".to_owned(), stack.clone()));
        stack.mount = Mount { synchronous: Synchronous::All, ..Mount::default() };
        cases.push(on(case, "sync".to_owned(), stack.clone()));
        stack.mkfs.metadata_csum = Checksums::None;
        stack.mount = Mount {
            data: DataMode::Writeback,
            journal_checksum: true,
            journal_async_commit: true,
            ..Mount::default()
        };
        cases.push(on(case, "journal_async_commit, checksums v1".to_owned(), stack.clone()));
        stack.mkfs.journal_blocks = None;
        stack.mount = Mount::default();
        cases.push(on(case, "no journal, no checksums".to_owned(), stack));
    }
    for (case, kernel) in some.iter().cycle().zip(Kernel::ALL) {
        let mut stack = case.scenario.stack.clone();
        (stack.kernel, stack.mount) = (*kernel, Mount::of(*kernel));
        // Without barriers anything may be found.
        stack.mount.barrier = true;
        cases.push(on(case, kernel.to_string(), stack));
    }
    // A commit between the blocks behind the end of a file and its size: the orphan list tells of them.
    let extend =
        recordings().into_iter().map(|(case, _)| case).find(|case| case.name == "direct-sync-extend");
    if let Some(case) = extend {
        let stack = Stack { kernel: Kernel::V5_15, ..case.scenario.stack.clone() };
        cases.push(on(&case, "5.15".to_owned(), stack));
    }
    cases
}

#[test]
fn crash_images_of_other_machines() {
    if !has_tool("e2fsck") {
        return;
    }
    let wrong: Vec<String> = on_two_threads(&elsewhere(), check).into_iter().flatten().collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A mode, and how a stack gets into it.
type Mode = (&'static str, fn(&mut Stack));

/// Every scenario and recording in another mode than its own, in turns; a file system without a journal has no file of
/// orphans.
fn in_other_modes() -> Vec<Case> {
    const MODES: [Mode; 7] = [
        ("data=writeback", |stack| stack.mount.data = DataMode::Writeback),
        ("data=journal", |stack| (stack.mount.data, stack.mount.delalloc) = (DataMode::Journal, false)),
        ("no journal", |stack| (stack.mkfs.journal_blocks, stack.mkfs.orphan_file) = (None, false)),
        ("sync", |stack| stack.mount.synchronous = Synchronous::All),
        ("dirsync, orphan_file, dir_index", |stack| {
            stack.mount.synchronous = Synchronous::Directories;
            (stack.mkfs.orphan_file, stack.mkfs.dir_index) = (true, true);
        }),
        ("journal_async_commit, checksums v1", |stack| {
            (stack.mkfs.metadata_csum, stack.mount.journal_async_commit) = (Checksums::None, true);
            stack.mount.data = DataMode::Writeback;
        }),
        ("nodelalloc, data=writeback, no checksums", |stack| {
            (stack.mkfs.metadata_csum, stack.mount.delalloc) = (Checksums::None, false);
            stack.mount.data = DataMode::Writeback;
        }),
    ];
    let own = |case: &Case| {
        case.scenario.stack.mkfs.journal_blocks.is_some() && case.scenario.stack.image.is_none()
    };
    // A very long program has very many states where commits do not wait.
    let is_short = |case: &Case| case.scenario.steps.len() <= 100;
    let cases = all().into_iter().filter(own).filter(is_short);
    let cases: Vec<Case> = cases.collect();
    let in_mode = |(case, (name, change)): (Case, &Mode)| {
        let mut scenario = case.scenario;
        let kernel = scenario.stack.kernel;
        // Without barriers anything may be found.
        scenario.stack.mount = Mount { barrier: true, ..Mount::of(kernel) };
        change(&mut scenario.stack);
        Case { name: format!("{}, {name}", case.name), scenario }
    };
    // By its name, so that a new case changes no other's mode.
    let mode = |case: &Case| MODES[case.name.bytes().map(usize::from).sum::<usize>() % MODES.len()];
    let all = cases.len();
    let changed =
        cases.into_iter().map(|case| (mode(&case), case)).map(|(mode, case)| in_mode((case, &mode)));
    // How full a disk is depends on its mode.
    let runs = |case: &Case| Schedule::ALL.into_iter().all(|schedule| run(&case.scenario, schedule).is_ok());
    let changed: Vec<Case> = changed.filter(runs).collect();
    assert!(changed.len() * 10 >= all * 9, "nearly all run in another mode: {} of {all}", changed.len());
    changed
}

#[test]
fn crash_images_in_other_modes() {
    if !has_tool("e2fsck") {
        return;
    }
    let elsewhere = |case: &Case| check_some(case, LEAVES_ELSEWHERE);
    let wrong: Vec<String> = on_two_threads(&in_other_modes(), elsewhere).into_iter().flatten().collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn crash_images() {
    if !has_tool("e2fsck") {
        return;
    }
    let wrong: Vec<String> = on_two_threads(&all(), check).into_iter().flatten().collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn damage_is_seen() {
    if !has_tool("e2fsck") {
        return;
    }
    let options = Mkfs { blocks: 2048, journal_blocks: Some(1024), inodes: 512, ..Mkfs::default() };
    let mut image = mkfs(&options, Time::from_secs(1_700_000_000));
    // A bit of the block bitmap, whose checksum no longer fits.
    let nr = BlockNr::new(2);
    let mut bitmap = image.block(nr).clone();
    bitmap.bytes_mut()[200] ^= 1;
    image.set(nr, bitmap);
    assert_ne!(verdict(&image), Verdict::Accepts);
}
