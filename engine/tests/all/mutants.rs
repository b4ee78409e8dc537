//! Each rule of ordering has a mutant, a stack that lacks it; a named scenario holds with the rule and fails without.

use crate::case::{repository, scenario};
use crate::pipeline::{is_complete, report};
use unplug::crash::Bounds;
use unplug::guarantees::{Mount, Probe};
use unplug::kernel::Kernel;
use unplug::mutant::Mutant;
use unplug::report::{Report, Verdict};
use unplug::scenario::parse;

const BOUNDS: Bounds = Bounds { max_leaves: 100_000, draws: 1000, seed: 1 };

/// The expectations that are violated, as they stand in the file.
fn violated(report: &Report) -> Vec<&str> {
    let judged = report.expectations.iter().filter(|judged| judged.verdict == Verdict::Violated);
    judged.map(|judged| judged.text.as_str()).collect()
}

/// The scenario holds, and under the mutant exactly these expectations do not.
fn check(mutant: Mutant, file: &str, fails: &[&str]) {
    let case = scenario(&repository(file));
    let sound = report(&case.scenario, None, &BOUNDS);
    assert!(is_complete(&sound), "{file}: all crash states are looked at");
    assert_eq!(sound.verdict, Verdict::Holds, "{file}: {:?}", violated(&sound));
    let broken = report(&case.scenario, Some(mutant), &BOUNDS);
    assert_eq!(violated(&broken), fails, "{file} with {mutant:?}");
}

#[test]
fn a_commit_block_without_preflush() {
    check(
        Mutant::CommitWithoutPreflush,
        "scenarios/append/append-fdatasync.ron",
        &[
            "always(any([content(\"/log\", \"one\\n\"), content(\"/log\", \"one\\ntwo\\n\")]))",
            "always(mounts)",
        ],
    );
}

#[test]
fn a_tail_that_moves_without_a_flush() {
    check(
        Mutant::TailWithoutFlush,
        "scenarios/journal/checkpoint.ron",
        &["always(after: \"renamed\", holds: entries(\"/kept\", [\"new\"]))"],
    );
}

#[test]
fn a_tail_that_moves_without_a_flush_in_the_middle_of_a_write() {
    check(
        Mutant::TailWithoutFlush,
        "scenarios/journal/full-log-in-the-middle-of-a-write.ron",
        &["always(after: \"renamed\", holds: entries(\"/kept\", [\"new\"]))"],
    );
}

#[test]
fn a_tail_that_moves_without_a_flush_in_a_log_that_went_round() {
    check(
        Mutant::TailWithoutFlush,
        "scenarios/journal/wrap-many-times.ron",
        &["always(after: \"renamed\", holds: entries(\"/kept\", [\"new\"]))"],
    );
}

#[test]
fn a_tail_that_moves_before_the_commit_block() {
    check(
        Mutant::TailBeforeRecord,
        "scenarios/journal/tail.ron",
        &["always(after: \"renamed\", holds: entries(\"/kept\", [\"new\"]))"],
    );
}

#[test]
fn blocks_that_are_reused_before_their_commit() {
    check(
        Mutant::ReuseBeforeCommit,
        "scenarios/unlink/data-of-deleted-file.ron",
        &["always(any([all([content(\"/old\", repeat(\"O\", 4096)), missing(\"/new\")]), \
           all([missing(\"/old\"), content(\"/new\", repeat(\"N\", 4096))])]))"],
    );
}

#[test]
fn directory_blocks_that_are_not_revoked() {
    check(
        Mutant::NoRevoke,
        "scenarios/journal/revoke.ron",
        &[
            "always(any([missing(\"/f\"), content(\"/f\", repeat(\"F\", 4096))]))",
            "always(after: \"synced\", holds: content(\"/f\", repeat(\"F\", 4096)))",
        ],
    );
}

#[test]
fn directory_blocks_that_are_not_revoked_in_a_log_that_goes_round() {
    check(
        Mutant::NoRevoke,
        "scenarios/journal/wrap-many-times.ron",
        &[
            "always(any([entries(\"/\", [\"kept\"]), all([entries(\"/\", [\"d\", \"kept\"]), entries(\"/d\", [])]), \
           all([entries(\"/\", [\"f\", \"kept\"]), content(\"/f\", repeat(\"F\", 4096))])]))",
        ],
    );
    check(
        Mutant::NoRevoke,
        "scenarios/journal/wrap-behind-a-revoke.ron",
        &[
            "always(any([missing(\"/f\"), content(\"/f\", repeat(\"F\", 4096))]))",
            "always(after: \"synced\", holds: all([entries(\"/\", [\"f\", \"g\"]), \
             content(\"/f\", repeat(\"F\", 4096))]))",
        ],
    );
}

#[test]
fn directory_blocks_that_are_not_revoked_behind_an_old_tail() {
    check(
        Mutant::NoRevoke,
        "scenarios/journal/old-tail-long-replay.ron",
        &[
            "always(after: \"synced\", before: \"in place\", holds: content(\"/f\", repeat(\"F\", 4096)))",
            "sometimes(after: \"in place\", before: \"overwritten\", holds: content(\"/f\", repeat(\"F\", 4096)))",
            "sometimes(after: \"in place\", before: \"overwritten\", holds: content(\"/f\", repeat(\"G\", 4096)))",
            "always(after: \"overwritten\", holds: content(\"/f\", repeat(\"G\", 4096)))",
        ],
    );
}

#[test]
fn a_directory_block_that_is_not_revoked_before_its_next_life() {
    check(
        Mutant::NoRevoke,
        "scenarios/journal/revoke-then-metadata-again.ron",
        &[
            "always(before: \"a directory's\", holds: any([missing(\"/f\"), \
             content(\"/f\", repeat(\"F\", 4096))]))",
            "always(after: \"a file's\", before: \"free\", holds: any([entries(\"/\", []), \
             content(\"/f\", repeat(\"F\", 4096))]))",
        ],
    );
}

#[test]
fn a_commit_block_that_does_not_wait_for_its_copies() {
    check(
        Mutant::CommitWithoutWait,
        "scenarios/append/append-fdatasync.ron",
        &[
            "always(any([content(\"/log\", \"one\\n\"), content(\"/log\", \"one\\ntwo\\n\")]))",
            "always(after: \"synced\", holds: content(\"/log\", \"one\\ntwo\\n\"))",
            "always(mounts)",
        ],
    );
}

#[test]
fn a_commit_block_without_fua() {
    check(
        Mutant::CommitWithoutFua,
        "scenarios/append/append-fdatasync.ron",
        &["always(after: \"synced\", holds: content(\"/log\", \"one\\ntwo\\n\"))"],
    );
}

#[test]
fn an_fsync_that_does_not_flush() {
    check(
        Mutant::SyncWithoutFlush,
        "scenarios/overwrite/overwrite-block.ron",
        &["always(after: \"synced\", holds: content(\"/page\", repeat(\"B\", 4096)))"],
    );
}

#[test]
fn an_fsync_that_does_not_wait_for_its_data() {
    check(
        Mutant::SyncWithoutConversion,
        "scenarios/create/create-fsync.ron",
        &[
            "always(any([missing(\"/f\"), content(\"/f\", \"hello\")]))",
            "always(after: \"name\", holds: content(\"/f\", \"hello\"))",
        ],
    );
}

#[test]
fn a_page_that_stays_writable_while_it_is_written() {
    check(
        Mutant::WritebackWithoutWriteProtect,
        "scenarios/mapping/store-after-sync.ron",
        &["always(after: \"second\", holds: content(\"/f\", \"two\"))"],
    );
}

#[test]
fn an_msync_that_forgets_the_last_page() {
    check(
        Mutant::MsyncWithoutLastPage,
        "scenarios/mapping/msync-two-pages.ron",
        &["always(after: \"synced\", holds: range(path: \"/f\", offset: \"8K\", data: repeat(\"B\", 4096)))"],
    );
}

#[test]
fn a_writeback_that_leaves_the_end_of_the_last_page() {
    check(
        Mutant::WritebackWithoutZeroedEnd,
        "scenarios/mapping/end-is-zeroed.ron",
        &["always(any([content(\"/f\", \"old\"), content(\"/f\", concat([\"old\", zeros(6)]))]))"],
    );
}

#[test]
fn a_munmap_that_drops_dirty_bits() {
    check(
        Mutant::MunmapWithoutDirtyBits,
        "scenarios/mapping/munmap-keeps-dirty-bits.ron",
        &["always(after: \"synced\", holds: content(\"/f\", \"new\"))"],
    );
}

#[test]
fn a_direct_write_behind_the_end_without_the_orphan_list() {
    check(Mutant::DirectExtendWithoutOrphan, "scenarios/mapping/direct-extend.ron", &["always(clean)"]);
}

#[test]
fn a_file_without_a_name_and_without_the_orphan_list() {
    check(Mutant::TmpfileWithoutOrphan, "scenarios/tmpfile/never-linked.ron", &["always(clean)"]);
}

#[test]
fn a_hole_whose_edges_are_not_ordered_data() {
    check(
        Mutant::PunchWithoutOrderedEdges,
        "scenarios/fallocate/punch-hole.ron",
        &[
            "sometimes(after: \"punched\", before: \"committed\", holds: range(path: \"/f\", offset: 2048, \
             data: concat([zeros(2048), repeat(\"B\", 4096), zeros(2048)])))",
            "always(implies(range(path: \"/f\", offset: 4096, data: zeros(4096)), \
             range(path: \"/f\", offset: 2048, data: zeros(8192))))",
            "always(after: \"committed\", holds: content(\"/f\", \
             concat([repeat(\"A\", 2048), zeros(8192), repeat(\"C\", 2048)])))",
        ],
    );
}

#[test]
fn a_commit_that_does_not_wait_for_ordered_data() {
    check(
        Mutant::OrderedWithoutWait,
        "scenarios/mapping/ordered-data.ron",
        &[
            "always(any([content(\"/conf\", \"old\"), content(\"/conf\", \"new\")]))",
            "always(after: \"committed\", holds: content(\"/conf\", \"new\"))",
        ],
    );
}

#[test]
fn an_early_commit_block_without_a_flush_behind_it() {
    check(
        Mutant::AsyncCommitWithoutFlush,
        "scenarios/modes/async-commit-v1.ron",
        &["always(after: \"synced\", holds: size(\"/f\", 0))"],
    );
}

#[test]
fn data_that_is_written_past_the_log() {
    check(
        Mutant::DataNotJournalled,
        "scenarios/modes/data-journal-append.ron",
        &[
            "always(any([content(\"/log\", \"head\"), content(\"/log\", \"headtail\")]))",
            "always(after: \"committed\", holds: content(\"/log\", \"headtail\"))",
        ],
    );
}

#[test]
fn data_that_is_written_past_the_log_onto_a_block_without_a_revoke() {
    check(
        Mutant::DataNotJournalled,
        "scenarios/journal/data-journal-needs-no-revoke.ron",
        &[
            "always(any([missing(\"/f\"), content(\"/f\", repeat(\"F\", 4096))]))",
            "always(after: \"synced\", holds: content(\"/f\", repeat(\"F\", 4096)))",
        ],
    );
}

#[test]
fn a_sync_without_a_journal_that_forgets_the_directory() {
    check(
        Mutant::SyncWithoutParent,
        "scenarios/modes/nojournal-create-fsync.ron",
        &[
            "sometimes(before: \"synced\", holds: all([exists(\"/f\"), not(size(\"/f\", 4096))]))",
            "always(after: \"synced\", holds: content(\"/f\", repeat(\"A\", 4096)))",
            "never(after: \"synced\", holds: clean)",
        ],
    );
}

#[test]
fn a_dirsync_mount_that_does_not_wait() {
    check(
        Mutant::DirsyncWithoutCommit,
        "scenarios/modes/dirsync.ron",
        &[
            "always(after: \"created\", before: \"renamed\", holds: any([exists(\"/conf.tmp\"), \
             not(content(\"/conf\", \"old\"))]))",
            "never(after: \"renamed\", holds: content(\"/conf\", \"old\"))",
        ],
    );
}

#[test]
fn a_mount_without_barriers_loses_committed_data() {
    let mut case = scenario(&repository("scenarios/append/append-fdatasync.ron"));
    assert!(case.scenario.stack.mount.barrier);
    case.scenario.stack.mount.barrier = false;
    let broken = report(&case.scenario, None, &BOUNDS);
    let violated = violated(&broken);
    let synced = violated.iter().any(|text| text.starts_with("always(after: \"synced\", holds: content("));
    assert!(synced, "{violated:?}");
}

/// The rows of the matrix that a mutant turns from `yes` to `no`, of those that begin so, under the default mount.
fn rows_lost(mutant: Mutant, begins: &str) -> Vec<&'static str> {
    let lost = |probe: &&Probe| {
        let scenario = parse(&probe.scenario(Mount::DEFAULTS, Kernel::V6_6)).unwrap();
        let verdict = |mutant| report(&scenario, mutant, &BOUNDS).expectations[0].verdict;
        verdict(None) == Verdict::Holds && verdict(Some(mutant)) == Verdict::Violated
    };
    let rows = Probe::ALL.iter().filter(|probe| probe.name.starts_with(begins));
    rows.filter(lost).map(|probe| probe.name).collect()
}

#[test]
fn the_matrix_sees_an_fsync_without_flush() {
    // What has to change metadata is committed, and the commit flushes.
    assert_eq!(rows_lost(Mutant::SyncWithoutFlush, "fdatasync"), ["fdatasync-bytes"]);
    // fsync commits time stamps too, where no timer did.
    assert_eq!(rows_lost(Mutant::SyncWithoutFlush, "fsync"), ["fsync-written-back"]);
}

#[test]
fn the_matrix_sees_a_commit_without_preflush() {
    let rows = ["replace-name", "replace-empty", "replace-fsync"];
    assert_eq!(rows_lost(Mutant::CommitWithoutPreflush, "replace"), rows);
}

#[test]
fn a_fast_commit_without_preflush() {
    check(
        Mutant::FastCommitWithoutPreflush,
        "scenarios/fast-commit/fast-create-fsync.ron",
        &[
            "always(after: \"full\", before: \"fast\", holds: any([missing(\"/f\"), content(\"/f\", \"new\")]))",
        ],
    );
}
