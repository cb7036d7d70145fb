//! Reads a hostile file in small pieces, and no more of them than any honest file needs.

/// A file, read at random.
pub trait Source {
    /// In bytes.
    fn size(&self) -> u64;

    /// Reads from `offset` until `space` is full or the file ends; returns the number of bytes, 0 where it can't be
    /// read.
    fn read_at(&mut self, offset: u64, space: &mut [u8]) -> usize;
}

/// A file in memory.
impl Source for &[u8] {
    fn size(&self) -> u64 {
        self.len() as u64
    }

    fn read_at(&mut self, offset: u64, space: &mut [u8]) -> usize {
        let rest = usize::try_from(offset).ok().and_then(|at| self.get(at..)).unwrap_or_default();
        let count = rest.len().min(space.len());
        space[..count].copy_from_slice(&rest[..count]);
        count
    }
}

/// Read at once: an image directory with its values fits.
const WINDOW: usize = 4096;
/// Windows; a CR3 or DNG of today takes a dozen.
const MOST_WINDOWS: u32 = 400;
/// Questions to the windows.
const MOST_READS: u32 = 60_000;

pub(super) struct Reader<'a> {
    source: &'a mut dyn Source,
    size: u64,
    window: Vec<u8>,
    window_at: u64,
    windows: u32,
    reads: u32,
}

impl<'a> Reader<'a> {
    pub fn new(source: &'a mut dyn Source) -> Self {
        let size = source.size();
        Reader { source, size, window: Vec::new(), window_at: 0, windows: 0, reads: 0 }
    }

    /// The file's size in bytes.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// So many bytes from there; none beyond the file's end, or when too much was asked for.
    pub fn array<const N: usize>(&mut self, at: u64) -> Option<[u8; N]> {
        let mut array = [0; N];
        self.fill(at, &mut array)?;
        Some(array)
    }

    /// Bytes from there, at most a window.
    pub fn bytes(&mut self, at: u64, count: usize) -> Option<Vec<u8>> {
        if count > WINDOW {
            return None;
        }
        let mut bytes = vec![0; count];
        self.fill(at, &mut bytes)?;
        Some(bytes)
    }

    pub fn u16(&mut self, at: u64, big: bool) -> Option<u16> {
        let bytes = self.array(at)?;
        Some(if big { u16::from_be_bytes(bytes) } else { u16::from_le_bytes(bytes) })
    }

    pub fn u32(&mut self, at: u64, big: bool) -> Option<u32> {
        let bytes = self.array(at)?;
        Some(if big { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) })
    }

    pub fn u64_be(&mut self, at: u64) -> Option<u64> {
        self.array(at).map(u64::from_be_bytes)
    }

    fn fill(&mut self, at: u64, space: &mut [u8]) -> Option<()> {
        self.reads += 1;
        let end = at.checked_add(space.len() as u64)?;
        if end > self.size || self.reads > MOST_READS {
            return None;
        }
        if at < self.window_at || end > self.window_at + self.window.len() as u64 {
            self.load(at)?;
        }
        let from = usize::try_from(at - self.window_at).ok()?;
        space.copy_from_slice(self.window.get(from..from + space.len())?);
        Some(())
    }

    fn load(&mut self, at: u64) -> Option<()> {
        self.windows += 1;
        if self.windows > MOST_WINDOWS {
            return None;
        }
        self.window.resize(WINDOW, 0);
        let count = self.source.read_at(at, &mut self.window).min(WINDOW);
        self.window.truncate(count);
        self.window_at = at;
        Some(())
    }
}
