//! Calls that the language has and the model has not.
//!
//! ```text
//! linkat(fd: "f", path: "/l") ──▶ arguments checked, names followed ──▶ refused: not modelled yet
//! ```
//!
//! Each reads its arguments for the errors in them and returns no call.

use super::super::ast::Call;
use super::Checker;
use super::args::Bound;
use super::flags::{self, Names};

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
