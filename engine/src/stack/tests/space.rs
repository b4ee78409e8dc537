//! What fallocate, renameat2, O_TMPFILE and linkat return, as rows of the table. All were run on Linux 6.18 too, with the
//! same result.

use super::Row;

/// fallocate(2).
pub(super) const FALLOCATE: &[Row] = &[
    (
        "offset and length come before the modes and the access mode",
        r#"create("/f", concat([repeat("A", 4096), repeat("B", 4096), repeat("C", 4096)]))"#,
        r#"open(fd: "r", path: "/f", flags: [O_RDONLY]), fails(EINVAL, fallocate(fd: "r", mode: [], offset: -1, length: 1)), fails(EINVAL, fallocate(fd: "r", mode: [], offset: 0, length: 0)), fails(EINVAL, fallocate(fd: "r", mode: [], offset: 0, length: -1)), fails(EINVAL, fallocate(fd: "r", mode: [FALLOC_FL_PUNCH_HOLE], offset: 0, length: 0)), fails(EOPNOTSUPP, fallocate(fd: "r", mode: [FALLOC_FL_PUNCH_HOLE], offset: 0, length: 1)), fails(EBADF, fallocate(fd: "r", mode: [], offset: 0, length: 1)), fails(EBADF, fallocate(fd: "r", mode: [], offset: 9223372036854775807, length: 1))"#,
    ),
    (
        "a closed descriptor comes first",
        r#"create("/f", concat([repeat("A", 4096), repeat("B", 4096), repeat("C", 4096)]))"#,
        r#"open(fd: "f", path: "/f", flags: [O_RDWR]), close("f"), fails(EBADF, fallocate(fd: "f", mode: [], offset: -1, length: 0))"#,
    ),
    (
        "a directory",
        r#"mkdir("/d")"#,
        r#"open(fd: "f", path: "/d", flags: [O_RDONLY, O_DIRECTORY]), fails(EBADF, fallocate(fd: "f", mode: [], offset: 0, length: 1))"#,
    ),
    (
        "beyond the largest file",
        r#""#,
        r#"open(fd: "f", path: "/f", flags: [O_CREAT, O_RDWR]), fails(EFBIG, fallocate(fd: "f", mode: [], offset: 17592186040320, length: 1)), fails(EFBIG, fallocate(fd: "f", mode: [FALLOC_FL_KEEP_SIZE], offset: 9223372036854775807, length: 1)), fails(EFBIG, fallocate(fd: "f", mode: [FALLOC_FL_PUNCH_HOLE, FALLOC_FL_KEEP_SIZE], offset: 17592186040320, length: 1)), fails(EFBIG, fallocate(fd: "f", mode: [FALLOC_FL_UNSHARE_RANGE], offset: 17592186040320, length: 1)), fails(EOPNOTSUPP, fallocate(fd: "f", mode: [FALLOC_FL_UNSHARE_RANGE], offset: 0, length: 1))"#,
    ),
    (
        "two modes at once that no kernel takes",
        r#"create("/f", concat([repeat("A", 4096), repeat("B", 4096), repeat("C", 4096)]))"#,
        r#"open(fd: "f", path: "/f", flags: [O_RDWR]), fails(EOPNOTSUPP, fallocate(fd: "f", mode: [FALLOC_FL_PUNCH_HOLE, FALLOC_FL_ZERO_RANGE, FALLOC_FL_KEEP_SIZE], offset: 0, length: 4096))"#,
    ),
    (
        "what is allocated reads as zeros and the file has grown",
        r#""#,
        r#"open(fd: "f", path: "/f", flags: [O_CREAT, O_RDWR]), fallocate(fd: "f", mode: [], offset: 100, length: 8092), pread(fd: "f", offset: 0, expect: zeros(8192)), pread(fd: "f", offset: 8192, expect: ""), pwrite(fd: "f", data: "x", offset: 5000), pread(fd: "f", offset: 4999, expect: concat([zeros(1), "x", zeros(1)]))"#,
    ),
    (
        "allocation leaves what is there",
        r#"create("/f", concat([repeat("A", 4096), repeat("B", 4096), repeat("C", 4096)]))"#,
        r#"open(fd: "f", path: "/f", flags: [O_RDWR]), fallocate(fd: "f", mode: [], offset: 0, length: 16384), pread(fd: "f", offset: 4095, expect: "AB"), pread(fd: "f", offset: 12287, expect: concat(["C", zeros(4096)])), pread(fd: "f", offset: 16384, expect: "")"#,
    ),
    (
        "FALLOC_FL_KEEP_SIZE keeps it",
        r#"create("/f", concat([repeat("A", 4096), repeat("B", 4096), repeat("C", 4096)]))"#,
        r#"open(fd: "f", path: "/f", flags: [O_RDWR]), fallocate(fd: "f", mode: [FALLOC_FL_KEEP_SIZE], offset: 0, length: 1048576), pread(fd: "f", offset: 12288, expect: ""), lseek(fd: "f", offset: 0, whence: SEEK_END), write("f", "D"), pread(fd: "f", offset: 12287, expect: "CD")"#,
    ),
    (
        "a hole behind the end, and one that reaches behind it",
        r#"create("/f", repeat("A", 5000))"#,
        r#"open(fd: "f", path: "/f", flags: [O_RDWR]), fallocate(fd: "f", mode: [FALLOC_FL_PUNCH_HOLE, FALLOC_FL_KEEP_SIZE], offset: 8192, length: 4096), fallocate(fd: "f", mode: [FALLOC_FL_PUNCH_HOLE, FALLOC_FL_KEEP_SIZE], offset: 5000, length: 1), fallocate(fd: "f", mode: [FALLOC_FL_PUNCH_HOLE, FALLOC_FL_KEEP_SIZE], offset: 4999, length: 100000), pread(fd: "f", offset: 4998, expect: concat(["A", zeros(1)])), pread(fd: "f", offset: 5000, expect: "")"#,
    ),
    (
        "a hole in the middle, with edges",
        r#"create("/f", concat([repeat("A", 4096), repeat("B", 4096), repeat("C", 4096)]))"#,
        r#"open(fd: "f", path: "/f", flags: [O_RDWR]), fallocate(fd: "f", mode: [FALLOC_FL_PUNCH_HOLE, FALLOC_FL_KEEP_SIZE], offset: 4000, length: 4300), pread(fd: "f", offset: 3999, expect: concat(["A", zeros(4300), "C"]))"#,
    ),
    (
        "a hole within one block",
        r#"create("/f", concat([repeat("A", 4096), repeat("B", 4096), repeat("C", 4096)]))"#,
        r#"open(fd: "f", path: "/f", flags: [O_RDWR]), fallocate(fd: "f", mode: [FALLOC_FL_PUNCH_HOLE, FALLOC_FL_KEEP_SIZE], offset: 4100, length: 10), pread(fd: "f", offset: 4099, expect: concat(["B", zeros(10), "B"]))"#,
    ),
    (
        "a hole in what is not written yet",
        r#""#,
        r#"open(fd: "f", path: "/f", flags: [O_CREAT, O_RDWR]), write("f", repeat("A", 12288)), fallocate(fd: "f", mode: [FALLOC_FL_PUNCH_HOLE, FALLOC_FL_KEEP_SIZE], offset: 2048, length: 8192), pread(fd: "f", offset: 2047, expect: concat(["A", zeros(8192), "A"]))"#,
    ),
    (
        "zeros in the middle, and behind the end",
        r#"create("/f", concat([repeat("A", 4096), repeat("B", 4096), repeat("C", 4096)]))"#,
        r#"open(fd: "f", path: "/f", flags: [O_RDWR]), fallocate(fd: "f", mode: [FALLOC_FL_ZERO_RANGE], offset: 4000, length: 4300), pread(fd: "f", offset: 3999, expect: concat(["A", zeros(4300), "C"])), fallocate(fd: "f", mode: [FALLOC_FL_ZERO_RANGE], offset: 12000, length: 1000), pread(fd: "f", offset: 11999, expect: concat(["C", zeros(1000)])), pread(fd: "f", offset: 13000, expect: ""), fallocate(fd: "f", mode: [FALLOC_FL_ZERO_RANGE, FALLOC_FL_KEEP_SIZE], offset: 12500, length: 10000), pread(fd: "f", offset: 13000, expect: "")"#,
    ),
    (
        "zeros over whole blocks that are dirty",
        r#""#,
        r#"open(fd: "f", path: "/f", flags: [O_CREAT, O_RDWR]), write("f", repeat("A", 12288)), fallocate(fd: "f", mode: [FALLOC_FL_ZERO_RANGE], offset: 4096, length: 4096), pread(fd: "f", offset: 4095, expect: concat(["A", zeros(4096), "A"])), pwrite(fd: "f", data: "x", offset: 4096), pread(fd: "f", offset: 4096, expect: concat(["x", zeros(1)]))"#,
    ),
    (
        "collapse takes whole blocks before the end only",
        r#"create("/f", concat([repeat("A", 4096), repeat("B", 4096), repeat("C", 4096)]))"#,
        r#"open(fd: "f", path: "/f", flags: [O_RDWR]), fails(EINVAL, fallocate(fd: "f", mode: [FALLOC_FL_COLLAPSE_RANGE], offset: 1, length: 4096)), fails(EINVAL, fallocate(fd: "f", mode: [FALLOC_FL_COLLAPSE_RANGE], offset: 0, length: 4095)), fails(EINVAL, fallocate(fd: "f", mode: [FALLOC_FL_COLLAPSE_RANGE], offset: 4096, length: 8192)), fails(EINVAL, fallocate(fd: "f", mode: [FALLOC_FL_COLLAPSE_RANGE], offset: 12288, length: 4096)), fallocate(fd: "f", mode: [FALLOC_FL_COLLAPSE_RANGE], offset: 4096, length: 4096), pread(fd: "f", offset: 4095, expect: "AC"), pread(fd: "f", offset: 8191, expect: "C")"#,
    ),
    (
        "collapse of what is not written yet, and of a hole",
        r#""#,
        r#"open(fd: "f", path: "/f", flags: [O_CREAT, O_RDWR]), write("f", concat([repeat("A", 4096), repeat("B", 4096), repeat("C", 100)])), fallocate(fd: "f", mode: [FALLOC_FL_COLLAPSE_RANGE], offset: 0, length: 4096), pread(fd: "f", offset: 4095, expect: concat(["B", repeat("C", 100)])), ftruncate("f", 1048576), fallocate(fd: "f", mode: [FALLOC_FL_COLLAPSE_RANGE], offset: 8192, length: 4096), pread(fd: "f", offset: 1044479, expect: zeros(1)), pread(fd: "f", offset: 1044480, expect: ""), pread(fd: "f", offset: 4195, expect: concat(["C", zeros(1)]))"#,
    ),
    (
        "insert takes whole blocks before the end only",
        r#"create("/f", concat([repeat("A", 4096), repeat("B", 4096), repeat("C", 4096)]))"#,
        r#"open(fd: "f", path: "/f", flags: [O_RDWR]), fails(EINVAL, fallocate(fd: "f", mode: [FALLOC_FL_INSERT_RANGE], offset: 1, length: 4096)), fails(EINVAL, fallocate(fd: "f", mode: [FALLOC_FL_INSERT_RANGE], offset: 0, length: 4095)), fails(EINVAL, fallocate(fd: "f", mode: [FALLOC_FL_INSERT_RANGE], offset: 12288, length: 4096)), fallocate(fd: "f", mode: [FALLOC_FL_INSERT_RANGE], offset: 4096, length: 8192), pread(fd: "f", offset: 4095, expect: concat(["A", zeros(8192), "B"])), pread(fd: "f", offset: 20479, expect: "C"), pread(fd: "f", offset: 20480, expect: "")"#,
    ),
    (
        "insert that would move the end too far",
        r#"create("/f", concat([repeat("A", 4096), repeat("B", 4096), repeat("C", 4096)]))"#,
        r#"open(fd: "f", path: "/f", flags: [O_RDWR]), fails(EFBIG, fallocate(fd: "f", mode: [FALLOC_FL_INSERT_RANGE], offset: 0, length: 17592186036224)), fails(EFBIG, fallocate(fd: "f", mode: [FALLOC_FL_INSERT_RANGE], offset: 4096, length: 17592186032128)), pread(fd: "f", offset: 4095, expect: "AB")"#,
    ),
    (
        "insert of what is not written yet, and into a hole",
        r#""#,
        r#"open(fd: "f", path: "/f", flags: [O_CREAT, O_RDWR]), write("f", concat([repeat("A", 4096), repeat("B", 100)])), fallocate(fd: "f", mode: [FALLOC_FL_INSERT_RANGE], offset: 0, length: 4096), pread(fd: "f", offset: 4095, expect: concat([zeros(1), "A"])), pread(fd: "f", offset: 8191, expect: "AB"), ftruncate("f", 20480), fallocate(fd: "f", mode: [FALLOC_FL_INSERT_RANGE], offset: 16384, length: 4096), pread(fd: "f", offset: 24575, expect: zeros(1)), pread(fd: "f", offset: 24576, expect: "")"#,
    ),
    (
        "blocks behind the end move with the rest, and go with a truncation to the same size",
        r#"create("/f", concat([repeat("A", 4096), repeat("B", 4096), repeat("C", 4096)]))"#,
        r#"open(fd: "f", path: "/f", flags: [O_RDWR]), fallocate(fd: "f", mode: [FALLOC_FL_KEEP_SIZE], offset: 16384, length: 4096), fallocate(fd: "f", mode: [FALLOC_FL_INSERT_RANGE], offset: 0, length: 4096), ftruncate("f", 16384), pread(fd: "f", offset: 4096, expect: "A"), ftruncate("f", 32768), pread(fd: "f", offset: 16384, expect: zeros(16384))"#,
    ),
    (
        "a mapping sees a hole, a private copy does not",
        r#"create("/f", concat([repeat("A", 4096), repeat("B", 4096), repeat("C", 4096)]))"#,
        r#"open(fd: "f", path: "/f", flags: [O_RDWR]), mmap(map: "s", fd: "f", length: 12288, prot: [PROT_READ, PROT_WRITE], flags: [MAP_SHARED]), mmap(map: "p", fd: "f", length: 12288, prot: [PROT_READ, PROT_WRITE], flags: [MAP_PRIVATE]), load(map: "s", offset: 4096, expect: "B"), store(map: "p", offset: 4096, data: "P"), fallocate(fd: "f", mode: [FALLOC_FL_PUNCH_HOLE, FALLOC_FL_KEEP_SIZE], offset: 4096, length: 4096), load(map: "s", offset: 4096, expect: zeros(2)), load(map: "p", offset: 4096, expect: "PB"), store(map: "s", offset: 4096, data: "S"), pread(fd: "f", offset: 4096, expect: concat(["S", zeros(1)]))"#,
    ),
    (
        "a mapping sees what moved, and private copies are gone",
        r#"create("/f", concat([repeat("A", 4096), repeat("B", 4096), repeat("C", 4096)]))"#,
        r#"open(fd: "f", path: "/f", flags: [O_RDWR]), mmap(map: "s", fd: "f", length: 12288, prot: [PROT_READ, PROT_WRITE], flags: [MAP_SHARED]), mmap(map: "p", fd: "f", length: 12288, prot: [PROT_READ, PROT_WRITE], flags: [MAP_PRIVATE]), store(map: "s", offset: 8192, data: "S"), store(map: "p", offset: 4096, data: "P"), store(map: "p", offset: 0, data: "Q"), fallocate(fd: "f", mode: [FALLOC_FL_COLLAPSE_RANGE], offset: 4096, length: 4096), load(map: "s", offset: 4096, expect: "SC"), load(map: "p", offset: 4096, expect: "SC"), load(map: "p", offset: 0, expect: "QA"), fails(SIGBUS, load(map: "s", offset: 8192, expect: "?"))"#,
    ),
    (
        "O_DIRECT into blocks that were never written",
        r#""#,
        r#"open(fd: "f", path: "/f", flags: [O_CREAT, O_RDWR, O_DIRECT]), fallocate(fd: "f", mode: [], offset: 0, length: 8192), pwrite(fd: "f", data: repeat("D", 512), offset: 512), pread(fd: "f", offset: 0, expect: concat([zeros(512), repeat("D", 512), zeros(7168)])), fallocate(fd: "f", mode: [FALLOC_FL_KEEP_SIZE], offset: 8192, length: 8192), pwrite(fd: "f", data: repeat("E", 4096), offset: 8192), pread(fd: "f", offset: 4096, expect: concat([zeros(4096), repeat("E", 4096)])), pread(fd: "f", offset: 12288, expect: "")"#,
    ),
];

/// renameat2(2).
pub(super) const RENAMEAT2: &[Row] = &[
    (
        "flags that exclude each other come before lookup",
        r#""#,
        r#"fails(EINVAL, renameat2(old: "/a", new: "/b", flags: [RENAME_NOREPLACE, RENAME_EXCHANGE])), fails(EINVAL, renameat2(old: "/a", new: "/b", flags: [RENAME_WHITEOUT, RENAME_EXCHANGE])), fails(ENOENT, renameat2(old: "/a", new: "/b", flags: [RENAME_NOREPLACE])), fails(ENOENT, renameat2(old: "/a", new: "/b", flags: []))"#,
    ),
    (
        "without flags it is rename",
        r#"create("/a", "a"), create("/b", "b")"#,
        r#"renameat2(old: "/a", new: "/b", flags: []), open(fd: "f", path: "/b", flags: [O_RDONLY]), read(fd: "f", expect: "a"), fails(ENOENT, unlink("/a"))"#,
    ),
    (
        "RENAME_NOREPLACE",
        r#"create("/a", "a"), create("/b", "b"), mkdir("/d"), link("/a", "/l")"#,
        r#"fails(EEXIST, renameat2(old: "/a", new: "/b", flags: [RENAME_NOREPLACE])), fails(EEXIST, renameat2(old: "/a", new: "/a", flags: [RENAME_NOREPLACE])), fails(EEXIST, renameat2(old: "/a", new: "/l", flags: [RENAME_NOREPLACE])), fails(EEXIST, renameat2(old: "/d", new: "/a/", flags: [RENAME_NOREPLACE])), fails(EEXIST, renameat2(old: "/a", new: "/d/.", flags: [RENAME_NOREPLACE])), fails(EEXIST, renameat2(old: "/a", new: "/", flags: [RENAME_NOREPLACE])), fails(EBUSY, renameat2(old: "/d/.", new: "/a", flags: [RENAME_NOREPLACE])), fails(ENOENT, renameat2(old: "/x", new: "/a", flags: [RENAME_NOREPLACE])), fails(ENOTDIR, renameat2(old: "/a", new: "/c/", flags: [RENAME_NOREPLACE])), fails(EINVAL, renameat2(old: "/d", new: "/d/e", flags: [RENAME_NOREPLACE])), renameat2(old: "/a", new: "/c", flags: [RENAME_NOREPLACE]), unlink("/c")"#,
    ),
    (
        "RENAME_EXCHANGE with what is not there",
        r#"create("/a", "a"), mkdir("/d")"#,
        r#"fails(ENOENT, renameat2(old: "/a", new: "/b", flags: [RENAME_EXCHANGE])), fails(ENOENT, renameat2(old: "/b", new: "/a", flags: [RENAME_EXCHANGE])), fails(EBUSY, renameat2(old: "/a", new: "/d/..", flags: [RENAME_EXCHANGE])), fails(EBUSY, renameat2(old: "/a", new: "/", flags: [RENAME_EXCHANGE]))"#,
    ),
    (
        "RENAME_EXCHANGE with slashes",
        r#"create("/a", "a"), mkdir("/d")"#,
        r#"fails(ENOTDIR, renameat2(old: "/a/", new: "/d", flags: [RENAME_EXCHANGE])), fails(ENOTDIR, renameat2(old: "/d", new: "/a/", flags: [RENAME_EXCHANGE])), renameat2(old: "/a", new: "/d/", flags: [RENAME_EXCHANGE]), rmdir("/a"), unlink("/d")"#,
    ),
    (
        "RENAME_EXCHANGE of a directory and what it holds",
        r#"mkdir("/d"), mkdir("/d/e"), create("/d/e/f", "")"#,
        r#"fails(EINVAL, renameat2(old: "/d", new: "/d/e", flags: [RENAME_EXCHANGE])), fails(EINVAL, renameat2(old: "/d/e", new: "/d", flags: [RENAME_EXCHANGE])), fails(EINVAL, renameat2(old: "/d/e/f", new: "/d", flags: [RENAME_EXCHANGE]))"#,
    ),
    (
        "RENAME_EXCHANGE of two files",
        r#"create("/a", "a"), create("/b", "b")"#,
        r#"renameat2(old: "/a", new: "/b", flags: [RENAME_EXCHANGE]), open(fd: "f", path: "/a", flags: [O_RDONLY]), read(fd: "f", expect: "b"), open(fd: "g", path: "/b", flags: [O_RDONLY]), read(fd: "g", expect: "a")"#,
    ),
    (
        "RENAME_EXCHANGE of two names of one file, and of one name",
        r#"create("/a", "a"), link("/a", "/b")"#,
        r#"renameat2(old: "/a", new: "/b", flags: [RENAME_EXCHANGE]), renameat2(old: "/a", new: "/a", flags: [RENAME_EXCHANGE]), unlink("/a"), unlink("/b")"#,
    ),
    (
        "RENAME_EXCHANGE of a file and a directory that is not empty",
        r#"create("/a", "a"), mkdir("/d"), create("/d/f", "f"), mkdir("/p")"#,
        r#"open(fd: "d", path: "/d", flags: [O_RDONLY, O_DIRECTORY]), renameat2(old: "/a", new: "/d", flags: [RENAME_EXCHANGE]), open(fd: "f", path: "/a/f", flags: [O_RDONLY]), read(fd: "f", expect: "f"), renameat2(old: "/d", new: "/p", flags: [RENAME_EXCHANGE]), rmdir("/d"), renameat2(old: "/a", new: "/p", flags: [RENAME_EXCHANGE]), unlink("/p/f"), rmdir("/p"), unlink("/a")"#,
    ),
    (
        "directories that were exchanged know their new parents",
        r#"mkdir("/p"), mkdir("/q"), mkdir("/p/d"), mkdir("/q/e"), create("/p/x", "p"), create("/q/x", "q")"#,
        r#"renameat2(old: "/p/d", new: "/q/e", flags: [RENAME_EXCHANGE]), open(fd: "f", path: "/p/d/../x", flags: [O_RDONLY]), read(fd: "f", expect: "p"), open(fd: "g", path: "/q/e/../x", flags: [O_RDONLY]), read(fd: "g", expect: "q"), renameat2(old: "/p/x", new: "/q/e", flags: [RENAME_EXCHANGE]), open(fd: "h", path: "/p/x/../d/../x/../../q/e", flags: [O_RDONLY]), read(fd: "h", expect: "p"), rmdir("/p/x"), rmdir("/p/d"), unlink("/q/e"), unlink("/q/x"), rmdir("/p"), rmdir("/q")"#,
    ),
];

/// open(2) with O_TMPFILE, linkat(2) with AT_EMPTY_PATH.
pub(super) const TMPFILE: &[Row] = &[
    (
        "O_TMPFILE needs write access, and comes before lookup",
        r#""#,
        r#"fails(EINVAL, open(fd: "t", path: "/x", flags: [O_TMPFILE, O_RDONLY])), fails(EINVAL, open(fd: "t", path: "/x", flags: [O_TMPFILE, O_TRUNC])), fails(EINVAL, open(fd: "t", path: "/x", flags: [O_TMPFILE, O_CREAT, O_RDWR])), fails(ENOENT, open(fd: "t", path: "/x", flags: [O_TMPFILE, O_RDWR]))"#,
    ),
    (
        "O_TMPFILE in what is no directory",
        r#"create("/f", ""), symlink(target: "/", path: "/s")"#,
        r#"fails(ENOTDIR, open(fd: "t", path: "/f", flags: [O_TMPFILE, O_RDWR])), fails(ENOTDIR, open(fd: "t", path: "/s", flags: [O_TMPFILE, O_RDWR, O_NOFOLLOW])), open(fd: "t", path: "/s", flags: [O_TMPFILE, O_RDWR])"#,
    ),
    (
        "a file without a name is written and read, and directories stay empty",
        r#"mkdir("/d")"#,
        r#"open(fd: "t", path: "/d", flags: [O_TMPFILE, O_RDWR]), write("t", "data"), pread(fd: "t", offset: 0, expect: "data"), rmdir("/d"), pread(fd: "t", offset: 0, expect: "data"), linkat(fd: "t", path: "/f"), open(fd: "g", path: "/f", flags: [O_RDONLY]), read(fd: "g", expect: "data")"#,
    ),
    (
        "linkat gives it a name, and more",
        r#"mkdir("/d"), create("/x", "")"#,
        r#"open(fd: "t", path: "/", flags: [O_TMPFILE, O_WRONLY]), write("t", "data"), fails(EEXIST, linkat(fd: "t", path: "/x")), fails(EEXIST, linkat(fd: "t", path: "/")), fails(ENOENT, linkat(fd: "t", path: "/f/")), fails(ENOENT, linkat(fd: "t", path: "/y/f")), fails(ENOTDIR, linkat(fd: "t", path: "/x/f")), linkat(fd: "t", path: "/f"), linkat(fd: "t", path: "/d/g"), close("t"), open(fd: "f", path: "/d/g", flags: [O_RDONLY]), read(fd: "f", expect: "data"), unlink("/f"), pread(fd: "f", offset: 0, expect: "data")"#,
    ),
    (
        "linkat of a closed descriptor and of a directory",
        r#"mkdir("/d")"#,
        r#"open(fd: "t", path: "/", flags: [O_TMPFILE, O_RDWR]), close("t"), fails(EBADF, linkat(fd: "t", path: "/f")), open(fd: "d", path: "/d", flags: [O_RDONLY, O_DIRECTORY]), fails(EPERM, linkat(fd: "d", path: "/e")), fails(EEXIST, linkat(fd: "d", path: "/d"))"#,
    ),
    (
        "O_EXCL: it never gets a name",
        r#""#,
        r#"open(fd: "t", path: "/", flags: [O_TMPFILE, O_RDWR, O_EXCL]), write("t", "data"), fails(ENOENT, linkat(fd: "t", path: "/f")), pread(fd: "t", offset: 0, expect: "data")"#,
    ),
    (
        "linkat of a file that has a name, and of one that has none any more",
        r#"create("/a", "a")"#,
        r#"open(fd: "f", path: "/a", flags: [O_RDONLY]), linkat(fd: "f", path: "/b"), unlink("/a"), linkat(fd: "f", path: "/a"), unlink("/a"), unlink("/b"), fails(ENOENT, linkat(fd: "f", path: "/c"))"#,
    ),
    (
        "what had its first name by linkat and lost it gets no other",
        r#""#,
        r#"open(fd: "t", path: "/", flags: [O_TMPFILE, O_RDWR]), linkat(fd: "t", path: "/f"), unlink("/f"), fails(ENOENT, linkat(fd: "t", path: "/f")), write("t", "x")"#,
    ),
];
