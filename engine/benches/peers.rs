//! The explorer beside others at the same job: the count of every outcome of the same legal images.
//!
//! ```text
//!   explorer                 every image, by what recovery asks
//!   brute force              every image made in memory and recovered, one core
//!   cp + e2fsck -fy          a copy of the image file, checked and repaired: a process for each image
//!   mount                    the kernel mounts and unmounts the image file: a loop device for each image
//! ```
//! The last two are timed over some of the images, and what all of them would take follows from that. They need
//! e2fsck, and root with a loop device; where these are missing, the row is left out. `cargo bench -p unplug --bench
//! peers` prints times and ratios of one run on one machine.
#![expect(clippy::unwrap_used, clippy::print_stdout, clippy::disallowed_types, reason = "a benchmark")]

use num_bigint::BigUint;
use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use unplug::crash::{Bounds, Course, Drawn, Images, Nothing, brute, explore, image};
use unplug::recovery::{MountError, Profile, Recovery, Survivors, recover};
use unplug::scenario::parse;
use unplug::schedule::Schedule;
use unplug::stack::{Trace, run};

/// Files that exist get a second block each, and one sync commits.
const FILES: u32 = 14;
/// How many images the slow ones are timed with.
const SOME: u64 = 40;

/// How many images lead to each outcome.
type Counts = BTreeMap<String, BigUint>;

fn outcome(found: &Result<Survivors, MountError>) -> String {
    match found {
        Ok(survivors) => format!("{:?} {:?}", survivors.tree, survivors.repairs),
        Err(error) => error.to_string(),
    }
}

fn trace() -> (Trace, Profile) {
    let text = format!(
        r#"(
            title: "append",
            stack: (disk: (atomic_write: 4096)),
            setup: [times(count: {FILES}, var: "i", steps: [create("/f${{i}}", repeat("A", 4096))])],
            steps: [
                times(count: {FILES}, var: "i", steps: [
                    open(fd: "f", path: "/f${{i}}", flags: [O_WRONLY]),
                    pwrite(fd: "f", offset: 4096, data: repeat("B", 4096)),
                    close("f"),
                ]),
                sync,
            ],
            expect: [always(mounts)],
        )"#
    );
    let scenario = parse(&text).unwrap();
    (run(&scenario, Schedule::Prompt).unwrap(), Profile::of(scenario.stack.kernel))
}

fn course(trace: &Trace) -> Course<'_> {
    Course { schedule: trace.schedule, base: &trace.base, log: &trace.log, cuts: Vec::new() }
}

fn explored(trace: &Trace, profile: &Profile) -> Counts {
    let images = Images::of(vec![course(trace)]);
    let mut counts = Counts::new();
    for leaf in explore(&images, Recovery::new(profile), &Bounds::default(), &|_| {}).leaves {
        *counts.entry(outcome(&leaf.found)).or_default() += images.images_of(&leaf.class, &images.all());
    }
    counts
}

fn one_by_one(trace: &Trace, profile: &Profile) -> Counts {
    let mut counts = Counts::new();
    let bounds = brute::Bounds { max_states: u64::MAX, seed: 0 };
    let judge = |view: &mut brute::CrashView<'_>| outcome(&recover(view, profile));
    brute::explore(&trace.base, &trace.log, trace.schedule, &bounds, judge, |_, outcome| {
        *counts.entry(outcome).or_default() += 1_u32;
    });
    counts
}

/// Some legal images, written to files.
fn files(trace: &Trace, profile: &Profile, folder: &Path) -> Vec<std::path::PathBuf> {
    let images = Images::of(vec![course(trace)]);
    let blocks = (0..images.blocks()).map(unplug::units::BlockNr::new);
    let blocks: Vec<_> = blocks.filter(|block| images.varies(*block)).collect();
    let leaves = explore(&images, Recovery::new(profile), &Bounds::default(), &|_| {}).leaves;
    let bounds = Bounds { draws: SOME.div_ceil(u64::try_from(leaves.len()).unwrap()), ..Bounds::default() };
    let drawn =
        leaves.iter().flat_map(|leaf| images.draw(&leaf.class, &images.all(), &blocks, &Nothing, &bounds));
    let write = |(number, drawn): (usize, Drawn<()>)| {
        let disk = image(&trace.base, &trace.log, &images.id(&drawn.image)).unwrap();
        let path = folder.join(format!("image{number}"));
        std::fs::write(&path, disk.to_bytes()).unwrap();
        path
    };
    drawn.enumerate().map(write).collect()
}

fn quiet(program: &str, args: &[&str]) -> Option<i32> {
    let mut command = Command::new(program);
    command.args(args).stdout(Stdio::null()).stderr(Stdio::null()).stdin(Stdio::null());
    command.status().ok()?.code()
}

fn e2fsck(path: &Path, folder: &Path) -> Option<()> {
    let copy = folder.join("copy");
    std::fs::copy(path, &copy).ok()?;
    quiet("e2fsck", &["-fy", copy.to_str()?]).map(|_| ())
}

fn mount(path: &Path, folder: &Path) -> Option<()> {
    let (copy, on) = (folder.join("copy"), folder.join("mnt"));
    std::fs::copy(path, &copy).ok()?;
    std::fs::create_dir_all(&on).ok()?;
    let mounted = quiet("mount", &["-t", "ext4", "-o", "loop", copy.to_str()?, on.to_str()?])?;
    if mounted == 0 && quiet("umount", &[on.to_str()?])? == 0 { Some(()) } else { None }
}

/// The time for each file, if it can be done at all.
fn each(files: &[std::path::PathBuf], mut work: impl FnMut(&Path) -> Option<()>) -> Option<Duration> {
    work(files.first()?)?;
    let start = Instant::now();
    for file in files {
        work(file)?;
    }
    Some(start.elapsed() / u32::try_from(files.len()).ok()?)
}

fn main() {
    let one = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    let (trace, profile) = trace();
    let times = 100_u32;
    let ours = one.install(|| explored(&trace, &profile));
    let start = Instant::now();
    for _ in 0..times {
        assert_eq!(one.install(|| explored(&trace, &profile)), ours);
    }
    let explorer = start.elapsed() / times;
    let total: BigUint = ours.values().sum();
    let images = f64::from(u32::try_from(&total).unwrap());
    println!("{total} distinct images, {} outcomes, one core", ours.len());
    let row = |what: &str, all: f64| {
        println!("{what:<34} {all:>14.6} s   {:>14.0} x", all / explorer.as_secs_f64());
    };
    row("explorer", explorer.as_secs_f64());
    let start = Instant::now();
    let theirs = one.install(|| one_by_one(&trace, &profile));
    assert_eq!(theirs, ours, "the same counts");
    row("brute force, same counts", start.elapsed().as_secs_f64());
    let folder = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
    let files = files(&trace, &profile, folder.path());
    if let Some(one) = each(&files, |path| e2fsck(path, folder.path())) {
        row("cp + e2fsck -fy, extrapolated", one.as_secs_f64() * images);
        println!("  {:.2} ms for each of {} images", one.as_secs_f64() * 1e3, files.len());
    }
    if let Some(one) = each(&files, |path| mount(path, folder.path())) {
        row("cp + mount + umount, extrapolated", one.as_secs_f64() * images);
        println!("  {:.2} ms for each of {} images", one.as_secs_f64() * 1e3, files.len());
    }
}
