//! The way of each call through the kernel, and the log of the device.
//!
//! ```text
//!   6  sync
//!        ext4_sync_fs
//!          · why something was decided
//!          → w0  write  lba 4096  8 sectors  data of inode 12, block 0
//! ```

use super::count;
use anstyle::{AnsiColor, Style};
use std::fmt::Write;
use unplug::device::{DeviceLog, Event, Op, Origin, Request};
use unplug::history::{Returned, StepRecord, WayEvent};
use unplug::kernel::Writer;
use unplug::scenario::{Scenario, Step};
use unplug::stack::Trace;
use unplug::units::{RequestIdx, Widen};

const BOLD: Style = Style::new().bold();
const FAINT: Style = Style::new().dimmed();
const DEVICE: Style = AnsiColor::Cyan.on_default();

/// One run of a scenario, step by step.
pub(crate) fn render(scenario: &Scenario, trace: &Trace) -> String {
    let mut text = String::new();
    let mut line = |line: String| writeln!(text, "{line}").unwrap_or(());
    line(format!("{BOLD}{}{BOLD:#}", scenario.title));
    let kernel = scenario.stack.kernel;
    line(format!("{FAINT}Linux {kernel}, schedule {}, no crash{FAINT:#}", trace.schedule));
    line(String::new());
    let disk = Disk { log: &trace.log, writer: kernel.rules().writer };
    for (number, (step, record)) in (1..).zip(scenario.steps.iter().zip(&trace.history.steps)) {
        steps_lines(number, step, record, &disk).into_iter().for_each(&mut line);
    }
    line(String::new());
    line(format!("{BOLD}What happened at the disk{BOLD:#}"));
    line(
        "A moment is the instant before what stands on its line; late@17:w3 cuts the power at moment 17."
            .to_owned(),
    );
    line(String::new());
    line(format!("  {FAINT}moment{FAINT:#}"));
    device_lines(&disk).into_iter().for_each(&mut line);
    text
}

/// What the disk was asked, and who writes in the background.
struct Disk<'a> {
    log: &'a DeviceLog,
    writer: Writer,
}

fn steps_lines(number: u64, step: &Step, record: &StepRecord, disk: &Disk<'_>) -> Vec<String> {
    let mut lines =
        vec![format!("{number:>4}  {BOLD}{}{BOLD:#}  {FAINT}{}{FAINT:#}", step.text, returned(record))];
    for (depth, event) in record.way.events() {
        let indent = " ".repeat(8 + 2 * depth.index());
        lines.push(match event {
            WayEvent::Function(name) => format!("{indent}{name}"),
            WayEvent::Decision(what) => format!("{indent}{FAINT}· {what}{FAINT:#}"),
            WayEvent::Request(idx) => match disk.log.requests().get(idx.get().index()) {
                Some(asked) => format!("{indent}{DEVICE}→ w{idx}  {}{DEVICE:#}", request(asked, disk.writer)),
                None => format!("{indent}{DEVICE}→ w{idx}{DEVICE:#}"),
            },
        });
    }
    lines
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

fn device_lines(disk: &Disk<'_>) -> Vec<String> {
    let log = disk.log;
    let width = log.requests().len().to_string().len();
    let shown = |idx: &RequestIdx| format!("w{idx:<width$}");
    let mut lines: Vec<String> = Vec::with_capacity(log.events().len() + 1);
    for (moment, event) in log.events().iter().enumerate() {
        lines.push(match event {
            Event::Submitted(idx) => match log.requests().get(idx.get().index()) {
                Some(asked) => {
                    format!(
                        "  {moment:>6}  {DEVICE}{} submitted{DEVICE:#}  {}",
                        shown(idx),
                        request(asked, disk.writer)
                    )
                }
                None => format!("  {moment:>6}  {DEVICE}{} submitted{DEVICE:#}", shown(idx)),
            },
            Event::Completed(idx) => format!("  {moment:>6}  {FAINT}{} completed{FAINT:#}", shown(idx)),
        });
    }
    lines.push(format!("  {:>6}  {FAINT}end{FAINT:#}", log.events().len()));
    lines
}
