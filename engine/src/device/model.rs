//! What kind of disk it is.

/// Whether writes stay in a cache that a power cut empties.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Cache {
    /// A completed write may be lost until a flush (`write back`).
    Volatile,
    /// A completed write is durable (`write through`); the block layer strips PREFLUSH and FUA.
    WriteThrough,
}

/// What the device writes as one piece, whatever happens to the power.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AtomicUnit {
    /// 512 bytes: a 4 KiB block may tear into eight parts.
    Sector,
    /// 4096 bytes, aligned: blocks do not tear.
    Block,
}

impl AtomicUnit {
    /// Its length in 512-byte sectors.
    pub const fn sectors(self) -> u64 {
        match self {
            Self::Sector => 1,
            Self::Block => 8,
        }
    }
    /// Its length in bytes.
    pub const fn bytes(self) -> usize {
        match self {
            Self::Sector => 512,
            Self::Block => 4096,
        }
    }
}

/// Whether the device knows Force Unit Access.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fua {
    /// A FUA write is durable when it completes.
    Native,
    /// The block layer sends a flush behind the write instead.
    Emulated,
}

/// A disk.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DiskModel {
    /// Its size in 4 KiB blocks.
    pub blocks: u64,
    /// Its cache.
    pub cache: Cache,
    /// Its atomic unit.
    pub atomic: AtomicUnit,
    /// Its FUA.
    pub fua: Fua,
}
