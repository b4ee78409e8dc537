//! Mounts a dead disk, walks through its names, and says what it needs beyond that.
//!
//! ```text
//!   recover ─┬─ nothing to repair ──────────────────────────────────▶ found, RepairNeeded::None
//!            └─ damage, or no mount ──▶ the same disk, as e2fsck -fp ─▶ found, and whether that is enough
//! ```
//! What is found is what the recoverer of the profile finds. `e2fsck` is asked about it only where something is wrong, so
//! that sound disks are told apart by nothing more.
//!
//! Not modelled: what a human does where `e2fsck -fp` gives up.

use crate::device::{Media, Reader, Step};
use crate::oracle::Outline;
use crate::recovery::{Audit, Fsck, MountError, Profile, Recovery, RepairNeeded, Survivors};

/// Mounts a dead disk and walks through its names.
#[derive(Clone, Debug)]
pub struct Finder {
    profile: Profile,
    reading: Recovery,
    /// What was found, once `e2fsck` is asked about it.
    found: Option<Outline>,
}

impl Finder {
    /// As this profile mounts it.
    pub const fn new(profile: &Profile) -> Self {
        Self { profile: *profile, reading: Recovery::new(profile), found: None }
    }

    /// What is known of the needs of a disk, without asking `e2fsck`.
    fn known(&self, found: &Result<Survivors, MountError>) -> Option<RepairNeeded> {
        match (found, self.profile.audit, self.profile.fsck) {
            (Ok(survivors), _, _) if survivors.repairs.is_empty() => Some(survivors.needed),
            (Ok(survivors), Audit::Skip, _) => Some(survivors.needed),
            (Err(_), Audit::Skip, _) | (Err(_), _, Fsck::AtBoot | Fsck::Forced) => Some(RepairNeeded::Manual),
            (Ok(_) | Err(_), Audit::Full, _) => None,
        }
    }
}

impl Reader for Finder {
    type Found = Outline;

    fn step<M: Media>(self, disk: &mut M) -> Step<Self, Outline> {
        let Self { profile, reading, found } = self;
        let now = match reading.step(disk) {
            Step::GoOn(reading) => return Step::GoOn(Self { profile, reading, found }),
            Step::Done(now) => now,
        };
        if let Some(found) = found {
            let repair = now.map_or(RepairNeeded::Manual, |checked| checked.needed);
            return Step::Done(found.needing(repair));
        }
        let forced = Recovery::new(&Profile::e2fsck(Fsck::Forced));
        let asking = Self { profile, reading: forced, found: None };
        let outline = Outline::of_mount(&now, disk.blocks());
        match asking.known(&now) {
            Some(repair) => Step::Done(outline.needing(repair)),
            None => Step::GoOn(Self { found: Some(outline), ..asking }),
        }
    }
}
