//! A text file of a history, written piece by piece, and its C4 id.

use crate::system::volume::{Buffer, Dir, Fault, OutFile};
use sha2::{Digest, Sha512};

/// Text is written in pieces of this size.
const PIECE: usize = 256 * 1024;

/// A text file while it is written.
pub struct Text {
    file: OutFile,
    offset: u64,
    pending: String,
    hasher: Sha512,
}

impl Text {
    /// Makes the file.
    pub fn create(folder: &Dir, name: &[u8]) -> Result<Self, Fault> {
        Ok(Text { file: folder.create(name)?, offset: 0, pending: String::new(), hasher: Sha512::new() })
    }

    /// Adds to it.
    pub fn push(&mut self, text: &str) -> Result<(), Fault> {
        self.pending.push_str(text);
        if self.pending.len() >= PIECE { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<(), Fault> {
        self.file.write_at(self.pending.as_bytes(), self.offset)?;
        self.hasher.update(self.pending.as_bytes());
        self.offset += self.pending.len() as u64;
        self.pending.clear();
        Ok(())
    }

    /// Makes it durable; returns its C4 id.
    pub fn finish(mut self) -> Result<String, Fault> {
        self.flush()?;
        self.file.sync()?;
        Ok(c4(&self.hasher.finalize()))
    }
}

/// The C4 id of a file that is there.
///
/// # Errors
/// When it can't be read.
pub fn id_of(folder: &Dir, name: &[u8]) -> Result<String, Fault> {
    let mut file = folder.read(name, false)?;
    let mut buffer = Buffer::new(PIECE);
    let mut hasher = Sha512::new();
    let mut offset = 0;
    loop {
        let n = file.read_at(buffer.space(), offset)?;
        if n == 0 {
            return Ok(c4(&hasher.finalize()));
        }
        hasher.update(&buffer.space()[..n]);
        offset += n as u64;
    }
}

/// A C4 id: SHA-512 in base 58, 88 digits behind `c4` (SMPTE ST 2114).
fn c4(sha512: &[u8]) -> String {
    const DIGITS: &[u8; 58] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
    let mut number = sha512.to_vec();
    let mut digits = [DIGITS[0]; 88];
    for digit in digits.iter_mut().rev() {
        let mut rest = 0u32;
        for byte in &mut number {
            let value = rest * 256 + u32::from(*byte);
            *byte = (value / 58) as u8;
            rest = value % 58;
        }
        *digit = DIGITS[rest as usize];
    }
    format!("c4{}", String::from_utf8_lossy(&digits))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_c4_id_is_the_published_one() {
        // The id of no content, as the C4 documentation gives it.
        assert_eq!(
            c4(&Sha512::digest(b"")),
            "c459dsjfscH38cYeXXYogktxf4Cd9ibshE3BHUo6a58hBXmRQdZrAkZzsWcbWtDg5oQstpDuni4Hirj75GEmTc1sFT"
        );
    }
}
