//! Memory that O_DIRECT accepts.

use nix::libc;

/// Alignment of buffers, offsets and lengths for O_DIRECT: a multiple of every sector size in use (512, 4096).
pub const ALIGN: usize = 4096;

/// A huge page of x86-64, and of arm64 with 4 KiB pages. O_DIRECT looks up and pins every page of a buffer for every
/// transfer: with 4 KiB pages that is an eighth of the CPU of a backup.
const HUGE: usize = 2 * 1024 * 1024;

/// An aligned buffer of fixed capacity with a filled part.
#[derive(Debug)]
pub struct Buffer {
    memory: Vec<u8>,
    start: usize,
    capacity: usize,
    len: usize,
}

impl Buffer {
    /// `capacity` bytes, rounded up to a multiple of [`ALIGN`].
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        let capacity = capacity.next_multiple_of(ALIGN);
        let align = if capacity >= HUGE { HUGE } else { ALIGN };
        // Memory that nobody touches is never there: the spare costs addresses only.
        let mut memory = vec![0; capacity + align];
        let address = memory.as_ptr() as usize;
        let start = address.next_multiple_of(align) - address;
        if align == HUGE {
            ask_for_huge_pages(&mut memory[start..start + capacity]);
        }
        Buffer { memory, start, capacity, len: 0 }
    }

    #[must_use]
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    /// The filled part.
    #[must_use]
    pub fn filled(&self) -> &[u8] {
        &self.memory[self.start..self.start + self.len]
    }

    /// All of it, to fill.
    pub fn space(&mut self) -> &mut [u8] {
        &mut self.memory[self.start..self.start + self.capacity]
    }

    /// Says how much of [`Buffer::space`] was filled.
    pub fn set_len(&mut self, len: usize) {
        debug_assert!(len <= self.capacity);
        self.len = len.min(self.capacity);
    }
}

/// A wish: where the kernel has no huge pages to give, the buffer works all the same.
fn ask_for_huge_pages(memory: &mut [u8]) {
    // SAFETY: the range is ours alone, and the advice changes neither its content nor who may reach it.
    let _ = unsafe { libc::madvise(memory.as_mut_ptr().cast(), memory.len(), libc::MADV_HUGEPAGE) };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_buffer_starts_on_a_page() {
        for capacity in [1, 4096, 70_000] {
            let mut buffer = Buffer::new(capacity);
            assert_eq!(buffer.space().as_ptr() as usize % ALIGN, 0);
            assert_eq!(buffer.space().len(), capacity.next_multiple_of(ALIGN));
            buffer.space()[0] = 7;
            buffer.set_len(1);
            assert_eq!(buffer.filled(), [7]);
        }
    }

    #[test]
    fn a_large_buffer_starts_on_a_huge_page_and_is_whole() {
        let mut buffer = Buffer::new(2 * HUGE);
        assert_eq!(buffer.space().as_ptr() as usize % HUGE, 0);
        buffer.space().fill(7);
        buffer.set_len(2 * HUGE);
        assert!(buffer.filled().len() == 2 * HUGE && buffer.filled().iter().all(|b| *b == 7));
    }
}
