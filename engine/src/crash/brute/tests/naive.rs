//! A reference that follows the rules of the device event by event and enumerates every subset at every moment.

use super::logs::Build;
use super::{Bounds, Coverage, ENOUGH, Found, explore_all};
use crate::crash::{Choice, CrashId, Entry, Fate, Space};
use crate::device::{AtomicUnit, Cache, Event, Fua, Op};
use crate::schedule::Schedule;
use crate::units::{Lba, Moment, RequestIdx, Widen, len_u32};
use num_bigint::BigUint;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

/// For each image, the moments at which it is legal.
type Legal = BTreeMap<Vec<u8>, BTreeSet<u32>>;

/// A write on its way to the medium.
#[derive(Clone)]
struct Pending {
    request: RequestIdx,
    unit: usize,
    content: Vec<u8>,
    cached: bool,
}

/// The state of the device: what is durable, and what came after it, in order of submission.
struct Device {
    unit_bytes: usize,
    durable: Vec<Vec<u8>>,
    pending: Vec<Pending>,
    /// For each flush in progress, the writes that it covers.
    flushes: BTreeMap<RequestIdx, Vec<RequestIdx>>,
}

impl Device {
    fn submit(&mut self, request: RequestIdx, op: &Op) {
        match op {
            Op::Write { lba, data, .. } => {
                for (sector, bytes) in (lba.get()..).zip(data.chunks(512)) {
                    let byte = sector.index() * 512;
                    let (unit, at) = (byte / self.unit_bytes, byte % self.unit_bytes);
                    let newest = self.pending.iter().rev().find(|pending| pending.unit == unit);
                    let mut content = newest.map_or(&self.durable[unit], |pending| &pending.content).clone();
                    content[at..at + 512].copy_from_slice(bytes);
                    match self.pending.iter_mut().find(|it| it.unit == unit && it.request == request) {
                        Some(own) => own.content = content,
                        None => self.pending.push(Pending { request, unit, content, cached: false }),
                    }
                }
            }
            Op::Flush => {
                let cached = self.pending.iter().filter(|pending| pending.cached);
                self.flushes.insert(request, cached.map(|pending| pending.request).collect());
            }
        }
    }

    fn complete(&mut self, request: RequestIdx, op: &Op, build: &Build) {
        let disk = build.log.disk();
        match op {
            Op::Write { fua, .. }
                if disk.cache == Cache::WriteThrough || (*fua && disk.fua == Fua::Native) =>
            {
                self.harden(&[request]);
            }
            Op::Write { .. } => {
                for pending in self.pending.iter_mut().filter(|pending| pending.request == request) {
                    pending.cached = true;
                }
            }
            Op::Flush => {
                let covered = self.flushes.remove(&request).unwrap();
                self.harden(&covered);
            }
        }
    }

    fn harden(&mut self, requests: &[RequestIdx]) {
        for unit in 0..self.durable.len() {
            let ours = |pending: &Pending| pending.unit == unit && requests.contains(&pending.request);
            let Some(newest) = self.pending.iter().rposition(ours) else { continue };
            self.durable[unit] = self.pending[newest].content.clone();
            let mut at = 0;
            self.pending.retain(|pending| {
                at += 1;
                pending.unit != unit || at - 1 > newest
            });
        }
    }

    fn images(&self) -> BTreeSet<Vec<u8>> {
        let mut images = vec![Vec::new()];
        for (unit, durable) in self.durable.iter().enumerate() {
            let newer = self.pending.iter().filter(|it| it.unit == unit).map(|it| &it.content);
            let contents: BTreeSet<&Vec<u8>> = newer.chain([durable]).collect();
            let extend = |image: &Vec<u8>| -> Vec<Vec<u8>> {
                contents.iter().map(|content| [image.as_slice(), content].concat()).collect()
            };
            images = images.iter().flat_map(extend).collect();
        }
        images.into_iter().collect()
    }
}

fn naive(build: &Build) -> Legal {
    let unit_bytes = build.log.disk().atomic.bytes();
    let durable = build.base.to_bytes().chunks(unit_bytes).map(<[u8]>::to_vec).collect();
    let mut device = Device { unit_bytes, durable, pending: Vec::new(), flushes: BTreeMap::new() };
    let mut legal = Legal::new();
    let mut note = |moment: u32, device: &Device| {
        for image in device.images() {
            legal.entry(image).or_default().insert(moment);
        }
    };
    note(0, &device);
    for (moment, event) in (1..).zip(build.log.events()) {
        match event {
            Event::Submitted(request) => device.submit(*request, &build.log.request(*request).op),
            Event::Completed(request) => device.complete(*request, &build.log.request(*request).op, build),
        }
        note(moment, &device);
    }
    legal
}

/// The moments of each image that was found.
fn moments(found: &Found) -> Legal {
    let all = |ranges: &Vec<(u32, u32)>| ranges.iter().flat_map(|(from, to)| *from..=*to).collect();
    found.iter().map(|(image, (_, legal, _))| (image.clone(), all(legal))).collect()
}

/// Something that the host does: write sectors from .. from + len with a byte, flush, or see a completion.
#[derive(Clone, Debug)]
enum Act {
    Write { sector: u64, sectors: usize, fill: u8, fua: bool },
    Flush,
    Complete(prop::sample::Index),
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        3 => (0..6_u64, 1..3_usize, 0..3_u8, prop::bool::weighted(0.2))
            .prop_map(|(sector, sectors, fill, fua)| Act::Write { sector: sector + 5, sectors, fill, fua }),
        1 => Just(Act::Flush),
        4 => any::<prop::sample::Index>().prop_map(Act::Complete),
    ]
}

fn play(cache: Cache, atomic: AtomicUnit, fua: Fua, acts: &[Act]) -> Build {
    let mut build = Build::new(cache, atomic, fua);
    let mut open = Vec::new();
    for act in acts {
        match act {
            Act::Write { sector, sectors, fill, fua } => {
                open.push(build.write(Lba::new(*sector), &vec![*fill; sectors * 512], *fua));
            }
            Act::Flush => open.push(build.flush()),
            Act::Complete(which) if !open.is_empty() => {
                let request = open.remove(which.index(open.len()));
                build.done(request);
            }
            Act::Complete(_) => {}
        }
    }
    build
}

fn disk() -> impl Strategy<Value = (Cache, AtomicUnit, Fua)> {
    let cache = prop_oneof![4 => Just(Cache::Volatile), 1 => Just(Cache::WriteThrough)];
    let atomic = prop_oneof![3 => Just(AtomicUnit::Sector), 1 => Just(AtomicUnit::Block)];
    (cache, atomic, prop_oneof![4 => Just(Fua::Native), 1 => Just(Fua::Emulated)])
}

fn id() -> impl Strategy<Value = CrashId> {
    let range = (0..50_u32, 0..5_u32).prop_map(|(from, more)| from..=from + more);
    let entry = (any::<bool>(), any::<u32>(), prop::collection::vec(range, 0..3)).prop_map(
        |(lost, request, units)| {
            let fate = if lost { Fate::Lost } else { Fate::Survived };
            Entry { fate, request: RequestIdx::new(request), units }
        },
    );
    let entries = prop::collection::vec(entry, 0..4);
    let choice = prop_oneof![
        entries.clone().prop_map(Choice::NoneBut),
        entries.prop_map(Choice::AllBut),
        prop::collection::vec(any::<u32>(), 0..4).prop_map(|digits| Choice::Number(BigUint::new(digits))),
    ];
    (prop::sample::select(Schedule::ALL.to_vec()), any::<u32>(), choice)
        .prop_map(|(schedule, moment, choice)| CrashId { schedule, moment: Moment::new(moment), choice })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(400) })]

    #[test]
    fn agrees_with_the_reference((cache, atomic, fua) in disk(), acts in prop::collection::vec(act(), 0..14)) {
        let build = play(cache, atomic, fua, &acts);
        let space = Space::of(&build.base, &build.log);
        let most = (0..=space.last().get()).map(|moment| space.states_at(Moment::new(moment))).max();
        prop_assume!(most.is_some_and(|most| most <= BigUint::from(2000_u32)));
        let legal = naive(&build);
        let (coverage, found) = explore_all(&build, &ENOUGH);
        prop_assert_eq!(&coverage, &Coverage::Complete { states: u64::try_from(legal.len()).unwrap() });
        prop_assert!(moments(&found) == legal, "images or moments differ");
        for moment in 0..=space.last().get() {
            let here = legal.values().filter(|moments| moments.contains(&moment)).count();
            prop_assert_eq!(space.states_at(Moment::new(moment)), BigUint::from(here));
        }

        // A part of them is a subset with the same moments and names, and the total is what the whole has.
        let bounds = Bounds { max_states: u64::try_from(legal.len()).unwrap() / 2, seed: 3 };
        let (coverage, part) = explore_all(&build, &bounds);
        prop_assert!(part.iter().all(|(image, state)| found.get(image) == Some(state)));
        match coverage {
            Coverage::Partial { explored, total, .. } => {
                prop_assert_eq!(explored.index(), part.len());
                prop_assert!(explored <= bounds.max_states);
                prop_assert_eq!(total, BigUint::from(len_u32(legal.len())));
            }
            Coverage::Complete { .. } => prop_assert!(false, "half is not all"),
        }
    }

    #[test]
    fn names_are_read_back(id in id()) {
        prop_assert_eq!(id.to_string().parse(), Ok(id));
    }
}
