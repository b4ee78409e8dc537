//! What a real kernel did, and the model beside it.
//!
//! The device requests come in the same order, with the same roles and the same flushes. How many metadata blocks
//! there are depends on the layout of the file system, and how many requests on their merging: neighbours with the
//! same role are one, but blocks of data are counted. Whether a request that nobody waits for
//! is logged during its step or the next is a matter of speed: the step is compared where the step flushes.
//!
//! What the kernel found after a crash, the model can find: window by window, under both schedules together. The
//! reverse is not asked: a recording shows one run, and mounts a sample.

mod differences;

use crate::case::{Case, Recording, Window, recordings};
use crate::pipeline::{ALL_STATES, is_complete, report, traces};
use differences::{OLDER, ORDERS, OUTCOMES};
use std::collections::{BTreeMap, BTreeSet};
use unplug::device::{Op, Why};
use unplug::history::Returned;
use unplug::kernel::Kernel;
use unplug::report::{Report, Shown, ShownTree};
use unplug::schedule::Schedule;
use unplug::stack::{Trace, run};

/// The requests of a run by role, neighbours of one role joined.
pub(crate) fn requests(trace: &Trace) -> String {
    roles(&modelled(trace))
}

/// Neighbouring requests of one role.
struct Run {
    /// The step during which the first was made.
    step: usize,
    /// The role.
    role: String,
    /// How many blocks; 1 for a flush.
    blocks: u64,
}

/// Calls `check` on every recorded case; fails with all that is wrong.
fn check(check: impl Fn(&Case, &Recording) -> Vec<String>) {
    let wrong: Vec<String> = recordings()
        .iter()
        .flat_map(|(case, recording)| {
            check(case, recording).into_iter().map(|what| format!("{}: {what}", case.name))
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn calls_return_what_they_returned() {
    check(|case, recording| {
        let trace = &traces(&case.scenario, None)[0];
        let told = |step: &usize| match &trace.history.steps[*step].returned {
            Returned::Value(_) => "ok".to_owned(),
            Returned::Error(errno) => errno.name().to_owned(),
        };
        let mut wrong = Vec::new();
        for (step, call, returned) in &recording.returns {
            // That a step fails as the scenario says was seen by both runs.
            let agrees = if call == "fails" { returned == "ok" } else { told(step) == *returned };
            if !agrees {
                wrong.push(format!("step {step}, {call}: {returned}, but the model says {}", told(step)));
            }
        }
        wrong
    });
}

#[test]
fn requests_come_in_the_recorded_order() {
    check(out_of_order);
}

#[test]
fn what_the_kernel_found_the_model_can_find() {
    check(not_found);
}

#[test]
fn under_6_6_only_what_is_listed_differs() {
    let mut differing = BTreeSet::new();
    for (mut case, recording) in recordings() {
        case.scenario.stack.kernel = Kernel::V6_6;
        let runs = Schedule::ALL.into_iter().all(|schedule| run(&case.scenario, schedule).is_ok());
        if !runs || !out_of_order(&case, &recording).is_empty() || !not_found(&case, &recording).is_empty() {
            differing.insert(case.name);
        }
    }
    let known: BTreeSet<String> = OLDER.iter().map(|case| (*case).to_owned()).collect();
    assert_eq!(differing, known);
}

#[test]
fn each_difference_is_of_a_recorded_case() {
    let names: BTreeSet<String> = recordings().into_iter().map(|(case, _)| case.name).collect();
    for known in ORDERS.iter().map(|known| known.case).chain(OUTCOMES.iter().map(|known| known.case)) {
        assert!(names.contains(known), "{known}");
    }
}

/// What is wrong with the order of the model's requests.
fn out_of_order(case: &Case, recording: &Recording) -> Vec<String> {
    let model = modelled(&traces(&case.scenario, None)[0]);
    let kernel = recorded(recording);
    let (ours, theirs) = (roles(&model), roles(&kernel));
    let known = ORDERS.iter().find(|known| known.case == case.name);
    match known {
        Some(known) if known.model == ours && known.kernel == theirs => Vec::new(),
        None if ours == theirs => moved(case, &model, &kernel),
        None | Some(_) => vec![format!("requests\n  model  {ours}\n  kernel {theirs}")],
    }
}

/// What the kernel found and the model cannot find.
fn not_found(case: &Case, recording: &Recording) -> Vec<String> {
    let report = report(&case.scenario, None, &ALL_STATES);
    if !is_complete(&report) {
        return vec!["too many crash states to look at all of them".to_owned()];
    }
    recording.windows.iter().flat_map(|window| missing(case, &report, window)).collect()
}

/// The requests of the model, neighbours of one role joined.
fn modelled(trace: &Trace) -> Vec<Run> {
    let requests = trace.log.requests().iter().map(|request| {
        let (role, blocks) = match (&request.op, &request.cause.why) {
            (Op::Flush, _) => ("flush", 1),
            (Op::Write { fua: true, .. }, Why::Data { blocks, .. }) => ("data with FUA", u64::from(*blocks)),
            (_, Why::Data { blocks, .. }) => ("data", u64::from(*blocks)),
            (_, Why::Descriptor(_)) => ("descriptor", 1),
            (_, Why::Copy { .. }) => ("copies", 1),
            (_, Why::Revoke(_)) => ("revoke", 1),
            (_, Why::Commit(_)) => ("commit", 1),
            (_, Why::FastCommit(_)) => ("fast commit", 1),
            (_, Why::JournalSuperblock) => ("journal superblock", 1),
            // A directory that was not there at first is data to the recorder.
            (_, Why::InPlace { what, .. }) if what.starts_with("directory (inode") => ("data", 1),
            (_, Why::InPlace { .. } | Why::Superblock) => ("in place", 1),
            (_, why) => panic!("a write for {why}"),
        };
        Run { step: usize::try_from(request.cause.step.get()).unwrap(), role: role.to_owned(), blocks }
    });
    joined(requests)
}

/// The recorded requests, neighbours of one role joined.
fn recorded(recording: &Recording) -> Vec<Run> {
    let requests = recording.requests.iter().flat_map(|request| {
        let writes = request.write.iter().map(|text| {
            let (role, blocks) = text.split_once(" x").unwrap_or((text, "1"));
            let role = match role {
                "journal copy" => "copies",
                role if role.starts_with("in place") => "in place",
                role => role,
            };
            (role, blocks.parse().unwrap())
        });
        let flush = request.write.is_empty().then_some(("flush", 1));
        let run = |(role, blocks): (&str, u64)| Run { step: request.during, role: role.to_owned(), blocks };
        writes.chain(flush).map(run).collect::<Vec<_>>()
    });
    joined(requests)
}

fn joined(requests: impl Iterator<Item = Run>) -> Vec<Run> {
    let mut joined: Vec<Run> = Vec::new();
    for request in requests {
        match joined.last_mut() {
            Some(last) if last.role == request.role && last.role != "flush" => last.blocks += request.blocks,
            Some(_) | None => joined.push(request),
        }
    }
    joined
}

fn roles(requests: &[Run]) -> String {
    let role = |run: &Run| match (run.role.as_str(), run.blocks) {
        ("data", blocks) if blocks > 1 => format!("data x{blocks}"),
        (role, _) => role.to_owned(),
    };
    requests.iter().map(role).collect::<Vec<_>>().join(", ")
}

/// Requests of flushing steps that belong to another step in the recording.
fn moved(case: &Case, model: &[Run], kernel: &[Run]) -> Vec<String> {
    let flushing: BTreeSet<usize> =
        model.iter().filter(|run| run.role == "flush").map(|run| run.step).collect();
    let text = |step: usize| &case.scenario.steps[step].text;
    model
        .iter()
        .zip(kernel)
        .filter(|(ours, theirs)| flushing.contains(&ours.step) && ours.step != theirs.step)
        .map(|(ours, theirs)| {
            format!("{} in {}, but in {} in the recording", ours.role, text(ours.step), text(theirs.step))
        })
        .collect()
}

/// What was found in a window and the model cannot find in it.
fn missing(case: &Case, report: &Report, window: &Window) -> Vec<String> {
    let found = usize::try_from(window.after + 1).ok().and_then(|index| report.windows.get(index));
    let ours: Vec<&ShownTree> =
        found.into_iter().flat_map(|window| window.outcomes.iter()).map(|outcome| &outcome.tree).collect();
    let is_known = |tree: &String| {
        OUTCOMES.iter().any(|known| {
            known.case == case.name && known.after.contains(&window.after) && known.outcome == *tree
        })
    };
    let mut wrong = Vec::new();
    for outcome in &window.outcomes {
        let text = text(outcome);
        if ours.iter().any(|ours| is_same(ours, outcome)) == is_known(&text) {
            let ours: Vec<String> = ours.iter().map(|tree| shown(tree)).collect();
            let ours = ours.join(" or ");
            wrong.push(format!("after step {}: {text}\n  the model says {ours}", window.after));
        }
    }
    wrong
}

fn is_same(ours: &ShownTree, theirs: &BTreeMap<String, String>) -> bool {
    let same = |(path, shown): (&String, &Shown)| match (shown, theirs.get(path)) {
        (Shown::Text(ours), Some(theirs)) if path == "!" => ours.starts_with(theirs.as_str()),
        // The recorder has no names of errors.
        (Shown::Text(ours), Some(theirs)) if theirs.starts_with('!') => {
            ours.starts_with('!') && ours.ends_with(theirs.trim_start_matches('!'))
        }
        (Shown::Text(ours), Some(theirs)) => ours == theirs,
        (Shown::Units { .. } | Shown::Text(_), _) => false,
    };
    ours.len() == theirs.len() && ours.iter().all(same)
}

fn text(tree: &BTreeMap<String, String>) -> String {
    let entries: Vec<String> = tree.iter().map(|(path, what)| format!("{path} {what}")).collect();
    format!("{{{}}}", entries.join(", "))
}

fn shown(tree: &ShownTree) -> String {
    let plain = |(path, shown): (&String, &Shown)| match shown {
        Shown::Text(text) => (path.clone(), text.clone()),
        Shown::Units { size_bytes, .. } => (path.clone(), format!("{size_bytes} bytes in free units")),
    };
    text(&tree.iter().map(plain).collect())
}
