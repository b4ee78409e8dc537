//! Calls that the language has and the model has not, mappings above all.
//!
//! ```text
//! msync(map: "m", flags: [MS_SYNC]) ──▶ arguments checked, names followed ──▶ refused: not modelled yet
//! ```
//!
//! Each reads its arguments for the errors in them and returns no call.

use super::super::ast::Call;
use super::Checker;
use super::args::Bound;
use super::flags::{self, Names};
use super::names::Handle::{Descriptor, Mapping};

type Read = Option<Call>;

impl Checker<'_> {
    /// Numbers among the arguments.
    fn numbers(&mut self, args: &Bound<'_>, names: &[&str]) {
        for name in names {
            self.signed_arg(args, name);
        }
    }

    /// Flags among the arguments.
    fn flag_names(&mut self, args: &Bound<'_>, name: &str, kind: &str, table: &Names) {
        if let Some(node) = args.get(name) {
            self.within(&format!(".{name}"), |c| c.flags(node, kind, table));
        }
    }

    fn mapping(&mut self, args: &Bound<'_>) {
        self.used_arg(args, "map", Mapping);
    }
}

pub(super) fn fallocate(c: &mut Checker<'_>, args: &Bound<'_>, _: usize) -> Read {
    c.fd(args);
    c.flag_names(args, "mode", "a mode of `fallocate`", flags::FALLOCATE);
    c.numbers(args, &["offset", "length"]);
    None
}

pub(super) fn renameat2(c: &mut Checker<'_>, args: &Bound<'_>, _: usize) -> Read {
    c.path_arg(args, "old");
    c.path_arg(args, "new");
    c.flag_names(args, "flags", "a flag of `renameat2`", flags::RENAME);
    None
}

pub(super) fn linkat(c: &mut Checker<'_>, args: &Bound<'_>, _: usize) -> Read {
    c.fd(args);
    c.path_arg(args, "path");
    None
}

pub(super) fn mmap(c: &mut Checker<'_>, args: &Bound<'_>, _: usize) -> Read {
    c.used_arg(args, "fd", Descriptor);
    c.numbers(args, &["length", "offset", "at"]);
    c.flag_names(args, "prot", "a protection", flags::PROT);
    if let Some(node) = args.get("flags") {
        c.within(".flags", |c| {
            let flags = c.flags(node, "a flag of `mmap`", flags::MAP);
            c.exclusive(&flags, &["MAP_SHARED", "MAP_PRIVATE", "MAP_SHARED_VALIDATE"]);
        });
    }
    c.opened_arg(args, "map", Mapping);
    None
}

pub(super) fn store(c: &mut Checker<'_>, args: &Bound<'_>, _: usize) -> Read {
    c.mapping(args);
    c.numbers(args, &["offset"]);
    c.data_arg(args, "data");
    None
}

pub(super) fn load(c: &mut Checker<'_>, args: &Bound<'_>, _: usize) -> Read {
    c.mapping(args);
    c.numbers(args, &["offset"]);
    c.data_arg(args, "expect");
    None
}

pub(super) fn msync(c: &mut Checker<'_>, args: &Bound<'_>, _: usize) -> Read {
    c.mapping(args);
    c.flag_names(args, "flags", "a flag of `msync`", flags::MSYNC);
    c.numbers(args, &["offset", "length"]);
    None
}

pub(super) fn munmap(c: &mut Checker<'_>, args: &Bound<'_>, _: usize) -> Read {
    c.numbers(args, &["offset", "length"]);
    let whole = args.get("offset").is_none() && args.get("length").is_none();
    match args.get("map") {
        Some(node) if whole => {
            c.within(".map", |c| c.closed(node, Mapping));
        }
        Some(_) | None => c.mapping(args),
    }
    None
}

pub(super) fn mremap(c: &mut Checker<'_>, args: &Bound<'_>, _: usize) -> Read {
    c.mapping(args);
    c.numbers(args, &["new_length"]);
    c.flag_names(args, "flags", "a flag of `mremap`", flags::MREMAP);
    None
}

pub(super) fn mprotect(c: &mut Checker<'_>, args: &Bound<'_>, _: usize) -> Read {
    c.mapping(args);
    c.flag_names(args, "prot", "a protection", flags::PROT);
    None
}

pub(super) fn map_only(c: &mut Checker<'_>, args: &Bound<'_>, _: usize) -> Read {
    c.mapping(args);
    None
}

pub(super) fn remap_file_pages(c: &mut Checker<'_>, args: &Bound<'_>, _: usize) -> Read {
    c.mapping(args);
    c.numbers(args, &["pgoff", "length"]);
    None
}
