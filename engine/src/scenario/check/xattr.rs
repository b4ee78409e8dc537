//! Calls on extended attributes.
//!
//! ```text
//! setxattr(path: "/f", name: "user.a", value: "1", flags: [XATTR_CREATE])     by path, or with `fsetxattr` by `fd`
//! ```
//! Not modelled: POSIX ACLs and other attributes of `system.`; names of them are refused.

use super::super::ast::{Call, Target, XattrCall};
use super::super::flags::XattrFlags;
use super::super::quote;
use super::Checker;
use super::args::{Bound, Form, Param::Needed, Param::Optional};
use super::calls::named;
use super::scalars::Word;

pub(super) const SET: Form =
    named("setxattr", &[Needed("path"), Needed("name"), Needed("value"), Optional("flags")]);
pub(super) const FSET: Form =
    named("fsetxattr", &[Needed("fd"), Needed("name"), Needed("value"), Optional("flags")]);
pub(super) const GET: Form = named("getxattr", &[Needed("path"), Needed("name"), Needed("expect")]);
pub(super) const FGET: Form = named("fgetxattr", &[Needed("fd"), Needed("name"), Needed("expect")]);
pub(super) const REMOVE: Form = named("removexattr", &[Needed("path"), Needed("name")]);
pub(super) const FREMOVE: Form = named("fremovexattr", &[Needed("fd"), Needed("name")]);

const FLAGS: &[Word<XattrFlags>] =
    &[("XATTR_CREATE", Some(XattrFlags::XATTR_CREATE)), ("XATTR_REPLACE", Some(XattrFlags::XATTR_REPLACE))];

pub(super) fn set(c: &mut Checker<'_>, args: &Bound<'_>, _: usize) -> Option<Call> {
    let (on, name) = (c.target(args), c.attribute_name(args));
    let value = c.data_arg(args, "value");
    let flags = match args.get("flags") {
        Some(_) => c.flags_arg(args, "a flag of `setxattr`", FLAGS, XattrFlags::with),
        None => Some(XattrFlags::NONE),
    };
    Some(Call::Xattr(XattrCall::Set { on: on?, name: name?, value: value?, flags: flags? }))
}

pub(super) fn get(c: &mut Checker<'_>, args: &Bound<'_>, _: usize) -> Option<Call> {
    let (on, name) = (c.target(args), c.attribute_name(args));
    let expect = c.data_arg(args, "expect");
    Some(Call::Xattr(XattrCall::Get { on: on?, name: name?, expect: expect? }))
}

pub(super) fn remove(c: &mut Checker<'_>, args: &Bound<'_>, _: usize) -> Option<Call> {
    let (on, name) = (c.target(args), c.attribute_name(args));
    Some(Call::Xattr(XattrCall::Remove { on: on?, name: name? }))
}

impl Checker<'_> {
    fn target(&mut self, args: &Bound<'_>) -> Option<Target> {
        match args.get("path") {
            Some(_) => self.path_arg(args, "path").map(Target::Path),
            None => self.fd(args).map(Target::Descriptor),
        }
    }

    pub(super) fn attribute_name(&mut self, args: &Bound<'_>) -> Option<String> {
        let node = args.get("name")?;
        self.within(".name", |c| {
            let name = c.text(node, "the name of an attribute, as `\"user.a\"`")?;
            if name.contains('\0') {
                let message = format!("the name {} contains NUL", quote::text(&name));
                c.refuse("nul-in-path", &node.span, message, "a name without NUL, where it would end");
            }
            if name.starts_with("system.") {
                c.not_modelled(&node.span, &format!("the attribute {name}"));
            }
            Some(name)
        })
    }
}
