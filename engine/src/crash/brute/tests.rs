//! Tables that can be derived by hand; `naive` compares with a reference that knows no epochs.

mod logs;
mod naive;

use super::*;
use crate::crash::{self, image};
use crate::device::{AtomicUnit, Cache, DiskImage, Fua, Media};
use crate::schedule::Schedule;
use crate::units::{BlockNr, Moment};
use logs::{Build, at_block};
use num_bigint::BigUint;
use std::collections::BTreeMap;

const ENOUGH: Bounds = Bounds { max_states: 100_000, seed: 7 };

/// What was found: for each image, its id, when it is legal, and what it lost.
type Found = BTreeMap<Vec<u8>, (String, Vec<(u32, u32)>, u32)>;

fn bytes(view: &mut CrashView<'_>) -> Vec<u8> {
    (0..view.blocks()).flat_map(|nr| view.read(BlockNr::new(nr)).bytes().to_vec()).collect()
}

fn explore_all(build: &Build, bounds: &Bounds) -> (Coverage, Found) {
    let mut found = Found::new();
    let coverage = explore(&build.base, &build.log, Schedule::Late, bounds, bytes, |state, image| {
        let legal = state.legal.iter().map(|range| (range.start().get(), range.end().get())).collect();
        let id = state.id();
        let replayed = crash::image(&build.base, &build.log, &id).unwrap();
        assert!(replayed.to_bytes() == image, "{id} gives the bytes that were judged");
        assert_eq!(id.to_string().parse(), Ok(id.clone()), "{id} is read back");
        let twice = found.insert(image, (id.to_string(), legal, state.lost));
        assert_eq!(twice, None, "{id} is judged once");
    });
    (coverage, found)
}

/// Every state by its id without the schedule, with the moments at which it is legal.
fn check(build: &Build, what: &str, expected: &[(&str, &[(u32, u32)])]) {
    let (coverage, found) = explore_all(build, &ENOUGH);
    let mut found: Vec<(String, Vec<(u32, u32)>)> =
        found.into_values().map(|(id, legal, _)| (id, legal)).collect();
    found.sort();
    let mut expected: Vec<(String, Vec<(u32, u32)>)> =
        expected.iter().map(|(id, legal)| (format!("late@{id}"), legal.to_vec())).collect();
    expected.sort();
    assert_eq!(found, expected, "{what}");
    assert_eq!(coverage, Coverage::Complete { states: found.len().try_into().unwrap() }, "{what}");
}

#[test]
fn volatile_cache() {
    let w = |b: &mut Build, block, fill| b.write(at_block(block), &[fill; 4096], false);

    check(&Build::blocks(), "nothing happened", &[("0:none", &[(0, 0)])]);

    let mut b = Build::blocks();
    w(&mut b, 0, 1);
    w(&mut b, 1, 2);
    let four: [(&str, &[(u32, u32)]); 4] =
        [("0:none", &[(0, 2)]), ("1:all", &[(1, 2)]), ("2:w1", &[(2, 2)]), ("2:all", &[(2, 2)])];
    check(&b, "two writes without a flush", &four);

    let mut b = Build::blocks();
    let a = w(&mut b, 0, 1);
    b.done(a);
    let f = b.flush();
    b.done(f);
    w(&mut b, 1, 2);
    let rows: [(&str, &[(u32, u32)]); 3] =
        [("0:none", &[(0, 3)]), ("1:all", &[(1, 5)]), ("5:all", &[(5, 5)])];
    check(&b, "a write, a flush that covers it, a write", &rows);

    let mut b = Build::blocks();
    let a = w(&mut b, 0, 1);
    let f = b.flush();
    b.done(a);
    b.done(f);
    check(
        &b,
        "a flush that was submitted before the write completed",
        &[("0:none", &[(0, 4)]), ("1:all", &[(1, 4)])],
    );
}

#[test]
fn other_promises() {
    let mut b = Build::blocks();
    let a = b.write(at_block(0), &[1; 4096], false);
    b.done(a);
    let f = b.write(at_block(1), &[2; 4096], true);
    b.done(f);
    check(
        &b,
        "a FUA write is durable when it completes, what was before it is not",
        &[("0:none", &[(0, 3)]), ("1:all", &[(1, 3)]), ("3:w1", &[(3, 4)]), ("3:all", &[(3, 4)])],
    );

    let mut b = Build::new(Cache::WriteThrough, AtomicUnit::Block, Fua::Native);
    let a = b.write(at_block(0), &[1; 4096], false);
    b.done(a);
    b.write(at_block(1), &[2; 4096], false);
    check(
        &b,
        "without a cache completion is durability",
        &[("0:none", &[(0, 1)]), ("1:all", &[(1, 3)]), ("3:all", &[(3, 3)])],
    );

    let mut b = Build::new(Cache::Volatile, AtomicUnit::Block, Fua::Emulated);
    let a = b.write(at_block(0), &[1; 4096], true);
    b.done(a);
    check(&b, "a disk without FUA promises nothing for it", &[("0:none", &[(0, 2)]), ("1:all", &[(1, 2)])]);
}

#[test]
fn same_unit() {
    let mut b = Build::blocks();
    b.write(at_block(0), &[1; 4096], false);
    b.write(at_block(0), &[2; 4096], false);
    check(
        &b,
        "overwrites in flight: the base, the first or the second",
        &[("0:none", &[(0, 2)]), ("1:all", &[(1, 2)]), ("2:all", &[(2, 2)])],
    );

    let mut b = Build::blocks();
    b.write(at_block(0), &[1; 4096], false);
    let f = b.write(at_block(0), &[2; 4096], true);
    b.done(f);
    check(
        &b,
        "nothing older than the durable version survives",
        &[("0:none", &[(0, 2)]), ("1:all", &[(1, 2)]), ("2:all", &[(2, 3)])],
    );

    let mut b = Build::blocks();
    b.write(at_block(0), &[0; 4096], false);
    b.write(at_block(1), &[5; 4096], false);
    b.write(at_block(1), &[5; 4096], false);
    check(&b, "equal contents are one choice", &[("0:none", &[(0, 3)]), ("2:all", &[(2, 3)])]);

    let mut b = Build::blocks();
    for fill in [1, 0, 1] {
        let fua = b.write(at_block(0), &[fill; 4096], true);
        b.done(fua);
    }
    check(
        &b,
        "there and back: two images, each legal twice",
        &[("0:none", &[(0, 1), (3, 5)]), ("1:all", &[(1, 3), (5, 6)])],
    );
}

#[test]
fn torn_writes() {
    let mut b = Build::sectors();
    b.write(at_block(0), &[1; 4096], false);
    let (coverage, found) = explore_all(&b, &ENOUGH);
    assert_eq!(coverage, Coverage::Complete { states: 256 }, "eight sectors, each old or new");
    let ids: Vec<&str> = found.values().map(|(id, _, _)| id.as_str()).collect();
    for id in ["late@0:none", "late@1:all", "late@1:w0.3", "late@1:w0.1-7", "late@1:w0.0-2+7"] {
        assert!(ids.contains(&id), "{id} is among the 256");
    }

    let mut b = Build::sectors();
    let mut block = [0; 4096];
    block[512..600].fill(9);
    block[4095] = 9;
    b.write(at_block(1), &block, false);
    check(
        &b,
        "only sectors that differ can tear, and names stay short",
        &[("0:none", &[(0, 1)]), ("1:w0.1", &[(1, 1)]), ("1:w0.7", &[(1, 1)]), ("1:all", &[(1, 1)])],
    );
}

#[test]
fn what_is_lost_is_counted_at_the_first_moment() {
    let mut b = Build::blocks();
    b.write(at_block(0), &[1; 4096], false);
    b.write(at_block(1), &[2; 4096], false);
    let (_, found) = explore_all(&b, &ENOUGH);
    let lost: BTreeMap<String, u32> = found.into_values().map(|(id, _, lost)| (id, lost)).collect();
    let expected = [("late@0:none", 0), ("late@1:all", 0), ("late@2:w1", 1), ("late@2:all", 0)];
    assert_eq!(lost, expected.map(|(id, lost)| (id.to_owned(), lost)).into());
}

#[test]
fn ids_that_do_not_fit() {
    let mut b = Build::blocks();
    let a = b.write(at_block(0), &[1; 8192], false);
    b.done(a);
    let f = b.flush();
    b.done(f);
    b.write(at_block(0), &[2; 4096], false);
    let rows = [
        ("late@9:none", "the power is cut at moment 9, but the last moment of this run is 5"),
        ("late@5:w7", "w7 is named, but this run has 3 requests, counted from 0"),
        ("late@5:w2.1", "unit 1 of w2 is named, but it has 1 units, counted from 0"),
        ("late@4:w2", "w2 is not free to survive or not at moment 4: it was submitted later"),
        ("late@5:w0.1", "w0 is not free to survive or not at moment 5: it is durable, or older than what is"),
        ("late@5:w1", "w1 is not free to survive or not at moment 5: it is a flush, or was never submitted"),
        ("late@5:x2", "x2 is named, but there are 2 states at moment 5"),
    ];
    for (id, message) in rows {
        let error = image(&b.base, &b.log, &id.parse().unwrap()).map(|_| ()).unwrap_err();
        assert_eq!(error.to_string(), message, "{id}");
    }
    let wrong = [
        "",
        "late",
        "late@x:none",
        "soon@1:none",
        "late@1:",
        "late@1:w",
        "late@1:w3.2-1",
        "late@1:x",
        "late@+1:all",
    ];
    for text in wrong {
        assert!(text.parse::<CrashId>().is_err(), "{text:?} is no id");
    }
}

/// Twelve sectors and an epoch of 2^12 states, of which `max` are looked at.
fn sampled(max: u64, threads: usize) -> (Coverage, Vec<String>) {
    let mut b = Build::sectors();
    b.write(at_block(0), &[1; 4096], false);
    b.write(at_block(1), &[2; 2048], false);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    pool.install(|| {
        let mut ids = Vec::new();
        let bounds = Bounds { max_states: max, seed: 1 };
        let coverage = explore(&b.base, &b.log, Schedule::Late, &bounds, bytes, |state, image| {
            let id = state.id();
            assert!(crash::image(&b.base, &b.log, &id).unwrap().to_bytes() == image, "{id}");
            ids.push(id.to_string());
        });
        (coverage, ids)
    })
}

#[test]
fn a_sample_is_the_same_for_any_number_of_threads() {
    let (coverage, ids) = sampled(700, 1);
    assert_eq!(sampled(700, 3), (coverage.clone(), ids.clone()));
    let expected = "1 of 1 stretches between flushes is too large for 700 states; seed 1";
    assert_eq!(
        coverage,
        Coverage::Partial {
            explored: 700,
            total: BigUint::from(4096_u32),
            reason: expected.to_owned(),
            sampled: vec![Moment::new(0)..=Moment::new(2)],
        }
    );
    let mut distinct = ids.clone();
    distinct.sort();
    distinct.dedup();
    assert_eq!(distinct.len(), ids.len(), "no state comes twice");
    for corner in
        ["late@0:none", "late@2:all", "late@1:w0.0-2", "late@2:w1", "late@2:all,-w0.5", "late@2:w1.3"]
    {
        assert!(ids.iter().any(|id| id == corner), "{corner} is looked at first");
    }
    assert_eq!(sampled(4096, 3).0, Coverage::Complete { states: 4096 });
}

#[test]
fn draws_do_not_change_between_releases() {
    use rand_chacha::rand_core::SeedableRng;
    let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(42);
    rng.set_stream(3);
    let draws: Vec<u64> = [2, 3, 10, 1 << 40, u64::MAX, 1].map(|n| sample::below(&mut rng, n)).into();
    assert_eq!(draws, PINNED);
}

const PINNED: [u64; 6] = [0, 1, 7, 549_610_258_056, 3_695_120_897_353_116_743, 0];

#[test]
fn equal_contents_share_memory() {
    let mut b = Build::sectors();
    b.write(at_block(0), &[1; 4096], false);
    b.write(at_block(1), &[2; 512], false);
    let space = Space::of(&b.base, &b.log);
    let epoch = Epoch::new(&space, 0);
    let board = Board::new(&b.base, &epoch);
    let mut view = CrashView::new(&board);
    view.set_number(3);
    let first = view.read(BlockNr::new(0));
    let mut other = CrashView::new(&board);
    other.set_number(256 + 3);
    assert!(first.is_same(&other.read(BlockNr::new(0))), "the same two sectors of block 0 survived");
    assert!(!first.is_same(&{
        other.next();
        other.read(BlockNr::new(0))
    }));
    assert_eq!(space.states_at(Moment::new(2)), BigUint::from(512_u32));
}

#[test]
fn a_disk_that_was_never_written_is_one_state() {
    let b = Build::blocks();
    assert_eq!(Space::of(&b.base, &b.log).epochs(), 1);
    let id: CrashId = "prompt@0:all".parse().unwrap();
    assert_eq!(image(&b.base, &b.log, &id), Ok(DiskImage::new(2)));
}
