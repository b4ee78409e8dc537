//! What a report says of repairs is what `e2fsck -fp` does.
//!
//! ```text
//!   none        exit code 0; or 1, for the superblock's stale counts and no more
//!   automatic   1; of a disk that does not mount 0 too: e2fsck drops a torn transaction and is content
//!   manual      4 or 8
//! ```
//! A class that is as bad as it can be cannot be told from one that is worse: what is asked is the exact class, on
//! members of each leaf. Where a scenario says that e2fsck goes first, `e2fsck -p` must agree with it too.

use crate::case::{Case, scenarios};
use crate::e2fsck::{Verdict, e2fsck, is_expected, verdict};
use crate::pipeline::{course, folder, has_tool, on_two_threads, traces, write_sparsely};
use unplug::check::{Finder, distinct, profile};
use unplug::crash::{Bounds, Images, Nothing, explore, image};
use unplug::device::DiskImage;
use unplug::oracle::Observation;
use unplug::recovery::RepairNeeded;
use unplug::scenario::{Recoverer, Scenario};
use unplug::units::BlockNr;

/// How many images of each leaf are drawn.
const EACH: u64 = 2;

/// What e2fsck does with a disk: its exit code and its words.
fn preened(image: &DiskImage, options: &str) -> (i32, String) {
    let folder = folder();
    let path = folder.path().join("disk");
    write_sparsely(image, &path);
    e2fsck(&path, &[options])
}

/// Whether there is nothing to repair but what is stale after any power cut.
fn is_sound(image: &DiskImage, has_journal: bool) -> bool {
    if has_journal {
        return verdict(image) == Verdict::Accepts;
    }
    let (wrong, found) = preened(image, "-fn");
    wrong == 0 && found.split("; ").all(is_expected)
}

/// What e2fsck says of a log that it did not replay as a whole.
const BAD_LOG: &str = "Journal checksum error found";

/// Where the class of a disk is another than e2fsck shows.
fn difference<F>(scenario: &Scenario, found: &Observation<F>, image: &DiskImage) -> Option<String> {
    let (code, words) = preened(image, "-fp");
    let mounts = matches!(found, Observation::Mounted(_));
    let before_mount = scenario.stack.recovery == Recoverer::E2fsck;
    let agrees = match (found.repair(), code) {
        (RepairNeeded::None, 0) | (RepairNeeded::Automatic, 1) | (RepairNeeded::Manual, 4 | 8) => true,
        // What it repaired before the mount is done.
        (RepairNeeded::None, 1) if before_mount && words.contains(BAD_LOG) => true,
        (RepairNeeded::None, 1) => is_sound(image, scenario.stack.has_journal()),
        (RepairNeeded::Automatic, 0) => !mounts,
        (RepairNeeded::None | RepairNeeded::Automatic | RepairNeeded::Manual, _) => false,
    };
    if !agrees {
        return Some(format!("{:?}, but e2fsck -fp exits with {code}: {words}", found.repair()));
    }
    if before_mount {
        let (code, words) = preened(image, "-p");
        if (code & !1 == 0) != mounts {
            return Some(format!("mounts: {mounts}, but e2fsck -p exits with {code}: {words}"));
        }
    }
    None
}

/// All differences of a scenario, and of how many images there were.
fn check(case: &Case) -> (Vec<String>, [u64; 3]) {
    let scenario = &case.scenario;
    let runs = distinct(traces(scenario, None));
    let images = Images::of(runs.iter().map(course).collect());
    let blocks = (0..images.blocks()).map(BlockNr::new);
    let blocks: Vec<BlockNr> = blocks.filter(|block| images.varies(*block)).collect();
    let bounds = Bounds { draws: EACH, seed: 3, ..Bounds::default() };
    let explored = explore(&images, Finder::new(&profile(scenario)), &bounds, &|_| {});
    let (mut wrong, mut classes) = (Vec::new(), [0; 3]);
    for leaf in &explored.leaves {
        for drawn in images.draw(&leaf.class, &images.all(), &blocks, &Nothing, &bounds) {
            let id = images.id(&drawn.image);
            let trace = &runs[drawn.image.run].trace;
            let image = image(&trace.base, &trace.log, &id).unwrap();
            classes[match leaf.found.repair() {
                RepairNeeded::None => 0,
                RepairNeeded::Automatic => 1,
                RepairNeeded::Manual => 2,
            }] += 1;
            let found = difference(scenario, &leaf.found, &image);
            wrong.extend(found.map(|found| format!("{}, {id}: {found}", case.name)));
        }
    }
    (wrong, classes)
}

#[test]
fn classes_are_those_of_e2fsck() {
    if !has_tool("e2fsck") {
        return;
    }
    let mut cases = scenarios("scenarios/recovery");
    cases.extend(scenarios("scenarios/modes").into_iter().filter(|case| case.name.starts_with("nojournal")));
    cases.extend(scenarios("scenarios/disk").into_iter().filter(|case| case.name.starts_with("no-barrier")));
    assert!(cases.len() >= 18, "each is there");
    let (mut wrong, mut classes) = (Vec::new(), [0; 3]);
    for (differences, counts) in on_two_threads(&cases, check) {
        wrong.extend(differences);
        (0..3).for_each(|class| classes[class] += counts[class]);
    }
    assert!(wrong.is_empty(), "{} of {classes:?}\n{}", wrong.len(), wrong.join("\n"));
    assert!(classes.iter().all(|images| *images >= 20), "each class is met often: {classes:?}");
}
