//! What calls on the address space return, as rows of the table. All were run on Linux 6.18 too, with the same result;
//! what ends in a signal by a child of the program.

use super::Row;

/// mmap(2), msync(2), munmap(2), mremap(2), mprotect(2), remap_file_pages(2), loads and stores.
pub(super) const MAPPINGS: &[Row] = &[
    (
        "mmap of nothing",
        r#"create("/f", repeat("A", 8192))"#,
        r#"open(fd: "f", path: "/f", flags: [O_CREAT, O_RDWR]), fails(EINVAL, mmap(map: "m", fd: "f", length: 0, prot: [PROT_READ, PROT_WRITE], flags: [MAP_SHARED]))"#,
    ),
    (
        "mmap at an offset within a page",
        r#"create("/f", repeat("A", 8192))"#,
        r#"open(fd: "f", path: "/f", flags: [O_CREAT, O_RDWR]), fails(EINVAL, mmap(map: "m", fd: "f", length: 4096, prot: [PROT_READ, PROT_WRITE], flags: [MAP_SHARED], offset: 512))"#,
    ),
    (
        "mmap to store, of what is open for reading only",
        r#"create("/f", repeat("A", 8192))"#,
        r#"open(fd: "f", path: "/f", flags: [O_RDONLY]), fails(EACCES, mmap(map: "m", fd: "f", length: 4096, prot: [PROT_READ, PROT_WRITE], flags: [MAP_SHARED]))"#,
    ),
    (
        "mmap of what is open for writing only",
        r#"create("/f", repeat("A", 8192))"#,
        r#"open(fd: "f", path: "/f", flags: [O_WRONLY]), fails(EACCES, mmap(map: "m", fd: "f", length: 4096, prot: [PROT_READ], flags: [MAP_PRIVATE]))"#,
    ),
    (
        "mmap of a directory",
        r#"mkdir("/d")"#,
        r#"open(fd: "d", path: "/d", flags: [O_RDONLY]), fails(ENODEV, mmap(map: "m", fd: "d", length: 4096, prot: [PROT_READ], flags: [MAP_SHARED]))"#,
    ),
    (
        "MAP_SYNC without DAX",
        r#"create("/f", repeat("A", 8192))"#,
        r#"open(fd: "f", path: "/f", flags: [O_CREAT, O_RDWR]), fails(EOPNOTSUPP, mmap(map: "m", fd: "f", length: 4096, prot: [PROT_READ, PROT_WRITE], flags: [MAP_SHARED_VALIDATE, MAP_SYNC]))"#,
    ),
    (
        "MAP_FIXED_NOREPLACE over a mapping",
        r#"create("/f", repeat("A", 8192))"#,
        r#"open(fd: "f", path: "/f", flags: [O_CREAT, O_RDWR]), mmap(map: "m", fd: "f", length: 8192, prot: [PROT_READ, PROT_WRITE], flags: [MAP_SHARED]), fails(EEXIST, mmap(map: "n", fd: "f", length: 4096, prot: [PROT_READ, PROT_WRITE], flags: [MAP_SHARED, MAP_FIXED_NOREPLACE], at: ("m", 4096)))"#,
    ),
    (
        "anonymous memory, populated: zeros take no memory",
        r#"sync"#,
        r#"mmap(map: "n", length: 70368744177664, prot: [PROT_READ, PROT_WRITE], flags: [MAP_PRIVATE, MAP_ANONYMOUS, MAP_POPULATE]), load(map: "n", offset: 4096, expect: zeros(4))"#,
    ),
    (
        "msync, both ways at once",
        r#"create("/f", repeat("A", 8192))"#,
        r#"open(fd: "f", path: "/f", flags: [O_CREAT, O_RDWR]), mmap(map: "m", fd: "f", length: 8192, prot: [PROT_READ, PROT_WRITE], flags: [MAP_SHARED]), fails(EINVAL, msync(map: "m", flags: [MS_SYNC, MS_ASYNC]))"#,
    ),
    (
        "msync within a page",
        r#"create("/f", repeat("A", 8192))"#,
        r#"open(fd: "f", path: "/f", flags: [O_CREAT, O_RDWR]), mmap(map: "m", fd: "f", length: 8192, prot: [PROT_READ, PROT_WRITE], flags: [MAP_SHARED]), fails(EINVAL, msync(map: "m", offset: 1, length: 10, flags: [MS_SYNC]))"#,
    ),
    (
        "msync where nothing is mapped any more",
        r#"create("/f", repeat("A", 8192))"#,
        r#"open(fd: "f", path: "/f", flags: [O_CREAT, O_RDWR]), mmap(map: "m", fd: "f", length: 8192, prot: [PROT_READ, PROT_WRITE], flags: [MAP_SHARED]), munmap("m"), fails(ENOMEM, msync(map: "m", length: 4096, flags: [MS_ASYNC]))"#,
    ),
    (
        "msync of locked memory with MS_INVALIDATE",
        r#"create("/f", repeat("A", 8192))"#,
        r#"open(fd: "f", path: "/f", flags: [O_CREAT, O_RDWR]), mmap(map: "m", fd: "f", length: 8192, prot: [PROT_READ, PROT_WRITE], flags: [MAP_SHARED]), mlock("m"), fails(EBUSY, msync(map: "m", flags: [MS_INVALIDATE])), munlock("m"), msync(map: "m", flags: [MS_INVALIDATE])"#,
    ),
    (
        "munmap of no length",
        r#"create("/f", repeat("A", 8192))"#,
        r#"open(fd: "f", path: "/f", flags: [O_CREAT, O_RDWR]), mmap(map: "m", fd: "f", length: 8192, prot: [PROT_READ, PROT_WRITE], flags: [MAP_SHARED]), fails(EINVAL, munmap(map: "m", offset: 0, length: 0)), fails(EINVAL, munmap(map: "m", offset: 7, length: 4096))"#,
    ),
    (
        "mremap that may not move",
        r#"create("/f", repeat("A", 8192))"#,
        r#"open(fd: "f", path: "/f", flags: [O_CREAT, O_RDWR]), mmap(map: "m", fd: "f", length: 8192, prot: [PROT_READ, PROT_WRITE], flags: [MAP_SHARED]), mmap(map: "n", fd: "f", length: 4096, prot: [PROT_READ, PROT_WRITE], flags: [MAP_SHARED, MAP_FIXED], at: ("m", 4096)), fails(ENOMEM, mremap(map: "m", length: 4096, new_length: 16384, flags: []))"#,
    ),
    (
        "mremap to nothing",
        r#"create("/f", repeat("A", 8192))"#,
        r#"open(fd: "f", path: "/f", flags: [O_CREAT, O_RDWR]), mmap(map: "m", fd: "f", length: 8192, prot: [PROT_READ, PROT_WRITE], flags: [MAP_SHARED]), fails(EINVAL, mremap(map: "m", new_length: 0, flags: [MREMAP_MAYMOVE]))"#,
    ),
    (
        "mprotect to store, of a read-only descriptor",
        r#"create("/f", repeat("A", 8192))"#,
        r#"open(fd: "f", path: "/f", flags: [O_RDONLY]), mmap(map: "m", fd: "f", length: 4096, prot: [PROT_READ], flags: [MAP_SHARED]), fails(EACCES, mprotect(map: "m", prot: [PROT_READ, PROT_WRITE]))"#,
    ),
    (
        "remap_file_pages of a private mapping",
        r#"create("/f", repeat("A", 8192))"#,
        r#"open(fd: "f", path: "/f", flags: [O_CREAT, O_RDWR]), mmap(map: "m", fd: "f", length: 8192, prot: [PROT_READ, PROT_WRITE], flags: [MAP_PRIVATE]), fails(EINVAL, remap_file_pages(map: "m", length: 4096, pgoff: 1))"#,
    ),
    (
        "signals",
        r#"create("/f", "AAAA")"#,
        r#"open(fd: "f", path: "/f", flags: [O_CREAT, O_RDWR]), mmap(map: "m", fd: "f", length: 8192, prot: [PROT_READ, PROT_WRITE], flags: [MAP_SHARED]), load(map: "m", offset: 4, expect: zeros(4)), fails(SIGBUS, load(map: "m", offset: 4096, expect: "A")), fails(SIGBUS, store(map: "m", offset: 4096, data: "A")), fails(SIGSEGV, store(map: "m", offset: 65536, data: "A")), mprotect(map: "m", prot: []), fails(SIGSEGV, load(map: "m", offset: 0, expect: "A"))"#,
    ),
];
