//! One JSON object for all scenarios, each under each of its kernels. Keys are added over time, never renamed; counts are decimal strings, because
//! they outgrow what readers of JSON can count.

use super::Renderer;
use super::numbers::{is_large, log2};
use crate::commands::Trouble;
use num_bigint::BigUint;
use serde_json::{Map, Value, json};
use std::path::Path;
use unplug::crash::Coverage;
use unplug::history::Returned;
use unplug::kernel::Kernel;
use unplug::report::{
    Case, Choices, Judgement, Outcome, PromiseReport, RepairNeeded, Report, RunReport, Shown, ShownTree,
    StepReport, Undecided, Verdict, Window, Witness, key_parts,
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
    let object = json!({
        "file": file,
        "title": report.title,
        "about": report.about,
        "kernel": report.kernel.version(),
        "machine": report.machine,
        "verdict": verdict(report.verdict),
        "coverage": coverage(report),
        "images": report.images.to_string(),
        "subsets": report.subsets.to_string(),
        "repair": {
            "automatic": report.repairs.automatic.to_string(),
            "manual": report.repairs.manual.to_string(),
        },
        "steps": report.steps.iter().map(step).collect::<Vec<_>>(),
        "windows": report.windows.iter().map(|one| window(report, one)).collect::<Vec<_>>(),
        "expectations": report.expectations.iter().map(expectation).collect::<Vec<_>>(),
        "promises": report.promises.iter().map(promise).collect::<Vec<_>>(),
    });
    with_logarithm(object, &report.images)
}

/// With the logarithm of a number of images to the base of 2, where the number is above a million.
fn with_logarithm(object: Value, images: &BigUint) -> Value {
    let mut object = object;
    if let Value::Object(keys) = &mut object
        && is_large(images)
    {
        keys.insert("log2".to_owned(), json!(log2(images)));
    }
    object
}

const fn verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Holds => "holds",
        Verdict::Violated => "violated",
        Verdict::Inconclusive => "inconclusive",
    }
}

/// Of a run, `explored` are the images whose outcome is known; where some are not, nobody counts them.
fn coverage(report: &Report) -> Value {
    let runs: Vec<Value> = report.runs.iter().map(|one| run(report, one)).collect();
    match &report.coverage {
        Coverage::Complete => {
            json!({ "complete": true, "leaves": report.leaves.to_string(), "runs": runs })
        }
        Coverage::Partial(partial) => json!({
            "complete": false,
            "leaves": report.leaves.to_string(),
            "reason": partial.reason,
            "left_out": partial.left.to_string(),
            "of": partial.of.to_string(),
            "draws": partial.draws.to_string(),
            "runs": runs,
        }),
    }
}

fn run(report: &Report, run: &RunReport) -> Value {
    let complete = report.coverage == Coverage::Complete;
    let total = run.images.to_string();
    json!({
        "schedules": schedules(&run.schedules),
        "complete": complete,
        "explored": complete.then_some(&total),
        "total": total,
    })
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
        return windowed(window, json!({ "after": -1, "step": null, "outcomes": outcomes }));
    };
    let step = usize::try_from(after.get()).ok().and_then(|at| report.steps.get(at));
    let step = step.map(|step| step.name);
    windowed(window, json!({ "after": after.get(), "step": step, "outcomes": outcomes }))
}

/// With the counts of the whole window.
fn windowed(window: &Window, object: Value) -> Value {
    let mut object = object;
    if let Value::Object(keys) = &mut object {
        keys.insert("images".to_owned(), json!(window.images.to_string()));
        keys.insert("subsets".to_owned(), json!(window.subsets.to_string()));
    }
    with_logarithm(object, &window.images)
}

fn outcome(outcome: &Outcome) -> Value {
    let object = json!({
        "tree": tree(&outcome.tree),
        "images": outcome.images.to_string(),
        "subsets": outcome.subsets.to_string(),
        "repair": repair(outcome.repair),
        "witness": outcome.witness.id.to_string(),
        "schedules": schedules(&outcome.schedules),
        "violates": outcome.violates,
    });
    let mut object = object;
    if let (Value::Object(keys), Some(attributes)) = (&mut object, attributes(&outcome.tree)) {
        keys.insert("attributes".to_owned(), attributes);
    }
    with_logarithm(object, &outcome.images)
}

const fn repair(repair: RepairNeeded) -> &'static str {
    match repair {
        RepairNeeded::None => "none",
        RepairNeeded::Automatic => "automatic",
        RepairNeeded::Manual => "manual",
    }
}

/// The names, and what stands for them; attributes are not among them.
fn tree(tree: &ShownTree) -> Value {
    let names = tree.iter().filter(|(key, _)| key_parts(key).1.is_none());
    Value::Object(names.map(|(path, shown)| (path.clone(), entry(shown))).collect())
}

/// The attributes of each path that has any.
fn attributes(tree: &ShownTree) -> Option<Value> {
    let mut paths: Map<String, Value> = Map::new();
    for (key, shown) in tree {
        if let (path, Some(name)) = key_parts(key)
            && let Value::Object(all) = paths.entry(path).or_insert_with(|| json!({}))
        {
            all.insert(if name.is_empty() { "!" } else { name }.to_owned(), entry(shown));
        }
    }
    (!paths.is_empty()).then_some(Value::Object(paths))
}

fn entry(shown: &Shown) -> Value {
    match shown {
        Shown::Text(text) => json!(text),
        Shown::Units { size_bytes, units, all } => {
            let unit = |unit: &Choices| json!({ "at": unit.at, "len": unit.len_bytes, "any": unit.any });
            let units: Vec<Value> = units.iter().map(unit).collect();
            if *all {
                json!({ "size": size_bytes, "units": units })
            } else {
                json!({ "size": size_bytes, "units": units, "free": false })
            }
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
    add_undecided(&mut object, judged.undecided);
    add_case(&mut object, judged.case.as_ref());
    if !judged.instead.is_empty() {
        let trees: Vec<Value> = judged.instead.iter().map(tree).collect();
        object.insert("instead".to_owned(), json!(trees));
        object.insert("more_instead".to_owned(), json!(judged.more_instead.to_string()));
    }
    Value::Object(object)
}

/// A promise of a call. `step` is the one that made it, or -1; the witness is an image that breaks it.
fn promise(promise: &PromiseReport) -> Value {
    let kept = match promise.verdict {
        Verdict::Holds => "kept",
        Verdict::Violated => "broken",
        Verdict::Inconclusive => "inconclusive",
    };
    let mut object = Map::new();
    object.insert("step".to_owned(), json!(promise.step.map_or(-1, |step| i64::from(step.get()))));
    object.insert("call".to_owned(), json!(promise.row.call));
    object.insert("level".to_owned(), json!(promise.row.level.name()));
    object.insert("promise".to_owned(), json!(promise.row.promise));
    object.insert("about".to_owned(), json!(promise.about));
    object.insert("source".to_owned(), json!(promise.row.source));
    object.insert("verdict".to_owned(), json!(kept));
    object.insert("witness".to_owned(), json!(promise.case.as_ref().map(|case| case.witness.id.to_string())));
    add_undecided(&mut object, promise.undecided);
    add_case(&mut object, promise.case.as_ref());
    Value::Object(object)
}

fn add_undecided(object: &mut Map<String, Value>, undecided: Option<Undecided>) {
    let text = match undecided {
        Some(Undecided::Sampled) => "only a sample was looked at".to_owned(),
        Some(Undecided::TooMany { drawn }) => {
            format!("too many combinations to decide exactly: sampled {drawn} images")
        }
        None => return,
    };
    object.insert("undecided".to_owned(), json!(text));
}

fn add_case(object: &mut Map<String, Value>, case: Option<&Case>) {
    let Some(case) = case else { return };
    object.insert("after".to_owned(), json!(case.after.map_or(-1, |step| i64::from(step.get()))));
    object.insert("found".to_owned(), tree(&case.tree));
    if let Some(attributes) = attributes(&case.tree) {
        object.insert("attributes".to_owned(), attributes);
    }
    object.insert("in_memory".to_owned(), json!(case.in_memory));
    object.insert("under_way".to_owned(), json!(case.under_way));
    add_story(object, &case.witness);
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
        "promises": [],
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
