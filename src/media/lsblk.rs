//! The output of `lsblk`, of every release since Jessie's.
//!
//! Three dialects are in the field: no `--json` at all (util-linux 2.25 of Jessie: `KEY="value"` pairs), JSON whose
//! values are all strings and whose odd bytes are written `\xHH`, which is no JSON (Stretch), and JSON with numbers
//! and booleans (Buster and later).

use super::device::DeviceNumber;
use serde_json::Value;

/// The columns to ask for; every release has them.
pub const COLUMNS: &str = "KNAME,PKNAME,MAJ:MIN,TYPE,FSTYPE,LABEL,UUID,SIZE,RO,RM,TRAN,MODEL,MOUNTPOINT";

/// One block device. What is empty in the output is `None` here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// The kernel's name, `sda1`: letters, digits and `!+-._:`, so that it can stand in a path.
    pub kname: String,
    /// The kernel's name of the device that this one is a part of.
    pub parent: Option<String>,
    pub number: DeviceNumber,
    /// `disk`, `part`, `loop`, `rom`, `lvm` and so on.
    pub kind: String,
    pub fstype: Option<String>,
    pub label: Option<String>,
    pub uuid: Option<String>,
    /// Bytes.
    pub size: u64,
    pub read_only: bool,
    pub removable: bool,
    /// `usb`, `sata`, `mmc` and so on; only whole disks have it.
    pub transport: Option<String>,
    pub model: Option<String>,
    /// The place where lsblk says that it is mounted; one of several. mountinfo knows better.
    pub mountpoint: Option<String>,
    pub swap: bool,
}

/// Reads the output of `lsblk --json --bytes --output` [`COLUMNS`].
///
/// # Errors
/// A sentence that says what is not as expected; the text itself is not repeated.
pub fn json(text: &str) -> Result<Vec<Block>, String> {
    let value: Value =
        serde_json::from_str(&mend_escapes(text)).map_err(|e| format!("lsblk's JSON is broken: {e}"))?;
    let Some(devices) = value.get("blockdevices").and_then(Value::as_array) else {
        return Err("lsblk's JSON has no list `blockdevices`".to_owned());
    };
    let mut blocks = Vec::new();
    // serde_json refuses to nest deeper than 128, so this stack stays small.
    let mut rest: Vec<(&Value, Option<String>)> = devices.iter().rev().map(|d| (d, None)).collect();
    while let Some((device, outer)) = rest.pop() {
        let block = block(&|column| column_text(device, column), outer)?;
        if let Some(children) = device.get("children").and_then(Value::as_array) {
            rest.extend(children.iter().rev().map(|c| (c, Some(block.kname.clone()))));
        }
        blocks.push(block);
    }
    Ok(blocks)
}

/// Reads the output of `lsblk --pairs --bytes --output` [`COLUMNS`].
///
/// # Errors
/// As [`json`].
pub fn pairs(text: &str) -> Result<Vec<Block>, String> {
    let mut blocks = Vec::new();
    for (number, line) in text.lines().enumerate().filter(|(_, l)| !l.trim().is_empty()) {
        let pairs =
            pairs_of(line).ok_or_else(|| format!("line {} of lsblk's pairs is broken", number + 1))?;
        let column = |name: &str| pairs.iter().find(|(n, _)| n == name).map(|(_, v)| v.clone());
        blocks.push(block(&column, None)?);
    }
    Ok(blocks)
}

/// `outer` is the device that this one was nested in; else the column PKNAME tells.
fn block(column: &dyn Fn(&str) -> Option<String>, outer: Option<String>) -> Result<Block, String> {
    let filled = |name: &str| column(name).filter(|v| !v.is_empty());
    let kname = filled("kname").ok_or("lsblk lists a device without a name")?;
    if !kernel_name(&kname) {
        return Err(format!("lsblk lists a device of an impossible name, {kname:?}"));
    }
    let number = filled("maj:min").as_deref().and_then(DeviceNumber::parse);
    let number = number.ok_or_else(|| format!("lsblk gives no device number for {kname}"))?;
    let size = filled("size").map_or(Some(0), |s| s.parse().ok());
    let size = size.ok_or_else(|| format!("lsblk gives no size in bytes for {kname}"))?;
    let mountpoint = filled("mountpoint").or_else(|| filled("mountpoints"));
    let flag = |name: &str| matches!(filled(name).as_deref(), Some("1" | "true"));
    Ok(Block {
        parent: outer.or_else(|| filled("pkname")),
        number,
        kind: filled("type").unwrap_or_default(),
        fstype: filled("fstype"),
        label: filled("label"),
        uuid: filled("uuid"),
        size,
        read_only: flag("ro"),
        removable: flag("rm"),
        transport: filled("tran"),
        model: filled("model").map(|m| m.trim().to_owned()).filter(|m| !m.is_empty()),
        swap: mountpoint.as_deref() == Some("[SWAP]"),
        mountpoint,
        kname,
    })
}

/// A column as text, whatever JSON type this release gives it; a list's first entry (`mountpoints`).
fn column_text(device: &Value, column: &str) -> Option<String> {
    match device.get(column)? {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Array(list) => list.first().and_then(Value::as_str).map(str::to_owned),
        Value::Null | Value::Object(_) => None,
    }
}

fn kernel_name(name: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "!+-._:".contains(c);
    name.len() < 256 && name.chars().all(allowed) && !name.starts_with(['.', '-'])
}

/// Turns `\xHH`, which old releases write for a byte that they take for odd, into the character itself as JSON
/// writes it. In real JSON a backslash before `x` can't stand but as the second of a pair, which is passed over.
fn mend_escapes(text: &str) -> String {
    let mut mended = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        mended.push_str(&rest[..at]);
        rest = &rest[at..];
        let (bytes, after) = hex_escapes(rest);
        if bytes.is_empty() {
            // Some other escape: it and the character that it escapes.
            let end = rest.char_indices().nth(2).map_or(rest.len(), |(i, _)| i);
            mended.push_str(&rest[..end]);
            rest = &rest[end..];
            continue;
        }
        for unit in String::from_utf8_lossy(&bytes).encode_utf16() {
            mended.push_str(&format!("\\u{unit:04x}"));
        }
        rest = after;
    }
    mended.push_str(rest);
    mended
}

/// The bytes that a run of `\xHH` at the start of `text` stands for, and what follows it.
fn hex_escapes(text: &str) -> (Vec<u8>, &str) {
    let (mut bytes, mut rest) = (Vec::new(), text);
    while let Some(digits) = rest.strip_prefix("\\x").and_then(|r| r.get(..2)) {
        if !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
            break;
        }
        let Ok(byte) = u8::from_str_radix(digits, 16) else { break };
        bytes.push(byte);
        rest = &rest[4..];
    }
    (bytes, rest)
}

/// `KEY="value" KEY="value"`, keys in lower case, `\xHH` in values undone. 2.38 and later write `MAJ_MIN`.
fn pairs_of(line: &str) -> Option<Vec<(String, String)>> {
    let mut pairs = Vec::new();
    let mut rest = line.trim();
    while !rest.is_empty() {
        let (key, after) = rest.split_once("=\"")?;
        let (value, after) = after.split_once('"')?;
        pairs.push((key.trim().to_ascii_lowercase().replace("maj_min", "maj:min"), unescape(value)));
        rest = after.trim_start();
    }
    Some(pairs)
}

fn unescape(value: &str) -> String {
    let mut plain = Vec::with_capacity(value.len());
    let mut rest = value;
    while let Some(first) = rest.chars().next() {
        let (bytes, after) = hex_escapes(rest);
        if bytes.is_empty() {
            plain.extend_from_slice(&rest.as_bytes()[..first.len_utf8()]);
            rest = &rest[first.len_utf8()..];
        } else {
            plain.extend(bytes);
            rest = after;
        }
    }
    String::from_utf8_lossy(&plain).into_owned()
}

#[cfg(test)]
#[path = "lsblk_tests.rs"]
mod tests;
