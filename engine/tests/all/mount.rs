//! The kernel of this machine mounts crash images and finds what recovery finds.
//!
//! It needs root, a loop device and ext4, and is skipped where it has not. It mounts read and write, as a machine
//! does after a power cut, and leaves nothing behind.

use crate::case::{Case, all};
use crate::pipeline::{Crashed, crashed, folder, note, write_sparsely};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use tempfile::TempDir;
use unplug::ext4::mkfs;
use unplug::oracle::{summary, tree_text};
use unplug::recovery::{Attributes, Audit, Fsck, Profile, TornCommit};
use unplug::scenario::Mkfs;
use unplug::units::Time;

/// How many crash images of one case are mounted; many where there are no barriers, as corruption is possible there.
const FEW: usize = 3;
const MANY: usize = 24;

/// How a kernel of today recovers.
const TODAY: Profile = Profile {
    torn_commit: TornCommit::Accepted,
    audit: Audit::Skip,
    attributes: Attributes::Skip,
    fsck: Fsck::Never,
};

/// A file system that is unmounted again, whatever happens.
struct Mount(PathBuf);

impl Drop for Mount {
    fn drop(&mut self) {
        let unmounted = |lazily: &[&str]| {
            let output = Command::new("umount").args(lazily).arg(&self.0).output();
            output.is_ok_and(|output| output.status.success())
        };
        // A process that another test has just started may hold a descriptor of ours for a moment.
        for _ in 0..100 {
            if unmounted(&[]) {
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        unmounted(&["-l"]);
    }
}

fn mount(image: &Path, on: &Path) -> Result<Mount, Output> {
    let output = Command::new("mount").args(["-t", "ext4", "-o", "loop"]).args([image, on]).output().unwrap();
    if output.status.success() { Ok(Mount(on.to_owned())) } else { Err(output) }
}

/// Why nothing can be mounted here.
fn obstacle() -> Option<String> {
    let user = Command::new("id").arg("-u").output();
    if !user.is_ok_and(|output| output.stdout.starts_with(b"0\n")) {
        return Some("only root mounts".to_owned());
    }
    if !Path::new("/dev/loop-control").exists() {
        return Some("there is no loop device".to_owned());
    }
    let known = fs::read_to_string("/proc/filesystems").unwrap_or_default();
    if !known.lines().any(|line| line.trim() == "ext4") {
        return Some("this kernel has no ext4".to_owned());
    }
    let (folder, path) = disk();
    write_sparsely(&mkfs(&Mkfs::default(), Time::from_secs(1_700_000_000)), &path);
    let refused = mount(&path, folder.path()).err()?;
    let text = String::from_utf8_lossy(&refused.stderr).into_owned();
    // A container without the right to mount says one of these. Any other answer is about the file system.
    let forbidden = ["permission denied", "must be superuser", "Operation not permitted", "loop device"];
    assert!(forbidden.iter().any(|word| text.contains(word)), "a new file system: {text}");
    Some(text)
}

/// A folder to mount on, with a place for an image beside it.
fn disk() -> (TempDir, PathBuf) {
    let folder = folder();
    let path = folder.path().join("disk");
    (folder, path)
}

/// How an entry is shown that cannot be read, whatever the reason.
const UNREADABLE: &str = "!";

/// A path in the file system that is mounted on `root`.
fn name_in(root: &Path, path: &Path) -> String {
    format!("/{}", path.strip_prefix(root).unwrap().display())
}

/// Names and contents below a folder.
fn tree(root: &Path) -> BTreeMap<String, String> {
    let mut tree = BTreeMap::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        let entries = match fs::read_dir(&folder) {
            Ok(entries) => entries,
            // Without a journal a name can stand for a directory that cannot be read.
            Err(_) => {
                tree.insert(name_in(root, &folder), UNREADABLE.to_owned());
                continue;
            }
        };
        for entry in entries {
            let entry = entry.unwrap();
            let path = entry.path();
            let name = name_in(root, &path);
            if name == "/lost+found" {
                continue;
            }
            let kind = entry.file_type().unwrap();
            let text = if kind.is_dir() {
                folders.push(path);
                "dir".to_owned()
            } else if kind.is_symlink() {
                format!("link:{}", fs::read_link(&path).unwrap().display())
            } else {
                fs::read(&path).map_or_else(|_| UNREADABLE.to_owned(), |bytes| summary(&bytes))
            };
            tree.insert(name, text);
        }
    }
    tree
}

/// What is wrong with one image.
fn disagreement(crash: &Crashed) -> Option<String> {
    let mut ours = tree_text(&crash.found);
    for (_, text) in ours.iter_mut().filter(|(path, text)| *path != "!" && text.starts_with('!')) {
        UNREADABLE.clone_into(text);
    }
    let (folder, path) = disk();
    write_sparsely(&crash.image, &path);
    let on = folder.path().join("mnt");
    fs::create_dir(&on).unwrap();
    let theirs = match mount(&path, &on) {
        Ok(_mounted) => tree(&on),
        Err(output) => {
            BTreeMap::from([("!".to_owned(), String::from_utf8_lossy(&output.stderr).into_owned())])
        }
    };
    let same = ours == theirs || (ours.contains_key("!") && theirs.contains_key("!"));
    (!same).then(|| format!("{}: {ours:?}, but the kernel finds {theirs:?}", crash.id))
}

/// Some of the crash images, the first and the last among them.
fn check(case: &Case) -> Vec<String> {
    let crashed = crashed(&case.scenario, &TODAY, 64);
    let last = crashed.len().saturating_sub(1);
    let images = if case.scenario.stack.mount.barrier { FEW } else { MANY };
    let mut chosen: Vec<usize> = (0..images).map(|i| i * last / (images - 1)).collect();
    chosen.dedup();
    let wrong = chosen.into_iter().filter_map(|i| disagreement(&crashed[i]));
    wrong.map(|wrong| format!("{}: {wrong}", case.name)).collect()
}

#[test]
fn the_kernel_finds_what_recovery_finds() {
    if let Some(why) = obstacle() {
        note(&format!("a real mount: {why}"));
        return;
    }
    let wrong: Vec<String> = all().iter().flat_map(check).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
