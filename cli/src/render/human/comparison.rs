//! Several kernels side by side: what each group of them did differently, and what a crash could leave.
//!
//! ```text
//!  kernel             ┆ 4 msync("m", MS_SYNC)  ┆ a crash after 5 mark("synced"), can leave
//! ════════════════════╪════════════════════════╪═══════════════════════════════════════════
//!  2.6.16             ┆ returns ENOMEM         ┆ /f = "new"
//! ```
//! Columns are the steps in which the groups differ, and the windows in which they do: those that begin at a mark, and
//! the last. Without marks, and where groups would look alike, it is all windows in which they differ. Where they do not
//! differ, windows that begin at a mark and the last one are said once, above. Everything here is computed from reports.

use super::expectations::{failures, quoted};
use super::layout::{Page, listed, shortened};
use super::trees::Vocabulary;
use super::{BAD, BOLD, FAINT, GOOD, OPEN, about, hint, replay, word};
use crate::commands::Trouble;
use crate::render::{count, table};
use num_bigint::BigUint;
use unplug::crash::Coverage;
use unplug::history::Returned;
use unplug::kernel::Kernel;
use unplug::report::{Comparison, Done, Outcome, RepairNeeded, Report, StepRow, Stretch, Traffic, Verdict};
use unplug::units::len_u64;

/// More outcomes than this are not all in a cell.
const OUTCOMES: usize = 6;
/// More columns than this, beside the kernels, make another table.
const COLUMNS: usize = 4;
/// A step's text in a header is no longer.
const STEP: usize = 72;

type Results = [Result<Report, Trouble>];

/// The title and the tables.
pub(super) fn brief(page: &mut Page, file: &str, results: &Results) {
    let reports: Vec<&Report> = results.iter().flatten().collect();
    let Some(first) = reports.first() else { return };
    page.wrapped("", &first.title, BOLD);
    page.styled(file, FAINT);
    page.line("");
    tables(page, &reports, &compared(results));
}

/// Everything that there is to say of all kernels together.
pub(super) fn whole(page: &mut Page, file: &str, results: &Results) {
    let reports: Vec<&Report> = results.iter().flatten().collect();
    let Some(first) = reports.first() else { return };
    let comparison = compared(results);
    page.wrapped("", &first.title, BOLD);
    page.styled(file, FAINT);
    for alike in reports.chunk_by(|one, other| one.storage == other.storage) {
        let kernels: Vec<Kernel> = alike.iter().map(|report| report.kernel).collect();
        let storage = alike.first().map_or("", |report| report.storage.as_str());
        page.wrapped("", &format!("Linux {}: {storage}", label(&kernels)), FAINT);
    }
    page.line("");
    if !first.about.trim().is_empty() {
        about(page, &first.about);
        page.line("");
    }
    verdicts(page, results);
    page.line("");
    tables(page, &reports, &comparison);
    page.line("");
    for group in comparison.groups.iter().filter(|group| group.report.verdict != Verdict::Holds) {
        page.styled(&format!("Expectations that fail on {}", label(&group.kernels)), BOLD);
        failures(page, &replay_of(file, &group.kernels), group.report);
        page.line("");
    }
    totals(page, &reports);
}

/// Kernels as a list: `2.6.17 and 2.6.18`, `3.16 to 6.1, 6.12`. No kernel lies between the two ends of a span but
/// those that are meant.
pub(super) fn label(kernels: &[Kernel]) -> String {
    let place = |kernel: &Kernel| Kernel::ALL.iter().position(|other| other == kernel);
    let next = |one: &Kernel, other: &Kernel| place(one).map(|place| place + 1) == place(other);
    let mut parts: Vec<String> = Vec::new();
    for span in kernels.chunk_by(next) {
        match span {
            [first, _, .., last] => parts.push(format!("{first} to {last}")),
            few => parts.extend(few.iter().map(Kernel::to_string)),
        }
    }
    match parts.split_last() {
        Some((last, others)) if !others.is_empty() => format!("{} and {last}", others.join(", ")),
        Some((last, _)) => last.clone(),
        None => String::new(),
    }
}

fn compared(results: &Results) -> Comparison<'_> {
    Comparison::new(&results.iter().map(|result| result.as_ref().ok()).collect::<Vec<_>>())
}

fn replay_of(file: &str, kernels: &[Kernel]) -> String {
    kernels.first().map_or_else(|| quoted(file), |kernel| replay(file, *kernel))
}

/// The verdict in one sentence for each that there is, and those that could not run.
fn verdicts(page: &mut Page, results: &Results) {
    let sentences = [
        (Verdict::Holds, "Holds", "every expectation holds on"),
        (Verdict::Violated, "VIOLATED", "an expectation failed on"),
        (
            Verdict::Inconclusive,
            "Inconclusive",
            "an expectation could still fail, not every state was looked at on",
        ),
    ];
    for (verdict, word, sentence) in sentences {
        let kernels: Vec<Kernel> = results
            .iter()
            .flatten()
            .filter(|report| report.verdict == verdict)
            .map(|report| report.kernel)
            .collect();
        let style = match verdict {
            Verdict::Holds => GOOD,
            Verdict::Violated => BAD,
            Verdict::Inconclusive => OPEN,
        };
        if !kernels.is_empty() {
            page.tagged(word, style, &format!("{sentence} {}.", label(&kernels)));
        }
    }
    for trouble in results.iter().filter_map(|result| result.as_ref().err()) {
        if let Trouble::Step { kernel, at, error, .. } = trouble {
            page.tagged("Error", BAD, &format!("it could not run on {kernel}: {at}: {}", error.message));
        }
    }
}

/// How many images were looked at, on all kernels.
fn totals(page: &mut Page, reports: &[&Report]) {
    let images: BigUint = reports.iter().map(|report| &report.images).sum();
    let images = page.amount_of(&images, "disk image", "disk images");
    let kernels = count(len_u64(reports.len()), "kernel", "kernels");
    let partial: Vec<Kernel> =
        reports.iter().filter(|report| is_partial(report)).map(|report| report.kernel).collect();
    if partial.is_empty() {
        let text = format!("Looked at {images} on {kernels}: every one that a crash can leave.");
        page.wrapped("", &text, FAINT);
    } else {
        let text = format!("There are {images} on {kernels}; not all were looked at on {}.", label(&partial));
        page.wrapped("", &text, OPEN);
        for report in reports.iter().take(1) {
            page.wrapped("", &hint(report.atomic), FAINT);
        }
    }
}

fn is_partial(report: &Report) -> bool {
    matches!(report.coverage, Coverage::Partial(_))
}

/// A column of the table: a header, and a cell for each group.
struct Column {
    header: String,
    cells: Vec<String>,
}

fn tables(page: &mut Page, reports: &[&Report], comparison: &Comparison<'_>) {
    page.styled("Kernels side by side", BOLD);
    if reports.iter().any(|report| is_partial(report)) {
        page.wrapped("", "Not every state was looked at: kernels may seem to differ that do not.", OPEN);
    }
    let words = Vocabulary::of(reports);
    if !words.fixed.is_empty() {
        page.labelled("", "always there: ", &listed(&words.fixed, 12));
    }
    for stretch in alike(comparison) {
        let leaves = stretch.outcomes.first().map_or_else(Vec::new, |all| leaves(all, &words));
        let leaves: Vec<&str> = leaves.iter().map(|leaf| leaf.trim_start_matches("· ")).collect();
        let text = format!("on all, {}: {}", window_words(stretch, comparison), leaves.join("; "));
        page.wrapped("", &text, FAINT);
    }
    page.line("");
    if let [group] = comparison.groups.as_slice()
        && group.kernels.len() == reports.len()
    {
        page.line(&format!("No difference: {} do and leave the same.", label(&group.kernels)));
        return;
    }
    let several_verdicts =
        comparison.groups.windows(2).any(|pair| pair[0].report.verdict != pair[1].report.verdict);
    let (columns, left_out) = columns(comparison, &words);
    // Where only verdicts differ there is a table too.
    let room = COLUMNS - usize::from(several_verdicts);
    let tables = columns.len().div_ceil(room).max(1);
    for number in 0..tables {
        let some = columns.iter().skip(number * room).take(room);
        if number > 0 {
            page.line("");
        }
        let mut header = vec!["kernel".to_owned()];
        let mut rows: Vec<Vec<String>> =
            comparison.groups.iter().map(|group| vec![label(&group.kernels)]).collect();
        if number == 0 && several_verdicts {
            header.push("verdict".to_owned());
            for (row, group) in rows.iter_mut().zip(&comparison.groups) {
                row.push(word(group.report.verdict).0.to_owned());
            }
        }
        for column in some {
            header.push(column.header.clone());
            for (row, cell) in rows.iter_mut().zip(&column.cells) {
                row.push(cell.clone());
            }
        }
        for line in table::lines(&header, &rows, table::Between::Rule) {
            page.line(&line);
        }
    }
    if left_out {
        page.line("");
        page.wrapped("", "Shown are crashes at marks; between them the kernels differ too (--full).", FAINT);
    }
}

/// The stretches in which the groups do not differ: those that are told of, where there are marks or not.
fn alike<'c, 'a>(comparison: &'c Comparison<'a>) -> impl Iterator<Item = &'c Stretch<'a>> {
    comparison
        .stretches
        .iter()
        .filter(|stretch| !stretch.differs())
        .filter(|stretch| is_last(stretch, comparison) || marked(stretch, comparison).next().is_some())
}

fn is_last(stretch: &Stretch<'_>, comparison: &Comparison<'_>) -> bool {
    stretch.to == comparison.steps.len()
}

/// The windows of a stretch that begin at a mark: how many steps have returned, and the last of them.
fn marked<'c, 'a>(
    stretch: &Stretch<'_>,
    comparison: &'c Comparison<'a>,
) -> impl Iterator<Item = (usize, &'c StepRow<'a>)> {
    let windows = stretch.from.max(1)..=stretch.to;
    windows
        .filter_map(|returned| comparison.steps.get(returned - 1).map(|row| (returned, row)))
        .filter(|(_, row)| row.step.name == "mark")
}

/// The steps and windows in which groups differ, in the order of the program, and whether windows are left out.
fn columns(comparison: &Comparison<'_>, words: &Vocabulary) -> (Vec<Column>, bool) {
    let differing = || comparison.stretches.iter().filter(|stretch| stretch.differs());
    let any_marks = comparison.steps.iter().any(|row| row.step.name == "mark");
    let chosen: Vec<&Stretch<'_>> = differing()
        .filter(|stretch| {
            !any_marks || is_last(stretch, comparison) || marked(stretch, comparison).next().is_some()
        })
        .collect();
    let all: Vec<&Stretch<'_>> = differing().collect();
    let few = columns_with(comparison, words, &chosen);
    let looks_alike = |group: usize| few.iter().all(|column| column.cells[group] == column.cells[group + 1]);
    if (0..comparison.groups.len().saturating_sub(1)).any(looks_alike) {
        return (columns_with(comparison, words, &all), false);
    }
    (few, chosen.len() < all.len())
}

fn columns_with(comparison: &Comparison<'_>, words: &Vocabulary, stretches: &[&Stretch<'_>]) -> Vec<Column> {
    let mut columns = Vec::new();
    let mut stretches = stretches.iter().peekable();
    for returned in 0..=comparison.steps.len() {
        let row = returned.checked_sub(1).and_then(|step| comparison.steps.get(step));
        columns.extend(row.and_then(|row| step_column(returned, row)));
        if let Some(stretch) = stretches.next_if(|stretch| stretch.from == returned) {
            columns.push(Column {
                header: window_words(stretch, comparison),
                cells: stretch.outcomes.iter().map(|all| leaves(all, words).join("\n")).collect(),
            });
        }
    }
    columns
}

fn step_column(number: usize, row: &StepRow<'_>) -> Option<Column> {
    let (returned, traffic) = (row.returned_differs(), row.traffic_differs());
    // What a program reads is checked, and makes no difference where nothing reaches the disk.
    let reads = matches!(row.step.name, "load" | "read" | "pread");
    if !traffic && (!returned || reads) || reads && row.done.iter().flatten().all(is_quiet) {
        return None;
    }
    let cell = |done: &Option<Done<'_>>| {
        let Some(done) = done else { return "not made".to_owned() };
        let mut lines = Vec::new();
        if returned {
            lines.extend(by_schedule(done, |(_, returned, _)| vec![returned_words(returned)]));
        }
        if traffic {
            lines.extend(by_schedule(done, |(_, _, traffic)| traffic_words(traffic)));
        }
        lines.join("\n")
    };
    let header = format!("{number} {}", step_words(row));
    Some(Column { header, cells: row.done.iter().map(cell).collect() })
}

fn is_quiet(done: &Done<'_>) -> bool {
    let requests = |traffic: &Traffic| (traffic.in_place, traffic.commits, traffic.flushes);
    done.runs.iter().all(|(.., traffic)| traffic.data.is_empty() && requests(traffic) == (0, 0, 0))
}

/// The call itself, without a `fails` or an `only` around it, and shortened.
fn step_words(row: &StepRow<'_>) -> String {
    let text = row.step.text.as_str();
    let call = text.find(&format!("{}(", row.step.name)).and_then(|at| text.get(at..)).map_or(text, balanced);
    shortened(call, STEP)
}

/// A text up to the parenthesis that closes its first one. Those in strings do not count.
fn balanced(text: &str) -> &str {
    let (mut depth, mut quoted, mut escaped) = (0_u32, false, false);
    for (at, letter) in text.char_indices() {
        match letter {
            _ if escaped => escaped = false,
            '\\' => escaped = quoted,
            '"' => quoted = !quoted,
            '(' if !quoted => depth += 1,
            ')' if !quoted && depth == 1 => return text.get(..=at).unwrap_or(text),
            ')' if !quoted => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    text
}

type OneRun<'r, 'a> = &'r (unplug::schedule::Schedule, &'a Returned, &'a Traffic);

/// What is said of each schedule; once, where all are alike.
fn by_schedule<'a>(done: &Done<'a>, words: impl Fn(OneRun<'_, 'a>) -> Vec<String>) -> Vec<String> {
    let said: Vec<Vec<String>> = done.runs.iter().map(words).collect();
    if said.windows(2).all(|pair| pair[0] == pair[1]) {
        return said.into_iter().next().unwrap_or_default();
    }
    let named =
        done.runs.iter().zip(said).map(|((schedule, ..), said)| format!("{schedule}: {}", said.join(", ")));
    named.collect()
}

fn returned_words(returned: &Returned) -> String {
    match returned {
        Returned::Value(value) => format!("returns {value}"),
        Returned::Error(errno) => format!("returns {errno}"),
    }
}

/// `data of /f: blocks 0 to 2`, `a commit`, `2 flushes`
fn traffic_words(traffic: &Traffic) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    for file in traffic.data.chunk_by(|one, other| (one.ino, one.fua) == (other.ino, other.fua)) {
        let Some(first) = file.first() else { continue };
        let name = first.name.clone().unwrap_or_else(|| format!("inode {}", first.ino));
        let runs: Vec<String> = file
            .iter()
            .map(|run| match run.blocks {
                1 => run.from.to_string(),
                blocks => format!("{} to {}", run.from, run.from.get() + blocks - 1),
            })
            .collect();
        let noun = if matches!(file, [run] if run.blocks == 1) { "block" } else { "blocks" };
        let fua = if first.fua { " (FUA)" } else { "" };
        words.push(format!("data of {name}: {noun} {}{fua}", listed(&runs, 4)));
    }
    let counted = [
        (traffic.in_place, "metadata block in place", "metadata blocks in place"),
        (traffic.commits, "commit", "commits"),
        (traffic.flushes, "flush", "flushes"),
    ];
    let there = counted.iter().filter(|(number, ..)| *number > 0);
    words.extend(there.map(|(number, one, many)| count(*number, one, many)));
    if words.is_empty() {
        words.push("nothing to the disk".to_owned());
    }
    words
}

/// `a crash after 4 fsync("f"), before 6 returns, can leave`: from the first mark of the stretch on, if it has one.
fn window_words(stretch: &Stretch<'_>, comparison: &Comparison<'_>) -> String {
    let text = |number: usize| {
        let row = number.checked_sub(1).and_then(|step| comparison.steps.get(step));
        row.map_or_else(|| number.to_string(), |row| format!("{number} {}", step_words(row)))
    };
    let mut marked = marked(stretch, comparison);
    let from = marked.next().map_or(stretch.from, |(returned, _)| returned);
    let mut words = match (from, is_last(stretch, comparison)) {
        (0, true) => "a crash at any time".to_owned(),
        (0, false) => format!("a crash before {} returns", text(stretch.to + 1)),
        (from, true) => format!("a crash after {}", text(from)),
        (from, false) => format!("a crash after {}, before {} returns", text(from), stretch.to + 1),
    };
    for (_, row) in marked {
        words += &format!(", also at {}", row.step.text);
    }
    words + ", can leave"
}

/// Outcomes in the order of their trees; those that speak against an expectation first, where not all are shown. A disk
/// that cannot be mounted is said once.
fn leaves(outcomes: &[Outcome], words: &Vocabulary) -> Vec<String> {
    let sign = |violates: bool| if violates { "✗" } else { "·" };
    let speaks = |outcome: &Outcome| !outcome.violates.is_empty();
    let (unmountable, mut mounted): (Vec<&Outcome>, Vec<&Outcome>) =
        outcomes.iter().partition(|outcome| outcome.tree.contains_key("!"));
    if mounted.len() > OUTCOMES {
        mounted.sort_by_key(|outcome| !speaks(outcome));
    }
    let leaf = |outcome: &&Outcome| {
        let needs = match outcome.repair {
            RepairNeeded::None => "",
            RepairNeeded::Automatic => " (e2fsck -fp repairs it)",
            RepairNeeded::Manual => " (needs manual repair)",
        };
        format!("{} {}{needs}", sign(speaks(outcome)), words.row(&outcome.tree).join(", "))
    };
    let mut leaves: Vec<String> = mounted.iter().take(OUTCOMES).map(leaf).collect();
    if mounted.len() > OUTCOMES {
        leaves.push(format!("… and {} more", mounted.len() - OUTCOMES));
    }
    match unmountable.as_slice() {
        [] => {}
        [one] => leaves.push(leaf(one)),
        several => {
            let any = several.iter().any(|outcome| speaks(outcome));
            leaves.push(format!("{} cannot be mounted, for {} reasons", sign(any), several.len()));
        }
    }
    leaves
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_ends_where_its_parenthesis_closes() {
        let check = |text: &str, wanted: &str| assert_eq!(balanced(text), wanted, "{text}");
        check(r#"sync), on: "6.6")"#, r#"sync), on: "6.6")"#);
        check(r#"close("f"), on: "6.6")"#, r#"close("f")"#);
        check(r#"store(data: repeat("A", 2))) more"#, r#"store(data: repeat("A", 2))"#);
        check(r#"write("f", ")\")")) more"#, r#"write("f", ")\")")"#);
        check("close(", "close(");
    }

    #[test]
    fn a_span_holds_no_other_kernel() {
        let check = |texts: &[&str], wanted: &str| {
            let kernels: Vec<Kernel> = texts.iter().map(|text| Kernel::named(text).unwrap()).collect();
            assert_eq!(label(&kernels), wanted);
        };
        check(&["6.6"], "6.6");
        check(&["2.6.17", "2.6.18"], "2.6.17 and 2.6.18");
        check(&["2.6.17", "2.6.18", "2.6.19"], "2.6.17 to 2.6.19");
        check(&["2.6.16", "2.6.18", "2.6.19"], "2.6.16, 2.6.18 and 2.6.19");
        check(&["2.6.16", "2.6.17", "2.6.18", "6.6"], "2.6.16 to 2.6.18 and 6.6");
        check(&["6.6", "6.1"], "6.6 and 6.1");
        check(&[], "");
    }
}
