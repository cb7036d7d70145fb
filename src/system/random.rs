//! Randomness of the kernel.

use std::io::Read;

/// 64 random bits.
///
/// # Errors
/// When the kernel has none to give.
pub fn bits() -> std::io::Result<u64> {
    let mut eight = [0; 8];
    eight.copy_from_slice(&bytes(8)?);
    Ok(u64::from_le_bytes(eight))
}

/// Random bytes.
///
/// # Errors
/// When the kernel has none to give.
pub fn bytes(count: usize) -> std::io::Result<Vec<u8>> {
    let mut bytes = vec![0; count];
    std::fs::File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(bytes)
}
