//! The columns: ways to make and mount the file system. Another column is another line.

use crate::kernel::Kernel;
use crate::scenario::{Stack, parse};

/// A column.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Mount {
    /// Its short name.
    pub name: &'static str,
    /// What it is, in the words of mount(8) and mke2fs(8).
    pub options: &'static str,
    /// What it puts into the stack of a scenario: RON, with a comma behind it.
    pub(super) stack: &'static str,
}

macro_rules! mounts {
    ($($name:literal $options:literal $stack:literal,)*) => {
        /// All columns, in the order of the table.
        const ALL: &[Mount] =
            &[$(Mount { name: $name, options: $options, stack: $stack },)*];
    };
}

mounts! {
    "def" "defaults" "",
    "bar" "barrier" "mount: (barrier: true), ",
    "lock" "dioread_lock" "mount: (dioread_nolock: false), ",
    "nodel" "nodelalloc" "mount: (delalloc: false), ",
    "noauto" "noauto_da_alloc" "mount: (auto_da_alloc: false), ",
    "wback" "data=writeback" "mount: (data: writeback), ",
    "jdata" "data=journal" "mount: (data: journal), ",
    "nojnl" "no journal (mke2fs -O ^has_journal)" "mkfs: (journal: false), ",
    "nobar" "nobarrier" "mount: (barrier: false), ",
    "async" "data=writeback,journal_async_commit" "mount: (data: writeback, journal_async_commit: true), ",
    "sync" "sync" "mount: (sync: true), ",
    "fast" "fast_commit (mke2fs -O fast_commit)" "mkfs: (features: [metadata_csum, fast_commit]), ",
}

impl Mount {
    /// All columns, in the order of the table; the first is that of the defaults.
    pub const ALL: &'static [Self] = ALL;
    /// What the kernel does unless told otherwise.
    pub const DEFAULTS: &'static Self = &ALL[0];

    /// The column of this name.
    pub fn named(name: &str) -> Option<&'static Self> {
        Self::ALL.iter().find(|mount| mount.name == name)
    }

    /// Whether it is the defaults, or makes a difference to them under this kernel.
    pub fn is_for(&self, kernel: Kernel) -> bool {
        self.name == Self::DEFAULTS.name || self.on(kernel) != Self::DEFAULTS.on(kernel)
    }

    /// The machine; none where the kernel refuses it.
    fn on(&self, kernel: Kernel) -> Option<Stack> {
        let text = format!(r#"(title: "", stack: (kernel: "{kernel}", {}), steps: [sync])"#, self.stack);
        parse(&text).ok().map(|scenario| scenario.stack)
    }
}
