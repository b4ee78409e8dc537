//! The calls of a random program, and how they are drawn.

use super::plain::{GRANULES, PAGES};
use proptest::prelude::*;

/// How a file is opened.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum How {
    Plain,
    Trunc,
    ReadOnly,
    Dsync,
    Sync,
    Direct,
    DirectSync,
}

impl How {
    pub(super) fn flags(self) -> &'static str {
        match self {
            Self::Plain => "O_CREAT, O_RDWR",
            Self::Trunc => "O_CREAT, O_RDWR, O_TRUNC",
            Self::ReadOnly => "O_CREAT, O_RDONLY",
            Self::Dsync => "O_CREAT, O_RDWR, O_DSYNC",
            Self::Sync => "O_CREAT, O_RDWR, O_SYNC",
            Self::Direct => "O_CREAT, O_RDWR, O_DIRECT",
            Self::DirectSync => "O_CREAT, O_RDWR, O_DIRECT, O_SYNC",
        }
    }

    /// The same without O_DIRECT.
    pub(super) fn buffered(self) -> Self {
        match self {
            Self::Direct => Self::Plain,
            Self::DirectSync => Self::Sync,
            Self::Plain | Self::Trunc | Self::ReadOnly | Self::Dsync | Self::Sync => self,
        }
    }

    pub(super) fn is_direct(self) -> bool {
        matches!(self, Self::Direct | Self::DirectSync)
    }

    pub(super) fn is_sync(self) -> bool {
        matches!(self, Self::Dsync | Self::Sync | Self::DirectSync)
    }
}

/// What fallocate is asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Mode {
    Allocate,
    KeepSize,
    Punch,
    Zero,
}

/// A call of a program. Files, descriptors and mappings are slots; a place is a granule.
#[derive(Clone, Debug)]
pub(super) enum Op {
    Open { fd: u8, name: u8, how: How },
    Close { fd: u8 },
    Pwrite { fd: u8, from: usize, len: usize },
    Pread { fd: u8, from: usize, len: usize },
    Ftruncate { fd: u8, size: usize },
    Truncate { name: u8, size: usize },
    Fallocate { fd: u8, from: usize, len: usize, mode: Mode },
    Mmap { map: u8, fd: u8, first: usize, pages: usize, private: bool },
    Munmap { map: u8 },
    Store { map: u8, from: usize, len: usize },
    Load { map: u8, from: usize, len: usize },
    Msync { map: u8, first: usize, pages: usize, sync: bool },
    Fsync { fd: u8, data: bool },
    SyncFileRange { fd: u8, first: usize, pages: usize, wait: bool },
    Fadvise { fd: u8 },
    Sync,
    Rename { old: u8, new: u8 },
    Exchange { old: u8, new: u8 },
    Unlink { name: u8 },
    Sleep { seconds: u8 },
}

fn how() -> impl Strategy<Value = How> {
    prop_oneof![
        8 => Just(How::Plain),
        1 => Just(How::Trunc),
        1 => Just(How::ReadOnly),
        1 => Just(How::Dsync),
        1 => Just(How::Sync),
        1 => Just(How::Direct),
        1 => Just(How::DirectSync),
    ]
}

fn mode() -> impl Strategy<Value = Mode> {
    prop::sample::select(vec![Mode::KeepSize, Mode::Allocate, Mode::Punch, Mode::Zero])
}

/// Mostly one file, one descriptor, one mapping and one page, so that calls meet.
pub(super) fn op() -> impl Strategy<Value = Op> {
    let slot = || prop_oneof![3 => Just(0_u8), 1 => 0..3_u8];
    let place = || (prop_oneof![2 => 0..8_usize, 1 => 0..GRANULES], 1..12_usize);
    let size = || prop_oneof![2 => 0..=8_usize, 1 => 0..GRANULES];
    let range = || (0..PAGES, 1..=PAGES);
    prop_oneof![
        3 => (slot(), slot(), how()).prop_map(|(fd, name, how)| Op::Open { fd, name, how }),
        1 => slot().prop_map(|fd| Op::Close { fd }),
        4 => (slot(), place()).prop_map(|(fd, (from, len))| Op::Pwrite { fd, from, len }),
        2 => (slot(), place()).prop_map(|(fd, (from, len))| Op::Pread { fd, from, len }),
        2 => (slot(), size()).prop_map(|(fd, size)| Op::Ftruncate { fd, size }),
        1 => (slot(), size()).prop_map(|(name, size)| Op::Truncate { name, size }),
        3 => (slot(), place(), mode()).prop_map(|(fd, (from, len), mode)| Op::Fallocate { fd, from, len, mode }),
        4 => (slot(), slot(), prop_oneof![3 => Just(0), 1 => 0..PAGES], 1..=PAGES, prop::bool::weighted(0.2))
            .prop_map(|(map, fd, first, pages, private)| {
                Op::Mmap { map, fd, first, pages: pages.min(PAGES - first), private }
            }),
        1 => slot().prop_map(|map| Op::Munmap { map }),
        8 => (slot(), place()).prop_map(|(map, (from, len))| Op::Store { map, from, len }),
        4 => (slot(), place()).prop_map(|(map, (from, len))| Op::Load { map, from, len }),
        5 => (slot(), range(), prop::bool::weighted(0.8))
            .prop_map(|(map, (first, pages), sync)| Op::Msync { map, first, pages, sync }),
        3 => (slot(), any::<bool>()).prop_map(|(fd, data)| Op::Fsync { fd, data }),
        1 => (slot(), range(), any::<bool>())
            .prop_map(|(fd, (first, pages), wait)| Op::SyncFileRange { fd, first, pages, wait }),
        1 => slot().prop_map(|fd| Op::Fadvise { fd }),
        1 => Just(Op::Sync),
        1 => (slot(), slot()).prop_map(|(old, new)| Op::Rename { old, new }),
        1 => (slot(), slot()).prop_map(|(old, new)| Op::Exchange { old, new }),
        1 => slot().prop_map(|name| Op::Unlink { name }),
        1 => (1..40_u8).prop_map(|seconds| Op::Sleep { seconds }),
    ]
}
