//! The bytes of one unit, shared with whoever brought them.

use crate::units::Block;
use std::ops::Deref;
use std::sync::Arc;

/// What a unit held: a part of a request's data, of a block of the base image, or bytes of its own.
#[derive(Clone, Debug)]
pub(super) enum Content {
    Written { data: Arc<[u8]>, from: usize, len: usize },
    Base { block: Block, from: usize, len: usize },
    Mixed(Box<[u8]>),
}

impl Deref for Content {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Written { data, from, len } => &data[*from..from + len],
            Self::Base { block, from, len } => &block.bytes()[*from..from + len],
            Self::Mixed(bytes) => bytes,
        }
    }
}

impl PartialEq for Content {
    fn eq(&self, other: &Self) -> bool {
        let (one, other): (&[u8], &[u8]) = (self, other);
        std::ptr::eq(one, other) || one == other
    }
}
