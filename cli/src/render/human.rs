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
//! Neighbouring windows with the same outcomes are said once. Entries that are the same after every crash are said
//! once, at the top. Colour only repeats what words say.

mod expectations;
mod layout;
mod outcomes;
mod trees;

#[cfg(test)]
mod tests;

use super::{Renderer, count};
use crate::commands::Trouble;
use anstyle::{AnsiColor, Style};
use layout::{Page, padded};
use std::path::Path;
use unplug::crash::Coverage;
use unplug::report::{Report, RunReport, Verdict};

const BOLD: Style = Style::new().bold();
const FAINT: Style = Style::new().dimmed();
const GOOD: Style = AnsiColor::Green.on_default().bold();
const BAD: Style = AnsiColor::Red.on_default().bold();
const OPEN: Style = AnsiColor::Yellow.on_default().bold();

/// Prints a scenario at a time, and a summary of several at the end.
#[derive(Debug)]
pub(crate) struct Human {
    done: Vec<(String, Line)>,
}

/// A scenario in the summary.
#[derive(Debug)]
enum Line {
    Judged { verdict: Verdict, images: u64 },
    Error,
}

impl Human {
    /// No scenario yet.
    pub(crate) const fn new() -> Self {
        Self { done: Vec::new() }
    }
}

impl Renderer for Human {
    fn scenario(&mut self, file: &Path, result: &Result<Report, Trouble>) -> String {
        let file = file.display().to_string();
        let (line, text) = match result {
            Ok(report) => (
                Line::Judged { verdict: report.verdict, images: report.images },
                one(&file, report, self.done.is_empty()),
            ),
            Err(_) => (Line::Error, String::new()),
        };
        self.done.push((file, line));
        text
    }

    fn end(&mut self) -> String {
        if self.done.len() > 1 { summary(&self.done) } else { String::new() }
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

fn one(file: &str, report: &Report, first: bool) -> String {
    let mut page = Page::new();
    if !first {
        page.line("");
    }
    page.wrapped("", &report.title, BOLD);
    page.styled(file, FAINT);
    page.line("");
    verdict(&mut page, report);
    page.line("");
    outcomes::section(&mut page, report);
    page.line("");
    expectations::section(&mut page, file, report);
    page.line("");
    totals(&mut page, report);
    page.text
}

/// The verdict in one sentence. What is expected without being written counts where it matters.
fn verdict(page: &mut Page, report: &Report) {
    let written = report.expectations.iter().filter(|judged| judged.line.is_some()).count();
    let all = report.expectations.len();
    let those = |wanted: Verdict| report.expectations.iter().filter(|one| one.verdict == wanted).count();
    let (_, style) = word(report.verdict);
    let (word, sentence) = match (report.verdict, written) {
        (Verdict::Holds, 0) => {
            ("Holds", "the disk can always be mounted; nothing else is expected.".to_owned())
        }
        (Verdict::Holds, 1) => ("Holds", "the expectation holds.".to_owned()),
        (Verdict::Holds, _) => ("Holds", format!("all {written} expectations hold.")),
        (Verdict::Violated, _) => {
            ("VIOLATED", format!("{} of {all} expectations failed.", those(Verdict::Violated)))
        }
        (Verdict::Inconclusive, _) => (
            "Inconclusive",
            format!(
                "nothing found speaks against an expectation, but not every crash state was looked at, and {} of \
                 {all} could still fail.",
                those(Verdict::Inconclusive)
            ),
        ),
    };
    page.tagged(word, style, &sentence);
}

/// How many images there are and how many were looked at.
fn totals(page: &mut Page, report: &Report) {
    let images = count(report.images, "different disk image", "different disk images");
    let complete = report.runs.iter().all(|run| matches!(run.coverage, Coverage::Complete { .. }));
    if complete {
        page.wrapped(
            "",
            &format!("Looked at {images}: every one that a crash can leave. {}", schedules(report)),
            FAINT,
        );
    } else {
        page.wrapped("", &format!("Looked at {images}, which are not all. {}", schedules(report)), OPEN);
        for run in &report.runs {
            partial(page, run);
        }
    }
}

fn partial(page: &mut Page, run: &RunReport) {
    if let Coverage::Partial { explored, total, reason } = &run.coverage {
        let names: Vec<&str> = run.schedules.iter().map(|schedule| schedule.name()).collect();
        let total = total.to_string();
        let size = if total.len() > 15 { format!("about 10^{}", total.len() - 1) } else { total };
        page.wrapped(
            "  ",
            &format!("schedule {}: {explored} of {size} ({reason})", names.join(" and ")),
            FAINT,
        );
    }
}

fn schedules(report: &Report) -> &'static str {
    if report.runs.len() == 1 {
        "It makes no difference here how soon the disk completes writes."
    } else {
        "I/O that no call waits for was tried as completing at once (prompt) and as late as it can (late)."
    }
}

fn summary(done: &[(String, Line)]) -> String {
    let mut page = Page::new();
    page.line("");
    page.styled("Summary", BOLD);
    for (file, line) in done {
        let (word, style, images) = match line {
            Line::Judged { verdict, images } => {
                let (word, style) = word(*verdict);
                (word, style, count(*images, "image", "images"))
            }
            Line::Error => ("error", BAD, String::new()),
        };
        let word = padded(word, 12);
        page.line(&format!("  {style}{word}{style:#}  {images:>14}  {file}"));
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
    page.text
}
