//! The messages from the reader to the writers: each is made once, and shared by all who want it.

use crate::backup::digest::Digest;
use crate::system::volume::{Buffer, Stat};
use std::ops::Range;
use std::sync::Arc;

/// From the reader to the writers. Files are indexes into the card's.
#[derive(Clone)]
pub enum Message {
    /// A file begins; its data follows.
    Begin {
        file: u32,
        size: u64,
    },
    Data(Arc<Buffer>),
    /// All of it was sent.
    End(Arc<ReadEnd>),
    /// Small files, all at once: one hand-over for many.
    Pack(Arc<Pack>),
    /// The bytes sent of the current file are worth nothing.
    Drop,
}

/// Small files that were read together.
pub struct Pack {
    pub buffer: Buffer,
    pub files: Vec<Packed>,
    /// Bytes of the buffer that the files take.
    pub used: usize,
}

/// A small file, and where it lies in the buffer.
pub struct Packed {
    pub file: u32,
    pub range: Range<usize>,
    pub end: ReadEnd,
}

/// Facts of a file after its last byte.
#[derive(Clone)]
pub struct ReadEnd {
    pub digest: Digest,
    /// As it was before the first byte and after the last.
    pub stat: Stat,
    /// Ranges that could not be read and were sent as zeros.
    pub bad: Vec<(u64, u64)>,
}
