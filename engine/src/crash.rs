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
//! last moment has them all: a product of one set of contents per unit.
//!
//! Nobody makes these images. [`explore`] follows a [`Reader`](crate::device::Reader) (recovery) and branches only
//! where a question about a block has different answers for the contents that the block may hold; what it ends in
//! is a [`Leaf`]: what was found, and the [`Class`] of images in which it is found. Contents that the reader never
//! asked for are free in a class; whoever cares for them folds over them ([`Images::fold`]). How many images, how
//! many sets of writes, which image with the fewest writes lost: all exact.
//!
//! ```text
//!   logs ──Images::of──▶ cells, levels ──explore──▶ leaves ──fold──▶ counts of distinct images
//!                                                          ├─fold_subsets──▶ counts of sets of writes
//!                                                          └─best──▶ the least witness, by name
//! ```
//!
//! Invariants: the classes of the leaves are all legal images, each once, which is checked every time; a reader sees
//! the disk only through its questions; nothing depends on the number of threads; [`image`] gives for the name of a
//! witness the bytes that show what it stands for. [`brute`] makes images one by one and is the reference for all
//! this.
//!
//! Not modelled: writes that land at the wrong place, flushes that lie, sectors that cannot be read afterwards,
//! writes torn inside an atomic unit, gentler caches that never drop a write behind a later one.

mod best;
pub mod brute;
mod class;
mod content;
mod explore;
mod flaw;
mod fold;
mod group;
mod id;
mod images;
mod levels;
mod name;
mod pieces;
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
pub use pieces::{Piece, Pieces};
pub use sample::Drawn;

pub use id::{Choice, CrashId, CrashIdError, Entry, Fate, ParseCrashIdError};
pub use name::image;
pub use space::Space;

#[cfg(test)]
mod tests;
