//! fallocate.

use super::facts::Note;
use super::{File, Vfs};
use crate::ext4::{Datasync, Fallocate, FallocateMode, MAX_BYTES, NewSize};
use crate::format::FileKind;
use crate::history::{Errno, Fact};
use crate::kernel::{FallocateModes, Feature};
use crate::scenario::{FallocFlags, Name, OpenFlags};
use crate::units::{Ino, block_bytes};

const KEEP_SIZE: FallocFlags = FallocFlags::FALLOC_FL_KEEP_SIZE;
const PUNCH_HOLE: FallocFlags = FallocFlags::FALLOC_FL_PUNCH_HOLE;
const COLLAPSE_RANGE: FallocFlags = FallocFlags::FALLOC_FL_COLLAPSE_RANGE;
const ZERO_RANGE: FallocFlags = FallocFlags::FALLOC_FL_ZERO_RANGE;
const INSERT_RANGE: FallocFlags = FallocFlags::FALLOC_FL_INSERT_RANGE;
const UNSHARE_RANGE: FallocFlags = FallocFlags::FALLOC_FL_UNSHARE_RANGE;

/// The modes that came after the call.
const NEWER: &[(FallocFlags, Feature)] = &[
    (PUNCH_HOLE, Feature::PunchHole),
    (COLLAPSE_RANGE, Feature::CollapseRange),
    (ZERO_RANGE, Feature::ZeroRange),
    (INSERT_RANGE, Feature::InsertRange),
];

impl Vfs {
    /// fallocate(2). v6.6 fs/open.c, `ksys_fallocate`, `vfs_fallocate`
    ///
    /// # Errors
    /// ENOSYS, EBADF (not open), EINVAL (a negative offset, a length that is not positive), EOPNOTSUPP and EINVAL
    /// (modes), EBADF (not open for writing), EFBIG; those of the file system.
    pub fn fallocate(&mut self, fd: &Name, mode: FallocFlags, offset: i64, len: i64) -> Result<(), Errno> {
        if !self.fs.options().kernel.has(Feature::Fallocate) {
            return Err(Errno::ENOSYS);
        }
        self.through(&["sys_fallocate", "ksys_fallocate", "vfs_fallocate"], |vfs| {
            let (_, file) = vfs.file(fd)?;
            let offset = u64::try_from(offset).map_err(|_| Errno::EINVAL)?;
            let len = u64::try_from(len).ok().filter(|len| *len > 0).ok_or(Errno::EINVAL)?;
            vfs.check_modes(mode)?;
            if !file.flags.writes() {
                return Err(Errno::EBADF);
            }
            if vfs.fs.stat(file.ino).kind != FileKind::REGULAR {
                return Err(Errno::ENODEV);
            }
            if offset.checked_add(len).is_none_or(|end| end > MAX_BYTES) {
                return Err(Errno::EFBIG);
            }
            vfs.fallocate_range(&file, mode, offset, len)
        })
    }

    /// Whether modes are known and go together. v6.6 and v6.12 fs/open.c, `vfs_fallocate`
    fn check_modes(&mut self, mode: FallocFlags) -> Result<(), Errno> {
        let options = self.fs.options();
        if NEWER.iter().any(|(flag, feature)| mode.has(*flag) && !options.kernel.has(*feature)) {
            return Err(Errno::EOPNOTSUPP);
        }
        let keeps = mode.has(KEEP_SIZE);
        let alone = mode.without(KEEP_SIZE);
        let is = |flag: FallocFlags| alone == flag;
        let sound = match options.rules.fallocate_modes {
            FallocateModes::Unsupported => {
                is(FallocFlags::NONE)
                    || is(UNSHARE_RANGE)
                    || is(ZERO_RANGE)
                    || is(PUNCH_HOLE) && keeps
                    || (is(COLLAPSE_RANGE) || is(INSERT_RANGE)) && !keeps
            }
            FallocateModes::Mixed => {
                let exclusive =
                    [COLLAPSE_RANGE, INSERT_RANGE].into_iter().any(|flag| mode.has(flag) && mode != flag);
                let punches = mode.has(PUNCH_HOLE);
                let supported = !punches || keeps && !mode.has(ZERO_RANGE);
                if supported && (exclusive || mode.has(UNSHARE_RANGE) && !is(UNSHARE_RANGE)) {
                    return Err(Errno::EINVAL);
                }
                supported
            }
        };
        if sound { Ok(()) } else { Err(Errno::EOPNOTSUPP) }
    }

    /// What it changed, for whoever looks; what failed may have been done in part.
    fn note_fallocate(&mut self, ino: Ino, mode: FallocateMode, offset: u64, len: u64) {
        match mode {
            FallocateMode::CollapseRange | FallocateMode::InsertRange => {
                self.notes.push(Note::Fact(Fact::Shifted { ino }));
                self.note_touched(ino, offset, MAX_BYTES);
            }
            FallocateMode::PunchHole | FallocateMode::ZeroRange(_) => {
                self.notes.push(Note::Fact(Fact::Zeros { ino, from: offset, end: offset + len }));
                self.notes.push(Note::Resized(ino));
            }
            FallocateMode::Allocate(_) => self.notes.push(Note::Resized(ino)),
        }
    }

    fn fallocate_range(
        &mut self,
        file: &File,
        mode: FallocFlags,
        offset: u64,
        len: u64,
    ) -> Result<(), Errno> {
        let size = if mode.has(KEEP_SIZE) { NewSize::Kept } else { NewSize::Grows };
        let asked = if mode.has(PUNCH_HOLE) {
            FallocateMode::PunchHole
        } else if mode.has(COLLAPSE_RANGE) {
            FallocateMode::CollapseRange
        } else if mode.has(INSERT_RANGE) {
            FallocateMode::InsertRange
        } else if mode.has(ZERO_RANGE) {
            FallocateMode::ZeroRange(size)
        } else if mode.has(UNSHARE_RANGE) {
            // v6.6 fs/ext4/extents.c, ext4_fallocate: it shares no blocks
            return Err(Errno::EOPNOTSUPP);
        } else {
            FallocateMode::Allocate(size)
        };
        // v6.6 fs/ext4/extents.c, ext4_fallocate: of the descriptor, a sync mount is not asked
        let sync = file.flags.has(OpenFlags::O_DSYNC).then_some(Datasync::Yes);
        self.note_growth(file.ino, offset.saturating_add(len));
        let done = self.fs.fallocate(file.ino, &Fallocate { mode: asked, offset, len, sync });
        self.note_fallocate(file.ino, asked, offset, len);
        done?;
        match asked {
            FallocateMode::CollapseRange | FallocateMode::InsertRange => {
                self.unmap_pages_from(file.ino, offset / block_bytes());
            }
            // Private copies stay: unmap_mapping_range without even_cows.
            FallocateMode::PunchHole | FallocateMode::ZeroRange(_) | FallocateMode::Allocate(_) => {}
        }
        Ok(())
    }
}
