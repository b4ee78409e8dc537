//! What differs between kernels and between mount options, seen at the device.
//!
//! ```text
//!   the same steps ─┬─ 6.1 ─▶ data, flush
//!                   └─ 6.6 ─▶ data
//! ```
//! Each row stands beside one that differs in nothing but the kernel or a mount option.

use crate::pipeline::{ALL_STATES, crashed, is_complete, report, traces};
use crate::truth::requests;
use unplug::device::{AtomicUnit, Fua, Op, Why};
use unplug::oracle::Observation;
use unplug::recovery::Profile;
use unplug::report::Shown;
use unplug::scenario::{DataMode, Kernel, Mount, Scenario, parse};

/// What is changed of the machine.
type Tune = fn(&mut Scenario);

/// A scenario on the machine that a kernel makes of it, with blocks that do not tear.
fn scenario(kernel: Kernel, setup: &str, steps: &str, tune: Tune) -> Scenario {
    let text = format!("(title: \"row\", setup: [{setup}], steps: [{steps}], expect: [])");
    let mut scenario = parse(&text).unwrap_or_else(|errors| panic!("{errors:?}\n{text}"));
    scenario.stack.kernel = kernel;
    scenario.stack.mount = Mount::of(kernel);
    scenario.stack.disk.atomic = AtomicUnit::Block;
    tune(&mut scenario);
    scenario
}

fn with_barrier(scenario: &mut Scenario) {
    scenario.stack.mount.barrier = true;
}

fn as_it_is(_: &mut Scenario) {}

/// Runs the steps on several kernels and compares what reaches the device when all I/O is prompt.
fn check(setup: &str, steps: &str, tune: Tune, rows: &[(Kernel, &str)]) {
    for (kernel, wanted) in rows {
        let scenario = scenario(*kernel, setup, steps, tune);
        assert_eq!(requests(&traces(&scenario, None)[0]), *wanted, "{kernel}: {steps}");
    }
}

/// A commit, the first of the mount.
const FIRST_COMMIT: &str = "journal superblock, descriptor, copies, flush, commit, flush";
const TWO_BLOCKS: &str = r#"create("/f", repeat("A", 8192)), create("/g", "g")"#;
const OPEN: &str = r#"open(fd: "f", path: "/f", flags: [O_RDWR])"#;
const OVERWRITE: &str = r#"pwrite(fd: "f", data: repeat("B", 4096), offset: 0)"#;
/// A commit that is not for the file's sake.
const OTHER: &str = r#"open(fd: "g", path: "/g", flags: [O_RDWR]), ftruncate("g", 0), fsync("g")"#;

#[test]
fn fsync_with_data_journal_writes_in_place_since_6_4() {
    let steps = format!(r#"{OPEN}, {OVERWRITE}, fsync("f"), fsync("f")"#);
    let journalled: Tune = |scenario| scenario.stack.mount.data = DataMode::Journal;
    // Before, the second fsync finds a page that has been committed, and nothing to commit.
    let before = format!("{FIRST_COMMIT}, data");
    let since = format!("{FIRST_COMMIT}, data, flush, flush");
    check(TWO_BLOCKS, &steps, journalled, &[(Kernel::V6_1, &before), (Kernel::V6_6, &since)]);
}

#[test]
fn the_log_of_a_file_system_with_checksums() {
    let tag_bytes = |kernel| {
        let trace = &traces(&scenario(kernel, "", r#"mkdir("/d"), sync"#, with_barrier), None)[0];
        let descriptor =
            trace.log.requests().iter().find_map(|request| match (&request.op, &request.cause.why) {
                (Op::Write { data, .. }, Why::Descriptor(_)) => Some(data.clone()),
                (_, _) => None,
            });
        let bytes = descriptor.expect("a commit");
        // The second tag comes 16 bytes of UUID behind the first; both name blocks near the start of the disk.
        let second_at = |size: usize| u32::from_be_bytes([0, 1, 2, 3].map(|i| bytes[12 + size + 16 + i]));
        [10, 16].into_iter().find(|size| (1..1000).contains(&second_at(*size)))
    };
    assert_eq!(tag_bytes(Kernel::V3_16), Some(10));
    assert_eq!(tag_bytes(Kernel::V4_19), Some(16));
}

#[test]
fn fdatasync_of_an_overwrite_commits_the_times_in_2_6() {
    let steps = format!(r#"{OPEN}, {OVERWRITE}, fdatasync("f")"#);
    let commits = format!("data, {FIRST_COMMIT}");
    check(TWO_BLOCKS, &steps, with_barrier, &[(Kernel::V2_6_19, &commits), (Kernel::V3_10, "data, flush")]);
}

#[test]
fn fdatasync_flushes_by_itself_since_2_6_32() {
    let steps = format!(r#"{OPEN}, {OVERWRITE}, {OTHER}, fdatasync("f")"#);
    let before = format!("{FIRST_COMMIT}, data");
    let since = format!("{before}, flush");
    check(TWO_BLOCKS, &steps, with_barrier, &[(Kernel::V2_6_19, &before), (Kernel::V3_10, &since)]);
}

#[test]
fn fsync_of_an_idle_directory_never_flushes() {
    let steps = r#"open(fd: "d", path: "/", flags: [O_RDONLY, O_DIRECTORY]), fsync("d")"#;
    check("", steps, with_barrier, &[(Kernel::V2_6_19, ""), (Kernel::V6_1, ""), (Kernel::V6_6, "")]);
}

#[test]
fn fsync_of_a_directory_commits_what_did_not_touch_it() {
    let steps = r#"open(fd: "d", path: "/", flags: [O_RDONLY, O_DIRECTORY]), chmod("/f", 0o600), fsync("d")"#;
    let kernels = [Kernel::V2_6_19, Kernel::V6_1, Kernel::V6_6].map(|kernel| (kernel, FIRST_COMMIT));
    check(TWO_BLOCKS, steps, with_barrier, &kernels);
}

#[test]
fn o_sync_commits_times_since_2_6_33() {
    let steps = format!(r#"open(fd: "f", path: "/f", flags: [O_RDWR, O_SYNC]), {OVERWRITE}"#);
    let full = format!("data, {FIRST_COMMIT}");
    check(TWO_BLOCKS, &steps, with_barrier, &[(Kernel::V2_6_19, "data"), (Kernel::V3_10, &full)]);
}

#[test]
fn a_commit_writes_dirty_pages_of_a_file_that_got_blocks_before_4_7() {
    let range = "fd: \"f\", offset: 8192, nbytes: 0, flags: [SYNC_FILE_RANGE_WRITE]";
    let append = r#"pwrite(fd: "f", data: repeat("C", 4096), offset: 8192)"#;
    let steps = format!("{OPEN}, {append}, sync_file_range({range}), {OVERWRITE}, {OTHER}");
    let (appended, both) = (format!("data, {FIRST_COMMIT}"), format!("data x2, {FIRST_COMMIT}"));
    check(
        TWO_BLOCKS,
        &steps,
        as_it_is,
        &[
            (Kernel::V3_16, &both.replace("data x2, journal superblock", "data, journal superblock, data")),
            (Kernel::V4_19, &appended),
        ],
    );
}

#[test]
fn ordered_data_is_a_range_since_5_3() {
    let append = r#"pwrite(fd: "f", data: repeat("C", 4096), offset: 8192)"#;
    let steps = format!("{OPEN}, {append}, {OVERWRITE}, {OTHER}");
    let rest = FIRST_COMMIT.trim_start_matches("journal superblock, ");
    let (whole, range) =
        (format!("journal superblock, data x2, {rest}"), format!("journal superblock, data, {rest}"));
    let nodelalloc: Tune = |scenario| scenario.stack.mount.delalloc = false;
    check(TWO_BLOCKS, &steps, nodelalloc, &[(Kernel::V4_19, &whole), (Kernel::V5_4, &range)]);
}

#[test]
fn a_direct_overwrite_with_o_dsync_uses_fua_since_5_5() {
    let steps = format!(r#"open(fd: "f", path: "/f", flags: [O_RDWR, O_DIRECT, O_DSYNC]), {OVERWRITE}"#);
    let fua: Tune = |scenario| scenario.stack.disk.fua = Fua::Native;
    check(TWO_BLOCKS, &steps, fua, &[(Kernel::V5_4, "data, flush"), (Kernel::V6_6, "data with FUA")]);
    check(TWO_BLOCKS, &steps, as_it_is, &[(Kernel::V6_6, "data, flush")]);
    let all = steps.replace("O_DSYNC", "O_SYNC");
    let commit = FIRST_COMMIT.replace("commit, flush", "commit");
    check(TWO_BLOCKS, &all, fua, &[(Kernel::V6_6, &format!("data, {commit}"))]);
}

#[test]
fn a_direct_write_that_is_no_pure_overwrite_uses_no_fua() {
    let fua: Tune = |scenario| scenario.stack.disk.fua = Fua::Native;
    let open = r#"open(fd: "f", path: "/f", flags: [O_RDWR, O_DIRECT, O_DSYNC])"#;
    let commit = FIRST_COMMIT.replace("commit, flush", "commit");
    let extend = format!("{open}, {}", OVERWRITE.replace("offset: 0", "offset: 4096"));
    check(
        TWO_BLOCKS,
        &extend.replace("repeat(\"B\", 4096)", "repeat(\"B\", 8192)"),
        fua,
        &[(Kernel::V6_6, &format!("data x2, {commit}"))],
    );
    // The size is in a transaction that has not committed: the data would not be found without it.
    let pending = format!(r#"{open}, {OPEN_OTHER}, ftruncate("h", 12288), {OVERWRITE}"#);
    check(TWO_BLOCKS, &pending, fua, &[(Kernel::V6_6, &format!("data, {commit}"))]);
}

const OPEN_OTHER: &str = r#"open(fd: "h", path: "/f", flags: [O_RDWR])"#;

/// What `/f` may be after the last step.
fn found(scenario: &Scenario) -> Vec<String> {
    let report = report(scenario, None, &ALL_STATES);
    assert!(is_complete(&report), "all states");
    let last = report.windows.last().unwrap();
    let file = |tree: &unplug::report::ShownTree| match tree.get("/f") {
        Some(Shown::Text(text)) => text.clone(),
        Some(Shown::Units { size_bytes, .. }) => format!("{size_bytes} bytes"),
        None => "missing".to_owned(),
    };
    let mut found: Vec<String> = last.outcomes.iter().map(|outcome| file(&outcome.tree)).collect();
    found.sort();
    found.dedup();
    found
}

#[test]
fn a_direct_o_sync_write_that_extends_may_return_without_its_size_from_5_5_to_6_6_2() {
    let steps = r#"open(fd: "f", path: "/f", flags: [O_RDWR, O_DIRECT, O_SYNC]),
        pwrite(fd: "f", data: repeat("B", 4096), offset: 4096)"#;
    let setup = r#"create("/f", repeat("A", 4096))"#;
    for (kernel, wanted) in [
        (Kernel::V5_4, vec!["A*4096 B*4096"]),
        (Kernel::V5_15, vec!["A*4096"]),
        (Kernel::V6_1, vec!["A*4096"]),
        (Kernel::V6_6, vec!["A*4096 B*4096"]),
    ] {
        assert_eq!(found(&scenario(kernel, setup, steps, with_barrier)), wanted, "{kernel}");
    }
}

#[test]
fn blocks_behind_the_end_of_a_file_are_on_the_orphan_list() {
    // 5.15 commits between the blocks and the size. Of one block behind the end e2fsck makes nothing, of two it does.
    let steps = r#"open(fd: "f", path: "/f", flags: [O_RDWR, O_DIRECT, O_SYNC]),
        pwrite(fd: "f", data: repeat("B", 8192), offset: 4096)"#;
    let scenario = scenario(Kernel::V5_15, r#"create("/f", repeat("A", 4096))"#, steps, as_it_is);
    for crash in crashed(&scenario, &Profile::of(Kernel::V5_15), 1000) {
        let Observation::Mounted(mounted) = &crash.found else { panic!("{}: does not mount", crash.id) };
        assert!(mounted.repairs.is_empty(), "{}: {:?}", crash.id, mounted.repairs);
    }
}

#[test]
fn what_a_commit_leaves_of_a_file_that_nobody_synced() {
    // One block, so that what is found is all of the data, zeros, or an empty file.
    let new =
        r#"open(fd: "t", path: "/t", flags: [O_CREAT, O_WRONLY]), write("t", repeat("B", 4096)), close("t")"#;
    let replace = format!(r#"{new}, rename("/t", "/f"), {OTHER}"#);
    let create = format!("{}, {OTHER}", new.replace("/t", "/f"));
    let (default, lock, nodelalloc): (Tune, Tune, Tune) = (
        as_it_is,
        |scenario| scenario.stack.mount.dioread_nolock = false,
        |scenario| scenario.stack.mount.delalloc = false,
    );
    for (what, tune, replaced, created) in [
        ("the default", default, vec!["B*4096", "\\x00*4096"], vec![""]),
        ("dioread_lock", lock, vec!["B*4096"], vec![""]),
        ("nodelalloc", nodelalloc, vec!["B*4096"], vec!["B*4096"]),
    ] {
        let old = r#"create("/g", "g"), create("/f", "old")"#;
        assert_eq!(found(&scenario(Kernel::V6_6, old, &replace, tune)), replaced, "{what}, rename");
        let new = r#"create("/g", "g")"#;
        assert_eq!(found(&scenario(Kernel::V6_6, new, &create, tune)), created, "{what}, create");
    }
}

#[test]
fn a_transaction_may_take_a_third_of_the_log_since_6_11() {
    // 1024 blocks of log, so 256 or 341 of one transaction. Each new directory is a block of its own.
    let steps = r#"times(count: 270, var: "i", steps: [mkdir("/${i}")])"#;
    check("", steps, as_it_is, &[(Kernel::V6_6, FIRST_COMMIT), (Kernel::V6_12, "")]);
}

#[test]
fn fadvise_dontneed_starts_the_whole_file_in_2_6() {
    let two = format!("{OVERWRITE}, {}", OVERWRITE.replace("offset: 0", "offset: 4096"));
    let advice = "posix_fadvise(fd: \"f\", offset: 4096, length: 4096, advice: POSIX_FADV_DONTNEED)";
    let steps = format!("{OPEN}, {two}, {advice}");
    check(TWO_BLOCKS, &steps, as_it_is, &[(Kernel::V2_6_19, "data x2"), (Kernel::V3_10, "data")]);
}

#[test]
fn calls_that_a_kernel_lacks_return_enosys() {
    let open = r#"open(fd: "f", path: "/f", flags: [O_CREAT, O_RDWR])"#;
    for (older, newer, call) in [
        (Kernel::V2_6_16, Kernel::V2_6_17, r#"sync_file_range(fd: "f", offset: 0, nbytes: 0, flags: [])"#),
        (Kernel::V2_6_19, Kernel::V3_10, r#"syncfs("f")"#),
        (Kernel::V3_16, Kernel::V4_19, r#"pwritev2(fd: "f", data: "x", offset: 0, flags: [])"#),
    ] {
        // A run that returns something else panics.
        traces(&scenario(older, "", &format!("{open}, fails(ENOSYS, {call})"), as_it_is), None);
        traces(&scenario(newer, "", &format!("{open}, {call}"), as_it_is), None);
    }
}

#[test]
fn pdflush_is_named_where_it_writes() {
    let steps = format!("{OPEN}, {OVERWRITE}, sleep(seconds: 40)");
    for (kernel, there) in [(Kernel::V2_6_19, true), (Kernel::V3_10, false)] {
        let trace = &traces(&scenario(kernel, TWO_BLOCKS, &steps, as_it_is), None)[0];
        let way = format!("{:?}", trace.history.steps.last().unwrap().way);
        assert_eq!(way.contains("wb_kupdate"), there, "{kernel}");
        assert_eq!(way.contains("writeback_workfn"), !there, "{kernel}");
    }
}

#[test]
fn blocks_that_the_running_transaction_freed_are_found_by_a_nodelalloc_write() {
    // The disk is nearly full of /f; once it is unlinked, only a commit gives its blocks back.
    let setup = r#"create("/f", zeros(20971520))"#;
    let steps =
        r#"unlink("/f"), open(fd: "g", path: "/g", flags: [O_CREAT, O_RDWR]), write("g", zeros(20971520))"#;
    let nodelalloc: Tune = |scenario| scenario.stack.mount.delalloc = false;
    let trace = &traces(&scenario(Kernel::V6_6, setup, steps, nodelalloc), None)[0];
    assert!(requests(trace).starts_with("journal superblock, "), "a commit in the middle of the write");
}
