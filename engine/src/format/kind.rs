//! What kind of file an inode or a directory entry stands for.

/// The kind of a file as directory entries store it; other values stay representable.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct FileKind(pub u8);

impl FileKind {
    /// Not known: the file system does not store kinds, or the mode has none.
    pub const UNKNOWN: Self = Self(0);
    /// A regular file.
    pub const REGULAR: Self = Self(1);
    /// A directory.
    pub const DIRECTORY: Self = Self(2);
    /// A character device.
    pub const CHAR_DEVICE: Self = Self(3);
    /// A block device.
    pub const BLOCK_DEVICE: Self = Self(4);
    /// A named pipe.
    pub const FIFO: Self = Self(5);
    /// A socket.
    pub const SOCKET: Self = Self(6);
    /// A symbolic link.
    pub const SYMLINK: Self = Self(7);

    const MODES: [(Self, u16); 7] = [
        (Self::FIFO, 0o010_000),
        (Self::CHAR_DEVICE, 0o020_000),
        (Self::DIRECTORY, 0o040_000),
        (Self::BLOCK_DEVICE, 0o060_000),
        (Self::REGULAR, 0o100_000),
        (Self::SYMLINK, 0o120_000),
        (Self::SOCKET, 0o140_000),
    ];

    /// The kind in the upper bits of a mode (`S_IFMT`).
    pub fn of_mode(mode: u16) -> Self {
        let bits = mode & 0o170_000;
        Self::MODES.iter().find(|(_, of)| *of == bits).map_or(Self::UNKNOWN, |(kind, _)| *kind)
    }

    /// The bits of a mode that stand for this kind; none for an unknown one.
    pub fn mode_bits(self) -> u16 {
        Self::MODES.iter().find(|(kind, _)| *kind == self).map_or(0, |(_, bits)| *bits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_and_modes_agree() {
        for code in 1..=7 {
            assert_eq!(FileKind::of_mode(FileKind(code).mode_bits() | 0o644), FileKind(code));
        }
        assert_eq!(FileKind::of_mode(0o644), FileKind::UNKNOWN);
        assert_eq!(FileKind(99).mode_bits(), 0);
    }
}
