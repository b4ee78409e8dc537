//! Calls on mappings, and accesses through them.
//!
//! ```text
//! mmap(map: "m", …)   munmap("m")        mmap(map: "m", …)
//!   unknown ──▶ mapped ──▶ unmapped ──▶ mapped
//!                └─ ("m", "16K")   an address: so many bytes behind the start of the mapping
//! ```
//!
//! An offset counts from the start of the mapping and reaches the call as given: it may be misaligned, negative or
//! beyond the mapping. A name stands for a range of addresses, which `mremap` moves and only a `munmap` of the whole
//! gives up.
//!
//! Not checked: whether the range is still mapped; a part of it can be unmapped, or replaced by MAP_FIXED.

use super::super::ast::{At, Call, MemoryCall, Name};
use super::super::flags::{MapFlags, MremapFlags, MsyncFlags, Prot};
use super::super::tree::{Args, Kind, Node};
use super::Checker;
use super::args::{
    Bound, Form,
    Param::{Needed, Optional},
};
use super::calls::{named, positional};
use super::flags;
use super::names::Handle::{Descriptor, Mapping};
use super::scalars::Unit;

type Read = Option<Call>;

pub(super) const MMAP: Form = named(
    "mmap",
    &[
        Needed("map"),
        Optional("fd"),
        Needed("length"),
        Needed("prot"),
        Needed("flags"),
        Optional("offset"),
        Optional("at"),
    ],
);
pub(super) const STORE: Form = named("store", &[Needed("map"), Needed("offset"), Needed("data")]);
pub(super) const LOAD: Form = named("load", &[Needed("map"), Needed("offset"), Needed("expect")]);
pub(super) const MSYNC: Form =
    named("msync", &[Needed("map"), Needed("flags"), Optional("offset"), Optional("length")]);
pub(super) const MUNMAP: Form =
    Form { name: "munmap", params: &[Needed("map"), Optional("offset"), Optional("length")], unnamed: 1 };
pub(super) const MREMAP: Form = named(
    "mremap",
    &[
        Needed("map"),
        Needed("new_length"),
        Optional("flags"),
        Optional("offset"),
        Optional("length"),
        Optional("to"),
    ],
);
pub(super) const MPROTECT: Form =
    named("mprotect", &[Needed("map"), Needed("prot"), Optional("offset"), Optional("length")]);
pub(super) const MLOCK: Form = positional("mlock", &[Needed("map")]);
pub(super) const MUNLOCK: Form = positional("munlock", &[Needed("map")]);
pub(super) const REMAP_FILE_PAGES: Form =
    named("remap_file_pages", &[Needed("map"), Needed("pgoff"), Needed("length"), Optional("offset")]);

/// What was given to an optional argument: nothing, or something that may have been wrong.
fn optional<T>(given: Option<&Node>, read: impl FnOnce(&Node) -> Option<T>) -> Option<Option<T>> {
    match given {
        Some(node) => read(node).map(Some),
        None => Some(None),
    }
}

impl Checker<'_> {
    fn map(&mut self, args: &Bound<'_>) -> Option<Name> {
        self.used_arg(args, "map", Mapping)
    }

    /// An offset from the start of the mapping, 0 where it is left out.
    fn start(&mut self, args: &Bound<'_>) -> Option<i64> {
        match args.get("offset") {
            Some(_) => self.signed_arg(args, "offset"),
            None => Some(0),
        }
    }

    fn unsigned_arg(&mut self, args: &Bound<'_>, name: &str) -> Option<u64> {
        let node = args.get(name)?;
        self.within(&format!(".{name}"), |c| c.unsigned(node))
    }

    /// A length that is that of the mapping where it is left out.
    fn length(&mut self, args: &Bound<'_>) -> Option<Option<u64>> {
        optional(args.get("length"), |node| self.within(".length", |c| c.unsigned(node)))
    }

    fn prot(&mut self, args: &Bound<'_>) -> Option<Prot> {
        let node = args.get("prot")?;
        let flags = self.within(".prot", |c| c.flags(node, "a protection", flags::PROT));
        Some(flags.iter().fold(Prot::NONE, |all, (_, flag)| all.with(*flag)))
    }

    fn map_flags(&mut self, args: &Bound<'_>) -> Option<MapFlags> {
        let node = args.get("flags")?;
        let flags = self.within(".flags", |c| {
            let flags = c.flags(node, "a flag of `mmap`", flags::MAP);
            c.exclusive(&flags, &["MAP_SHARED", "MAP_PRIVATE", "MAP_SHARED_VALIDATE"]);
            flags
        });
        // Zero would be an address too, but nobody means it.
        let fixed = |(_, flag): &&(&Node, MapFlags)| {
            flag.has(MapFlags::MAP_FIXED) || flag.has(MapFlags::MAP_FIXED_NOREPLACE)
        };
        if let (Some((node, _)), None) = (flags.iter().find(fixed), args.get("at")) {
            self.address_missing(node, "at");
        }
        Some(flags.iter().fold(MapFlags::NONE, |all, (_, flag)| all.with(*flag)))
    }

    fn mremap_flags(&mut self, args: &Bound<'_>) -> Option<MremapFlags> {
        let Some(node) = args.get("flags") else { return Some(MremapFlags::NONE) };
        let flags = self.within(".flags", |c| c.flags(node, "a flag of `mremap`", flags::MREMAP));
        let fixed = |(_, flag): &&(&Node, MremapFlags)| flag.has(MremapFlags::MREMAP_FIXED);
        if let (Some((node, _)), None) = (flags.iter().find(fixed), args.get("to")) {
            self.address_missing(node, "to");
        }
        Some(flags.iter().fold(MremapFlags::NONE, |all, (_, flag)| all.with(*flag)))
    }

    fn address_missing(&mut self, flag: &Node, argument: &str) {
        let message = format!("{} without an address", self.show(&flag.span));
        self.refuse("missing-field", &flag.span, message, &format!("`{argument}: …` beside it"));
    }

    /// An address, where one is given.
    fn at(&mut self, args: &Bound<'_>, name: &str) -> Option<Option<At>> {
        optional(args.get(name), |node| self.within(&format!(".{name}"), |c| c.address(node)))
    }

    /// An address: `0x7000_0000`, or `("m", "16K")`.
    fn address(&mut self, node: &Node) -> Option<At> {
        const EXPECTED: &str = "an address, as 0x70000000, or bytes behind a mapping, as (\"m\", \"16K\")";
        match &node.kind {
            Kind::Number => self.unsigned(node).map(At::Address),
            Kind::Group(None, Args::Positional(values)) => {
                let [map, offset] = values.as_slice() else {
                    self.wrong_type(node, EXPECTED);
                    return None;
                };
                let map = self.within("[0]", |c| c.mentioned(map, Mapping));
                let offset = self.within("[1]", |c| c.signed(offset));
                Some(At::Beside { map: map?, offset: offset? })
            }
            Kind::Text
            | Kind::Char
            | Kind::Bytes
            | Kind::Word
            | Kind::List(_)
            | Kind::Map
            | Kind::Group(..) => {
                self.wrong_type(node, EXPECTED);
                None
            }
        }
    }
}

pub(super) fn mmap(c: &mut Checker<'_>, args: &Bound<'_>, _: usize) -> Read {
    let fd = optional(args.get("fd"), |node| c.within(".fd", |c| c.used(node, Descriptor)));
    let (length, prot, flags) = (c.unsigned_arg(args, "length"), c.prot(args), c.map_flags(args));
    let offset = optional(args.get("offset"), |node| c.within(".offset", |c| c.unsigned(node)));
    let at = c.at(args, "at");
    // Last, so that the name is free again where the arguments use it.
    let map = c.opened_arg(args, "map", Mapping);
    let (map, fd, length, prot, flags, at) = (map?, fd?, length?, prot?, flags?, at?);
    let offset = offset?.unwrap_or(0);
    Some(Call::Memory(MemoryCall::Mmap { map, fd, length, prot, flags, offset, at }))
}

pub(super) fn store(c: &mut Checker<'_>, args: &Bound<'_>, _: usize) -> Read {
    let (map, offset, data) = (c.map(args), c.signed_arg(args, "offset"), c.data_arg(args, "data"));
    Some(Call::Memory(MemoryCall::Store { map: map?, offset: offset?, data: data? }))
}

pub(super) fn load(c: &mut Checker<'_>, args: &Bound<'_>, _: usize) -> Read {
    let (map, offset, expect) = (c.map(args), c.signed_arg(args, "offset"), c.data_arg(args, "expect"));
    Some(Call::Memory(MemoryCall::Load { map: map?, offset: offset?, expect: expect? }))
}

pub(super) fn msync(c: &mut Checker<'_>, args: &Bound<'_>, _: usize) -> Read {
    let map = c.map(args);
    let flags = args.get("flags").map(|node| {
        let flags = c.within(".flags", |c| c.flags(node, "a flag of `msync`", flags::MSYNC));
        flags.iter().fold(MsyncFlags::NONE, |all, (_, flag)| all.with(*flag))
    });
    let (offset, length) = (c.start(args), c.length(args));
    Some(Call::Memory(MemoryCall::Msync { map: map?, offset: offset?, length: length?, flags: flags? }))
}

pub(super) fn munmap(c: &mut Checker<'_>, args: &Bound<'_>, _: usize) -> Read {
    let (offset, length) = (c.start(args), c.length(args));
    let whole = args.get("offset").is_none() && args.get("length").is_none();
    let map = match args.get("map") {
        Some(node) if whole => c.within(".map", |c| c.closed(node, Mapping)),
        Some(_) | None => c.map(args),
    };
    Some(Call::Memory(MemoryCall::Munmap { map: map?, offset: offset?, length: length? }))
}

pub(super) fn mremap(c: &mut Checker<'_>, args: &Bound<'_>, _: usize) -> Read {
    let (map, new_length) = (c.map(args), c.unsigned_arg(args, "new_length"));
    let (flags, offset, length) = (c.mremap_flags(args), c.start(args), c.length(args));
    let to = c.at(args, "to");
    let (map, offset, length, new_length) = (map?, offset?, length?, new_length?);
    Some(Call::Memory(MemoryCall::Mremap { map, offset, length, new_length, flags: flags?, to: to? }))
}

pub(super) fn mprotect(c: &mut Checker<'_>, args: &Bound<'_>, _: usize) -> Read {
    let (map, prot) = (c.map(args), c.prot(args));
    let (offset, length) = (c.start(args), c.length(args));
    Some(Call::Memory(MemoryCall::Mprotect { map: map?, offset: offset?, length: length?, prot: prot? }))
}

pub(super) fn mlock(c: &mut Checker<'_>, args: &Bound<'_>, _: usize) -> Read {
    Some(Call::Memory(MemoryCall::Mlock { map: c.map(args)? }))
}

pub(super) fn munlock(c: &mut Checker<'_>, args: &Bound<'_>, _: usize) -> Read {
    Some(Call::Memory(MemoryCall::Munlock { map: c.map(args)? }))
}

pub(super) fn remap_file_pages(c: &mut Checker<'_>, args: &Bound<'_>, _: usize) -> Read {
    let (map, offset) = (c.map(args), c.start(args));
    let pgoff = args
        .get("pgoff")
        .and_then(|node| c.within(".pgoff", |c| c.integer(node, Unit::Plain, 0..=i128::from(u64::MAX))));
    let length = c.unsigned_arg(args, "length");
    let pgoff = u64::try_from(pgoff?).ok()?;
    Some(Call::Memory(MemoryCall::RemapFilePages { map: map?, offset: offset?, length: length?, pgoff }))
}
