//! The explorer against brute force, on real logs and with real recovery.
//!
//! Brute force makes every image and recovers it from its bytes. Where a run has at most 2^13 images, both say the
//! same of each outcome: how many images lead to it. `UNPLUG_IMAGES=20` raises that to 2^20. Where there are more,
//! members of every class are drawn, made and recovered from bytes: they show what the class stands for.

use crate::case::{Case, all};
use crate::pipeline::{course, traces};
use num_bigint::BigUint;
use rayon::prelude::*;
use std::collections::BTreeMap;
use unplug::check::{DistinctRun, distinct};
use unplug::crash::{Bounds, Coverage, Images, Nothing, brute, explore, image};
use unplug::device::AtomicUnit;
use unplug::recovery::{MountError, Profile, Recovery, Survivors, recover};
use unplug::units::BlockNr;

/// Draws from each class.
const MEMBERS: Bounds = Bounds { max_leaves: 0, draws: 1, seed: 5 };

fn most_images() -> u32 {
    let asked = std::env::var("UNPLUG_IMAGES").ok();
    asked.map_or(13, |bits| bits.parse().expect("UNPLUG_IMAGES is a number of bits"))
}

/// What recovery found, without the way there.
fn outcome(found: &Result<Survivors, MountError>) -> String {
    match found {
        Ok(survivors) => format!("{:?} {:?}", survivors.tree, survivors.repairs),
        Err(error) => error.to_string(),
    }
}

fn with_atomic(case: &Case, atomic: AtomicUnit) -> Vec<DistinctRun> {
    let mut scenario = case.scenario.clone();
    scenario.stack.disk.atomic = atomic;
    distinct(traces(&scenario, None))
}

/// Whether both count the same, for one run; none where there are too many images for brute force.
fn compare(case: &Case, run: &DistinctRun) -> Option<Result<(), String>> {
    let profile = Profile::of(case.scenario.stack.kernel);
    let (trace, images) = (&run.trace, Images::of(vec![course(run)]));
    if images.images(&images.all()) > BigUint::from(1_u32) << most_images() {
        return None;
    }
    let mut exact: BTreeMap<String, BigUint> = BTreeMap::new();
    let explored = explore(&images, Recovery::new(&profile), &Bounds::default(), &|_| {});
    assert_eq!(explored.coverage, Coverage::Complete, "{}", case.name);
    for leaf in &explored.leaves {
        *exact.entry(outcome(&leaf.found)).or_default() += images.images_of(&leaf.class, &images.all());
    }
    let mut counted: BTreeMap<String, BigUint> = BTreeMap::new();
    let bounds = brute::Bounds { max_states: u64::MAX, seed: 0 };
    let judge = |view: &mut brute::CrashView<'_>| outcome(&recover(view, &profile));
    brute::explore(&trace.base, &trace.log, trace.schedule, &bounds, judge, |_, outcome| {
        *counted.entry(outcome).or_default() += 1_u32;
    });
    let differs = || format!("{}, {:?}: {exact:#?} but one by one {counted:#?}", case.name, trace.schedule);
    Some(if exact == counted { Ok(()) } else { Err(differs()) })
}

#[test]
fn outcomes_are_counted_as_brute_force_counts_them() {
    let compared = |case: &Case| {
        let atomic = [AtomicUnit::Sector, AtomicUnit::Block];
        let runs = atomic.into_iter().flat_map(|atomic| with_atomic(case, atomic));
        runs.filter_map(|run| compare(case, &run)).collect::<Vec<_>>()
    };
    let compared: Vec<Result<(), String>> = all().par_iter().flat_map_iter(compared).collect();
    let wrong: Vec<&String> = compared.iter().filter_map(|compared| compared.as_ref().err()).collect();
    assert!(wrong.is_empty(), "{wrong:?}");
    assert!(compared.len() > 300, "only {} runs have few images", compared.len());
}

#[test]
fn members_of_a_class_show_what_it_stands_for() {
    let check = |case: &Case| {
        let profile = Profile::of(case.scenario.stack.kernel);
        let runs = with_atomic(case, AtomicUnit::Sector);
        let images = Images::of(runs.iter().map(course).collect());
        let blocks: Vec<BlockNr> = (0..images.blocks()).map(BlockNr::new).collect();
        let blocks: Vec<BlockNr> = blocks.into_iter().filter(|block| images.varies(*block)).collect();
        let explored = explore(&images, Recovery::new(&profile), &Bounds::default(), &|_| {});
        assert_eq!(explored.coverage, Coverage::Complete, "{}", case.name);
        for leaf in &explored.leaves {
            for drawn in images.draw(&leaf.class, &images.all(), &blocks, &Nothing, &MEMBERS) {
                let id = images.id(&drawn.image);
                let trace = &runs[drawn.image.run].trace;
                let mut disk = image(&trace.base, &trace.log, &id).unwrap();
                let found = recover(&mut disk, &profile);
                assert_eq!(outcome(&found), outcome(&leaf.found), "{}: {id}", case.name);
            }
        }
        explored.leaves.len()
    };
    let leaves: usize = all().par_iter().map(check).sum();
    assert!(leaves > 1000, "{leaves} leaves");
}
