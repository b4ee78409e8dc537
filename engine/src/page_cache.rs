//! The page cache: what the running system believes is in files and in metadata blocks.
//!
//! ```text
//!   Pages    of one file:        FileBlock ─▶ Folio  { data, dirty, delayed, in writeback }
//!   Buffers  of the block device: BlockNr  ─▶ Buffer { data, dirty since }
//! ```
//! One page holds one block, so dirtiness per page is dirtiness per block.
//!
//! Not modelled: reclaim (nothing is ever evicted under memory pressure), large folios.

mod buffers;
mod pages;

pub use buffers::{Buffers, What};
pub use pages::{Folio, Mkclean, Pages};
