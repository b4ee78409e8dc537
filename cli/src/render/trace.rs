//! The way of each call through the kernel, and the log of the device.
//!
//! ```text
//!   7  fsync("fd")  = 0  +0.028 s
//!        sys_fsync ▸ do_fsync ▸ …                     functions, each called by the one before it
//!          · why something was decided
//!          » kjournald2                               another thread, which the call waits for
//!            jbd2_journal_commit_transaction
//!              → w0  write lba 4096 …                 asked of the disk by the function above
//!      » meanwhile, at +5.004 s: kjournald2           a thread that nobody waits for
//! ```

mod tree;

use super::count;
use super::human::layout::{WIDTH, columns, wrap};
use anstyle::{AnsiColor, Style};
use std::ops::Range;
use tree::{Node, What, tree};
use unplug::device::{DeviceLog, Event, Op, Origin, Request};
use unplug::history::{Returned, StepRecord};
use unplug::kernel::Writer;
use unplug::scenario::{Scenario, Step};
use unplug::stack::Trace;
use unplug::units::{Moment, RequestIdx, Time, Widen};

const BOLD: Style = Style::new().bold();
const FAINT: Style = Style::new().dimmed();
const DEVICE: Style = AnsiColor::Cyan.on_default();
const THREAD: Style = AnsiColor::Yellow.on_default();

/// How far in the first function of a step stands.
const MARGIN: usize = 6;

/// Which part of a run is shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Part {
    /// All of it.
    All,
    /// One step, counted from 0.
    Step(usize),
}

/// One run of a scenario, step by step.
pub(crate) fn render(scenario: &Scenario, trace: &Trace, part: Part) -> String {
    let kernel = scenario.stack.kernel;
    let steps = &trace.history.steps;
    let mut page = Page {
        lines: Vec::new(),
        log: &trace.log,
        writer: kernel.rules().writer,
        began: steps.first().map_or(Time::from_secs(0), |first| first.called),
    };
    page.line(format!("{BOLD}{}{BOLD:#}", scenario.title));
    page.line(format!("{FAINT}Linux {kernel}, schedule {}, no crash{FAINT:#}", trace.schedule));
    page.line(format!(
        "{FAINT}▸ calls the next function  · why it goes on as it does  {FAINT:#}{DEVICE}→ asked of the \
         disk{DEVICE:#}  {THREAD}» another thread{THREAD:#}"
    ));
    page.line(String::new());
    let moment = |record: Option<&StepRecord>| record.map_or(0, |record| index(record.at));
    let shown = match part {
        Part::All => 0..steps.len(),
        Part::Step(step) => step..step.saturating_add(1).min(steps.len()),
    };
    let before = shown.start.checked_sub(1).and_then(|before| steps.get(before));
    let events = match part {
        Part::All => 0..trace.log.events().len(),
        Part::Step(step) => moment(before)..moment(steps.get(step)),
    };
    for (number, (step, record)) in
        (1_usize..).zip(scenario.steps.iter().zip(steps)).skip(shown.start).take(shown.len())
    {
        page.step(number, step, record);
    }
    page.line(String::new());
    page.line(format!("{BOLD}What happened at the disk{BOLD:#}"));
    page.line(
        "A moment is the instant before what stands on its line; late@17:w3 cuts the power at moment 17."
            .to_owned(),
    );
    page.line(String::new());
    page.line(format!("  {FAINT}moment{FAINT:#}"));
    page.device(events);
    page.lines.join("\n") + "\n"
}

/// The lines so far, and what is needed to make more.
struct Page<'a> {
    lines: Vec<String>,
    log: &'a DeviceLog,
    /// Who writes in the background.
    writer: Writer,
    /// When the first step was called.
    began: Time,
}

impl Page<'_> {
    fn line(&mut self, line: String) {
        self.lines.push(line);
    }

    fn step(&mut self, number: usize, step: &Step, record: &StepRecord) {
        let returned = returned(record);
        let at = self.since(record.called);
        self.line(format!("{number:>4}  {BOLD}{}{BOLD:#}  {FAINT}{returned}  {at}{FAINT:#}", step.text));
        for node in tree(record.way.events()) {
            self.node(&node, MARGIN);
        }
    }

    /// One node with what lies below it.
    fn node(&mut self, node: &Node<'_>, margin: usize) {
        match &node.what {
            What::Function(_) => self.functions(node, margin),
            What::Thread(name, at) if margin == MARGIN => {
                let text = format!("» meanwhile, at {}: {name}", self.since(*at));
                self.wrapped(margin, &text, THREAD);
                self.below(node, margin + 2);
            }
            What::Thread(name, _) => {
                self.wrapped(margin, &format!("» {name}"), THREAD);
                self.below(node, margin + 2);
            }
            What::Decision(why) => self.wrapped(margin, &format!("· {why}"), FAINT),
            What::Request(idx) => {
                let text = match self.log.requests().get(idx.get().index()) {
                    Some(asked) => format!("→ w{idx}  {}", request(asked, self.writer)),
                    None => format!("→ w{idx}"),
                };
                self.line(format!("{}{DEVICE}{text}{DEVICE:#}", " ".repeat(margin)));
            }
        }
    }

    /// A function, and those that do nothing but call the next one, on one line.
    fn functions(&mut self, node: &Node<'_>, margin: usize) {
        let mut last = node;
        let mut line = String::new();
        loop {
            let What::Function(name) = last.what else { break };
            if !line.is_empty() && margin + columns(&line) + columns(name) + 3 > WIDTH {
                self.line(format!("{}{line}", " ".repeat(margin)));
                line = format!("    ▸ {name}");
            } else if line.is_empty() {
                name.clone_into(&mut line);
            } else {
                line = format!("{line} ▸ {name}");
            }
            match last.below.as_slice() {
                [only] if matches!(only.what, What::Function(_)) => last = only,
                _ => break,
            }
        }
        if let [Node { what: What::Decision(why), .. }] = last.below.as_slice()
            && margin + columns(&line) + columns(why) + 3 <= WIDTH
        {
            self.line(format!("{}{line} {FAINT}· {why}{FAINT:#}", " ".repeat(margin)));
            return;
        }
        self.line(format!("{}{line}", " ".repeat(margin)));
        self.below(last, margin + 2);
    }

    fn below(&mut self, node: &Node<'_>, margin: usize) {
        for below in &node.below {
            self.node(below, margin);
        }
    }

    /// Text behind a margin; later lines stand under the first word, not under the sign before it.
    fn wrapped(&mut self, margin: usize, text: &str, style: Style) {
        for (number, line) in wrap(text, WIDTH.saturating_sub(margin + 2)).iter().enumerate() {
            let hang = if number == 0 { 0 } else { 2 };
            self.line(format!("{}{style}{line}{style:#}", " ".repeat(margin + hang)));
        }
    }

    /// How long after the first call.
    fn since(&self, at: Time) -> String {
        let nanos = at.nanos_since(self.began);
        format!("+{}.{:03} s", nanos / 1_000_000_000, nanos / 1_000_000 % 1000)
    }

    fn device(&mut self, events: Range<usize>) {
        let log = self.log;
        let width = log.requests().len().to_string().len();
        let shown = |idx: &RequestIdx| format!("w{idx:<width$}");
        let end = events.end;
        for (moment, event) in log.events().iter().enumerate().take(end).skip(events.start) {
            self.line(match event {
                Event::Submitted(idx) => match log.requests().get(idx.get().index()) {
                    Some(asked) => {
                        format!(
                            "  {moment:>6}  {DEVICE}{} submitted{DEVICE:#}  {}",
                            shown(idx),
                            request(asked, self.writer)
                        )
                    }
                    None => format!("  {moment:>6}  {DEVICE}{} submitted{DEVICE:#}", shown(idx)),
                },
                Event::Completed(idx) => format!("  {moment:>6}  {FAINT}{} completed{FAINT:#}", shown(idx)),
            });
        }
        self.line(format!("  {end:>6}  {FAINT}end{FAINT:#}"));
    }
}

fn index(moment: Moment) -> usize {
    moment.get().index()
}

fn returned(record: &StepRecord) -> String {
    match &record.returned {
        Returned::Value(0) => "= 0".to_owned(),
        Returned::Value(value) => format!("= {value}"),
        Returned::Error(errno) => format!("= -1 {errno} ({})", errno.text()),
    }
}

/// Everything that is asked, in one line.
fn request(request: &Request, writer: Writer) -> String {
    let origin = match (request.cause.origin, writer) {
        (Origin::Call, _) => "",
        (Origin::Flusher, Writer::Flusher) => ", by the flusher thread",
        (Origin::Flusher, Writer::Pdflush) => ", by pdflush",
        (Origin::CommitTimer, _) => ", by the journal's timer",
    };
    let why = &request.cause.why;
    match &request.op {
        Op::Flush => format!("flush: {why}{origin}"),
        Op::Write { lba, data, fua } => {
            let flag = if *fua { " FUA" } else { "" };
            let sectors = u64::try_from(data.len() / 512).unwrap_or(u64::MAX);
            format!("write lba {lba}, {}{flag}: {why}{origin}", count(sectors, "sector", "sectors"))
        }
    }
}
