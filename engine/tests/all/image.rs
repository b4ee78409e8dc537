//! Real images: what mke2fs makes, the model writes to, and e2fsck accepts every crash state of it.

use crate::case::Case;
use crate::e2fsck::{self, Verdict};
use crate::pipeline::{crashed, folder, has_tool};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use unplug::device::DiskImage;
use unplug::kernel::Kernel;
use unplug::oracle::{Entry, Observation};
use unplug::recovery::Profile;
use unplug::scenario::{DataMode, Scenario, parse};
use unplug::schedule::Schedule;
use unplug::stack::{open_image, run};

/// How an image is made: options of mke2fs, its size, and what debugfs puts into it.
struct Made {
    options: &'static [&'static str],
    size: &'static str,
    debugfs: String,
}

fn tool(program: &str, args: &[&str], stdin: &str) {
    // Made before it is used, so that e2fsck sees no time that has not come yet.
    let mut child = Command::new(program)
        .args(args)
        .env("E2FSPROGS_FAKE_TIME", "1700000000")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), stdin.as_bytes()).unwrap();
    assert!(child.wait().unwrap().success(), "{program} {args:?}");
}

/// Makes an image.
fn make(made: &Made) -> DiskImage {
    let folder = folder();
    let path = folder.path().join("disk");
    let name = path.to_str().unwrap();
    let uuid = "4c55faaa-81a0-4f06-93ac-a07ec32c3fb1";
    let hash_seed = "hash_seed=4c55faaa-81a0-4f06-93ac-a07ec32c3fb1";
    let mut args = vec!["-q", "-F", "-t", "ext4", "-b", "4096", "-U", uuid, "-E", hash_seed];
    args.extend(made.options);
    args.extend([name, made.size]);
    tool("mke2fs", &args, "");
    if !made.debugfs.is_empty() {
        fs::write(folder.path().join("old"), "old contents").unwrap();
        let commands = made.debugfs.replace("OLD", folder.path().join("old").to_str().unwrap());
        tool("debugfs", &["-w", "-f", "-", name], &commands);
    }
    read(&path)
}

fn read(path: &Path) -> DiskImage {
    DiskImage::from_bytes(&fs::read(path).unwrap())
}

/// A scenario that begins with this image.
fn begun(image: &DiskImage, setup: &str, steps: &str) -> Scenario {
    let text = format!(
        "(title: \"t\", stack: (kernel: \"6.12\", image: \"disk\", disk: (atomic_write: 4096)), setup: [{setup}], steps: [{steps}])"
    );
    let mut scenario = parse(&text).unwrap_or_else(|errors| panic!("{errors:#?}"));
    scenario.stack.image.as_mut().unwrap().disk = Some(Arc::new(image.clone()));
    scenario
}

/// Every crash state is one that e2fsck accepts and recovery finds sound; the last has these names.
fn check(what: &str, made: &Made, setup: &str, steps: &str, names: &[&str]) {
    if !has_tool("mke2fs") || !has_tool("e2fsck") || !has_tool("debugfs") {
        return;
    }
    let scenario = begun(&make(made), setup, steps);
    let wrong = e2fsck::check(&Case { name: what.to_owned(), scenario: scenario.clone() });
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let states = crashed(&scenario, &Profile::of(Kernel::V6_12), 64);
    for state in &states {
        let Observation::Mounted(found) = &state.found else {
            panic!("{what}: {}: does not mount", state.id)
        };
        assert!(found.repairs.is_empty(), "{what}: {}: {:?}", state.id, found.repairs);
    }
    let has_all = states.iter().any(|state| {
        let Observation::Mounted(found) = &state.found else { return false };
        names
            .iter()
            .all(|name| matches!(found.entries.get(*name), Some(Entry::File(_) | Entry::Directory(_))))
    });
    assert!(has_all, "{what}: a state has {names:?}");
}

fn defaults(debugfs: &str) -> Made {
    Made { options: &[], size: "32M", debugfs: debugfs.to_owned() }
}

const REPLACE: &str = r#"open(fd: "f", path: "/new", flags: [O_CREAT, O_WRONLY]), write("f", "new"), fsync("f"),
    rename(old: "/new", new: "/old"), mkdir("/d"), open(fd: "d", path: "/", flags: [O_RDONLY]), fsync("d")"#;

#[test]
fn the_defaults() {
    check("defaults", &defaults("write OLD old\n"), "", REPLACE, &["/old", "/d"]);
}

#[test]
fn a_link_and_a_removal() {
    let steps = r#"link(old: "/old", new: "/other"), unlink("/old"), sync, symlink(target: "old", path: "/s"),
        truncate(path: "/other", length: 5), sync, unlink("/other"), sync"#;
    check("removal", &defaults("write OLD old\nmkdir dir\n"), "", steps, &["/dir"]);
}

#[test]
fn attributes_that_are_there() {
    let long = "v".repeat(600);
    let debugfs = format!("write OLD old\nea_set old user.a one\nea_set old user.b {long}\n");
    let steps = format!(
        r#"getxattr(path: "/old", name: "user.a", expect: "one"), getxattr(path: "/old", name: "user.b", expect: "{long}"),
        removexattr(path: "/old", name: "user.b"), sync, setxattr(path: "/old", name: "user.a", value: "two{long}"), sync,
        unlink("/old"), create("/new", ""), sync"#
    );
    check("attributes", &defaults(&debugfs), "", &steps, &["/new"]);
}

#[test]
fn other_features() {
    let options: [(&str, &[&str]); 6] = [
        ("several groups, flex_bg", &["-g", "2048", "-J", "size=4"]),
        ("several groups, no flex_bg", &["-g", "2048", "-O", "^flex_bg", "-J", "size=4"]),
        ("32 bits, no resize_inode", &["-O", "^64bit,^resize_inode"]),
        ("a seed of its own", &["-O", "metadata_csum_seed"]),
        ("no checksums", &["-O", "^metadata_csum"]),
        ("an orphan file", &["-O", "orphan_file"]),
    ];
    for (what, options) in options {
        let made = Made { options, size: "32M", debugfs: "write OLD old\n".to_owned() };
        check(what, &made, "", REPLACE, &["/old", "/d"]);
    }
}

#[test]
fn groups_that_were_never_used() {
    // The first group is full, so that the next ones get their bitmaps.
    let made =
        Made { options: &["-g", "2048", "-N", "512", "-J", "size=4"], size: "32M", debugfs: String::new() };
    let steps = r#"open(fd: "f", path: "/f", flags: [O_CREAT, O_WRONLY]),
        write("f", repeat("x", 12000000)), fsync("f"), mkdir("/d"), sync"#;
    check("new groups", &made, "", steps, &["/f", "/d"]);
}

#[test]
fn directories_get_an_index() {
    // 60 names of 60 bytes fill the first block.
    let mut setup = r#"mkdir("/d"), "#.to_owned();
    write!(setup, r#"times(count: 58, var: "i", steps: [create("/d/{}${{i}}", "")])"#, "n".repeat(56))
        .unwrap();
    let steps = r#"times(count: 3, var: "i", steps: [create("/d/one-name-that-is-quite-a-bit-longer-than-others-${i}", ""), sync]),
        rename(old: "/d/one-name-that-is-quite-a-bit-longer-than-others-0", new: "/d/0"), mkdir("/e"),
        rename(old: "/d", new: "/e/d"), sync"#;
    check("a new index", &defaults(""), &setup, steps, &["/e/d/0"]);
    // Hundreds of names that debugfs entered one behind the other, and e2fsck indexed.
    let many: String = (0..400).fold(String::new(), |mut all, nr| {
        writeln!(all, "write OLD {}{nr}", "m".repeat(100)).unwrap();
        all
    });
    let steps = format!(
        r#"times(count: 40, var: "i", steps: [create("/{}${{i}}", "")]), sync, unlink("/{}7"), sync"#,
        "k".repeat(90),
        "m".repeat(100)
    );
    check("an index of many", &defaults(&many), "", &steps, &[]);
}

/// An index grows by a level: so many names that one block of the index does not do.
#[test]
fn an_index_of_two_levels() {
    let name = "l".repeat(240);
    let setup = format!(
        r#"mkdir("/d"), times(count: 80, var: "i", steps: [times(count: 124, var: "j", steps: [link(old: "/f", new: "/d/{name}${{i}}-${{j}}")])])"#
    );
    let setup = format!(r#"create("/f", ""), {setup}"#);
    let steps = r#"create("/d/new", ""), sync"#;
    check("two levels", &defaults(""), &setup, steps, &["/d/new"]);
}

#[test]
fn what_a_crash_left_is_recovered_first() {
    if !has_tool("mke2fs") || !has_tool("e2fsck") || !has_tool("debugfs") {
        return;
    }
    let image = make(&defaults("write OLD old\n"));
    // A file that is unlinked while it is open, and a name that is only in the log.
    let steps = r#"open(fd: "f", path: "/old", flags: [O_RDWR]), unlink("/old"), create("/new", "1"), sync"#;
    let first = begun(&image, "", steps);
    let states = crashed(&first, &Profile::of(Kernel::V6_12), 500);
    for state in states.iter().step_by(7).chain(states.last()) {
        let opened = open_image(state.image.clone(), Kernel::V6_12).unwrap();
        let second = begun(&opened, "", r#"create("/second", ""), sync"#);
        for crash in crashed(&second, &Profile::of(Kernel::V6_12), 4) {
            assert_eq!(e2fsck::verdict(&crash.image), Verdict::Accepts, "{}, then {}", state.id, crash.id);
        }
    }
}

/// Nothing orders what a crash leaves then: it mounts, and e2fsck can repair it. What sync has written is sound.
#[test]
fn without_a_journal() {
    if !has_tool("mke2fs") || !has_tool("e2fsck") || !has_tool("debugfs") {
        return;
    }
    let options: [&'static [&'static str]; 2] =
        [&["-O", "^has_journal"], &["-O", "^has_journal,^metadata_csum"]];
    let long = "v".repeat(600);
    let steps = format!(
        r#"{REPLACE}, setxattr(path: "/old", name: "user.a", value: "{long}"), fsync("f"),
        fallocate(fd: "f", mode: [FALLOC_FL_PUNCH_HOLE, FALLOC_FL_KEEP_SIZE], offset: 0, length: 4096),
        open(fd: "t", path: "/d", flags: [O_TMPFILE, O_RDWR]), linkat(fd: "t", path: "/d/t"), sync, sync"#
    );
    for options in options {
        let made = Made { options, size: "32M", debugfs: "write OLD old\n".to_owned() };
        let scenario = begun(&make(&made), "", &steps);
        let wrong = e2fsck::check(&Case { name: format!("{options:?}"), scenario: scenario.clone() });
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
        let states = crashed(&scenario, &Profile::of(Kernel::V6_12), 64);
        for state in &states {
            assert!(matches!(state.found, Observation::Mounted(_)), "{options:?}: {}", state.id);
        }
        let is_whole = |found: &Observation| {
            let Observation::Mounted(found) = found else { return false };
            found.repairs.is_empty() && ["/old", "/d/t"].iter().all(|name| found.entries.contains_key(*name))
        };
        assert!(states.iter().any(|state| is_whole(&state.found)), "{options:?}: all was written");
    }
    let mut scenario = begun(&make(&Made { options: options[0], ..defaults("") }), "", "sync");
    scenario.stack.mount.data = DataMode::Journal;
    let error = run(&scenario, Schedule::Prompt).unwrap_err().to_string();
    let wanted = "it has no journal, and Linux does not mount such a file system with `data`";
    assert!(error.ends_with(wanted), "{error}");
}

#[test]
fn what_is_refused() {
    if !has_tool("mke2fs") || !has_tool("debugfs") {
        return;
    }
    let refused = |image: DiskImage| open_image(image, Kernel::V6_12).unwrap_err().to_string();
    let check = |what: &str, options: &'static [&str], debugfs: &str, wanted: &str| {
        let made = Made { options, size: "32M", debugfs: debugfs.to_owned() };
        assert_eq!(refused(make(&made)), wanted, "{what}");
    };
    check(
        "inline data",
        &["-O", "inline_data"],
        "",
        "not modelled: unsupported inline_data in the superblock: 0x8000",
    );
    check(
        "bigalloc",
        &["-O", "bigalloc"],
        "",
        "not modelled: unsupported cluster size in the superblock: 0x6",
    );
    check("quota", &["-O", "quota"], "", "not modelled: unsupported quota in the superblock: 0x100");
    check(
        "1 KiB blocks",
        &["-b", "1024"],
        "",
        "a file system with blocks of 1024 bytes; only those of 4096 are modelled",
    );
    check(
        "damage",
        &[],
        "write OLD old\nset_inode_field old links_count 3\n",
        "it needs repair: inode 12 says that it has 3 links, but it has 1",
    );
    check("errors", &[], "set_super_value state 3\n", "its superblock says that it has errors");
    assert_eq!(refused(DiskImage::new(100)), "not an ext2, ext3 or ext4 file system: no magic at byte 1080");
    assert_eq!(refused(DiskImage::new(0)), "not an ext2, ext3 or ext4 file system: no magic at byte 1080");
}
