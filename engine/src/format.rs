//! Bytes and values of every on-disk structure of ext4 and jbd2, without behaviour.
//!
//! ```text
//!   block 0   superblock (at byte 1024)        journal block 0   journal superblock
//!         1   group descriptors                              1   descriptor │ copies … │ commit
//!         2   block bitmap                                   …   revoke
//!         3   inode bitmap
//!         4…  inode table: 16 inodes a block
//!             directory blocks, extent tree nodes, file data
//! ```
//! ext4 is little-endian, jbd2 big-endian. Reading never panics, whatever the bytes are: it verifies all that the
//! structure alone can tell, checksums included, and says what it found instead. Writing asserts what it is given.
//! Checks that need a second structure (does this block lie on the disk, is this inode in use) are the reader's.
//!
//! Not modelled: blocks other than 4 KiB, inodes other than 256 bytes, more than 2^32 blocks, block-mapped files,
//! inline data, attributes in inodes of their own, quotas, bigalloc, external journals. An image that
//! needs one of them is refused by name.
#![warn(clippy::arithmetic_side_effects, clippy::indexing_slicing)]

pub mod bitmap;
mod bytes;
pub mod checksum;
pub mod dirent;
pub mod error;
pub mod extent;
pub mod fast;
pub mod geometry;
pub mod group;
pub mod htree;
pub mod inode;
pub mod journal;
pub mod kind;
pub mod orphan;
#[cfg(test)]
mod reference;
pub mod superblock;
pub mod xattr;

pub use checksum::{FsSeed, InodeSeed, JournalSeed};
pub use dirent::Dirent;
pub use error::{Expected, FormatError, Structure};
pub use extent::{Entries, Extent, ExtentNode, ExtentState, Index};
pub use geometry::INODES_PER_BLOCK;
pub use geometry::InodePlace;
pub use group::{DescSize, GroupDesc};
pub use inode::{InodeFlags, RawInode, Timestamp};
pub use kind::FileKind;
pub use superblock::{Compat, Incompat, RoCompat, Superblock};
