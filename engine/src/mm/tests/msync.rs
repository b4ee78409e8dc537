//! msync on every kernel: the vectors of `msync-vectors.txt`, and the errors in their order.

use super::super::{AddressSpace, Extent, MappedFile, Msync, PAGE, Storage, VmFlags, Vma, msync};
use super::{PRIVATE, READ_ONLY_FILE, SHARED, at, dirty, space, vma};
use crate::history::Errno;
use crate::kernel::Kernel;
use crate::units::len_u64;

const VECTORS: &str = include_str!("msync-vectors.txt");
/// Groups of kernels in the vectors, by the first kernel in each.
const GROUPS: &[(&str, Kernel)] = &[
    ("2.5.67", Kernel::V2_5_67),
    ("2.5.68-2.6.16", Kernel::V2_6_11),
    ("2.6.17/18", Kernel::V2_6_17),
    ("2.6.19-3.15", Kernel::V2_6_19),
    ("3.16-6.6", Kernel::V3_16),
];

/// Notes what msync asks for.
struct Recorder {
    space: AddressSpace,
    events: Vec<String>,
    error: Result<(), Errno>,
    depth: u32,
}

impl Recorder {
    fn new(vmas: Vec<Vma>) -> Self {
        Self { space: space(vmas), events: Vec::new(), error: Ok(()), depth: 0 }
    }
}

/// Files 1 and 2 are A and B.
fn name(file: u32) -> &'static str {
    if file == 1 { "SH:A" } else { "SH:B" }
}

impl Storage for Recorder {
    fn space(&mut self) -> &mut AddressSpace {
        &mut self.space
    }

    fn move_dirty_bits(&mut self, start: u64, end: u64) -> u64 {
        let moved = self.space.lookup_mut(start).unwrap().take_dirty(start, end);
        if let (Some(first), Some(last)) = (moved.first(), moved.last()) {
            let (first_page, behind) = (first.page.get(), last.page.get() + 1);
            assert_eq!(len_u64(moved.len()), (end - start) / PAGE, "every page of the range was dirty");
            self.events.push(format!("pte->page[{first_page},{behind}) {}", name(first.ino.get())));
        }
        len_u64(moved.len())
    }

    fn start_io(&mut self, file: MappedFile) -> Result<(), Errno> {
        self.events.push(format!("start-io-whole {}", name(file.file)));
        self.error
    }

    fn sync(&mut self, file: MappedFile, extent: Extent) -> Result<(), Errno> {
        let what = match extent {
            Extent::WholeData => "fdatasync-whole".to_owned(),
            Extent::Whole => "fsync".to_owned(),
            Extent::Pages { first, last } => format!("fdatasync[{first},{})", last + 1),
        };
        self.events.push(format!("{what} {}", name(file.file)));
        self.error
    }

    fn throttle(&mut self, file: MappedFile, pages: u64) {
        assert!(pages > 0);
        self.events.push(format!("balance_dirty {}", name(file.file)));
    }

    fn enter(&mut self, _function: &'static str) {
        self.depth += 1;
    }

    fn leave(&mut self) {
        self.depth -= 1;
    }

    fn decide(&mut self, what: String) {
        assert!(self.depth > 0 && !what.is_empty());
    }
}

/// Flags as the vectors abbreviate them.
fn asked(flags: &str, first: u64, behind: u64) -> Msync {
    Msync {
        address: at(first),
        len: (behind - first) * PAGE,
        ms_async: flags.contains('A'),
        ms_invalidate: flags.contains('I'),
        ms_sync: flags.contains('S'),
    }
}

/// What is mapped in a vector, and which pages are asked for.
fn case(vector: &str) -> (Vec<Vma>, u64, u64) {
    let locked = VmFlags { locked: true, ..SHARED };
    let (a, b) = (|| dirty(1, 0, 2, SHARED), |flags| dirty(2, 4, 6, flags));
    match vector {
        "T1" | "T7" | "T9" => (vec![a()], 0, 2),
        "T2" => (vec![a()], 0, 1),
        "T3" => (vec![b(SHARED)], 2, 6),
        "T4" | "T8" => (vec![a()], 0, 4),
        "T5" => (vec![a(), b(SHARED)], 0, 3),
        "T6" => (vec![a(), b(SHARED)], 0, 6),
        "T10" => (vec![vma(Some(1), 0, 2, READ_ONLY_FILE)], 0, 2),
        "T11" => (vec![dirty(1, 0, 2, PRIVATE)], 0, 2),
        "T12" => (vec![a(), b(locked)], 0, 6),
        "T13" => (vec![b(locked)], 2, 6),
        _ => panic!("{vector} has no case"),
    }
}

fn run(kernel: Kernel, vmas: Vec<Vma>, asked: &Msync) -> (Result<(), Errno>, Vec<String>) {
    let mut recorder = Recorder::new(vmas);
    let result = msync(asked, &kernel.rules(), &mut recorder);
    assert_eq!(recorder.depth, 0, "every function that is entered is left");
    recorder.space.assert_sound();
    (result, recorder.events)
}

fn kernels(group: &str) -> impl Iterator<Item = Kernel> {
    let nr = GROUPS.iter().position(|(name, _)| *name == group).unwrap();
    let next = GROUPS.get(nr + 1).map(|(_, kernel)| *kernel);
    let first = GROUPS[nr].1;
    Kernel::ALL
        .iter()
        .copied()
        .filter(move |kernel| *kernel >= first && next.is_none_or(|next| *kernel < next))
}

#[test]
fn every_kernel_syncs_what_its_source_says() {
    let (mut title, mut flags, mut rows) = ("", String::new(), 0);
    for line in VECTORS.lines().filter(|line| !line.starts_with('#')) {
        if let Some(start) = line.strip_prefix('T').and_then(|_| line.find('[')) {
            title = line;
            flags = line[start..].to_owned();
            continue;
        }
        let mut words = line.split_whitespace();
        let (group, wanted) = (words.next().unwrap(), words.next().unwrap());
        let events = words.collect::<Vec<_>>().join(" ");
        let wanted = if wanted == "0" { Ok(()) } else { Err(Errno::named(wanted).unwrap()) };
        let (vmas, first, behind) = case(title.split_whitespace().next().unwrap());
        for kernel in kernels(group) {
            let (result, done) = run(kernel, vmas.clone(), &asked(&flags, first, behind));
            assert_eq!((result, done.join("; ")), (wanted, events.clone()), "{title}, {kernel}");
            rows += 1;
        }
    }
    assert_eq!(rows, 13 * Kernel::ALL.len());
}

#[test]
fn arguments_are_checked_before_anything_is_looked_up() {
    let good = asked("S", 0, 2);
    let rows = [
        ("an address that is no multiple of 4096", Msync { address: at(0) + 1, ..good }, Err(Errno::EINVAL)),
        ("MS_ASYNC with MS_SYNC", asked("AS", 0, 2), Err(Errno::EINVAL)),
        ("the same, nothing mapped, no length", asked("AS", 8, 8), Err(Errno::EINVAL)),
        ("a length of 0 where nothing is mapped", asked("S", 8, 8), Ok(())),
        ("a length that becomes 0", Msync { address: at(8), len: u64::MAX, ..good }, Ok(())),
        ("a range that wraps around", Msync { len: u64::MAX - 2 * PAGE, ..good }, Err(Errno::ENOMEM)),
        ("a range where nothing is mapped", asked("S", 8, 9), Err(Errno::ENOMEM)),
    ];
    for (name, asked, wanted) in rows {
        for kernel in Kernel::ALL {
            let done = run(*kernel, vec![dirty(1, 0, 2, SHARED)], &asked);
            assert_eq!(done, (wanted, Vec::new()), "{name}, {kernel}");
        }
    }
}

#[test]
fn a_failed_sync_ends_the_call_and_hides_the_hole_before_it() {
    for kernel in Kernel::ALL {
        let mut recorder = Recorder::new(vec![dirty(1, 1, 2, SHARED), dirty(2, 4, 6, SHARED)]);
        recorder.error = Err(Errno::EIO);
        let result = msync(&asked("S", 0, 6), &kernel.rules(), &mut recorder);
        assert_eq!(result, Err(Errno::EIO), "{kernel}");
        assert!(
            recorder.events.iter().all(|event| event.ends_with("SH:A")),
            "{kernel}: {:?}",
            recorder.events
        );
    }
}

#[test]
fn parts_of_one_file_are_synced_in_pages_of_the_file() {
    let mapped = Vma { pgoff: 7, ..dirty(1, 0, 4, SHARED) };
    let (result, events) = run(Kernel::V6_6, vec![mapped], &asked("S", 1, 3));
    assert_eq!((result, events), (Ok(()), vec!["fdatasync[8,10) SH:A".to_owned()]));
}

#[test]
fn an_asynchronous_call_of_2_6_17_forgets_a_hole_only_where_mappings_go_on() {
    let rows = [
        ("the range ends in a mapping", vec![dirty(2, 4, 6, SHARED)], 6, Err(Errno::ENOMEM)),
        ("the walk runs off the last mapping", vec![dirty(2, 4, 6, SHARED)], 8, Ok(())),
    ];
    for (name, vmas, behind, wanted) in rows {
        for kernel in [Kernel::V2_6_17, Kernel::V2_6_18] {
            assert_eq!(run(kernel, vmas.clone(), &asked("A", 2, behind)).0, wanted, "{name}, {kernel}");
        }
    }
}

#[test]
fn a_second_call_finds_no_dirty_bit() {
    let mut recorder = Recorder::new(vec![dirty(1, 0, 2, SHARED)]);
    for wanted in [vec!["pte->page[0,2) SH:A".to_owned()], Vec::new()] {
        assert_eq!(msync(&asked("A", 0, 2), &Kernel::V2_6_11.rules(), &mut recorder), Ok(()));
        assert_eq!(std::mem::take(&mut recorder.events), wanted);
    }
}
