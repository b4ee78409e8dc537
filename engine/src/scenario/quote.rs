//! Pieces of a scenario in a message: quoted, escaped, and never longer than a line.
//!
//! ```text
//! "tmp"   `O_CREATE`   "AAAAAAAAAAAAAAAAAAAAAAAA… 8192 bytes"
//! ```

/// How many characters of a text are shown before it is shortened.
const LONGEST: usize = 64;
/// How many characters are left of a shortened text.
const SHORTENED: usize = 24;

/// A string of the scenario, as RON would write it.
pub(super) fn text(text: &str) -> String {
    format!("\"{}\"", short(text))
}

/// A word of the scenario: a name or a flag.
pub(super) fn code(word: &str) -> String {
    format!("`{}`", raw(word))
}

/// Escaped and shortened.
pub(super) fn short(text: &str) -> String {
    // A character takes at most four bytes, so a longer text need not be counted.
    let is_short = text.len() <= LONGEST * 4 && text.chars().count() <= LONGEST;
    if is_short {
        return escaped(text);
    }
    let head: String = text.chars().take(SHORTENED).collect();
    format!("{}… {} bytes", escaped(&head), text.len())
}

/// Shortened, with quotes as they are.
fn raw(text: &str) -> String {
    let visible = |text: &str| -> String {
        text.chars()
            .flat_map(|c| {
                let (plain, escaped) =
                    if c.is_control() { (None, Some(c.escape_debug())) } else { (Some(c), None) };
                plain.into_iter().chain(escaped.into_iter().flatten())
            })
            .collect()
    };
    if text.len() <= LONGEST {
        return visible(text);
    }
    let head: String = text.chars().take(SHORTENED).collect();
    format!("{}… {} bytes", visible(&head), text.len())
}

/// What Rust and RON write between the quotes.
fn escaped(text: &str) -> String {
    let quoted = format!("{text:?}");
    quoted.get(1..quoted.len() - 1).unwrap_or("").to_owned()
}

/// The nearest of some names to one that is not among them, if it is near enough to be meant.
pub(super) fn nearest<'n>(wrong: &str, names: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    /// Names are short; whatever is longer was not mistyped.
    const COMPARED: usize = 64;
    if wrong.len() > COMPARED {
        return None;
    }
    let limit = 1 + wrong.chars().count() / 4;
    let lower = wrong.to_lowercase();
    names
        .into_iter()
        .filter(|name| name.len() <= COMPARED)
        .take(1000)
        .map(|name| (strsim::damerau_levenshtein(&lower, &name.to_lowercase()), name))
        .filter(|(distance, name)| *distance <= limit && *distance < name.chars().count())
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// `did you mean …?`, if there is something near.
pub(super) fn did_you_mean<'n>(wrong: &str, names: impl IntoIterator<Item = &'n str>) -> Option<String> {
    nearest(wrong, names).map(|name| format!("did you mean {}?", code(name)))
}
