//! A report for people: what may be lost at each step, why, and whether that is expected.
//!
//! ```text
//!    5  rename("/conf.tmp", "/conf")                                     4 writes, 1 flush
//!       │ a crash from here until step 7 has returned can leave
//!       │      3 images   /conf = old
//!       │ ✗    1 image    /conf empty
//!       │                 violates line 23
//!       │                 if lost: data of /conf (inode 12), block 0
//! ```
//! A scenario with several kernels has them side by side instead (`comparison`).
//!
//! Neighbouring windows with the same outcomes are said once. Entries that are the same after every crash are said
//! once, at the top. Colour only repeats what words say.

mod comparison;
mod expectations;
pub(super) mod layout;
mod outcomes;
mod promises;
mod trees;

#[cfg(test)]
mod tests;

use super::Renderer;
use super::numbers::{Digits, log2};
use crate::commands::Trouble;
use anstyle::{AnsiColor, Style};
use layout::{Page, padded};
use num_bigint::BigUint;
use std::path::Path;
use unplug::crash::{Coverage, Partial};
use unplug::device::AtomicUnit;
use unplug::kernel::Kernel;
use unplug::report::{Repairs, Report, Verdict};

const LOOK_AT_MORE: &str = "To look at more of them: a larger --max-leaves.";
const HAVE_FEWER: &str =
    "To have fewer: a disk that writes 4 KiB as one piece, stack: (disk: (atomic_write: 4096)).";
/// Where no draw of a sample met something, its share is below this divided by the draws, with 95 % confidence.
const RULE_OF_THREE: f64 = 3.0;
pub(super) const BOLD: Style = Style::new().bold();
pub(super) const FAINT: Style = Style::new().dimmed();
const GOOD: Style = AnsiColor::Green.on_default().bold();
const BAD: Style = AnsiColor::Red.on_default().bold();
const OPEN: Style = AnsiColor::Yellow.on_default().bold();

/// Prints a scenario at a time, and a summary of several at the end.
#[derive(Debug)]
pub(crate) struct Human {
    detail: Detail,
    named: Named,
    digits: Digits,
    done: Vec<(String, Line)>,
    /// Whether a report was printed.
    printed: bool,
    /// Whether one was left out.
    left_out: bool,
}

/// How much is printed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Detail {
    /// Of scenarios that hold, only the comparison of their kernels where there are several.
    Failures,
    /// All reports.
    Reports,
    /// All reports, and those of each kernel.
    Everything,
}

/// Who named the kernels.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Named {
    /// The scenario.
    ByFile,
    /// The command: it takes the same words to replay.
    ByCommand,
}

/// A scenario in the summary.
#[derive(Debug)]
enum Line {
    Judged { verdict: Verdict, images: BigUint, kernels: Vec<Kernel> },
    Error,
}

impl Human {
    /// No scenario yet.
    pub(crate) const fn new(detail: Detail, named: Named, digits: Digits) -> Self {
        Self { detail, named, digits, done: Vec::new(), printed: false, left_out: false }
    }

    /// A scenario on one kernel.
    fn single(&mut self, file: &str, report: &Report) -> String {
        if self.detail == Detail::Failures && report.verdict == Verdict::Holds {
            self.left_out = true;
            return String::new();
        }
        let mut page = self.next_page();
        let replay = match self.named {
            Named::ByFile => expectations::quoted(file),
            Named::ByCommand => replay(file, report.kernel),
        };
        one(&mut page, file, &replay, report);
        page.text
    }

    /// A scenario on several kernels.
    fn several(&mut self, file: &str, results: &[Result<Report, Trouble>]) -> String {
        let reports: Vec<&Report> = results.iter().flatten().collect();
        let Some(verdict) = reports.iter().map(|report| report.verdict).max() else { return String::new() };
        let mut page = self.next_page();
        if self.detail == Detail::Failures && verdict == Verdict::Holds && reports.len() == results.len() {
            self.left_out = true;
            comparison::brief(&mut page, file, results);
            return page.text;
        }
        comparison::whole(&mut page, file, results);
        if self.detail == Detail::Everything {
            for report in reports {
                page.line("");
                one(&mut page, file, &replay(file, report.kernel), report);
            }
        }
        page.text
    }

    /// A page, set off from the one before.
    fn next_page(&mut self) -> Page {
        let mut page = Page::new(self.digits);
        if std::mem::replace(&mut self.printed, true) {
            page.line("");
        }
        page
    }
}

impl Renderer for Human {
    fn scenario(&mut self, file: &Path, results: &[Result<Report, Trouble>]) -> String {
        let file = file.display().to_string();
        let text = match results {
            [Ok(report)] => self.single(&file, report),
            several => self.several(&file, several),
        };
        self.done.push((file, line(results)));
        text
    }

    fn end(&mut self) -> String {
        if self.done.len() < 2 {
            return String::new();
        }
        let mut page = Page::new(self.digits);
        if self.printed {
            page.line("");
        }
        summary(&mut page, &self.done);
        if self.left_out {
            page.styled("unplug run FILE shows one in full", FAINT);
        }
        page.text
    }
}

/// The word for a verdict, and its style.
const fn word(verdict: Verdict) -> (&'static str, Style) {
    match verdict {
        Verdict::Holds => ("holds", GOOD),
        Verdict::Violated => ("VIOLATED", BAD),
        Verdict::Inconclusive => ("inconclusive", OPEN),
    }
}

/// A scenario in the summary: the worst of its kernels.
fn line(results: &[Result<Report, Trouble>]) -> Line {
    let reports: Vec<&Report> = results.iter().flatten().collect();
    match reports.iter().map(|report| report.verdict).max() {
        Some(verdict) if reports.len() == results.len() => Line::Judged {
            verdict,
            images: reports.iter().map(|report| &report.images).sum(),
            kernels: reports.iter().map(|report| report.kernel).collect(),
        },
        Some(_) | None => Line::Error,
    }
}

/// The arguments that name a scenario on a kernel.
fn replay(file: &str, kernel: Kernel) -> String {
    format!("{} --kernel {kernel}", expectations::quoted(file))
}

fn one(page: &mut Page, file: &str, replay: &str, report: &Report) {
    page.wrapped("", &report.title, BOLD);
    page.styled(file, FAINT);
    page.wrapped("", &report.machine, FAINT);
    page.line("");
    if !report.about.trim().is_empty() {
        about(page, &report.about);
        page.line("");
    }
    verdict(page, report);
    page.line("");
    outcomes::section(page, report);
    page.line("");
    expectations::section(page, replay, report);
    promises::section(page, report);
    page.line("");
    totals(page, report);
}

/// What the scenario is about: its paragraphs, wrapped anew. Items of a list and rows of a table keep their lines.
fn about(page: &mut Page, text: &str) {
    let mut paragraph = String::new();
    for line in text.trim().lines().map(str::trim_end).chain([""]) {
        let own = ["* ", "- ", "|", "#", "```", "    "].iter().any(|start| line.starts_with(start));
        if (own || line.is_empty()) && !paragraph.is_empty() {
            page.wrapped("", &std::mem::take(&mut paragraph), FAINT);
            if line.is_empty() {
                page.line("");
            }
        }
        if !paragraph.is_empty() {
            paragraph.push(' ');
        }
        // A line that goes on, but for the first of a list, is not indented.
        paragraph.push_str(if own { line } else { line.trim_start() });
    }
    page.text.truncate(page.text.trim_end().len());
    page.line("");
}

/// The verdict in one sentence. It counts the expectations that are listed: one may be expected without being written.
fn verdict(page: &mut Page, report: &Report) {
    let written = report.expectations.iter().filter(|judged| judged.line.is_some()).count();
    let all = report.expectations.len();
    let those = |wanted: Verdict| report.expectations.iter().filter(|one| one.verdict == wanted).count();
    let (_, style) = word(report.verdict);
    let (word, sentence) = match (report.verdict, written) {
        (Verdict::Holds, 0) => {
            ("Holds", "the disk can always be mounted; nothing else is expected.".to_owned())
        }
        (Verdict::Holds, _) if all == 1 => ("Holds", "the expectation holds.".to_owned()),
        (Verdict::Holds, _) => ("Holds", format!("all {all} expectations hold.")),
        (Verdict::Violated, _) => {
            ("VIOLATED", format!("{} of {all} expectations failed.", those(Verdict::Violated)))
        }
        (Verdict::Inconclusive, _) => (
            "Inconclusive",
            format!(
                "nothing found speaks against an expectation, but not every crash state could be decided, and {} of \
                 {all} could still fail.",
                those(Verdict::Inconclusive)
            ),
        ),
    };
    page.tagged(word, style, &sentence);
}

/// How many images there are, and how many of them were not looked at.
fn totals(page: &mut Page, report: &Report) {
    let images = page.amount_of(&report.images, "different disk image", "different disk images");
    match &report.coverage {
        Coverage::Complete => {
            let text = format!("Looked at {images}: every one that a crash can leave. {}", schedules(report));
            page.wrapped("", &text, FAINT);
        }
        Coverage::Partial(partial) => {
            let text = format!("There are {images}; not all were looked at. {}", schedules(report));
            page.wrapped("", &text, OPEN);
            page.wrapped("  ", &left_out(partial), FAINT);
            page.wrapped("", &hint(report.atomic), FAINT);
        }
    }
    repairs(page, report);
    if page.digits() == Digits::All {
        let sets = page.amount_of(&report.subsets, "set", "sets");
        let text = format!("They come about by {sets} of writes that reached the medium, part by part.");
        page.wrapped("", &text, FAINT);
    }
}

/// How many images need more than recovery, where there are any.
fn repairs(page: &mut Page, report: &Report) {
    let Repairs { automatic, manual } = &report.repairs;
    let none = BigUint::ZERO;
    let parts = [(automatic, "repairs that e2fsck -fp makes by itself"), (manual, "manual repair")];
    let parts: Vec<String> = parts
        .into_iter()
        .filter(|(images, _)| **images > none)
        .map(|(images, what)| {
            let verb = if *images == BigUint::from(1_u32) { "needs" } else { "need" };
            format!("{} {verb} {what}", page.amount(images))
        })
        .collect();
    if !parts.is_empty() {
        let of = match &report.coverage {
            Coverage::Complete => "Of these images",
            Coverage::Partial(_) => "Of the images that were looked at",
        };
        page.wrapped("", &format!("{of} {}.", parts.join(", and ")), OPEN);
    }
}

/// What is known of the images that were not looked at.
fn left_out(partial: &Partial) -> String {
    let Partial { reason, left, of, draws, .. } = partial;
    let share = log2(left) - log2(of);
    let sets = format!("a share of 2^{share:.1} of all sets of writes was left out ({reason})");
    let drawn = f64::from(u32::try_from(*draws).unwrap_or(u32::MAX).max(1));
    format!(
        "{sets}; {draws} of them were drawn at random (what none of these shows makes up less than {:.2} % of what \
         was left out, with a confidence of 95 %)",
        100.0 * RULE_OF_THREE / drawn
    )
}

/// What can be done where not every state was looked at.
fn hint(atomic: AtomicUnit) -> String {
    match atomic {
        AtomicUnit::Sector => format!("{LOOK_AT_MORE} {HAVE_FEWER}"),
        AtomicUnit::Block => LOOK_AT_MORE.to_owned(),
    }
}

fn schedules(report: &Report) -> &'static str {
    if report.runs.len() == 1 {
        "It makes no difference here how soon the disk completes writes."
    } else {
        "I/O that no call waits for was tried as completing at once (prompt) and as late as it can (late)."
    }
}

/// The kernels of a line of the summary, unless it is the default one.
fn on(kernels: &[Kernel]) -> String {
    if kernels == [Kernel::default()] {
        String::new()
    } else {
        format!("  on {}", comparison::label(kernels))
    }
}

fn summary(page: &mut Page, done: &[(String, Line)]) {
    page.styled("Summary", BOLD);
    for (file, line) in done {
        let (word, style, images, on) = match line {
            Line::Judged { verdict, images, kernels } => {
                let (word, style) = word(*verdict);
                (word, style, page.amount_of(images, "image", "images"), on(kernels))
            }
            Line::Error => ("error", BAD, String::new(), String::new()),
        };
        let word = padded(word, 12);
        page.line(&format!("  {style}{word}{style:#}  {images:>14}  {file}{on}"));
    }
    let judged = |wanted: Verdict| {
        let matching =
            |(_, line): &&(String, Line)| matches!(line, Line::Judged { verdict, .. } if *verdict == wanted);
        done.iter().filter(matching).count()
    };
    let errors = done.iter().filter(|(_, line)| matches!(line, Line::Error)).count();
    let parts = [
        (judged(Verdict::Holds), "hold"),
        (judged(Verdict::Violated), "violated"),
        (judged(Verdict::Inconclusive), "inconclusive"),
        (errors, "could not run"),
    ];
    let parts: Vec<String> = parts
        .iter()
        .filter(|(number, _)| *number > 0)
        .map(|(number, word)| format!("{number} {word}"))
        .collect();
    page.line(&format!("{} scenarios: {}", done.len(), parts.join(", ")));
}
