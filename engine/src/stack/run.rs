//! Running a scenario, and holding each step to what the file says that it returns.

use super::image::check_options;
use super::{Answer, Place, StepError, Trace, open_image};
use crate::block::{Barrier, Queue};
use crate::device::{Disk, DiskImage, DiskModel};
use crate::ext4::{Datasync, Fs, Options, mkfs};
use crate::format::Superblock;
use crate::history::{Errno, History, Returned, StepRecord};
use crate::mutant::Mutant;
use crate::scenario::{Call, MemoryCall, OpenFlags, Scenario, Stack, Step, Wanted, XattrCall};
use crate::schedule::Schedule;
use crate::units::{BlockNr, StepIdx, Time, len_u32, len_u64};
use crate::vfs::{Mmap, Mremap, Vfs};

/// When the file system is made: some Tuesday in November 2023.
const MADE: Time = Time::from_secs(1_700_000_000);
/// How long after that the program runs.
const SETTLED_SECS: u64 = 3600;
/// A step takes one tick of the clock that stamps inodes (4 ms, HZ=250).
const TICK_NANOS: u64 = 4_000_000;

/// Runs a scenario.
///
/// # Errors
/// A step that does not return what the scenario says ends the run.
pub fn run(scenario: &Scenario, schedule: Schedule) -> Result<Trace, StepError> {
    run_with(scenario, schedule, None)
}

/// Runs a scenario on a stack that lacks a rule. For tests only: they must see it fail.
///
/// # Errors
/// As [`run`].
#[doc(hidden)]
pub fn run_mutant(scenario: &Scenario, schedule: Schedule, mutant: Mutant) -> Result<Trace, StepError> {
    run_with(scenario, schedule, Some(mutant))
}

fn run_with(scenario: &Scenario, schedule: Schedule, mutant: Option<Mutant>) -> Result<Trace, StepError> {
    let stack = &scenario.stack;
    let (made, when) = begin_with(stack)?;
    let settled = set_up(scenario, made, when)?;
    let start = when.plus_secs(SETTLED_SECS);
    let mut fs = Fs::mount(queue(stack, settled, schedule, mutant, start), Options::of(stack));
    // What the mount wrote is durable before the first crash point.
    let base = fs.queue().restart_log();
    let mut vfs = Vfs::new(fs);
    let mut steps = Vec::new();
    for (index, step) in scenario.steps.iter().enumerate() {
        let place = StepIdx::new(len_u32(index));
        vfs.fs().queue().begin_step(place);
        let called = vfs.fs().queue().now().plus_nanos(TICK_NANOS);
        let answer = perform(&mut vfs, &step.call);
        let returned = hold_to(step, answer).map_err(|error| error.at(Place::Step(place)))?;
        let at = vfs.fs().queue().moment();
        let (in_memory, facts) = (vfs.in_memory(), vfs.take_facts());
        let way = vfs.fs().queue().take_way().renamed(|function| stack.kernel.function(function));
        steps.push(StepRecord { returned, at, called, facts, way, in_memory });
    }
    let log = vfs.into_fs().into_queue().into_parts().0;
    Ok(Trace { schedule, base, log, history: History { steps } })
}

/// What is on the disk at first, and when: a new file system, or the image, after it was last written.
fn begin_with(stack: &Stack) -> Result<(DiskImage, Time), StepError> {
    let Some(image) = &stack.image else { return Ok((mkfs(&stack.mkfs, MADE), MADE)) };
    let refused = |message: String, help: Option<&str>| StepError {
        place: Place::Image,
        message,
        help: help.map(str::to_owned),
    };
    let disk = image.disk.as_ref().ok_or_else(|| {
        refused(format!("the image {:?} was not read: only what reads files can run this", image.path), None)
    })?;
    let opened = open_image(DiskImage::clone(disk), stack.kernel)
        .and_then(|opened| check_options(stack).map(|()| opened))
        .map_err(|error| refused(format!("the image {:?}: {error}", image.path), error.help()))?;
    let written = Superblock::from_block(opened.block(BlockNr::new(0)))
        .map_or(0, |superblock| superblock.write_time.max(superblock.mount_time));
    Ok((opened, MADE.max(Time::from_secs(u64::from(written) + 1))))
}

/// Runs the setup on a file system of its own and unmounts it.
fn set_up(scenario: &Scenario, made: DiskImage, when: Time) -> Result<DiskImage, StepError> {
    let q = queue(&scenario.stack, made, Schedule::Prompt, None, when);
    let mut vfs = Vfs::new(Fs::mount(q, Options::of(&scenario.stack)));
    for (index, step) in scenario.setup.iter().enumerate() {
        let answer = perform(&mut vfs, &step.call);
        hold_to(step, answer).map_err(|error| error.at(Place::Setup(index)))?;
    }
    let q = vfs.exit().unmount().map_err(|errno| {
        Mismatch { message: format!("cannot be unmounted: {errno}"), help: None }
            .at(Place::Setup(scenario.setup.len()))
    })?;
    Ok(q.into_parts().1)
}

fn queue(stack: &Stack, image: DiskImage, schedule: Schedule, mutant: Option<Mutant>, now: Time) -> Queue {
    let disk = stack.disk;
    let model = DiskModel { blocks: image.blocks(), cache: disk.cache, atomic: disk.atomic, fua: disk.fua };
    let barrier = if stack.mount.barrier { Barrier::On } else { Barrier::Off };
    Queue::new(Disk::new(model, image), barrier, schedule, mutant, now)
}

/// One call of the program.
fn perform(vfs: &mut Vfs, call: &Call) -> Answer {
    let tick = vfs.fs().queue().now().plus_nanos(TICK_NANOS);
    vfs.fs().run_until(tick);
    match call {
        Call::Open { fd, path, flags, mode } => done(vfs.open(fd, path, *flags, *mode)),
        Call::Create { path, data } => create(vfs, path, data),
        Call::Close { fd } => done(vfs.close(fd)),
        Call::Dup { fd, of } => done(vfs.dup(fd, of)),
        Call::Read { fd, expect } => read(expect, |len| vfs.read(fd, len)),
        Call::Pread { fd, offset, expect } => read(expect, |len| vfs.pread(fd, *offset, len)),
        Call::Write { fd, data } => count(data, vfs.write(fd, data)),
        Call::Pwrite { fd, data, offset } => count(data, vfs.pwrite(fd, data, *offset)),
        Call::Lseek { fd, offset, whence } => value(vfs.lseek(fd, *offset, *whence)),
        Call::Ftruncate { fd, length } => done(vfs.ftruncate(fd, *length)),
        Call::Truncate { path, length } => done(vfs.truncate(path, *length)),
        Call::Fsync { fd } => done(vfs.fsync(fd, Datasync::No)),
        Call::Fdatasync { fd } => done(vfs.fsync(fd, Datasync::Yes)),
        Call::Syncfs { fd } => done(vfs.syncfs(fd)),
        Call::Sync => {
            vfs.sync();
            Answer::Value(0)
        }
        Call::Mkdir { path, mode } => done(vfs.mkdir(path, *mode)),
        Call::Rmdir { path } => done(vfs.rmdir(path)),
        Call::Unlink { path } => done(vfs.unlink(path)),
        Call::Rename { old, new } => done(vfs.rename(old, new)),
        Call::Fallocate { fd, mode, offset, length } => done(vfs.fallocate(fd, *mode, *offset, *length)),
        Call::Renameat2 { old, new, flags } => done(vfs.renameat2(old, new, *flags)),
        Call::Linkat { fd, path } => done(vfs.linkat(fd, path)),
        Call::Link { old, new } => done(vfs.link(old, new)),
        Call::Symlink { target, path } => done(vfs.symlink(target, path)),
        Call::Chmod { path, mode } => done(vfs.chmod(path, *mode)),
        Call::Pwritev2 { fd, data, offset, flags } => count(data, vfs.pwritev2(fd, data, *offset, *flags)),
        Call::SyncFileRange { fd, offset, nbytes, flags } => {
            done(vfs.sync_file_range(fd, *offset, *nbytes, *flags))
        }
        Call::PosixFadvise { fd, offset, length, advice } => {
            done(vfs.posix_fadvise(fd, *offset, *length, *advice))
        }
        Call::Xattr(call) => perform_on_attributes(vfs, call),
        Call::Memory(call) => perform_on_memory(vfs, call),
        Call::Sleep { seconds } => {
            let until = vfs.fs().queue().now().plus_secs(*seconds);
            vfs.fs().run_until(until);
            Answer::Value(0)
        }
        Call::Mark { .. } => Answer::Value(0),
    }
}

/// One call on extended attributes.
fn perform_on_attributes(vfs: &mut Vfs, call: &XattrCall) -> Answer {
    match call {
        XattrCall::Set { on, name, value, flags } => done(vfs.setxattr(on, name, value, *flags)),
        XattrCall::Get { on, name, expect } => read(expect, |_| vfs.getxattr(on, name)),
        XattrCall::Remove { on, name } => done(vfs.removexattr(on, name)),
    }
}

/// One call on the address space, or an access to it.
fn perform_on_memory(vfs: &mut Vfs, call: &MemoryCall) -> Answer {
    match call {
        MemoryCall::Mmap { map, fd, length, prot, flags, offset, at } => {
            let asked =
                Mmap { length: *length, prot: *prot, flags: *flags, offset: *offset, at: at.as_ref() };
            done(vfs.mmap(map, fd.as_ref(), &asked))
        }
        MemoryCall::Store { map, offset, data } => done(vfs.store(map, *offset, data)),
        MemoryCall::Load { map, offset, expect } => {
            load(expect, vfs.load(map, *offset, len_u64(expect.len())))
        }
        MemoryCall::Msync { map, offset, length, flags } => done(vfs.msync(map, *offset, *length, *flags)),
        MemoryCall::Munmap { map, offset, length } => done(vfs.munmap(map, *offset, *length)),
        MemoryCall::Mremap { map, offset, length, new_length, flags, to } => {
            let asked = Mremap {
                offset: *offset,
                length: *length,
                new_length: *new_length,
                flags: *flags,
                to: to.as_ref(),
            };
            done(vfs.mremap(map, &asked))
        }
        MemoryCall::Mprotect { map, offset, length, prot } => {
            done(vfs.mprotect(map, *offset, *length, *prot))
        }
        MemoryCall::Mlock { map } => done(vfs.mlock(map)),
        MemoryCall::Munlock { map } => done(vfs.munlock(map)),
        MemoryCall::RemapFilePages { map, offset, length, pgoff } => {
            done(vfs.remap_file_pages(map, *offset, *length, *pgoff))
        }
    }
}

/// The shorthand: open, write where there is data, close.
fn create(vfs: &mut Vfs, path: &str, data: &[u8]) -> Answer {
    let fd = "create".into();
    let flags = OpenFlags::O_CREAT.with(OpenFlags::O_WRONLY).with(OpenFlags::O_TRUNC);
    if let Err(errno) = vfs.open(&fd, path, flags, 0o644) {
        return Answer::Error(errno);
    }
    let written = if data.is_empty() { Ok(0) } else { vfs.write(&fd, data) };
    match vfs.close(&fd) {
        Ok(()) => count(data, written),
        Err(errno) => Answer::Error(errno),
    }
}

/// Reads as much as is expected, and at least one byte, so that an end of file is seen.
fn read(expect: &[u8], read: impl FnOnce(u64) -> Result<Vec<u8>, Errno>) -> Answer {
    match read(len_u64(expect.len()).max(1)) {
        Ok(bytes) => Answer::Bytes { wanted: expect.to_vec(), read: bytes },
        Err(errno) => Answer::Error(errno),
    }
}

/// Bytes that the CPU loaded.
fn load(expect: &[u8], loaded: Result<Vec<u8>, Errno>) -> Answer {
    loaded.map_or_else(Answer::Error, |read| Answer::Bytes { wanted: expect.to_vec(), read })
}

fn done(result: Result<(), Errno>) -> Answer {
    value(result.map(|()| 0))
}

fn value(result: Result<u64, Errno>) -> Answer {
    result.map_or_else(Answer::Error, Answer::Value)
}

fn count(data: &[u8], result: Result<u64, Errno>) -> Answer {
    result.map_or_else(Answer::Error, |done| Answer::Count { wanted: len_u64(data.len()), done })
}

/// A step that returned something else, before it is known where it stands.
struct Mismatch {
    message: String,
    help: Option<String>,
}

impl Mismatch {
    fn new(message: String) -> Self {
        Self { message, help: None }
    }

    fn at(self, place: Place) -> StepError {
        StepError { place, message: self.message, help: self.help }
    }
}

/// What the step returned, if that is what the file says.
fn hold_to(step: &Step, answer: Answer) -> Result<Returned, Mismatch> {
    match (answer, step.wanted) {
        (Answer::Error(errno), Wanted::Error(wanted)) if errno == wanted => Ok(Returned::Error(errno)),
        (Answer::Error(errno), Wanted::Error(wanted)) => {
            Err(Mismatch::new(format!("failed with {errno}, the file says {wanted}")))
        }
        (Answer::Error(errno), Wanted::Success | Wanted::Short(_)) => Err(Mismatch {
            message: format!("failed with {errno} ({})", errno.text()),
            help: Some(if step.text.starts_with("fails(") {
                "it may fail under the kernels that its `on` names, and this is none of them".to_owned()
            } else {
                format!("if it should fail, write fails({errno}, …)")
            }),
        }),
        (Answer::Value(_) | Answer::Count { .. } | Answer::Bytes { .. }, Wanted::Error(wanted)) => {
            Err(Mismatch::new(format!("succeeded, the file says {wanted}")))
        }
        (Answer::Value(value), Wanted::Success) => Ok(Returned::Value(value)),
        (Answer::Value(_), Wanted::Short(_)) => {
            Err(Mismatch::new("transfers no count that could be short".to_owned()))
        }
        (Answer::Bytes { wanted, read }, Wanted::Short(short))
            if len_u64(read.len()) == short && wanted.starts_with(&read) =>
        {
            Ok(Returned::Value(short))
        }
        (Answer::Count { wanted, done }, Wanted::Success) if done == wanted => Ok(Returned::Value(done)),
        (Answer::Count { wanted, done }, Wanted::Success) => Err(Mismatch {
            message: format!("wrote {done} of {wanted} bytes"),
            help: Some(format!("if the count should be short, write short({done}, …)")),
        }),
        (Answer::Count { done, .. }, Wanted::Short(wanted)) if done == wanted => Ok(Returned::Value(done)),
        (Answer::Count { done, .. }, Wanted::Short(wanted)) => {
            Err(Mismatch::new(format!("wrote {done} bytes, the file says {wanted}")))
        }
        (Answer::Bytes { wanted, read }, Wanted::Success) if wanted == read => {
            Ok(Returned::Value(len_u64(read.len())))
        }
        (Answer::Bytes { wanted, read }, Wanted::Success | Wanted::Short(_)) => Err(Mismatch::new(format!(
            "read {} bytes {}, the file says {} bytes {}",
            read.len(),
            shown(&read),
            wanted.len(),
            shown(&wanted)
        ))),
    }
}

/// The beginning of some bytes, as text.
fn shown(bytes: &[u8]) -> String {
    let more = if bytes.len() > 32 { "…" } else { "" };
    format!(
        "\"{}{more}\"",
        bytes.iter().take(32).flat_map(|byte| byte.escape_ascii()).map(char::from).collect::<String>()
    )
}
