//! Which states a power cut may leave a disk in, counted, named and shown one by one.
//!
//! ```text
//!   event     S w0   S w1   C w0   S flush   C flush   S w2
//!   moment   0     1      2      3         4         5      6
//!   epoch    └──────────── first ──────────┘└─── second ───┘
//!   free      -    w0    w0,w1   w0,w1     |   w1      w1,w2
//! ```
//! A write is *in flight* from its submission and *cached* from its completion. A flush makes durable, when it
//! completes, every write that had completed before the flush was submitted. A FUA write is durable when it
//! completes, and so is every write where there is no volatile cache. At a power cut each atomic unit of the disk
//! (512 or 4096 bytes) independently holds what was durable or any later version that was submitted.
//!
//! An *epoch* is a run of moments in which nothing becomes durable. Within it the legal set only grows, so its
//! last moment has them all: a product of one set of contents per unit, a *box*. Contents that are equal are one
//! choice, and an image that lies in the boxes of several epochs is one state with several ranges of moments.
//! Whether an image lies in a box is decided exactly, unit by unit; nothing here compares digests but the sample,
//! which must remember what it drew.
//!
//! Invariants: an image is judged once; its [`CrashId`] names its earliest moment; what is found does not depend
//! on the number of threads; [`image`] gives for that id the bytes that were judged.
//!
//! Not modelled: writes that land at the wrong place, flushes that lie, sectors that cannot be read afterwards,
//! writes torn inside an atomic unit, gentler caches that never drop a write behind a later one.

mod best;
pub mod brute;
mod class;
mod explore;
mod fold;
mod group;
mod id;
mod images;
mod levels;
mod name;
mod probe;
mod sample;
mod space;
mod weight;

pub use best::Best;
pub use class::Class;
pub use explore::{Bounds, Coverage, Explored, Leaf, Partial, explore};
pub use fold::{Fold, Nothing, TooMany, Weighed};
pub use images::{Course, Images, Level};
pub use levels::Levels;

pub use id::{Choice, CrashId, CrashIdError, Entry, Fate, ParseCrashIdError};
pub use name::image;
pub use space::Space;

#[cfg(test)]
mod tests;
