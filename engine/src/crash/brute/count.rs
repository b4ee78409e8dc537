//! How many different images a run can leave: the size of a union of boxes.
//!
//! ```text
//!   |e0 ∪ e1 ∪ e2| = |e0| + |e1 \ e0| + |e2 \ (e0 ∪ e1)|
//! ```
//! What an epoch shares with earlier ones is counted by inclusion and exclusion over the links, after those that
//! demand more than another one are left out. In practice one link remains: the epoch before.

use super::epoch::{Epoch, Link};
use num_bigint::BigUint;

/// Above this number of links that do not contain each other, images shared with earlier epochs are not subtracted.
const LINKS: usize = 12;

/// The number of images, or a bound on it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Count {
    Exact(BigUint),
    AtMost(BigUint),
}

impl Count {
    pub(super) const fn zero() -> Self {
        Self::Exact(BigUint::ZERO)
    }

    /// Adds the images of an epoch that no earlier one has.
    pub(super) fn add(self, epoch: &Epoch<'_>) -> Self {
        match (self, new_images(epoch)) {
            (Self::Exact(sum), Self::Exact(new)) => Self::Exact(sum + new),
            (Self::Exact(sum) | Self::AtMost(sum), Self::Exact(new) | Self::AtMost(new)) => {
                Self::AtMost(sum + new)
            }
        }
    }
}

/// For each free unit, which of its alternatives are allowed.
type Allowed = Vec<Vec<bool>>;

fn allowed(epoch: &Epoch<'_>, link: &Link) -> Allowed {
    let mut all: Allowed = epoch.free.iter().map(|free| vec![true; free.alternatives.len()]).collect();
    for (free, since) in &link.demands {
        all[*free] = since.iter().map(Option::is_some).collect();
    }
    all
}

fn size(allowed: &Allowed) -> BigUint {
    allowed.iter().map(|unit| unit.iter().filter(|allowed| **allowed).count()).product()
}

fn meet(a: &Allowed, b: &Allowed) -> Allowed {
    a.iter().zip(b).map(|(a, b)| a.iter().zip(b).map(|(a, b)| *a && *b).collect()).collect()
}

fn within(a: &Allowed, b: &Allowed) -> bool {
    a.iter().zip(b).all(|(a, b)| a.iter().zip(b).all(|(a, b)| *b || !*a))
}

fn new_images(epoch: &Epoch<'_>) -> Count {
    let mut shared: Vec<Allowed> = Vec::new();
    for link in epoch.links.iter().filter(|link| link.epoch < epoch.number) {
        let here = allowed(epoch, link);
        if !shared.iter().any(|other| within(&here, other)) {
            shared.retain(|other| !within(other, &here));
            shared.push(here);
        }
        if shared.len() > LINKS {
            return Count::AtMost(epoch.size());
        }
    }
    Count::Exact(epoch.size() - union(&shared))
}

/// The size of a union of parts of one box.
fn union(parts: &[Allowed]) -> BigUint {
    let Some((first, rest)) = parts.split_first() else { return BigUint::ZERO };
    let common: Vec<Allowed> = rest.iter().map(|other| meet(first, other)).collect();
    size(first) + union(rest) - union(&common)
}
