//! Random programs: the file system agrees with a plain map, and every crash state mounts and needs no repair.

use proptest::prelude::*;
use std::collections::BTreeMap;
use unplug::block::{Barrier, Queue};
use unplug::crash::brute::{Bounds, explore};
use unplug::device::{AtomicUnit, Cache, Disk, DiskModel, Fua};
use unplug::ext4::{Datasync, Fs, Options, mkfs};
use unplug::oracle::{Observation, holds, observe};
use unplug::recovery::{Profile, recover};
use unplug::scenario::{Checksums, Kernel, Mkfs, Name, OpenFlags, Predicate, Stack, Whence};
use unplug::schedule::Schedule;
use unplug::units::Time;
use unplug::vfs::Vfs;

/// A call on one of a few names, so that they meet.
#[derive(Clone, Debug)]
enum Op {
    Open {
        fd: u8,
        path: u8,
        truncate: bool,
    },
    Close {
        fd: u8,
    },
    Pwrite {
        fd: u8,
        offset: u16,
        len: u16,
        byte: u8,
    },
    /// At the end, by lseek and pwrite.
    Append {
        fd: u8,
        len: u16,
        byte: u8,
    },
    /// As a program saves a file: truncated, written, closed. auto_da_alloc starts its data.
    Save {
        path: u8,
        len: u16,
        byte: u8,
    },
    Ftruncate {
        fd: u8,
        len: u16,
    },
    Fsync {
        fd: u8,
        data: bool,
    },
    Mkdir {
        path: u8,
    },
    Rmdir {
        path: u8,
    },
    Unlink {
        path: u8,
    },
    Rename {
        old: u8,
        new: u8,
    },
    Link {
        old: u8,
        new: u8,
    },
    Sync,
    Sleep {
        secs: u8,
    },
}

fn op() -> impl Strategy<Value = Op> {
    // Mostly two names, two descriptors and one page, so that calls meet.
    let fd = prop_oneof![3 => 0..2_u8, 1 => 0..4_u8];
    let path = prop_oneof![3 => 0..2_u8, 1 => 0..NAMES];
    let offset = prop_oneof![2 => 0..4096_u16, 1 => 0..30_000_u16];
    let len = prop_oneof![2 => 1..2000_u16, 1 => 1..9_000_u16];
    prop_oneof![
        4 => (fd.clone(), path.clone(), any::<bool>()).prop_map(|(fd, path, truncate)| Op::Open { fd, path, truncate }),
        2 => fd.clone().prop_map(|fd| Op::Close { fd }),
        6 => (fd.clone(), offset, len, 1..=255_u8)
            .prop_map(|(fd, offset, len, byte)| Op::Pwrite { fd, offset, len, byte }),
        4 => (fd.clone(), 1..600_u16, 1..=255_u8).prop_map(|(fd, len, byte)| Op::Append { fd, len, byte }),
        3 => (path.clone(), 1..600_u16, 1..=255_u8).prop_map(|(path, len, byte)| Op::Save { path, len, byte }),
        1 => (fd.clone(), 0..20_000_u16).prop_map(|(fd, len)| Op::Ftruncate { fd, len }),
        2 => (fd, any::<bool>()).prop_map(|(fd, data)| Op::Fsync { fd, data }),
        2 => path.clone().prop_map(|path| Op::Mkdir { path }),
        1 => path.clone().prop_map(|path| Op::Rmdir { path }),
        1 => path.clone().prop_map(|path| Op::Unlink { path }),
        3 => (path.clone(), path.clone()).prop_map(|(old, new)| Op::Rename { old, new }),
        1 => (path.clone(), path).prop_map(|(old, new)| Op::Link { old, new }),
        1 => Just(Op::Sync),
        1 => (0..40_u8).prop_map(|secs| Op::Sleep { secs }),
    ]
}

/// The descriptor of [`Op::Save`].
const SAVER: u8 = 9;
/// Names: `/a` to `/d`, and `/a/a` to `/b/d`.
const NAMES: u8 = 12;

fn path(name: u8) -> String {
    let leaf = char::from(b'a' + name % 4);
    match name / 4 {
        0 => format!("/{leaf}"),
        dir => format!("/{}/{leaf}", char::from(b'a' + dir - 1)),
    }
}

/// What a name stands for in the plain model: a directory, or a file by number.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Node {
    Dir,
    File(usize),
}

/// The plain model: names, contents, what is open.
#[derive(Default)]
struct Plain {
    names: BTreeMap<String, Node>,
    files: Vec<Vec<u8>>,
    open: BTreeMap<u8, usize>,
}

impl Plain {
    /// What a call that succeeded changed.
    fn apply(&mut self, op: &Op) {
        match op {
            Op::Open { fd, path: name, truncate } => {
                let files = &mut self.files;
                let node = self.names.entry(path(*name)).or_insert_with(|| {
                    files.push(Vec::new());
                    Node::File(files.len() - 1)
                });
                let Node::File(file) = *node else { return };
                if *truncate {
                    self.files[file].clear();
                }
                self.open.insert(*fd, file);
            }
            Op::Close { fd } => {
                self.open.remove(fd);
            }
            Op::Pwrite { fd, offset, len, byte } => {
                let bytes = &mut self.files[self.open[fd]];
                let (from, end) = (usize::from(*offset), usize::from(*offset) + usize::from(*len));
                bytes.resize(bytes.len().max(end), 0);
                bytes[from..end].fill(*byte);
            }
            Op::Append { fd, len, byte } => {
                let bytes = &mut self.files[self.open[fd]];
                bytes.resize(bytes.len() + usize::from(*len), *byte);
            }
            Op::Save { path, len, byte } => {
                self.apply(&Op::Open { fd: SAVER, path: *path, truncate: true });
                self.apply(&Op::Append { fd: SAVER, len: *len, byte: *byte });
                self.open.remove(&SAVER);
            }
            Op::Ftruncate { fd, len } => self.files[self.open[fd]].resize(usize::from(*len), 0),
            Op::Mkdir { path: name } => {
                self.names.insert(path(*name), Node::Dir);
            }
            Op::Rmdir { path: name } | Op::Unlink { path: name } => {
                self.names.remove(&path(*name));
            }
            Op::Rename { old, new } => self.rename(&path(*old), &path(*new)),
            Op::Link { old, new } => {
                let node = self.names[&path(*old)].clone();
                self.names.insert(path(*new), node);
            }
            Op::Fsync { .. } | Op::Sync | Op::Sleep { .. } => {}
        }
    }

    fn rename(&mut self, old: &str, new: &str) {
        if self.names.get(old) == self.names.get(new) && self.names.get(old) != Some(&Node::Dir) || old == new
        {
            return;
        }
        let below = |name: &String| name == old || name.starts_with(&format!("{old}/"));
        let moved: Vec<String> = self.names.keys().filter(|name| below(name)).cloned().collect();
        for name in moved {
            if let Some(node) = self.names.remove(&name) {
                self.names.insert(format!("{new}{}", &name[old.len()..]), node);
            }
        }
    }

    /// Whether a recovered file system is the same.
    fn is_found_in(&self, found: &Observation) -> Result<(), TestCaseError> {
        let Observation::Mounted(mounted) = found else {
            return Err(TestCaseError::fail(format!("not mounted: {found:?}")));
        };
        prop_assert_eq!(mounted.entries.keys().collect::<Vec<_>>(), self.names.keys().collect::<Vec<_>>());
        for (name, node) in &self.names {
            if let Node::File(file) = node {
                let content = Predicate::Content(name.clone(), self.files[*file].clone().into());
                prop_assert!(holds(&content, found), "{} differs", name);
            }
        }
        Ok(())
    }
}

/// Whether some file has exactly these bytes.
fn has_file(found: &Observation, bytes: &[u8]) -> bool {
    let Observation::Mounted(mounted) = found else { return false };
    mounted.entries.keys().any(|name| holds(&Predicate::Content(name.clone(), bytes.into()), found))
}

fn call(vfs: &mut Vfs, op: &Op) -> bool {
    let fd = |fd: &u8| -> Name { fd.to_string().into() };
    let result = match op {
        Op::Open { fd: name, path: at, truncate } => {
            let flags = OpenFlags::O_CREAT.with(OpenFlags::O_RDWR);
            let flags = if *truncate { flags.with(OpenFlags::O_TRUNC) } else { flags };
            // A descriptor is bound once at a time.
            let _ = vfs.close(&fd(name));
            vfs.open(&fd(name), &path(*at), flags, 0o644)
        }
        Op::Close { fd: name } => vfs.close(&fd(name)),
        Op::Pwrite { fd: name, offset, len, byte } => {
            vfs.pwrite(&fd(name), &vec![*byte; usize::from(*len)], i64::from(*offset)).map(|_| ())
        }
        Op::Append { fd: name, len, byte } => vfs
            .lseek(&fd(name), 0, Whence::End)
            .and_then(|end| {
                vfs.pwrite(&fd(name), &vec![*byte; usize::from(*len)], i64::try_from(end).unwrap_or(0))
            })
            .map(|_| ()),
        Op::Save { path, len, byte } => {
            return call(vfs, &Op::Open { fd: SAVER, path: *path, truncate: true })
                && call(vfs, &Op::Append { fd: SAVER, len: *len, byte: *byte })
                && call(vfs, &Op::Close { fd: SAVER });
        }
        Op::Ftruncate { fd: name, len } => vfs.ftruncate(&fd(name), i64::from(*len)),
        Op::Fsync { fd: name, data } => {
            vfs.fsync(&fd(name), if *data { Datasync::Yes } else { Datasync::No })
        }
        Op::Mkdir { path: at } => vfs.mkdir(&path(*at), 0o755),
        Op::Rmdir { path: at } => vfs.rmdir(&path(*at)),
        Op::Unlink { path: at } => vfs.unlink(&path(*at)),
        Op::Rename { old, new } => vfs.rename(&path(*old), &path(*new)),
        Op::Link { old, new } => vfs.link(&path(*old), &path(*new)),
        Op::Sync => {
            vfs.sync();
            Ok(())
        }
        Op::Sleep { secs } => {
            let until = vfs.fs().queue().now().plus_secs(u64::from(*secs));
            vfs.fs().run_until(until);
            Ok(())
        }
    };
    result.is_ok()
}

fn mounted(schedule: Schedule, checksums: Checksums) -> Vfs {
    let options = Mkfs { blocks: 2600, journal_blocks: Some(1024), metadata_csum: checksums, inodes: 64 };
    let now = Time::from_secs(1_700_000_000);
    let image = mkfs(&options, now);
    let model = DiskModel {
        blocks: image.blocks(),
        cache: Cache::Volatile,
        atomic: AtomicUnit::Block,
        fua: Fua::Emulated,
    };
    let q = Queue::new(Disk::new(model, image), Barrier::On, schedule, None, now);
    Vfs::new(Fs::mount(q, Options::of(&Stack::default())))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_program_finds_what_it_wrote_and_a_crash_leaves_no_damage(
        ops in prop::collection::vec(op(), 1..60),
        late in any::<bool>(),
        plain in any::<bool>(),
    ) {
        let schedule = if late { Schedule::Late } else { Schedule::Prompt };
        let checksums = if plain { Checksums::None } else { Checksums::Crc32c };
        let mut vfs = mounted(schedule, checksums);
        let base = vfs.fs().queue().restart_log();
        let mut model = Plain::default();
        let mut synced = None;
        for op in &ops {
            let now = vfs.fs().queue().now().plus_nanos(4_000_000);
            vfs.fs().run_until(now);
            if let Op::Open { fd, .. } = op {
                model.open.remove(fd);
            }
            if call(&mut vfs, op) {
                model.apply(op);
            }
        }
        // The last open file, by fsync, and then everything, by sync.
        if let Some((fd, file)) = model.open.iter().next_back() {
            let fsync = Op::Fsync { fd: *fd, data: false };
            prop_assert!(call(&mut vfs, &fsync), "fsync");
            let at = vfs.fs().queue().moment();
            let named = model.names.values().any(|node| *node == Node::File(*file));
            synced = named.then(|| (at, model.files[*file].clone()));
        }
        vfs.sync();
        let (log, newest) = vfs.into_fs().into_queue().into_parts();
        let profile = Profile::of(Kernel::V6_6);
        let mut disk = newest;
        let survivors = recover(&mut disk, &profile).expect("what was synced can be mounted");
        model.is_found_in(&observe(&survivors, &mut disk))?;
        let mut damage = Vec::new();
        let mut lost = Ok(());
        explore(&base, &log, schedule, &Bounds { max_states: 300, seed: 7 },
            |view| recover(view, &profile).map(|found| (observe(&found, view), found.repairs)),
            |state, found| match found {
                Ok((found, repairs)) => {
                    if !repairs.is_empty() {
                        damage.push(format!("{}: {repairs:?}", state.id()));
                    }
                    let is_legal_at = |moment| state.legal.iter().any(|range| range.contains(&moment));
                    // What sync promised holds in every state that the end can leave, and what fsync did from its return.
                    if is_legal_at(log.now()) {
                        lost = std::mem::replace(&mut lost, Ok(())).and_then(|()| model.is_found_in(&found));
                    }
                    if let Some((at, bytes)) = &synced && is_legal_at(*at) && !has_file(&found, bytes) {
                        damage.push(format!("{}: what fsync made durable is lost", state.id()));
                    }
                }
                Err(error) => damage.push(format!("{}: {error}", state.id())),
            });
        lost?;
        prop_assert!(damage.is_empty(), "{damage:?}");
    }
}
