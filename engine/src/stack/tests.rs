//! What calls return, as a table. The rows were run on Linux 6.18 too and every step returned the same there, but for
//! two that were not run: the full disk, whose count depends on the layout, and the short read.

mod mappings;
mod space;

use super::{StepError, run};
use crate::scenario::{Kernel, parse, parse_all};
use crate::schedule::Schedule;

/// A row: what it is about, the setup, the steps. A step that should fail says so.
type Row = (&'static str, &'static str, &'static str);

/// open(2), in the order of the kernel's checks (`do_sys_openat2`, `path_openat`).
const OPEN: &[Row] = &[
    ("a missing file", "", r#"fails(ENOENT, open(fd: "f", path: "/f", flags: [O_RDONLY]))"#),
    (
        "a missing directory on the way",
        "",
        r#"fails(ENOENT, open(fd: "f", path: "/d/f", flags: [O_CREAT, O_RDWR]))"#,
    ),
    (
        "a file on the way",
        r#"create("/f", "")"#,
        r#"fails(ENOTDIR, open(fd: "f", path: "/f/g", flags: [O_RDONLY]))"#,
    ),
    (
        "O_CREAT with O_DIRECTORY",
        "",
        r#"fails(EINVAL, open(fd: "f", path: "/f", flags: [O_CREAT, O_DIRECTORY, O_RDWR]))"#,
    ),
    (
        "O_CREAT|O_EXCL of what exists",
        r#"create("/f", "")"#,
        r#"fails(EEXIST, open(fd: "f", path: "/f", flags: [O_CREAT, O_EXCL, O_RDWR]))"#,
    ),
    (
        "O_CREAT|O_EXCL of a dangling symlink",
        r#"symlink(target: "/x", path: "/s")"#,
        r#"fails(EEXIST, open(fd: "f", path: "/s", flags: [O_CREAT, O_EXCL, O_RDWR]))"#,
    ),
    (
        "O_CREAT through a dangling symlink creates its target",
        r#"symlink(target: "/x", path: "/s")"#,
        r#"open(fd: "f", path: "/s", flags: [O_CREAT, O_RDWR]), open(fd: "g", path: "/x", flags: [O_RDONLY])"#,
    ),
    (
        "O_CREAT of a directory",
        r#"mkdir("/d")"#,
        r#"fails(EISDIR, open(fd: "f", path: "/d", flags: [O_CREAT, O_RDONLY]))"#,
    ),
    (
        "O_CREAT with a slash behind the name",
        "",
        r#"fails(EISDIR, open(fd: "f", path: "/f/", flags: [O_CREAT, O_RDWR]))"#,
    ),
    (
        "O_DIRECTORY of a file",
        r#"create("/f", "")"#,
        r#"fails(ENOTDIR, open(fd: "f", path: "/f", flags: [O_RDONLY, O_DIRECTORY]))"#,
    ),
    (
        "a directory for writing",
        r#"mkdir("/d")"#,
        r#"fails(EISDIR, open(fd: "f", path: "/d", flags: [O_WRONLY]))"#,
    ),
    (
        "a directory with O_TRUNC",
        r#"mkdir("/d")"#,
        r#"fails(EISDIR, open(fd: "f", path: "/d", flags: [O_RDONLY, O_TRUNC]))"#,
    ),
    (
        "a file with a slash behind it",
        r#"create("/f", "")"#,
        r#"fails(ENOTDIR, open(fd: "f", path: "/f/", flags: [O_RDONLY]))"#,
    ),
    (
        "a symlink with O_NOFOLLOW",
        r#"create("/f", ""), symlink(target: "/f", path: "/s")"#,
        r#"fails(ELOOP, open(fd: "f", path: "/s", flags: [O_RDONLY, O_NOFOLLOW]))"#,
    ),
    (
        "a symlink to itself",
        r#"symlink(target: "/s", path: "/s")"#,
        r#"fails(ELOOP, open(fd: "f", path: "/s", flags: [O_RDONLY]))"#,
    ),
    (
        "a relative symlink in a directory",
        r#"mkdir("/d"), create("/d/f", "x"), symlink(target: "f", path: "/d/s")"#,
        r#"open(fd: "f", path: "/d/s", flags: [O_RDONLY]), read(fd: "f", expect: "x")"#,
    ),
    (
        "dots on the way",
        r#"mkdir("/d"), create("/f", "x")"#,
        r#"open(fd: "f", path: "/d/.././f", flags: [O_RDONLY]), read(fd: "f", expect: "x")"#,
    ),
    (
        "a name of 256 bytes",
        "",
        concat!(
            r#"fails(ENAMETOOLONG, open(fd: "f", path: "/nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn"#,
            r#"nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn", flags: [O_CREAT, O_RDWR]))"#
        ),
    ),
    (
        "O_TRUNC truncates even with O_RDONLY",
        r#"create("/f", "data")"#,
        r#"open(fd: "f", path: "/f", flags: [O_RDONLY, O_TRUNC]), read(fd: "f", expect: "")"#,
    ),
];

/// read(2), write(2), lseek(2), truncate(2).
const TRANSFER: &[Row] = &[
    (
        "reading what is open for writing only",
        "",
        r#"open(fd: "f", path: "/f", flags: [O_CREAT, O_WRONLY]), fails(EBADF, read(fd: "f", expect: "x"))"#,
    ),
    (
        "writing what is open for reading only",
        r#"create("/f", "")"#,
        r#"open(fd: "f", path: "/f", flags: [O_RDONLY]), fails(EBADF, write("f", "x"))"#,
    ),
    (
        "writing nothing to what is open for reading only",
        r#"create("/f", "")"#,
        r#"open(fd: "f", path: "/f", flags: [O_RDONLY]), fails(EBADF, write("f", ""))"#,
    ),
    (
        "reading a directory",
        r#"mkdir("/d")"#,
        r#"open(fd: "d", path: "/d", flags: [O_RDONLY]), fails(EISDIR, read(fd: "d", expect: "x"))"#,
    ),
    (
        "pwrite at a negative offset",
        "",
        r#"open(fd: "f", path: "/f", flags: [O_CREAT, O_RDWR]), fails(EINVAL, pwrite(fd: "f", data: "x", offset: -1))"#,
    ),
    (
        "pread at a negative offset",
        "",
        r#"open(fd: "f", path: "/f", flags: [O_CREAT, O_RDWR]), fails(EINVAL, pread(fd: "f", offset: -1, expect: "x"))"#,
    ),
    (
        "pwrite where no file reaches",
        "",
        r#"open(fd: "f", path: "/f", flags: [O_CREAT, O_RDWR]), fails(EFBIG, pwrite(fd: "f", data: "x", offset: 17592186040320))"#,
    ),
    (
        "pwrite that no offset can hold",
        "",
        r#"open(fd: "f", path: "/f", flags: [O_CREAT, O_RDWR]), fails(EINVAL, pwrite(fd: "f", data: "xx", offset: 9223372036854775807))"#,
    ),
    (
        "a write does not move a pwrite, nor a pwrite the position",
        "",
        r#"open(fd: "f", path: "/f", flags: [O_CREAT, O_RDWR]), write("f", "ab"), pwrite(fd: "f", data: "XYZ", offset: 0), write("f", "c"), pread(fd: "f", offset: 0, expect: "XYc")"#,
    ),
    (
        "pwrite on O_APPEND ignores its offset",
        r#"create("/f", "ab")"#,
        r#"open(fd: "f", path: "/f", flags: [O_RDWR, O_APPEND]), pwrite(fd: "f", data: "c", offset: 0), pread(fd: "f", offset: 0, expect: "abc")"#,
    ),
    (
        "a read that meets the end",
        r#"create("/f", "abc")"#,
        r#"open(fd: "f", path: "/f", flags: [O_RDONLY]), short(3, read(fd: "f", expect: "abcdef"))"#,
    ),
    (
        "a hole reads as zeros",
        "",
        r#"open(fd: "f", path: "/f", flags: [O_CREAT, O_RDWR]), pwrite(fd: "f", data: "x", offset: 8192), pread(fd: "f", offset: 0, expect: zeros(8192)), pread(fd: "f", offset: 8192, expect: "x")"#,
    ),
    (
        "dup shares the position",
        r#"create("/f", "abcd")"#,
        r#"open(fd: "f", path: "/f", flags: [O_RDONLY]), dup(fd: "g", of: "f"), read(fd: "f", expect: "ab"), read(fd: "g", expect: "cd")"#,
    ),
    (
        "a second open does not",
        r#"create("/f", "abcd")"#,
        r#"open(fd: "f", path: "/f", flags: [O_RDONLY]), open(fd: "g", path: "/f", flags: [O_RDONLY]), read(fd: "f", expect: "ab"), read(fd: "g", expect: "ab")"#,
    ),
    (
        "lseek before the start",
        "",
        r#"open(fd: "f", path: "/f", flags: [O_CREAT, O_RDWR]), fails(EINVAL, lseek(fd: "f", offset: -1, whence: SEEK_SET))"#,
    ),
    (
        "lseek from the end",
        r#"create("/f", "abcd")"#,
        r#"open(fd: "f", path: "/f", flags: [O_RDONLY]), lseek(fd: "f", offset: -1, whence: SEEK_END), read(fd: "f", expect: "d")"#,
    ),
    (
        "ftruncate to a negative length",
        "",
        r#"open(fd: "f", path: "/f", flags: [O_CREAT, O_RDWR]), fails(EINVAL, ftruncate("f", -1))"#,
    ),
    (
        "ftruncate of what is open for reading only",
        r#"create("/f", "")"#,
        r#"open(fd: "f", path: "/f", flags: [O_RDONLY]), fails(EINVAL, ftruncate("f", 0))"#,
    ),
    (
        "ftruncate beyond the largest file",
        "",
        r#"open(fd: "f", path: "/f", flags: [O_CREAT, O_RDWR]), fails(EFBIG, ftruncate("f", 17592186044415))"#,
    ),
    ("truncate of a directory", r#"mkdir("/d")"#, r#"fails(EISDIR, truncate("/d", 0))"#),
    ("truncate of what is not there", "", r#"fails(ENOENT, truncate("/f", 0))"#),
    ("truncate to a negative length comes before lookup", "", r#"fails(EINVAL, truncate("/f", -1))"#),
    (
        "what is cut off does not come back",
        r#"create("/f", "abcdef")"#,
        r#"truncate("/f", 2), truncate("/f", 6), open(fd: "f", path: "/f", flags: [O_RDONLY]), read(fd: "f", expect: hex("61 62 00 00 00 00"))"#,
    ),
    // (8192 blocks - 1158 that mkfs takes - 163 kept back) x 4096
    (
        "the disk is full",
        "",
        r#"open(fd: "f", path: "/f", flags: [O_CREAT, O_RDWR]), short(28143616, write("f", zeros(33554432))), fails(ENOSPC, write("f", "x"))"#,
    ),
];

/// mkdir(2), rmdir(2), unlink(2), rename(2), link(2), symlink(2), chmod(2).
const NAMES: &[Row] = &[
    (
        "mkdir of what exists",
        r#"create("/f", "")"#,
        r#"fails(EEXIST, mkdir("/f")), fails(EEXIST, mkdir("/")), fails(EEXIST, mkdir("/."))"#,
    ),
    ("mkdir with a slash", "", r#"mkdir("/d/"), mkdir("/d/e")"#),
    ("rmdir of a file", r#"create("/f", "")"#, r#"fails(ENOTDIR, rmdir("/f"))"#),
    (
        "rmdir of a directory with a name in it",
        r#"mkdir("/d"), create("/d/f", "")"#,
        r#"fails(ENOTEMPTY, rmdir("/d"))"#,
    ),
    (
        "rmdir of dots",
        r#"mkdir("/d"), mkdir("/d/e")"#,
        r#"fails(EINVAL, rmdir("/d/.")), fails(ENOTEMPTY, rmdir("/d/e/.."))"#,
    ),
    (
        "rmdir of a symlink to a directory",
        r#"mkdir("/d"), symlink(target: "/d", path: "/s")"#,
        r#"fails(ENOTDIR, rmdir("/s"))"#,
    ),
    (
        "unlink of a directory",
        r#"mkdir("/d")"#,
        r#"fails(EISDIR, unlink("/d")), fails(EISDIR, unlink("/."))"#,
    ),
    ("unlink of what is not there", "", r#"fails(ENOENT, unlink("/f"))"#),
    ("unlink of a file with a slash", r#"create("/f", "")"#, r#"fails(ENOTDIR, unlink("/f/"))"#),
    (
        "unlink of a symlink leaves its target",
        r#"create("/f", "x"), symlink(target: "/f", path: "/s")"#,
        r#"unlink("/s"), open(fd: "f", path: "/f", flags: [O_RDONLY]), read(fd: "f", expect: "x")"#,
    ),
    ("rename of what is not there", "", r#"fails(ENOENT, rename("/f", "/g"))"#),
    (
        "rename of dots",
        r#"mkdir("/d")"#,
        r#"fails(EBUSY, rename("/d/.", "/e")), fails(EBUSY, rename("/d", "/d/.."))"#,
    ),
    (
        "rename of a directory into itself",
        r#"mkdir("/d"), mkdir("/d/e")"#,
        r#"fails(EINVAL, rename("/d", "/d/e/f"))"#,
    ),
    ("rename over an ancestor", r#"mkdir("/d"), mkdir("/d/e")"#, r#"fails(ENOTEMPTY, rename("/d/e", "/d"))"#),
    (
        "rename of a directory over a file",
        r#"mkdir("/d"), create("/f", "")"#,
        r#"fails(ENOTDIR, rename("/d", "/f"))"#,
    ),
    (
        "rename of a file over a directory",
        r#"mkdir("/d"), create("/f", "")"#,
        r#"fails(EISDIR, rename("/f", "/d"))"#,
    ),
    (
        "rename over a directory with a name in it",
        r#"mkdir("/d"), mkdir("/e"), create("/e/f", "")"#,
        r#"fails(ENOTEMPTY, rename("/d", "/e"))"#,
    ),
    (
        "rename of a file to a name with a slash",
        r#"create("/f", "")"#,
        r#"fails(ENOTDIR, rename("/f", "/g/"))"#,
    ),
    (
        "rename between two names of one file does nothing",
        r#"create("/f", "x"), link("/f", "/g")"#,
        r#"rename("/f", "/g"), open(fd: "f", path: "/f", flags: [O_RDONLY]), read(fd: "f", expect: "x")"#,
    ),
    (
        "rename to itself",
        r#"create("/f", "x")"#,
        r#"rename("/f", "/f"), open(fd: "f", path: "/f", flags: [O_RDONLY]), read(fd: "f", expect: "x")"#,
    ),
    (
        "what rename replaced stays open",
        r#"create("/f", "old"), create("/g", "new")"#,
        r#"open(fd: "f", path: "/f", flags: [O_RDONLY]), rename("/g", "/f"), read(fd: "f", expect: "old")"#,
    ),
    (
        "a moved directory knows its new parent",
        r#"mkdir("/a"), mkdir("/b"), mkdir("/a/d"), create("/b/f", "x")"#,
        r#"rename("/a/d", "/b/d"), open(fd: "f", path: "/b/d/../f", flags: [O_RDONLY]), read(fd: "f", expect: "x"), rmdir("/a")"#,
    ),
    ("link of a directory", r#"mkdir("/d")"#, r#"fails(EPERM, link("/d", "/e"))"#),
    (
        "link to what exists, even of a directory",
        r#"mkdir("/d"), create("/f", "")"#,
        r#"fails(EEXIST, link("/d", "/f"))"#,
    ),
    ("link of what is not there", "", r#"fails(ENOENT, link("/f", "/g"))"#),
    ("link to a name with a slash", r#"create("/f", "")"#, r#"fails(ENOENT, link("/f", "/g/"))"#),
    ("symlink to nothing", "", r#"fails(ENOENT, symlink(target: "", path: "/s"))"#),
    (
        "symlink over what exists",
        r#"create("/f", "")"#,
        r#"fails(EEXIST, symlink(target: "/x", path: "/f"))"#,
    ),
    (
        "chmod follows a symlink",
        r#"symlink(target: "/x", path: "/s")"#,
        r#"fails(ENOENT, chmod("/s", 0o600))"#,
    ),
    (
        "an unlinked file lives while it is open",
        "",
        r#"open(fd: "f", path: "/f", flags: [O_CREAT, O_RDWR]), write("f", "x"), unlink("/f"), pread(fd: "f", offset: 0, expect: "x"), fails(ENOENT, open(fd: "g", path: "/f", flags: [O_RDONLY]))"#,
    ),
];

/// pwritev2(2), sync_file_range(2), posix_fadvise(2).
const RANGES: &[Row] = &[
    (
        "pwritev2 at a negative offset comes before the descriptor",
        r#"create("/f", "")"#,
        r#"open(fd: "f", path: "/f", flags: [O_RDONLY]), fails(EINVAL, pwritev2(fd: "f", data: "x", offset: -2, flags: []))"#,
    ),
    (
        "pwritev2 to what is open for reading only",
        r#"create("/f", "")"#,
        r#"open(fd: "f", path: "/f", flags: [O_RDONLY]), fails(EBADF, pwritev2(fd: "f", data: "x", offset: -1, flags: []))"#,
    ),
    (
        "pwritev2 at -1 writes at the position and moves it, elsewhere it does not",
        "",
        r#"open(fd: "f", path: "/f", flags: [O_CREAT, O_RDWR]), pwritev2(fd: "f", data: "ab", offset: -1, flags: []), pwritev2(fd: "f", data: "X", offset: 0, flags: [RWF_DSYNC]), pwritev2(fd: "f", data: "c", offset: -1, flags: [RWF_HIPRI]), pread(fd: "f", offset: 0, expect: "Xbc")"#,
    ),
    (
        "RWF_APPEND ignores the offset",
        r#"create("/f", "ab")"#,
        r#"open(fd: "f", path: "/f", flags: [O_RDWR]), pwritev2(fd: "f", data: "c", offset: 0, flags: [RWF_APPEND]), pread(fd: "f", offset: 0, expect: "abc")"#,
    ),
    (
        "RWF_NOWAIT without O_DIRECT, unless nothing is written",
        "",
        r#"open(fd: "f", path: "/f", flags: [O_CREAT, O_RDWR]), fails(EOPNOTSUPP, pwritev2(fd: "f", data: "x", offset: 0, flags: [RWF_NOWAIT])), pwritev2(fd: "f", data: "", offset: 0, flags: [RWF_NOWAIT])"#,
    ),
    (
        // The first write brings the extent into memory, where 6.18 must find it (6.6 need not).
        "RWF_NOWAIT with O_DIRECT: an overwrite, what extends, and what is in the page cache",
        r#"create("/f", repeat("A", 4096))"#,
        r#"open(fd: "f", path: "/f", flags: [O_RDWR, O_DIRECT]), pwrite(fd: "f", data: repeat("C", 4096), offset: 0), pwritev2(fd: "f", data: repeat("B", 4096), offset: 0, flags: [RWF_NOWAIT]), fails(EAGAIN, pwritev2(fd: "f", data: repeat("B", 4096), offset: 4096, flags: [RWF_NOWAIT])), open(fd: "g", path: "/f", flags: [O_RDONLY]), read(fd: "g", expect: repeat("B", 4096)), fails(EAGAIN, pwritev2(fd: "f", data: repeat("C", 4096), offset: 0, flags: [RWF_NOWAIT]))"#,
    ),
    (
        "sync_file_range of what is not there, or runs off the end of the numbers",
        "",
        r#"open(fd: "f", path: "/f", flags: [O_CREAT, O_RDWR]), fails(EINVAL, sync_file_range(fd: "f", offset: -1, nbytes: 0, flags: [])), fails(EINVAL, sync_file_range(fd: "f", offset: 5, nbytes: -1, flags: [])), fails(EINVAL, sync_file_range(fd: "f", offset: 9223372036854775807, nbytes: 1, flags: [])), sync_file_range(fd: "f", offset: 9223372036854775807, nbytes: 0, flags: [SYNC_FILE_RANGE_WRITE])"#,
    ),
    (
        "sync_file_range of a directory and of what is open for reading only",
        r#"mkdir("/d")"#,
        r#"open(fd: "d", path: "/d", flags: [O_RDONLY]), sync_file_range(fd: "d", offset: 0, nbytes: 0, flags: [SYNC_FILE_RANGE_WRITE_AND_WAIT])"#,
    ),
    (
        "posix_fadvise with a negative length, and with a negative offset",
        r#"create("/f", "x")"#,
        r#"open(fd: "f", path: "/f", flags: [O_RDONLY]), fails(EINVAL, posix_fadvise(fd: "f", offset: 0, length: -1, advice: POSIX_FADV_NORMAL)), posix_fadvise(fd: "f", offset: -4096, length: 4096, advice: POSIX_FADV_DONTNEED), posix_fadvise(fd: "f", offset: 0, length: 0, advice: POSIX_FADV_WILLNEED)"#,
    ),
    (
        "a page that was dropped is read again, a dirty one stays",
        r#"create("/f", repeat("A", 8192))"#,
        r#"open(fd: "f", path: "/f", flags: [O_RDWR]), pwrite(fd: "f", data: "B", offset: 0), posix_fadvise(fd: "f", offset: 0, length: 0, advice: POSIX_FADV_DONTNEED), pwrite(fd: "f", data: "C", offset: 1), pread(fd: "f", offset: 0, expect: "BCA")"#,
    ),
];

/// O_DIRECT.
const DIRECT: &[Row] = &[
    (
        "an offset or a length that is no whole number of sectors",
        r#"create("/f", repeat("A", 8192))"#,
        r#"open(fd: "f", path: "/f", flags: [O_RDWR, O_DIRECT]), fails(EINVAL, pwrite(fd: "f", data: repeat("B", 512), offset: 100)), fails(EINVAL, pwrite(fd: "f", data: "B", offset: 0)), fails(EINVAL, pwrite(fd: "f", data: "B", offset: 8192)), fails(EINVAL, pread(fd: "f", offset: 100, expect: repeat("A", 512))), pwrite(fd: "f", data: repeat("B", 512), offset: 512), pread(fd: "f", offset: 512, expect: concat([repeat("B", 512), repeat("A", 512)]))"#,
    ),
    (
        "an unaligned read of a hole or behind the end",
        r#"create("/f", ""), truncate("/f", 8192)"#,
        r#"open(fd: "f", path: "/f", flags: [O_RDWR, O_DIRECT]), pread(fd: "f", offset: 100, expect: zeros(10)), pread(fd: "f", offset: 9000, expect: "")"#,
    ),
    (
        "a read that meets the end",
        r#"create("/f", repeat("A", 100))"#,
        r#"open(fd: "f", path: "/f", flags: [O_RDWR, O_DIRECT]), short(100, pread(fd: "f", offset: 0, expect: concat([repeat("A", 100), zeros(412)])))"#,
    ),
    (
        "the page cache sees what was written beside it, and the other way round",
        r#"create("/f", repeat("A", 8192))"#,
        r#"open(fd: "f", path: "/f", flags: [O_RDWR, O_DIRECT]), open(fd: "b", path: "/f", flags: [O_RDWR]), pread(fd: "b", offset: 0, expect: "AA"), pwrite(fd: "f", data: repeat("B", 4096), offset: 0), pread(fd: "b", offset: 4095, expect: "BA"), pwrite(fd: "b", data: "C", offset: 4096), pread(fd: "f", offset: 4096, expect: concat(["C", repeat("A", 4095)]))"#,
    ),
    (
        "part of a new block: the rest of it is zeros",
        r#"create("/f", ""), truncate("/f", 4096)"#,
        r#"open(fd: "f", path: "/f", flags: [O_RDWR, O_DIRECT]), pwrite(fd: "f", data: repeat("B", 512), offset: 1024), pread(fd: "f", offset: 0, expect: concat([zeros(1024), repeat("B", 512), zeros(2560)])), pwrite(fd: "f", data: repeat("C", 512), offset: 8192), pread(fd: "f", offset: 4096, expect: concat([zeros(4096), repeat("C", 512)]))"#,
    ),
    (
        "O_APPEND, and the position",
        r#"create("/f", repeat("A", 512))"#,
        r#"open(fd: "f", path: "/f", flags: [O_RDWR, O_APPEND, O_DIRECT]), write("f", repeat("B", 512)), write("f", repeat("C", 512)), pread(fd: "f", offset: 0, expect: concat([repeat("A", 512), repeat("B", 512), repeat("C", 512)]))"#,
    ),
    (
        "what a refused write allocated is gone",
        "",
        r#"open(fd: "f", path: "/f", flags: [O_CREAT, O_RDWR, O_DIRECT]), fails(EINVAL, pwrite(fd: "f", data: repeat("B", 4000), offset: 0)), pread(fd: "f", offset: 0, expect: ""), lseek(fd: "f", offset: 0, whence: SEEK_END), pwrite(fd: "f", data: repeat("B", 4096), offset: 0)"#,
    ),
];

fn scenario(setup: &str, steps: &str) -> String {
    format!("(title: \"row\", setup: [{setup}], steps: [{steps}], expect: [])")
}

fn check(rows: &[Row]) {
    for (name, setup, steps) in rows {
        let text = scenario(setup, steps);
        let scenario = parse(&text).unwrap_or_else(|errors| panic!("{name}: {errors:?}\n{text}"));
        for schedule in Schedule::ALL {
            if let Err(error) = run(&scenario, schedule) {
                panic!("{name}, {schedule}: {error}");
            }
        }
    }
}

#[test]
fn open_fails_as_the_kernel_does() {
    check(OPEN);
}

#[test]
fn transfers_return_what_the_kernel_does() {
    check(TRANSFER);
}

#[test]
fn ranges_return_what_the_kernel_does() {
    check(RANGES);
}

#[test]
fn direct_transfers_return_what_the_kernel_does() {
    check(DIRECT);
}

#[test]
fn mappings_are_made_and_refused_as_by_the_kernel() {
    check(mappings::MAPPINGS);
}

#[test]
fn ranges_are_allocated_and_freed_as_by_the_kernel() {
    check(space::FALLOCATE);
}

#[test]
fn names_are_exchanged_and_not_replaced_as_by_the_kernel() {
    check(space::RENAMEAT2);
}

#[test]
fn files_without_a_name_get_one_as_by_the_kernel() {
    check(space::TMPFILE);
}

#[test]
fn older_kernels_lack_calls_and_modes() {
    // The steps that hold for each of these kernels; those that differ say so with `on`.
    let steps = r#"
        open(fd: "f", path: "/f", flags: [O_RDWR]),
        fails(errno: ENOSYS, step: fallocate(fd: "f", mode: [], offset: 0, length: 1), on: "..2.6.19"),
        only(on: "3.10..", step: fails(EINVAL, fallocate(fd: "f", mode: [], offset: 0, length: 0))),
        only(on: "3.10..", step: fallocate(fd: "f", mode: [FALLOC_FL_KEEP_SIZE, FALLOC_FL_PUNCH_HOLE], offset: 0, length: 1)),
        only(on: "3.10", step: fails(EOPNOTSUPP, fallocate(fd: "f", mode: [FALLOC_FL_ZERO_RANGE], offset: 0, length: 1))),
        only(on: "3.10", step: fails(EOPNOTSUPP, fallocate(fd: "f", mode: [FALLOC_FL_COLLAPSE_RANGE], offset: 0, length: 1))),
        only(on: "3.16..", step: fallocate(fd: "f", mode: [FALLOC_FL_ZERO_RANGE], offset: 0, length: 1)),
        only(on: "3.16..", step: fails(EINVAL, fallocate(fd: "f", mode: [FALLOC_FL_COLLAPSE_RANGE], offset: 0, length: 1))),
        only(on: "3.10..3.16", step: fails(EOPNOTSUPP, fallocate(fd: "f", mode: [FALLOC_FL_INSERT_RANGE], offset: 0, length: 1))),
        only(on: "4.19..", step: fails(EINVAL, fallocate(fd: "f", mode: [FALLOC_FL_INSERT_RANGE], offset: 0, length: 1))),
        only(on: "4.19..6.6.51", step: fails(EINVAL, fallocate(fd: "f", mode: [FALLOC_FL_COLLAPSE_RANGE, FALLOC_FL_KEEP_SIZE], offset: 0, length: 4096))),
        only(on: "4.19..6.6.51", step: fails(EINVAL, fallocate(fd: "f", mode: [FALLOC_FL_INSERT_RANGE, FALLOC_FL_ZERO_RANGE], offset: 0, length: 4096))),
        only(on: "4.19..6.6.51", step: fails(EINVAL, fallocate(fd: "f", mode: [FALLOC_FL_ZERO_RANGE, FALLOC_FL_UNSHARE_RANGE], offset: 0, length: 4096))),
        only(on: "6.12", step: fails(EOPNOTSUPP, fallocate(fd: "f", mode: [FALLOC_FL_COLLAPSE_RANGE, FALLOC_FL_KEEP_SIZE], offset: 0, length: 4096))),
        only(on: "6.12", step: fails(EOPNOTSUPP, fallocate(fd: "f", mode: [FALLOC_FL_INSERT_RANGE, FALLOC_FL_ZERO_RANGE], offset: 0, length: 4096))),
        only(on: "6.12", step: fails(EOPNOTSUPP, fallocate(fd: "f", mode: [FALLOC_FL_ZERO_RANGE, FALLOC_FL_UNSHARE_RANGE], offset: 0, length: 4096))),
        fails(errno: ENOSYS, step: renameat2(old: "/f", new: "/g", flags: []), on: "..3.10"),
        only(on: "3.16..", step: rename("/g", "/f")),
        fails(errno: EISDIR, step: open(fd: "t", path: "/", flags: [O_TMPFILE, O_RDWR]), on: "..3.10"),
        only(on: "..2.6.11", step: fails(ENOSYS, linkat(fd: "f", path: "/h"))),
        only(on: "2.6.16..2.6.19", step: fails(EINVAL, linkat(fd: "f", path: "/h"))),
        only(on: "3.10..", step: linkat(fd: "f", path: "/h")),
    "#;
    let text = format!(
        "(title: \"row\", stack: (kernel: \"..\"), setup: [create(\"/f\", \"x\")], steps: [{steps}], expect: [])"
    );
    let scenarios = parse_all(&text).unwrap_or_else(|errors| panic!("{errors:?}"));
    assert_eq!(scenarios.len(), Kernel::ALL.len());
    for scenario in scenarios {
        if let Err(error) = run(&scenario, Schedule::Prompt) {
            panic!("{}: {error}", scenario.stack.kernel);
        }
    }
}

#[test]
fn names_change_as_the_kernel_does() {
    check(NAMES);
}

#[test]
fn a_step_that_returns_something_else_ends_the_run() {
    let rows = [
        ("a step that fails", r#"open(fd: "f", path: "/f", flags: [O_RDONLY])"#, "failed with ENOENT"),
        ("a step that should fail", r#"fails(ENOENT, mkdir("/d"))"#, "succeeded, the file says ENOENT"),
        ("the wrong error", r#"fails(EEXIST, rmdir("/d"))"#, "failed with ENOENT, the file says EEXIST"),
        (
            "the wrong bytes",
            r#"open(fd: "f", path: "/f", flags: [O_CREAT, O_RDWR]), write("f", "ab"), pread(fd: "f", offset: 0, expect: "ac")"#,
            "read 2 bytes \"ab\"",
        ),
    ];
    for (name, steps, message) in rows {
        let scenario = parse(&scenario("", steps)).unwrap_or_else(|errors| panic!("{name}: {errors:?}"));
        let error: StepError = run(&scenario, Schedule::Prompt).expect_err(name);
        assert!(error.to_string().contains(message), "{name}: {error}");
    }
}
