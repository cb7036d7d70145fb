//! Randomness of the kernel.

use std::io::Read;

/// 64 random bits.
///
/// # Errors
/// When the kernel has none to give.
pub fn bits() -> std::io::Result<u64> {
    let mut bytes = [0; 8];
    std::fs::File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(u64::from_le_bytes(bytes))
}
