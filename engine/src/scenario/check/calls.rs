//! The calls: what each takes, and the call it becomes.
//!
//! ```text
//! open(fd: "f", path: "/f", flags: [O_RDWR])
//!   └─ CALLS ──▶ form (names of the arguments) ──▶ read ──▶ Call::Open
//! ```
//!
//! Calls on mappings are in `memory`.

use super::super::ast::{Call, Data, Name};
use super::super::flags::{FallocFlags, RenameFlags, RwFlags, SyncRangeFlags};
use super::super::tree::{Args, Kind, Node};
use super::Checker;
use super::args::{
    Bound, Form, Param,
    Param::{Needed, Optional},
};
use super::flags;
use super::memory;
use super::names::Handle::{self, Descriptor};
use super::scalars::{Unit, Word};
use super::xattr;

/// Whether the model has a call.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Support {
    /// It has.
    Modelled,
    /// It has, and the call returns no error.
    CannotFail,
}

/// Reads the arguments of a call; `usize` is how many steps stand before it.
pub(super) type ReadCall = fn(&mut Checker<'_>, &Bound<'_>, usize) -> Option<Call>;

/// A call of the language.
pub(super) struct CallForm {
    pub(super) form: Form,
    pub(super) support: Support,
    pub(super) read: ReadCall,
}

const fn modelled(form: Form, read: ReadCall) -> CallForm {
    CallForm { form, support: Support::Modelled, read }
}

const fn cannot_fail(form: Form, read: ReadCall) -> CallForm {
    CallForm { form, support: Support::CannotFail, read }
}

/// Arguments may stand without names.
pub(super) const fn positional(name: &'static str, params: &'static [Param]) -> Form {
    Form { name, params, unnamed: params.len() }
}

/// All arguments have names.
pub(super) const fn named(name: &'static str, params: &'static [Param]) -> Form {
    Form { name, params, unnamed: 0 }
}

/// The mode of a directory that is made without one: 0777 under the usual umask.
const DIRECTORY_MODE: u16 = 0o755;
/// The mode of a file that is made without one: 0666 under the usual umask.
const FILE_MODE: u16 = 0o644;
/// The longest sleep, and all sleeps of a scenario together, in seconds: a year.
const MAX_SLEEP: i128 = 365 * 24 * 3600;

const FD: &[Param] = &[Needed("fd")];
const PATH: &[Param] = &[Needed("path")];
const OLD_NEW: &[Param] = &[Needed("old"), Needed("new")];

/// All steps but `times`, `only`, `fails` and `short`.
pub(super) const CALLS: &[CallForm] = &[
    modelled(
        named("open", &[Needed("fd"), Needed("path"), Needed("flags"), Optional("mode")]),
        |c, args, _| c.open(args),
    ),
    modelled(positional("create", &[Needed("path"), Needed("data")]), |c, args, _| {
        let (path, data) = (c.path_arg(args, "path"), c.data_arg(args, "data"));
        Some(Call::Create { path: path?, data: data? })
    }),
    modelled(positional("close", FD), |c, args, _| {
        let node = args.get("fd")?;
        let fd = c.within(".fd", |c| c.closed(node, Descriptor))?;
        Some(Call::Close { fd })
    }),
    modelled(named("dup", &[Needed("fd"), Needed("of")]), |c, args, _| {
        let of = c.used_arg(args, "of", Descriptor);
        let fd = c.opened_arg(args, "fd", Descriptor);
        Some(Call::Dup { fd: fd?, of: of? })
    }),
    modelled(named("read", &[Needed("fd"), Needed("expect")]), |c, args, _| {
        let (fd, expect) = (c.fd(args), c.data_arg(args, "expect"));
        Some(Call::Read { fd: fd?, expect: expect? })
    }),
    modelled(named("pread", &[Needed("fd"), Needed("offset"), Needed("expect")]), |c, args, _| {
        let (fd, offset) = (c.fd(args), c.signed_arg(args, "offset"));
        let expect = c.data_arg(args, "expect");
        Some(Call::Pread { fd: fd?, offset: offset?, expect: expect? })
    }),
    modelled(positional("write", &[Needed("fd"), Needed("data")]), |c, args, _| {
        let (fd, data) = (c.fd(args), c.data_arg(args, "data"));
        Some(Call::Write { fd: fd?, data: data? })
    }),
    modelled(named("pwrite", &[Needed("fd"), Needed("data"), Needed("offset")]), |c, args, _| {
        let (fd, data) = (c.fd(args), c.data_arg(args, "data"));
        let offset = c.signed_arg(args, "offset");
        Some(Call::Pwrite { fd: fd?, data: data?, offset: offset? })
    }),
    modelled(named("lseek", &[Needed("fd"), Needed("offset"), Needed("whence")]), |c, args, _| {
        let (fd, offset) = (c.fd(args), c.signed_arg(args, "offset"));
        let whence = args
            .get("whence")
            .and_then(|node| c.within(".whence", |c| c.word(node, "a place to seek from", flags::WHENCE)));
        Some(Call::Lseek { fd: fd?, offset: offset?, whence: whence? })
    }),
    modelled(positional("ftruncate", &[Needed("fd"), Needed("length")]), |c, args, _| {
        let (fd, length) = (c.fd(args), c.signed_arg(args, "length"));
        Some(Call::Ftruncate { fd: fd?, length: length? })
    }),
    modelled(positional("truncate", &[Needed("path"), Needed("length")]), |c, args, _| {
        let (path, length) = (c.path_arg(args, "path"), c.signed_arg(args, "length"));
        Some(Call::Truncate { path: path?, length: length? })
    }),
    modelled(positional("fsync", FD), |c, args, _| Some(Call::Fsync { fd: c.fd(args)? })),
    modelled(positional("fdatasync", FD), |c, args, _| Some(Call::Fdatasync { fd: c.fd(args)? })),
    modelled(positional("syncfs", FD), |c, args, _| Some(Call::Syncfs { fd: c.fd(args)? })),
    cannot_fail(positional("sync", &[]), |_, _, _| Some(Call::Sync)),
    modelled(positional("mkdir", &[Needed("path"), Optional("mode")]), |c, args, _| {
        let (path, mode) = (c.path_arg(args, "path"), c.mode_arg(args, DIRECTORY_MODE));
        Some(Call::Mkdir { path: path?, mode: mode? })
    }),
    modelled(positional("rmdir", PATH), |c, args, _| Some(Call::Rmdir { path: c.path_arg(args, "path")? })),
    modelled(positional("unlink", PATH), |c, args, _| Some(Call::Unlink { path: c.path_arg(args, "path")? })),
    modelled(positional("rename", OLD_NEW), |c, args, _| {
        let (old, new) = (c.path_arg(args, "old"), c.path_arg(args, "new"));
        Some(Call::Rename { old: old?, new: new? })
    }),
    modelled(positional("link", OLD_NEW), |c, args, _| {
        let (old, new) = (c.path_arg(args, "old"), c.path_arg(args, "new"));
        Some(Call::Link { old: old?, new: new? })
    }),
    modelled(positional("symlink", &[Needed("target"), Needed("path")]), |c, args, _| {
        let target = args.get("target").and_then(|node| c.within(".target", |c| c.symlink_target(node)));
        let path = c.path_arg(args, "path");
        Some(Call::Symlink { target: target?, path: path? })
    }),
    modelled(positional("chmod", &[Needed("path"), Needed("mode")]), |c, args, _| {
        let path = c.path_arg(args, "path");
        let mode = args.get("mode").and_then(|node| c.within(".mode", |c| c.mode(node)));
        Some(Call::Chmod { path: path?, mode: mode? })
    }),
    cannot_fail(named("sleep", &[Needed("seconds")]), |c, args, _| {
        let node = args.get("seconds")?;
        c.within(".seconds", |c| c.sleep(node))
    }),
    cannot_fail(positional("mark", &[Needed("name")]), |c, args, before| {
        let node = args.get("name")?;
        Some(Call::Mark { name: c.within(".name", |c| c.marked(node, before))? })
    }),
    modelled(
        named("pwritev2", &[Needed("fd"), Needed("data"), Needed("offset"), Needed("flags")]),
        |c, args, _| {
            let (fd, data) = (c.fd(args), c.data_arg(args, "data"));
            let offset = c.signed_arg(args, "offset");
            let flags = c.flags_arg(args, "a flag of `pwritev2`", flags::RWF, RwFlags::with);
            Some(Call::Pwritev2 { fd: fd?, data: data?, offset: offset?, flags: flags? })
        },
    ),
    modelled(
        named("sync_file_range", &[Needed("fd"), Needed("offset"), Needed("nbytes"), Needed("flags")]),
        |c, args, _| {
            let (fd, offset) = (c.fd(args), c.signed_arg(args, "offset"));
            let nbytes = c.signed_arg(args, "nbytes");
            let table = flags::SYNC_FILE_RANGE;
            let flags = c.flags_arg(args, "a flag of `sync_file_range`", table, SyncRangeFlags::with);
            Some(Call::SyncFileRange { fd: fd?, offset: offset?, nbytes: nbytes?, flags: flags? })
        },
    ),
    modelled(
        named("posix_fadvise", &[Needed("fd"), Needed("offset"), Needed("length"), Needed("advice")]),
        |c, args, _| {
            let (fd, offset) = (c.fd(args), c.signed_arg(args, "offset"));
            let length = c.signed_arg(args, "length");
            let advice = args
                .get("advice")
                .and_then(|node| c.within(".advice", |c| c.word(node, "an advice", flags::ADVICE)));
            Some(Call::PosixFadvise { fd: fd?, offset: offset?, length: length?, advice: advice? })
        },
    ),
    modelled(
        named("fallocate", &[Needed("fd"), Needed("mode"), Needed("offset"), Needed("length")]),
        |c, args, _| {
            let (fd, offset) = (c.fd(args), c.signed_arg(args, "offset"));
            let length = c.signed_arg(args, "length");
            let table = flags::FALLOCATE;
            let mode = c.flags_named(args, "mode", "a mode of `fallocate`", table, FallocFlags::with);
            Some(Call::Fallocate { fd: fd?, mode: mode?, offset: offset?, length: length? })
        },
    ),
    modelled(named("renameat2", &[Needed("old"), Needed("new"), Needed("flags")]), |c, args, _| {
        let (old, new) = (c.path_arg(args, "old"), c.path_arg(args, "new"));
        let flags = c.rename_flags(args);
        Some(Call::Renameat2 { old: old?, new: new?, flags: flags? })
    }),
    modelled(named("linkat", &[Needed("fd"), Needed("path")]), |c, args, _| {
        let (fd, path) = (c.fd(args), c.path_arg(args, "path"));
        Some(Call::Linkat { fd: fd?, path: path? })
    }),
    modelled(xattr::SET, xattr::set),
    modelled(xattr::FSET, xattr::set),
    modelled(xattr::GET, xattr::get),
    modelled(xattr::FGET, xattr::get),
    modelled(xattr::REMOVE, xattr::remove),
    modelled(xattr::FREMOVE, xattr::remove),
    modelled(memory::MMAP, memory::mmap),
    modelled(memory::STORE, memory::store),
    modelled(memory::LOAD, memory::load),
    modelled(memory::MSYNC, memory::msync),
    modelled(memory::MUNMAP, memory::munmap),
    modelled(memory::MREMAP, memory::mremap),
    modelled(memory::MPROTECT, memory::mprotect),
    modelled(memory::MLOCK, memory::mlock),
    modelled(memory::MUNLOCK, memory::munlock),
    modelled(memory::REMAP_FILE_PAGES, memory::remap_file_pages),
];

impl Checker<'_> {
    fn open(&mut self, args: &Bound<'_>) -> Option<Call> {
        let path = self.path_arg(args, "path");
        let flags = args.get("flags").map(|node| self.within(".flags", |c| c.open_flags(node)));
        let mode = self.mode_arg(args, FILE_MODE);
        // Last, so that the name is free again where the arguments use it.
        let fd = self.opened_arg(args, "fd", Descriptor);
        Some(Call::Open { fd: fd?, path: path?, flags: flags?, mode: mode? })
    }

    /// The argument `fd`, an open descriptor.
    pub(super) fn fd(&mut self, args: &Bound<'_>) -> Option<Name> {
        self.used_arg(args, "fd", Descriptor)
    }

    pub(super) fn used_arg(&mut self, args: &Bound<'_>, name: &str, handle: Handle) -> Option<Name> {
        let node = args.get(name)?;
        self.within(&format!(".{name}"), |c| c.used(node, handle))
    }

    pub(super) fn opened_arg(&mut self, args: &Bound<'_>, name: &str, handle: Handle) -> Option<Name> {
        let node = args.get(name)?;
        self.within(&format!(".{name}"), |c| c.opened(node, handle))
    }

    pub(super) fn path_arg(&mut self, args: &Bound<'_>, name: &str) -> Option<String> {
        let node = args.get(name)?;
        self.within(&format!(".{name}"), |c| c.path(node))
    }

    pub(super) fn data_arg(&mut self, args: &Bound<'_>, name: &str) -> Option<Data> {
        let node = args.get(name)?;
        self.within(&format!(".{name}"), |c| c.data(node))
    }

    pub(super) fn signed_arg(&mut self, args: &Bound<'_>, name: &str) -> Option<i64> {
        let node = args.get(name)?;
        self.within(&format!(".{name}"), |c| c.signed(node))
    }

    /// The flags of a list, together.
    pub(super) fn flags_arg<T: Copy + Default>(
        &mut self,
        args: &Bound<'_>,
        kind: &str,
        table: &[Word<T>],
        with: fn(T, T) -> T,
    ) -> Option<T> {
        self.flags_named(args, "flags", kind, table, with)
    }

    /// The flags of a list that has another name.
    fn flags_named<T: Copy + Default>(
        &mut self,
        args: &Bound<'_>,
        name: &str,
        kind: &str,
        table: &[Word<T>],
        with: fn(T, T) -> T,
    ) -> Option<T> {
        let node = args.get(name)?;
        let flags = self.within(&format!(".{name}"), |c| c.flags(node, kind, table));
        Some(flags.iter().fold(T::default(), |all, (_, flag)| with(all, *flag)))
    }

    /// The flags of `renameat2`. A whiteout is a device, which no file system here can hold; with RENAME_EXCHANGE it
    /// is never made.
    fn rename_flags(&mut self, args: &Bound<'_>) -> Option<RenameFlags> {
        let node = args.get("flags")?;
        self.within(".flags", |c| {
            let flags = c.flags(node, "a flag of `renameat2`", flags::RENAME);
            let all = flags.iter().fold(RenameFlags::NONE, |all, (_, flag)| all.with(*flag));
            let whiteout = flags.iter().position(|(_, flag)| *flag == RenameFlags::RENAME_WHITEOUT);
            if let Some(at) = whiteout.filter(|_| !all.has(RenameFlags::RENAME_EXCHANGE)) {
                c.within(&format!("[{at}]"), |c| c.not_modelled(&flags[at].0.span, "RENAME_WHITEOUT"));
            }
            Some(all)
        })
    }

    fn mode_arg(&mut self, args: &Bound<'_>, default: u16) -> Option<u16> {
        match args.get("mode") {
            Some(node) => self.within(".mode", |c| c.mode(node)),
            None => Some(default),
        }
    }

    fn symlink_target(&mut self, node: &Node) -> Option<String> {
        let target = self.text(node, "the text of the link, a string")?;
        if target.contains('\0') {
            let message = format!("the link text {} contains NUL", super::super::quote::text(&target));
            self.refuse("nul-in-path", &node.span, message, "a text without NUL, where it would end");
        }
        Some(target)
    }

    fn sleep(&mut self, node: &Node) -> Option<Call> {
        let seconds = self.integer(node, Unit::Plain, 0..=MAX_SLEEP)?;
        let seconds = u64::try_from(seconds).ok()?;
        self.spent.sleep = self.spent.sleep.saturating_add(seconds);
        if i128::from(self.spent.sleep) > MAX_SLEEP {
            let message = "this scenario sleeps for more than a year in all".to_owned();
            self.refuse("out-of-range", &node.span, message, &format!("at most {MAX_SLEEP} seconds in all"));
        }
        Some(Call::Sleep { seconds })
    }

    /// Takes the names that a step of unknown kind may have opened for open.
    pub(super) fn forgive_names_of(&mut self, node: &Node) {
        let values: Vec<&Node> = match &node.kind {
            Kind::Group(_, Args::Named(values)) => values
                .iter()
                .filter(|(field, _)| matches!(self.text.get(field.clone()), Some("fd" | "map")))
                .map(|(_, value)| value)
                .collect(),
            Kind::Group(_, Args::Positional(values)) => values.iter().take(1).collect(),
            Kind::Text | Kind::Char | Kind::Bytes | Kind::Number | Kind::Word | Kind::List(_) | Kind::Map => {
                Vec::new()
            }
        };
        for value in values.into_iter().filter(|value| value.kind == Kind::Text) {
            let raw = self.text.get(value.span.clone()).unwrap_or("");
            if let Ok(name) = ron::from_str::<String>(raw) {
                self.vague(name);
            }
        }
    }
}
