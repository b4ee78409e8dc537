//! Meaning: from a tree of spans to a checked scenario, with every error in it.
//!
//! ```text
//! document ─┬─ stack            which kernel, file system, mount, disk
//!           ├─ steps ─ calls    names opened and closed, flags, data; loops unrolled
//!           └─ expect           marks, windows, predicates
//!                └─ args ─ scalars ─ data        shared by all of them
//! ```
//!
//! Each part returns what it understood and reports what it did not, so that one mistake hides no other. A value
//! that was reported is `None`; whoever needs it stays silent.
//!
//! A document is checked once for each kernel that it names, because what it says may differ between them.
//!
//! Bounds: 10,000 unrolled steps, 256 MiB of data, 64 MiB of text in unrolled loops. Data is measured before it is
//! made.
//!
//! Not checked: whether a path exists, whether a call will succeed.

mod args;
mod calls;
mod data;
mod document;
mod expect;
mod flags;
mod kernels;
mod memory;
mod mount;
mod names;
mod predicates;
mod scalars;
mod stack;
mod steps;
mod text;
mod xattr;

use super::Scenario;
use super::ast::{Data, Wanted};
use super::diagnostic::{Diagnostic, Findings, Lines};
use super::tree::Node;
use crate::kernel::Kernel;
use names::{Marks, Names};
use std::collections::BTreeMap;
use std::ops::Range;

/// What a scenario's data may come to, in bytes.
const MAX_DATA: u64 = 256 << 20;
/// What the text of all unrolled steps may come to, in bytes.
const MAX_UNROLLED_TEXT: u64 = 64 << 20;
/// How many steps a scenario may have, loops unrolled.
const MAX_STEPS: u64 = 10_000;

/// Checks a document under each kernel: those that are given, or else those that it names.
///
/// # Errors
/// Those of the first kernel under which there are any.
pub(super) fn check(
    text: &str,
    lines: &Lines<'_>,
    document: &Node,
    kernels: &[Kernel],
) -> Result<Vec<Scenario>, Vec<Diagnostic>> {
    let mut checker = Checker {
        text,
        lines,
        found: Findings::new(),
        place: String::new(),
        loops: Vec::new(),
        wanted: Wanted::Success,
        may_fail: false,
        descriptors: Names::new(),
        mappings: Names::new(),
        marks: Marks::new(),
        kernel: Kernel::default(),
        left_out: false,
        kernels: kernels.to_vec(),
        on_may_miss: !kernels.is_empty(),
        disk_bytes: u64::MAX,
        made: BTreeMap::new(),
        spent: Spent { data: 0, text: 0, steps: 0, sleep: 0 },
    };
    if kernels.is_empty() {
        checker.kernels = checker.kernels_named(document);
    }
    let mut scenarios = Vec::new();
    for kernel in checker.kernels.clone() {
        checker.begin(kernel);
        match checker.document(document) {
            Some(scenario) if checker.found.is_empty() => scenarios.push(scenario),
            Some(_) | None => return Err(checker.found.into_sorted()),
        }
    }
    Ok(scenarios)
}

/// A document being checked.
struct Checker<'t> {
    text: &'t str,
    lines: &'t Lines<'t>,
    found: Findings,
    /// Where in the document: `steps[2].fd`.
    place: String,
    /// The loops around this step, outermost first.
    loops: Vec<Loop>,
    /// What this step must return.
    wanted: Wanted,
    /// Whether this step must fail, under this kernel or another one.
    may_fail: bool,
    descriptors: Names,
    mappings: Names,
    marks: Marks,
    /// The kernel that it is checked under.
    kernel: Kernel,
    /// Whether something was said of other kernels than this one.
    left_out: bool,
    /// All kernels that it is checked under.
    kernels: Vec<Kernel>,
    /// Whether an `on` may name none of them: where they are not those of the document, or could not be read.
    on_may_miss: bool,
    disk_bytes: u64,
    /// The data that was made so far, by where it stands and the rounds of the loops around it.
    made: BTreeMap<(usize, Vec<u64>), Data>,
    spent: Spent,
}

/// A loop that is being unrolled.
struct Loop {
    var: Option<String>,
    round: u64,
}

/// How much of the bounds is used up.
struct Spent {
    /// Under all kernels together; data that is the same is made once.
    data: u64,
    /// Under all kernels together.
    text: u64,
    steps: u64,
    sleep: u64,
}

impl Checker<'_> {
    /// Begins anew, under this kernel.
    fn begin(&mut self, kernel: Kernel) {
        self.kernel = kernel;
        self.left_out = false;
        self.forget_names();
        self.marks = Marks::new();
        self.spent.steps = 0;
        self.spent.sleep = 0;
    }

    /// Does something at a place inside of this one.
    fn within<T>(&mut self, segment: &str, work: impl FnOnce(&mut Self) -> T) -> T {
        let outer = self.place.len();
        self.place.push_str(segment);
        let done = work(self);
        self.place.truncate(outer);
        done
    }

    /// A new error at this place, unless it was reported before; say what it is and hand it to [`Self::push`].
    fn error(&mut self, code: &'static str, span: &Range<usize>) -> Option<Diagnostic> {
        let wanted = self.found.wants(code, span);
        wanted.then(|| {
            let mut error = Diagnostic::new(code, span.clone(), "").located(self.lines);
            error.path = self.place.trim_start_matches('.').to_owned();
            error
        })
    }

    fn push(&mut self, error: Diagnostic) {
        let rounds: Vec<String> = self
            .loops
            .iter()
            .filter(|one| one.round > 0)
            .map(|one| format!("{} = {}", one.var.as_deref().unwrap_or("round"), one.round))
            .collect();
        let mut note =
            if rounds.is_empty() { String::new() } else { format!(", where {}", rounds.join(", ")) };
        // What is wrong under the first kernel, and nothing left out, is wrong under all of them.
        if self.left_out || self.kernels.first().is_some_and(|first| *first != self.kernel) {
            note.push_str(&format!(", under kernel {}", self.kernel));
        }
        let message = format!("{}{note}", error.message);
        self.found.push(Diagnostic { message, ..error });
    }

    /// Reports an error that needs only a message and what was expected.
    fn refuse(&mut self, code: &'static str, span: &Range<usize>, message: String, expected: &str) {
        if let Some(error) = self.error(code, span) {
            let error = error.say(message);
            self.push(if expected.is_empty() { error } else { error.expected(expected) });
        }
    }

    /// Reports something that Linux knows and this model does not, yet.
    fn not_modelled(&mut self, span: &Range<usize>, what: &str) {
        if let Some(error) = self.error("not-modelled", span) {
            self.push(error.say(format!("{} is not modelled yet", super::quote::code(what))));
        }
    }

    /// These bytes of the text, shortened, for a message.
    fn show(&self, span: &Range<usize>) -> String {
        super::quote::code(self.text.get(span.clone()).unwrap_or(""))
    }

    /// Counts data that is about to be made; false if that is too much.
    fn spend_data(&mut self, span: &Range<usize>, bytes: u64) -> bool {
        self.spent.data = self.spent.data.saturating_add(bytes);
        let fits = self.spent.data <= MAX_DATA;
        if !fits {
            let message = format!("with these {bytes} bytes the scenario's data is more than it may be");
            self.refuse("too-much-data", span, message, &format!("at most {} MiB in all", MAX_DATA >> 20));
        }
        fits
    }
}
