//! What was found on a recovered disk, and whether a claim about it is true.
//!
//! ```text
//!   Survivors ──▶ Outline ──compile(predicate)──▶ Formula ──see the blocks that matter──▶ true or false
//!                 (names, sizes, where contents stand)
//!                    └─fill─▶ Observation ──holds(predicate)──▶ true or false
//!                             (contents)  ──text─────────────▶ {"/conf": "old"}
//! ```
//! An outline stands for all crash images in which recovery finds the same, whatever the contents of files are: what a
//! claim says of contents is a formula over blocks, which is folded over all of them at once.
//!
//! The oracle sees survivors and claims, never the device log: it does not know which writes were lost.
//! Only what a program could see through `open`, `read`, `stat` and `readdir` is observed, so bytes behind the end
//! of a file, the place of its blocks and the difference between a hole and written zeros are not.
//!
//! A [`Requirement`] is what a call has promised: as a claim, but about inodes and what they held at some time. Which there
//! are is the business of `contract`.
//!
//! Not modelled: time stamps, modes, owners.

mod content;
mod formula;
mod observation;
mod outline;
mod past;
mod predicate;
mod requirement;
mod text;

#[cfg(test)]
mod tests;

pub use content::{Content, Segment};
pub use formula::{Formula, Residual};
pub use observation::{Entry, Mounted, Observation, attribute_name, observe, observe_tree};
pub use outline::{FileShape, Outline};
pub use past::Past;
pub use predicate::{compile, holds, speaks_of_attributes, speaks_of_mounts, speaks_of_repairs};
pub use requirement::{FileRequirement, Found, NamesRequirement, Requirement};
pub use text::{attribute_key, attribute_texts, entry_text, key_parts, summary, tree_text};
