//! Reading around bad sectors.

use crate::system::volume::{Buffer, Fault, InFile};

/// The smallest piece tried: a page, which is what the kernel reads at least.
const STEP: usize = 4096;

/// After so many bad pieces in a row the steps grow: a dead region would take hours otherwise.
const PATIENCE: u32 = 16;

/// Reads `space` from `offset` piece by piece. What can't be read becomes zeros, and a range in `bad`. Returns the
/// first place that could be read.
///
/// # Errors
/// When `hopeless` says so of a failed read: the card is gone, or the run was stopped.
pub fn read(
    open: &mut InFile,
    space: &mut [u8],
    offset: u64,
    bad: &mut Vec<(u64, u64)>,
    hopeless: &mut dyn FnMut(Fault) -> bool,
) -> Result<Option<u64>, Fault> {
    let mut good = None;
    let mut at = 0;
    let mut step = STEP;
    let mut in_a_row = 0;
    let mut buffer = Buffer::new(STEP);
    while at < space.len() {
        let len = step.min(space.len() - at);
        let from = offset + at as u64;
        // Only the first piece of a larger step is tried: the rest of a dead region is given up.
        match open.read_at(&mut buffer.space()[..len.min(STEP)], from) {
            Ok(n) if n > 0 => {
                space[at..at + n].copy_from_slice(&buffer.space()[..n]);
                good.get_or_insert(from);
                at += n;
                step = STEP;
                in_a_row = 0;
            }
            // The file ends before its size: the caller's check of the size finds it changed.
            Ok(_) => {
                space[at..].fill(0);
                push(bad, from, (space.len() - at) as u64);
                return Ok(good);
            }
            Err(fault) => {
                if in_a_row == 0 && hopeless(fault) {
                    return Err(fault);
                }
                space[at..at + len].fill(0);
                push(bad, from, len as u64);
                at += len;
                in_a_row += 1;
                if in_a_row >= PATIENCE {
                    step = (step * 2).min(512 * 1024);
                }
            }
        }
    }
    Ok(good)
}

/// Adds a range, joined with the last one where they touch.
fn push(bad: &mut Vec<(u64, u64)>, at: u64, len: u64) {
    match bad.last_mut() {
        Some((last, last_len)) if *last + *last_len == at => *last_len += len,
        _ => bad.push((at, len)),
    }
}
