//! Hand-made runs on a toy file system, small enough to count by hand.
//!
//! Block `n` of the toy is the file `/fn` with inode `10 + n`, 4096 bytes long; it is missing where the block is
//! zeros. A block that starts with `X` makes the whole disk unmountable.

use super::*;
use crate::crash::Coverage;
use crate::device::{
    AtomicUnit, Cache, Cause, DeviceLog, DiskImage, DiskModel, Event, Fua, Media, Op, Origin, Question,
    Request, Step as Reading, Why,
};
use crate::history::{InMemory, StepRecord, Way};
use crate::oracle::{Entry, FileShape, Mounted, Observation};
use crate::recovery::{RepairNeeded, Source};
use crate::report::{Judgement, Outcome, Shown, Verdict};
use crate::scenario::{
    Call, Checksums, DataMode, DiskOptions, Expectation, Kernel, Mkfs, Mount, Predicate, Quantifier,
    Recoverer, Stack, Step, Wanted,
};
use crate::units::{
    BLOCK_BYTES, Block, BlockNr, FileBlock, Ino, RequestIdx, SECTOR_BYTES, StepIdx, Tid, Time, Widen, len_u32,
};
use num_bigint::BigUint;
use std::collections::BTreeMap;

mod large;

const BLOCKS: u64 = 16;

/// A run being made up.
struct Toy {
    log: DeviceLog,
    steps: Vec<StepRecord>,
    base: DiskImage,
}

impl Toy {
    fn new(atomic: AtomicUnit) -> Self {
        let model = DiskModel { blocks: BLOCKS, cache: Cache::Volatile, atomic, fua: Fua::Emulated };
        Self { log: DeviceLog::new(model), steps: Vec::new(), base: DiskImage::new(BLOCKS) }
    }

    /// Fills a block.
    fn write(&mut self, block: u32, bytes: &[u8]) -> RequestIdx {
        let lba = BlockNr::new(block.into()).first_lba();
        let why = Why::Data { ino: Ino::new(10 + block), from: FileBlock::new(0), blocks: 1 };
        self.submit(Op::Write { lba, data: bytes.into(), fua: false }, why)
    }

    fn flush(&mut self) {
        let flush = self.submit(Op::Flush, Why::FlushOfSync);
        self.log.complete(flush);
    }

    fn submit(&mut self, op: Op, why: Why) -> RequestIdx {
        let step = StepIdx::new(len_u32(self.steps.len()));
        self.log.submit(Request { op, cause: Cause { step, origin: Origin::Call, why } })
    }

    fn written(&mut self, block: u32, letter: u8) {
        let write = self.write(block, &[letter; BLOCK_BYTES]);
        self.log.complete(write);
    }

    fn returns(&mut self) {
        self.steps.push(StepRecord {
            returned: Returned::Value(0),
            at: self.log.now(),
            called: Time::from_secs(0),
            facts: Vec::new(),
            way: Way::new(),
            in_memory: InMemory::default(),
        });
    }

    fn trace(self, schedule: Schedule) -> Trace {
        Trace { schedule, base: self.base, log: self.log, history: History { steps: self.steps } }
    }
}

/// What a block of the toy is, as far as its reader asks.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Zeros,
    Broken,
    File,
}

struct AskKind;

impl Question for AskKind {
    type Answer = Kind;
    fn answer(&self, content: &Block) -> Kind {
        match content.bytes().iter().find(|byte| **byte != 0) {
            Some(b'X') => Kind::Broken,
            Some(_) => Kind::File,
            None => Kind::Zeros,
        }
    }
}

/// Reads the toy, one block a step.
#[derive(Clone, Default)]
struct Toys {
    read: u32,
    entries: BTreeMap<String, Entry<FileShape>>,
}

impl Reader for Toys {
    type Found = Outline;

    fn step<M: Media>(self, disk: &mut M) -> Reading<Self, Outline> {
        let mut next = self;
        next.read += 1;
        let n = next.read;
        if n == len_u32(BLOCKS.index()) {
            return Reading::Done(Observation::Mounted(Mounted {
                entries: next.entries,
                repairs: Vec::new(),
                repair: RepairNeeded::None,
                attributes: BTreeMap::new(),
            }));
        }
        let block = BlockNr::new(n.into());
        match disk.ask(block, &AskKind) {
            Kind::Zeros => {}
            Kind::Broken => {
                return Reading::Done(Observation::Unmountable {
                    why: "there is an X".to_owned(),
                    repair: RepairNeeded::Manual,
                });
            }
            Kind::File => {
                let blocks = vec![(FileBlock::new(0), Source::Disk(block))];
                let file = FileShape { ino: Ino::new(10 + n), size_bytes: 4096, blocks };
                next.entries.insert(format!("/f{n}"), Entry::File(file));
            }
        }
        Reading::GoOn(next)
    }
}

fn judged(scenario: &Scenario, runs: &[DistinctRun], bounds: &Bounds) -> Report {
    judge(scenario, runs, bounds, &Toys::default(), &|_| {})
}

/// A program of so many calls, of which some are marks.
fn scenario(steps: usize, marks: &[(usize, &str)], expect: Vec<Expectation>) -> Scenario {
    let step = |at: usize| {
        let mark = marks.iter().find(|(step, _)| *step == at);
        let call = mark.map_or(Call::Sync, |(_, name)| Call::Mark { name: (*name).into() });
        Step { call, wanted: Wanted::Success, line: 0, text: String::new() }
    };
    let mkfs = Mkfs {
        blocks: BLOCKS,
        journal_blocks: None,
        metadata_csum: Checksums::None,
        inodes: 16,
        ..Mkfs::default()
    };
    let mount = Mount {
        data: DataMode::Ordered,
        delalloc: true,
        dioread_nolock: true,
        auto_da_alloc: true,
        barrier: true,
        commit_secs: 5,
        ..Mount::default()
    };
    let disk = DiskOptions::default();
    Scenario {
        title: "toy".to_owned(),
        about: String::new(),
        tags: Vec::new(),
        stack: Stack {
            kernel: Kernel::V6_6,
            mkfs,
            image: None,
            mount,
            disk,
            recovery: Recoverer::SameKernel,
        },
        setup: Vec::new(),
        steps: (0..steps).map(step).collect(),
        expect,
    }
}

fn expectation(
    quantifier: Quantifier,
    window: (Option<&str>, Option<&str>),
    holds: Predicate,
) -> Expectation {
    let mark = |name: Option<&str>| name.map(Into::into);
    Expectation {
        quantifier,
        after: mark(window.0),
        before: mark(window.1),
        holds,
        line: 7,
        text: "it".to_owned(),
    }
}

fn exists(path: &str) -> Predicate {
    Predicate::Exists(path.to_owned())
}

fn missing(path: &str) -> Predicate {
    Predicate::Missing(path.to_owned())
}

const ALL: Bounds = Bounds { max_leaves: 10_000, draws: 100, seed: 1 };

/// `open` does nothing, `write` writes /f1, `fsync` writes /f2 and flushes, `mark` does nothing.
fn prompt() -> Trace {
    let mut toy = Toy::new(AtomicUnit::Block);
    toy.returns();
    toy.written(1, b'a');
    toy.returns();
    toy.written(2, b'b');
    toy.flush();
    toy.returns();
    toy.returns();
    toy.trace(Schedule::Prompt)
}

/// The same program, but /f1 is written during `fsync`, behind /f2.
fn late() -> Trace {
    let mut toy = Toy::new(AtomicUnit::Block);
    toy.returns();
    toy.returns();
    toy.written(2, b'b');
    toy.written(1, b'a');
    toy.flush();
    toy.returns();
    toy.returns();
    toy.trace(Schedule::Late)
}

/// An outcome in short: the tree, the number of images, the schedules.
fn short(outcome: &Outcome) -> String {
    let entry = |(path, shown): (&String, &Shown)| match shown {
        Shown::Text(text) => format!("{path}={text}"),
        Shown::Units { size_bytes, units, all } => {
            let unit = |unit: &crate::report::Choices| {
                format!("{}+{}:{}", unit.at, unit.len_bytes, unit.any.join("|"))
            };
            let some = if *all { "" } else { "!" };
            format!("{path}={size_bytes}{some}[{}]", units.iter().map(unit).collect::<Vec<_>>().join(","))
        }
    };
    let tree: Vec<String> = outcome.tree.iter().map(entry).collect();
    let schedules: Vec<&str> = outcome.schedules.iter().map(|schedule| schedule.name()).collect();
    format!("{{{}}} {} {}", tree.join(" "), outcome.images, schedules.join("+"))
}

fn windows(report: &Report) -> Vec<Vec<String>> {
    report.windows.iter().map(|window| window.outcomes.iter().map(short).collect()).collect()
}

#[test]
fn what_a_crash_in_each_window_leaves() {
    let check = |name: &str, traces: Vec<Trace>, images: u64, expected: &[&[&str]]| {
        let report = judged(&scenario(4, &[], vec![]), &distinct(traces), &ALL);
        assert_eq!(windows(&report), expected, "{name}");
        assert_eq!(report.images, BigUint::from(images), "{name}");
        assert_eq!(report.verdict, Verdict::Holds, "{name}");
    };
    // After `fsync` began nothing is durable until the flush completes: any subset of /f1 and /f2.
    check(
        "one run",
        vec![prompt()],
        4,
        &[
            &["{} 1 prompt"],
            &["{} 1 prompt", "{/f1=a*4096} 1 prompt"],
            &[
                "{} 1 prompt",
                "{/f1=a*4096} 1 prompt",
                "{/f1=a*4096 /f2=b*4096} 1 prompt",
                "{/f2=b*4096} 1 prompt",
            ],
            &["{/f1=a*4096 /f2=b*4096} 1 prompt"],
            &["{/f1=a*4096 /f2=b*4096} 1 prompt"],
        ],
    );
    let mut same = prompt();
    same.schedule = Schedule::Late;
    check(
        "two schedules, one run",
        vec![prompt(), same],
        4,
        &[
            &["{} 1 prompt+late"],
            &["{} 1 prompt+late", "{/f1=a*4096} 1 prompt+late"],
            &[
                "{} 1 prompt+late",
                "{/f1=a*4096} 1 prompt+late",
                "{/f1=a*4096 /f2=b*4096} 1 prompt+late",
                "{/f2=b*4096} 1 prompt+late",
            ],
            &["{/f1=a*4096 /f2=b*4096} 1 prompt+late"],
            &["{/f1=a*4096 /f2=b*4096} 1 prompt+late"],
        ],
    );
    // Late, the second window has written nothing; images that both runs lead to are counted once.
    check(
        "two runs",
        vec![prompt(), late()],
        4,
        &[
            &["{} 1 prompt+late"],
            &["{} 1 prompt+late", "{/f1=a*4096} 1 prompt"],
            &[
                "{} 1 prompt+late",
                "{/f1=a*4096} 1 prompt+late",
                "{/f1=a*4096 /f2=b*4096} 1 prompt+late",
                "{/f2=b*4096} 1 prompt+late",
            ],
            &["{/f1=a*4096 /f2=b*4096} 1 prompt+late"],
            &["{/f1=a*4096 /f2=b*4096} 1 prompt+late"],
        ],
    );
}

/// Verdict, how many images decide it, of how many.
fn summary(judged: &Judgement) -> (Verdict, u64, u64) {
    let number = |number: &BigUint| u64::try_from(number).unwrap();
    (judged.verdict, number(&judged.decisive), number(&judged.images))
}

#[test]
fn expectations_are_judged_over_their_windows() {
    use Quantifier::{Always, Never, Sometimes};
    // mark "written" is step 2, mark "synced" is step 4.
    let run = || {
        let mut toy = Toy::new(AtomicUnit::Block);
        toy.returns();
        toy.written(1, b'a');
        toy.returns();
        toy.returns();
        toy.written(2, b'b');
        toy.flush();
        toy.returns();
        toy.returns();
        toy.trace(Schedule::Prompt)
    };
    let marks = [(2, "written"), (4, "synced")];
    let (holds, violated) = (Verdict::Holds, Verdict::Violated);
    let check = |name: &str, quantifier, window, claim: Predicate, expected: (Verdict, u64, u64)| {
        let scenario = scenario(5, &marks, vec![expectation(quantifier, window, claim)]);
        let report = judged(&scenario, &distinct(vec![run()]), &ALL);
        assert_eq!(summary(&report.expectations[0]), expected, "{name}");
        assert_eq!(report.verdict, expected.0, "{name}");
        let speaks_against = |outcome: &Outcome| outcome.violates.contains(&0);
        let blamed = report.windows.iter().flat_map(|window| window.outcomes.iter()).any(speaks_against);
        assert_eq!(blamed, expected.0 == violated && quantifier != Sometimes, "{name}: outcomes are blamed");
    };
    let everywhere = (None, None);
    check("lost at first", Always, everywhere, exists("/f1"), (violated, 2, 4));
    check("always there at last", Always, (Some("synced"), None), exists("/f1"), (holds, 0, 1));
    check("not yet durable", Always, (Some("written"), None), exists("/f1"), (violated, 2, 4));
    check("between the marks", Always, (Some("written"), Some("synced")), exists("/f1"), (violated, 2, 4));
    check("before the write returned", Never, (None, Some("written")), exists("/f2"), (holds, 0, 2));
    check("the sync is behind the mark", Never, (None, Some("synced")), exists("/f2"), (violated, 2, 4));
    check(
        "sometimes only the second",
        Sometimes,
        everywhere,
        Predicate::All(vec![exists("/f2"), missing("/f1")]),
        (holds, 1, 4),
    );
    check("too late to be missing", Sometimes, (Some("synced"), None), missing("/f2"), (violated, 0, 1));
    check("nothing lies between", Always, (Some("synced"), Some("written")), exists("/no"), (holds, 0, 0));
}

#[test]
fn a_witness_lost_the_fewest_writes_and_is_explained() {
    let only_second = Predicate::All(vec![exists("/f2"), missing("/f1")]);
    let expect = vec![expectation(Quantifier::Never, (None, None), only_second)];
    let runs = distinct(vec![prompt()]);
    let report = judged(&scenario(4, &[], expect), &runs, &ALL);
    let case = report.expectations[0].case.clone().unwrap();
    // Events: 0 and 1 write /f1, 2 and 3 write /f2, 4 and 5 flush. Legal from moment 3 on, when /f2 may survive.
    assert_eq!(case.witness.id.to_string(), "prompt@3:w1");
    assert_eq!(case.after, Some(StepIdx::new(1)));
    let story = case.witness.story.unwrap();
    assert_eq!(story.lost, ["data of /f1 (inode 11), block 0"]);
    assert_eq!(story.survived, ["data of /f2 (inode 12), block 0"]);
    assert_eq!(story.next.as_deref(), Some("flush that ends the sync"));
}

/// Nothing reaches the disk, before the mark or behind it.
fn idle(memory: &InMemory) -> Trace {
    let mut toy = Toy::new(AtomicUnit::Block);
    for _ in 0..3 {
        toy.returns();
    }
    let mut trace = toy.trace(Schedule::Prompt);
    trace.history.steps[1].in_memory = memory.clone();
    trace
}

#[test]
fn a_case_lies_in_the_window_and_tells_what_was_in_memory() {
    let memory = InMemory { transaction: Some(Tid::new(6)), dirty: vec![Ino::new(12)] };
    let words = ["transaction 6, not committed", "data of inode 12, never submitted"];
    let check = |name: &str, after: Option<&str>, wanted: Option<u32>, in_memory: &[&str]| {
        let expect = vec![expectation(Quantifier::Always, (after, None), exists("/f1"))];
        let report = judged(&scenario(3, &[(1, "m")], expect), &distinct(vec![idle(&memory)]), &ALL);
        let case = report.expectations[0].case.clone().unwrap();
        assert_eq!(case.after, wanted.map(StepIdx::new), "{name}");
        assert_eq!(case.in_memory, in_memory, "{name}");
        assert!(!case.under_way, "{name}");
        assert_eq!(case.witness.story.unwrap().next, None, "{name}: legal at the end too");
    };
    check("all windows are alike, and the first of the expectation's is named", Some("m"), Some(1), &words);
    check("no mark: the very first", None, None, &[]);
}

#[test]
fn what_is_found_instead_is_told() {
    let expect = vec![
        expectation(Quantifier::Sometimes, (None, None), exists("/f7")),
        expectation(Quantifier::Sometimes, (Some("end"), None), exists("/f7")),
        expectation(Quantifier::Always, (None, None), exists("/f7")),
    ];
    let report = judged(&scenario(4, &[(3, "end")], expect), &distinct(vec![prompt()]), &ALL);
    let found = |at: usize| -> Vec<Vec<String>> {
        let trees = report.expectations[at].instead.iter();
        trees.map(|tree| tree.keys().cloned().collect()).collect()
    };
    assert_eq!(found(0).len(), 4, "neither, either, both");
    assert_eq!(found(1), [["/f1", "/f2"]], "only what its window holds");
    assert!(found(2).is_empty(), "a case says it");
    assert!(report.expectations.iter().all(|judged| judged.more_instead == 0));
}

#[test]
fn an_early_witness_is_judged_by_what_its_window_lost() {
    // /f2 is missing on the empty disk too, which had lost nothing at the start; but behind the mark both writes
    // are lost on it, and only one is lost where /f1 is there.
    let mut toy = Toy::new(AtomicUnit::Block);
    toy.written(1, b'a');
    toy.written(2, b'b');
    toy.returns();
    toy.returns();
    let expect = vec![expectation(Quantifier::Never, (Some("m"), None), missing("/f2"))];
    let runs = distinct(vec![toy.trace(Schedule::Prompt)]);
    let report = judged(&scenario(2, &[(1, "m")], expect), &runs, &ALL);
    let case = report.expectations[0].case.clone().unwrap();
    let story = case.witness.story.unwrap();
    assert_eq!(story.lost, ["data of /f2 (inode 12), block 0"]);
    assert_eq!(story.survived, ["data of /f1 (inode 11), block 0"]);
    assert_eq!(story.next, None);
}

#[test]
fn mounting_is_expected_unless_the_scenario_speaks_of_it() {
    let run = || {
        let mut toy = Toy::new(AtomicUnit::Block);
        toy.written(1, b'X');
        toy.returns();
        distinct(vec![toy.trace(Schedule::Prompt)])
    };
    let check = |expect: Vec<Expectation>, verdict, wanted: &[(Option<u32>, &str, Verdict)]| {
        let report = judged(&scenario(1, &[], expect), &run(), &ALL);
        assert_eq!(report.verdict, verdict);
        let found: Vec<_> = report
            .expectations
            .iter()
            .map(|judged| (judged.line, judged.text.as_str(), judged.verdict))
            .collect();
        assert_eq!(found, wanted);
        assert_eq!(windows(&report)[0], ["{} 1 prompt", "{!=mount failed: there is an X} 1 prompt"]);
    };
    let (holds, violated) = (Verdict::Holds, Verdict::Violated);
    check(vec![], violated, &[(None, "always(mounts)", violated)]);
    let sometimes = expectation(Quantifier::Sometimes, (None, None), Predicate::Mounts);
    check(vec![sometimes], holds, &[(Some(7), "it", holds)]);
}

#[test]
fn what_was_not_looked_at_is_not_known() {
    use Quantifier::{Always, Never, Sometimes};
    // Twelve free blocks are 4096 leaves, of which a few are followed to their end.
    let run = || {
        let mut toy = Toy::new(AtomicUnit::Block);
        (1..=12).for_each(|block| toy.written(block, b'a'));
        toy.returns();
        distinct(vec![toy.trace(Schedule::Prompt)])
    };
    let check = |name: &str, quantifier, claim: Predicate, expected| {
        let scenario = scenario(1, &[], vec![expectation(quantifier, (None, None), claim)]);
        let few = Bounds { max_leaves: 5, draws: 5, seed: 1 };
        let report = judged(&scenario, &run(), &few);
        assert_eq!(report.expectations[0].verdict, expected, "{name}");
        assert_eq!(
            report.verdict,
            expected.max(Verdict::Inconclusive),
            "{name}: always(mounts) is not known"
        );
        assert!(matches!(report.coverage, Coverage::Partial(_)), "{name}");
        assert_eq!(report.images, BigUint::from(4096_u32), "{name}: all images are counted");
    };
    check("nothing speaks against it", Always, missing("/f13"), Verdict::Inconclusive);
    check("not met yet", Sometimes, exists("/f13"), Verdict::Inconclusive);
    check("never met yet", Never, exists("/f13"), Verdict::Inconclusive);
    check("a counterexample is one", Always, exists("/f12"), Verdict::Violated);
    check("an example is one", Sometimes, exists("/f12"), Verdict::Holds);
    check("met", Never, exists("/f12"), Verdict::Violated);
}

/// A block whose sectors start with these letters; `.` is a sector of zeros.
fn sectors(letters: &str) -> Vec<u8> {
    letters.bytes().flat_map(|letter| [if letter == b'.' { 0 } else { letter }; SECTOR_BYTES]).collect()
}

#[test]
fn free_units_are_listed_and_not_multiplied() {
    let check =
        |name: &str, base: &str, blocks: &[(u32, &str)], outcomes: usize, first: &str, images: u64| {
            let mut toy = Toy::new(AtomicUnit::Sector);
            for (block, _) in blocks {
                toy.base.write(BlockNr::new((*block).into()).first_lba(), &sectors(base));
            }
            for (block, letters) in blocks {
                let write = toy.write(*block, &sectors(letters));
                toy.log.complete(write);
            }
            toy.returns();
            let runs = distinct(vec![toy.trace(Schedule::Prompt)]);
            let report = judged(&scenario(1, &[], vec![]), &runs, &ALL);
            let window = &report.windows[0];
            assert_eq!(window.outcomes.len(), outcomes, "{name}");
            assert_eq!(short(&window.outcomes[0]), first, "{name}");
            assert_eq!(
                window.outcomes.iter().map(|outcome| &outcome.images).sum::<BigUint>(),
                BigUint::from(images),
                "{name}"
            );
        };
    let units = |letters: &[&str]| {
        let unit = |(at, any): (usize, &&str)| {
            let any: Vec<String> = any.chars().map(|letter| format!("{letter}*512")).collect();
            format!("{}+512:{}", at * 512, any.join("|"))
        };
        format!("4096[{}]", letters.iter().enumerate().map(unit).collect::<Vec<_>>().join(","))
    };
    check("16 are listed", "aaaaaaaa", &[(1, "bcdeaaaa")], 16, "{/f1=a*1024 d*512 a*2560} 1 prompt", 16);
    let eight = units(&["ab", "ac", "ad", "ae", "af", "ag", "ah", "ai"]);
    check("256", "aaaaaaaa", &[(1, "bcdefghi")], 1, &format!("{{/f1={eight}}} 256 prompt"), 256);
    let five = "4096[0+512:a*512|b*512,512+512:a*512|c*512,1024+512:a*512|d*512,1536+512:a*512|e*512,\
                2048+512:a*512|f*512,2560+1536:a*1536]";
    check(
        "the same neighbours are one",
        "aaaaaaaa",
        &[(1, "bcdefaaa")],
        1,
        &format!("{{/f1={five}}} 32 prompt"),
        32,
    );
    let both = format!("{{/f1={five} /f2={five}}} 1024 prompt");
    check("two files", "aaaaaaaa", &[(1, "bcdefaaa"), (2, "bcdefaaa")], 1, &both, 1024);
    // The same block written twice: each sector is a, b or c, but where the second write brings a there are two.
    let twice =
        "4096[0+512:a*512|b*512|c*512,512+512:a*512|b*512|c*512,1024+512:a*512|b*512|c*512,1536+2560:a*2560]";
    let versions = [(1, "bbbaaaaa"), (1, "cccaaaaa")];
    check("three versions", "aaaaaaaa", &versions, 1, &format!("{{/f1={twice}}} 27 prompt"), 27);
    // One of the 32 is the missing file, so the others are no product.
    check("not a product", "........", &[(1, "bcdef...")], 2, "{} 1 prompt", 32);
}

#[test]
fn requests_belong_to_their_steps() {
    let report = judged(&scenario(4, &[(3, "m")], vec![]), &distinct(vec![prompt(), late()]), &ALL);
    let traffic: Vec<_> = report
        .steps
        .iter()
        .map(|step| step.traffic.iter().map(|run| (run.written(), run.flushes)).collect::<Vec<_>>())
        .collect();
    assert_eq!(traffic, [[(0, 0), (0, 0)], [(1, 0), (0, 0)], [(1, 1), (2, 1)], [(0, 0), (0, 0)]]);
    assert_eq!(
        report.steps.iter().map(|step| step.name).collect::<Vec<_>>(),
        ["sync", "sync", "sync", "mark"]
    );
    let submitted = prompt().log.events().iter().filter(|event| matches!(event, Event::Submitted(_))).count();
    assert_eq!(submitted, 3);
}
