//! The table of kernels, for people and for programs.
//!
//! ```text
//!   unplug kernels               the profiles
//!   unplug kernels 2.6.18        what one does, in every row
//!   unplug kernels 2.6.18 3.16   the rows in which two differ, and what only one of them has
//! ```
//! All of it is `unplug::kernel`'s: nothing about a kernel is said here.

use super::table::{Between, lines};
use serde_json::{Value, json};
use unplug::kernel::{Kernel, NEWCOMERS, Newcomer, Row, Since, TABLE};

/// What is asked.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Question {
    /// Which kernels there are.
    All,
    /// What one does.
    One(Kernel),
    /// What differs between two.
    Between(Kernel, Kernel),
}

/// For people.
pub(crate) fn human(question: Question) -> String {
    let mut text = Vec::new();
    match question {
        Question::All => {
            let row = |kernel: &Kernel| texts(&[kernel.version(), kernel.released(), kernel.about()]);
            let rows: Vec<_> = Kernel::ALL.iter().map(row).collect();
            text.extend(lines(
                &texts(&["kernel", "released", "what is remarkable about it"]),
                &rows,
                Between::Nothing,
            ));
        }
        Question::One(kernel) => {
            text.push(format!("Linux {kernel}, {}: {}", kernel.released(), kernel.about()));
            text.push(String::new());
            let row = |row: &Row| texts(&[row.title, row.of(kernel).text, row.of(kernel).source]);
            let rows: Vec<_> = TABLE.iter().map(row).collect();
            text.extend(lines(&texts(&["what", "what it does", "source"]), &rows, Between::Rule));
            let lacking: Vec<String> = NEWCOMERS
                .iter()
                .filter(|newcomer| !kernel.has(newcomer.feature))
                .map(|newcomer| format!("{} (came with {})", newcomer.name, newcomer.release))
                .collect();
            if !lacking.is_empty() {
                text.push(String::new());
                text.push("It does not have:".to_owned());
                text.extend(lacking.iter().map(|name| format!("  {name}")));
            }
        }
        Question::Between(one, other) => {
            let rows: Vec<_> = differing(one, other).map(|row| difference(row, one, other)).collect();
            if rows.is_empty() {
                text.push(format!("Nothing that is modelled differs between Linux {one} and {other}."));
            } else {
                let header = ["what".to_owned(), one.to_string(), other.to_string(), "source".to_owned()];
                text.extend(lines(&header, &rows, Between::Rule));
            }
            for (kernel, without) in [(one, other), (other, one)] {
                let only: Vec<String> = only(kernel, without)
                    .map(|newcomer| format!("{} (came with {})", newcomer.name, newcomer.release))
                    .collect();
                if !only.is_empty() {
                    text.push(String::new());
                    text.push(format!("Only {kernel} has:"));
                    text.extend(only.iter().map(|name| format!("  {name}")));
                }
            }
        }
    }
    text.push(String::new());
    text.join("\n")
}

/// For programs.
pub(crate) fn json(question: Question) -> String {
    let value = match question {
        Question::All => {
            json!({ "kernels": Kernel::ALL.iter().map(|kernel| profile(*kernel)).collect::<Vec<_>>() })
        }
        Question::One(kernel) => {
            let rule =
                |row: &Row| json!({ "name": row.name, "title": row.title, "does": value(row.of(kernel)) });
            let lacks: Vec<Value> =
                NEWCOMERS.iter().filter(|newcomer| !kernel.has(newcomer.feature)).map(feature).collect();
            json!({
                "kernel": profile(kernel),
                "rules": TABLE.iter().map(rule).collect::<Vec<_>>(),
                "lacks": lacks,
            })
        }
        Question::Between(one, other) => {
            let rule = |row: &Row| {
                json!({
                    "name": row.name,
                    "title": row.title,
                    "values": [value(row.of(one)), value(row.of(other))],
                    "changes": changes(row, one, other).map(value).collect::<Vec<_>>(),
                })
            };
            json!({
                "kernels": [profile(one), profile(other)],
                "rules": differing(one, other).map(rule).collect::<Vec<_>>(),
                "only": [
                    only(one, other).map(feature).collect::<Vec<_>>(),
                    only(other, one).map(feature).collect::<Vec<_>>(),
                ],
            })
        }
    };
    format!("{value:#}\n")
}

fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

/// The rows in which two kernels differ.
fn differing(one: Kernel, other: Kernel) -> impl Iterator<Item = &'static Row> {
    TABLE.iter().filter(move |row| row.of(one).text != row.of(other).text)
}

/// The changes of a row on the way from the older kernel to the newer one.
fn changes(row: &Row, one: Kernel, other: Kernel) -> impl Iterator<Item = &'static Since> {
    let (older, newer) = (one.min(other), one.max(other));
    row.values.iter().filter(move |value| older < value.kernel && value.kernel <= newer)
}

/// Where it is written that they do; where it changed more than once, each change.
fn difference(row: &Row, one: Kernel, other: Kernel) -> Vec<String> {
    let sources: Vec<String> =
        changes(row, one, other).map(|value| format!("since {}: {}", value.kernel, value.source)).collect();
    let (one, other) = (row.of(one), row.of(other));
    vec![row.title.to_owned(), one.text.to_owned(), other.text.to_owned(), sources.join("\n")]
}

/// What a kernel has that another has not.
fn only(kernel: Kernel, without: Kernel) -> impl Iterator<Item = &'static Newcomer> {
    NEWCOMERS.iter().filter(move |newcomer| kernel.has(newcomer.feature) && !without.has(newcomer.feature))
}

fn profile(kernel: Kernel) -> Value {
    json!({ "version": kernel.version(), "released": kernel.released(), "about": kernel.about() })
}

fn value(value: &Since) -> Value {
    json!({ "text": value.text, "since": value.kernel.version(), "source": value.source })
}

fn feature(newcomer: &Newcomer) -> Value {
    json!({ "name": newcomer.name, "release": newcomer.release, "since": newcomer.since.version() })
}
