//! The document as a whole.
//!
//! ```text
//! (title, about, tags, stack, setup, steps, expect)
//! ```
//!
//! Only `title` and `steps` must be there.

use super::super::ast::Scenario;
use super::super::diagnostic::Findings;
use super::super::tree::Node;
use super::Checker;
use super::args::{
    Form,
    Param::{Needed, Optional},
};
use super::steps::Part;
use crate::kernel::Kernel;

const DOCUMENT: Form = Form {
    name: "Scenario",
    params: &[
        Needed("title"),
        Optional("about"),
        Optional("tags"),
        Optional("stack"),
        Optional("setup"),
        Needed("steps"),
        Optional("expect"),
    ],
    unnamed: 0,
};

impl Checker<'_> {
    pub(super) fn document(&mut self, node: &Node) -> Option<Scenario> {
        self.group_name(node, "Scenario");
        let fields = self.bind(&DOCUMENT, node);
        let title = fields.get("title").and_then(|node| self.within(".title", |c| c.title(node)));
        let about = fields.get("about").map(|node| self.within(".about", |c| c.text(node, "a text")));
        let tags = fields.get("tags").map(|node| self.within(".tags", |c| c.strings(node)));
        let stack = self.within(".stack", |c| c.stack(fields.get("stack")));
        // Nobody has looked at an image yet.
        self.disk_bytes = match stack.image {
            Some(_) => u64::MAX,
            None => stack.mkfs.blocks.saturating_mul(crate::units::block_bytes()),
        };
        let setup = fields.get("setup").map(|node| self.within(".setup", |c| c.steps(node, Part::Setup)));
        self.forget_names();
        let steps = fields.get("steps").map(|node| self.within(".steps", |c| c.steps(node, Part::Steps)));
        let expect = fields.get("expect").map(|node| self.within(".expect", |c| c.expectations(node)));
        Some(Scenario {
            title: title?,
            about: about.unwrap_or_else(|| Some(String::new()))?,
            tags: tags.unwrap_or_default(),
            stack,
            setup: setup.unwrap_or_default(),
            steps: steps?,
            expect: expect.unwrap_or_default(),
        })
    }

    /// The kernels that the document names, without a word about what is wrong with it.
    pub(super) fn kernels_named(&mut self, node: &Node) -> Vec<Kernel> {
        let found = std::mem::replace(&mut self.found, Findings::new());
        let fields = self.bind(&DOCUMENT, node);
        let kernels = fields.get("stack").and_then(|node| self.stack_kernels(node));
        self.on_may_miss = !self.found.is_empty();
        self.found = found;
        kernels.unwrap_or_else(|| vec![Kernel::default()])
    }

    fn title(&mut self, node: &Node) -> Option<String> {
        let title = self.text(node, "a line of text")?;
        if title.contains('\n') {
            let message = "the title has more than one line".to_owned();
            self.refuse("long-title", &node.span, message, "one line; the rest goes into `about`");
        }
        Some(title)
    }

    /// A list of strings.
    pub(super) fn strings(&mut self, node: &Node) -> Vec<String> {
        let nodes = self.list(node, "a list of strings").unwrap_or_default();
        let read = |(at, node): (usize, &Node)| self.within(&format!("[{at}]"), |c| c.text(node, "a string"));
        nodes.iter().enumerate().filter_map(read).collect()
    }

    /// Reports a name before a parenthesis that is neither left out nor the right one.
    pub(super) fn group_name(&mut self, node: &Node, right: &str) {
        if let Some(wrong) = node.name(self.text).filter(|name| *name != right) {
            let message = format!("{} stands here", super::super::quote::code(wrong));
            self.refuse("wrong-name", &node.head(), message, &format!("`(`, or `{right}(`"));
        }
    }
}
