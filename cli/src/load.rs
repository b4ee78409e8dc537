//! Reading a scenario file, and the image that it begins with: the only place that opens one.
//!
//! ```text
//! path ──read──▶ bytes ──at most 16 MiB, UTF-8──▶ text
//! image ──read──▶ blocks, but for those of zeros ──at most 16 GiB──▶ disk
//! ```
//!
//! Not done here: following includes. A scenario is one file.

use std::fmt;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};
use unplug::device::DiskImage;
use unplug::units::{Block, BlockNr, block_bytes};

/// The largest file that is read, in bytes. A scenario is a page or two; this is a file given by mistake.
const MAX_BYTES: u64 = 16 << 20;
/// The largest image that is read, in bytes.
const MAX_IMAGE: u64 = 16 << 30;

/// Why a file could not be read.
#[derive(Debug)]
pub(crate) struct LoadError {
    path: PathBuf,
    reason: Reason,
}

#[derive(Debug)]
enum Reason {
    Io(io::Error),
    TooLong,
    NotText { valid_up_to: usize },
    LargeImage,
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.display();
        match &self.reason {
            Reason::Io(error) => write!(f, "{path}: {error}"),
            Reason::TooLong => write!(f, "{path}: longer than {} MiB, so not a scenario", MAX_BYTES >> 20),
            Reason::LargeImage => write!(f, "{path}: an image longer than {} GiB", MAX_IMAGE >> 30),
            Reason::NotText { valid_up_to } => {
                write!(f, "{path}: not UTF-8 text from byte {valid_up_to} on, so not a scenario")
            }
        }
    }
}

impl std::error::Error for LoadError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.reason {
            Reason::Io(error) => Some(error),
            Reason::TooLong | Reason::LargeImage | Reason::NotText { .. } => None,
        }
    }
}

/// The text of a file.
///
/// # Errors
/// If it cannot be read, is longer than 16 MiB, or is not UTF-8. No more than that is ever read, so a device or a
/// pipe without end is refused too.
pub(crate) fn load(path: &Path) -> Result<String, LoadError> {
    let fail = |reason| LoadError { path: path.to_owned(), reason };
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(|error| fail(Reason::Io(error)))?;
    file.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(|error| fail(Reason::Io(error)))?;
    if u64::try_from(bytes.len()).map_or(true, |len| len > MAX_BYTES) {
        return Err(fail(Reason::TooLong));
    }
    String::from_utf8(bytes)
        .map_err(|error| fail(Reason::NotText { valid_up_to: error.utf8_error().valid_up_to() }))
}

/// The disk in an image file. A last partial block is filled with zeros.
///
/// # Errors
/// If it cannot be read, or is longer than 16 GiB.
pub(crate) fn load_image(path: &Path) -> Result<DiskImage, LoadError> {
    let fail = |reason| LoadError { path: path.to_owned(), reason };
    let io = |error| fail(Reason::Io(error));
    let file = File::open(path).map_err(io)?;
    let len = file.metadata().map_err(io)?.len();
    if len > MAX_IMAGE {
        return Err(fail(Reason::LargeImage));
    }
    let blocks = len.div_ceil(block_bytes());
    let mut image = DiskImage::new(blocks);
    let mut file = BufReader::with_capacity(1 << 20, file);
    for nr in 0..blocks {
        let mut block = Vec::new();
        file.by_ref().take(block_bytes()).read_to_end(&mut block).map_err(io)?;
        if block.iter().any(|byte| *byte != 0) {
            image.set(BlockNr::new(nr), Block::starting_with(&block));
        }
    }
    Ok(image)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(what: &str, bytes: &[u8], wanted: Result<&str, &str>) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("s.ron");
        std::fs::write(&path, bytes).unwrap();
        let got = load(&path).map_err(|error| error.to_string());
        match (&got, wanted) {
            (Ok(text), Ok(wanted)) => assert_eq!(text, wanted, "{what}"),
            (Err(message), Err(part)) => assert!(message.contains(part), "{what}: {message}"),
            (Ok(_), Err(_)) | (Err(_), Ok(_)) => panic!("{what}: {:?}", got.map(|text| text.len())),
        }
    }

    #[test]
    fn files_are_read_or_refused() {
        check("plain text", "(title: \"ü\")".as_bytes(), Ok("(title: \"ü\")"));
        check("an empty file is the parser's business", b"", Ok(""));
        check("not UTF-8", b"ab\xff", Err("not UTF-8 text from byte 2 on"));
        let limit = usize::try_from(MAX_BYTES).unwrap();
        check("one byte too long", &vec![b' '; limit + 1], Err("longer than 16 MiB"));
        let blank = " ".repeat(limit);
        check("just not too long", blank.as_bytes(), Ok(&blank));
    }

    #[test]
    fn an_image_is_read_block_by_block() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("disk.img");
        let bytes = [[0; 4096], [7; 4096], [0; 4096]].concat();
        std::fs::write(&path, [&bytes[..], &[9]].concat()).unwrap();
        let image = load_image(&path).unwrap();
        assert_eq!(image.blocks(), 4, "a partial block counts");
        assert_eq!(image.to_bytes()[..bytes.len()], bytes);
        assert_eq!(image.written().count(), 2, "blocks of zeros are not kept");
        assert!(load_image(Path::new("no/such.img")).unwrap_err().to_string().starts_with("no/such.img: "));
    }

    #[test]
    fn a_missing_file_is_named() {
        let message = load(Path::new("no/such.ron")).unwrap_err().to_string();
        assert!(message.starts_with("no/such.ron: "), "{message}");
    }
}
