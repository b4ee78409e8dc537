//! Without barriers and checksums, replay copies blocks of the log that were never written: zeros, over metadata.
//!
//! What a kernel said of these very images (Linux 6.18, mounted by hand) stands beside each row.

use crate::case::{repository, scenario};
use crate::pipeline::{observe, traces};
use unplug::crash::image;
use unplug::device::{AtomicUnit, Why};
use unplug::oracle::{Observation, tree_text};
use unplug::recovery::Profile;
use unplug::scenario::Checksums;

/// What recovery says where the commit block survived and the copy of this block did not.
fn check(lost: &str, expected: &str) {
    let mut case = scenario(&repository("engine/tests/data/truth/create-write-fsync.ron"));
    case.scenario.stack.mount.barrier = false;
    case.scenario.stack.disk.atomic = AtomicUnit::Block;
    case.scenario.stack.mkfs.metadata_csum = Checksums::None;
    let trace = &traces(&case.scenario, None)[0];
    let is_lost = |why: &Why| matches!(why, Why::Copy { what, .. } if what.starts_with(lost));
    let copy = trace.log.requests().iter().position(|request| is_lost(&request.cause.why)).unwrap();
    let id = format!("prompt@{}:all,-w{copy}", trace.log.now()).parse().unwrap();
    let mut disk = image(&trace.base, &trace.log, &id).unwrap();
    let found = observe(&mut disk, &Profile::of(case.scenario.stack.kernel));
    let said = match &found {
        Observation::Unmountable { why, .. } => why.clone(),
        Observation::Mounted(mounted) => {
            assert!(!mounted.repairs.is_empty(), "{lost}: something is to be repaired");
            format!("{:?}", tree_text(&found))
        }
    };
    assert_eq!(said, expected, "{lost}");
}

#[test]
fn zeros_are_replayed() {
    let no_root = "the root directory cannot be read: EUCLEAN";
    // "Invalid inode table block 0 in block_group 0", "get root inode failed": what was replayed is what counts.
    check("group descriptors", no_root);
    // "inode #2: iget: special inode unallocated", "get root inode failed"
    check("inodes 1 to 16", no_root);
    // It mounts: nobody looks at bitmaps.
    check("block bitmap", "{\"/f\": \"A*4096\"}");
    check("inode bitmap", "{\"/f\": \"A*4096\"}");
}
