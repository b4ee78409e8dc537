//! Mount options: `stack: (mount: (…))`.
//!
//! ```text
//! what the scenario says ──▶ over the kernel's defaults ──▶ what Linux would refuse to mount is refused here
//! ```
//!
//! Not modelled: `errors` and `data_err` are taken and have no effect, for nothing here ever fails.

use super::super::ast::{DataError, DataMode, Mount, OnError, Synchronous};
use super::super::tree::Node;
use super::Checker;
use super::args::{Bound, Form, Param::Optional};
use super::scalars::{Unit, Word};

const MOUNT: Form = Form {
    name: "Mount",
    params: &[
        Optional("data"),
        Optional("delalloc"),
        Optional("dioread_nolock"),
        Optional("auto_da_alloc"),
        Optional("barrier"),
        Optional("commit"),
        Optional("journal_checksum"),
        Optional("journal_async_commit"),
        Optional("sync"),
        Optional("dirsync"),
        Optional("errors"),
        Optional("data_err"),
    ],
    unnamed: 0,
};
const DATA_MODES: &[Word<DataMode>] = &[
    ("ordered", Some(DataMode::Ordered)),
    ("writeback", Some(DataMode::Writeback)),
    ("journal", Some(DataMode::Journal)),
];
const ON_ERROR: &[Word<OnError>] = &[
    ("continue", Some(OnError::Continue)),
    ("remount_ro", Some(OnError::RemountRo)),
    ("panic", Some(OnError::Panic)),
];
const DATA_ERROR: &[Word<DataError>] =
    &[("ignore", Some(DataError::Ignore)), ("abort", Some(DataError::Abort))];

/// Options that say something about a journal, and that a mount without one refuses.
/// v6.6 fs/ext4/super.c, `__ext4_fill_super`
const OF_JOURNAL: [&str; 4] = ["data", "commit", "journal_checksum", "journal_async_commit"];

/// The longest commit interval, in seconds: beyond, a clock of 1000 ticks a second overflows.
const MAX_COMMIT: i128 = 2_147_483;

impl Checker<'_> {
    pub(super) fn mount(&mut self, node: &Node, has_journal: bool) -> Mount {
        self.group_name(node, "Mount");
        let fields = self.bind(&MOUNT, node);
        let mut mount = Mount::of(self.kernel);
        self.field(&fields, "data", |c, node| c.word(node, "a data mode", DATA_MODES), &mut mount.data);
        self.switch(&fields, "delalloc", &mut mount.delalloc);
        self.switch(&fields, "dioread_nolock", &mut mount.dioread_nolock);
        self.switch(&fields, "auto_da_alloc", &mut mount.auto_da_alloc);
        self.switch(&fields, "barrier", &mut mount.barrier);
        self.switch(&fields, "journal_checksum", &mut mount.journal_checksum);
        self.switch(&fields, "journal_async_commit", &mut mount.journal_async_commit);
        self.field(&fields, "commit", |c, node| c.commit_interval(node), &mut mount.commit_secs);
        let (mut dirsync, mut sync) = (false, false);
        self.switch(&fields, "dirsync", &mut dirsync);
        self.switch(&fields, "sync", &mut sync);
        mount.synchronous = match (sync, dirsync) {
            (true, _) => Synchronous::All,
            (false, true) => Synchronous::Directories,
            (false, false) => Synchronous::None,
        };
        let on_error = |c: &mut Self, node: &Node| c.word(node, "what to do about damage", ON_ERROR);
        self.field(&fields, "errors", on_error, &mut mount.errors);
        let data_err = |c: &mut Self, node: &Node| c.word(node, "what to do about lost data", DATA_ERROR);
        self.field(&fields, "data_err", data_err, &mut mount.data_err);
        self.refuse_mixtures(&fields, &mount, has_journal);
        mount
    }

    fn switch(&mut self, fields: &Bound<'_>, name: &str, value: &mut bool) {
        self.field(fields, name, |c, node| c.boolean(node), value);
    }

    /// Options that Linux does not mount together. v6.6 fs/ext4/super.c, `__ext4_fill_super`, `ext4_load_journal`
    fn refuse_mixtures(&mut self, fields: &Bound<'_>, mount: &Mount, has_journal: bool) {
        if let Some(node) =
            fields.get("delalloc").filter(|_| mount.delalloc && mount.data == DataMode::Journal)
        {
            let message = "Linux does not mount data=journal with delalloc".to_owned();
            self.refuse_option("delalloc", node, message, "no `delalloc: true` with `data: journal`");
        }
        if let Some(node) =
            fields.get("journal_async_commit").filter(|_| mount.journal_async_commit && has_journal)
            && mount.data == DataMode::Ordered
        {
            let message = "Linux does not mount journal_async_commit with data=ordered".to_owned();
            self.refuse_option("journal_async_commit", node, message, "`data: writeback` or `data: journal`");
        }
        for name in OF_JOURNAL.into_iter().filter(|_| !has_journal) {
            if let Some(node) = fields.get(name) {
                let message = format!("Linux does not mount a file system without a journal with `{name}`");
                self.refuse_option(name, node, message, &format!("`{name}` only with a journal"));
            }
        }
    }

    fn refuse_option(&mut self, name: &str, node: &Node, message: String, expected: &str) {
        self.within(&format!(".{name}"), |c| c.refuse("mount-options", &node.span, message, expected));
    }

    fn commit_interval(&mut self, node: &Node) -> Option<u64> {
        let seconds = u64::try_from(self.integer(node, Unit::Plain, 0..=MAX_COMMIT)?).ok()?;
        // v6.6 fs/ext4/super.c, ext4_parse_param: 0 stands for the default.
        Some(if seconds == 0 { Mount::default().commit_secs } else { seconds })
    }
}
