//! Invented reports side by side.

use super::*;
use crate::crash::Coverage;
use crate::crash::CrashId;
use crate::device::AtomicUnit;
use crate::history::Errno;
use crate::report::{DataWritten, Repairs, RunReport, Shown, Witness};
use crate::units::{FileBlock, Ino, Moment, StepIdx, len_u32};

/// `texts` are the steps, and a crash in each window leaves `/f` with one of the contents: `"old|new"`.
fn report(kernel: Kernel, texts: &[&str], windows: &[&str]) -> Report {
    let step = |(line, text): (usize, &&str)| StepReport {
        name: "call",
        text: (*text).to_owned(),
        line: len_u32(line),
        returned: vec![Returned::Value(0)],
        traffic: vec![Traffic::NONE],
    };
    let outcome = |text: &str| Outcome {
        tree: [("/f".to_owned(), Shown::Text(text.to_owned()))].into(),
        repair: RepairNeeded::None,
        images: 1_u32.into(),
        subsets: 1_u32.into(),
        schedules: Schedule::ALL.into(),
        violates: Vec::new(),
        witness: Witness { id: "late@0:none".parse::<CrashId>().unwrap(), at: Moment::new(0), story: None },
    };
    let window = |(at, any): (usize, &&str)| Window {
        after: at.checked_sub(1).map(|step| StepIdx::new(len_u32(step))),
        outcomes: any.split('|').map(outcome).collect(),
        images: 1_u32.into(),
        subsets: 1_u32.into(),
    };
    Report {
        title: "t".to_owned(),
        about: String::new(),
        kernel,
        machine: String::new(),
        storage: String::new(),
        atomic: AtomicUnit::Block,
        verdict: Verdict::Holds,
        runs: vec![RunReport { schedules: Schedule::ALL.into(), images: 1_u32.into() }],
        coverage: Coverage::Complete,
        leaves: 1,
        images: 1_u32.into(),
        subsets: 1_u32.into(),
        repairs: Repairs::default(),
        // Lines come from the texts, so that a step that is left out moves no other.
        steps: texts.iter().map(|text| (text.len(), text)).map(step).collect(),
        windows: windows.iter().enumerate().map(window).collect(),
        expectations: Vec::new(),
        promises: Vec::new(),
    }
}

fn plain(kernel: Kernel) -> Report {
    report(kernel, &["write", "msync"], &["old", "new|old", "new"])
}

fn groups(reports: &[Report]) -> Vec<Vec<Kernel>> {
    let reports: Vec<Option<&Report>> = reports.iter().map(Some).collect();
    Comparison::new(&reports).groups.into_iter().map(|group| group.kernels).collect()
}

#[test]
fn neighbours_that_say_the_same_are_one_group() {
    let (a, b) = (Kernel::V2_6_16, Kernel::V2_6_17);
    let check = |what: &str, together: bool, change: &dyn Fn(&mut Report)| {
        let (one, mut other) = (plain(a), plain(b));
        change(&mut other);
        let wanted = if together { vec![vec![a, b]] } else { vec![vec![a], vec![b]] };
        assert_eq!(groups(&[one, other]), wanted, "{what}");
    };
    check("nothing differs", true, &|_| {});
    check("counts of images are not compared", true, &|report| report.images = 7_u32.into());
    check("an error", false, &|report| report.steps[1].returned = vec![Returned::Error(Errno::ENOMEM)]);
    check("a flush", false, &|report| report.steps[1].traffic[0].flushes = 1);
    check("a commit", false, &|report| report.steps[1].traffic[0].commits = 1);
    check("an outcome", false, &|report| {
        report.windows[2] = plain(b).windows[0].clone();
    });
    check("the verdict", false, &|report| report.verdict = Verdict::Violated);
    check("a line of the file", false, &|report| report.steps[1].line = 9);
    check("one run for both schedules, or two runs that are alike", true, &|report| {
        report.runs = Schedule::ALL
            .map(|schedule| RunReport { schedules: vec![schedule], images: 1_u32.into() })
            .into();
        for step in &mut report.steps {
            step.returned = vec![Returned::Value(0); 2];
            step.traffic = vec![Traffic::NONE; 2];
        }
    });
}

#[test]
fn data_is_compared_by_inode_and_blocks() {
    let data = |name: Option<&str>, from: u32| DataWritten {
        ino: Ino::new(12),
        name: name.map(str::to_owned),
        from: FileBlock::new(from),
        blocks: 1,
        fua: false,
    };
    let check = |other: DataWritten, together: bool| {
        let mut reports = [plain(Kernel::V6_6), plain(Kernel::V6_12)];
        reports[0].steps[0].traffic[0].data = vec![data(Some("/f"), 0)];
        reports[1].steps[0].traffic[0].data = vec![other];
        assert_eq!(groups(&reports).len(), if together { 1 } else { 2 });
    };
    check(data(Some("/f"), 0), true);
    check(data(None, 0), true);
    check(data(Some("/f"), 1), false);
    check(DataWritten { fua: true, ..data(Some("/f"), 0) }, false);
}

#[test]
fn only_neighbours_are_joined() {
    let mut reports = [Kernel::V2_6_16, Kernel::V2_6_17, Kernel::V2_6_19].map(plain);
    reports[1].steps[0].returned = vec![Returned::Value(1)];
    assert_eq!(groups(&reports).len(), 3);
    let [one, _, other] = &reports;
    let apart = Comparison::new(&[Some(one), None, Some(other)]);
    assert_eq!(apart.groups.len(), 2, "one without a report keeps its neighbours apart");
    assert_eq!(Comparison::new(&[Some(one), Some(other), None]).groups.len(), 1);
    assert_eq!(Comparison::new(&[None]).groups.len(), 0);
}

/// For each stretch, its windows and what each group can leave.
fn stretches(comparison: &Comparison<'_>) -> Vec<String> {
    let text = |outcomes: &&[Outcome]| {
        let all: Vec<String> = outcomes
            .iter()
            .map(|outcome| match &outcome.tree["/f"] {
                Shown::Text(text) => text.clone(),
                Shown::Units { .. } => "units".to_owned(),
            })
            .collect();
        all.join("|")
    };
    let line = |stretch: &Stretch<'_>| {
        let all: Vec<String> = stretch.outcomes.iter().map(text).collect();
        let sign = if stretch.differs() { "!" } else { "" };
        format!("{}-{}{sign} {}", stretch.from, stretch.to, all.join(" / "))
    };
    comparison.stretches.iter().map(line).collect()
}

#[test]
fn windows_with_the_same_outcomes_are_one_stretch() {
    let texts = &["a", "bb", "ccc", "dddd"];
    let one = report(Kernel::V2_6_16, texts, &["old", "old", "old|new", "new", "new"]);
    let other = report(Kernel::V2_6_17, texts, &["old", "old", "old|new", "old|new", "new"]);
    let comparison = Comparison::new(&[Some(&one), Some(&other)]);
    assert_eq!(
        stretches(&comparison),
        ["0-1 old / old", "2-2 old|new / old|new", "3-3! new / old|new", "4-4 new / new"]
    );
}

#[test]
fn a_step_that_some_kernels_leave_out_has_its_place() {
    let one = report(Kernel::V2_6_16, &["a", "ccc", "ccc"], &["old", "old", "old", "new"]);
    let other = report(Kernel::V2_6_17, &["a", "bb", "ccc", "ccc"], &["old", "old", "x", "old", "new"]);
    let comparison = Comparison::new(&[Some(&one), Some(&other)]);
    let made: Vec<(&str, Vec<bool>)> = comparison
        .steps
        .iter()
        .map(|row| (row.step.text.as_str(), row.done.iter().map(Option::is_some).collect()))
        .collect();
    let both = vec![true, true];
    assert_eq!(made, [("a", both.clone()), ("bb", vec![false, true]), ("ccc", both.clone()), ("ccc", both)]);
    assert!(comparison.steps[1].returned_differs() && comparison.steps[1].traffic_differs());
    assert!(!comparison.steps[2].returned_differs() && !comparison.steps[2].traffic_differs());
    assert_eq!(stretches(&comparison), ["0-1 old / old", "2-2! old / x", "3-3 old / old", "4-4 new / new"]);
}
