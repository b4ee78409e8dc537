//! The plain model: files are arrays, and every byte has a set of values that a crash may leave.
//!
//! ```text
//!   byte of a file   0   1        511 512         2047 2048       4000 4095 | 4096 …
//!   granule          └0─┘└───1───┘└2─┘└────3────┘└─4─┘└────5────┘└─6─┘└─7─┘ | 8 …
//! ```
//! Programs read and write whole granules, so that one set of values stands for each. A write has one value of its own
//! everywhere; a set is a mask, and bit 0 is the byte zero. Behind the end of a file memory may hold what was stored
//! there through a mapping, until the page is written back: two values are possible then, and neither is asked for.

use super::expect::certain;
use super::op::{How, Mode, Op};
use std::collections::{BTreeMap, BTreeSet};
use unplug::kernel::{DioSync, DirtyTracking, EofZeroing, Feature, MsyncSync, Rules};
use unplug::scenario::{DataMode, Kernel};

/// A set of byte values.
pub(super) type Mask = u64;
/// The byte zero alone.
pub(super) const ZERO: Mask = 1;
/// Granules of a page.
const PER_PAGE: usize = 8;
/// Where they begin.
const EDGES: [usize; PER_PAGE] = [0, 1, 511, 512, 2047, 2048, 4000, 4095];
/// Pages of the largest file.
pub(super) const PAGES: usize = 4;
/// Granules of the largest file.
pub(super) const GRANULES: usize = PAGES * PER_PAGE;
/// The bytes that stand for bits 1 and on.
pub(super) const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// The first byte of a granule.
pub(super) fn byte(granule: usize) -> usize {
    granule / PER_PAGE * 4096 + EDGES[granule % PER_PAGE]
}

/// Whether O_DIRECT may begin or end there.
fn is_aligned(granule: usize) -> bool {
    byte(granule).is_multiple_of(512)
}

/// What a crash may leave of one file.
#[derive(Clone, Debug)]
pub(super) struct May {
    /// The smallest and the largest size, in granules.
    pub(super) size: (usize, usize),
    /// The values of each granule that lies before the end.
    pub(super) bytes: [Mask; GRANULES],
}

/// What a crash may leave while one step runs.
#[derive(Clone, Debug)]
pub(super) struct Promise {
    /// What each name may stand for; `None` for nothing.
    pub(super) names: BTreeMap<u8, BTreeSet<Option<usize>>>,
    /// Every file that ever was.
    pub(super) files: Vec<May>,
}

/// A file.
struct File {
    /// In granules.
    size: usize,
    /// The page cache.
    memory: [Mask; GRANULES],
    /// What was stored behind the end and may be on its way to the disk.
    tail: [Mask; GRANULES],
    /// Whether a shared mapping ever allowed stores.
    mapped: bool,
    /// What was written or stored to; the rest is zeros that nobody wrote.
    written: [bool; GRANULES],
    /// Last pages of a file that grew behind them. Later ones are not in the size on disk yet; then what is written
    /// to these pages is not either, whatever sync of the range returns: so the kernel does
    /// (`tests/data/truth/size-before-delayed-pwrite.ron`), against its manual pages.
    lagging: BTreeSet<usize>,
}

struct Mapping {
    file: usize,
    first: usize,
    pages: usize,
    private: bool,
    writable: bool,
    /// Private pages, by their number in the file.
    copies: BTreeMap<usize, [Mask; PER_PAGE]>,
    /// Pages of the file that only this part of the page table knows to be dirty.
    dirty: BTreeSet<usize>,
}

/// A program and what is known of it.
pub(super) struct Program {
    kernel: Kernel,
    rules: Rules,
    /// Whether O_DIRECT goes past the page cache: not with data=journal.
    direct: bool,
    /// Whether every write is written back (a `sync` mount).
    synchronous: bool,
    names: BTreeMap<u8, usize>,
    files: Vec<File>,
    fds: BTreeMap<u8, (usize, How)>,
    maps: BTreeMap<u8, Mapping>,
    may: Promise,
    values: usize,
    /// The calls, as a scenario says them.
    pub(super) steps: Vec<String>,
    /// What a crash may leave during each.
    pub(super) promises: Vec<Promise>,
}

impl Program {
    /// `/0` is there, so many granules long, all of them the last letter.
    pub(super) fn new(kernel: Kernel, size: usize, data: DataMode, synchronous: bool) -> Self {
        let old = 1 << LETTERS.len();
        let mut file = File {
            size,
            memory: [ZERO; GRANULES],
            tail: [0; GRANULES],
            mapped: false,
            written: std::array::from_fn(|granule| granule < size),
            lagging: BTreeSet::new(),
        };
        file.memory[..size].fill(old);
        let may = May { size: (size, size), bytes: file.memory };
        let names = (0..3).map(|name| (name, BTreeSet::from([(name == 0).then_some(0)]))).collect();
        Self {
            kernel,
            rules: kernel.rules(),
            direct: data != DataMode::Journal,
            synchronous,
            names: BTreeMap::from([(0, 0)]),
            files: vec![file],
            fds: BTreeMap::new(),
            maps: BTreeMap::new(),
            may: Promise { names, files: vec![may] },
            values: 0,
            steps: Vec::new(),
            promises: Vec::new(),
        }
    }

    /// The program ends with sync, and looks at all its files once more.
    pub(super) fn finish(&mut self) {
        self.apply(&Op::Sync);
        for name in self.names.clone().into_keys() {
            self.apply(&Op::Open { fd: 9, name, how: How::Plain });
            self.apply(&Op::Pread { fd: 9, from: 0, len: GRANULES });
        }
        self.promises.push(self.may.clone());
    }

    /// One call; one that makes no sense is left out.
    pub(super) fn apply(&mut self, op: &Op) {
        match *op {
            Op::Open { fd, name, how } => self.open(fd, name, how),
            Op::Close { fd } => {
                if self.fds.remove(&fd).is_some() {
                    self.writes_back();
                    self.step(format!("close(\"{fd}\")"));
                }
            }
            Op::Pwrite { fd, from, len } => self.pwrite(fd, from, len),
            Op::Pread { fd, from, len } => self.pread(fd, from, len),
            Op::Ftruncate { fd, size } => {
                if let Some(&(file, how)) = self.fds.get(&fd) {
                    let text = format!("ftruncate(\"{fd}\", {})", byte(size));
                    if how == How::ReadOnly {
                        return self.step(format!("fails(EINVAL, {text})"));
                    }
                    self.resize(file, size);
                    self.step(text);
                }
            }
            Op::Truncate { name, size } => {
                if let Some(&file) = self.names.get(&name) {
                    self.resize(file, size);
                    self.step(format!("truncate(\"/{name}\", {})", byte(size)));
                }
            }
            Op::Fallocate { fd, from, len, mode } => {
                self.fallocate(fd, from, (from + len).min(GRANULES - 1), mode)
            }
            Op::Mmap { map, fd, first, pages, private } => self.mmap(map, fd, first, pages, private),
            Op::Munmap { map } => {
                if self.maps.remove(&map).is_some() {
                    self.step(format!("munmap(\"m{map}\")"));
                }
            }
            Op::Store { map, from, len } => self.store(map, from, len),
            Op::Load { map, from, len } => self.load(map, from, len),
            Op::Msync { map, first, pages, sync } => self.msync(map, first, pages, sync),
            Op::Fsync { fd, data } => {
                let Some(&(file, _)) = self.fds.get(&fd) else { return };
                self.writes_back();
                self.step(format!("{}(\"{fd}\")", if data { "fdatasync" } else { "fsync" }));
                self.synced_whole(file);
            }
            Op::SyncFileRange { fd, first, pages, wait } => self.sync_file_range(fd, first, pages, wait),
            Op::Fadvise { fd } => {
                if self.fds.contains_key(&fd) {
                    self.writes_back();
                    let advice = "advice: POSIX_FADV_DONTNEED";
                    self.step(format!("posix_fadvise(fd: \"{fd}\", offset: 0, length: 0, {advice})"));
                }
            }
            Op::Sync => self.sync(),
            Op::Rename { old, new } => self.rename(old, new),
            Op::Exchange { old, new } => self.exchange(old, new),
            Op::Unlink { name } => {
                if self.names.remove(&name).is_some() {
                    self.may_be(name, None);
                    self.writes_back();
                    self.step(format!("unlink(\"/{name}\")"));
                }
            }
            Op::Sleep { seconds } => {
                self.writes_back();
                self.step(format!("sleep(seconds: {seconds})"));
            }
        }
    }

    fn step(&mut self, text: String) {
        self.steps.push(text);
        self.promises.push(self.may.clone());
    }

    fn value(&mut self) -> (Mask, String) {
        self.values += 1;
        let letter = char::from(LETTERS[self.values - 1]);
        (1 << self.values, letter.to_string())
    }

    fn may_be(&mut self, name: u8, file: Option<usize>) {
        self.may.names.entry(name).or_default().insert(file);
    }

    /// A call that may write pages back: behind the end of files there may be zeros from now on.
    fn writes_back(&mut self) {
        for file in &mut self.files {
            let size = file.size;
            file.memory[size..].iter_mut().for_each(|mask| *mask |= ZERO);
        }
    }

    fn open(&mut self, fd: u8, name: u8, how: How) {
        self.apply(&Op::Close { fd });
        let file = self.names.get(&name).copied().unwrap_or_else(|| {
            self.files.push(File {
                size: 0,
                memory: [ZERO; GRANULES],
                tail: [0; GRANULES],
                mapped: false,
                written: [false; GRANULES],
                lagging: BTreeSet::new(),
            });
            self.may.files.push(May { size: (0, 0), bytes: [ZERO; GRANULES] });
            self.files.len() - 1
        });
        self.names.insert(name, file);
        self.may_be(name, Some(file));
        if how == How::Trunc {
            self.resize(file, 0);
        }
        self.fds.insert(fd, (file, if self.direct { how } else { how.buffered() }));
        self.step(format!("open(fd: \"{fd}\", path: \"/{name}\", flags: [{}])", how.flags()));
    }

    fn resize(&mut self, file: usize, size: usize) {
        if size >= self.files[file].size {
            self.grow(file, size, false);
            // Whatever the old size was, the rest of the last page is zeroed.
            return self.files[file].memory[size..].fill(ZERO);
        }
        let (state, may) = (&mut self.files[file], &mut self.may.files[file]);
        may.bytes[size..state.size].iter_mut().for_each(|mask| *mask |= ZERO);
        may.size.0 = may.size.0.min(size);
        state.size = size;
        state.memory[size..].fill(ZERO);
        let pages = size.div_ceil(PER_PAGE);
        state.written[size..].fill(false);
        for map in self.maps.values_mut().filter(|map| map.file == file) {
            map.copies.retain(|page, _| *page < pages);
            map.dirty.retain(|page| *page < pages);
        }
    }

    /// The file ends later. What lies between becomes part of it: zeros, or what was stored there before 6.12.
    fn grow(&mut self, file: usize, size: usize, direct: bool) {
        let (state, may) = (&mut self.files[file], &mut self.may.files[file]);
        if size <= state.size {
            return;
        }
        let zeroed = self.rules.eof_zeroing == EofZeroing::Zeroed && !direct;
        for granule in state.size..size {
            if zeroed {
                state.memory[granule] = ZERO;
            } else {
                may.bytes[granule] |= state.tail[granule];
            }
            may.bytes[granule] |= state.memory[granule];
            state.tail[granule] = 0;
        }
        if zeroed {
            state.memory[size..].iter_mut().for_each(|mask| *mask |= ZERO);
        }
        state.size = size;
        may.size.1 = may.size.1.max(size);
    }

    /// Bytes change, before the end or in the rest of the last page.
    fn set(&mut self, file: usize, from: usize, end: usize, value: Mask) {
        let (state, may) = (&mut self.files[file], &mut self.may.files[file]);
        for granule in from..end {
            state.memory[granule] = value;
            state.written[granule] = true;
            if granule >= state.size {
                state.tail[granule] |= value;
            }
            // Behind the end it may still go with a page that is on its way, into a file that is as long as it was.
            if granule < may.size.1 {
                may.bytes[granule] |= value;
            }
        }
    }

    fn pwrite(&mut self, fd: u8, mut from: usize, len: usize) {
        let Some(&(file, how)) = self.fds.get(&fd) else { return };
        let mut end = (from + len).min(GRANULES);
        if how.is_direct() {
            if self.is_page_table() && self.files[file].mapped {
                return;
            }
            from = (0..=from).rev().find(|at| is_aligned(*at)).unwrap_or(0);
            end = (end..=GRANULES).find(|at| is_aligned(*at)).unwrap_or(GRANULES);
        }
        let (value, letter) = self.value();
        let (offset, bytes) = (byte(from), byte(end) - byte(from));
        let text = format!("pwrite(fd: \"{fd}\", data: repeat(\"{letter}\", {bytes}), offset: {offset})");
        if how == How::ReadOnly {
            return self.step(format!("fails(EBADF, {text})"));
        }
        let size = self.files[file].size;
        let extends = end > size;
        if extends && !size.is_multiple_of(PER_PAGE) && from / PER_PAGE > size / PER_PAGE {
            self.files[file].lagging.insert(size / PER_PAGE);
        }
        if how.is_direct() {
            self.writes_back();
        }
        self.grow(file, end, how.is_direct());
        self.set(file, from, end, value);
        if how.is_direct() || how.is_sync() || self.synchronous {
            self.writes_back();
        }
        self.step(text);
        let before_size = how.is_direct() && extends && self.rules.dio_sync == DioSync::BeforeSize;
        if how.is_sync() && !before_size {
            self.synced(file, from / PER_PAGE, end.div_ceil(PER_PAGE));
        }
    }

    fn fallocate(&mut self, fd: u8, from: usize, end: usize, mode: Mode) {
        let Some(&(file, how)) = self.fds.get(&fd) else { return };
        let (modes, needs) = match mode {
            Mode::Allocate => ("", Feature::Fallocate),
            Mode::KeepSize => ("FALLOC_FL_KEEP_SIZE", Feature::Fallocate),
            Mode::Punch => ("FALLOC_FL_KEEP_SIZE, FALLOC_FL_PUNCH_HOLE", Feature::PunchHole),
            Mode::Zero => ("FALLOC_FL_KEEP_SIZE, FALLOC_FL_ZERO_RANGE", Feature::ZeroRange),
        };
        // What lies behind the end of a file and is zeroed, or not, is left out.
        let end = if mode == Mode::Allocate { end } else { end.min(self.files[file].size) };
        if from >= end || how == How::ReadOnly || !self.kernel.has(needs) {
            return;
        }
        self.writes_back();
        match mode {
            Mode::Allocate => self.grow(file, end, false),
            Mode::KeepSize => {}
            Mode::Punch | Mode::Zero => {
                self.set(file, from, end, ZERO);
                self.files[file].written[from..end].fill(false);
            }
        }
        let (offset, length) = (byte(from), byte(end) - byte(from));
        self.step(format!("fallocate(fd: \"{fd}\", mode: [{modes}], offset: {offset}, length: {length})"));
    }

    fn pread(&mut self, fd: u8, from: usize, len: usize) {
        let Some(&(file, how)) = self.fds.get(&fd) else { return };
        let state = &self.files[file];
        let end = (from + len).min(state.size);
        if how.is_direct() && self.is_page_table() && state.mapped {
            return;
        }
        for (from, end, expect) in certain(&state.memory, from, end) {
            if !how.is_direct() || is_aligned(from) && is_aligned(end) {
                if how.is_direct() {
                    self.writes_back();
                }
                self.step(format!("pread(fd: \"{fd}\", offset: {}, expect: {expect})", byte(from)));
            }
        }
    }

    fn mmap(&mut self, map: u8, fd: u8, first: usize, pages: usize, private: bool) {
        let Some(&(file, how)) = self.fds.get(&fd) else { return };
        self.apply(&Op::Munmap { map });
        let writable = private || how != How::ReadOnly;
        self.files[file].mapped |= writable && !private;
        let prot = if writable { "PROT_READ, PROT_WRITE" } else { "PROT_READ" };
        let flags = if private { "MAP_PRIVATE" } else { "MAP_SHARED" };
        let (copies, dirty) = (BTreeMap::new(), BTreeSet::new());
        self.maps.insert(map, Mapping { file, first, pages, private, writable, copies, dirty });
        self.step(format!(
            "mmap(map: \"m{map}\", fd: \"{fd}\", length: {}, prot: [{prot}], flags: [{flags}], offset: {})",
            pages * 4096,
            first * 4096,
        ));
    }

    /// Stores, page by page; the first page behind the end of the file ends it.
    fn store(&mut self, slot: u8, from: usize, len: usize) {
        let Some(map) = self.maps.get(&slot) else { return };
        let end = (from + len).min(map.pages * PER_PAGE);
        if from >= end {
            return;
        }
        let (file, base, private, writable) = (map.file, map.first * PER_PAGE, map.private, map.writable);
        let (value, letter) = self.value();
        let data = format!("repeat(\"{letter}\", {})", byte(end) - byte(from));
        let text = format!("store(map: \"m{slot}\", offset: {}, data: {data})", byte(from));
        if !writable {
            return self.step(format!("fails(SIGSEGV, {text})"));
        }
        let last = self.files[file].size.next_multiple_of(PER_PAGE);
        let stored = (base + end).min(last);
        for granule in base + from..stored {
            let page = granule / PER_PAGE;
            let map = self.maps.get_mut(&slot).unwrap();
            if private {
                let memory = &self.files[file].memory[page * PER_PAGE..(page + 1) * PER_PAGE];
                let copy = map.copies.entry(page).or_insert_with(|| memory.try_into().unwrap());
                copy[granule % PER_PAGE] = value;
            } else {
                map.dirty.insert(page);
                self.set(file, granule, granule + 1, value);
            }
        }
        self.step(if base + end > last { format!("fails(SIGBUS, {text})") } else { text });
    }

    fn load(&mut self, slot: u8, from: usize, len: usize) {
        let Some(map) = self.maps.get(&slot) else { return };
        let (base, end) = (map.first * PER_PAGE, (from + len).min(map.pages * PER_PAGE));
        let state = &self.files[map.file];
        let last = state.size.next_multiple_of(PER_PAGE).saturating_sub(base);
        let mut seen = [ZERO; GRANULES];
        for (granule, mask) in seen.iter_mut().enumerate().skip(base + from).take(end.saturating_sub(from)) {
            let copy = map.copies.get(&(granule / PER_PAGE));
            *mask = copy.map_or(state.memory[granule], |copy| copy[granule % PER_PAGE]);
        }
        for (from, _, expect) in certain(&seen, base + from, base + end.min(last)) {
            let offset = byte(from) - byte(base);
            self.step(format!("load(map: \"m{slot}\", offset: {offset}, expect: {expect})"));
        }
        if from < end && end > last {
            let offset = byte(from.max(last));
            self.step(format!("fails(SIGBUS, load(map: \"m{slot}\", offset: {offset}, expect: \"?\"))"));
        }
    }

    fn msync(&mut self, slot: u8, first: usize, pages: usize, sync: bool) {
        let Some(map) = self.maps.get_mut(&slot) else { return };
        let (file, pages) = (map.file, pages.min(map.pages.saturating_sub(first)));
        if pages == 0 {
            return;
        }
        let shared = map.writable && !map.private;
        let (from, end) = (map.first + first, map.first + first + pages);
        if shared {
            map.dirty.retain(|page| !(from..end).contains(page));
        }
        self.writes_back();
        let flags = if sync { "MS_SYNC" } else { "MS_ASYNC" };
        let (offset, length) = (first * 4096, pages * 4096);
        self.step(format!("msync(map: \"m{slot}\", offset: {offset}, length: {length}, flags: [{flags}])"));
        match self.rules.msync_sync {
            _ if !shared || !sync => {}
            MsyncSync::Range => self.synced(file, from, end),
            MsyncSync::WholeFile | MsyncSync::WholeFileData => self.synced_whole(file),
        }
    }

    fn sync_file_range(&mut self, fd: u8, first: usize, pages: usize, wait: bool) {
        if !self.fds.contains_key(&fd) || !self.kernel.has(Feature::SyncFileRange) {
            return;
        }
        self.writes_back();
        let wait = if wait { ", SYNC_FILE_RANGE_WAIT_BEFORE, SYNC_FILE_RANGE_WAIT_AFTER" } else { "" };
        let (offset, length) = (first * 4096, pages * 4096);
        self.step(format!(
            "sync_file_range(fd: \"{fd}\", offset: {offset}, nbytes: {length}, flags: [SYNC_FILE_RANGE_WRITE{wait}])"
        ));
    }

    fn sync(&mut self) {
        self.writes_back();
        self.step("sync".to_owned());
        (0..self.files.len()).for_each(|file| self.synced_whole(file));
        for (name, may) in &mut self.may.names {
            *may = BTreeSet::from([self.names.get(name).copied()]);
        }
    }

    fn rename(&mut self, old: u8, new: u8) {
        let text = format!("rename(\"/{old}\", \"/{new}\")");
        let Some(&file) = self.names.get(&old) else { return self.step(format!("fails(ENOENT, {text})")) };
        if self.names.get(&new) != Some(&file) {
            self.names.remove(&old);
            self.names.insert(new, file);
            self.may_be(old, None);
            self.may_be(new, Some(file));
        }
        self.writes_back();
        self.step(text);
    }

    fn exchange(&mut self, old: u8, new: u8) {
        let (Some(&one), Some(&other)) = (self.names.get(&old), self.names.get(&new)) else { return };
        if self.kernel.has(Feature::Renameat2) {
            for (name, file) in [(old, other), (new, one)] {
                self.names.insert(name, file);
                self.may_be(name, Some(file));
            }
            self.step(format!("renameat2(old: \"/{old}\", new: \"/{new}\", flags: [RENAME_EXCHANGE])"));
        }
    }

    fn is_page_table(&self) -> bool {
        self.rules.dirty_tracking == DirtyTracking::PageTable
    }

    /// A sync call for these pages has returned: what they hold is durable, and so is a size that reaches them.
    fn synced(&mut self, file: usize, first: usize, end: usize) {
        let hidden = |page: &usize| {
            let dirty = |map: &Mapping| map.file == file && map.dirty.contains(page);
            self.rules.dirty_tracking == DirtyTracking::PageTable && self.maps.values().any(dirty)
        };
        let seen: Vec<usize> = (first..end.min(PAGES)).filter(|page| !hidden(page)).collect();
        let (state, may) = (&mut self.files[file], &mut self.may.files[file]);
        for granule in seen.iter().flat_map(|page| page * PER_PAGE..(page + 1) * PER_PAGE) {
            if granule < state.size {
                may.bytes[granule] = state.memory[granule];
            } else if self.direct {
                state.memory[granule] = ZERO;
                state.tail[granule] = 0;
            } else {
                // With data=journal the model logs the page as it is.
                state.memory[granule] |= ZERO;
            }
        }
        // Zeros that nobody wrote are no reason to make the size durable, be they before data that is not synced.
        let covered = first * PER_PAGE..state.size.min(end * PER_PAGE);
        let last = covered.rev().find(|granule| state.written[*granule]);
        if let Some(last) = last.filter(|granule| !state.lagging.contains(&(granule / PER_PAGE))) {
            may.size.0 = may.size.0.max(last + 1);
        }
    }

    fn synced_whole(&mut self, file: usize) {
        self.synced(file, 0, PAGES);
        let (size, may) = (self.files[file].size, &mut self.may.files[file]);
        may.size = (size, size);
        self.files[file].lagging.clear();
        let hidden = |granule: &usize| {
            let page = granule / PER_PAGE;
            self.maps.values().any(|map| map.file == file && map.dirty.contains(&page))
        };
        let tracked = self.rules.dirty_tracking == DirtyTracking::Fault;
        if !self.direct {
            return;
        }
        for granule in (size..GRANULES).filter(|granule| tracked || !hidden(granule)) {
            may.bytes[granule] = ZERO;
        }
    }
}
