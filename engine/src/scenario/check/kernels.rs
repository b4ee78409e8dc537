//! Which kernels: of the scenario, of a step, of an expectation.
//!
//! ```text
//! stack: (kernel: ["2.6.16..2.6.18", "6.6"])  ──▶ 2.6.16, 2.6.17, 2.6.18, 6.6: the document is checked under each
//! fails(…, on: "..2.6.16")                    ──▶ is this one of those?
//! ```
//!
//! What is said of kernels among which the scenario has none could not fail, and is refused; unless the scenario is to
//! run under other kernels than those that it names.

use super::super::quote;
use super::super::tree::{Kind, Node};
use super::Checker;
use super::args::Bound;
use crate::kernel::{Kernel, KernelError};
use std::ops::Range;

const EXPECTED: &str = "a release, as \"6.6\", a range, as \"2.6.16..3.16\", or a list of them";

impl Checker<'_> {
    /// The kernels of a release, of a range, or of a list of them, in the order of the file.
    pub(super) fn kernels(&mut self, node: &Node) -> Option<Vec<Kernel>> {
        let Kind::List(nodes) = &node.kind else { return self.kernel_range(node) };
        if nodes.is_empty() {
            self.refuse("no-kernel", &node.span, "no kernel stands here".to_owned(), EXPECTED);
            return None;
        }
        let mut kernels: Vec<Kernel> = Vec::new();
        let mut all_right = true;
        for (at, node) in nodes.iter().enumerate() {
            let Some(range) = self.within(&format!("[{at}]"), |c| c.kernel_range(node)) else {
                all_right = false;
                continue;
            };
            if let Some(twice) = range.iter().find(|kernel| kernels.contains(kernel)) {
                let message = format!("the kernel \"{twice}\" is given twice");
                self.refuse("duplicate-kernel", &node.span, message, "each kernel once");
            }
            kernels.extend(range.into_iter().filter(|kernel| !kernels.contains(kernel)).collect::<Vec<_>>());
        }
        all_right.then_some(kernels)
    }

    pub(super) fn kernel_range(&mut self, node: &Node) -> Option<Vec<Kernel>> {
        let text = self.text(node, EXPECTED)?;
        match Kernel::range(&text) {
            Ok(kernels) => return Some(kernels),
            Err(KernelError::Unknown { version }) => self.unknown_kernel(&node.span, &version),
            Err(KernelError::Backwards { from, to }) => {
                let message = format!("no kernel lies in this range: {from} is newer than {to}");
                self.refuse("bad-kernel", &node.span, message, &format!("\"{to}..{from}\""));
            }
        }
        None
    }

    fn unknown_kernel(&mut self, span: &Range<usize>, version: &str) {
        if let Some(error) = self.error("bad-kernel", span) {
            let message = format!("no kernel {} is modelled", quote::text(version));
            let error = error.say(message).expected(format!("one of {}", listed(Kernel::ALL)));
            self.push(error.maybe_help(near(version)));
        }
    }

    /// Whether what is said is said of this kernel: where no `on` stands beside it, or one that names it.
    pub(super) fn is_on(&mut self, args: &Bound<'_>) -> bool {
        let Some(node) = args.get("on") else { return true };
        // What is wrong with an `on` is wrong whatever was left out.
        let left_out = std::mem::take(&mut self.left_out);
        let is_on = self.within(".on", |c| {
            let Some(on) = c.kernels(node) else { return true };
            if !c.on_may_miss && !c.kernels.iter().any(|kernel| on.contains(kernel)) {
                let message = format!("{} has none of the scenario's kernels", c.show(&node.span));
                let expected = match c.kernels.as_slice() {
                    [one] => format!("\"{one}\" among them"),
                    several => format!("at least one of {}", listed(several)),
                };
                c.refuse("no-kernel", &node.span, message, &expected);
            }
            on.contains(&c.kernel)
        });
        self.left_out = left_out || !is_on;
        is_on
    }
}

/// `"6.1", "6.6"`
fn listed(kernels: &[Kernel]) -> String {
    kernels.iter().map(|kernel| quote::text(kernel.version())).collect::<Vec<_>>().join(", ")
}

/// What may have been meant by a release without a profile: the last one before it, or one that is spelled alike.
fn near(version: &str) -> Option<String> {
    let Some(release) = numbers(version) else {
        let known = Kernel::ALL.iter().map(|kernel| kernel.version());
        return quote::nearest(version, known).map(|name| format!("did you mean {}?", quote::text(name)));
    };
    let is_before = |kernel: &&Kernel| numbers(kernel.version()).is_some_and(|known| known <= release);
    let before = Kernel::ALL.iter().rfind(is_before);
    before.map(|kernel| format!("the last one before it is \"{kernel}\""))
}

/// `2.6.18` as numbers that compare as releases do.
fn numbers(version: &str) -> Option<Vec<u32>> {
    let parts = version.split('.').map(|part| part.parse().ok());
    if version.len() <= 16 { parts.collect() } else { None }
}
