//! O_DIRECT: between the program's memory and the disk, past the page cache.
//!
//! ```text
//!   write:  times ▸ extends? orphan list (a handle) ▸ dirty pages of the range: write, wait, drop
//!           per mapping: blocks (a handle where they are not there and written) ▸ W(data) … wait
//!           unwritten becomes written (a handle) ▸ extends? i_size, i_disksize, off the orphan list (a handle)
//!           O_DSYNC, O_SYNC: sync of the range, but for a pure overwrite that went out with FUA
//! ```
//! The call waits for its own I/O under every schedule; nothing but the sync flushes the disk's cache. Blocks at or
//! behind the end of the file are allocated as written ones: the orphan list keeps them from being seen after a crash.
//!
//! Not modelled: unaligned memory (it is taken as aligned); the blocks that an extending write which is refused as
//! unaligned allocates and gives back; AIO; dirty bits of page tables in kernels that do not see them.

use super::{Datasync, Fs, Inode, MAX_BYTES};
use crate::device::{Cache, Fua, Why};
use crate::format::ExtentState;
use crate::history::Errno;
use crate::kernel::{DioFua, DioSync};
use crate::mutant::Mutant;
use crate::units::{
    BLOCK_BYTES, BlockNr, FileBlock, Ino, Lba, RequestIdx, SECTOR_BYTES, Widen, block_bytes, len_u32, len_u64,
};

/// The most blocks of one mapping (DIO_MAX_BLOCKS).
const MAPPING_BLOCKS: u32 = 4096;
/// The most bytes of one bio (BIO_MAX_VECS pages).
const BIO_BYTES: usize = 256 * BLOCK_BYTES;

/// What a direct write is asked for (`struct kiocb`, `ki_flags`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DirectWrite {
    /// What must be durable when it returns.
    pub sync: Option<Datasync>,
    /// Whether it fails instead of waiting (IOCB_NOWAIT).
    pub nowait: bool,
}

/// The bytes of a direct write, and where they go.
#[derive(Clone, Copy, Debug)]
struct Transfer<'a> {
    ino: Ino,
    pos: u64,
    data: &'a [u8],
}

/// What is known of a direct write on its way (`struct iomap_dio`).
#[derive(Debug)]
struct Dio {
    requests: Vec<RequestIdx>,
    /// Whether blocks must be marked as written when it completes (IOMAP_DIO_UNWRITTEN).
    unwritten: bool,
    /// Whether every bio so far was durable by itself (IOMAP_DIO_WRITE_THROUGH).
    write_through: bool,
}

/// Neighbouring blocks of one kind (`struct iomap`).
#[derive(Clone, Copy, Debug)]
struct Mapping {
    at: BlockNr,
    blocks: u32,
    state: ExtentState,
    /// Allocated for this write (IOMAP_F_NEW).
    fresh: bool,
    /// Whether reading the data back needs metadata that is not durable (IOMAP_F_DIRTY).
    dirty: bool,
}

impl Transfer<'_> {
    const fn end(&self) -> u64 {
        self.pos + len_u64(self.data.len())
    }

    fn first(&self) -> FileBlock {
        FileBlock::of_byte(self.pos).unwrap_or(FileBlock::new(u32::MAX))
    }

    fn last(&self) -> FileBlock {
        FileBlock::of_byte(self.end() - 1).unwrap_or(FileBlock::new(u32::MAX))
    }

    const fn is_aligned(&self) -> bool {
        is_aligned(self.pos, len_u64(self.data.len()))
    }
}

/// Whether offset and length are whole sectors. v6.6 fs/iomap/direct-io.c, `iomap_dio_bio_iter`
const fn is_aligned(pos: u64, len: u64) -> bool {
    (pos | len).is_multiple_of(len_u64(SECTOR_BYTES))
}

impl Fs {
    /// Reads up to `len` bytes from the disk; dirty pages in their way are written first.
    /// v6.6 fs/ext4/file.c, `ext4_dio_read_iter`
    ///
    /// # Errors
    /// EINVAL for what is not aligned, and those of writing dirty pages.
    pub fn read_direct(&mut self, ino: Ino, pos: u64, len: u64) -> Result<Vec<u8>, Errno> {
        self.within("ext4_dio_read_iter", |fs| {
            fs.within("iomap_dio_rw", |fs| {
                let end = fs.inode(ino).size.min(pos.saturating_add(len));
                if pos >= end {
                    return Ok(Vec::new());
                }
                let block = |at| FileBlock::of_byte(at).unwrap_or(FileBlock::new(u32::MAX));
                let (first, last) = (block(pos), block(pos.saturating_add(len) - 1));
                fs.write_and_wait(ino, first, last)?;
                let mut bytes = Vec::new();
                for nr in first.get()..=block(end - 1).get() {
                    let page = FileBlock::new(nr);
                    let from = pos.saturating_sub(page.first_byte()).index();
                    let upto = (end - page.first_byte()).min(block_bytes()).index();
                    match fs.inode(ino).tree.lookup(page) {
                        Some((_, ExtentState::Written)) if !is_aligned(pos, len) => {
                            fs.decide("offset and length are not whole sectors");
                            return Err(Errno::EINVAL);
                        }
                        Some((at, ExtentState::Written)) => {
                            bytes.extend_from_slice(&fs.q.read(at).bytes()[from..upto]);
                        }
                        Some((_, ExtentState::Unwritten)) | None => {
                            bytes.resize(bytes.len() + upto - from, 0);
                        }
                    }
                }
                Ok(bytes)
            })
        })
    }

    /// Writes to the disk; returns how much. Unlike a buffered write it is never short for want of space.
    /// v6.6 fs/ext4/file.c, `ext4_dio_write_iter`
    ///
    /// # Errors
    /// EINVAL for what is not aligned, EFBIG, ENOSPC, EAGAIN for what would wait and must not.
    pub fn write_direct(
        &mut self,
        ino: Ino,
        pos: u64,
        data: &[u8],
        asked: DirectWrite,
    ) -> Result<u64, Errno> {
        let room = MAX_BYTES.checked_sub(pos).filter(|room| *room > 0).ok_or(Errno::EFBIG)?;
        let data = data.get(..room.index()).unwrap_or(data);
        let transfer = Transfer { ino, pos, data };
        self.within("ext4_dio_write_iter", |fs| {
            let inode = fs.inode(ino);
            let extends = transfer.end() > inode.size || transfer.end() > inode.raw.size;
            if asked.nowait && (extends || !fs.is_overwrite(transfer)) {
                fs.decide("it extends the file or allocates, and must not wait");
                return Err(Errno::EAGAIN);
            }
            fs.through(&["ext4_dio_write_checks", "file_modified"], |fs| fs.update_time(ino));
            if extends {
                fs.decide("it ends behind the end of the file: on the orphan list until the size is set");
                fs.start_handle(4);
                if !fs.q.lacks(Mutant::DirectExtendWithoutOrphan) {
                    fs.orphan_add(ino);
                }
            }
            let result = fs.within("iomap_dio_rw", |fs| fs.dio_write(transfer, extends, asked));
            if result.is_err() && extends {
                fs.within("ext4_inode_extension_cleanup", |fs| fs.truncate(ino));
            }
            result.map(|()| len_u64(data.len()))
        })
    }

    /// Whether all blocks are there, as one extent, within the file. v6.6 fs/ext4/file.c, `ext4_overwrite_io`
    fn is_overwrite(&self, transfer: Transfer<'_>) -> bool {
        let tree = &self.inode(transfer.ino).tree;
        let first = tree.lookup(transfer.first());
        (transfer.first().get()..=transfer.last().get()).zip(0..).all(|(nr, offset)| {
            let here = tree.lookup(FileBlock::new(nr));
            here.is_some() && here == first.map(|(at, state)| (at.plus(offset), state))
        })
    }

    /// v6.6 fs/iomap/direct-io.c, `__iomap_dio_rw`
    fn dio_write(&mut self, transfer: Transfer<'_>, extends: bool, asked: DirectWrite) -> Result<(), Errno> {
        self.invalidate_for_dio(transfer, asked)?;
        if !transfer.is_aligned() {
            self.decide("offset and length are not whole sectors");
            return Err(Errno::EINVAL);
        }
        let mut dio = Dio {
            requests: Vec::new(),
            unwritten: false,
            write_through: asked.sync == Some(Datasync::Yes) && self.has_dio_fua(),
        };
        let submitted = self.submit_dio(transfer, &mut dio);
        for request in &dio.requests {
            self.q.wait(*request);
        }
        submitted?;
        self.within("iomap_dio_complete", |fs| fs.complete_dio(transfer, &dio, extends, asked.sync))
    }

    /// What the page cache holds of the range goes out and is dropped. v6.6 mm/filemap.c, `kiocb_invalidate_pages`
    fn invalidate_for_dio(&mut self, transfer: Transfer<'_>, asked: DirectWrite) -> Result<(), Errno> {
        let (ino, first, last) = (transfer.ino, transfer.first(), transfer.last());
        if self.inode(ino).pages.range(first, last).next().is_none() {
            return Ok(());
        }
        self.within("kiocb_invalidate_pages", |fs| {
            if asked.nowait {
                fs.decide("the page cache has pages of the range, and the call must not wait");
                return Err(Errno::EAGAIN);
            }
            fs.write_and_wait(ino, first, last)?;
            fs.invalidate_pages(ino, first, last, |_| false);
            Ok(())
        })
    }

    /// Whether a direct O_DSYNC write may be durable without a flush: barriers are the file system's, this is not.
    /// v6.6 fs/iomap/direct-io.c, `iomap_dio_bio_iter`
    fn has_dio_fua(&self) -> bool {
        let disk = self.q.disk();
        self.options.rules.dio_fua == DioFua::Fua
            && (disk.fua == Fua::Native || disk.cache == Cache::WriteThrough)
    }

    /// Maps and submits, piece by piece. v6.6 fs/iomap/direct-io.c, `iomap_dio_iter`
    fn submit_dio(&mut self, transfer: Transfer<'_>, dio: &mut Dio) -> Result<(), Errno> {
        let mut at = transfer.pos;
        while at < transfer.end() {
            let page = FileBlock::of_byte(at).ok_or(Errno::EFBIG)?;
            let blocks = transfer.last().get() - page.get() + 1;
            let mapping = self.within("ext4_iomap_begin", |fs| fs.map_for_dio(transfer, page, blocks))?;
            let upto = page.plus(mapping.blocks).first_byte().min(transfer.end());
            let piece = Transfer {
                pos: at,
                data: &transfer.data[(at - transfer.pos).index()..(upto - transfer.pos).index()],
                ..transfer
            };
            self.within("iomap_dio_bio_iter", |fs| fs.submit_mapping(piece, page, mapping, dio));
            at = upto;
        }
        Ok(())
    }

    /// The blocks for a part of the write; missing ones are allocated.
    /// v6.6 fs/ext4/inode.c, `ext4_iomap_begin`, `ext4_iomap_alloc`
    fn map_for_dio(&mut self, transfer: Transfer<'_>, page: FileBlock, want: u32) -> Result<Mapping, Errno> {
        let (ino, want) = (transfer.ino, want.min(MAPPING_BLOCKS));
        let dirty = self.needs_metadata(transfer);
        if let Some((at, state)) = self.inode(ino).tree.lookup(page) {
            let tree = &self.inode(ino).tree;
            let same = |nr: &u32| tree.lookup(page.plus(*nr)) == Some((at.plus(u64::from(*nr)), state));
            let blocks = len_u32((0..want).take_while(same).count());
            match state {
                ExtentState::Written => self.decide("the blocks are there and written: no handle"),
                ExtentState::Unwritten => self.decide("the blocks are unwritten: converted on completion"),
            }
            return Ok(Mapping { at, blocks, state, fresh: false, dirty });
        }
        let want = self.hole_run(ino, page, want);
        let state = if page.first_byte() >= self.inode(ino).size {
            self.decide("behind the end of the file: written blocks, which the orphan list guards");
            ExtentState::Written
        } else {
            self.decide("a hole: unwritten blocks, converted on completion");
            ExtentState::Unwritten
        };
        self.make_room(1)?;
        self.start_handle(16);
        let (at, blocks) = self.map_new_blocks(ino, page, want, state)?;
        if state == ExtentState::Written {
            // v6.6 fs/ext4/inode.c, ext4_map_blocks: on the ordered list; the page cache has nothing of it
            self.order_data(ino, page);
            self.order_data(ino, page.plus(blocks - 1));
        }
        Ok(Mapping { at, blocks, state, fresh: true, dirty })
    }

    /// Submits one mapping; what it leaves of a new or unwritten block, or behind the end of the file, is zeroed.
    /// v6.6 fs/iomap/direct-io.c, `iomap_dio_bio_iter`, `iomap_dio_zero`
    fn submit_mapping(&mut self, piece: Transfer<'_>, page: FileBlock, mapping: Mapping, dio: &mut Dio) {
        let zeroes = mapping.fresh || mapping.state == ExtentState::Unwritten;
        let pure = !zeroes && !mapping.dirty;
        if dio.write_through && !pure {
            self.decide("not a pure overwrite: no FUA");
        }
        dio.write_through &= pure;
        dio.unwritten |= mapping.state == ExtentState::Unwritten;
        let place =
            |byte: u64| mapping.at.first_lba().plus((byte - page.first_byte()) / len_u64(SECTOR_BYTES));
        let head = (piece.pos % block_bytes()).index();
        if zeroes && head > 0 {
            self.submit_piece(dio, place(page.first_byte()), &vec![0; head], (piece.ino, page));
        }
        let mut at = piece.pos;
        for bytes in piece.data.chunks(BIO_BYTES) {
            let from = FileBlock::of_byte(at).unwrap_or(page);
            self.submit_piece(dio, place(at), bytes, (piece.ino, from));
            at += len_u64(bytes.len());
        }
        let tail = (piece.end().next_multiple_of(block_bytes()) - piece.end()).index();
        // The tail is zeroed also where nothing of the file lies behind the write.
        let ends_file = piece.end() >= self.inode(piece.ino).size;
        if (zeroes || ends_file) && tail > 0 {
            self.submit_piece(dio, place(piece.end()), &vec![0; tail], (piece.ino, piece.last()));
        }
    }

    /// Whether reading the data back needs metadata that is not durable: the whole write is asked, not this mapping.
    /// v6.6 fs/ext4/inode.c, `ext4_set_iomap`, `ext4_inode_datasync_dirty`
    fn needs_metadata(&self, transfer: Transfer<'_>) -> bool {
        let inode = self.inode(transfer.ino);
        transfer.end() > inode.size || self.is_pending(inode)
    }

    /// Whether a transaction that has not committed is needed to read an inode's data back; without a journal, whether
    /// the VFS takes the inode for dirty. v6.6 fs/ext4/inode.c, `ext4_inode_datasync_dirty`
    fn is_pending(&self, inode: &Inode) -> bool {
        match &self.journal {
            Some(journal) => !journal.committed().is_at_or_after(inode.datasync_tid),
            None => inode.vfs_dirty.is_some(),
        }
    }

    fn submit_piece(&mut self, dio: &mut Dio, lba: Lba, bytes: &[u8], (ino, from): (Ino, FileBlock)) {
        let offset = lba.get() % (block_bytes() / len_u64(SECTOR_BYTES)) * len_u64(SECTOR_BYTES);
        let blocks = (offset + len_u64(bytes.len())).div_ceil(block_bytes());
        let why = Why::Data { ino, from, blocks: u32::try_from(blocks).unwrap_or(u32::MAX) };
        let request = if dio.write_through && self.q.disk().fua == Fua::Native {
            self.decide("O_DSYNC on a device with FUA: durable when it completes, without a flush");
            self.q.submit_fua(lba, bytes, why)
        } else {
            self.q.submit_sectors(lba, bytes, why)
        };
        dio.requests.push(request);
    }

    /// The data is on the device. v6.6 fs/iomap/direct-io.c, `iomap_dio_complete`; fs/ext4/file.c, `ext4_dio_write_end_io`
    fn complete_dio(
        &mut self,
        transfer: Transfer<'_>,
        dio: &Dio,
        extends: bool,
        sync: Option<Datasync>,
    ) -> Result<(), Errno> {
        let (ino, first, last) = (transfer.ino, transfer.first(), transfer.last());
        if dio.unwritten {
            self.convert_unwritten_extents(ino, first, last.get() - first.get() + 1);
        }
        if extends && self.options.rules.dio_sync == DioSync::WithSize {
            self.extend_after_dio(ino, transfer.end());
        }
        let result = match sync {
            Some(_) if dio.write_through => {
                self.decide("all of it is durable: no sync");
                Ok(())
            }
            Some(datasync) => self.through(&["generic_write_sync", "vfs_fsync_range"], |fs| {
                fs.decide("not durable yet: the sync goes the same way as fsync");
                fs.sync_file(ino, first, last, datasync)
            }),
            None => Ok(()),
        };
        if extends && self.options.rules.dio_sync == DioSync::BeforeSize {
            self.decide("the sync is over, and only now the size is set");
            self.extend_after_dio(ino, transfer.end());
        }
        result
    }

    /// The file ends behind the data from now on. v6.6 fs/ext4/file.c, `ext4_handle_inode_extension`
    fn extend_after_dio(&mut self, ino: Ino, end: u64) {
        self.within("ext4_handle_inode_extension", |fs| {
            fs.start_handle(4);
            let inode = fs.inode_mut(ino);
            inode.size = inode.size.max(end);
            inode.raw.size = inode.raw.size.max(end);
            fs.mark_inode_dirty(ino);
            if fs.inode(ino).raw.links > 0 {
                fs.orphan_del(ino);
            }
        });
    }
}
