//! The machine: `stack: (kernel, mkfs, mount, disk)`.
//!
//! ```text
//! what the scenario says ──▶ over the kernel's defaults ──▶ what is modelled
//! ```
//!
//! Not modelled: file systems without a journal, other data modes; they are refused by name.

use super::super::ast::{Checksums, DataMode, DiskOptions, Mkfs, Mount, Stack};
use super::super::tree::Node;
use super::Checker;
use super::args::{Bound, Form, Param::Optional};
use super::scalars::{Unit, Word};
use crate::device::{AtomicUnit, Cache, Fua};
use crate::kernel::Kernel;
use crate::units::block_bytes;

const STACK: Form = Form {
    name: "Stack",
    params: &[Optional("kernel"), Optional("mkfs"), Optional("mount"), Optional("disk")],
    unnamed: 0,
};
const MKFS: Form = Form {
    name: "Mkfs",
    params: &[
        Optional("size"),
        Optional("journal"),
        Optional("journal_size"),
        Optional("inodes"),
        Optional("features"),
    ],
    unnamed: 0,
};
const MOUNT: Form = Form {
    name: "Mount",
    params: &[
        Optional("data"),
        Optional("delalloc"),
        Optional("dioread_nolock"),
        Optional("auto_da_alloc"),
        Optional("barrier"),
        Optional("commit"),
    ],
    unnamed: 0,
};
const DISK: Form = Form {
    name: "Disk",
    params: &[Optional("cache"), Optional("atomic_write"), Optional("fua"), Optional("stable_writes")],
    unnamed: 0,
};

const DATA_MODES: &[Word<DataMode>] =
    &[("ordered", Some(DataMode::Ordered)), ("writeback", None), ("journal", None)];
const CACHES: &[Word<Cache>] =
    &[("volatile", Some(Cache::Volatile)), ("write_through", Some(Cache::WriteThrough))];
/// The features that mke2fs can be asked for and that change what is on the disk.
const FEATURES: &[Word<()>] = &[
    ("metadata_csum", Some(())),
    ("bigalloc", None),
    ("casefold", None),
    ("dir_index", None),
    ("ea_inode", None),
    ("encrypt", None),
    ("fast_commit", None),
    ("flex_bg", None),
    ("huge_file", None),
    ("inline_data", None),
    ("large_dir", None),
    ("meta_bg", None),
    ("metadata_csum_seed", None),
    ("orphan_file", None),
    ("project", None),
    ("quota", None),
    ("resize_inode", None),
    ("sparse_super2", None),
    ("stable_inodes", None),
    ("verity", None),
];

/// The smallest file system, in bytes.
const MIN_SIZE: i128 = 8 << 20;
/// The largest file system, in bytes.
const MAX_SIZE: i128 = 4 << 30;
/// The smallest journal, in blocks (JBD2_MIN_JOURNAL_BLOCKS).
const MIN_JOURNAL: i128 = 1024;
/// The largest that the model makes, in blocks: its extents fit the inode.
const MAX_JOURNAL: i128 = 65536;
/// The longest commit interval, in seconds: beyond, a clock of 1000 ticks a second overflows.
const MAX_COMMIT: i128 = 2_147_483;

impl Checker<'_> {
    pub(super) fn stack(&mut self, node: Option<&Node>) -> Stack {
        let mut stack = Stack { kernel: self.kernel, mount: Mount::of(self.kernel), ..Stack::default() };
        let Some(node) = node else { return stack };
        self.group_name(node, "Stack");
        let fields = self.bind(&STACK, node);
        if let Some(node) = fields.get("kernel") {
            // They are known already: read once more for what is wrong with them.
            self.within(".kernel", |c| c.kernels(node));
        }
        self.field(&fields, "mkfs", |c, node| Some(c.mkfs(node)), &mut stack.mkfs);
        self.field(&fields, "mount", |c, node| Some(c.mount(node)), &mut stack.mount);
        self.field(&fields, "disk", |c, node| Some(c.disk(node)), &mut stack.disk);
        stack
    }

    /// Reads a field, where it is given, in place of its default.
    fn field<T>(
        &mut self,
        fields: &Bound<'_>,
        name: &str,
        read: impl FnOnce(&mut Self, &Node) -> Option<T>,
        value: &mut T,
    ) {
        if let Some(node) = fields.get(name)
            && let Some(given) = self.within(&format!(".{name}"), |c| read(c, node))
        {
            *value = given;
        }
    }

    /// The kernels that it names.
    pub(super) fn stack_kernels(&mut self, node: &Node) -> Option<Vec<Kernel>> {
        let fields = self.bind(&STACK, node);
        fields.get("kernel").and_then(|node| self.kernels(node))
    }

    fn mkfs(&mut self, node: &Node) -> Mkfs {
        self.group_name(node, "Mkfs");
        let fields = self.bind(&MKFS, node);
        let mut mkfs = Mkfs::default();
        self.field(&fields, "size", |c, node| c.blocks(node, MIN_SIZE, MAX_SIZE), &mut mkfs.blocks);
        let mut journal = true;
        self.field(&fields, "journal", |c, node| c.boolean(node), &mut journal);
        if let Some(node) = fields.get("journal").filter(|_| !journal) {
            self.within(".journal", |c| c.not_modelled(&node.span, "journal: false"));
            mkfs.journal_blocks = None;
        }
        if let Some(node) = fields.get("journal_size") {
            self.within(".journal_size", |c| c.journal_size(node, &mut mkfs));
        }
        // mke2fs -i 16384: an inode for every four blocks, whole blocks of the inode table.
        let inodes = (mkfs.blocks / 4).max(16).next_multiple_of(16);
        mkfs.inodes = u32::try_from(inodes).unwrap_or(u32::MAX);
        let most = mkfs.blocks;
        self.field(&fields, "inodes", |c, node| c.inodes(node, most), &mut mkfs.inodes);
        if let Some(node) = fields.get("features") {
            let features = self.within(".features", |c| c.flags(node, "a feature of ext4", FEATURES));
            mkfs.metadata_csum = if features.is_empty() { Checksums::None } else { Checksums::Crc32c };
        }
        mkfs
    }

    /// A size in bytes, as blocks.
    fn blocks(&mut self, node: &Node, low: i128, high: i128) -> Option<u64> {
        let bytes = self.integer(node, Unit::Bytes, low..=high)?;
        let bytes = u64::try_from(bytes).ok()?;
        if bytes % block_bytes() != 0 {
            let message = format!("{} is not a whole number of blocks", self.show(&node.span));
            self.refuse("partial-block", &node.span, message, "a multiple of 4K");
            return None;
        }
        Some(bytes / block_bytes())
    }

    fn journal_size(&mut self, node: &Node, mkfs: &mut Mkfs) {
        if mkfs.journal_blocks.is_none() {
            let message = "a file system without a journal has no size of it".to_owned();
            self.refuse("no-journal", &node.span, message, "`journal_size` only with `journal: true`");
        }
        let bytes = i128::from(block_bytes());
        // At most half of the disk, so that something is left to write to.
        let most = i128::from(mkfs.blocks / 2).min(MAX_JOURNAL) * bytes;
        if let Some(blocks) = self.blocks(node, MIN_JOURNAL * bytes, most) {
            mkfs.journal_blocks = mkfs.journal_blocks.and_then(|_| u32::try_from(blocks).ok());
        }
    }

    fn inodes(&mut self, node: &Node, most: u64) -> Option<u32> {
        let inodes = self.integer(node, Unit::Plain, 16..=i128::from(most))?;
        let inodes = u32::try_from(inodes).ok()?;
        if inodes % 16 != 0 {
            let message = format!("{inodes} inodes do not fill whole blocks of the inode table");
            let expected = format!("a multiple of 16, as {}", inodes.next_multiple_of(16));
            self.refuse("partial-block", &node.span, message, &expected);
            return None;
        }
        Some(inodes)
    }

    fn mount(&mut self, node: &Node) -> Mount {
        self.group_name(node, "Mount");
        let fields = self.bind(&MOUNT, node);
        let mut mount = Mount::of(self.kernel);
        self.field(&fields, "data", |c, node| c.data_mode(node), &mut mount.data);
        self.field(&fields, "delalloc", |c, node| c.boolean(node), &mut mount.delalloc);
        self.field(&fields, "dioread_nolock", |c, node| c.boolean(node), &mut mount.dioread_nolock);
        self.field(&fields, "auto_da_alloc", |c, node| c.boolean(node), &mut mount.auto_da_alloc);
        self.field(&fields, "barrier", |c, node| c.boolean(node), &mut mount.barrier);
        self.field(&fields, "commit", |c, node| c.commit_interval(node), &mut mount.commit_secs);
        mount
    }

    fn data_mode(&mut self, node: &Node) -> Option<DataMode> {
        if let Some(mode @ ("writeback" | "journal")) = node.name(self.text) {
            self.not_modelled(&node.span, &format!("data: {mode}"));
            return None;
        }
        self.word(node, "a data mode", DATA_MODES)
    }

    fn commit_interval(&mut self, node: &Node) -> Option<u64> {
        let seconds = u64::try_from(self.integer(node, Unit::Plain, 0..=MAX_COMMIT)?).ok()?;
        // v6.6 fs/ext4/super.c, ext4_parse_param: 0 stands for the default.
        Some(if seconds == 0 { Mount::default().commit_secs } else { seconds })
    }

    fn disk(&mut self, node: &Node) -> DiskOptions {
        self.group_name(node, "Disk");
        let fields = self.bind(&DISK, node);
        let mut disk = Stack::default().disk;
        self.field(&fields, "cache", |c, node| c.word(node, "a kind of cache", CACHES), &mut disk.cache);
        self.field(&fields, "atomic_write", |c, node| c.atomic_unit(node), &mut disk.atomic);
        let fua = |c: &mut Self, node: &Node| {
            c.boolean(node).map(|native| if native { Fua::Native } else { Fua::Emulated })
        };
        self.field(&fields, "fua", fua, &mut disk.fua);
        self.field(&fields, "stable_writes", |c, node| c.boolean(node), &mut disk.stable_writes);
        disk
    }

    fn atomic_unit(&mut self, node: &Node) -> Option<AtomicUnit> {
        match self.integer(node, Unit::Bytes, 0..=i128::from(u32::MAX))? {
            512 => Some(AtomicUnit::Sector),
            4096 => Some(AtomicUnit::Block),
            _ => {
                let message = format!("{} is not an atomic unit of the model", self.show(&node.span));
                self.refuse("out-of-range", &node.span, message, "512 or 4096");
                None
            }
        }
    }
}
