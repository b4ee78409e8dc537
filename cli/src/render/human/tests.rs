//! Reports of a made-up run, as people see them: read the snapshots.
//!
//! The toy disk holds the data of a file in block 1 and a commit block in block 2. Without the commit block `/conf`
//! is old; with it, it is what block 1 holds.

use super::*;
use crate::render::json::Json;
use crate::render::trace::Part;
use unplug::check::{DistinctRun, distinct, judge};
use unplug::crash::Bounds;
use unplug::device::{
    AtomicUnit, Cache, Cause, DeviceLog, DiskImage, DiskModel, Fua, Media, Op, Origin, Question, Reader,
    Request, Step as Reading, Why,
};
use unplug::history::{Errno, History, InMemory, Returned, StepRecord, Way};
use unplug::oracle::{Entry, FileShape, Mounted, Observation, Outline};
use unplug::recovery::{RepairNeeded, Source};
use unplug::scenario::{Scenario, parse};
use unplug::schedule::Schedule;
use unplug::stack::{Place, StepError, Trace};
use unplug::units::{Block, BlockNr, FileBlock, Ino, StepIdx, Tid, Time};

const SCENARIO: &str = r#"(
    title: "Replace by truncating and rewriting",
    steps: [
        open(fd: "f", path: "/conf", flags: [O_WRONLY, O_CREAT, O_TRUNC]),
        write("f", repeat("n", 4096)),
        mark("written"),
        fsync("f"),
        mark("synced"),
        close("f"),
    ],
    expect: [
        always(any([content("/conf", "old"), content("/conf", repeat("n", 4096))])),
        always(after: "synced", holds: content("/conf", repeat("n", 4096))),
        sometimes(after: "written", before: "synced", holds: content("/conf", "old")),
        sometimes(missing("/conf")),
    ],
)"#;

/// Whether the data is flushed before the commit block is written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Order {
    Flushed,
    Mixed,
}

/// When the commit block is written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Start {
    AtFsync,
    AtWrite,
}

fn run(schedule: Schedule, order: Order, start: Start) -> Trace {
    let model =
        DiskModel { blocks: 8, cache: Cache::Volatile, atomic: AtomicUnit::Block, fua: Fua::Emulated };
    let mut log = DeviceLog::new(model);
    let mut steps = Vec::new();
    for step in 0..6 {
        let mut ask = |op: Op, why: Why| {
            let cause = Cause { step: StepIdx::new(step), origin: Origin::Call, why };
            let idx = log.submit(Request { op, cause });
            log.complete(idx);
        };
        let write = |block: u64, letter: u8| Op::Write {
            lba: BlockNr::new(block).first_lba(),
            data: [letter; 4096].as_slice().into(),
            fua: false,
        };
        if (step, start) == (1, Start::AtWrite) || (step, start) == (3, Start::AtFsync) {
            ask(write(1, b'n'), Why::Data { ino: Ino::new(12), from: FileBlock::new(0), blocks: 1 });
        }
        if step == 3 {
            if order == Order::Flushed {
                ask(Op::Flush, Why::FlushBeforeCommit(Tid::new(2)));
            }
            ask(write(2, b'c'), Why::Commit(Tid::new(2)));
            ask(Op::Flush, Why::FlushForFua);
        }
        steps.push(StepRecord {
            returned: Returned::Value(0),
            at: log.now(),
            called: Time::from_secs(0),
            facts: Vec::new(),
            way: Way::new(),
            in_memory: InMemory::default(),
        });
    }
    Trace { schedule, base: DiskImage::new(8), log, history: History { steps } }
}

/// Is there a commit block?
struct AskCommit;

impl Question for AskCommit {
    type Answer = bool;
    fn answer(&self, content: &Block) -> bool {
        content.bytes()[0] != 0
    }
}

/// Reads the toy disk.
#[derive(Clone)]
struct Toy;

impl Reader for Toy {
    type Found = Outline;

    fn step<M: Media>(self, disk: &mut M) -> Reading<Self, Outline> {
        let committed = disk.ask(BlockNr::new(2), &AskCommit);
        let old = Source::Kept(Block::starting_with(b"old"));
        let (size, source) = if committed { (4096, Source::Disk(BlockNr::new(1))) } else { (3, old) };
        let file = |ino, size_bytes, source| {
            Entry::File(FileShape {
                ino: Ino::new(ino),
                size_bytes,
                blocks: vec![(FileBlock::new(0), source)],
            })
        };
        let entries = [
            ("/conf", file(12, size, source)),
            ("/d", Entry::Directory(Ino::new(13))),
            ("/other", file(14, 2, Source::Kept(Block::starting_with(b"hi")))),
        ];
        let entries = entries.into_iter().map(|(path, entry)| (path.to_owned(), entry)).collect();
        let (repair, attributes) = (RepairNeeded::None, [].into());
        Reading::Done(Observation::Mounted(Mounted { entries, repairs: Vec::new(), repair, attributes }))
    }
}

fn scenario() -> Scenario {
    parse(SCENARIO).unwrap()
}

fn report(runs: &[DistinctRun]) -> Report {
    judge(&scenario(), runs, &Bounds::default(), &Toy, &|_| {})
}

/// As if something had been left out.
fn sampled(report: Report) -> Report {
    let reason = "7 paths were not followed to their end after 2 leaves".to_owned();
    let (left, of) = (1_u32.into(), 8_u32.into());
    let levels = unplug::crash::Levels::default();
    let partial = Partial { reason, left, of, draws: 3000, levels };
    let coverage = Coverage::Partial(Box::new(partial));
    let mut report = Report { coverage, verdict: Verdict::Inconclusive, ..report };
    for judged in &mut report.expectations {
        judged.verdict = Verdict::Inconclusive;
        judged.case = None;
        judged.undecided = Some(unplug::report::Undecided::Sampled);
    }
    if let Some(first) = report.expectations.first_mut() {
        first.undecided = Some(unplug::report::Undecided::TooMany { drawn: 3000 });
    }
    report
}

/// Both schedules, one of which writes the data early.
fn violated() -> Report {
    let traces = vec![
        run(Schedule::Prompt, Order::Mixed, Start::AtWrite),
        run(Schedule::Late, Order::Mixed, Start::AtFsync),
    ];
    report(&distinct(traces))
}

/// A run that waits for the data; only the expectation that must fail does.
fn flushed() -> Report {
    let traces = [Schedule::Prompt, Schedule::Late].map(|one| run(one, Order::Flushed, Start::AtFsync));
    report(&distinct(traces.into()))
}

fn people() -> Human {
    Human::new(Detail::Reports, Named::ByFile, Digits::Few)
}

fn check(name: &str, text: &str) {
    insta::with_settings!({
        snapshot_path => concat!(env!("CARGO_MANIFEST_DIR"), "/../snapshots/report"),
        prepend_module_to_snapshot => false,
        omit_expression => true,
    }, {
        insta::assert_snapshot!(name, text);
    });
}

fn plain(text: &str) -> String {
    anstream::adapter::strip_str(text).to_string()
}

fn print(results: Vec<(&str, Result<Report, Trouble>)>, mut renderer: impl Renderer) -> String {
    let mut text = String::new();
    for (file, result) in results {
        text += &renderer.scenario(Path::new(file), &[result]);
    }
    plain(&(text + &renderer.end()))
}

fn trouble() -> Trouble {
    let message = "open returned ENOENT (No such file or directory), and 0 was expected".to_owned();
    let error = StepError { place: Place::Step(StepIdx::new(0)), message, help: None };
    Trouble::Step {
        title: "Another".to_owned(),
        kernel: Kernel::default(),
        at: "line 4, step 1, open(…)".to_owned(),
        error,
    }
}

#[test]
fn for_people() {
    check("violated", &print(vec![("a folder/conf's.ron", Ok(violated()))], people()));
    check("flushed", &print(vec![("conf.ron", Ok(flushed()))], people()));
    let traces = vec![
        run(Schedule::Prompt, Order::Flushed, Start::AtFsync),
        run(Schedule::Late, Order::Mixed, Start::AtFsync),
    ];
    check("one-schedule", &print(vec![("conf.ron", Ok(report(&distinct(traces))))], people()));
    let few = sampled(report(&distinct(vec![run(Schedule::Prompt, Order::Flushed, Start::AtFsync)])));
    check("partial", &print(vec![("conf.ron", Ok(few))], people()));
    let several = vec![("a.ron", Ok(flushed())), ("b.ron", Err(trouble())), ("c.ron", Ok(violated()))];
    let all = print(several, people());
    check("summary", all.split_once("\nSummary\n").unwrap().1);
}

/// The same program under four kernels, the first two of which are alike.
fn under_four() -> Vec<Result<Report, Trouble>> {
    let on = |kernel: Kernel, report: Report| Ok(Report { kernel, ..report });
    let mut fails = flushed();
    fails.steps[3].returned = vec![Returned::Error(Errno::EIO); fails.runs.len()];
    vec![
        on(Kernel::V2_6_17, flushed()),
        on(Kernel::V2_6_18, flushed()),
        on(Kernel::V3_10, violated()),
        on(Kernel::V6_6, fails),
    ]
}

#[test]
fn several_kernels_for_people() {
    let text = |renderer: &mut Human, results: Vec<Result<Report, Trouble>>| {
        plain(&renderer.scenario(Path::new("conf.ron"), &results))
    };
    check("kernels", &text(&mut people(), under_four()));
    let mut everything = Human::new(Detail::Everything, Named::ByFile, Digits::Few);
    let all = text(&mut everything, under_four());
    assert_eq!(all.matches("What a crash can leave behind").count(), 4, "{all}");
    let mut with_trouble = under_four();
    with_trouble[1] = Err(trouble());
    let all = text(&mut people(), with_trouble);
    assert!(all.contains("Error: it could not run on 6.6: line 4, step 1"), "{all}");
    assert!(all.contains(" 2.6.17 ") && !all.contains("2.6.18"), "{all}");
    let all = text(&mut people(), under_four().into_iter().take(2).collect());
    assert!(all.contains("No difference: 2.6.17 and 2.6.18 do and leave the same."), "{all}");
    let mut verdict_alone = under_four();
    verdict_alone.truncate(2);
    for report in verdict_alone.iter_mut().flatten().take(1) {
        report.verdict = Verdict::Holds;
    }
    let all = text(&mut people(), verdict_alone);
    assert!(all.contains("\n 2.6.17 ┆ holds\n"), "{all}");
    let few = || Report {
        kernel: Kernel::V6_12,
        ..sampled(report(&distinct(vec![run(Schedule::Prompt, Order::Flushed, Start::AtFsync)])))
    };
    let all = text(&mut people(), vec![Ok(few()), Ok(Report { kernel: Kernel::V6_1, ..few() })]);
    assert!(all.contains("not all were looked at on 6.12 and 6.1"), "{all}");
    assert!(all.contains("Not every state was looked at"), "{all}");
}

#[test]
fn for_programs() {
    check("json", &print(vec![("conf.ron", Ok(flushed())), ("b.ron", Err(trouble()))], Json::new()));
}

#[test]
fn a_run_without_a_crash() {
    let mut trace = run(Schedule::Late, Order::Mixed, Start::AtFsync);
    let way = &mut trace.history.steps[3].way;
    way.enter("ext4_sync_file");
    way.decide("the transaction of this inode is still running");
    way.enter("jbd2_complete_transaction");
    way.request(unplug::units::RequestIdx::new(0));
    check("trace", &plain(&crate::render::trace::render(&scenario(), &trace, Part::All)));
}

#[test]
fn no_line_is_too_long() {
    let long = "x".repeat(300);
    let mut report = violated();
    report.title = format!("A title of many words {long} {long}");
    report.expectations[0].text = format!("always(content(\"/conf\", \"{long}\"))");
    report.steps[0].text = format!("open(\"{long}\")");
    let text = print(vec![("conf.ron", Ok(report)), ("c.ron", Ok(violated()))], people());
    let mut several = under_four();
    for report in several.iter_mut().flatten() {
        report.steps[3].text = format!("fsync(\"{long}\")");
        let outcomes = report.windows[4].outcomes.iter().cloned().map(|mut outcome| {
            outcome
                .tree
                .insert("/long".to_owned(), unplug::report::Shown::Text(format!("{long} {}", report.kernel)));
            outcome
        });
        report.windows[4].outcomes = outcomes.collect();
    }
    let text = text + &plain(&people().scenario(Path::new("conf.ron"), &several));
    for line in text.lines() {
        assert!(line.chars().count() <= 100, "{line}");
    }
}

#[test]
fn colour_is_never_meaning_alone() {
    let mut renderer = people();
    let coloured = renderer.scenario(Path::new("conf.ron"), &[Ok(violated())]);
    assert!(coloured.contains('\u{1b}'), "there is emphasis");
    let words = plain(&coloured);
    for word in ["VIOLATED", "✗", "✓ holds"] {
        assert!(words.contains(word), "{word} is a word");
    }
}
