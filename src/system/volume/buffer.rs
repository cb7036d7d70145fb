//! Memory that O_DIRECT accepts.

/// Alignment of buffers, offsets and lengths for O_DIRECT: a multiple of every sector size in use (512, 4096).
pub const ALIGN: usize = 4096;

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
        let memory = vec![0; capacity + ALIGN];
        let address = memory.as_ptr() as usize;
        let start = address.next_multiple_of(ALIGN) - address;
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
}
