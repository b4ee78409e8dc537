//! The steps down the side, and what a crash between them can leave.

use super::layout::{Page, WIDTH, columns, listed, padded, shortened};
use super::trees::Vocabulary;
use super::{BOLD, FAINT};
use crate::render::count;
use num_bigint::BigUint;
use std::collections::BTreeMap;
use std::sync::Arc;
use unplug::crash::Coverage;
use unplug::report::{Outcome, RepairNeeded, Report, Shown, ShownTree, StepReport, Traffic, Window};
use unplug::units::len_u64;

const MANUAL: &str = "needs manual repair, e2fsck -fp gives up";
/// More outcomes than this are not all shown.
const ROWS: usize = 8;
/// More lost writes than this are not all named.
const CAUSES: usize = 3;
/// Columns between cells.
const GAP: usize = 3;
/// What the line `still unwritten` is about.
const LEGEND: &str = "A block that is still unwritten reads as zeros: a transaction with the file's size and the block's \
                      place was committed before the data had arrived, and what marks the block as written comes in a \
                      later one.";
const BAR: &str = "      │";

/// Windows that follow each other and have the same outcomes.
struct Group<'a> {
    windows: &'a [Window],
    /// The number of the first window: so many steps have returned.
    first: usize,
}

/// The steps and the windows.
pub(super) fn section(page: &mut Page, report: &Report) {
    let partial = matches!(report.coverage, Coverage::Partial(_));
    let title = "What a crash can leave behind";
    page.styled(
        &if partial { format!("{title} (not every state was looked at)") } else { title.to_owned() },
        BOLD,
    );
    let words = Vocabulary::of(&[report]);
    if !words.fixed.is_empty() {
        page.labelled("", "always there: ", &listed(&words.fixed, 12));
    }
    let mut groups = groups(&report.windows).into_iter().peekable();
    for window in 0..=report.steps.len() {
        if let Some(step) = window.checked_sub(1) {
            page.line(&step_line(window, &report.steps[step], report));
        }
        if let Some(group) = groups.next_if(|group| group.first == window) {
            group_lines(page, &group, &words, report);
        }
    }
    let stories = report
        .windows
        .iter()
        .flat_map(|window| window.outcomes.iter())
        .filter_map(|one| one.witness.story.as_ref());
    if stories.into_iter().any(|story| !story.unwritten.is_empty()) {
        page.wrapped("", LEGEND, FAINT);
    }
}

fn groups(windows: &[Window]) -> Vec<Group<'_>> {
    type Shape = (ShownTree, RepairNeeded, Vec<usize>);
    let shape = |outcome: &Outcome| (outcome.tree.clone(), outcome.repair, outcome.violates.clone());
    let outcomes = |window: &Window| -> Vec<Shape> { window.outcomes.iter().map(shape).collect() };
    let alike = |one: &Window, other: &Window| {
        Arc::ptr_eq(&one.outcomes, &other.outcomes) || outcomes(one) == outcomes(other)
    };
    let mut first = 0;
    let mut groups = Vec::new();
    for windows in windows.chunk_by(alike) {
        groups.push(Group { windows, first });
        first += windows.len();
    }
    groups
}

/// `   6  sync                     5 writes, 2 flushes`
fn step_line(number: usize, step: &StepReport, report: &Report) -> String {
    let traffic = traffic(step, report);
    let space = WIDTH - 6 - if traffic.is_empty() { 0 } else { columns(&traffic) + 2 };
    let text = shortened(&step.text, space);
    if traffic.is_empty() {
        return format!("{number:>4}  {BOLD}{text}{BOLD:#}");
    }
    let gap = " ".repeat((WIDTH - 6).saturating_sub(columns(&text) + columns(&traffic)));
    format!("{number:>4}  {BOLD}{text}{BOLD:#}{gap}{FAINT}{traffic}{FAINT:#}")
}

/// What reached the disk during a step; for each run, where they differ.
fn traffic(step: &StepReport, report: &Report) -> String {
    let said: Vec<String> = step.traffic.iter().map(said).collect();
    let same = said.windows(2).all(|pair| pair[0] == pair[1]);
    if same {
        return said.into_iter().next().unwrap_or_default();
    }
    let named = report.runs.iter().zip(said).map(|(run, said)| {
        let names: Vec<&str> = run.schedules.iter().map(|schedule| schedule.name()).collect();
        format!("{}: {}", names.join("+"), if said.is_empty() { "nothing" } else { &said })
    });
    named.collect::<Vec<_>>().join("; ")
}

fn said(traffic: &Traffic) -> String {
    let writes = (traffic.written() > 0).then(|| count(traffic.written(), "write", "writes"));
    let flushes = (traffic.flushes > 0).then(|| count(traffic.flushes, "flush", "flushes"));
    writes.into_iter().chain(flushes).collect::<Vec<_>>().join(", ")
}

fn group_lines(page: &mut Page, group: &Group<'_>, words: &Vocabulary, report: &Report) {
    let last = group.first + group.windows.len() - 1;
    let when = match (group.first, last == report.steps.len()) {
        (0, true) => "at any time a crash can leave".to_owned(),
        (0, false) => format!("a crash before step {} has returned can leave", last + 1),
        (_, true) => "a crash from here on can leave".to_owned(),
        (_, false) => format!("a crash from here until step {} has returned can leave", last + 1),
    };
    page.line(&format!("{BAR} {FAINT}{when}{FAINT:#}"));
    let Some(window) = group.windows.first() else { return };
    let mut outcomes: Vec<&Outcome> = window.outcomes.iter().collect();
    outcomes.sort_by_key(|outcome| (outcome.violates.is_empty(), lost(outcome), outcome.witness.at));
    if outcomes.len() <= ROWS {
        // All are shown: those that come about without a loss first.
        outcomes.sort_by_key(|outcome| (lost(outcome), outcome.witness.at));
    }
    let images = counts(group.windows);
    let shown: Vec<Row<'_>> = outcomes
        .iter()
        .take(ROWS)
        .map(|outcome| Row {
            images: words_for(page, &images, outcome),
            cells: words.row(&outcome.tree),
            outcome,
        })
        .collect();
    rows(page, &shown, report);
    if let Some(rest) = outcomes.get(ROWS..).filter(|rest| !rest.is_empty()) {
        let images: BigUint = rest.iter().map(|outcome| &outcome.images).sum();
        let outcomes = count(len_u64(rest.len()), "other tree", "other trees");
        let images = page.amount_of(&images, "image", "images");
        let text = format!("… and {outcomes} in {images}; --format json lists them all");
        page.line(&format!("{BAR}   {FAINT}{text}{FAINT:#}"));
    }
}

fn lost(outcome: &Outcome) -> usize {
    outcome.witness.story.as_ref().map_or(0, |story| story.lost.len())
}

/// For each tree, and what it needs, the fewest and the most images.
type Counts<'a> = BTreeMap<(&'a ShownTree, RepairNeeded), (&'a BigUint, &'a BigUint)>;

/// The fewest and the most images of each tree in a group of windows.
fn counts(windows: &[Window]) -> Counts<'_> {
    let mut counts = Counts::new();
    for outcome in windows.iter().flat_map(|window| window.outcomes.iter()) {
        let images = &outcome.images;
        let (fewest, most) = counts.entry((&outcome.tree, outcome.repair)).or_insert((images, images));
        *fewest = images.min(*fewest);
        *most = images.max(*most);
    }
    counts
}

/// A number and a noun, to be aligned between them.
fn words_for(page: &Page, counts: &Counts<'_>, outcome: &Outcome) -> (String, &'static str) {
    let said = |number: &BigUint| page.amount(number);
    match counts.get(&(&outcome.tree, outcome.repair)) {
        Some((fewest, most)) if *fewest + 1_u32 == **most => {
            (format!("{} or {}", said(fewest), said(most)), "images")
        }
        Some((fewest, most)) if fewest != most => (format!("{} to {}", said(fewest), said(most)), "images"),
        Some(_) | None if outcome.images == BigUint::from(1_u32) => ("1".to_owned(), "image"),
        Some(_) | None => (said(&outcome.images), "images"),
    }
}

struct Row<'a> {
    images: (String, &'static str),
    cells: Vec<String>,
    outcome: &'a Outcome,
}

fn rows(page: &mut Page, rows: &[Row<'_>], report: &Report) {
    let digits = rows.iter().map(|row| columns(&row.images.0)).max().unwrap_or(0).max(4);
    let margin = format!("{BAR}   {}", " ".repeat(digits + 10));
    let widths = widths(rows, WIDTH.saturating_sub(columns(&margin)));
    for row in rows {
        let sign = if row.outcome.violates.is_empty() { " " } else { "✗" };
        let (number, noun) = &row.images;
        let label = format!("{BAR} {sign} {}{number} {noun:<9}", " ".repeat(digits - columns(number)));
        match &widths {
            Some(widths) if widths.len() == row.cells.len() => {
                let cells = row.cells.iter().zip(widths);
                page.line(
                    &(label + &cells.map(|(cell, width)| padded(cell, width + GAP)).collect::<String>()),
                );
            }
            Some(_) | None => page.labelled("", &label, &row.cells.join(", ")),
        }
        for (label, text) in reasons(row.outcome, report) {
            page.labelled(&margin, label, &text);
        }
        if let Some(story) = row.outcome.witness.story.as_ref().filter(|story| !story.unwritten.is_empty()) {
            page.labelled(&margin, "still unwritten: ", &listed(&story.unwritten, CAUSES));
        }
    }
}

/// What is to be said of an outcome: whether it is unexpected, when it comes about, and by the loss of which writes.
fn reasons(outcome: &Outcome, report: &Report) -> Vec<(&'static str, String)> {
    let mut reasons = Vec::new();
    // Of units that are free, some combinations violate; the witness need not be one of them.
    let is_mixed = outcome.tree.values().any(|shown| matches!(shown, Shown::Units { .. }));
    let is_violation = !outcome.violates.is_empty();
    if is_violation {
        let word = if is_mixed { "some of these violate " } else { "violates " };
        reasons.push((word, violated(outcome, report)));
    }
    match (outcome.repair, outcome.tree.contains_key("!")) {
        (RepairNeeded::None, _) => {}
        (RepairNeeded::Automatic, false) => reasons.push(("damaged: ", "e2fsck -fp repairs it".to_owned())),
        (RepairNeeded::Automatic, true) => {
            reasons.push(("repair: ", "e2fsck -fp makes it mountable".to_owned()))
        }
        (RepairNeeded::Manual, false) => reasons.push(("damaged: ", MANUAL.to_owned())),
        (RepairNeeded::Manual, true) => reasons.push(("repair: ", MANUAL.to_owned())),
    }
    let schedules = report.runs.iter().flat_map(|run| &run.schedules).count();
    if outcome.schedules.len() < schedules {
        let names: Vec<&str> = outcome.schedules.iter().map(|schedule| schedule.name()).collect();
        reasons.push(("only with schedule ", names.join(" and ")));
    }
    if let Some(story) = outcome.witness.story.as_ref().filter(|_| !(is_mixed && is_violation)) {
        match &story.next {
            _ if !story.lost.is_empty() => reasons.push(("if lost: ", listed(&story.lost, CAUSES))),
            Some(next) if !outcome.violates.is_empty() => reasons.push(("if cut before: ", next.clone())),
            Some(_) | None => {}
        }
    }
    reasons
}

/// How wide each column of cells is, if they fit side by side. A disk that cannot be mounted has only one cell.
fn widths(rows: &[Row<'_>], space: usize) -> Option<Vec<usize>> {
    let most = rows.iter().map(|row| row.cells.len()).max()?;
    let mut widths = vec![0; most];
    for row in rows.iter().filter(|row| row.cells.len() == most) {
        for (width, cell) in widths.iter_mut().zip(&row.cells) {
            *width = columns(cell).max(*width);
        }
    }
    (widths.iter().sum::<usize>() + GAP * (most - 1) <= space).then_some(widths)
}

/// The expectations that an outcome speaks against, by their lines.
fn violated(outcome: &Outcome, report: &Report) -> String {
    let named = outcome.violates.iter().filter_map(|at| report.expectations.get(*at));
    let mut names: Vec<String> = named
        .map(|judged| {
            judged.line.filter(|line| *line > 0).map_or(judged.text.clone(), |line| format!("line {line}"))
        })
        .collect();
    names.dedup();
    listed(&names, CAUSES)
}
