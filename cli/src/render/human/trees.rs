//! Trees in words: `/conf = old`, `/d directory`, `/conf.tmp missing`.

use std::collections::{BTreeMap, BTreeSet};
use unplug::report::{Choices, Report, Shown, ShownTree, key_parts};

/// More parts of a file than this are not all said.
const PARTS: usize = 4;
/// Rows with more cells than this are cut short,
const CELLS: usize = 12;
/// to so many.
const FIRST: usize = 8;

/// The entries of all trees of some reports: those that are always the same, and the paths of the others.
#[derive(Debug)]
pub(super) struct Vocabulary {
    /// In every tree the same.
    pub(super) fixed: Vec<String>,
    /// Different in some trees, or missing.
    pub(super) varying: Vec<String>,
}

impl Vocabulary {
    /// Compares all trees of some reports. A disk that cannot be mounted says nothing about names.
    pub(super) fn of(reports: &[&Report]) -> Self {
        let windows = reports.iter().flat_map(|report| &report.windows);
        let outcomes = windows.flat_map(|window| window.outcomes.iter());
        let trees: BTreeSet<&ShownTree> =
            outcomes.map(|outcome| &outcome.tree).filter(|tree| !tree.contains_key("!")).collect();
        let mut met: BTreeMap<&String, (BTreeSet<&Shown>, usize)> = BTreeMap::new();
        for (path, shown) in trees.iter().flat_map(|tree| tree.iter()) {
            let (texts, times) = met.entry(path).or_default();
            texts.insert(shown);
            *times += 1;
        }
        let mut words = Self { fixed: Vec::new(), varying: Vec::new() };
        for (path, (texts, times)) in met {
            if texts.len() == 1 && times == trees.len() && trees.len() > 1 {
                words.fixed.extend(texts.first().map(|shown| entry(path, Some(shown))));
            } else {
                words.varying.push(path.clone());
            }
        }
        words
    }

    /// A tree as far as it can differ, one text for each path.
    pub(super) fn cells(&self, tree: &ShownTree) -> Vec<String> {
        if let Some(Shown::Text(why)) = tree.get("!") {
            return vec![format!("cannot be mounted: {}", why.trim_start_matches("mount failed: "))];
        }
        if self.varying.is_empty() {
            return vec!["an empty file system".to_owned()];
        }
        self.varying.iter().map(|path| entry(path, tree.get(path))).collect()
    }

    /// The same, cut short where there is very much.
    pub(super) fn row(&self, tree: &ShownTree) -> Vec<String> {
        let mut cells = self.cells(tree);
        if cells.len() > CELLS {
            let more = cells.len() - FIRST;
            cells.truncate(FIRST);
            cells.push(format!("… and {more} more"));
        }
        cells
    }
}

/// One entry in words.
fn entry(path: &str, shown: Option<&Shown>) -> String {
    if let (path, Some(name)) = key_parts(path) {
        return attribute(path, name, shown);
    }
    let text = match shown {
        None => return format!("{path} missing"),
        Some(Shown::Units { size_bytes, units, all }) => {
            let all = if *all { "" } else { " (not every combination)" };
            return format!("{path} = {size_bytes} bytes: {}{all}", parts(units));
        }
        Some(Shown::Text(text)) => text,
    };
    if text.is_empty() {
        format!("{path} empty")
    } else if text == "dir" {
        format!("{path} directory")
    } else if let Some(target) = text.strip_prefix("link:") {
        format!("{path} -> {target}")
    } else if let Some(error) = text.strip_prefix('!') {
        format!("{path} unreadable: {error}")
    } else {
        format!("{path} = {}", contents(text))
    }
}

/// An attribute in words: `/f user.a = "1"`.
fn attribute(path: &str, name: &str, shown: Option<&Shown>) -> String {
    match (shown, name) {
        (None, "") => format!("{path} attributes readable"),
        (None, _) => format!("{path} no {name}"),
        (Some(Shown::Text(text)), "") => {
            format!("{path} attributes unreadable: {}", text.trim_start_matches('!'))
        }
        (Some(Shown::Text(text)), _) if text.is_empty() => format!("{path} {name} empty"),
        (Some(Shown::Text(text)), _) => format!("{path} {name} = {}", contents(text)),
        (Some(Shown::Units { size_bytes, .. }), _) => format!("{path} {name} = {size_bytes} bytes"),
    }
}

/// The text form of contents, with quotes around what is not a run: `"one\n" \x00*4092`.
fn contents(text: &str) -> String {
    if text.contains(" bytes, s") {
        return text.to_owned();
    }
    let piece = |piece: &str| if is_run(piece) { piece.to_owned() } else { quoted(piece) };
    text.split(' ').map(piece).collect::<Vec<_>>().join(" ")
}

/// `A*4096`, `\x00*8`. A star among other letters is set off too, with no number behind it.
fn is_run(piece: &str) -> bool {
    piece.rsplit_once('*').is_some_and(|(letter, number)| {
        let one = letter.len() == 1 || (letter.len() == 4 && letter.starts_with("\\x"));
        one && !number.is_empty() && number.bytes().all(|digit| digit.is_ascii_digit())
    })
}

fn quoted(piece: &str) -> String {
    format!("\"{}\"", piece.replace('"', "\\\"").replace("\\x20", " ").replace("\\x0a", "\\n"))
}

/// What each part of a file may hold; neighbours that may hold the same are counted.
fn parts(units: &[Choices]) -> String {
    let runs: Vec<(&Choices, usize)> = units
        .chunk_by(|one, other| one.any == other.any)
        .filter_map(|run| run.first().map(|first| (first, run.len())))
        .collect();
    let part = |(unit, times): &(&Choices, usize)| {
        let any = match unit.any.as_slice() {
            [one] => contents(one),
            several => {
                let any: Vec<String> = several.iter().map(|text| contents(text)).collect();
                format!("({})", any.join(" or "))
            }
        };
        if *times > 1 { format!("{times} x {any}") } else { any }
    };
    let mut said: Vec<String> = runs.iter().take(PARTS).map(part).collect();
    if runs.len() > PARTS {
        said.push(format!("and {} more parts", runs.len() - PARTS));
    }
    said.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contents_are_quoted_but_runs_are_not() {
        let check = |text: &str, wanted: &str| assert_eq!(contents(text), wanted, "{text}");
        check("old", "\"old\"");
        check("one\\x0a \\x00*4092", "\"one\\n\" \\x00*4092");
        check("a\\x20b\\x09\\x5c\"", "\"a b\\x09\\x5c\\\"\"");
        check("A*4096 B*4096", "A*4096 B*4096");
        check("**8", "**8");
        check("ab *", "\"ab\" \"*\"");
        check("8192 bytes, sha256 0123456789abcdef", "8192 bytes, sha256 0123456789abcdef");
    }
}
