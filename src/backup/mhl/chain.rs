//! The chain file: each generation of a history with its C4 id, in order.
//!
//! It grows at its end, so that a thousand runs later one more costs what the first did. Whatever a power cut makes of
//! that is found by the next run, which writes the whole file anew from the generations that are there.

use super::text::{Text, id_of};
use super::xml::escaped;
use crate::backup::manifest::Generation;
use crate::system::volume::{Buffer, Dir, Fault, FaultKind};

/// The chain file's name, as ASC MHL has it.
const NAME: &[u8] = b"ascmhl_chain.xml";

const HEAD: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
    <ascmhldirectory xmlns=\"urn:ASC:MHL:DIRECTORY:v2.0\">\n";
const TAIL: &str = "</ascmhldirectory>\n";

/// Longer than the last entry and the tail: a name has 255 bytes, six for each of them where it is escaped.
const LAST: u64 = 4096;

/// Adds a generation whose file is durable; `before` are the others of this history.
///
/// # Errors
/// When the drive does not take it.
pub fn add(
    history: &Dir,
    before: &[Generation],
    new: &Generation,
    id: &str,
    temp: &[u8],
) -> Result<(), Fault> {
    let text = format!("{}{TAIL}", entry(new, id));
    if let Some(last) = before.last()
        && let Some(at) = end(history, last)?
    {
        let mut file = history.reopen(NAME)?;
        file.write_at(text.as_bytes(), at)?;
        return file.sync();
    }
    let mut chain = Text::create(history, temp)?;
    chain.push(HEAD)?;
    for generation in before {
        chain.push(&entry(generation, &id_of(history, generation.name.as_bytes())?))?;
    }
    chain.push(&text)?;
    chain.finish()?;
    match history.unlink(NAME) {
        Err(fault) if fault.kind() != FaultKind::Missing => return Err(fault),
        _ => {}
    }
    history.rename(temp, history, NAME)?;
    history.sync()
}

/// Place where the next entry goes; `None` when the file is not there, torn, or does not end with this generation.
fn end(history: &Dir, last: &Generation) -> Result<Option<u64>, Fault> {
    let mut file = match history.read(NAME, false) {
        Ok(file) => file,
        Err(fault) if fault.kind() == FaultKind::Missing => return Ok(None),
        Err(fault) => return Err(fault),
    };
    let size = file.opened().size;
    let mut buffer = Buffer::new(LAST as usize);
    let n = file.read_at(buffer.space(), size.saturating_sub(LAST))?;
    let text = String::from_utf8_lossy(&buffer.space()[..n]);
    let of_last = text.rfind("<hashlist ").map(|at| &text[at..]);
    let whole = of_last.is_some_and(|entry| {
        entry.starts_with(&format!("<hashlist sequencenr=\"{}\">", last.number))
            && entry.contains(&format!("<path>{}</path>", escaped(&last.name)))
            && entry.ends_with(&format!("</hashlist>\n{TAIL}"))
    });
    Ok(whole.then(|| size - TAIL.len() as u64))
}

fn entry(generation: &Generation, id: &str) -> String {
    format!(
        "  <hashlist sequencenr=\"{}\">\n    <path>{}</path>\n    <c4>{id}</c4>\n  </hashlist>\n",
        generation.number,
        escaped(&generation.name)
    )
}
