//! Which files are meant: each file as it is named, and the scenarios in a folder, sorted, also those in its folders.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// A path does not lead to a scenario.
#[derive(Debug)]
pub(crate) enum FilesError {
    /// It cannot be read.
    Io(PathBuf, io::Error),
    /// A folder without a scenario.
    Empty(PathBuf),
}

impl fmt::Display for FilesError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(path, error) => write!(f, "{}: {error}", path.display()),
            Self::Empty(path) => write!(f, "{}: no file in this folder ends in .ron", path.display()),
        }
    }
}

/// The files in the order of the paths; a file that is named twice comes once.
pub(crate) fn scenarios(paths: &[PathBuf]) -> Result<Vec<PathBuf>, FilesError> {
    let mut files: Vec<PathBuf> = Vec::new();
    for path in paths {
        let found = if path.is_dir() { in_folder(path)? } else { vec![path.clone()] };
        for file in found {
            if !files.contains(&file) {
                files.push(file);
            }
        }
    }
    Ok(files)
}

fn in_folder(folder: &Path) -> Result<Vec<PathBuf>, FilesError> {
    let mut files = Vec::new();
    collect(folder, &mut files)?;
    files.sort();
    if files.is_empty() { Err(FilesError::Empty(folder.to_owned())) } else { Ok(files) }
}

/// Links to folders are not followed, so this ends.
fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Result<(), FilesError> {
    let fail = |error| FilesError::Io(folder.to_owned(), error);
    for entry in folder.read_dir().map_err(fail)? {
        let entry = entry.map_err(fail)?;
        let path = entry.path();
        if entry.file_type().map_err(fail)?.is_dir() {
            collect(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "ron") {
            files.push(path);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn folders_are_searched_and_sorted() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        for folder in ["b", "b/c", "empty"] {
            fs::create_dir(at(folder)).unwrap();
        }
        for file in ["z.ron", "a.ron", "b/c/m.ron", "b/n.ron", "b/n.txt"] {
            fs::write(at(file), "").unwrap();
        }
        let check = |paths: &[&str], expected: &[&str]| {
            let paths: Vec<PathBuf> = paths.iter().map(|path| at(path)).collect();
            let expected: Vec<PathBuf> = expected.iter().map(|path| at(path)).collect();
            assert_eq!(scenarios(&paths).unwrap(), expected);
        };
        check(&["z.ron", "a.ron", "z.ron"], &["z.ron", "a.ron"]);
        check(&["b"], &["b/c/m.ron", "b/n.ron"]);
        check(&["b/n.ron", ""], &["b/n.ron", "a.ron", "b/c/m.ron", "z.ron"]);
        check(&["b/n.txt", "not there"], &["b/n.txt", "not there"]);
        let message = scenarios(&[at("empty")]).unwrap_err().to_string();
        assert!(message.ends_with("empty: no file in this folder ends in .ron"), "{message}");
    }
}
