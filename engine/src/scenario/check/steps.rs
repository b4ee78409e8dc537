//! Steps: what wraps a call, and loops.
//!
//! ```text
//! times(count: 2, var: "i", steps: [create("/${i}", "x"), sync])
//!   ──▶  create("/0", "x"), sync, create("/1", "x"), sync
//! only(on: "..2.6.18", step: sync)   ──▶  sync, under these kernels
//! ```
//!
//! Each round is read from the same nodes with another value of the variable, so each step knows its line.

use super::super::ast::{Call, Step, Wanted};
use super::super::quote;
use super::super::tree::Node;
use super::args::{Bound, Form, Param::Needed, Param::Optional};
use super::calls::{CALLS, CallForm, Support};
use super::scalars::Unit;
use super::{Checker, Loop, MAX_STEPS, MAX_UNROLLED_TEXT};
use crate::history::Errno;
use crate::units::len_u64;

/// Which part of a scenario some steps are.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// Before the first crash point.
    Setup,
    /// The program.
    Steps,
}

const TIMES: Form =
    Form { name: "times", params: &[Needed("count"), Optional("var"), Needed("steps")], unnamed: 0 };
const FAILS: Form =
    Form { name: "fails", params: &[Needed("errno"), Needed("step"), Optional("on")], unnamed: 2 };
const ONLY: Form = Form { name: "only", params: &[Needed("on"), Needed("step")], unnamed: 0 };
const SHORT: Form = Form { name: "short", params: &[Needed("count"), Needed("step")], unnamed: 2 };

impl Checker<'_> {
    /// A list of steps, unrolled.
    pub(super) fn steps(&mut self, node: &Node, part: Part) -> Vec<Step> {
        let mut steps = Vec::new();
        self.steps_into(node, part, &mut steps);
        steps
    }

    /// Reads the steps of a list; false if there were too many.
    fn steps_into(&mut self, node: &Node, part: Part, steps: &mut Vec<Step>) -> bool {
        let nodes = self.list(node, "a list of steps, as in `[sync]`").unwrap_or_default();
        nodes.iter().enumerate().all(|(at, node)| {
            self.within(&format!("[{at}]"), |c| match node.name(c.text) {
                Some("only") => c.only(node, part, steps),
                _ => c.step_into(node, node, part, steps),
            })
        })
    }

    /// Reads a step, or a loop of them, that is shown as `shown`; false if there were too many.
    fn step_into(&mut self, node: &Node, shown: &Node, part: Part, steps: &mut Vec<Step>) -> bool {
        if node.name(self.text) == Some(TIMES.name) {
            return self.times(node, part, steps);
        }
        if !self.spend_step(node) {
            return false;
        }
        if let Some(step) = self.step(node, shown, part, steps.len()) {
            steps.push(step);
        }
        true
    }

    /// Reads a step that some kernels do not see; false if there were too many.
    fn only(&mut self, node: &Node, part: Part, steps: &mut Vec<Step>) -> bool {
        let args = self.bind(&ONLY, node);
        let made = self.is_on(&args);
        match args.get("step").filter(|_| made) {
            Some(step) if step.name(self.text) == Some(ONLY.name) => {
                let message = "`only` stands inside of `only`".to_owned();
                self.refuse("bad-wrapper", &step.head(), message, "one `on` for both");
                self.spend_step(node)
            }
            Some(step) => self.within(".step", |c| c.step_into(step, node, part, steps)),
            // It costs a step all the same, so that loops around it end.
            None => self.spend_step(node),
        }
    }

    /// Counts a step that is about to be read; false if that is too much.
    fn spend_step(&mut self, node: &Node) -> bool {
        self.spent.steps += 1;
        if !self.loops.is_empty() {
            self.spent.text = self.spent.text.saturating_add(len_u64(node.span.len()));
        }
        if self.spent.steps > MAX_STEPS {
            let message = "the scenario has too many steps, its loops unrolled".to_owned();
            self.refuse("too-many-steps", &node.head(), message, "at most 10,000");
            return false;
        }
        if self.spent.text > MAX_UNROLLED_TEXT {
            let message = "the loops of this scenario unroll to too much text".to_owned();
            let expected = format!("at most {} MiB", MAX_UNROLLED_TEXT >> 20);
            self.refuse("too-many-steps", &node.head(), message, &expected);
            return false;
        }
        true
    }

    /// A loop; false if there were too many steps.
    fn times(&mut self, node: &Node, part: Part, steps: &mut Vec<Step>) -> bool {
        let args = self.bind(&TIMES, node);
        let count = args.get("count").and_then(|node| self.within(".count", |c| c.count(node)));
        let var = args.get("var").and_then(|node| self.within(".var", |c| c.variable(node)));
        let (Some(count), Some(body)) = (count, args.get("steps")) else { return true };
        for round in 0..count {
            // A round costs a step even if it has none, so that loops around nothing end too.
            let before = self.spent.steps;
            self.loops.push(Loop { var: var.clone(), round });
            let fits = self.within(".steps", |c| c.steps_into(body, part, steps));
            self.loops.pop();
            if !fits || (self.spent.steps == before && !self.spend_step(node)) {
                return false;
            }
        }
        true
    }

    fn count(&mut self, node: &Node) -> Option<u64> {
        let count = self.integer(node, Unit::Plain, 0..=i128::from(MAX_STEPS))?;
        u64::try_from(count).ok()
    }

    fn variable(&mut self, node: &Node) -> Option<String> {
        let name = self.name(node, "loop variable")?;
        let is_word = name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        if !is_word {
            let message = format!("{} cannot be the name of a loop variable", quote::text(&name));
            self.refuse("bad-variable", &node.span, message, "letters, digits and `_`");
            return None;
        }
        if self.loops.iter().any(|outer| outer.var.as_deref() == Some(&name)) {
            let message = format!("a loop around this one has the variable {} too", quote::text(&name));
            self.refuse("bad-variable", &node.span, message, "another name");
        }
        Some(name)
    }

    fn step(&mut self, node: &Node, shown: &Node, part: Part, before: usize) -> Option<Step> {
        self.wanted = Wanted::Success;
        self.may_fail = false;
        let call = match node.name(self.text) {
            Some("fails") => self.fails(node, part, before),
            Some("short") => self.short(node, part, before),
            _ => self.call(node, part, before),
        };
        let wanted = std::mem::replace(&mut self.wanted, Wanted::Success);
        let line = self.lines.line(shown.span.start);
        Some(Step { call: call?, wanted, line, text: self.one_line(shown) })
    }

    fn fails(&mut self, node: &Node, part: Part, before: usize) -> Option<Call> {
        let args = self.bind(&FAILS, node);
        let errno = args.get("errno").and_then(|node| self.within(".errno", |c| c.errno(node)));
        let now = self.is_on(&args);
        let step = args.get("step")?;
        self.within(".step", |c| {
            let form = c.wrapped(step, "fails")?;
            if form.support == Support::CannotFail {
                let message = format!("{} cannot fail", quote::code(form.form.name));
                c.refuse("cannot-fail", &step.head(), message, "a call that returns an error");
            }
            if let (Some(errno), Some(node)) = (errno, args.get("errno")) {
                c.error_suits(form.form.name, errno, node);
            }
            c.may_fail = true;
            if now {
                // Whatever the error is: the step opens nothing.
                c.wanted = Wanted::Error(errno.unwrap_or(Errno::EINVAL));
            }
            c.call(step, part, before)
        })
        .filter(|_| errno.is_some())
    }

    /// Reports an error number of an access, or a signal of a call.
    fn error_suits(&mut self, call: &str, errno: Errno, node: &Node) {
        let is_signal = matches!(errno, Errno::SIGBUS | Errno::SIGSEGV);
        let (message, expected) = match (is_signal, matches!(call, "store" | "load")) {
            (true, false) => (
                format!("{} does not raise {errno}", quote::code(call)),
                "`store` or `load`, or an error number",
            ),
            (false, true) => {
                (format!("{} returns no error number", quote::code(call)), "a signal: `SIGBUS` or `SIGSEGV`")
            }
            (true, true) | (false, false) => return,
        };
        self.refuse("cannot-fail", &node.span, message, expected);
    }

    fn errno(&mut self, node: &Node) -> Option<Errno> {
        const KIND: &str = "an error number";
        let Some(name) = node.name(self.text) else {
            self.wrong_type(node, "an error number, as `ENOENT`");
            return None;
        };
        let errno = Errno::named(name);
        if errno.is_none()
            && let Some(error) = self.error("unknown-errno", &node.head())
        {
            let message = format!("{} is not {KIND} that the model knows", quote::code(name));
            let help = quote::did_you_mean(name, Errno::ALL.iter().map(|errno| errno.name()));
            self.push(error.say(message).expected(format!("{KIND}, as `ENOENT`")).maybe_help(help));
        }
        errno
    }

    fn short(&mut self, node: &Node, part: Part, before: usize) -> Option<Call> {
        let args = self.bind(&SHORT, node);
        let count = args.get("count").and_then(|node| self.within(".count", |c| c.bytes(node)));
        let step = args.get("step")?;
        let call = self.within(".step", |c| {
            c.wrapped(step, "short")?;
            c.wanted = Wanted::Short(count.unwrap_or(0));
            c.call(step, part, before)
        });
        if !matches!(step.name(self.text), Some("write" | "pwrite" | "pwritev2" | "read" | "pread")) {
            let message = format!("{} transfers no bytes", self.show(&step.head()));
            self.refuse(
                "bad-short",
                &step.head(),
                message,
                "`write`, `pwrite`, `pwritev2`, `read` or `pread`",
            );
        }
        if let (Some(whole), Some(count)) = (call.as_ref().and_then(transferred), count)
            && count >= whole
        {
            let message = format!("{count} of {whole} bytes is not a short count");
            self.refuse("bad-short", &args.span, message, &format!("a count below {whole}"));
        }
        call.filter(|_| count.is_some())
    }

    /// The form of a call inside of `fails` or `short`.
    fn wrapped(&mut self, node: &Node, wrapper: &str) -> Option<&'static CallForm> {
        if let Some(name @ ("times" | "only" | "fails" | "short")) = node.name(self.text) {
            let message = format!("{} stands inside of {}", quote::code(name), quote::code(wrapper));
            self.refuse("bad-wrapper", &node.head(), message, "one call");
            return None;
        }
        self.call_form(node)
    }

    fn call_form(&mut self, node: &Node) -> Option<&'static CallForm> {
        let found = self.form_of(
            node,
            CALLS,
            |entry| entry.form.name,
            "a step",
            &[TIMES.name, ONLY.name, FAILS.name, SHORT.name],
        );
        if found.is_none() {
            self.forgive_names_of(node);
        }
        found
    }

    fn call(&mut self, node: &Node, part: Part, before: usize) -> Option<Call> {
        let found = self.call_form(node)?;
        let args: Bound<'_> = self.bind(&found.form, node);
        if part == Part::Setup && matches!(found.form.name, "mark" | "sleep") {
            let message = format!("{} has no place in `setup`", quote::code(found.form.name));
            self.refuse(
                "not-in-setup",
                &args.head,
                message,
                "calls that make files; time and marks begin with `steps`",
            );
        }
        (found.read)(self, &args, before)
    }
}

/// How many bytes a call transfers, if it does.
fn transferred(call: &Call) -> Option<u64> {
    let data = match call {
        Call::Read { expect: data, .. }
        | Call::Pread { expect: data, .. }
        | Call::Write { data, .. }
        | Call::Pwrite { data, .. }
        | Call::Pwritev2 { data, .. } => data,
        Call::Open { .. }
        | Call::Create { .. }
        | Call::Close { .. }
        | Call::Dup { .. }
        | Call::Lseek { .. }
        | Call::Ftruncate { .. }
        | Call::Truncate { .. }
        | Call::Fsync { .. }
        | Call::Fdatasync { .. }
        | Call::Syncfs { .. }
        | Call::Sync
        | Call::Mkdir { .. }
        | Call::Rmdir { .. }
        | Call::Unlink { .. }
        | Call::Rename { .. }
        | Call::Fallocate { .. }
        | Call::Renameat2 { .. }
        | Call::Linkat { .. }
        | Call::Link { .. }
        | Call::Symlink { .. }
        | Call::Chmod { .. }
        | Call::SyncFileRange { .. }
        | Call::PosixFadvise { .. }
        | Call::Xattr(_)
        | Call::Memory(_)
        | Call::Sleep { .. }
        | Call::Mark { .. } => return None,
    };
    Some(len_u64(data.len()))
}
