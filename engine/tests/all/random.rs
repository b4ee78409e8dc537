//! Random programs: the file system agrees with a plain map, and every crash state mounts and needs no repair.

mod machine;

use machine::{machine, mounted};
use proptest::prelude::*;
use std::collections::BTreeMap;
use unplug::crash::brute::{Bounds, explore};
use unplug::device::Media;
use unplug::ext4::Datasync;
use unplug::format::xattr::Attribute;
use unplug::oracle::{Entry, Observation, holds, observe};
use unplug::recovery::{self, Profile, Survivors, recover};
use unplug::scenario::{FallocFlags, Name, OpenFlags, Predicate, RenameFlags, Target, Whence, XattrFlags};
use unplug::units::Moment;
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
    /// Collapse and insert take whole blocks; the others bytes.
    Fallocate {
        fd: u8,
        mode: u8,
        offset: u16,
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
    Exchange {
        old: u8,
        new: u8,
    },
    Noreplace {
        old: u8,
        new: u8,
    },
    Link {
        old: u8,
        new: u8,
    },
    Tmpfile {
        fd: u8,
    },
    Linkat {
        fd: u8,
        path: u8,
    },
    /// Few names and values, so that inodes share a block of attributes.
    Setxattr {
        path: u8,
        name: u8,
        value: u8,
    },
    Removexattr {
        path: u8,
        name: u8,
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
        4 => (fd.clone(), 0..RANGES.len(), 0..24_000_u16, 1..12_000_u16).prop_map(|(fd, mode, offset, len)| {
            Op::Fallocate { fd, mode: u8::try_from(mode).unwrap_or(0), offset, len }
        }),
        1 => fd.clone().prop_map(|fd| Op::Tmpfile { fd }),
        2 => (fd.clone(), path.clone()).prop_map(|(fd, path)| Op::Linkat { fd, path }),
        4 => (fd.clone(), 1..600_u16, 1..=255_u8).prop_map(|(fd, len, byte)| Op::Append { fd, len, byte }),
        3 => (path.clone(), 1..600_u16, 1..=255_u8).prop_map(|(path, len, byte)| Op::Save { path, len, byte }),
        1 => (fd.clone(), 0..20_000_u16).prop_map(|(fd, len)| Op::Ftruncate { fd, len }),
        2 => (fd, any::<bool>()).prop_map(|(fd, data)| Op::Fsync { fd, data }),
        2 => path.clone().prop_map(|path| Op::Mkdir { path }),
        1 => path.clone().prop_map(|path| Op::Rmdir { path }),
        1 => path.clone().prop_map(|path| Op::Unlink { path }),
        3 => (path.clone(), path.clone()).prop_map(|(old, new)| Op::Rename { old, new }),
        2 => (path.clone(), path.clone()).prop_map(|(old, new)| Op::Exchange { old, new }),
        1 => (path.clone(), path.clone()).prop_map(|(old, new)| Op::Noreplace { old, new }),
        1 => (path.clone(), path.clone()).prop_map(|(old, new)| Op::Link { old, new }),
        3 => (path.clone(), 0..2_u8, 0..6_u8).prop_map(|(path, name, value)| Op::Setxattr { path, name, value }),
        1 => (path, 0..2_u8).prop_map(|(path, name)| Op::Removexattr { path, name }),
        1 => Just(Op::Sync),
        1 => (0..40_u8).prop_map(|secs| Op::Sleep { secs }),
    ]
}

/// The modes of [`Op::Fallocate`].
const RANGES: [FallocFlags; 7] = [
    FallocFlags::NONE,
    FallocFlags::FALLOC_FL_KEEP_SIZE,
    FallocFlags::FALLOC_FL_PUNCH_HOLE.with(FallocFlags::FALLOC_FL_KEEP_SIZE),
    FallocFlags::FALLOC_FL_ZERO_RANGE,
    FallocFlags::FALLOC_FL_ZERO_RANGE.with(FallocFlags::FALLOC_FL_KEEP_SIZE),
    FallocFlags::FALLOC_FL_COLLAPSE_RANGE,
    FallocFlags::FALLOC_FL_INSERT_RANGE,
];

/// What [`Op::Fallocate`] asks for: mode, offset, length.
fn range(mode: u8, offset: u16, len: u16) -> (FallocFlags, usize, usize) {
    let (mode, offset, len) = (RANGES[usize::from(mode)], usize::from(offset), usize::from(len));
    let shifts = [FallocFlags::FALLOC_FL_COLLAPSE_RANGE, FallocFlags::FALLOC_FL_INSERT_RANGE];
    if shifts.contains(&mode) {
        (mode, offset / 4096 * 4096, len.next_multiple_of(4096))
    } else {
        (mode, offset, len)
    }
}

/// An attribute of [`Op::Setxattr`]: in the inode, beside it, or too large for it.
fn attribute(name: u8) -> String {
    format!("user.{name}")
}

fn value(value: u8) -> Vec<u8> {
    vec![b'0' + value; [1, 40, 90, 300, 1000, 3000][usize::from(value)]]
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
    attributes: BTreeMap<usize, Attributes>,
    open: BTreeMap<u8, usize>,
}

/// Names and values of the attributes of a file.
type Attributes = BTreeMap<String, Vec<u8>>;

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
            Op::Fallocate { fd, mode, offset, len } => {
                let (mode, offset, len) = range(*mode, *offset, *len);
                allocate(&mut self.files[self.open[fd]], mode, offset, len);
            }
            Op::Tmpfile { fd } => {
                self.files.push(Vec::new());
                self.open.insert(*fd, self.files.len() - 1);
            }
            Op::Linkat { fd, path: name } => {
                self.names.insert(path(*name), Node::File(self.open[fd]));
            }
            Op::Setxattr { path: at, name, value: new } => {
                if let Node::File(file) = self.names[&path(*at)] {
                    self.attributes.entry(file).or_default().insert(attribute(*name), value(*new));
                }
            }
            Op::Removexattr { path: at, name } => {
                if let Node::File(file) = self.names[&path(*at)] {
                    self.attributes.entry(file).or_default().remove(&attribute(*name));
                }
            }
            Op::Mkdir { path: name } => {
                self.names.insert(path(*name), Node::Dir);
            }
            Op::Rmdir { path: name } | Op::Unlink { path: name } => {
                self.names.remove(&path(*name));
            }
            Op::Rename { old, new } | Op::Noreplace { old, new } => self.rename(&path(*old), &path(*new)),
            Op::Exchange { old, new } => self.exchange(&path(*old), &path(*new)),
            Op::Link { old, new } => {
                let node = self.names[&path(*old)].clone();
                self.names.insert(path(*new), node);
            }
            Op::Fsync { .. } | Op::Sync | Op::Sleep { .. } => {}
        }
    }

    fn exchange(&mut self, old: &str, new: &str) {
        let below = |name: &str, top: &str| name == top || name.starts_with(&format!("{top}/"));
        let renamed = |name: String| match (below(&name, old), below(&name, new)) {
            (true, _) => format!("{new}{}", &name[old.len()..]),
            (false, true) => format!("{old}{}", &name[new.len()..]),
            (false, false) => name,
        };
        self.names =
            std::mem::take(&mut self.names).into_iter().map(|(name, node)| (renamed(name), node)).collect();
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

    /// Whether a file is open that has no name.
    fn has_nameless(&self) -> bool {
        let is_named = |file: &usize| self.names.values().any(|node| *node == Node::File(*file));
        !self.open.values().all(is_named)
    }

    /// Whether the file system in memory is the same.
    fn is_read_from(&self, vfs: &mut Vfs) -> Result<(), TestCaseError> {
        let fd: Name = "reader".into();
        for (name, node) in &self.names {
            let opened = vfs.open(&fd, name, OpenFlags::NONE, 0);
            prop_assert!(opened.is_ok(), "{}: {:?}", name, opened);
            if let Node::File(file) = node {
                let read = vfs.pread(&fd, 0, 1 << 20);
                prop_assert!(read.as_ref() == Ok(&self.files[*file]), "{} differs in memory", name);
                for (attribute, value) in self.attributes.get(file).into_iter().flatten() {
                    let found = vfs.getxattr(&Target::Descriptor(fd.clone()), attribute);
                    prop_assert!(found.as_ref() == Ok(value), "{} of {} differs in memory", attribute, name);
                }
            }
            prop_assert!(vfs.close(&fd).is_ok());
        }
        Ok(())
    }

    /// Whether a recovered file system is the same.
    fn is_found_in(&self, (found, attributes): &Found) -> Result<(), TestCaseError> {
        let Observation::Mounted(mounted) = found else {
            return Err(TestCaseError::fail(format!("not mounted: {found:?}")));
        };
        prop_assert_eq!(mounted.entries.keys().collect::<Vec<_>>(), self.names.keys().collect::<Vec<_>>());
        for (name, node) in &self.names {
            if let Node::File(file) = node {
                let content = Predicate::Content(name.clone(), self.files[*file].clone().into());
                prop_assert!(holds(&content, found), "{} differs", name);
                let wanted = self.attributes.get(file).cloned().unwrap_or_default();
                prop_assert!(attributes[name] == wanted, "attributes of {} differ", name);
            }
        }
        Ok(())
    }
}

/// What fallocate makes of an array.
fn allocate(bytes: &mut Vec<u8>, mode: FallocFlags, offset: usize, len: usize) {
    let end = offset + len;
    if mode.has(FallocFlags::FALLOC_FL_COLLAPSE_RANGE) {
        bytes.drain(offset..end);
        return;
    }
    if mode.has(FallocFlags::FALLOC_FL_INSERT_RANGE) {
        bytes.splice(offset..offset, std::iter::repeat_n(0, len));
        return;
    }
    if !mode.has(FallocFlags::FALLOC_FL_KEEP_SIZE) {
        bytes.resize(bytes.len().max(end), 0);
    }
    let size = bytes.len();
    let zeroes = mode.has(FallocFlags::FALLOC_FL_PUNCH_HOLE) || mode.has(FallocFlags::FALLOC_FL_ZERO_RANGE);
    if zeroes {
        bytes[offset.min(size)..end.min(size)].fill(0);
    }
}

/// What is found after a crash, and the attributes of its files.
type Found = (Observation, BTreeMap<String, Attributes>);

fn look<M: Media>(survivors: &Survivors, disk: &mut M) -> Found {
    let found = observe(survivors, disk);
    let mut all = BTreeMap::new();
    if let Observation::Mounted(mounted) = &found {
        for (name, entry) in &mounted.entries {
            let Entry::File(file) = entry else { continue };
            let attributes = survivors
                .tree
                .attributes
                .get(&file.ino())
                .cloned()
                .unwrap_or(Ok(Vec::new()))
                .unwrap_or_default();
            let text = |attribute: Attribute| {
                let name = String::from_utf8_lossy(&attribute.name).into_owned();
                (format!("{}{name}", attribute.namespace.prefix()), attribute.value)
            };
            all.insert(name.clone(), attributes.into_iter().map(text).collect());
        }
    }
    (found, all)
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
        Op::Fallocate { fd: name, mode, offset, len } => {
            let (mode, offset, len) = range(*mode, *offset, *len);
            let number = |bytes: usize| i64::try_from(bytes).unwrap_or(-1);
            vfs.fallocate(&fd(name), mode, number(offset), number(len))
        }
        Op::Tmpfile { fd: name } => {
            let _ = vfs.close(&fd(name));
            vfs.open(&fd(name), "/", OpenFlags::O_TMPFILE.with(OpenFlags::O_RDWR), 0o644)
        }
        Op::Linkat { fd: name, path: at } => vfs.linkat(&fd(name), &path(*at)),
        Op::Exchange { old, new } => vfs.renameat2(&path(*old), &path(*new), RenameFlags::RENAME_EXCHANGE),
        Op::Noreplace { old, new } => vfs.renameat2(&path(*old), &path(*new), RenameFlags::RENAME_NOREPLACE),
        Op::Fsync { fd: name, data } => {
            vfs.fsync(&fd(name), if *data { Datasync::Yes } else { Datasync::No })
        }
        Op::Setxattr { path: at, name, value: new } => {
            let at = Target::Path(path(*at));
            vfs.setxattr(&at, &attribute(*name), &value(*new), XattrFlags::NONE)
        }
        Op::Removexattr { path: at, name } => vfs.removexattr(&Target::Path(path(*at)), &attribute(*name)),
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

/// What fsync made durable: from when on, and the bytes of the file.
type Synced = Option<(Moment, Vec<u8>)>;

/// The last open file, by fsync, and then everything, by sync.
fn end(vfs: &mut Vfs, model: &Plain, has_journal: bool) -> Result<Synced, TestCaseError> {
    let mut synced = None;
    if let Some((fd, file)) = model.open.iter().next_back() {
        let fsync = Op::Fsync { fd: *fd, data: false };
        prop_assert!(call(vfs, &fsync), "fsync");
        let at = vfs.fs().queue().moment();
        let named = model.names.values().any(|node| *node == Node::File(*file));
        // Without a journal nobody promises that the file still has one of its names.
        synced = (named && has_journal).then(|| (at, model.files[*file].clone()));
    }
    model.is_read_from(vfs)?;
    vfs.sync();
    if !has_journal {
        // What the data has made dirty again is behind the flush.
        vfs.sync();
    }
    Ok(synced)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_program_finds_what_it_wrote_and_a_crash_leaves_no_damage(
        ops in prop::collection::vec(op(), 1..60),
        machine in machine(),
    ) {
        let (schedule, has_journal) = (machine.schedule, machine.mkfs.journal_blocks.is_some());
        let mut vfs = mounted(&machine);
        let base = vfs.fs().queue().restart_log();
        let mut model = Plain::default();
        for op in &ops {
            let now = vfs.fs().queue().now().plus_nanos(4_000_000);
            vfs.fs().run_until(now);
            if let Op::Open { fd, .. } | Op::Tmpfile { fd } = op {
                model.open.remove(fd);
            }
            if call(&mut vfs, op) {
                model.apply(op);
            }
        }
        let synced = end(&mut vfs, &model, has_journal)?;
        let (log, newest) = vfs.into_fs().into_queue().into_parts();
        let profile = Profile { attributes: recovery::Attributes::Read, ..Profile::of(machine.kernel) };
        let mut disk = newest;
        let survivors = recover(&mut disk, &profile).expect("what was synced can be mounted");
        model.is_found_in(&look(&survivors, &mut disk))?;
        let mut damage = Vec::new();
        let mut lost = Ok(());
        explore(&base, &log, schedule, &Bounds { max_states: 300, seed: 7 },
            |view| recover(view, &profile).map(|found| (look(&found, view), found.repairs)),
            |state, found| match found {
                Ok((found, repairs)) => {
                    let is_legal_at = |moment| state.legal.iter().any(|range| range.contains(&moment));
                    // Without a journal e2fsck repairs what no sync has written, and frees open files without names.
                    let must_be_sound = has_journal || is_legal_at(log.now()) && !model.has_nameless();
                    if !repairs.is_empty() && must_be_sound {
                        damage.push(format!("{}: {repairs:?}", state.id()));
                    }
                    // What sync promised holds in every state that the end can leave, and what fsync did from its return.
                    if is_legal_at(log.now()) {
                        lost = std::mem::replace(&mut lost, Ok(())).and_then(|()| model.is_found_in(&found));
                    }
                    if let Some((at, bytes)) = &synced && is_legal_at(*at) && !has_file(&found.0, bytes) {
                        damage.push(format!("{}: what fsync made durable is lost", state.id()));
                    }
                }
                Err(error) => damage.push(format!("{}: {error}", state.id())),
            });
        lost?;
        prop_assert!(damage.is_empty(), "{damage:?}");
    }
}
