//! What e2fsck itself does about damage, beside what is said of it.
//!
//! ```text
//!   damaged disk ─┬─ read as `e2fsck -fp` reads it ──▶ RepairNeeded
//!                 └─ e2fsck -fp ─────────────────────▶ exit code 0, 1, or 4 and 8
//! ```

use crate::device::{DiskImage, Reader};
use crate::recovery::{Fsck, Profile, Recovery, RepairNeeded};
use crate::units::block_bytes;
use std::fs::File;
use std::io::{Seek, SeekFrom, Write};
use std::process::Command;

/// What a check of the model makes of a disk.
fn modelled(image: &DiskImage) -> RepairNeeded {
    let found = Recovery::new(&Profile::e2fsck(Fsck::Forced)).finish(&mut image.clone());
    found.map_or(RepairNeeded::Manual, |checked| checked.needed)
}

/// What e2fsck makes of it, and its words; none where there is no e2fsck.
fn measured(image: &DiskImage) -> Option<(RepairNeeded, String)> {
    let folder = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
    let path = folder.path().join("disk");
    let mut file = File::create(&path).unwrap();
    file.set_len(image.blocks() * block_bytes()).unwrap();
    for (nr, block) in image.written() {
        file.seek(SeekFrom::Start(nr.get() * block_bytes())).unwrap();
        file.write_all(block.bytes()).unwrap();
    }
    let output = Command::new("e2fsck").arg("-fp").arg(&path).output().ok()?;
    let words = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    // Exit code 1 without such a word: what is quietly corrected, or the superblock's stale counts.
    let is_quiet = !words.contains("FIXED") && !words.contains("CLEARED");
    let needed = match output.status.code() {
        Some(0) => RepairNeeded::None,
        Some(1) if is_quiet => modelled(image).min(RepairNeeded::Automatic),
        Some(1) => RepairNeeded::Automatic,
        Some(_) | None => RepairNeeded::Manual,
    };
    Some((needed, words.into_owned()))
}

/// Compares both: the model may be more cautious (a group descriptor, a circle of orphans), never more hopeful.
pub(super) fn check(what: &str, image: &DiskImage) {
    let Some((needed, words)) = measured(image) else {
        let required = std::env::var_os("UNPLUG_REQUIRE_TOOLS").is_some();
        assert!(!required, "e2fsck is missing, and UNPLUG_REQUIRE_TOOLS is set");
        return;
    };
    let modelled = modelled(image);
    assert!(modelled >= needed, "{what}: {modelled:?}, but {needed:?}: {words}");
}
