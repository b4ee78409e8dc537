//! What the calls have promised by themselves, and whether it was kept.
//!
//! ```text
//!   Promises
//!     kept    documented  fsync, step 5: the bytes and the size of the file (/f)
//!                         fsync(2); POSIX fsync: synchronized I/O file integrity completion
//!     BROKEN  ext4        rename over a name, step 4: …
//! ```
//! Promises of one row of the table that were all kept are one line.

use super::expectations::when;
use super::layout::{Page, WIDTH, columns, listed, padded, wrap};
use super::trees::Vocabulary;
use super::{BAD, BOLD, FAINT, GOOD, OPEN};
use anstyle::Style;
use unplug::report::{PromiseReport, Report, Verdict};

/// More steps, and more paths, are not named.
const NAMED: usize = 6;
const MARGIN: &str = "                      ";

/// All promises of a report.
pub(super) fn section(page: &mut Page, report: &Report) {
    if report.promises.is_empty() {
        return;
    }
    page.line("");
    page.styled("Promises", BOLD);
    let words = Vocabulary::of(&[report]);
    let mut done: Vec<bool> = vec![false; report.promises.len()];
    for at in 0..report.promises.len() {
        let promise = &report.promises[at];
        if done[at] {
            continue;
        }
        let alike = |other: &PromiseReport| {
            promise.verdict == Verdict::Holds && other.row == promise.row && other.verdict == promise.verdict
        };
        let same: Vec<usize> = (at..report.promises.len())
            .filter(|other| *other == at || alike(&report.promises[*other]))
            .collect();
        same.iter().for_each(|other| done[*other] = true);
        let group: Vec<&PromiseReport> = same.iter().map(|other| &report.promises[*other]).collect();
        heading(page, &group);
        broken(page, promise, &words);
    }
}

/// `  kept    documented  fsync, steps 3, 5: the bytes and the size of the file (/f, /g)`
fn heading(page: &mut Page, group: &[&PromiseReport]) {
    let Some(first) = group.first() else { return };
    let (word, style) = match first.verdict {
        Verdict::Holds => ("kept", GOOD),
        Verdict::Inconclusive => ("open", OPEN),
        Verdict::Violated => ("BROKEN", BAD),
    };
    let steps: Vec<String> =
        group.iter().filter_map(|one| one.step).map(|step| (step.get() + 1).to_string()).collect();
    let steps = match steps.len() {
        0 => String::new(),
        1 => format!(", step {}", listed(&steps, NAMED)),
        _ => format!(", steps {}", listed(&steps, NAMED)),
    };
    let mut about: Vec<String> =
        group.iter().map(|one| one.about.clone()).filter(|about| !about.is_empty()).collect();
    about.dedup();
    let about = if about.is_empty() { String::new() } else { format!(" ({})", listed(&about, NAMED)) };
    let text = format!("{}{steps}: {}{about}", first.row.call, first.row.promise);
    let level = padded(first.row.level.name(), 12);
    for (number, line) in wrap(&text, WIDTH - columns(MARGIN)).iter().enumerate() {
        if number == 0 {
            page.line(&format!("  {style}{}{style:#}{level}{line}", padded(word, 8)));
        } else {
            page.line(&format!("{MARGIN}{line}"));
        }
    }
    page.wrapped(MARGIN, first.row.source, FAINT);
}

fn broken(page: &mut Page, promise: &PromiseReport, words: &Vocabulary) {
    let Some(case) = &promise.case else { return };
    let found = words.cells(&case.tree).join(", ");
    page.wrapped(MARGIN, &format!("{}: {found}", when(case.after)), Style::new());
    page.wrapped(MARGIN, &format!("for example {}", case.witness.id), FAINT);
}
