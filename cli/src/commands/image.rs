//! `unplug image`: the disk after a crash, as a file.

use super::{Failure, Kernels, Trouble, scenario};
use crate::args::Image;
use crate::exit::Exit;
use crate::output::Output;
use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};
use std::path::Path;
use unplug::crash::{CrashId, image as crash_image};
use unplug::device::DiskImage;
use unplug::schedule::Schedule;
use unplug::stack::run;
use unplug::units::{BLOCK_BYTES, block_bytes};

/// Runs a scenario and writes one of its crash states.
pub(super) fn image(args: &Image) -> Result<Exit, Failure> {
    let id = args.state.as_deref().map(str::parse::<CrashId>).transpose().map_err(Failure::new)?;
    let schedule = id.as_ref().map_or(Schedule::Prompt, |id| id.schedule);
    let traced = scenario(&args.file, args.kernel)
        .and_then(|scenario| run(&scenario, schedule).map_err(|error| Trouble::step(&scenario, error)));
    let trace = match traced {
        Ok(trace) => trace,
        Err(trouble) => {
            trouble.print(&args.file, Kernels::One);
            return Ok(Exit::Unusable);
        }
    };
    let image = match &id {
        None => trace.base,
        Some(id) => crash_image(&trace.base, &trace.log, id)
            .map_err(|error| Failure::new(format!("{id} is no state of {}: {error}", args.file.display())))?,
    };
    let path = args.output.display();
    write(&image, &args.output).map_err(|error| Failure::new(format!("cannot write {path}: {error}")))?;
    let mib = (image.blocks() * block_bytes()) >> 20;
    let when = if id.is_some() { "as the power cut left it" } else { "as it was before the first step" };
    Output::to(None)?.print(&format!("{path}: {mib} MiB of ext4 {when}\n"))?;
    Ok(Exit::Good)
}

/// Blocks of zeros become holes.
fn write(image: &DiskImage, path: &Path) -> io::Result<()> {
    let mut file = File::create(path)?;
    file.set_len(image.blocks() * block_bytes())?;
    for (nr, block) in image.written() {
        if *block.bytes() != [0; BLOCK_BYTES] {
            file.seek(SeekFrom::Start(nr.get() * block_bytes()))?;
            file.write_all(block.bytes())?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use unplug::units::Lba;

    #[test]
    fn an_image_file_holds_the_bytes_of_the_disk() {
        let mut image = DiskImage::new(300);
        image.write(Lba::new(9), &[7; 512]);
        image.write(Lba::new(299 * 8 + 7), &[8; 512]);
        image.write(Lba::new(80), &[0; 512]);
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("crash.img");
        std::fs::write(&path, vec![1; 2 << 20]).unwrap();
        write(&image, &path).unwrap();
        assert!(std::fs::read(&path).unwrap() == image.to_bytes(), "older content of the file is gone too");
    }
}
