//! What was found on a recovered disk, and whether a claim about it is true.
//!
//! ```text
//!   Survivors ──observe──▶ Observation ──holds(predicate)──▶ true or false
//!   (references)           (contents)  ──key───────────────▶ 128 bits, equal iff the observations are
//!                                      ──text──────────────▶ {"/conf": "old"}
//! ```
//!
//! The oracle sees survivors and claims, never the device log: it does not know which writes were lost.
//! Only what a program could see through `open`, `read`, `stat` and `readdir` is observed, so bytes behind the end
//! of a file, the place of its blocks and the difference between a hole and written zeros are not.
//!
//! Not modelled: time stamps, modes, owners, extended attributes. The promises of each call (what POSIX and the
//! manual pages say must survive) are not judged here: only what a scenario claims.

mod content;
mod key;
mod observation;
mod predicate;
mod text;

#[cfg(test)]
mod tests;

pub use content::{Content, Segment};
pub use key::{Key, Keys};
pub use observation::{Entry, Mounted, Observation, observe, observe_tree};
pub use predicate::{holds, speaks_of_mounts};
pub use text::{entry_text, summary, tree_text};
