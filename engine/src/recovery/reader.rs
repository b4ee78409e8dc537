//! A mount, step by step.
//!
//! ```text
//!   Superblock ▸ Groups ▸ JournalInode ▸ JournalSuperblock ▸ Scan ▸ Revoke ▸ Replay
//!                    │ no journal             │ empty        │ not asked for   │
//!                    ▼                        ▼              ▼                 ▼
//!                  SuperblockAgain ▸ GroupsAgain ▸ Orphans ▸ Walk ▸ Nameless ▸ Groups compared ▸ found
//! ```
//! During the scan, [`super::ahead`] makes the other two passes as far as it can.
//!
//! Each phase holds what the later ones need, behind `Arc` or as a [`super::shelf`], so that a copy costs little
//! whatever was read before.

use super::ahead::{Ahead, Order};
use super::audit::{Auditor, Nameless};
use super::fs::{Fs, Opening};
use super::inode;
use super::log::{JournalFile, Log};
use super::orphans::{List, Orphans};
use super::overlay::{After, Overlay};
use super::replay::Replayer;
use super::revoke::Revoker;
use super::scan::Scanner;
use super::walk::{Walk, Walker};
use super::{Audit, MountError, Profile, Repair, Survivors, Tree};
use crate::device::{Media, Reader, Step};
use crate::units::Ino;
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
    Nameless(Walked),
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
    tree: Arc<Tree>,
    walk: Walk,
    /// The orphans without a name whose blocks were looked up, and the last one of them.
    nameless: Nameless,
    last: Ino,
}

type Next = Result<Step<Phase, Survivors>, MountError>;

fn go_on(phase: Phase) -> Next {
    Ok(Step::GoOn(phase))
}

impl Phase {
    fn step<M: Media>(self, disk: &mut M, profile: &Profile, order: Order) -> Next {
        match self {
            Self::Superblock => go_on(Self::Groups(Opening::start(disk)?)),
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
            Self::Orphans(mounted, list) => Ok(Step::GoOn(mounted.orphans(disk, list))),
            Self::Walk(mounted, walker) => mounted.walk(disk, walker, profile.audit),
            Self::Nameless(walked) => Ok(Step::GoOn(walked.step(disk))),
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
    fn orphans<M: Media>(mut self, disk: &mut M, mut list: List) -> Phase {
        let Replayed { overlay, repairs, .. } = &mut self.replayed;
        match list.step(&mut After::new(disk, overlay), &self.fs, repairs) {
            Continue(()) => Phase::Orphans(self, list),
            Break(orphans) => Phase::Walk(Self { orphans, ..self }, Walker::new()),
        }
    }

    fn walk<M: Media>(mut self, disk: &mut M, walker: Walker, audit: Audit) -> Next {
        let walk = match walker.step(&mut self.replayed.disk(disk), &self.fs)? {
            Continue(walker) => return go_on(Phase::Walk(self, walker)),
            Break(walk) => walk,
        };
        let tree = Arc::new(walk.tree());
        let damaged = |(ino, errno): (&Ino, &_)| Repair::DamagedDirectory { ino: *ino, errno: *errno };
        self.replayed.repairs.extend(walk.damaged.iter().map(damaged));
        match audit {
            Audit::Full => {
                let (nameless, last) = (Nameless::default(), Ino::new(0));
                go_on(Phase::Nameless(Walked { mounted: self, tree, walk, nameless, last }))
            }
            Audit::Skip => Ok(Step::Done(self.found(tree))),
        }
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
    /// Looks up where the blocks of the next orphan without a name are; behind the last one all that is in use is known.
    fn step<M: Media>(mut self, disk: &mut M) -> Phase {
        let mut rest = self.mounted.orphans.range(Ino::new(self.last.get().saturating_add(1))..);
        match rest.find(|(ino, _)| !self.walk.seen.contains(*ino)) {
            Some((ino, inode)) => {
                let mapping = inode::mapping(&mut self.mounted.replayed.disk(disk), &self.mounted.fs, inode);
                self.last = *ino;
                Arc::make_mut(&mut self.nameless).insert(*ino, mapping);
                Phase::Nameless(self)
            }
            None => {
                let Mounted { fs, replayed, orphans } = &mut self.mounted;
                let log = replayed.log.as_deref();
                let auditor =
                    Auditor::of(fs, log, (orphans, &self.nameless), &self.walk, &mut replayed.repairs);
                Phase::Audit(self.mounted, self.tree, auditor)
            }
        }
    }
}
