//! Extended attributes: in the inode where they fit, else in a block, which inodes with the same attributes share.
//!
//! ```text
//!   set    behind the inode's fields │ no room: a block of its own │ a block with just these attributes: shared
//!   change a block with one user in its place; a shared one is left, and another one taken
//! ```
//! Each call is one handle. Nothing but the journal carries it: fdatasync does not commit it, fsync does.
//!
//! Not modelled: values in inodes of their own (`ea_inode`); that a block is only shared while the kernel's cache
//! remembers it: here that is as long as the mount lasts.

use super::Fs;
use super::alloc::Held;
use crate::format::xattr::{Attribute, AttributeBlock, MAX_USERS, Namespace, in_inode, to_inode};
use crate::format::{Compat, RawInode};
use crate::history::Errno;
use crate::page_cache::What;
use crate::scenario::XattrFlags;
use crate::units::{BlockNr, Ino};

/// Bytes of an inode's second half where attributes can follow it.
const EXTRA_ISIZE: u16 = 32;

/// The full name of an attribute.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct AttributeName<'a> {
    /// The namespace.
    pub namespace: Namespace,
    /// The rest.
    pub name: &'a [u8],
}

impl AttributeName<'_> {
    fn is_of(&self, attribute: &Attribute) -> bool {
        attribute.namespace == self.namespace && attribute.name == self.name
    }
}

/// What the attributes of an inode are to become.
struct Attributes {
    inside: Vec<Attribute>,
    block: Vec<Attribute>,
}

impl Fs {
    /// The value of an attribute. v6.6 fs/ext4/xattr.c, `ext4_xattr_get`
    pub fn xattr_get(&mut self, ino: Ino, name: AttributeName<'_>) -> Option<Vec<u8>> {
        self.within("ext4_xattr_get", |fs| {
            let now = fs.attributes(ino);
            let found = now.inside.into_iter().chain(now.block).find(|attribute| name.is_of(attribute));
            found.map(|attribute| attribute.value)
        })
    }

    /// Sets an attribute, or removes it where there is no value. v6.6 fs/ext4/xattr.c, `ext4_xattr_set`
    ///
    /// # Errors
    /// ENODATA, EEXIST, ENOSPC.
    pub fn xattr_set(
        &mut self,
        ino: Ino,
        name: AttributeName<'_>,
        value: Option<&[u8]>,
        flags: XattrFlags,
    ) -> Result<(), Errno> {
        self.within("ext4_xattr_set", |fs| {
            fs.load_inode(ino);
            fs.make_room(1)?;
            fs.start_handle(10);
            fs.mark_ineligible("attributes were set");
            fs.within("ext4_xattr_set_handle", |fs| fs.xattr_set_handle(ino, name, value, flags))
        })
    }

    fn xattr_set_handle(
        &mut self,
        ino: Ino,
        name: AttributeName<'_>,
        value: Option<&[u8]>,
        flags: XattrFlags,
    ) -> Result<(), Errno> {
        let now = self.attributes(ino);
        let old = now.inside.iter().chain(&now.block).find(|attribute| name.is_of(attribute));
        match old {
            None if flags.has(XattrFlags::XATTR_REPLACE) => return Err(Errno::ENODATA),
            Some(_) if flags.has(XattrFlags::XATTR_CREATE) => return Err(Errno::EEXIST),
            Some(old) if Some(old.value.as_slice()) == value => {
                self.decide("it has this value already: nothing changes, not even a time");
                return Ok(());
            }
            None | Some(_) => {}
        }
        let new = value.map(|value| Attribute {
            namespace: name.namespace,
            name: name.name.to_vec(),
            value: value.to_vec(),
        });
        self.place_attribute(ino, now, name, new)?;
        self.note_attributes();
        self.stamp_ctime(ino);
        self.mark_inode_dirty(ino);
        self.stop_handle_of_data();
        Ok(())
    }

    /// Puts an attribute where there is room, and away from where it was.
    fn place_attribute(
        &mut self,
        ino: Ino,
        now: Attributes,
        name: AttributeName<'_>,
        new: Option<Attribute>,
    ) -> Result<(), Errno> {
        let mut inside = now.inside.clone();
        let fits = put(&mut inside, name, new.clone()) || new.is_none();
        if let Some(tail) = to_inode(&inside).filter(|_| fits && self.has_room_inside(ino)) {
            if new.is_some() || inside != now.inside {
                self.within("ext4_xattr_ibody_set", |fs| {
                    fs.decide("the attributes of the inode change in the inode itself");
                    fs.inode_mut(ino).raw.tail = tail;
                });
            }
            if now.block.iter().any(|attribute| name.is_of(attribute)) {
                let block: Vec<Attribute> =
                    now.block.into_iter().filter(|attribute| !name.is_of(attribute)).collect();
                self.xattr_block_set(ino, block)?;
            }
            return Ok(());
        }
        let mut block = now.block;
        put(&mut block, name, new);
        block.sort_by(|one, other| {
            let key = |of: &Attribute| (of.namespace, of.name.len(), of.name.clone());
            key(one).cmp(&key(other))
        });
        self.decide("no room in the inode: a block takes the attribute");
        self.xattr_block_set(ino, block)?;
        let left: Vec<Attribute> =
            now.inside.into_iter().filter(|attribute| !name.is_of(attribute)).collect();
        if let Some(tail) = to_inode(&left).filter(|_| self.has_room_inside(ino)) {
            self.inode_mut(ino).raw.tail = tail;
        }
        Ok(())
    }

    /// Gives an inode a block with these attributes, or none. v6.6 fs/ext4/xattr.c, `ext4_xattr_block_set`
    fn xattr_block_set(&mut self, ino: Ino, attributes: Vec<Attribute>) -> Result<(), Errno> {
        self.within("ext4_xattr_block_set", |fs| {
            let old = BlockNr::new(fs.inode(ino).raw.attributes_block);
            if attributes.is_empty() {
                fs.release_attributes(ino);
                return Ok(());
            }
            let mut new = AttributeBlock { users: 1, attributes };
            if new.to_block(BlockNr::new(0), None).is_none() {
                fs.decide("more attributes than a block holds");
                return Err(Errno::ENOSPC);
            }
            if old.get() != 0 && fs.attribute_block(ino).is_some_and(|block| block.users == 1) {
                fs.decide(format!("changes block {old}, which no other inode uses"));
                fs.write_attributes(ino, old, &new);
                return Ok(());
            }
            let place = match fs.same_attributes(ino, &new) {
                Some((nr, users)) => {
                    fs.decide(format!("block {nr} has the same attributes: it is shared"));
                    new.users = users + 1;
                    nr
                }
                None => {
                    let goal = fs.superblock.first_block(fs.group_of_inode(ino));
                    fs.within("ext4_mb_new_blocks", |fs| fs.allocate(goal, 1))?.0
                }
            };
            fs.release_attributes(ino);
            fs.write_attributes(ino, place, &new);
            let raw = &mut fs.inode_mut(ino).raw;
            raw.attributes_block = place.get();
            raw.sectors += 8;
            Ok(())
        })
    }

    /// An inode gives up its block of attributes; the last user frees it. Needs a handle.
    /// v6.6 fs/ext4/xattr.c, `ext4_xattr_release_block`
    pub(super) fn release_attributes(&mut self, ino: Ino) {
        let nr = BlockNr::new(self.inode(ino).raw.attributes_block);
        let Some(block) = self.attribute_block(ino) else { return };
        self.within("ext4_xattr_release_block", |fs| {
            if block.users > 1 {
                fs.decide(format!("{} other inodes still use block {nr}", block.users - 1));
                fs.write_attributes(ino, nr, &AttributeBlock { users: block.users - 1, ..block });
            } else {
                fs.attribute_blocks.remove(&nr);
                fs.free(nr, 1, Held::Metadata);
            }
            let raw = &mut fs.inode_mut(ino).raw;
            raw.attributes_block = 0;
            raw.sectors -= 8;
        });
    }

    fn attributes(&mut self, ino: Ino) -> Attributes {
        self.load_inode(ino);
        let inside =
            if self.has_room_inside(ino) { in_inode(&self.inode(ino).raw.tail) } else { Ok(Vec::new()) };
        let block = self.attribute_block(ino).map(|block| block.attributes);
        Attributes { inside: inside.unwrap_or_default(), block: block.unwrap_or_default() }
    }

    fn has_room_inside(&self, ino: Ino) -> bool {
        let RawInode { extra_isize, .. } = self.inode(ino).raw;
        extra_isize == EXTRA_ISIZE
    }

    #[expect(clippy::expect_used, reason = "a file system that was checked, and our own writes")]
    fn attribute_block(&mut self, ino: Ino) -> Option<AttributeBlock> {
        let nr = BlockNr::new(self.inode(ino).raw.attributes_block);
        (nr.get() != 0).then(|| {
            self.attribute_blocks.insert(nr);
            let block = self.bread(nr, What::Attributes(ino));
            AttributeBlock::from_block(&block, nr, self.seed).expect("a sound block of attributes")
        })
    }

    /// A block with the same attributes that has room for another user. v6.6 fs/ext4/xattr.c, `ext4_xattr_block_cache_find`
    fn same_attributes(&mut self, ino: Ino, wanted: &AttributeBlock) -> Option<(BlockNr, u32)> {
        let seed = self.seed;
        self.attribute_blocks.clone().into_iter().find_map(|nr| {
            let block = self.bread(nr, What::Attributes(ino));
            let found = AttributeBlock::from_block(&block, nr, seed).ok()?;
            (found.attributes == wanted.attributes && found.users < MAX_USERS).then_some((nr, found.users))
        })
    }

    #[expect(clippy::expect_used, reason = "what fits was asked before")]
    fn write_attributes(&mut self, ino: Ino, nr: BlockNr, block: &AttributeBlock) {
        let data = block.to_block(nr, self.seed).expect("attributes that fit a block");
        self.attribute_blocks.insert(nr);
        // v6.6 fs/buffer.c, mark_buffer_dirty_inode: it stays on the list of the inode that dirtied it first
        let what = match self.buffers.what(nr) {
            Some(What::Attributes(first)) if self.buffers.is_dirty(nr) => What::Attributes(*first),
            None | Some(_) => What::Attributes(ino),
        };
        self.create_block(nr, data, what);
    }

    /// The superblock says that there are attributes. v6.6 fs/ext4/xattr.c, `ext4_xattr_update_super_block`
    fn note_attributes(&mut self) {
        if !self.superblock.compat.has(Compat::EXT_ATTR) {
            self.decide("the first attribute of the file system: the superblock gets the feature ext_attr");
            self.superblock.compat = self.superblock.compat.with(Compat::EXT_ATTR);
            self.change_superblock();
        }
    }
}

/// Replaces, adds or removes an attribute; whether it was or is one of them.
fn put(attributes: &mut Vec<Attribute>, name: AttributeName<'_>, new: Option<Attribute>) -> bool {
    let place = attributes.iter().position(|attribute| name.is_of(attribute));
    match (place, new) {
        (Some(at), Some(new)) => attributes[at] = new,
        (Some(at), None) => {
            attributes.remove(at);
        }
        (None, Some(new)) => attributes.push(new),
        (None, None) => return false,
    }
    true
}
