//! Mounting a dead disk: what Linux would find.
//!
//!   Media ──superblock──▶ journal: scan ▸ revoke ▸ replay ──▶ orphans ──▶ tree
//!
//! Everything is read from bytes through [`Media`](crate::device::Media); nothing here knows the live file system.
//! A corrupt disk gives a [`MountError`] or an unreadable entry, never a panic, whatever the bytes are.

mod tree;

pub use tree::*;
