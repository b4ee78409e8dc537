//! Calls on mappings: what they become, and what is refused.

use super::super::{At, Call, DiskOptions, MapFlags, MemoryCall, MremapFlags, MsyncFlags, Prot, Wanted};
use super::refused::{Around, OPENED, STACK, table};
use super::{right, with_steps};
use crate::history::Errno;

const MAPPED: Around = (
    "(title: \"t\", steps: [open(fd: \"f\", path: \"/f\", flags: [O_RDWR]),\nmmap(map: \"m\", fd: \"f\", \
     length: 4096, prot: [], flags: [MAP_SHARED]),",
    "\n])",
);

/// A step behind the mapping `m` of the descriptor `f`.
fn check(what: &str, step: &str, wanted: MemoryCall) {
    let text = with_steps(&format!(
        "open(fd: \"f\", path: \"/f\", flags: [O_RDWR]),\nmmap(map: \"m\", fd: \"f\", length: 4096, prot: \
         [PROT_READ], flags: [MAP_SHARED]),\n{step}"
    ));
    let step = right(what, &text).steps.pop().unwrap();
    assert_eq!((step.call, step.wanted, step.line), (Call::Memory(wanted), Wanted::Success, 4), "{what}");
}

/// `mmap` of the name `n`.
fn mmap(
    fd: Option<&str>,
    length: u64,
    prot: Prot,
    flags: MapFlags,
    offset: u64,
    at: Option<At>,
) -> MemoryCall {
    MemoryCall::Mmap { map: "n".into(), fd: fd.map(Into::into), length, prot, flags, offset, at }
}

#[test]
fn mmap_is_read() {
    let (read, write) = (Prot::PROT_READ, Prot::PROT_WRITE);
    let (shared, private) = (MapFlags::MAP_SHARED, MapFlags::MAP_PRIVATE);
    let call = |args: &str| format!("mmap(map: \"n\", {args})");
    check(
        "a whole file",
        &call("fd: \"f\", length: \"8K\", prot: [PROT_READ, PROT_WRITE], flags: [MAP_SHARED]"),
        mmap(Some("f"), 8192, read.with(write), shared, 0, None),
    );
    check(
        "memory of no file",
        &call("length: 0, prot: [PROT_NONE], flags: [MAP_PRIVATE, MAP_ANON]"),
        mmap(None, 0, Prot::PROT_NONE, private.with(MapFlags::MAP_ANONYMOUS), 0, None),
    );
    check(
        "neither shared nor private, SIZE_MAX, a misaligned offset",
        &call("fd: \"f\", length: 18446744073709551615, prot: [PROT_EXEC], flags: [], offset: 1"),
        mmap(Some("f"), u64::MAX, Prot::PROT_EXEC, MapFlags::NONE, 1, None),
    );
    check(
        "numbers in strings",
        &call("fd: \"f\", length: \"18446744073709551615\", prot: [], flags: [], offset: \"4K\""),
        mmap(Some("f"), u64::MAX, Prot::NONE, MapFlags::NONE, 4096, None),
    );
}

#[test]
fn mmap_at_an_address_is_read() {
    let shared = MapFlags::MAP_SHARED;
    let call = |args: &str| format!("mmap(map: \"n\", {args})");
    check(
        "behind another mapping",
        &call("fd: \"f\", length: 4096, prot: [], flags: [MAP_SHARED, MAP_FIXED], at: (\"m\", \"16K\")"),
        mmap(
            Some("f"),
            4096,
            Prot::NONE,
            shared.with(MapFlags::MAP_FIXED),
            0,
            Some(At::Beside { map: "m".into(), offset: 16384 }),
        ),
    );
    check(
        "at an address, with flags that change nothing here",
        &call(
            "fd: \"f\", length: 4096, prot: [], flags: [MAP_SHARED, MAP_FIXED_NOREPLACE, MAP_NORESERVE, \
             MAP_NONBLOCK, MAP_STACK], at: 0xffff_ffff_ffff_f001",
        ),
        mmap(
            Some("f"),
            4096,
            Prot::NONE,
            shared
                .with(MapFlags::MAP_FIXED_NOREPLACE)
                .with(MapFlags::MAP_NORESERVE)
                .with(MapFlags::MAP_NONBLOCK),
            0,
            Some(At::Address(0xffff_ffff_ffff_f001)),
        ),
    );
    check(
        "the other flags",
        &call(
            "length: 1, prot: [], flags: [MAP_SHARED_VALIDATE, MAP_SYNC, MAP_POPULATE, MAP_LOCKED], at: 4096",
        ),
        mmap(
            None,
            1,
            Prot::NONE,
            MapFlags::MAP_SHARED_VALIDATE
                .with(MapFlags::MAP_SYNC)
                .with(MapFlags::MAP_POPULATE)
                .with(MapFlags::MAP_LOCKED),
            0,
            Some(At::Address(4096)),
        ),
    );
}

#[test]
fn accesses_and_msync_are_read() {
    let map = || "m".into();
    let store = |offset| MemoryCall::Store { map: map(), offset, data: b"C"[..].into() };
    check("a store", r#"store(map: "m", offset: "4K", data: "C")"#, store(4096));
    check("a store in front", r#"store(map: "m", offset: -1, data: "C")"#, store(-1));
    let load = MemoryCall::Load { map: map(), offset: i64::MAX, expect: b""[..].into() };
    check("a load", r#"load(map: "m", offset: 9223372036854775807, expect: "")"#, load);
    let msync = |offset, length, flags| MemoryCall::Msync { map: map(), offset, length, flags };
    check("all of it", r#"msync(map: "m", flags: [MS_SYNC])"#, msync(0, None, MsyncFlags::MS_SYNC));
    check(
        "what Linux refuses",
        r#"msync(map: "m", flags: [MS_ASYNC, MS_SYNC, MS_INVALIDATE], offset: "-4K", length: 18446744073709551615)"#,
        msync(
            -4096,
            Some(u64::MAX),
            MsyncFlags::MS_ASYNC.with(MsyncFlags::MS_SYNC).with(MsyncFlags::MS_INVALIDATE),
        ),
    );
    check(
        "no flags, and no bytes",
        r#"msync(map: "m", flags: [], offset: 1, length: 0)"#,
        msync(1, Some(0), MsyncFlags::NONE),
    );
}

#[test]
fn changes_of_mappings_are_read() {
    let map = || "m".into();
    let munmap = |offset, length| MemoryCall::Munmap { map: map(), offset, length };
    check("munmap", r#"munmap("m")"#, munmap(0, None));
    check("a part of it", r#"munmap(map: "m", offset: 4096)"#, munmap(4096, None));
    check("munmap and more", r#"munmap(map: "m", length: "1G")"#, munmap(0, Some(1 << 30)));
    let mremap = |offset, length, new_length, flags, to| MemoryCall::Mremap {
        map: map(),
        offset,
        length,
        new_length,
        flags,
        to,
    };
    check("growing", r#"mremap(map: "m", new_length: 8192)"#, mremap(0, None, 8192, MremapFlags::NONE, None));
    check(
        "a second mapping of the same pages, elsewhere",
        r#"mremap(map: "m", new_length: "8K", flags: [MREMAP_MAYMOVE, MREMAP_FIXED], offset: "4K", length: 0,
           to: ("m", -4096))"#,
        mremap(
            4096,
            Some(0),
            8192,
            MremapFlags::MREMAP_MAYMOVE.with(MremapFlags::MREMAP_FIXED),
            Some(At::Beside { map: map(), offset: -4096 }),
        ),
    );
    check(
        "leaving the old one",
        r#"mremap(map: "m", new_length: 0, flags: [MREMAP_DONTUNMAP], to: 8192)"#,
        mremap(0, None, 0, MremapFlags::MREMAP_DONTUNMAP, Some(At::Address(8192))),
    );
    check(
        "mprotect",
        r#"mprotect(map: "m", prot: [PROT_READ], offset: 0, length: 1)"#,
        MemoryCall::Mprotect { map: map(), offset: 0, length: Some(1), prot: Prot::PROT_READ },
    );
    check("mlock", r#"mlock("m")"#, MemoryCall::Mlock { map: map() });
    check("munlock", r#"munlock(map: "m")"#, MemoryCall::Munlock { map: map() });
    check(
        "remap_file_pages",
        r#"remap_file_pages(map: "m", pgoff: 18446744073709551615, length: "4K", offset: "8K")"#,
        MemoryCall::RemapFilePages { map: map(), offset: 8192, length: 4096, pgoff: u64::MAX },
    );
}

#[test]
fn names_of_mappings_are_followed() {
    let open = "open(fd: \"f\", path: \"/f\", flags: [O_RDWR])";
    let mmap = |name: &str| {
        format!(
            "mmap(map: \"{name}\", fd: \"f\", length: 1, prot: [], flags: [MAP_SHARED, MAP_FIXED], at: 0)"
        )
    };
    let rows = [
        ("mapped again", format!("{0}, munmap(\"m\"), {0}", mmap("m"))),
        ("a descriptor of the same name", mmap("f")),
        ("a mapping lives longer than its descriptor", format!("{}, close(\"f\"), mlock(\"m\")", mmap("m"))),
        (
            "munmap of a part keeps the name",
            format!("{}, munmap(map: \"m\", length: 1), mlock(\"m\")", mmap("m")),
        ),
        ("so does one that fails", format!("{}, fails(EINVAL, munmap(\"m\")), mlock(\"m\")", mmap("m"))),
        ("mremap keeps the name", format!("{}, mremap(map: \"m\", new_length: 1), mlock(\"m\")", mmap("m"))),
        ("a failed mmap leaves it free", format!("fails(EACCES, {0}), {0}", mmap("m"))),
        (
            "what is gone can be asked for",
            format!(
                "{}, munmap(\"m\"), fails(ENOMEM, msync(map: \"m\", flags: [])), \
                 fails(SIGSEGV, store(map: \"m\", offset: 0, data: \"x\"))",
                mmap("m")
            ),
        ),
        (
            "and is an address still",
            format!(
                "{}, munmap(\"m\"), mmap(map: \"n\", fd: \"f\", length: 1, prot: [], flags: [MAP_FIXED], at: (\"m\", 0))",
                mmap("m")
            ),
        ),
    ];
    for (what, steps) in rows {
        right(what, &with_steps(&format!("{open}, {steps}")));
    }
    table(
        OPENED,
        r##"
never mapped ¦ mlock(‸"m") ¦ unknown-mapping ¦ steps[1].map ¦ no step before this one maps "m", expected a mapping
a descriptor is none ¦ mlock(‸"f") ¦ unknown-mapping ¦ steps[1].map ¦ -
a failed mmap maps nothing ¦ fails(EIO, mmap(map: "m", length: 1, prot: [], flags: [])),⏎mlock(‸"m") ¦ unknown-mapping ¦ steps[2].map ¦ -
a closed descriptor ¦ close("f"),⏎mmap(map: "m", fd: ‸"f", length: 1, prot: [], flags: []) ¦ closed-descriptor ¦ steps[2].fd ¦ -
"##,
    );
    table(
        MAPPED,
        r##"
mistyped ¦ mmap(map: "log", length: 1, prot: [], flags: []), mlock(‸"logs") ¦ unknown-mapping ¦ steps[3].map ¦ did you mean "log"?
mapped twice ¦ mmap(map: ‸"m", length: 1, prot: [], flags: []) ¦ open-mapping ¦ steps[2].map ¦ "m" is still mapped, from steps[1]
unmapped ¦ munmap("m"),⏎mlock(‸"m") ¦ closed-mapping ¦ steps[3].map ¦ "m" was unmapped by steps[2], expected a mapping
an address beside nothing ¦ mremap(map: "m", new_length: 1, to: (‸"n", 0)) ¦ unknown-mapping ¦ steps[2].to[0] ¦ -
"##,
    );
}

#[test]
fn signals_are_for_accesses_and_errors_for_calls() {
    let wanted = |what: &str, step: &str| {
        let text = with_steps(&format!(
            "mmap(map: \"m\", length: 1, prot: [], flags: [MAP_PRIVATE, MAP_ANONYMOUS]), {step}"
        ));
        right(what, &text).steps[1].wanted
    };
    let store = "store(map: \"m\", offset: 0, data: \"x\")";
    assert_eq!(wanted("a store", &format!("fails(SIGBUS, {store})")), Wanted::Error(Errno::SIGBUS));
    let load = "fails(SIGSEGV, load(map: \"m\", offset: 0, expect: \"x\"))";
    assert_eq!(wanted("a load", load), Wanted::Error(Errno::SIGSEGV));
    table(
        MAPPED,
        r##"
a signal for a call ¦ fails(‸SIGSEGV, msync(map: "m", flags: [])) ¦ cannot-fail ¦ steps[2].step ¦ `msync` does not raise SIGSEGV
an error for a store ¦ fails(‸EFAULT, store(map: "m", offset: 0, data: "x")) ¦ cannot-fail ¦ steps[2].step ¦ `store` returns no error number, expected a signal: `SIGBUS` or `SIGSEGV`
an error for a load ¦ fails(‸EIO, load(map: "m", offset: 0, expect: "x")) ¦ cannot-fail ¦ steps[2].step ¦ `load`
a short store ¦ short(1, ‸store(map: "m", offset: 0, data: "xx")) ¦ bad-short ¦ steps[2] ¦ transfers no bytes
"##,
    );
}

#[test]
fn what_a_call_on_a_mapping_cannot_say() {
    table(
        MAPPED,
        r##"
two kinds ¦ mmap(map: "n", length: 1, prot: [], flags: [MAP_PRIVATE, ‸MAP_SHARED]) ¦ conflicting-flags ¦ steps[2].flags ¦ `MAP_SHARED` excludes `MAP_PRIVATE`
huge pages ¦ mmap(map: "n", length: 1, prot: [], flags: [‸MAP_HUGETLB]) ¦ not-modelled ¦ steps[2].flags[0] ¦ `MAP_HUGETLB` is not modelled yet
a growing stack ¦ mmap(map: "n", length: 1, prot: [], flags: [‸MAP_GROWSDOWN]) ¦ not-modelled ¦ steps[2].flags[0] ¦ -
another protection ¦ mprotect(map: "m", prot: [‸PROT_GROWSUP]) ¦ not-modelled ¦ steps[2].prot[0] ¦ -
a mistyped flag ¦ msync(map: "m", flags: [‸MS_SYNK]) ¦ unknown-word ¦ steps[2].flags[0] ¦ did you mean `MS_SYNC`?
a flag of another call ¦ msync(map: "m", flags: [‸MAP_SHARED]) ¦ unknown-word ¦ steps[2].flags[0] ¦ a flag of `msync`
a flag that is a number ¦ msync(map: "m", flags: [‸4]) ¦ wrong-type ¦ steps[2].flags[0] ¦ -
no address to be fixed at ¦ mmap(map: "n", length: 1, prot: [], flags: [‸MAP_FIXED]) ¦ missing-field ¦ steps[2] ¦ `MAP_FIXED` without an address, expected `at: …`
nor here ¦ mremap(map: "m", new_length: 1, flags: [‸MREMAP_FIXED]) ¦ missing-field ¦ steps[2] ¦ expected `to: …`
an address that is a string ¦ mmap(map: "n", length: 1, prot: [], flags: [], at: ‸"m") ¦ wrong-type ¦ steps[2].at ¦ ("m", "16K")
an address of three parts ¦ mmap(map: "n", length: 1, prot: [], flags: [], at: ‸("m", 0, 0)) ¦ wrong-type ¦ steps[2].at ¦ an address
an address with names ¦ mmap(map: "n", length: 1, prot: [], flags: [], at: ‸(map: "m", offset: 0)) ¦ wrong-type ¦ steps[2].at ¦ an address
a negative address ¦ mmap(map: "n", length: 1, prot: [], flags: [], at: ‸-4096) ¦ out-of-range ¦ steps[2].at ¦ from 0 to 18446744073709551615
a negative length ¦ msync(map: "m", flags: [], length: ‸-1) ¦ out-of-range ¦ steps[2].length ¦ from 0 to 18446744073709551615
a length beyond all ¦ msync(map: "m", flags: [], length: ‸18446744073709551616) ¦ bad-number ¦ steps[2].length ¦ -
the same with a suffix ¦ msync(map: "m", flags: [], length: ‸"18446744073709551615T") ¦ out-of-range ¦ steps[2].length ¦ -
the same in a string ¦ msync(map: "m", flags: [], length: ‸"18446744073709551616") ¦ bad-number ¦ steps[2].length ¦ -
an offset beyond all ¦ store(map: "m", offset: ‸9223372036854775808, data: "x") ¦ out-of-range ¦ steps[2].offset ¦ to 9223372036854775807
pages are not bytes ¦ remap_file_pages(map: "m", pgoff: ‸"4K", length: 1) ¦ bad-number ¦ steps[2].pgoff ¦ a whole number
arguments that need names ¦ msync(‸"m", [MS_SYNC]) ¦ wrong-arguments ¦ steps[2] ¦ `msync(map: …, flags: …, offset?: …, length?: …)`
no flags ¦ ‸msync(map: "m") ¦ missing-field ¦ steps[2] ¦ `msync` lacks `flags`
an argument too many ¦ munmap("m", ‸0) ¦ wrong-arguments ¦ steps[2] ¦ `munmap(MAP)`
a mapping that is no string ¦ mlock(‸m) ¦ wrong-type ¦ steps[2].map ¦ "m"
"##,
    );
}

#[test]
fn a_disk_may_need_stable_pages() {
    let text = "(title: \"t\", stack: (disk: (stable_writes: true)), steps: [])";
    let wanted = DiskOptions { stable_writes: true, ..DiskOptions::default() };
    assert_eq!(right("stable_writes", text).stack.disk, wanted);
    table(
        STACK,
        r##"
a switch ¦ disk: (stable_writes: ‸yes) ¦ unknown-word ¦ stack.disk.stable_writes ¦ `true` or `false`
"##,
    );
}
