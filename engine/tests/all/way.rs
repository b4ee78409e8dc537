//! The functions of the kernel that each call goes through, in order.
//!
//! ```text
//!   sys_fsync ▸ do_fsync ▸ … ▸ (kjournald2) ▸ … ▸ →flush
//!   a function  another thread in parentheses  a request behind an arrow
//! ```
//! Names are those of the kernel that a row names; what a function calls stands behind it, however deep.

use crate::pipeline::traces;
use unplug::device::{Fua, Op};
use unplug::history::WayEvent;
use unplug::scenario::{Kernel, Mount, Scenario, parse};
use unplug::stack::Trace;
use unplug::units::{RequestIdx, Widen};

/// What is changed of the machine.
type Tune = fn(&mut Scenario);

const SETUP: &str = r#"create("/f", repeat("A", 8192)), create("/g", "g")"#;
const OPEN: &str = r#"open(fd: "f", path: "/f", flags: [O_RDWR])"#;
const OPEN_SYNC: &str = r#"open(fd: "f", path: "/f", flags: [O_RDWR, O_SYNC])"#;
const OPEN_DIRECT: &str = r#"open(fd: "f", path: "/f", flags: [O_RDWR, O_DIRECT, O_DSYNC])"#;
const OVERWRITE: &str = r#"pwrite(fd: "f", data: repeat("B", 4096), offset: 0)"#;
const NEW_BLOCK: &str = r#"pwrite(fd: "f", data: "x", offset: 8192)"#;
const MMAP: &str =
    r#"mmap(map: "m", fd: "f", length: 8192, prot: [PROT_READ, PROT_WRITE], flags: [MAP_SHARED])"#;
const STORE: &str = r#"store(map: "m", offset: 0, data: "x")"#;
const MS_SYNC: &str = r#"msync(map: "m", flags: [MS_SYNC])"#;
const MS_ASYNC: &str = r#"msync(map: "m", flags: [MS_ASYNC])"#;

const fn as_it_is(_: &mut Scenario) {}

const fn with_fua(scenario: &mut Scenario) {
    scenario.stack.disk.fua = Fua::Native;
}

/// A row of a table: what is done, on which kernel, on what machine, in which steps, the last of which is looked at.
type Row = (&'static str, Kernel, Tune, String);

/// Compares the ways of some calls with those that were read and accepted.
fn check(group: &str, rows: &[Row]) {
    let lines = rows.iter().map(|(name, kernel, tune, steps)| {
        format!("{name}, {kernel}\n  {}\n", way(&run(*kernel, *tune, steps)))
    });
    insta::with_settings!({
        snapshot_path => "../../../snapshots/ways",
        prepend_module_to_snapshot => false,
        omit_expression => true,
    }, {
        insta::assert_snapshot!(group, lines.collect::<Vec<_>>().join("\n"));
    });
}

/// Runs some steps, with all I/O prompt.
fn run(kernel: Kernel, tune: Tune, steps: &str) -> Trace {
    let text = format!("(title: \"row\", setup: [{SETUP}], steps: [{steps}], expect: [])");
    let mut scenario = parse(&text).unwrap_or_else(|errors| panic!("{errors:?}\n{text}"));
    scenario.stack.kernel = kernel;
    scenario.stack.mount = Mount::of(kernel);
    tune(&mut scenario);
    traces(&scenario, None).swap_remove(0)
}

/// The functions, threads and requests on the way of the last step, in order.
fn way(trace: &Trace) -> String {
    let asked = |idx: &RequestIdx| match &trace.log.requests()[idx.get().index()].op {
        Op::Flush => "→flush".to_owned(),
        Op::Write { fua: true, .. } => "→write with FUA".to_owned(),
        Op::Write { fua: false, .. } => "→write".to_owned(),
    };
    let events = trace.history.steps.last().unwrap().way.events().iter();
    let shown: Vec<String> = events
        .filter_map(|(_, event)| match event {
            WayEvent::Function(name) => Some((*name).to_owned()),
            WayEvent::Thread { name, .. } => Some(format!("({name})")),
            WayEvent::Request(idx) => Some(asked(idx)),
            WayEvent::Decision(_) => None,
        })
        .collect();
    shown.join(" ")
}

#[test]
fn writes() {
    check(
        "writes",
        &[
            ("a write", Kernel::V6_6, as_it_is, format!(r#"{OPEN}, {OVERWRITE}"#)),
            ("a write to a new block", Kernel::V6_6, as_it_is, format!(r#"{OPEN}, {NEW_BLOCK}"#)),
            (
                "a write on a kernel of the ext3 age",
                Kernel::V2_6_18,
                as_it_is,
                format!(r#"{OPEN}, {OVERWRITE}"#),
            ),
            ("a write with O_SYNC", Kernel::V6_6, as_it_is, format!(r#"{OPEN_SYNC}, {OVERWRITE}"#)),
        ],
    );
}

#[test]
fn stores() {
    check(
        "stores",
        &[
            ("the first store to a page", Kernel::V6_6, as_it_is, format!(r#"{OPEN}, {MMAP}, {STORE}"#)),
            ("the next store to it", Kernel::V6_6, as_it_is, format!(r#"{OPEN}, {MMAP}, {STORE}, {STORE}"#)),
            (
                "a store after writeback",
                Kernel::V6_6,
                as_it_is,
                format!(r#"{OPEN}, {MMAP}, {STORE}, fsync("f"), {STORE}"#),
            ),
            ("a store that tells nobody", Kernel::V2_6_18, as_it_is, format!(r#"{OPEN}, {MMAP}, {STORE}"#)),
        ],
    );
}

#[test]
fn msync() {
    check(
        "msync",
        &[
            ("MS_SYNC", Kernel::V6_6, as_it_is, format!(r#"{OPEN}, {MMAP}, {STORE}, {MS_SYNC}"#)),
            ("MS_ASYNC", Kernel::V6_6, as_it_is, format!(r#"{OPEN}, {MMAP}, {STORE}, {MS_ASYNC}"#)),
            (
                "MS_ASYNC that moves dirty bits",
                Kernel::V2_6_11,
                as_it_is,
                format!(r#"{OPEN}, {MMAP}, {STORE}, {MS_ASYNC}"#),
            ),
            (
                "MS_SYNC under the mmap lock",
                Kernel::V2_6_11,
                as_it_is,
                format!(r#"{OPEN}, {MMAP}, {STORE}, {MS_SYNC}"#),
            ),
            (
                "MS_ASYNC that throttles",
                Kernel::V2_6_18,
                as_it_is,
                format!(r#"{OPEN}, {MMAP}, {STORE}, {MS_ASYNC}"#),
            ),
            ("MS_SYNC as fsync", Kernel::V2_6_18, as_it_is, format!(r#"{OPEN}, {MMAP}, {STORE}, {MS_SYNC}"#)),
        ],
    );
}

#[test]
fn sync_calls() {
    check(
        "sync_calls",
        &[
            ("fsync with a commit", Kernel::V6_6, as_it_is, format!(r#"{OPEN}, {OVERWRITE}, fsync("f")"#)),
            (
                "fsync without",
                Kernel::V6_6,
                as_it_is,
                format!(r#"{OPEN}, {OVERWRITE}, fsync("f"), fsync("f")"#),
            ),
            (
                "fsync on the first ext4 of the table",
                Kernel::V3_10,
                as_it_is,
                format!(r#"{OPEN}, {OVERWRITE}, fsync("f")"#),
            ),
            (
                "fdatasync of an overwrite",
                Kernel::V6_6,
                as_it_is,
                format!(r#"{OPEN}, {OVERWRITE}, fdatasync("f")"#),
            ),
            (
                "sync_file_range",
                Kernel::V6_6,
                as_it_is,
                format!(
                    r#"{OPEN}, {OVERWRITE}, sync_file_range(fd: "f", offset: 0, nbytes: 0, flags: [SYNC_FILE_RANGE_WRITE, SYNC_FILE_RANGE_WAIT_AFTER])"#
                ),
            ),
            (
                "fadvise",
                Kernel::V6_6,
                as_it_is,
                format!(
                    r#"{OPEN}, {OVERWRITE}, posix_fadvise(fd: "f", offset: 0, length: 4096, advice: POSIX_FADV_DONTNEED)"#
                ),
            ),
        ],
    );
}

#[test]
fn names_and_direct_io() {
    check(
        "names_and_direct_io",
        &[
            (
                "a rename over a file",
                Kernel::V6_6,
                as_it_is,
                format!(r#"{OPEN}, {NEW_BLOCK}, rename("/f", "/g")"#),
            ),
            (
                "a direct overwrite with O_DSYNC, FUA",
                Kernel::V6_6,
                with_fua,
                format!(r#"{OPEN_DIRECT}, {OVERWRITE}"#),
            ),
            (
                "a direct overwrite with O_DSYNC, no FUA",
                Kernel::V6_6,
                as_it_is,
                format!(r#"{OPEN_DIRECT}, {OVERWRITE}"#),
            ),
        ],
    );
}

#[test]
fn the_background() {
    check(
        "the_background",
        &[
            (
                "the commit timer",
                Kernel::V6_6,
                as_it_is,
                format!(r#"{OPEN}, {OVERWRITE}, sleep(seconds: 8)"#),
            ),
            (
                "the flusher",
                Kernel::V6_6,
                as_it_is,
                format!(r#"{OPEN}, {OVERWRITE}, sleep(seconds: 27), sleep(seconds: 5)"#),
            ),
            (
                "pdflush",
                Kernel::V2_6_18,
                as_it_is,
                format!(r#"{OPEN}, {OVERWRITE}, sleep(seconds: 27), sleep(seconds: 5)"#),
            ),
        ],
    );
}
