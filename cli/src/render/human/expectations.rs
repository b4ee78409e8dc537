//! What was expected, and the case that decides it.

use super::layout::{Page, WIDTH, columns, listed, padded, wrap};
use super::{BOLD, FAINT, word};
use crate::render::count;
use crate::render::human::trees::Vocabulary;
use num_bigint::BigUint;
use unplug::report::{Case, Judgement, Report, Undecided, Verdict};
use unplug::units::StepIdx;

/// More writes than this are not all named.
const CAUSES: usize = 8;
const MARGIN: &str = "      ";

/// The expectations, those of the file first. `replay` are the arguments that name the scenario to `unplug image`.
pub(super) fn section(page: &mut Page, replay: &str, report: &Report) {
    page.styled("Expectations", BOLD);
    for judged in &report.expectations {
        one(page, replay, report, judged);
    }
}

/// Those that do not hold.
pub(super) fn failures(page: &mut Page, replay: &str, report: &Report) {
    for judged in report.expectations.iter().filter(|judged| judged.verdict != Verdict::Holds) {
        one(page, replay, report, judged);
    }
}

fn one(page: &mut Page, replay: &str, report: &Report, judged: &Judgement) {
    let words = Vocabulary::of(&[report]);
    heading(page, judged);
    match (judged.verdict, &judged.case) {
        (Verdict::Violated, Some(case)) => violation(page, replay, judged, case, &words),
        (Verdict::Violated, None) => {
            let images = page.amount_of(&judged.images, "image", "images");
            page.wrapped(MARGIN, &format!("in none of {images}"), FAINT);
            instead(page, judged, &words);
        }
        (Verdict::Holds, Some(case)) => {
            let images = page.amount_of(&judged.images, "image", "images");
            let at_least = at_least(judged);
            let decisive = page.amount(&judged.decisive);
            let example = format!("in {at_least}{decisive} of {images}, for example {}", case.witness.id);
            page.wrapped(MARGIN, &example, FAINT);
        }
        (Verdict::Inconclusive, _) => undecided(page, judged),
        (Verdict::Holds, None) => {}
    }
}

/// `  ✗ VIOLATED      never(missing("/conf"))       line 23`
fn heading(page: &mut Page, judged: &Judgement) {
    let (word, style) = word(judged.verdict);
    let sign = match judged.verdict {
        Verdict::Holds => '✓',
        Verdict::Violated => '✗',
        Verdict::Inconclusive => '?',
    };
    let place = match judged.line {
        Some(0) => String::new(),
        Some(line) => format!("line {line}"),
        None => "always expected".to_owned(),
    };
    let word = padded(word, 12);
    let tag = 2 + 2 + columns(&word) + 2;
    let lines = wrap(&judged.text, WIDTH - tag - columns(&place) - 2);
    for (number, line) in lines.iter().enumerate() {
        if number == 0 {
            let gap = " ".repeat((WIDTH - tag).saturating_sub(columns(line) + columns(&place)));
            page.line(&format!("  {style}{sign} {word}{style:#}  {line}{gap}{FAINT}{place}{FAINT:#}"));
        } else {
            page.line(&format!("{}{line}", " ".repeat(tag)));
        }
    }
}

/// Before a number that not all images were looked at for.
const fn at_least(judged: &Judgement) -> &'static str {
    if judged.undecided.is_some() { "at least " } else { "" }
}

/// Why it is not known.
fn undecided(page: &mut Page, judged: &Judgement) {
    let text = match judged.undecided {
        Some(Undecided::TooMany { drawn }) => {
            let images = count(drawn, "image", "images");
            format!(
                "too many combinations of contents to decide exactly: {images} were drawn at random instead"
            )
        }
        Some(Undecided::Sampled) => "only a sample was looked at in its window".to_owned(),
        None => return,
    };
    page.wrapped(MARGIN, &text, FAINT);
}

fn violation(page: &mut Page, replay: &str, judged: &Judgement, case: &Case, words: &Vocabulary) {
    let images = page.amount_of(&judged.images, "image", "images");
    let fewest = if judged.undecided.is_some() {
        " One of them is met"
    } else if judged.decisive > BigUint::from(1_u32) {
        " The one that lost the fewest writes"
    } else {
        " It is met"
    };
    let decisive = page.amount(&judged.decisive);
    let at_least = at_least(judged);
    page.wrapped(
        MARGIN,
        &format!("in {at_least}{decisive} of {images}.{fewest}, {}:", when(case.after)),
        FAINT,
    );
    page.labelled(MARGIN, "found     ", &words.cells(&case.tree).join(", "));
    if let Some(story) = &case.witness.story {
        if story.lost.is_empty() {
            let next = story.next.as_ref().map_or_else(
                || "nothing that the disk was asked to write".to_owned(),
                |next| format!("nothing; the power fails before this is asked of the disk: {next}"),
            );
            page.labelled(MARGIN, "lost      ", &next);
            in_memory(page, case);
        } else {
            page.labelled(MARGIN, "lost      ", &listed(&story.lost, CAUSES));
        }
        if !story.survived.is_empty() {
            page.labelled(MARGIN, "survived  ", &listed(&story.survived, CAUSES));
        }
        if !story.unwritten.is_empty() {
            page.labelled(MARGIN, "unwritten ", &listed(&story.unwritten, CAUSES));
        }
    }
    let id = &case.witness.id;
    page.line(&format!("{MARGIN}replay    unplug image {replay} --state {id} -o crash.img"));
}

/// What the disk had never been asked to keep.
fn in_memory(page: &mut Page, case: &Case) {
    let Some(step) = case.after.filter(|_| !case.in_memory.is_empty()) else { return };
    let mut text = case.in_memory.iter().take(CAUSES).cloned().collect::<Vec<_>>().join("; ");
    if case.in_memory.len() > CAUSES {
        text += &format!("; and {} more", case.in_memory.len() - CAUSES);
    }
    if case.under_way {
        text = format!("when step {} had returned: {text}", step.get() + 1);
    }
    page.labelled(MARGIN, "in memory ", &text);
}

/// `found there: /conf = old; /conf = new`
fn instead(page: &mut Page, judged: &Judgement, words: &Vocabulary) {
    let mut trees: Vec<String> = judged.instead.iter().map(|tree| words.cells(tree).join(", ")).collect();
    if trees.is_empty() {
        return;
    }
    if judged.more_instead > 0 {
        trees.push(format!("and {}", count(judged.more_instead, "other tree", "other trees")));
    }
    page.labelled(MARGIN, "found there: ", &trees.join("; "));
}

pub(super) fn when(after: Option<StepIdx>) -> String {
    match after {
        None => "before step 1 has returned".to_owned(),
        Some(step) => format!("after step {}", step.get() + 1),
    }
}

/// As a shell wants it.
pub(super) fn quoted(file: &str) -> String {
    let plain = |letter: char| letter.is_alphanumeric() || "/._-+,:@=%".contains(letter);
    if !file.is_empty() && file.chars().all(plain) {
        file.to_owned()
    } else {
        format!("'{}'", file.replace('\'', r"'\''"))
    }
}
