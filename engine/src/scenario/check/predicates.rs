//! Predicates: what can be asked of a recovered file system.
//!
//! ```text
//! any([content("/conf", "old"), missing("/conf")])
//! ```

use super::super::ast::Predicate;
use super::super::quote;
use super::super::tree::Node;
use super::Checker;
use super::args::{Bound, Form, Param, Param::Needed};

struct PredicateForm {
    form: Form,
    read: fn(&mut Checker<'_>, &Bound<'_>) -> Option<Predicate>,
}

const fn predicate(
    name: &'static str,
    params: &'static [Param],
    read: fn(&mut Checker<'_>, &Bound<'_>) -> Option<Predicate>,
) -> PredicateForm {
    PredicateForm { form: Form { name, params, unnamed: params.len() }, read }
}

const PATH: &[Param] = &[Needed("path")];
const PATH_DATA: &[Param] = &[Needed("path"), Needed("data")];
const PREDICATES_OF: &[Param] = &[Needed("of")];

const PREDICATES: &[PredicateForm] = &[
    predicate("exists", PATH, |c, args| Some(Predicate::Exists(c.path_arg(args, "path")?))),
    predicate("missing", PATH, |c, args| Some(Predicate::Missing(c.path_arg(args, "path")?))),
    predicate("content", PATH_DATA, |c, args| {
        let (path, data) = (c.path_arg(args, "path"), c.data_arg(args, "data"));
        Some(Predicate::Content(path?, data?))
    }),
    predicate("prefix_of", PATH_DATA, |c, args| {
        let (path, data) = (c.path_arg(args, "path"), c.data_arg(args, "data"));
        Some(Predicate::PrefixOf(path?, data?))
    }),
    predicate("starts_with", PATH_DATA, |c, args| {
        let (path, data) = (c.path_arg(args, "path"), c.data_arg(args, "data"));
        Some(Predicate::StartsWith(path?, data?))
    }),
    predicate("range", &[Needed("path"), Needed("offset"), Needed("data")], |c, args| {
        let (path, offset) = (c.path_arg(args, "path"), c.bytes_arg(args, "offset"));
        let data = c.data_arg(args, "data");
        Some(Predicate::Range { path: path?, offset: offset?, data: data? })
    }),
    predicate("size", &[Needed("path"), Needed("bytes")], |c, args| {
        let (path, bytes) = (c.path_arg(args, "path"), c.bytes_arg(args, "bytes"));
        Some(Predicate::Size(path?, bytes?))
    }),
    predicate("same_file", &[Needed("one"), Needed("other")], |c, args| {
        let (one, other) = (c.path_arg(args, "one"), c.path_arg(args, "other"));
        Some(Predicate::SameFile(one?, other?))
    }),
    predicate("entries", &[Needed("path"), Needed("names")], |c, args| {
        let path = c.path_arg(args, "path");
        let names = args.get("names").map(|node| c.within(".names", |c| c.entry_names(node)));
        Some(Predicate::Entries(path?, names?))
    }),
    predicate("target", &[Needed("path"), Needed("text")], |c, args| {
        let path = c.path_arg(args, "path");
        let text = args.get("text").and_then(|node| c.within(".text", |c| c.text(node, "a string")));
        Some(Predicate::Target(path?, text?))
    }),
    predicate("xattr", &[Needed("path"), Needed("name"), Needed("value")], |c, args| {
        let (path, name) = (c.path_arg(args, "path"), c.attribute_name(args));
        let value = c.data_arg(args, "value");
        Some(Predicate::Xattr(path?, name?, value?))
    }),
    predicate("no_xattr", &[Needed("path"), Needed("name")], |c, args| {
        let (path, name) = (c.path_arg(args, "path"), c.attribute_name(args));
        Some(Predicate::NoXattr(path?, name?))
    }),
    predicate("mounts", &[], |_, _| Some(Predicate::Mounts)),
    predicate("repairable", &[], |_, _| Some(Predicate::Repairable)),
    predicate("clean", &[], |_, _| Some(Predicate::Clean)),
    predicate("all", PREDICATES_OF, |c, args| Some(Predicate::All(c.predicates(args)?))),
    predicate("any", PREDICATES_OF, |c, args| Some(Predicate::Any(c.predicates(args)?))),
    predicate("not", &[Needed("holds")], |c, args| {
        Some(Predicate::Not(Box::new(c.predicate_arg(args, "holds")?)))
    }),
    predicate("implies", &[Needed("when"), Needed("then")], |c, args| {
        let (when, then) = (c.predicate_arg(args, "when"), c.predicate_arg(args, "then"));
        Some(Predicate::Implies(Box::new(when?), Box::new(then?)))
    }),
];

impl Checker<'_> {
    pub(super) fn predicate(&mut self, node: &Node) -> Option<Predicate> {
        let found = self.form_of(node, PREDICATES, |entry| entry.form.name, "a predicate", &[])?;
        let args = self.bind(&found.form, node);
        (found.read)(self, &args)
    }

    fn predicate_arg(&mut self, args: &Bound<'_>, name: &str) -> Option<Predicate> {
        let node = args.get(name)?;
        self.within(&format!(".{name}"), |c| c.predicate(node))
    }

    fn predicates(&mut self, args: &Bound<'_>) -> Option<Vec<Predicate>> {
        let nodes = self.list(args.get("of")?, "a list of predicates")?;
        let read = |(at, node): (usize, &Node)| self.within(&format!(".of[{at}]"), |c| c.predicate(node));
        // Each is read, so that each error is found, before one that failed ends it.
        let read: Vec<Option<Predicate>> = nodes.iter().enumerate().map(read).collect();
        read.into_iter().collect()
    }

    fn bytes_arg(&mut self, args: &Bound<'_>, name: &str) -> Option<u64> {
        let node = args.get(name)?;
        self.within(&format!(".{name}"), |c| c.bytes(node))
    }

    /// The names in a directory.
    fn entry_names(&mut self, node: &Node) -> Vec<String> {
        let names = self.strings(node);
        for name in &names {
            if name.is_empty() || name.contains(['/', '\0']) || name == "." || name == ".." {
                let message = format!("{} is not a name in a directory", quote::text(name));
                self.refuse("bad-entry", &node.span, message, "names without `/`, and neither `.` nor `..`");
            }
        }
        names
    }
}
