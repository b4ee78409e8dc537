//! A mount, step by step.
//!
//! ```text
//!   Superblock ▸ Groups ▸ JournalInode ▸ JournalSuperblock ▸ Scan ▸ Revoke ▸ Replay
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
use super::fs::{Fs, Opening};
use super::inode::{self, Inode};
use super::log::{JournalFile, Log};
use super::orphans::{List, Orphans};
use super::overlay::{After, Overlay};
use super::replay::Replayer;
use super::revoke::Revoker;
use super::scan::Scanner;
use super::walk::Walker;
use super::{Attributes, Audit, MountError, Profile, Repair, Survivors, Tree};
use crate::device::{Media, Reader, Step};
use crate::units::{BlockNr, Ino};
use std::collections::BTreeSet;
use std::ops::ControlFlow::{Break, Continue};
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
        Self { profile: *profile, order: Order::Ahead, phase: Phase::Superblock }
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
    Revoke(Arc<Fs>, Arc<Log>, Revoker, Replayer),
    Replay(Arc<Fs>, Arc<Log>, Replayer),
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
                Break(fs) => go_on(Self::SuperblockAgain(Arc::new(fs), Replayed::without(None))),
            },
            Self::JournalInode(fs) => {
                let file = JournalFile::find(disk, &fs)?;
                go_on(Self::JournalSuperblock(fs, file))
            }
            Self::JournalSuperblock(fs, file) => {
                let log = Arc::new(Log::open(disk, file)?);
                if log.is_empty() {
                    return go_on(Self::SuperblockAgain(fs, Replayed::without(Some(log))));
                }
                let scanner = Scanner::of(log.clone(), profile.torn_commit);
                let ahead = Ahead::of(&log, order, fs.needs_recovery());
                go_on(Self::Scan(fs, log, scanner, ahead))
            }
            Self::Scan(fs, log, scanner, mut ahead) if ahead.is_behind() => {
                ahead.step(disk);
                go_on(Self::Scan(fs, log, scanner, ahead))
            }
            Self::Scan(fs, log, mut scanner, mut ahead) => match scanner.step(disk)? {
                Continue(()) => {
                    ahead.passed(scanner.certain());
                    go_on(Self::Scan(fs, log, scanner, ahead))
                }
                Break(end) if fs.needs_recovery() => {
                    let Ahead { mut revoker, replayer, .. } = ahead;
                    revoker.until(end);
                    go_on(Self::Revoke(fs, log, revoker, replayer))
                }
                // Without the flag the log is thrown away (jbd2_journal_wipe).
                Break(_) => go_on(Self::SuperblockAgain(fs, Replayed::ignored(log))),
            },
            Self::Revoke(fs, log, mut revoker, mut replayer) => match revoker.step(disk)? {
                Continue(()) => go_on(Self::Revoke(fs, log, revoker, replayer)),
                Break(()) => {
                    replayer.until(revoker.end(), &mut revoker);
                    go_on(Self::Replay(fs, log, replayer))
                }
            },
            Self::Replay(fs, log, mut replayer) => match replayer.step(disk)? {
                Continue(()) => go_on(Self::Replay(fs, log, replayer)),
                Break(overlay) => {
                    let replayed = Replayed { overlay, ..Replayed::without(Some(log)) };
                    go_on(Self::SuperblockAgain(fs, replayed))
                }
            },
            Self::SuperblockAgain(before, replayed) => {
                let opening = Opening::again(&mut replayed.disk(disk), &before)?;
                go_on(Self::GroupsAgain(before, replayed, opening))
            }
            Self::GroupsAgain(before, replayed, opening) => replayed.reopen(disk, before, opening),
            Self::Orphans(mounted, list) => mounted.orphans(disk, list),
            Self::Walk(mounted, walker) => mounted.walk(disk, walker, profile.audit),
            Self::Rest(walked) => Ok(walked.step(disk, profile)),
            Self::Audit(mounted, tree, auditor) => Ok(mounted.audit(disk, tree, auditor)),
        }
    }
}

impl Replayed {
    /// Nothing is replayed.
    fn without(log: Option<Arc<Log>>) -> Self {
        Self { log, overlay: Overlay::default(), repairs: Vec::new() }
    }

    /// There is something to replay, but nobody asks for it.
    fn ignored(log: Arc<Log>) -> Self {
        let first = log.first_tid();
        Self { repairs: vec![Repair::LogIgnored { first }], ..Self::without(Some(log)) }
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

    fn audit<M: Media>(
        mut self,
        disk: &mut M,
        tree: Arc<Tree>,
        mut auditor: Auditor,
    ) -> Step<Phase, Survivors> {
        let Replayed { overlay, repairs, .. } = &mut self.replayed;
        match auditor.step(&mut After::new(disk, overlay), &self.fs, repairs) {
            Continue(()) => Step::GoOn(Phase::Audit(self, tree, auditor)),
            Break(()) => Step::Done(self.found(tree)),
        }
    }

    fn found(self, tree: Arc<Tree>) -> Survivors {
        let Replayed { overlay, repairs, .. } = self.replayed;
        Survivors { tree, repairs, overlay }
    }
}

impl Walked {
    /// Reads one more thing; behind the last one all that is in use is known.
    fn step<M: Media>(mut self, disk: &mut M, profile: &Profile) -> Step<Phase, Survivors> {
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
                    return Step::Done(self.mounted.found(tree));
                }
                in_use.resize = inode::resize(&mut after, fs);
                let auditor = Auditor::of(fs, replayed.log.as_deref(), in_use, &mut replayed.repairs);
                return Step::GoOn(Phase::Audit(self.mounted, tree, auditor));
            }
        };
        Step::GoOn(Phase::Rest(self))
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
