//! One JSON object for all scenarios, each under each of its kernels. Keys are added over time, never renamed; counts are decimal strings, because
//! they outgrow what readers of JSON can count.

use super::Renderer;
use crate::commands::Trouble;
use serde_json::{Map, Value, json};
use std::path::Path;
use unplug::crash::brute::Coverage;
use unplug::history::Returned;
use unplug::kernel::Kernel;
use unplug::report::{
    Choices, Judgement, Outcome, Report, RunReport, Shown, ShownTree, StepReport, Verdict, Window, Witness,
};
use unplug::scenario::Diagnostic;
use unplug::schedule::Schedule;

/// Collects scenarios; the object is printed at the end.
#[derive(Debug)]
pub(crate) struct Json {
    scenarios: Vec<Value>,
}

impl Json {
    /// No scenario yet.
    pub(crate) const fn new() -> Self {
        Self { scenarios: Vec::new() }
    }
}

impl Renderer for Json {
    fn scenario(&mut self, file: &Path, results: &[Result<Report, Trouble>]) -> String {
        let file = file.display().to_string();
        self.scenarios.extend(results.iter().map(|result| match result {
            Ok(report) => scenario(&file, report),
            Err(trouble) => error(&file, trouble),
        }));
        String::new()
    }

    fn end(&mut self) -> String {
        let scenarios = std::mem::take(&mut self.scenarios);
        let all = json!({ "unplug": env!("CARGO_PKG_VERSION"), "scenarios": scenarios });
        format!("{all:#}\n")
    }
}

fn scenario(file: &str, report: &Report) -> Value {
    json!({
        "file": file,
        "title": report.title,
        "about": report.about,
        "kernel": report.kernel.version(),
        "machine": report.machine,
        "verdict": verdict(report.verdict),
        "coverage": coverage(&report.runs),
        "images": report.images.to_string(),
        "steps": report.steps.iter().map(step).collect::<Vec<_>>(),
        "windows": report.windows.iter().map(|one| window(report, one)).collect::<Vec<_>>(),
        "expectations": report.expectations.iter().map(expectation).collect::<Vec<_>>(),
    })
}

const fn verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Holds => "holds",
        Verdict::Violated => "violated",
        Verdict::Inconclusive => "inconclusive",
    }
}

fn coverage(runs: &[RunReport]) -> Value {
    let complete = runs.iter().all(|run| matches!(run.coverage, Coverage::Complete { .. }));
    json!({ "complete": complete, "runs": runs.iter().map(run).collect::<Vec<_>>() })
}

fn run(run: &RunReport) -> Value {
    let schedules = schedules(&run.schedules);
    match &run.coverage {
        Coverage::Complete { states } => json!({
            "schedules": schedules,
            "complete": true,
            "explored": states.to_string(),
            "total": states.to_string(),
        }),
        Coverage::Partial { explored, total, reason, .. } => json!({
            "schedules": schedules,
            "complete": false,
            "explored": explored.to_string(),
            "total": total.to_string(),
            "reason": reason,
        }),
    }
}

fn schedules(schedules: &[Schedule]) -> Vec<&'static str> {
    schedules.iter().map(|schedule| schedule.name()).collect()
}

/// What it returned stands in the order of the runs.
fn step(step: &StepReport) -> Value {
    let returned = |returned: &Returned| match returned {
        Returned::Value(value) => json!(value),
        Returned::Error(errno) => json!(errno.name()),
    };
    json!({
        "name": step.name,
        "line": step.line,
        "text": step.text,
        "returned": step.returned.iter().map(returned).collect::<Vec<_>>(),
    })
}

fn window(report: &Report, window: &Window) -> Value {
    let outcomes: Vec<Value> = window.outcomes.iter().map(outcome).collect();
    let Some(after) = window.after else {
        return json!({ "after": -1, "step": null, "outcomes": outcomes });
    };
    let step = usize::try_from(after.get()).ok().and_then(|at| report.steps.get(at));
    json!({ "after": after.get(), "step": step.map(|step| step.name), "outcomes": outcomes })
}

fn outcome(outcome: &Outcome) -> Value {
    json!({
        "tree": tree(&outcome.tree),
        "images": outcome.images.to_string(),
        "witness": outcome.witness.id.to_string(),
        "schedules": schedules(&outcome.schedules),
        "violates": outcome.violates,
    })
}

fn tree(tree: &ShownTree) -> Value {
    Value::Object(tree.iter().map(|(path, shown)| (path.clone(), entry(shown))).collect())
}

fn entry(shown: &Shown) -> Value {
    match shown {
        Shown::Text(text) => json!(text),
        Shown::Units { size_bytes, units } => {
            let unit = |unit: &Choices| json!({ "at": unit.at, "len": unit.len_bytes, "any": unit.any });
            json!({ "size": size_bytes, "units": units.iter().map(unit).collect::<Vec<_>>() })
        }
    }
}

/// The witness stands where the issue is decided by one image: a counterexample, or an example for `sometimes`.
fn expectation(judged: &Judgement) -> Value {
    let mut object = Map::new();
    object.insert("line".to_owned(), json!(judged.line));
    object.insert("text".to_owned(), json!(judged.text));
    object.insert("verdict".to_owned(), json!(verdict(judged.verdict)));
    object.insert("witness".to_owned(), json!(judged.case.as_ref().map(|case| case.witness.id.to_string())));
    object.insert("implied".to_owned(), json!(judged.line.is_none()));
    object.insert("images".to_owned(), json!(judged.images.to_string()));
    object.insert("decisive".to_owned(), json!(judged.decisive.to_string()));
    if let Some(case) = &judged.case {
        object.insert("after".to_owned(), json!(case.after.map_or(-1, |step| i64::from(step.get()))));
        object.insert("found".to_owned(), tree(&case.tree));
        object.insert("in_memory".to_owned(), json!(case.in_memory));
        object.insert("under_way".to_owned(), json!(case.under_way));
        add_story(&mut object, &case.witness);
    }
    if !judged.instead.is_empty() {
        let trees: Vec<Value> = judged.instead.iter().map(tree).collect();
        object.insert("instead".to_owned(), json!(trees));
        object.insert("more_instead".to_owned(), json!(judged.more_instead.to_string()));
    }
    Value::Object(object)
}

fn add_story(object: &mut Map<String, Value>, witness: &Witness) {
    if let Some(story) = &witness.story {
        object.insert("lost".to_owned(), json!(story.lost));
        object.insert("survived".to_owned(), json!(story.survived));
    }
}

/// The keys of a report are there too, so that a reader need not ask.
fn error(file: &str, trouble: &Trouble) -> Value {
    let (title, message, diagnostics) = match trouble {
        Trouble::Load(error) => (None, error.to_string(), Vec::new()),
        Trouble::Wrong { diagnostics, .. } => {
            let first = diagnostics.first();
            let message =
                first.map_or_else(String::new, |first| format!("line {}: {}", first.line, first.message));
            (None, message, diagnostics.iter().map(diagnostic).collect())
        }
        Trouble::Step { title, at, error, .. } => {
            (Some(title), format!("{at}: {}", error.message), Vec::new())
        }
    };
    json!({
        "file": file,
        "title": title,
        "kernel": trouble.kernel().map(Kernel::version),
        "verdict": "error",
        "error": message,
        "diagnostics": diagnostics,
        "coverage": { "complete": false, "runs": [] },
        "images": "0",
        "steps": [],
        "windows": [],
        "expectations": [],
    })
}

fn diagnostic(diagnostic: &Diagnostic) -> Value {
    json!({
        "code": diagnostic.code,
        "line": diagnostic.line,
        "column": diagnostic.column,
        "path": diagnostic.path,
        "message": diagnostic.message,
        "expected": diagnostic.expected,
        "help": diagnostic.help,
    })
}
