//! Content as numbers: XXH3-128 of all of it, and a sample of its ends.

use twox_hash::{XxHash3_128, xxhash3_128::Hasher};

/// Bytes of the sample at each end of a file.
pub const SAMPLE: usize = 4096;

/// Digest of a file's content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Digest {
    /// XXH3-128 of the whole content.
    pub hash: u128,
    /// XXH3 of the first and the last 4 KiB. Never proof of anything but that a file is another one.
    pub sample: u64,
    /// In bytes.
    pub len: u64,
}

/// Takes content piece by piece.
pub struct Digester {
    hasher: Hasher,
    head: Vec<u8>,
    tail: Vec<u8>,
    len: u64,
}

impl Digester {
    #[must_use]
    pub fn new() -> Self {
        Digester { hasher: Hasher::new(), head: Vec::new(), tail: Vec::new(), len: 0 }
    }

    pub fn write(&mut self, bytes: &[u8]) {
        self.hasher.write(bytes);
        let head = (SAMPLE - self.head.len()).min(bytes.len());
        self.head.extend_from_slice(&bytes[..head]);
        let rest = &bytes[head..];
        if rest.len() >= SAMPLE {
            self.tail.clear();
            self.tail.extend_from_slice(&rest[rest.len() - SAMPLE..]);
        } else {
            let over = (self.tail.len() + rest.len()).saturating_sub(SAMPLE);
            self.tail.drain(..over);
            self.tail.extend_from_slice(rest);
        }
        self.len += bytes.len() as u64;
    }

    #[must_use]
    pub fn finish(mut self) -> Digest {
        let hash = self.hasher.finish_128();
        self.head.extend_from_slice(&self.tail);
        Digest { hash, sample: sample(&self.head), len: self.len }
    }

    /// Of content that lies in memory as a whole.
    #[must_use]
    pub fn whole(bytes: &[u8]) -> Digest {
        let head = bytes.len().min(SAMPLE);
        let tail = &bytes[bytes.len().saturating_sub(SAMPLE).max(head)..];
        let sample = sample(&[&bytes[..head], tail].concat());
        Digest { hash: XxHash3_128::oneshot(bytes), sample, len: bytes.len() as u64 }
    }
}

impl Default for Digester {
    fn default() -> Self {
        Digester::new()
    }
}

/// The sample's number, from the two ends read one after the other (they never overlap).
#[must_use]
pub fn sample(ends: &[u8]) -> u64 {
    XxHash3_128::oneshot(ends) as u64
}

/// Place where the tail of the sample lies in a file: offset and length.
#[must_use]
pub fn tail_range(size: u64) -> (u64, usize) {
    let head = size.min(SAMPLE as u64);
    let at = size.saturating_sub(SAMPLE as u64).max(head);
    (at, (size - at) as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_whole_and_the_two_ends_agree() {
        let content: Vec<u8> = (0..30_000u32).map(|i| (i * 7 + i / 251) as u8).collect();
        for size in [0, 1, 4095, 4096, 4097, 5000, 8191, 8192, 8193, 12_288, 30_000] {
            let content = &content[..size];
            let whole = Digester::whole(content);
            for piece in [1, 100, 4096, 5000, 30_000] {
                let mut digester = Digester::new();
                content.chunks(piece).for_each(|c| digester.write(c));
                assert_eq!(digester.finish(), whole, "{size} by {piece}");
            }
            let (at, len) = tail_range(size as u64);
            let ends = [&content[..size.min(SAMPLE)], &content[at as usize..at as usize + len]].concat();
            assert_eq!(sample(&ends), whole.sample, "{size}");
        }
    }

    #[test]
    fn the_hash_is_xxh128_as_others_compute_it() {
        // The published value for no input, seed 0.
        assert_eq!(format!("{:032x}", Digester::whole(b"").hash), "99aa06d3014798d86001c324468d497f");
    }
}
