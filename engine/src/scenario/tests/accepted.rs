//! What is read.

use super::super::{
    Advice, Call, Checksums, DataError, DataMode, DiskOptions, Expectation, FallocFlags, Image, Kernel, Mkfs,
    Mount, Name, OnError, OpenFlags, Predicate, Quantifier, Recoverer, RenameFlags, RwFlags, Stack,
    SyncRangeFlags, Synchronous, Wanted, Whence,
};
use super::{calls, right, with_steps};
use crate::device::{AtomicUnit, Cache, Fua};
use crate::history::Errno;

const REPLACE: &str = r#"(
    title: "Replace a file by rename, without fsync",
    about: "Markdown: what this shows, and where the guarantee is written down.",
    tags: ["lesson", "rename"],

    // Every field of `stack` has a default; the whole of it may be left out.
    stack: (
        kernel: "6.6",
        mkfs: (size: "32M", journal: true, features: [metadata_csum]),
        mount: (data: ordered, delalloc: true, auto_da_alloc: true, barrier: true, commit: 5),
        disk: (cache: volatile, atomic_write: 512, fua: false),
    ),

    // Done first, then unmounted: all of it is durable before the first crash point.
    setup: [
        create("/conf", "old"),
    ],

    steps: [
        open(fd: "tmp", path: "/conf.tmp", flags: [O_CREAT, O_WRONLY, O_TRUNC]),
        write("tmp", "new"),
        close("tmp"),
        rename("/conf.tmp", "/conf"),
        mark("renamed"),
        open(fd: "dir", path: "/", flags: [O_RDONLY, O_DIRECTORY]),
        fsync("dir"),
        mark("committed"),
    ],

    expect: [
        always(any([content("/conf", "old"), content("/conf", "new")])),
        always(after: "committed", holds: content("/conf", "new")),
        sometimes(after: "renamed", before: "committed", holds: content("/conf", "old")),
        never(missing("/conf")),
    ],
)"#;

#[test]
fn the_example_of_the_language_reference_is_read() {
    let scenario = right("the example", REPLACE);
    assert_eq!(scenario.tags, ["lesson", "rename"]);
    assert_eq!(scenario.stack, Stack::default(), "it spells out the defaults");
    assert_eq!(calls(&scenario.setup), [Call::Create { path: "/conf".into(), data: b"old"[..].into() }]);
    assert_eq!(
        calls(&scenario.steps),
        [
            Call::Open {
                fd: "tmp".into(),
                path: "/conf.tmp".into(),
                flags: OpenFlags::O_WRONLY.with(OpenFlags::O_CREAT).with(OpenFlags::O_TRUNC),
                mode: 0o644,
            },
            Call::Write { fd: "tmp".into(), data: b"new"[..].into() },
            Call::Close { fd: "tmp".into() },
            Call::Rename { old: "/conf.tmp".into(), new: "/conf".into() },
            Call::Mark { name: "renamed".into() },
            Call::Open { fd: "dir".into(), path: "/".into(), flags: OpenFlags::O_DIRECTORY, mode: 0o644 },
            Call::Fsync { fd: "dir".into() },
            Call::Mark { name: "committed".into() },
        ]
    );
    let lines: Vec<u32> = scenario.steps.iter().map(|step| step.line).collect();
    assert_eq!(lines, [20, 21, 22, 23, 24, 25, 26, 27]);
    assert_eq!(
        scenario.expect[2],
        Expectation {
            quantifier: Quantifier::Sometimes,
            after: Some("renamed".into()),
            before: Some("committed".into()),
            holds: Predicate::Content("/conf".into(), b"old"[..].into()),
            line: 33,
            text: r#"sometimes(after: "renamed", before: "committed", holds: content("/conf", "old"))"#
                .into(),
        }
    );
}

#[test]
fn calls_on_ranges_and_mount_options_are_read() {
    let text = "(title: \"t\", stack: (mount: (delalloc: false, dioread_nolock: false)), steps: [\
        open(fd: \"f\", path: \"/f\", flags: [O_RDWR, O_DIRECT]),\
        pwritev2(fd: \"f\", data: \"x\", offset: -1, flags: [RWF_DSYNC, RWF_APPEND]),\
        sync_file_range(fd: \"f\", offset: 1, nbytes: \"4K\", flags: [SYNC_FILE_RANGE_WRITE_AND_WAIT]),\
        posix_fadvise(fd: \"f\", offset: 0, length: 2, advice: POSIX_FADV_DONTNEED)])";
    let scenario = right("ranges", text);
    assert!(!scenario.stack.mount.delalloc && !scenario.stack.mount.dioread_nolock);
    let (fd, all) = ("f".into(), SyncRangeFlags::SYNC_FILE_RANGE_WAIT_BEFORE);
    let all = all.with(SyncRangeFlags::SYNC_FILE_RANGE_WRITE);
    assert_eq!(
        calls(&scenario.steps)[1..],
        [
            Call::Pwritev2 {
                fd: Name::clone(&fd),
                data: b"x"[..].into(),
                offset: -1,
                flags: RwFlags::RWF_DSYNC.with(RwFlags::RWF_APPEND),
            },
            Call::SyncFileRange {
                fd: Name::clone(&fd),
                offset: 1,
                nbytes: 4096,
                flags: all.with(SyncRangeFlags::SYNC_FILE_RANGE_WAIT_AFTER),
            },
            Call::PosixFadvise { fd, offset: 0, length: 2, advice: Advice::Dontneed },
        ]
    );
}

#[test]
fn calls_on_blocks_and_names_are_read() {
    let text = "(title: \"t\", steps: [\
        open(fd: \"f\", path: \"/\", flags: [O_TMPFILE, O_RDWR, O_EXCL]),\
        fallocate(fd: \"f\", mode: [FALLOC_FL_KEEP_SIZE, FALLOC_FL_PUNCH_HOLE], offset: -1, length: \"4K\"),\
        linkat(fd: \"f\", path: \"/l\"),\
        fails(EINVAL, renameat2(old: \"/a\", new: \"/b\", flags: [RENAME_WHITEOUT, RENAME_EXCHANGE]))])";
    let (fd, steps): (Name, _) = ("f".into(), right("blocks and names", text).steps);
    let (tmpfile, excl) = (OpenFlags::O_TMPFILE.with(OpenFlags::O_RDWR), OpenFlags::O_EXCL);
    let mode = FallocFlags::FALLOC_FL_KEEP_SIZE.with(FallocFlags::FALLOC_FL_PUNCH_HOLE);
    let flags = RenameFlags::RENAME_WHITEOUT.with(RenameFlags::RENAME_EXCHANGE);
    assert_eq!(
        calls(&steps),
        [
            Call::Open { fd: Name::clone(&fd), path: "/".into(), flags: tmpfile.with(excl), mode: 0o644 },
            Call::Fallocate { fd: Name::clone(&fd), mode, offset: -1, length: 4096 },
            Call::Linkat { fd, path: "/l".into() },
            Call::Renameat2 { old: "/a".into(), new: "/b".into(), flags },
        ]
    );
}

#[test]
fn recorded_scenarios_are_read() {
    // As they were recorded on a real kernel: the name `Scenario`, an empty `expect`, blank lists.
    let recorded = [
        (
            "append without sync",
            "Scenario(\n    title: \"Append, no sync\",\n    // the default stack\n    setup: [\n        \
             create(\"/f\", \"head\")\n    ],\n    steps: [\n        open(fd: \"f\", path: \"/f\", flags: \
             [O_WRONLY, O_APPEND]),\n        write(\"f\", \"tail\"),\n        mark(\"written\"),\n        \
             close(\"f\"),\n        mark(\"closed\"),\n    ],\n    expect: [],\n)\n",
            5,
        ),
        (
            "create, write, fsync",
            "Scenario(\n    title: \"Create, write, fsync\",\n    // the default stack\n    setup: [\n        \
             \n    ],\n    steps: [\n        open(fd: \"f\", path: \"/f\", flags: [O_CREAT, O_RDWR]),\n        \
             write(\"f\", repeat(\"A\", 4096)),\n        mark(\"written\"),\n        fsync(\"f\"),\n        \
             mark(\"synced\"),\n    ],\n    expect: [],\n)\n",
            5,
        ),
        (
            "truncate and rewrite",
            "Scenario(\n    title: \"Replace by truncating and rewriting\",\n    setup: [\n        \
             create(\"/conf\", \"old\")\n    ],\n    steps: [\n        open(fd: \"f\", path: \"/conf\", flags: \
             [O_WRONLY, O_TRUNC]),\n        mark(\"truncated\"),\n        write(\"f\", \"new\"),\n        \
             close(\"f\"),\n        mark(\"closed\"),\n        sync,\n        mark(\"synced\"),\n    ],\n    \
             expect: [],\n)\n",
            7,
        ),
    ];
    for (what, text, steps) in recorded {
        assert_eq!(right(what, text).steps.len(), steps, "{what}");
    }
}

#[test]
fn a_call_can_be_written_in_more_than_one_way() {
    fn check(what: &str, step: &str, wanted: &Call) {
        let text = with_steps(&format!("open(fd: \"f\", path: \"/f\", flags: [O_RDWR]),\n{step}"));
        let scenario = right(what, &text);
        assert_eq!(&scenario.steps[1].call, wanted, "{what}");
        assert_eq!(scenario.steps[1].line, 3, "{what}");
    }
    let write = Call::Write { fd: "f".into(), data: b"x"[..].into() };
    check("without names", r#"write("f", "x")"#, &write);
    check("with names", r#"write(fd: "f", data: "x")"#, &write);
    check("names in another order", r#"write(data: "x", fd: "f",)"#, &write);
    check("with blanks and comments", "write /* w */ ( \"f\" , // d\n \"x\" , )", &write);
    check("a raw string", r##"write("f", r#"x"#)"##, &write);
    check("escapes", r#"write("\u{66}", "\x78")"#, &write);
    check("a call without arguments", "sync", &Call::Sync);
    check("the same with parentheses", "sync()", &Call::Sync);
    let mkdir = |mode| Call::Mkdir { path: "/d".into(), mode };
    check("an optional argument left out", r#"mkdir("/d")"#, &mkdir(0o755));
    check("an optional argument by name", r#"mkdir(path: "/d", mode: 0o700)"#, &mkdir(0o700));
    check("an optional argument in its place", r#"mkdir("/d", 0o700)"#, &mkdir(0o700));
    check("an optional argument as an option", r#"mkdir(path: "/d", mode: Some(0o700))"#, &mkdir(0o700));
    check("an optional argument that is None", r#"mkdir(path: "/d", mode: None)"#, &mkdir(0o755));
    let truncate = |length| Call::Truncate { path: "/f".into(), length };
    check("a size with a suffix", r#"truncate("/f", "3K")"#, &truncate(3072));
    check("a size in a string", r#"truncate("/f", "3")"#, &truncate(3));
    check("a number with underscores", r#"truncate("/f", 1_000)"#, &truncate(1000));
    check("a negative length is the kernel's business", r#"truncate("/f", -1)"#, &truncate(-1));
    check("the largest length", r#"truncate("/f", 9223372036854775807)"#, &truncate(i64::MAX));
    let seek = Call::Lseek { fd: "f".into(), offset: -4096, whence: Whence::End };
    check("a negative offset", r#"lseek(fd: "f", offset: "-4K", whence: SEEK_END)"#, &seek);
    let symlink = Call::Symlink { target: "a/b".into(), path: "/l".into() };
    check("a link text need not be absolute", r#"symlink("a/b", "/l")"#, &symlink);
    check("symlink with names", r#"symlink(target: "a/b", path: "/l")"#, &symlink);
}

#[test]
fn wrapped_steps_say_what_they_must_return() {
    fn check(what: &str, step: &str, wanted: Wanted) {
        let text = with_steps(&format!("open(fd: \"f\", path: \"/f\", flags: [O_RDWR]),\n{step}"));
        assert_eq!(right(what, &text).steps[1].wanted, wanted, "{what}");
    }
    check("a plain step", r#"unlink("/x")"#, Wanted::Success);
    check("an error", r#"fails(ENOENT, unlink("/x"))"#, Wanted::Error(Errno::ENOENT));
    check("a short count", r#"short(3, write("f", "abcd"))"#, Wanted::Short(3));
    check(
        "nothing is bound",
        r#"fails(ENOENT, open(fd: "f", path: "/x", flags: []))"#,
        Wanted::Error(Errno::ENOENT),
    );
}

#[test]
fn names_are_followed() {
    let open = |name: &str| format!("open(fd: \"{name}\", path: \"/f\", flags: [O_RDWR])");
    let rows = [
        ("bound again after close", format!("{0}, close(\"f\"), {0}", open("f"))),
        ("a failed open leaves the name free", format!("fails(ENOENT, {0}), {0}", open("f"))),
        (
            "a duplicate lives on",
            format!("{}, dup(fd: \"g\", of: \"f\"), close(\"f\"), write(\"g\", \"x\")", open("f")),
        ),
        ("EBADF may be asked for", format!("{}, close(\"f\"), fails(EBADF, close(\"f\"))", open("f"))),
        ("a close that fails has closed", format!("{0}, fails(EIO, close(\"f\")), {0}", open("f"))),
    ];
    for (what, steps) in rows {
        right(what, &with_steps(&steps));
    }
    let twice = format!("(title: \"t\", setup: [{0}], steps: [{0}])", open("f"));
    right("what setup opened is closed when it unmounts", &twice);
}

#[test]
fn loops_unroll() {
    fn check(what: &str, steps: &str, wanted: &[&str]) {
        let scenario = right(what, &with_steps(steps));
        let texts: Vec<&str> = scenario.steps.iter().map(|step| step.text.as_str()).collect();
        assert_eq!(texts, wanted, "{what}");
    }
    check(
        "the round stands for the variable",
        r#"times(count: 2, var: "i", steps: [create("/${i}", "${i}${i}"), mark("m${i}")])"#,
        &[r#"create("/0", "00")"#, r#"mark("m0")"#, r#"create("/1", "11")"#, r#"mark("m1")"#],
    );
    check(
        "loops nest",
        r#"times(count: 2, var: "i", steps: [times(count: 2, var: "j", steps: [mkdir("/${i}${j}")])])"#,
        &[r#"mkdir("/00")"#, r#"mkdir("/01")"#, r#"mkdir("/10")"#, r#"mkdir("/11")"#],
    );
    check("a loop needs no variable", "times(count: 2, steps: [sync])", &["sync", "sync"]);
    check("no rounds", "times(count: 0, steps: [sync])", &[]);
    check(
        "a number may be computed",
        r#"times(count: 2, var: "i", steps: [truncate("/f", "${i}K")])"#,
        &[r#"truncate("/f", "0K")"#, r#"truncate("/f", "1K")"#],
    );
    check(
        "outside of loops, data is left alone",
        r#"create("/f", "${i}"), times(count: 1, var: "i", steps: [sync])"#,
        &[r#"create("/f", "${i}")"#, "sync"],
    );
    let scenario = right("as many steps as there may be", &with_steps("times(count: 10000, steps: [sync])"));
    assert_eq!(scenario.steps.len(), 10_000);
    let numbers =
        right("numbers", &with_steps(r#"times(count: 3, var: "i", steps: [truncate("/f", "${i}K")])"#));
    assert_eq!(numbers.steps[2].call, Call::Truncate { path: "/f".into(), length: 2048 });
}

#[test]
fn a_step_is_shown_on_one_line() {
    fn check(what: &str, step: &str, wanted: &str) {
        let text = with_steps(&format!("open(fd: \"f\", path: \"/f\", flags: [O_RDWR]),\n{step}"));
        assert_eq!(right(what, &text).steps[1].text, wanted, "{what}");
    }
    check(
        "line breaks and comments go",
        "pwrite(\n  fd: \"f\", // the log\n  data: repeat(\"B\",4096),\n  offset: 0,\n)",
        r#"pwrite(fd: "f", data: repeat("B", 4096), offset: 0)"#,
    );
    check("wrapped steps", r#"fails( ENOENT , unlink("/x") )"#, r#"fails(ENOENT, unlink("/x"))"#);
    check("control characters are escaped", r#"write("f", "a\n\u{1}")"#, r#"write("f", "a\n\u{1}")"#);
    let long = format!("write(\"f\", \"{}\")", "x".repeat(8192));
    check("long data is shortened", &long, r#"write("f", "xxxxxxxxxxxxxxxxxxxxxxxx… 8192 bytes")"#);
    let parts = vec!["\"x\""; 20].join(",");
    let short = vec!["\"x\""; 16].join(", ");
    check(
        "so are lists",
        &format!("write(\"f\", concat([{parts}]))"),
        &format!("write(\"f\", concat([{short}, … 4 more]))"),
    );
}

/// The machine of a scenario that says this about it.
fn check_stack(what: &str, stack: &str, wanted: &Stack) {
    let text = format!("(title: \"t\", stack: {stack}, steps: [])");
    assert_eq!(&right(what, &text).stack, wanted, "{what}");
}

#[test]
fn modes_are_read() {
    let check = check_stack;
    let mount = |mount| Stack { mount, ..Stack::default() };
    check(
        "every mount option",
        "(mount: (data: writeback, journal_checksum: true, journal_async_commit: true, dirsync: true, \
         errors: remount_ro, data_err: abort))",
        &mount(Mount {
            data: DataMode::Writeback,
            journal_checksum: true,
            journal_async_commit: true,
            synchronous: Synchronous::Directories,
            errors: OnError::RemountRo,
            data_err: DataError::Abort,
            ..Mount::default()
        }),
    );
    check(
        "a sync mount is a dirsync mount too",
        "(mount: (data: journal, sync: true, dirsync: true))",
        &mount(Mount { data: DataMode::Journal, synchronous: Synchronous::All, ..Mount::default() }),
    );
    check(
        "no journal: no transaction orders data",
        "(mkfs: (journal: false))",
        &Stack {
            mkfs: Mkfs { journal_blocks: None, ..Mkfs::default() },
            mount: Mount { data: DataMode::Writeback, ..Mount::default() },
            ..Stack::default()
        },
    );
}

#[test]
fn the_machine_is_read() {
    let check = check_stack;
    let plain = Stack::default();
    let mkfs = |mkfs| Stack { mkfs, ..Stack::default() };
    check("nothing said", "()", &plain);
    check("the later kernel", "(kernel: \"6.6.51\")", &Stack { kernel: Kernel::V6_6_51, ..plain.clone() });
    check(
        "the smallest disk",
        "(mkfs: (size: \"8M\"))",
        &mkfs(Mkfs { blocks: 2048, inodes: 512, ..Mkfs::default() }),
    );
    check(
        "inodes fill whole blocks",
        "(mkfs: (size: 8445952))",
        &mkfs(Mkfs {
            // 2062 blocks, so 515 inodes, rounded up.
            blocks: 2062,
            inodes: 528,
            ..Mkfs::default()
        }),
    );
    check(
        "a journal of its own size",
        "(mkfs: (journal_size: \"8M\", inodes: 64))",
        &mkfs(Mkfs { journal_blocks: Some(2048), inodes: 64, ..Mkfs::default() }),
    );
    check(
        "no checksums",
        "(mkfs: (features: []))",
        &mkfs(Mkfs { metadata_csum: Checksums::None, ..Mkfs::default() }),
    );
    check(
        "features",
        "(mkfs: (features: [fast_commit]))",
        &mkfs(Mkfs {
            metadata_csum: Checksums::None,
            dir_index: false,
            fast_commit: true,
            ..Mkfs::default()
        }),
    );
    check(
        "other features",
        "(mkfs: (features: [dir_index, orphan_file]))",
        &mkfs(Mkfs { metadata_csum: Checksums::None, dir_index: true, orphan_file: true, ..Mkfs::default() }),
    );
    let image = Some(Image { path: "disk.img".to_owned(), disk: None });
    check("an image", "(image: \"disk.img\")", &Stack { image, ..plain });
}

#[test]
fn mount_and_disk_are_read() {
    let check = check_stack;
    let plain = Stack::default();
    let mount = |mount| Stack { mount, ..Stack::default() };
    let disk = |disk| Stack { disk, ..Stack::default() };
    let default_disk = plain.disk;
    for (text, recovery) in [
        ("(recovery: e2fsck)", Recoverer::E2fsck),
        ("(recovery: \"6.12\")", Recoverer::Kernel(Kernel::V6_12)),
        ("(kernel: \"6.6\")", Recoverer::SameKernel),
    ] {
        check("who recovers", text, &Stack { recovery, ..plain.clone() });
    }
    check(
        "no auto_da_alloc",
        "(mount: (auto_da_alloc: false))",
        &mount(Mount { auto_da_alloc: false, ..Mount::default() }),
    );
    check(
        "no barriers",
        "(mount: (barrier: false, commit: 30, dioread_nolock: true))",
        &mount(Mount { barrier: false, commit_secs: 30, ..Mount::default() }),
    );
    check("commit=0 is the default", "(mount: (commit: 0))", &plain);
    check(
        "another disk",
        "(disk: (cache: write_through, atomic_write: 4096, fua: true))",
        &disk(DiskOptions {
            cache: Cache::WriteThrough,
            atomic: AtomicUnit::Block,
            fua: Fua::Native,
            stable_writes: false,
        }),
    );
    check("part of a disk", "(disk: (fua: true))", &disk(DiskOptions { fua: Fua::Native, ..default_disk }));
}

#[test]
fn predicates_are_read() {
    fn check(what: &str, predicate: &str, wanted: &Predicate) {
        let text = format!("(title: \"t\", steps: [], expect: [never({predicate})])");
        assert_eq!(&right(what, &text).expect[0].holds, wanted, "{what}");
    }
    let path = || "/f".to_owned();
    check("exists", r#"exists("/f")"#, &Predicate::Exists(path()));
    check("prefix_of", r#"prefix_of("/f", "x")"#, &Predicate::PrefixOf(path(), b"x"[..].into()));
    check(
        "starts_with",
        r#"starts_with("/f", zeros(2))"#,
        &Predicate::StartsWith(path(), b"\0\0"[..].into()),
    );
    let range = Predicate::Range { path: path(), offset: 4096, data: b"x"[..].into() };
    check("range with names", r#"range(path: "/f", offset: "4K", data: "x")"#, &range);
    check("range without", r#"range("/f", 4096, "x")"#, &range);
    check("size", r#"size("/f", "1K")"#, &Predicate::Size(path(), 1024));
    check("same_file", r#"same_file("/f", "/g")"#, &Predicate::SameFile(path(), "/g".into()));
    check(
        "entries",
        r#"entries("/f", ["a", "b"])"#,
        &Predicate::Entries(path(), vec!["a".into(), "b".into()]),
    );
    let attribute = || "user.a".to_owned();
    check("xattr", r#"xattr("/f", "user.a", "1")"#, &Predicate::Xattr(path(), attribute(), b"1"[..].into()));
    check("no_xattr", r#"no_xattr("/f", "user.a")"#, &Predicate::NoXattr(path(), attribute()));
    check("repairable", "repairable", &Predicate::Repairable);
    check("target", r#"target("/f", "../x")"#, &Predicate::Target(path(), "../x".into()));
    check("mounts", "mounts", &Predicate::Mounts);
    check("clean", "clean()", &Predicate::Clean);
    let (mounts, clean) = (|| Predicate::Mounts, || Box::new(Predicate::Clean));
    check("all", "all([mounts, mounts])", &Predicate::All(vec![mounts(), mounts()]));
    check("any of nothing", "any([])", &Predicate::Any(vec![]));
    check("not", "not(clean)", &Predicate::Not(clean()));
    check("implies", "implies(mounts, clean)", &Predicate::Implies(Box::new(mounts()), clean()));
}
