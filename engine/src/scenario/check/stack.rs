//! The machine: `stack: (kernel, mkfs, image, mount, disk, recovery)`.
//!
//! ```text
//! what the scenario says ──▶ over the kernel's defaults ──▶ what is modelled
//! ```
//!
//! Mount options are in `mount.rs`.

use super::super::ast::{Checksums, DataMode, DiskOptions, Image, Mkfs, Mount, Recoverer, Stack};
use super::super::tree::{Kind, Node};
use super::Checker;
use super::args::{Bound, Form, Param::Optional};
use super::scalars::{Unit, Word};
use crate::device::{AtomicUnit, Cache, Fua};
use crate::kernel::Kernel;
use crate::units::block_bytes;

const STACK: Form = Form {
    name: "Stack",
    params: &[
        Optional("kernel"),
        Optional("mkfs"),
        Optional("image"),
        Optional("mount"),
        Optional("disk"),
        Optional("recovery"),
    ],
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
const DISK: Form = Form {
    name: "Disk",
    params: &[Optional("cache"), Optional("atomic_write"), Optional("fua"), Optional("stable_writes")],
    unnamed: 0,
};

const CACHES: &[Word<Cache>] =
    &[("volatile", Some(Cache::Volatile)), ("write_through", Some(Cache::WriteThrough))];
/// The features that mke2fs can be asked for and that change what is on the disk.
const FEATURES: &[Word<Feature>] = &[
    ("metadata_csum", Some(Feature::MetadataCsum)),
    ("dir_index", Some(Feature::DirIndex)),
    ("orphan_file", Some(Feature::OrphanFile)),
    ("fast_commit", Some(Feature::FastCommit)),
    ("bigalloc", None),
    ("casefold", None),
    ("ea_inode", None),
    ("encrypt", None),
    ("flex_bg", None),
    ("huge_file", None),
    ("inline_data", None),
    ("large_dir", None),
    ("meta_bg", None),
    ("metadata_csum_seed", None),
    ("project", None),
    ("quota", None),
    ("resize_inode", None),
    ("sparse_super2", None),
    ("stable_inodes", None),
    ("verity", None),
];

/// A feature that the model's mkfs can give.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Feature {
    MetadataCsum,
    DirIndex,
    OrphanFile,
    FastCommit,
}

/// The smallest file system, in bytes.
const MIN_SIZE: i128 = 8 << 20;
/// The largest file system, in bytes.
const MAX_SIZE: i128 = 4 << 30;
/// The smallest journal, in blocks (JBD2_MIN_JOURNAL_BLOCKS).
const MIN_JOURNAL: i128 = 1024;
/// The largest that the model makes, in blocks: its extents fit the inode.
const MAX_JOURNAL: i128 = 65536;
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
        if let Some(node) = fields.get("image") {
            stack.image = self.within(".image", |c| c.image(node, fields.get("mkfs")));
        }
        let has_journal = stack.mkfs.journal_blocks.is_some();
        self.field(&fields, "mount", |c, node| Some(c.mount(node, has_journal)), &mut stack.mount);
        if !has_journal {
            // v6.6 fs/ext4/ext4_jbd2.c, ext4_inode_journal_mode
            stack.mount.data = DataMode::Writeback;
        }
        self.field(&fields, "disk", |c, node| Some(c.disk(node)), &mut stack.disk);
        self.field(&fields, "recovery", Self::recoverer, &mut stack.recovery);
        stack
    }

    /// Who recovers: a release in quotes, or a word.
    fn recoverer(&mut self, node: &Node) -> Option<Recoverer> {
        const RECOVERERS: &[Word<Recoverer>] = &[("e2fsck", Some(Recoverer::E2fsck))];
        if node.kind == Kind::Word {
            return self.word(node, "who recovers", RECOVERERS);
        }
        let expected = "`e2fsck`, or one release, as \"6.12\"";
        if matches!(node.kind, Kind::List(_)) {
            self.refuse("bad-recovery", &node.span, "a list stands here".to_owned(), expected);
            return None;
        }
        match self.kernel_range(node)?.as_slice() {
            [kernel] => Some(Recoverer::Kernel(*kernel)),
            several => {
                let message = format!("{} are {} releases", self.show(&node.span), several.len());
                self.refuse("bad-recovery", &node.span, message, expected);
                None
            }
        }
    }

    /// Reads a field, where it is given, in place of its default.
    pub(super) fn field<T>(
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

    /// A file with a real file system.
    fn image(&mut self, node: &Node, mkfs: Option<&Node>) -> Option<Image> {
        const EXPECTED: &str = "the path of an image file, a string";
        let path = self.text(node, EXPECTED)?;
        if path.is_empty() || path.contains('\0') {
            let message = format!("{} is no path of a file", self.show(&node.span));
            self.refuse("bad-image", &node.span, message, EXPECTED);
        }
        if let Some(mkfs) = mkfs {
            let message = "a file system is either made or begun with".to_owned();
            self.refuse("bad-image", &mkfs.head(), message, "`mkfs` or `image`");
        }
        Some(Image { path, disk: None })
    }

    fn mkfs(&mut self, node: &Node) -> Mkfs {
        self.group_name(node, "Mkfs");
        let fields = self.bind(&MKFS, node);
        let mut mkfs = Mkfs::default();
        self.field(&fields, "size", |c, node| c.blocks(node, MIN_SIZE, MAX_SIZE), &mut mkfs.blocks);
        let mut journal = true;
        self.field(&fields, "journal", |c, node| c.boolean(node), &mut journal);
        if !journal {
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
            let has = |wanted: Feature| features.iter().any(|(_, feature)| *feature == wanted);
            mkfs.metadata_csum = if has(Feature::MetadataCsum) { Checksums::Crc32c } else { Checksums::None };
            mkfs.dir_index = has(Feature::DirIndex);
            mkfs.orphan_file = has(Feature::OrphanFile);
            mkfs.fast_commit = has(Feature::FastCommit);
            for (needy, name) in [(Feature::OrphanFile, "orphan_file"), (Feature::FastCommit, "fast_commit")]
            {
                if let Some((node, _)) = features.iter().find(|(_, feature)| *feature == needy)
                    && !journal
                {
                    // e2fsprogs 1.47 misc/mke2fs.c, main. It drops fast_commit without a word.
                    let message = format!("mke2fs makes no {name} without a journal");
                    let expected = format!("`{name}` only with `journal: true`");
                    self.within(".features", |c| c.refuse("no-journal", &node.span, message, &expected));
                }
            }
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
