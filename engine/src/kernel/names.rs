//! What the functions of the kernel were called before 6.6.
//!
//! ```text
//!   6.6      sys_write ▸ ksys_write ▸ vfs_write ▸ new_sync_write ▸ ext4_file_write_iter ▸ …
//!   3.10     sys_write ▸              vfs_write ▸ do_sync_write  ▸ ext4_file_write      ▸ …
//!   2.6.18   sys_write ▸              vfs_write ▸ do_sync_write  ▸ ext3_file_write      ▸ …
//! ```
//! The model goes the way of 6.6; a kernel of its time did the same under other names, or in the function above.
//!
//! Not modelled: steps in another order. Before 3.10 O_SYNC went through `sync_page_range`, `generic_osync_inode` and
//! `ext3_force_commit`, not through the function of fsync, and O_DIRECT through `ext3_direct_IO`.

use super::Kernel;
use Kernel::{V2_6_11, V2_6_16, V2_6_17, V2_6_19, V3_10, V3_16, V4_19, V5_4, V5_15, V6_1, V6_6};

/// A function of 6.6 by its name, and what it was called before some kernels, oldest first: nothing where it was a part
/// of its caller.
type Renamed = (&'static str, &'static [(Kernel, Option<&'static str>)]);

/// Before 4.17 the system call did it itself.
const IN_CALL: &[(Kernel, Option<&str>)] = &[(V4_19, None)];
/// With 3.10 the model goes from ext3 to ext4.
macro_rules! ext3 {
    ($($old:literal)?) => {
        &[(V3_10, ext3!(@ $($old)?))]
    };
    (@ $old:literal) => { Some($old) };
    (@) => { None };
}

/// Every function whose name has changed, by the part of the kernel.
const NAMES: &[&[Renamed]] = &[CALLS, READ_WRITE, MEMORY, WRITEBACK, EXT4, JBD2];

const CALLS: &[Renamed] = &[
    ("sys_openat", &[(V2_6_16, Some("sys_open"))]),
    ("do_sys_open", &[(V2_6_16, None)]),
    ("do_sys_openat2", &[(V5_15, None)]),
    ("path_openat", ext3!("open_namei")),
    ("ksys_read", IN_CALL),
    ("ksys_pread64", IN_CALL),
    ("ksys_write", IN_CALL),
    ("ksys_pwrite64", IN_CALL),
    ("ksys_lseek", IN_CALL),
    ("ksys_dup", IN_CALL),
    ("ksys_sync", IN_CALL),
    ("ksys_fallocate", IN_CALL),
    ("vfs_fallocate", &[(V4_19, Some("do_fallocate"))]),
    ("ksys_sync_file_range", IN_CALL),
    ("sync_file_range", &[(V3_10, Some("do_sync_mapping_range")), (V5_4, None)]),
    ("ksys_fadvise64_64", &[(V4_19, Some("sys_fadvise64_64"))]),
    ("vfs_fadvise", IN_CALL),
    ("generic_fadvise", IN_CALL),
    ("do_fsync", &[(V2_6_17, None)]),
    ("vfs_fsync", ext3!()),
    ("vfs_fsync_range", ext3!()),
    ("do_mkdirat", IN_CALL),
    ("do_rmdir", &[(V2_6_16, None)]),
    ("do_unlinkat", &[(V2_6_16, None)]),
    ("do_renameat2", &[(V3_10, Some("do_rename")), (V4_19, None)]),
    ("do_linkat", IN_CALL),
    ("do_symlinkat", IN_CALL),
    ("do_fchmodat", IN_CALL),
];

const READ_WRITE: &[Renamed] = &[
    ("new_sync_read", &[(V3_16, Some("do_sync_read"))]),
    (
        "ext4_file_read_iter",
        &[(V3_16, Some("generic_file_aio_read")), (V4_19, Some("generic_file_read_iter"))],
    ),
    ("filemap_read", &[(V3_16, Some("do_generic_file_read")), (V5_15, Some("generic_file_buffered_read"))]),
    ("new_sync_write", &[(V3_16, Some("do_sync_write"))]),
    ("ext4_file_write_iter", &[(V3_10, Some("ext3_file_write")), (V3_16, Some("ext4_file_write"))]),
    (
        "ext4_buffered_write_iter",
        &[(V3_16, Some("generic_file_aio_write")), (V5_15, Some("__generic_file_write_iter"))],
    ),
    ("ext4_write_checks", &[(V5_15, None)]),
    ("file_modified", &[(V2_6_16, Some("inode_update_time")), (V5_15, Some("file_update_time"))]),
    ("file_update_time", &[(V2_6_16, Some("inode_update_time"))]),
    ("generic_update_time", &[(V4_19, None)]),
    ("generic_perform_write", ext3!("generic_file_buffered_write")),
    (
        "copy_page_from_iter_atomic",
        &[(V3_10, Some("filemap_copy_from_user")), (V5_15, Some("iov_iter_copy_from_user_atomic"))],
    ),
    ("generic_write_sync", &[(V2_6_11, Some("generic_osync_inode")), (V3_10, Some("sync_page_range"))]),
    ("ext4_dio_read_iter", &[(V5_15, None)]),
    ("ext4_dio_write_iter", &[(V5_15, Some("generic_file_direct_write"))]),
    ("ext4_dio_write_checks", &[(V5_15, None)]),
    ("iomap_dio_rw", &[(V3_10, Some("ext3_direct_IO")), (V5_15, Some("ext4_direct_IO"))]),
    ("ext4_iomap_begin", &[(V3_10, Some("ext3_get_block")), (V5_15, Some("ext4_dio_get_block"))]),
    ("iomap_dio_bio_iter", &[(V3_10, Some("__blockdev_direct_IO")), (V5_15, Some("do_blockdev_direct_IO"))]),
    ("iomap_dio_complete", &[(V5_15, Some("dio_complete"))]),
    ("ext4_handle_inode_extension", &[(V5_15, None)]),
    ("ext4_inode_extension_cleanup", &[(V6_6, None)]),
    ("kiocb_invalidate_pages", &[(V6_6, None)]),
];

const MEMORY: &[Renamed] = &[
    ("ksys_mmap_pgoff", &[(V3_10, None), (V4_19, Some("sys_mmap_pgoff"))]),
    ("vm_mmap_pgoff", ext3!()),
    ("do_mmap", &[(V4_19, Some("do_mmap_pgoff"))]),
    ("__vm_munmap", &[(V3_10, Some("do_munmap")), (V5_4, Some("vm_munmap"))]),
    ("do_mprotect_pkey", IN_CALL),
    ("do_user_addr_fault", &[(V3_10, Some("do_page_fault")), (V5_4, Some("__do_page_fault"))]),
    ("do_shared_fault", &[(V3_10, Some("do_no_page")), (V3_16, Some("__do_fault"))]),
    ("do_read_fault", &[(V3_10, Some("do_no_page")), (V3_16, Some("__do_fault"))]),
    ("do_cow_fault", &[(V3_10, Some("do_no_page")), (V3_16, Some("__do_fault"))]),
    ("do_page_mkwrite", &[(V3_16, None)]),
    ("wp_page_shared", IN_CALL),
    ("wp_page_copy", IN_CALL),
    ("fault_dirty_shared_page", &[(V4_19, Some("set_page_dirty_balance"))]),
    ("filemap_fault", ext3!("filemap_nopage")),
    ("folio_mkclean", &[(V6_1, Some("page_mkclean"))]),
    ("folio_wait_stable", &[(V6_1, Some("wait_for_stable_page"))]),
];

const WRITEBACK: &[Renamed] = &[
    ("wb_workfn", &[(V4_19, Some("bdi_writeback_workfn"))]),
    ("file_write_and_wait_range", &[(V4_19, Some("filemap_write_and_wait_range"))]),
    ("__filemap_fdatawrite_range", &[(V2_6_11, Some("filemap_fdatawrite"))]),
    (
        "__filemap_fdatawait_range",
        &[
            (V2_6_11, Some("filemap_fdatawait")),
            (V3_10, Some("wait_on_page_writeback_range")),
            (V4_19, Some("filemap_fdatawait_range")),
        ],
    ),
    ("ext4_writepages", &[(V3_10, Some("generic_writepages")), (V3_16, Some("ext4_da_writepages"))]),
    ("ext4_do_writepages", &[(V6_6, None)]),
    (
        "mpage_map_and_submit_extent",
        &[(V3_10, Some("ext3_ordered_writepage")), (V3_16, Some("mpage_da_map_and_submit"))],
    ),
    ("ext4_io_submit", ext3!("block_write_full_page")),
    ("ext4_end_io_rsv_work", &[(V3_16, Some("ext4_end_io_work"))]),
    ("sync_inodes_one_sb", ext3!("sync_inodes")),
    ("sync_bdevs", &[(V6_1, None)]),
];

const EXT4: &[Renamed] = &[
    ("ext4_sync_file", ext3!("ext3_sync_file")),
    ("ext4_fsync_journal", &[(V5_15, None)]),
    ("ext4_fc_commit", &[(V5_15, None)]),
    ("ext4_force_commit", ext3!("ext3_force_commit")),
    ("ext4_sync_fs", ext3!("ext3_sync_fs")),
    ("ext4_dirty_inode", ext3!("ext3_dirty_inode")),
    (
        "__ext4_mark_inode_dirty",
        &[(V3_10, Some("ext3_mark_inode_dirty")), (V5_15, Some("ext4_mark_inode_dirty"))],
    ),
    ("ext4_write_begin", ext3!("ext3_prepare_write")),
    ("ext4_write_end", ext3!("ext3_ordered_commit_write")),
    ("ext4_get_block", ext3!("ext3_get_block")),
    ("ext4_map_blocks", &[(V2_6_17, Some("ext3_get_block_handle")), (V3_10, Some("ext3_get_blocks_handle"))]),
    ("ext4_mb_new_blocks", &[(V2_6_17, Some("ext3_new_block")), (V3_10, Some("ext3_new_blocks"))]),
    ("ext4_create", ext3!("ext3_create")),
    ("ext4_mkdir", ext3!("ext3_mkdir")),
    ("ext4_symlink", ext3!("ext3_symlink")),
    ("ext4_link", ext3!("ext3_link")),
    ("ext4_unlink", ext3!("ext3_unlink")),
    ("ext4_rmdir", ext3!("ext3_rmdir")),
    ("ext4_rename", ext3!("ext3_rename")),
    ("ext4_setent", &[(V3_16, None)]),
    ("ext4_rename_dir_finish", &[(V3_16, None)]),
    ("ext4_add_entry", ext3!("ext3_add_entry")),
    ("ext4_delete_entry", ext3!("ext3_delete_entry")),
    ("__ext4_new_inode", ext3!("ext3_new_inode")),
    ("ext4_free_inode", ext3!("ext3_free_inode")),
    ("ext4_setattr", ext3!("ext3_setattr")),
    ("ext4_truncate", ext3!("ext3_truncate")),
    ("ext4_ext_truncate", ext3!()),
    ("ext4_ext_remove_space", ext3!("ext3_free_branches")),
    ("ext4_alloc_file_blocks", &[(V3_16, None)]),
    ("truncate_pagecache", ext3!("vmtruncate")),
    ("ext4_block_truncate_page", ext3!("ext3_block_truncate_page")),
    ("ext4_evict_inode", ext3!("ext3_delete_inode")),
    ("ext4_orphan_add", ext3!("ext3_orphan_add")),
    ("ext4_orphan_del", ext3!("ext3_orphan_del")),
    ("ext4_release_file", ext3!("ext3_release_file")),
    ("ext4_file_mmap", ext3!("generic_file_mmap")),
    ("ext4_should_retry_alloc", ext3!("ext3_should_retry_alloc")),
];

const JBD2: &[Renamed] = &[
    ("kjournald2", ext3!("kjournald")),
    ("jbd2__journal_start", ext3!("journal_start")),
    ("jbd2__journal_restart", ext3!("journal_restart")),
    ("jbd2_complete_transaction", ext3!()),
    ("jbd2_log_start_commit", ext3!("log_start_commit")),
    ("jbd2_log_wait_commit", ext3!("log_wait_commit")),
    ("jbd2_journal_force_commit_nested", ext3!("journal_force_commit_nested")),
    ("jbd2_journal_commit_transaction", ext3!("journal_commit_transaction")),
    ("journal_submit_data_buffers", &[(V2_6_19, None)]),
    ("journal_finish_inode_data_buffers", ext3!()),
    ("jbd2_journal_write_revoke_records", ext3!("journal_write_revoke_records")),
    ("jbd2_journal_write_metadata_buffer", ext3!("journal_write_metadata_buffer")),
    ("journal_submit_commit_record", ext3!("journal_write_commit_record")),
    ("jbd2_update_log_tail", ext3!("journal_update_superblock")),
    ("jbd2_cleanup_journal_tail", ext3!("cleanup_journal_tail")),
    ("__jbd2_log_wait_for_space", ext3!("__log_wait_for_space")),
    ("jbd2_log_do_checkpoint", ext3!("log_do_checkpoint")),
];

impl Kernel {
    /// What this kernel calls a function that 6.6 calls so; nothing where it is a part of its caller.
    pub fn function(self, name: &'static str) -> Option<&'static str> {
        let found = NAMES.iter().copied().flatten().find(|(function, _)| *function == name);
        let older = found.and_then(|(_, names)| names.iter().find(|(before, _)| self < *before));
        older.map_or(Some(name), |(_, name)| *name)
    }

    /// Functions whose names have changed, as 6.6 calls them.
    pub fn renamed_functions() -> impl Iterator<Item = &'static str> {
        NAMES.iter().copied().flatten().map(|(function, _)| *function)
    }
}
