//! Bytes from one medium to another, hashed on the way.

use crate::backup::digest::{Digest, Digester};
use crate::backup::events::Watch;
use crate::system::volume::{ALIGN, Buffer, Fault, InFile, OutFile};

/// Why a place's bytes did not come over.
pub enum Trouble {
    Read,
    Write(Fault),
    Stopped,
}

/// Writes so many bytes, with that modification time, and makes them durable.
pub fn write(
    from: &mut InFile,
    out: &mut OutFile,
    (size, mtime): (u64, i64),
    buffer: &mut Buffer,
    watch: &dyn Watch,
) -> Result<Digest, Trouble> {
    from.from_medium();
    let mut digester = Digester::new();
    let mut offset = 0;
    while offset < size {
        if watch.stop_requested() {
            return Err(Trouble::Stopped);
        }
        let want = (size - offset).min(buffer.capacity() as u64) as usize;
        // Whole blocks for O_DIRECT.
        let space = &mut buffer.space()[..want.next_multiple_of(ALIGN)];
        let n = from.read_at(space, offset).map_err(|_| Trouble::Read)?;
        if n == 0 {
            break;
        }
        out.write_at(&space[..n], offset).map_err(Trouble::Write)?;
        digester.write(&space[..n]);
        offset += n as u64;
    }
    // Some file systems can't hold every date; the photo counts.
    if let Err(fault) = out.set_mtime(mtime)
        && fault.ends_the_drive()
    {
        return Err(Trouble::Write(fault));
    }
    out.sync().map_err(Trouble::Write)?;
    Ok(digester.finish())
}
