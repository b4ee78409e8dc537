//! What a call changed for whoever looks: noted on the way, with contents as they are when it returns.

use super::Vfs;
use crate::history::{Fact, Synced};
use crate::units::{FileBlock, Ino, len_u64};

/// What was noted.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Note {
    /// This, as it is.
    Fact(Fact),
    /// Bytes of a file were written; what they are is looked up when the call returns.
    Touched { ino: Ino, from: u64, end: u64 },
    /// A file may have another size.
    Resized(Ino),
}

impl Vfs {
    /// What was changed and promised since this was last asked for.
    pub fn take_facts(&mut self) -> Vec<Fact> {
        let notes = std::mem::take(&mut self.notes);
        notes.into_iter().filter_map(|note| self.fact(note)).collect()
    }

    /// None of a file that is gone.
    fn fact(&self, note: Note) -> Option<Fact> {
        let (ino, touched) = match note {
            Note::Fact(fact) => return Some(fact),
            Note::Resized(ino) => (ino, 0..0),
            Note::Touched { ino, from, end } => (ino, from..end),
        };
        let size_bytes = self.fs.size_of(ino)?;
        let end = touched.end.min(size_bytes);
        let pages = match (FileBlock::of_byte(touched.start), FileBlock::of_byte(end.saturating_sub(1))) {
            (Some(first), Some(last)) if touched.start < end => first.get()..last.get() + 1,
            (Some(_) | None, Some(_) | None) => 0..0,
        };
        let blocks = pages.map(FileBlock::new).map(|at| (at, self.fs.peek(ino, at))).collect();
        Some(Fact::Bytes { ino, size_bytes, blocks })
    }

    /// A name stands for something else now.
    pub(super) fn note_name(&mut self, dir: Ino, name: &[u8], ino: Option<Ino>) {
        let name = String::from_utf8_lossy(name).into_owned();
        self.notes.push(Note::Fact(Fact::Name { dir, name, ino }));
    }

    /// A file begins.
    pub(super) fn note_new(&mut self, ino: Ino) {
        self.notes.push(Note::Fact(Fact::New { ino }));
    }

    /// Something was made durable.
    pub(super) fn note_synced(&mut self, synced: Synced) {
        self.notes.push(Note::Fact(Fact::Synced(synced)));
    }

    /// Bytes of a file were written.
    pub(super) fn note_touched(&mut self, ino: Ino, from: u64, len_bytes: u64) {
        self.note_growth(ino, from.saturating_add(len_bytes));
        self.notes.push(Note::Touched { ino, from, end: from.saturating_add(len_bytes) });
    }

    /// A file may become as long as this: what a mapping left behind its end may come to light.
    pub(super) fn note_growth(&mut self, ino: Ino, end: u64) {
        if let Some(size) = self.fs.size_of(ino).filter(|size| *size < end) {
            self.notes.push(Note::Touched { ino, from: size, end: size.saturating_add(1) });
        }
    }

    /// Bytes that a mapping shows were stored to.
    pub(super) fn note_stored(&mut self, ino: Ino, page: FileBlock, within: usize, len: usize) {
        let from = page.first_byte() + len_u64(within);
        self.note_touched(ino, from, len_u64(len));
    }
}
