//! A mount, step by step.
//!
//! ```text
//!   Superblock ▸ Groups ▸ JournalInode ▸ JournalSuperblock ▸ Scan ▸ FastScan ▸ Revoke ▸ Replay ▸ FastReplay
//!                    │ no journal             │ empty        │ not asked for   │
//!                    ▼                        ▼              ▼                 ▼
//!                  SuperblockAgain ▸ GroupsAgain ▸ Orphans ▸ Walk ▸ Rest ▸ Groups compared ▸ found
//! ```
//! During the scan, [`super::ahead`] makes the other two passes as far as it can.
//!
//! Each phase holds what the later ones need, behind `Arc` or as a [`super::shelf`], so that a copy costs little
//! whatever was read before.

use super::ahead::{Ahead, Order};
use super::audit::{Auditor, InUse};
use super::fast::{FastReplayer, FastScanner};
use super::fs::{Fs, Opening};
use super::inode::{self, Inode};
use super::log::{JournalFile, Log};
use super::orphans::{List, Orphans};
use super::overlay::{After, Overlay};
use super::preen::View;
use super::replay::{BadCopy, Replayer};
use super::revoke::Revoker;
use super::scan::Scanner;
use super::walk::Walker;
use super::{Attributes, Audit, Fsck, MountError, Profile, Repair, RepairNeeded, Survivors, Tree};
use crate::device::{Media, Reader, Step};
use crate::format::fast::FastTag;
use crate::units::{BlockNr, Ino, Tid};
use std::collections::BTreeSet;
use std::ops::ControlFlow::{self, Break, Continue};
use std::sync::Arc;

/// A mount of a dead disk that can be copied at each step, to follow each of several possible answers.
#[derive(Clone, Debug)]
pub struct Recovery {
    profile: Profile,
    order: Order,
    phase: Phase,
}

impl Recovery {
    /// Nothing was read. What ways through the log have in common is read before they part.
    pub const fn new(profile: &Profile) -> Self {
        let order = match profile.fsck {
            Fsck::Never => Order::Ahead,
            // Of a copy that is left out it matters whether it is revoked later.
            Fsck::AtBoot | Fsck::Forced => Order::InTurn,
        };
        Self { profile: *profile, order, phase: Phase::Superblock }
    }

    /// Nothing was read. The log is read in three passes, as Linux does it; the same is found.
    pub(super) fn in_turn(profile: &Profile) -> Self {
        Self { order: Order::InTurn, ..Self::new(profile) }
    }
}

impl Reader for Recovery {
    type Found = Result<Survivors, MountError>;

    fn step<M: Media>(self, disk: &mut M) -> Step<Self, Self::Found> {
        match self.phase.step(disk, &self.profile, self.order) {
            Ok(Step::GoOn(phase)) => Step::GoOn(Self { phase, ..self }),
            Ok(Step::Done(found)) => Step::Done(Ok(found)),
            Err(error) => Step::Done(Err(error)),
        }
    }
}

/// What is read next.
// v6.6 fs/ext4/super.c, __ext4_fill_super, ext4_load_journal; fs/jbd2/recovery.c, jbd2_journal_recover.
#[derive(Clone, Debug)]
enum Phase {
    Superblock,
    Groups(Opening),
    JournalInode(Arc<Fs>),
    JournalSuperblock(Arc<Fs>, JournalFile),
    Scan(Arc<Fs>, Arc<Log>, Scanner, Ahead),
    FastScan(Arc<Fs>, Arc<Log>, FastScanner, Ahead, Tid),
    Revoke(Arc<Fs>, Arc<Log>, Revoker, Replayer, FastTags),
    Replay(Arc<Fs>, Arc<Log>, Replayer, FastTags),
    FastReplay(Arc<Fs>, Arc<Log>, FastReplayer, View),
    SuperblockAgain(Arc<Fs>, Replayed),
    GroupsAgain(Arc<Fs>, Replayed, Opening),
    Orphans(Mounted, List),
    Walk(Mounted, Walker),
    Rest(Walked),
    Audit(Mounted, Arc<Tree>, Auditor),
}

/// A disk whose log was replayed, or has none.
#[derive(Clone, Debug)]
struct Replayed {
    log: Option<Arc<Log>>,
    overlay: Overlay,
    repairs: Vec<Repair>,
    /// With whose rules the rest is read.
    view: View,
}

/// A disk that is mounted.
#[derive(Clone, Debug)]
struct Mounted {
    fs: Arc<Fs>,
    replayed: Replayed,
    orphans: Orphans,
}

/// A disk whose names were read.
#[derive(Clone, Debug)]
struct Walked {
    mounted: Mounted,
    in_use: InUse,
    reads: Reads,
}

/// What else is read of a disk whose names were read.
#[derive(Clone, Debug)]
enum Reads {
    /// Where the blocks of the orphans are that have no name, behind this one.
    Nameless(Ino),
    /// Blocks of attributes: which, and how many were read.
    Attributes(Arc<Vec<BlockNr>>, usize),
    /// The inode that keeps room for more group descriptors.
    Resize,
}

/// What fast commits say, if the journal has any.
type FastTags = Option<Arc<[FastTag]>>;

type Next = Result<Step<Phase, Survivors>, MountError>;

fn go_on(phase: Phase) -> Next {
    Ok(Step::GoOn(phase))
}

impl Phase {
    fn step<M: Media>(self, disk: &mut M, profile: &Profile, order: Order) -> Next {
        match self {
            Self::Superblock => go_on(Self::Groups(Opening::start(disk, profile.attributes)?)),
            Self::Groups(mut opening) => match opening.step(disk)? {
                Continue(()) => go_on(Self::Groups(opening)),
                Break(fs) if fs.superblock.has_journal() => go_on(Self::JournalInode(Arc::new(fs))),
                Break(fs) => {
                    let view = profile.view(LogState::Missing);
                    go_on(Self::SuperblockAgain(Arc::new(fs), Replayed::without(None, view)))
                }
            },
            Self::JournalInode(fs) => {
                let file = JournalFile::find(disk, &fs)?;
                go_on(Self::JournalSuperblock(fs, file))
            }
            Self::JournalSuperblock(fs, file) => {
                let log = Arc::new(Log::open(disk, file)?);
                if log.is_empty() {
                    let view = profile.view(LogState::Sound);
                    return go_on(Self::SuperblockAgain(fs, Replayed::without(Some(log), view)));
                }
                let scanner = Scanner::of(log.clone(), profile.torn_commit);
                let ahead = Ahead::of(&log, order, fs.needs_recovery(), profile.bad_copy());
                go_on(Self::Scan(fs, log, scanner, ahead))
            }
            Self::Scan(fs, log, scanner, mut ahead) if ahead.is_behind() => {
                ahead.step(disk);
                go_on(Self::Scan(fs, log, scanner, ahead))
            }
            Self::Scan(fs, log, mut scanner, ahead) => {
                let scanned = profile.scanned(scanner.step(disk))?;
                Ok(Step::GoOn(Self::scanned(fs, log, (scanner, ahead), scanned, profile)))
            }
            Self::FastScan(fs, log, mut fast, ahead, end) => match fast.step(disk)? {
                Continue(()) => go_on(Self::FastScan(fs, log, fast, ahead, end)),
                Break(tags) => go_on(Self::revoke(fs, log, ahead, end, Some(tags))),
            },
            Self::Revoke(fs, log, mut revoker, mut replayer, fast) => match revoker.step(disk)? {
                Continue(()) => go_on(Self::Revoke(fs, log, revoker, replayer, fast)),
                Break(()) => {
                    replayer.until(revoker.end(), &mut revoker);
                    go_on(Self::Replay(fs, log, replayer, fast))
                }
            },
            Self::Replay(fs, log, mut replayer, fast) => match replayer.step(disk)? {
                Continue(()) => go_on(Self::Replay(fs, log, replayer, fast)),
                Break(overlay) => {
                    let state = if replayer.left_out() { LogState::Corrupt } else { LogState::Sound };
                    let tags = fast.unwrap_or_default();
                    let fast = FastReplayer::of(tags, overlay);
                    go_on(Self::FastReplay(fs, log, fast, profile.view(state)))
                }
            },
            Self::FastReplay(fs, log, mut replayer, view) => match replayer.step(disk, &fs)? {
                Continue(()) => go_on(Self::FastReplay(fs, log, replayer, view)),
                Break(overlay) => {
                    let replayed = Replayed { overlay, ..Replayed::without(Some(log), view) };
                    go_on(Self::SuperblockAgain(fs, replayed))
                }
            },
            Self::SuperblockAgain(before, replayed) => {
                let opening = Opening::again(&mut replayed.disk(disk), &before, replayed.view)?;
                go_on(Self::GroupsAgain(before, replayed, opening))
            }
            Self::GroupsAgain(before, replayed, opening) => replayed.reopen(disk, before, opening),
            Self::Orphans(mounted, list) => mounted.orphans(disk, list),
            Self::Walk(mounted, walker) => mounted.walk(disk, walker, profile.audit),
            Self::Rest(walked) => walked.step(disk, profile),
            Self::Audit(mounted, tree, auditor) => mounted.audit(disk, tree, auditor),
        }
    }
}

impl Phase {
    /// The scan is over: transactions before `end` are replayed, then the fast commits.
    fn revoke(fs: Arc<Fs>, log: Arc<Log>, ahead: Ahead, end: Tid, fast: FastTags) -> Self {
        let Ahead { mut revoker, replayer, .. } = ahead;
        revoker.until(end);
        Self::Revoke(fs, log, revoker, replayer, fast)
    }

    /// A block of the log was scanned; none stands for a log that cannot be used.
    fn scanned(
        fs: Arc<Fs>,
        log: Arc<Log>,
        (scanner, mut ahead): (Scanner, Ahead),
        scanned: Option<ControlFlow<Tid>>,
        profile: &Profile,
    ) -> Self {
        match scanned {
            Some(Continue(())) => {
                ahead.passed(scanner.certain());
                Self::Scan(fs, log, scanner, ahead)
            }
            Some(Break(end)) if fs.needs_recovery() && log.has_fast_commits() => {
                let fast = FastScanner::of(log.clone(), end);
                Self::FastScan(fs, log, fast, ahead, end)
            }
            Some(Break(end)) if fs.needs_recovery() => Self::revoke(fs, log, ahead, end, None),
            // Without the flag the log is thrown away (jbd2_journal_wipe).
            Some(Break(_)) => {
                Self::SuperblockAgain(fs, Replayed::ignored(log, profile.view(LogState::Sound)))
            }
            None => Self::SuperblockAgain(fs, Replayed::without(Some(log), profile.view(LogState::Corrupt))),
        }
    }
}

/// What a log is like.
#[derive(Clone, Copy, Debug)]
enum LogState {
    Missing,
    Sound,
    Corrupt,
}

impl Profile {
    /// With whose rules the rest is read. A check at boot leaves a disk with a sound log alone: it says "clean".
    // e2fsprogs 1.47 e2fsck/unix.c, check_if_skip; e2fsck/journal.c, recover_ext3_journal: EXT2_ERROR_FS.
    const fn view(&self, log: LogState) -> View {
        match (self.fsck, log) {
            (Fsck::Never, _) | (Fsck::AtBoot, LogState::Sound) => View::Mount,
            (Fsck::AtBoot, LogState::Missing | LogState::Corrupt) | (Fsck::Forced, _) => View::Check,
        }
    }

    const fn bad_copy(&self) -> BadCopy {
        match self.fsck {
            Fsck::Never => BadCopy::Fails,
            Fsck::AtBoot | Fsck::Forced => BadCopy::LeftOut,
        }
    }

    /// What a step of the scan leads to; none where nothing at all is replayed.
    ///
    /// e2fsck drops a transaction with a bad commit block, and all behind it, and is content. Where a descriptor is
    /// corrupt it replays nothing.
    // e2fsprogs 1.47 e2fsck/journal.c, recover_ext3_journal: j_failed_commit; EFSBADCRC.
    fn scanned(
        &self,
        step: Result<ControlFlow<Tid>, MountError>,
    ) -> Result<Option<ControlFlow<Tid>>, MountError> {
        match (self.fsck, step) {
            (Fsck::AtBoot | Fsck::Forced, Err(MountError::BadCommit { tid })) => Ok(Some(Break(tid))),
            (Fsck::AtBoot | Fsck::Forced, Err(MountError::BadDescriptor { .. })) => Ok(None),
            (_, step) => step.map(Some),
        }
    }
}

impl Replayed {
    /// Nothing is replayed.
    fn without(log: Option<Arc<Log>>, view: View) -> Self {
        Self { log, overlay: Overlay::default(), repairs: Vec::new(), view }
    }

    /// There is something to replay, but nobody asks for it.
    fn ignored(log: Arc<Log>, view: View) -> Self {
        let first = log.first_tid();
        Self { repairs: vec![Repair::LogIgnored { first }], ..Self::without(Some(log), view) }
    }

    fn disk<'a, M: Media>(&'a self, disk: &'a mut M) -> After<'a, M> {
        After::new(disk, &self.overlay)
    }

    fn reopen<M: Media>(mut self, disk: &mut M, before: Arc<Fs>, mut opening: Opening) -> Next {
        let mut after = After::new(disk, &self.overlay);
        match opening.step_again(&mut after, &before, &mut self.repairs)? {
            Continue(()) => go_on(Phase::GroupsAgain(before, self, opening)),
            Break(fs) => {
                let list = List::of(&fs);
                let mounted = Mounted { fs: Arc::new(fs), replayed: self, orphans: Orphans::default() };
                go_on(Phase::Orphans(mounted, list))
            }
        }
    }
}

impl Mounted {
    fn orphans<M: Media>(mut self, disk: &mut M, list: List) -> Next {
        let Replayed { overlay, repairs, .. } = &mut self.replayed;
        go_on(match list.step(&mut After::new(disk, overlay), &self.fs, repairs)? {
            Continue(list) => Phase::Orphans(self, list),
            Break(orphans) => Phase::Walk(Self { orphans, ..self }, Walker::new()),
        })
    }

    fn walk<M: Media>(mut self, disk: &mut M, walker: Walker, audit: Audit) -> Next {
        let walk = match walker.step(&mut self.replayed.disk(disk), &self.fs)? {
            Continue(walker) => return go_on(Phase::Walk(self, walker)),
            Break(walk) => walk,
        };
        let damaged = |(ino, errno): (&Ino, &_)| Repair::DamagedDirectory { ino: *ino, errno: *errno };
        self.replayed.repairs.extend(walk.damaged.iter().map(damaged));
        let in_use = InUse { orphans: self.orphans.clone(), walk, ..InUse::default() };
        let reads = match audit {
            Audit::Full => Reads::Nameless(Ino::new(0)),
            Audit::Skip => in_use.reads_attributes(&self.fs),
        };
        go_on(Phase::Rest(Walked { mounted: self, in_use, reads }))
    }

    fn audit<M: Media>(mut self, disk: &mut M, tree: Arc<Tree>, mut auditor: Auditor) -> Next {
        let Replayed { overlay, repairs, .. } = &mut self.replayed;
        match auditor.step(&mut After::new(disk, overlay), &self.fs, repairs) {
            Continue(()) => go_on(Phase::Audit(self, tree, auditor)),
            Break(()) => self.found(tree),
        }
    }

    /// What is found in the end. What a check has repaired is no longer there.
    fn found(self, tree: Arc<Tree>) -> Next {
        let Replayed { overlay, repairs, view, .. } = self.replayed;
        let needed = RepairNeeded::of(&repairs);
        match view {
            View::Mount => Ok(Step::Done(Survivors { tree, repairs, needed, overlay })),
            View::Check => {
                if let Some(first) = repairs.into_iter().find(|one| one.needed() == RepairNeeded::Manual) {
                    return Err(MountError::NeedsRepair { first });
                }
                Ok(Step::Done(Survivors { tree, repairs: Vec::new(), needed, overlay }))
            }
        }
    }
}

impl Walked {
    /// Reads one more thing; behind the last one all that is in use is known.
    fn step<M: Media>(mut self, disk: &mut M, profile: &Profile) -> Next {
        let Mounted { fs, replayed, .. } = &mut self.mounted;
        let mut after = After::new(disk, &replayed.overlay);
        let in_use = &mut self.in_use;
        self.reads = match self.reads {
            Reads::Nameless(last) => match in_use.nameless_behind(last) {
                Some((ino, inode)) => {
                    let mapping = inode::mapping(&mut after, fs, inode);
                    Arc::make_mut(&mut in_use.nameless).insert(ino, mapping);
                    Reads::Nameless(ino)
                }
                None => in_use.reads_attributes(fs),
            },
            Reads::Attributes(blocks, read) => match blocks.get(read) {
                Some(nr) => {
                    in_use.attributes.read(&mut after, fs, profile.attributes, *nr);
                    Reads::Attributes(blocks.clone(), read.saturating_add(1))
                }
                None => Reads::Resize,
            },
            Reads::Resize => {
                let tree = Arc::new(in_use.tree(profile.attributes));
                if profile.audit == Audit::Skip {
                    return self.mounted.found(tree);
                }
                in_use.resize = inode::resize(&mut after, fs);
                let auditor = Auditor::of(fs, replayed.log.as_deref(), in_use, &mut replayed.repairs);
                return go_on(Phase::Audit(self.mounted, tree, auditor));
            }
        };
        go_on(Phase::Rest(self))
    }
}

impl InUse {
    /// The next orphan without a name behind an inode.
    fn nameless_behind(&self, last: Ino) -> Option<(Ino, &Inode)> {
        let mut rest = self.orphans.inodes.range(Ino::new(last.get().saturating_add(1))..);
        rest.find(|(ino, _)| !self.walk.seen.contains(*ino)).map(|(ino, inode)| (*ino, inode))
    }

    /// Every inode that has a name or is an orphan.
    fn inodes(&self) -> impl Iterator<Item = (Ino, &Inode)> {
        let seen = self.walk.seen.iter();
        let named = seen.filter_map(|(ino, seen)| seen.as_ref().ok().map(|seen| (*ino, &seen.inode)));
        named.chain(self.orphans.inodes.iter().map(|(ino, inode)| (*ino, inode)))
    }

    /// The blocks of attributes that are to be read.
    fn reads_attributes(&self, fs: &Fs) -> Reads {
        let blocks: BTreeSet<BlockNr> =
            self.inodes().filter_map(|(_, inode)| self.attributes.missing(fs, inode)).collect();
        Reads::Attributes(Arc::new(blocks.into_iter().collect()), 0)
    }

    /// The tree, with the attributes if they were read.
    fn tree(&self, attributes: Attributes) -> Tree {
        let mut tree = self.walk.tree();
        if attributes == Attributes::Read {
            let all = self.inodes().map(|(ino, inode)| (ino, self.attributes.all(inode)));
            tree.attributes = all
                .filter(|(_, found)| found.as_ref().is_ok_and(|found| !found.is_empty()) || found.is_err())
                .collect();
        }
        tree
    }
}
