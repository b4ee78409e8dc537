//! What a read must return, as a scenario says it.

use super::plain::{GRANULES, LETTERS, Mask, byte};

/// The pieces of a range whose bytes are known, and what they are.
pub(super) fn certain(memory: &[Mask; GRANULES], from: usize, end: usize) -> Vec<(usize, usize, String)> {
    let mut pieces: Vec<(usize, usize, Vec<String>)> = Vec::new();
    for granule in (from..end).filter(|granule| memory[*granule].is_power_of_two()) {
        let len = byte(granule + 1) - byte(granule);
        let text = match memory[granule].trailing_zeros() {
            0 => format!("zeros({len})"),
            bit => {
                let letter = char::from(LETTERS[usize::try_from(bit).unwrap() - 1]);
                format!("repeat(\"{letter}\", {len})")
            }
        };
        match pieces.last_mut() {
            Some((_, end, texts)) if *end == granule => {
                *end = granule + 1;
                texts.push(text);
            }
            Some(_) | None => pieces.push((granule, granule + 1, vec![text])),
        }
    }
    let whole = |(from, end, texts): (usize, usize, Vec<String>)| {
        (from, end, format!("concat([{}])", texts.join(", ")))
    };
    pieces.into_iter().map(whole).collect()
}
