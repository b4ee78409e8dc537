//! The extent tree of an inode.
//!
//! ```text
//!   root (4 entries, in the inode)
//!     └─ levels[1] … index nodes          each node is a block of up to 340 entries
//!          └─ levels[0] … leaves
//!               └─ extents, sorted
//! ```
//! The extents are kept in one sorted list; nodes are ranges of it, bounded by their first key. A change is stored by
//! splitting nodes that overflow, dropping nodes that are empty, and logging the nodes whose bytes differ.

mod range;
#[cfg(test)]
mod tests;

pub(super) use range::Shift;

use super::Fs;
use super::alloc::Held;
use crate::format::extent::{BLOCK_MAX, ROOT_MAX};
use crate::format::{Entries, Extent, ExtentNode, ExtentState, Index, RawInode};
use crate::history::Errno;
use crate::page_cache::What;
use crate::units::{BlockNr, FileBlock, Ino, len_u32};

/// A block of the tree: it holds all keys from its first one to the next node's.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Node {
    first: FileBlock,
    block: BlockNr,
}

/// The extents of an inode, and the blocks that hold them.
#[derive(Clone, Debug)]
pub(super) struct ExtentTree {
    extents: Vec<Extent>,
    /// From the leaves up; empty where the extents are in the inode itself.
    levels: Vec<Vec<Node>>,
}

impl ExtentTree {
    pub(super) const fn empty() -> Self {
        Self { extents: Vec::new(), levels: Vec::new() }
    }

    pub(super) fn extents(&self) -> &[Extent] {
        &self.extents
    }

    /// Where a block of the file lies, and whether it was ever written.
    pub(super) fn lookup(&self, at: FileBlock) -> Option<(BlockNr, ExtentState)> {
        let after = self.extents.partition_point(|extent| extent.from <= at);
        let extent = self.extents.get(after.checked_sub(1)?)?;
        let offset = at.get() - extent.from.get();
        (offset < extent.blocks).then(|| (extent.at.plus(u64::from(offset)), extent.state))
    }

    /// The last extent that lies before a block of the file.
    pub(super) fn left_neighbour(&self, at: FileBlock) -> Option<&Extent> {
        let after = self.extents.partition_point(|extent| extent.from <= at);
        self.extents.get(after.checked_sub(1)?)
    }

    /// Adds an extent where there is none.
    pub(super) fn insert(&mut self, extent: Extent) {
        let at = self.extents.partition_point(|other| other.from < extent.from);
        self.extents.insert(at, extent);
        self.merge();
    }

    /// Marks blocks as written, splitting extents at their edges.
    /// v6.6 fs/ext4/extents.c, `ext4_convert_unwritten_extents_endio`
    pub(super) fn mark_written(&mut self, from: FileBlock, blocks: u32) {
        self.mark(from, blocks, ExtentState::Written);
    }

    fn mark(&mut self, from: FileBlock, blocks: u32, state: ExtentState) {
        let end = from.plus(blocks);
        self.split_at(from);
        self.split_at(end);
        for extent in &mut self.extents {
            if extent.from >= from && extent.from < end {
                extent.state = state;
            }
        }
        self.merge();
    }

    /// The root node, as the inode holds it.
    pub(super) fn root(&self) -> [u8; 60] {
        let entries = match self.levels.last() {
            None => Entries::Leaf(self.extents.clone()),
            Some(nodes) => Entries::Index(
                nodes.iter().map(|node| Index { from: node.first, leaf: node.block }).collect(),
            ),
        };
        ExtentNode { depth: self.depth(), entries }.to_root()
    }

    fn depth(&self) -> u16 {
        u16::try_from(self.levels.len()).unwrap_or(u16::MAX)
    }

    fn split_at(&mut self, at: FileBlock) {
        let after = self.extents.partition_point(|extent| extent.from < at);
        let Some(left) = after.checked_sub(1).and_then(|index| self.extents.get_mut(index)) else { return };
        let kept = at.get() - left.from.get();
        if kept < left.blocks {
            let right = Extent {
                from: at,
                blocks: left.blocks - kept,
                at: left.at.plus(u64::from(kept)),
                state: left.state,
            };
            left.blocks = kept;
            self.extents.insert(after, right);
        }
    }

    /// Joins neighbours of one state. v6.6 fs/ext4/extents.c, `ext4_can_extents_be_merged`
    fn merge(&mut self) {
        let mut merged: Vec<Extent> = Vec::with_capacity(self.extents.len());
        for extent in &self.extents {
            match merged.last_mut() {
                Some(last)
                    if last.state == extent.state
                        && last.from.plus(last.blocks) == extent.from
                        && last.at.plus(u64::from(last.blocks)) == extent.at
                        && last.blocks + extent.blocks <= extent.state.max_blocks() =>
                {
                    last.blocks += extent.blocks;
                }
                _ => merged.push(*extent),
            }
        }
        self.extents = merged;
    }

    /// The first keys of what lies under a level: the extents, or the nodes of the level below.
    fn keys_below(&self, level: usize) -> Vec<FileBlock> {
        match level.checked_sub(1) {
            None => self.extents.iter().map(|extent| extent.from).collect(),
            Some(below) => self.levels[below].iter().map(|node| node.first).collect(),
        }
    }

    /// Which of `keys` each node of a level holds.
    fn shares(nodes: &[Node], keys: &[FileBlock]) -> Vec<std::ops::Range<usize>> {
        let mut from = 0;
        let ends = nodes
            .iter()
            .skip(1)
            .map(|next| keys.partition_point(|key| *key < next.first))
            .chain([keys.len()]);
        ends.map(|end| std::mem::replace(&mut from, end)..end).collect()
    }

    fn entries_of(&self, level: usize, share: std::ops::Range<usize>) -> Entries {
        match level.checked_sub(1) {
            None => Entries::Leaf(self.extents[share].to_vec()),
            Some(below) => Entries::Index(
                self.levels[below][share]
                    .iter()
                    .map(|node| Index { from: node.first, leaf: node.block })
                    .collect(),
            ),
        }
    }
}

impl Fs {
    /// Reads the extent tree of an inode.
    #[expect(clippy::expect_used, reason = "our own mkfs and our own writes made it")]
    pub(super) fn load_tree(&mut self, ino: Ino, raw: &RawInode) -> ExtentTree {
        let seed = self.seed.map(|seed| seed.inode(ino, raw.generation));
        let mut tree = ExtentTree::empty();
        let mut nodes = vec![ExtentNode::from_root(&raw.block).expect("a sound extent root")];
        while let Some(Entries::Index(_)) = nodes.first().map(|node| &node.entries) {
            let children: Vec<Node> = nodes
                .iter()
                .flat_map(|node| match &node.entries {
                    Entries::Index(indices) => indices.clone(),
                    Entries::Leaf(_) => Vec::new(),
                })
                .map(|index| Node { first: index.from, block: index.leaf })
                .collect();
            nodes = children
                .iter()
                .map(|child| {
                    let block = self.bread(child.block, What::ExtentNode(ino));
                    ExtentNode::from_block(&block, seed).expect("a sound extent node")
                })
                .collect();
            tree.levels.insert(0, children);
        }
        for node in nodes {
            if let Entries::Leaf(extents) = node.entries {
                tree.extents.extend(extents);
            }
        }
        tree
    }

    /// Stores a changed extent tree: nodes first, then the inode with the root. Needs a handle.
    pub(super) fn store_tree(&mut self, ino: Ino) -> Result<(), Errno> {
        let mut tree = std::mem::replace(&mut self.inode_mut(ino).tree, ExtentTree::empty());
        let result = self.fit_nodes(ino, &mut tree);
        self.write_nodes(ino, &tree);
        self.inode_mut(ino).tree = tree;
        self.mark_inode_dirty(ino);
        result
    }

    /// Gives every level nodes enough, and no node that is empty.
    fn fit_nodes(&mut self, ino: Ino, tree: &mut ExtentTree) -> Result<(), Errno> {
        let mut level = 0;
        loop {
            let keys = tree.keys_below(level);
            if keys.len() <= ROOT_MAX {
                // v6.6 fs/ext4/extents.c, ext4_ext_try_to_merge_up
                for node in tree.levels.drain(level..).flatten().collect::<Vec<_>>() {
                    self.free_node(ino, node.block);
                }
                return Ok(());
            }
            let mut nodes = tree.levels.get(level).cloned().unwrap_or_default();
            if nodes.is_empty() {
                nodes.push(Node { first: keys[0], block: self.new_node(ino)? });
            }
            let fitted = self.fit_level(ino, &nodes, &keys)?;
            if level == tree.levels.len() {
                tree.levels.push(fitted);
            } else {
                tree.levels[level] = fitted;
            }
            level += 1;
        }
    }

    fn fit_level(&mut self, ino: Ino, nodes: &[Node], keys: &[FileBlock]) -> Result<Vec<Node>, Errno> {
        let mut fitted = Vec::new();
        for (node, share) in nodes.iter().zip(ExtentTree::shares(nodes, keys)) {
            let last = share.end == keys.len();
            match keys.get(share.clone()) {
                None | Some([]) => self.free_node(ino, node.block),
                Some(held @ [first, ..]) if held.len() <= BLOCK_MAX => {
                    fitted.push(Node { first: *first, block: node.block });
                }
                Some(held) => {
                    // At the end of the file a full node stays full; in the middle it is halved.
                    // v6.6 fs/ext4/extents.c, ext4_ext_split
                    let cut = if last { BLOCK_MAX } else { held.len() / 2 };
                    fitted.push(Node { first: held[0], block: node.block });
                    fitted.push(Node { first: held[cut], block: self.new_node(ino)? });
                }
            }
        }
        Ok(fitted)
    }

    fn write_nodes(&mut self, ino: Ino, tree: &ExtentTree) {
        let seed = self.seed.map(|seed| seed.inode(ino, self.inode(ino).raw.generation));
        for (level, nodes) in tree.levels.iter().enumerate() {
            let keys = tree.keys_below(level);
            for (node, share) in nodes.iter().zip(ExtentTree::shares(nodes, &keys)) {
                let entries = tree.entries_of(level, share);
                let depth = u16::try_from(level).unwrap_or(u16::MAX);
                let data = ExtentNode { depth, entries }.to_block(seed);
                if self.bread(node.block, What::ExtentNode(ino)) != data {
                    self.create_block(node.block, data, What::ExtentNode(ino));
                }
            }
        }
    }

    fn new_node(&mut self, ino: Ino) -> Result<BlockNr, Errno> {
        let goal = self.goal(ino, FileBlock::new(0));
        let (block, _) = self.allocate(goal, 1)?;
        self.inode_mut(ino).raw.sectors += 8;
        self.create_block(block, crate::units::Block::zeroed(), What::ExtentNode(ino));
        Ok(block)
    }

    fn free_node(&mut self, ino: Ino, block: BlockNr) {
        self.inode_mut(ino).raw.sectors -= 8;
        self.free(block, 1, Held::Metadata);
    }

    /// Where a new block of a file should lie: behind its left neighbour, else near its directory.
    /// v6.6 fs/ext4/extents.c, `ext4_ext_find_goal`
    pub(super) fn goal(&self, ino: Ino, at: FileBlock) -> BlockNr {
        let inode = self.inode(ino);
        match inode.tree.left_neighbour(at) {
            Some(left) => left.at.plus(u64::from(at.get() - left.from.get())),
            None => inode.goal.unwrap_or_else(|| self.superblock.first_block(self.group_of_inode(ino))),
        }
    }

    /// Allocates neighbouring blocks of a file and enters them into its tree. Needs a handle.
    /// v6.6 fs/ext4/extents.c, `ext4_ext_map_blocks`
    pub(super) fn map_new_blocks(
        &mut self,
        ino: Ino,
        from: FileBlock,
        want: u32,
        state: ExtentState,
    ) -> Result<(BlockNr, u32), Errno> {
        self.within("ext4_map_blocks", |fs| {
            let goal = fs.goal(ino, from);
            let want = want.min(state.max_blocks());
            let (at, blocks) = fs.within("ext4_mb_new_blocks", |fs| fs.allocate(goal, want))?;
            let inode = fs.inode_mut(ino);
            inode.tree.insert(Extent { from, blocks, at, state });
            inode.raw.sectors += u64::from(blocks) * 8;
            fs.store_tree(ino)?;
            fs.track_range(ino, from, from.plus(blocks - 1));
            match state {
                ExtentState::Unwritten => {}
                ExtentState::Written => fs.needs_this_transaction(ino),
            }
            Ok((at, blocks))
        })
    }

    /// How many extents a file has, for those who test.
    pub fn extent_count(&self, ino: Ino) -> u32 {
        len_u32(self.inode(ino).tree.extents().len())
    }
}
