//! O_TMPFILE: a file without a name, on the orphan list from its first handle on.
//!
//! ```text
//!   open(O_TMPFILE)  inode, 0 links, orphan list        a crash deletes it
//!   linkat           name, 1 link, off the list         in one handle (namei.rs, `link`)
//! ```

use super::Fs;
use crate::format::FileKind;
use crate::history::Errno;
use crate::mutant::Mutant;
use crate::units::Ino;

/// Whether a file without a name may get one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Linkable {
    /// By linkat(2) (I_LINKABLE).
    Yes,
    /// O_EXCL
    No,
}

impl Fs {
    /// Creates a file that no directory knows, near a directory. v6.6 fs/ext4/namei.c, `ext4_tmpfile`
    ///
    /// # Errors
    /// ENOSPC.
    pub fn tmpfile(&mut self, dir: Ino, mode: u16, linkable: Linkable) -> Result<Ino, Errno> {
        self.within("ext4_tmpfile", |fs| {
            fs.load_inode(dir);
            fs.start_handle(8);
            let ino = fs.new_inode(dir, FileKind::REGULAR.mode_bits() | (mode & 0o7777))?;
            fs.set_goal(ino, dir);
            let inode = fs.inode_mut(ino);
            inode.raw.links = 0;
            inode.linkable = linkable == Linkable::Yes;
            fs.decide("no name and no links until linkat gives it one");
            if !fs.q.lacks(Mutant::TmpfileWithoutOrphan) {
                fs.orphan_add(ino);
            }
            fs.mark_inode_dirty(ino);
            // v6.6 fs/ext4/ialloc.c, __ext4_new_inode
            fs.stop_handle_of_names();
            Ok(ino)
        })
    }

    /// Whether an inode may get a name: it has one, or was made without (I_LINKABLE).
    pub fn may_be_linked(&mut self, ino: Ino) -> bool {
        let has_name = self.stat(ino).links > 0;
        has_name || self.inode(ino).linkable
    }
}
