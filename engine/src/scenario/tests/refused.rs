//! What is refused: the code, the place, and what is said about it.
//!
//! ```text
//! what ¦ text, `‸` where the error starts, `⏎` a line break ¦ code ¦ path ¦ part of what is said
//! ```

use super::super::parse;
use super::with_steps;

/// What stands before and behind the text of a row.
pub(super) type Around = (&'static str, &'static str);

pub(super) const WHOLE: Around = ("", "");
const STEPS: Around = ("(title: \"t\", steps: [\n", "\n])");
pub(super) const OPENED: Around =
    ("(title: \"t\", steps: [open(fd: \"f\", path: \"/f\", flags: [O_RDWR]),\n", "\n])");
pub(super) const STACK: Around = ("(title: \"t\", stack: (", "), steps: [])");
const EXPECT: Around = ("(title: \"t\", steps: [mark(\"one\"), sync, mark(\"two\")], expect: [\n", "\n])");

/// Each row has one error.
pub(super) fn table(around: Around, rows: &str) {
    for row in rows.lines().filter(|row| !row.is_empty()) {
        let cells: Vec<&str> = row.split(" ¦ ").map(|cell| if cell == "-" { "" } else { cell }).collect();
        let [what, text, code, path, says] = cells[..] else { panic!("{row}") };
        check(what, around, &text.replace('⏎', "\n"), code, path, says);
    }
}

fn check(what: &str, around: Around, text: &str, code: &str, path: &str, says: &str) {
    let text = format!("{}{text}{}", around.0, around.1);
    let (before, _) = text.split_once('‸').expect(what);
    let line = 1 + before.matches('\n').count();
    let column = 1 + before.chars().rev().take_while(|c| *c != '\n').count();
    let errors = parse(&text.replace('‸', "")).expect_err(what);
    let [error] = &errors[..] else { panic!("{what}: {errors:#?}") };
    let place = (usize::try_from(error.line).unwrap(), usize::try_from(error.column).unwrap());
    assert_eq!((error.code, place, error.path.as_str()), (code, (line, column), path), "{what}: {error:?}");
    assert_eq!(error.span.as_ref().map(|span| span.start), Some(before.len()), "{what}: {error:?}");
    assert!(error.to_string().contains(says), "{what}: {error}");
}

#[test]
fn what_is_not_ron() {
    table(
        WHOLE,
        r##"
nothing ¦ ‸ ¦ syntax ¦ - ¦ there is no scenario
only a comment ¦ // x‸ ¦ syntax ¦ - ¦ there is no scenario
an unclosed list ¦ (title: "t", steps: ‸[sync ¦ unclosed-bracket ¦ - ¦ `[` is never closed
an unclosed group ¦ ‸(title: "t" ¦ unclosed-bracket ¦ - ¦ `(` is never closed
the wrong bracket ¦ (steps: [sync‸) ¦ syntax ¦ - ¦ unexpected `)`, expected `]`
a missing comma ¦ (steps: [sync ‸sync]) ¦ syntax ¦ - ¦ a comma is missing before it
flags joined as in C ¦ (a: [O_CREAT ‸| O_RDWR]) ¦ syntax ¦ - ¦ flags are a list
an unclosed string ¦ (title: ‸"t ¦ unclosed-string ¦ - ¦ never closed
an unclosed raw string ¦ (title: ‸r#"t", steps: []) ¦ unclosed-string ¦ - ¦ `"#` before the end
an unclosed comment ¦ (title: ‸/* "t") ¦ unclosed-comment ¦ - ¦ `*/`
single quotes ¦ (title: ‸'abc') ¦ syntax ¦ - ¦ double quotes
named and unnamed arguments ¦ (steps: [write("f", ‸data: "x")]) ¦ syntax ¦ - ¦ names for all of them
two documents ¦ (title: "t") ‸( ¦ syntax ¦ - ¦ `(` behind the end
an unknown escape ¦ (title: "‸a\q") ¦ syntax ¦ - ¦ not RON: unknown escape character
a number that is none ¦ (title: ‸0xzz) ¦ syntax ¦ - ¦ not RON
a missing value ¦ (title: ‸, steps: []) ¦ syntax ¦ - ¦ unexpected `,`, expected a value
columns count characters ¦ (/* ä€😀 */ title: ‸'x) ¦ syntax ¦ - ¦ -
an unknown extension ¦ #![enable(‸nonsense)] () ¦ syntax ¦ - ¦ nonsense
"##,
    );
}

#[test]
fn what_the_document_has_not() {
    table(
        WHOLE,
        r##"
no title ¦ ‸(steps: []) ¦ missing-field ¦ - ¦ `Scenario` lacks `title`
no steps ¦ ‸Scenario(title: "t") ¦ missing-field ¦ - ¦ lacks `steps`
another name ¦ ‸Scene(title: "t", steps: []) ¦ wrong-name ¦ - ¦ `(`, or `Scenario(`
an unknown field ¦ (title: "t", ‸step: [], steps: []) ¦ unknown-field ¦ - ¦ did you mean `steps`?
a field twice ¦ (title: "t", ‸title: "u", steps: []) ¦ duplicate-field ¦ - ¦ given twice
a list for a document ¦ ‸[] ¦ wrong-type ¦ - ¦ `[]` is a list
a title of two lines ¦ (title: ‸"a\nb", steps: []) ¦ long-title ¦ title ¦ one line
a tag that is no string ¦ (title: "t", tags: [‸x], steps: []) ¦ wrong-type ¦ tags[0] ¦ "x"
"##,
    );
}

#[test]
fn what_the_machine_cannot_be() {
    table(
        STACK,
        r##"
data=journal and delalloc ¦ mount: (data: journal, delalloc: ‸true) ¦ mount-options ¦ stack.mount.delalloc ¦ does not mount data=journal with delalloc
an early commit block ¦ mount: (journal_async_commit: ‸true) ¦ mount-options ¦ stack.mount.journal_async_commit ¦ data=ordered
a mode without a journal ¦ mkfs: (journal: false), mount: (data: ‸writeback) ¦ mount-options ¦ stack.mount.data ¦ without a journal
commits without a journal ¦ mkfs: (journal: false), mount: (commit: ‸30) ¦ mount-options ¦ stack.mount.commit ¦ without a journal
checksums without a journal ¦ mkfs: (journal: false), mount: (journal_checksum: ‸true) ¦ mount-options ¦ stack.mount.journal_checksum ¦ without a journal
a size of no journal ¦ mkfs: (journal: false, journal_size: ‸"4M") ¦ no-journal ¦ stack.mkfs.journal_size ¦ without a journal
an orphan file without a journal ¦ mkfs: (journal: false, features: [metadata_csum, ‸orphan_file]) ¦ no-journal ¦ stack.mkfs.features ¦ without a journal
a mistyped reaction ¦ mount: (errors: ‸remount) ¦ unknown-word ¦ stack.mount.errors ¦ `remount_ro`
a mistyped mode ¦ mount: (data: ‸orderd) ¦ unknown-word ¦ stack.mount.data ¦ did you mean `ordered`?
a feature to come ¦ mkfs: (features: [‸inline_data]) ¦ not-modelled ¦ stack.mkfs.features[0] ¦ `inline_data`
fast commits without a journal ¦ mkfs: (journal: false, features: [metadata_csum, ‸fast_commit]) ¦ no-journal ¦ stack.mkfs.features ¦ without a journal
an image and mkfs ¦ image: "i", mkfs: ‸(size: "32M") ¦ bad-image ¦ stack.image ¦ `mkfs` or `image`
recovery by a range ¦ recovery: ‸"6.1..6.6" ¦ bad-recovery ¦ stack.recovery ¦ one release
recovery by several ¦ recovery: ‸["6.1", "6.6"] ¦ bad-recovery ¦ stack.recovery ¦ one release
recovery by nobody ¦ recovery: ‸fsck ¦ unknown-word ¦ stack.recovery ¦ `e2fsck`
recovery by an unknown release ¦ recovery: ‸"6.7" ¦ bad-kernel ¦ stack.recovery ¦ "6.6.51"
an image without a path ¦ image: ‸"" ¦ bad-image ¦ stack.image ¦ the path of an image file
a feature of none ¦ mkfs: (features: [‸metadata_cksum]) ¦ unknown-word ¦ stack.mkfs.features[0] ¦ did you mean `metadata_csum`?
too small ¦ mkfs: (size: ‸"4M") ¦ out-of-range ¦ stack.mkfs.size ¦ from 8M to 4G
too large ¦ mkfs: (size: ‸"5G") ¦ out-of-range ¦ stack.mkfs.size ¦ from 8M to 4G
half a block ¦ mkfs: (size: ‸8388609) ¦ partial-block ¦ stack.mkfs.size ¦ multiple of 4K
a bad size ¦ mkfs: (size: ‸"32MB") ¦ bad-number ¦ stack.mkfs.size ¦ `"32MB"`
a journal too small ¦ mkfs: (journal_size: ‸"1M") ¦ out-of-range ¦ stack.mkfs.journal_size ¦ from 4M to 16M
a journal of more than half ¦ mkfs: (size: "8M", journal_size: ‸"5M") ¦ out-of-range ¦ stack.mkfs.journal_size ¦ that is 4M
odd inodes ¦ mkfs: (inodes: ‸100) ¦ partial-block ¦ stack.mkfs.inodes ¦ 112
too many inodes ¦ mkfs: (inodes: ‸100000) ¦ out-of-range ¦ stack.mkfs.inodes ¦ to 8192
an atomic unit ¦ disk: (atomic_write: ‸1024) ¦ out-of-range ¦ stack.disk.atomic_write ¦ 512 or 4096
a cache ¦ disk: (cache: ‸writethrough) ¦ unknown-word ¦ stack.disk.cache ¦ did you mean `write_through`?
a switch that is a number ¦ disk: (fua: ‸1) ¦ wrong-type ¦ stack.disk.fua ¦ `true` or `false`
positional options ¦ disk: (‸volatile) ¦ wrong-arguments ¦ stack.disk ¦ have names
"##,
    );
}

#[test]
fn what_a_step_cannot_say() {
    table(
        STEPS,
        r##"
a mistyped call ¦ ‸opne(fd: "f", path: "/f", flags: []), write("f", "x") ¦ unknown-variant ¦ steps[0] ¦ did you mean `open`?
a mistyped wrapper ¦ ‸fial(ENOENT, sync) ¦ unknown-variant ¦ steps[0] ¦ did you mean `fails`?
a step that is a string ¦ ‸"sync" ¦ wrong-type ¦ steps[0] ¦ a step
an unknown flag ¦ open(fd: "f", path: "/f", flags: [‸O_CREATE]) ¦ unknown-word ¦ steps[0].flags[0] ¦ did you mean `O_CREAT`?
a flag to come ¦ open(fd: "f", path: "/f", flags: [O_RDWR, ‸O_PATH]) ¦ not-modelled ¦ steps[0].flags[1] ¦ `O_PATH` is not modelled yet
a whiteout ¦ renameat2(old: "/a", new: "/b", flags: [RENAME_NOREPLACE, ‸RENAME_WHITEOUT]) ¦ not-modelled ¦ steps[0].flags[1] ¦ `RENAME_WHITEOUT` is not modelled yet
two access modes ¦ open(fd: "f", path: "/f", flags: [O_WRONLY, ‸O_RDONLY]) ¦ conflicting-flags ¦ steps[0].flags ¦ `O_RDONLY` excludes `O_WRONLY`
flags that are no list ¦ open(fd: "f", path: "/f", flags: ‸O_RDWR) ¦ wrong-type ¦ steps[0].flags ¦ a list
an unknown error ¦ fails(‸ENOTFOUND, unlink("/f")) ¦ unknown-errno ¦ steps[0].errno ¦ `ENOTFOUND`
a mistyped error ¦ fails(‸ENOET, unlink("/f")) ¦ unknown-errno ¦ steps[0].errno ¦ did you mean `ENOENT`?
what cannot fail ¦ fails(EIO, ‸sync) ¦ cannot-fail ¦ steps[0].step ¦ `sync` cannot fail
a signal for a call ¦ fails(‸SIGBUS, unlink("/f")) ¦ cannot-fail ¦ steps[0].step ¦ SIGBUS
a wrapper in a wrapper ¦ fails(EIO, ‸fails(EIO, unlink("/f"))) ¦ bad-wrapper ¦ steps[0].step ¦ `fails` stands inside
a relative path ¦ unlink(‸"f") ¦ relative-path ¦ steps[0].path ¦ did you mean "/f"?
a path with NUL ¦ unlink(‸"/f\0") ¦ nul-in-path ¦ steps[0].path ¦ contains NUL
a link text with NUL ¦ symlink(‸"a\u{0}", "/l") ¦ nul-in-path ¦ steps[0].target ¦ contains NUL
a path that is a word ¦ unlink(‸f) ¦ wrong-type ¦ steps[0].path ¦ strings have quotes: "f"
odd hex ¦ create("/f", hex(‸"abc")) ¦ odd-hex ¦ steps[0].data ¦ 3 is an odd number
no hex ¦ create("/f", hex(‸"0g")) ¦ bad-hex ¦ steps[0].data ¦ `g`
an unknown kind of data ¦ create("/f", ‸zeroes(3)) ¦ unknown-variant ¦ steps[0].data ¦ did you mean `zeros`?
bytes for a string ¦ create("/f", ‸b"x") ¦ wrong-type ¦ steps[0].data ¦ hex(
a number out of range ¦ truncate("/f", ‸9223372036854775808) ¦ out-of-range ¦ steps[0].length ¦ to 9223372036854775807
a number beyond all ¦ truncate("/f", ‸99999999999999999999) ¦ bad-number ¦ steps[0].length ¦ is not a number of bytes
a fraction ¦ truncate("/f", ‸1.5) ¦ bad-number ¦ steps[0].length ¦ `1.5`
a mode out of range ¦ chmod("/f", ‸0o10000) ¦ out-of-range ¦ steps[0].mode ¦ 0o7777
sleeping too long ¦ sleep(seconds: ‸31536001) ¦ out-of-range ¦ steps[0].seconds ¦ 31536000
sleeping without a name ¦ sleep(‸5) ¦ wrong-arguments ¦ steps[0] ¦ `sleep(seconds: …)`
"##,
    );
    table(
        OPENED,
        r##"
a missing argument ¦ ‸write("f") ¦ missing-field ¦ steps[1] ¦ `write` lacks `data`, expected `write(FD, DATA)`
an argument too many ¦ write("f", "x", ‸0) ¦ wrong-arguments ¦ steps[1] ¦ too many
arguments that need names ¦ pwrite(‸"f", "x", 0) ¦ wrong-arguments ¦ steps[1] ¦ `pwrite(fd: …, data: …, offset: …)`
a mistyped argument ¦ pwrite(fd: "f", data: "x", ‸offest: 0) ¦ unknown-field ¦ steps[1] ¦ did you mean `offset`?
short of what transfers nothing ¦ short(1, ‸fsync("f")) ¦ bad-short ¦ steps[1] ¦ transfers no bytes
a short count that is not ¦ ‸short(2, write("f", "ab")) ¦ bad-short ¦ steps[1] ¦ 2 of 2 bytes
"##,
    );
}

#[test]
fn names_that_are_not_open() {
    table(
        WHOLE,
        r##"
opened by setup ¦ (title: "t", setup: [open(fd: "f", path: "/f", flags: [])], steps: [fsync(‸"f")]) ¦ unknown-descriptor ¦ steps[0].fd ¦ -
"##,
    );
    table(
        STEPS,
        r##"
never opened ¦ fsync(‸"f") ¦ unknown-descriptor ¦ steps[0].fd ¦ no step before this one opens "f"
still open ¦ open(fd: "wal", path: "/f", flags: [O_RDWR]),⏎open(fd: ‸"wal", path: "/f", flags: [O_RDWR]),⏎ ¦ open-descriptor ¦ steps[1].fd ¦ "wal" is still open, from steps[0]
opened again by a loop ¦ times(count: 3, var: "i", steps: [open(fd: ‸"f", path: "/f", flags: [])]) ¦ open-descriptor ¦ steps[0].steps[0].fd ¦ where i = 1
a failed open opens nothing ¦ fails(ENOENT, open(fd: "f", path: "/f", flags: [])),⏎fsync(‸"f") ¦ unknown-descriptor ¦ steps[1].fd ¦ -
"##,
    );
    table(
        OPENED,
        r##"
mistyped ¦ dup(fd: "log", of: "f"), fsync(‸"logs") ¦ unknown-descriptor ¦ steps[2].fd ¦ did you mean "log"?
closed ¦ close("f"),⏎fsync(‸"f") ¦ closed-descriptor ¦ steps[2].fd ¦ "f" was closed by steps[1]
closed, and another error asked for ¦ close("f"),⏎fails(EIO, fsync(‸"f")) ¦ closed-descriptor ¦ steps[2].step.fd ¦ -
"##,
    );
    let text = with_steps("open(fd: \"wal\", path: \"/f\", flags: []),\nclose(\"wal\"),\nfsync(\"wal\")");
    let closed = parse(&text).unwrap_err();
    let (span, note) = &closed[0].related[0];
    assert!(text[..span.start].ends_with("close(") && &text[span.clone()] == "\"wal\"");
    assert_eq!(note, "closed here");
}

#[test]
fn loops_that_cannot_be() {
    table(
        STEPS,
        r##"
too many rounds ¦ times(count: ‸10001, steps: []) ¦ out-of-range ¦ steps[0].count ¦ to 10000
too many steps ¦ times(count: 5001, steps: [‸sync,⏎sync]) ¦ too-many-steps ¦ steps[0].steps[0] ¦ at most 10,000
nested rounds of nothing ¦ times(count: 10000, steps: [‸times(count: 10000, steps: [])]) ¦ too-many-steps ¦ steps[0].steps[0] ¦ at most 10,000
a variable of no loop ¦ times(count: 2, var: "i", steps: [unlink(‸"/${j}")]) ¦ unknown-variable ¦ steps[0].steps[0].path ¦ `j`
a variable twice ¦ times(count: 1, var: "i", steps: [times(count: 1, var: ‸"i", steps: [])]) ¦ bad-variable ¦ steps[0].steps[0].var ¦ another name
a variable with a blank ¦ times(count: 1, var: ‸"a b", steps: []) ¦ bad-variable ¦ steps[0].var ¦ letters
a mark of a loop ¦ times(count: 2, steps: [mark(‸"m")]) ¦ duplicate-mark ¦ steps[0].steps[0].name ¦ put its variable into the name
a loop that fails ¦ fails(EIO, ‸times(count: 1, steps: [])) ¦ bad-wrapper ¦ steps[0].step ¦ `times`
"##,
    );
}

#[test]
fn expectations_that_cannot_be() {
    table(
        WHOLE,
        r##"
a mark in setup ¦ (title: "t", setup: [‸mark("m")], steps: []) ¦ not-in-setup ¦ setup[0] ¦ `mark` has no place in `setup`
a sleep in setup ¦ (title: "t", setup: [‸sleep(seconds: 1)], steps: []) ¦ not-in-setup ¦ setup[0] ¦ `sleep` has no place
"##,
    );
    table(
        STEPS,
        r##"
a mark twice ¦ mark("m"),⏎mark(‸"m") ¦ duplicate-mark ¦ steps[1].name ¦ set twice
an empty mark ¦ mark(‸"") ¦ empty-name ¦ steps[0].name ¦ empty
"##,
    );
    table(
        EXPECT,
        r##"
an unknown mark ¦ always(after: ‸"tow", holds: mounts) ¦ unknown-mark ¦ expect[0].after ¦ did you mean "two"?
no such mark ¦ always(before: ‸"xyz", holds: mounts) ¦ unknown-mark ¦ expect[0].before ¦ "one", "two"
an empty window ¦ never(after: "two", before: ‸"one", holds: mounts) ¦ empty-window ¦ expect[0] ¦ "one" is set before the mark "two"
a window of no length ¦ always(after: "one", before: ‸"one", holds: mounts) ¦ empty-window ¦ expect[0] ¦ no crash lies between the mark "one" and itself
an unknown quantifier ¦ ‸alway(mounts) ¦ unknown-variant ¦ expect[0] ¦ did you mean `always`?
an unknown predicate ¦ always(‸contents("/f", "x")) ¦ unknown-variant ¦ expect[0].holds ¦ did you mean `content`?
nothing that holds ¦ ‸always(after: "one") ¦ missing-field ¦ expect[0] ¦ lacks `holds`
a negative size ¦ always(size("/f", ‸-1)) ¦ out-of-range ¦ expect[0].holds.bytes ¦ from 0
a relative path ¦ always(not(exists(‸"f"))) ¦ relative-path ¦ expect[0].holds.holds.path ¦ "/f"
a path among the entries ¦ always(entries("/", ‸["a/b"])) ¦ bad-entry ¦ expect[0].holds.names ¦ "a/b"
deep inside ¦ always(any([mounts, all([‸cleen])])) ¦ unknown-variant ¦ expect[0].holds.of[1].of[0] ¦ did you mean `clean`?
"##,
    );
}

#[test]
fn words_of_calls_on_ranges_are_checked() {
    fn also(what: &str, step: &str, code: &str, says: &str) {
        let text = with_steps(&format!("open(fd: \"f\", path: \"/f\", flags: [O_RDWR]),\n{step}"));
        let errors = parse(&text).unwrap_err();
        let found = errors.iter().find(|error| error.code == code);
        let found = found.unwrap_or_else(|| panic!("{what}: {errors:?}"));
        assert!(found.to_string().contains(says), "{what}: {found}");
    }
    also(
        "an unknown advice",
        "posix_fadvise(fd: \"f\", offset: 0, length: 0, advice: DONTNEED)",
        "unknown-word",
        "an advice",
    );
    also(
        "a mode that is not there",
        "fallocate(fd: \"f\", mode: [FALLOC_FL_PUNCH], offset: 0, length: 1)",
        "unknown-word",
        "a mode of `fallocate`",
    );
}

#[test]
fn every_error_is_found() {
    let text = "(\n  title: 5,\n  stack: (mkfs: (features: [quota]), disk: (cach: volatile)),\n  steps: [\n    \
        open(fd: \"f\", path: \"f\", flags: [O_RDWR, O_WRONLY, O_FOO]),\n    write(\"g\", hex(\"0\")),\n  ],\n  \
        expect: [always(after: \"m\", holds: exist(\"/f\"))],\n)";
    let errors = parse(text).unwrap_err();
    let got: Vec<(u32, &str)> = errors.iter().map(|error| (error.line, error.code)).collect();
    assert_eq!(
        got,
        [
            (2, "wrong-type"),
            (3, "not-modelled"),
            (3, "unknown-field"),
            (5, "relative-path"),
            (5, "conflicting-flags"),
            (5, "unknown-word"),
            (6, "unknown-descriptor"),
            (6, "odd-hex"),
            (8, "unknown-mark"),
            (8, "unknown-variant"),
        ]
    );
}

#[test]
fn more_errors_than_are_shown() {
    let text = with_steps(&"fsync(\"f\"),\n".repeat(150));
    let errors = parse(&text).unwrap_err();
    assert_eq!(errors.len(), 101);
    assert_eq!(errors[100].code, "too-many-errors");
    let text = with_steps("times(count: 10000, var: \"i\", steps: [fsync(\"f${i}\")])");
    assert_eq!(parse(&text).unwrap_err().len(), 1, "a loop reports each place once");
}
