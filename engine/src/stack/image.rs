//! A real file system to begin with, in place of one that is made.
//!
//! ```text
//!   image file ──read by the caller──▶ DiskImage ──open_image: may it be mounted? replay──▶ base of a scenario
//! ```
//! What is taken here needs no repair, so that whatever reads it later finds it sound. The log is replayed, as a mount
//! would; orphans are left to the mount.
//!
//! Not modelled: what mke2fs can make and `format` refuses by name; devices, pipes and sockets in it.

use crate::device::DiskImage;
use crate::format::journal::JournalSuperblock;
use crate::format::{FormatError, Incompat, Superblock};
use crate::kernel::Kernel;
use crate::recovery::{MountError, Profile, Repair, journal_start, recover};
use crate::scenario::{Mount, Stack};
use crate::units::{BLOCK_BYTES, Block, BlockNr, Tid};

/// Where the magic of ext4 lies in block 0.
const MAGIC_AT: usize = 1024 + 0x38;
/// Where the size of its blocks lies: how often 1024 is doubled.
const BLOCK_SIZE_AT: usize = 1024 + 0x18;
const MAGIC: [u8; 2] = [0x53, 0xEF];

/// Why an image cannot be begun with.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ImageError {
    /// No magic where a superblock has it.
    #[error("not an ext2, ext3 or ext4 file system: no magic at byte 1080")]
    NoFileSystem,
    /// Blocks of another size.
    #[error("a file system with blocks of {bytes} bytes; only those of 4096 are modelled")]
    BlockSize {
        /// The size.
        bytes: u64,
    },
    /// Something in it is not modelled.
    #[error("not modelled: {0}")]
    Unsupported(FormatError),
    /// A mount option asks for something of a journal, and there is none.
    #[error("it has no journal, and Linux does not mount such a file system with `{option}`")]
    NoJournal {
        /// The option.
        option: &'static str,
    },
    /// Linux would not mount it.
    #[error("it cannot be mounted: {0}")]
    Mount(MountError),
    /// A kernel has noted errors in it.
    #[error("its superblock says that it has errors")]
    HasErrors,
    /// e2fsck would repair it.
    #[error("it needs repair: {first}{}", more(*.others))]
    NeedsRepair {
        /// The first thing that is wrong.
        first: Repair,
        /// How many more there are.
        others: usize,
    },
}

impl ImageError {
    /// What may help.
    pub const fn help(&self) -> Option<&'static str> {
        match self {
            Self::BlockSize { .. } => Some("mke2fs takes `-b 4096`; for small disks it takes 1024 by itself"),
            Self::NeedsRepair { .. } | Self::HasErrors => Some("repair it with `e2fsck -f` first"),
            Self::NoFileSystem => Some("an image is a whole file system, without a partition table"),
            Self::Unsupported(_) => Some("mke2fs leaves a feature out with `-O ^feature`"),
            Self::NoJournal { .. } | Self::Mount(_) => None,
        }
    }
}

fn more(others: usize) -> String {
    if others == 0 { String::new() } else { format!(" (and {others} more)") }
}

/// Makes an image what a scenario begins with: checked, and with its log replayed.
///
/// # Errors
/// Whatever keeps a kernel from mounting it, or the model from taking it.
pub fn open_image(mut image: DiskImage, kernel: Kernel) -> Result<DiskImage, ImageError> {
    if image.blocks() == 0 {
        return Err(ImageError::NoFileSystem);
    }
    let superblock = check_superblock(image.block(BlockNr::new(0)))?;
    if superblock.state & Superblock::STATE_ERROR != 0 {
        return Err(ImageError::HasErrors);
    }
    let found = recover(&mut image, &Profile::of(kernel)).map_err(refusal)?;
    if let Some((first, others)) = found.repairs.split_first() {
        return Err(ImageError::NeedsRepair { first: first.clone(), others: others.len() });
    }
    let replayed: Vec<(BlockNr, Block)> =
        found.replayed().into_iter().map(|nr| (nr, found.read(&mut image, nr))).collect();
    let journal = journal_start(&mut image).map_err(ImageError::Mount)?;
    for (nr, block) in replayed {
        image.set(nr, block);
    }
    if let Some(nr) = journal {
        leave_clean(&mut image, nr);
    }
    Ok(image)
}

/// Refuses mount options that Linux refuses where there is no journal, but for `data=ordered`, which is taken for
/// nothing said. v6.6 fs/ext4/super.c, `__ext4_fill_super`
///
/// # Errors
/// The first of these options.
pub(super) fn check_options(stack: &Stack) -> Result<(), ImageError> {
    let (mount, plain) = (&stack.mount, Mount::of(stack.kernel));
    let of_journal = [
        ("data", mount.data != plain.data),
        ("commit", mount.commit_secs != plain.commit_secs),
        ("journal_checksum", mount.journal_checksum),
        ("journal_async_commit", mount.journal_async_commit),
    ];
    let given = of_journal.into_iter().find(|(_, is_given)| *is_given && !stack.has_journal());
    given.map_or(Ok(()), |(option, _)| Err(ImageError::NoJournal { option }))
}

fn refusal(error: MountError) -> ImageError {
    if let MountError::Superblock(inner) | MountError::JournalSuperblock(inner) = &error
        && inner.is_unsupported()
    {
        return ImageError::Unsupported(*inner);
    }
    ImageError::Mount(error)
}

fn check_superblock(block: &Block) -> Result<Superblock, ImageError> {
    let bytes = block.bytes();
    if bytes.get(MAGIC_AT..MAGIC_AT + 2) != Some(&MAGIC) {
        return Err(ImageError::NoFileSystem);
    }
    let doubled = bytes.get(BLOCK_SIZE_AT).copied().unwrap_or(0);
    let size = 1024_u64.checked_shl(doubled.into()).unwrap_or(u64::MAX);
    if usize::try_from(size) != Ok(BLOCK_BYTES) {
        return Err(ImageError::BlockSize { bytes: size });
    }
    Superblock::from_block(block).map_err(|error| refusal(MountError::Superblock(error)))
}

/// The log is empty from now on, and its next transaction has a number that none in it has.
/// v6.6 fs/jbd2/journal.c, `jbd2_mark_journal_empty`; fs/ext4/super.c, `ext4_mark_recovery_complete`
fn leave_clean(image: &mut DiskImage, journal: BlockNr) {
    let mut block = image.block(journal).clone();
    if let Ok(mut superblock) = JournalSuperblock::from_block(&block)
        && superblock.start != 0
    {
        // Each transaction takes a block at least.
        superblock.sequence = Tid::new(superblock.sequence.get().wrapping_add(superblock.blocks));
        superblock.start = 0;
        superblock.head = 0;
        superblock.write_into(&mut block);
        image.set(journal, block);
    }
    let nr = BlockNr::new(0);
    let mut block = image.block(nr).clone();
    if let Ok(mut superblock) = Superblock::from_block(&block) {
        superblock.incompat = superblock.incompat.without(Incompat::RECOVER);
        superblock.write_into(&mut block);
        image.set(nr, block);
    }
}
