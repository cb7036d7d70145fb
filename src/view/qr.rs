//! The Wi-Fi as a QR code, and a QR code as an image file.

use crate::web::Qr;

/// The text that phones and tablets take for a Wi-Fi (ZXing's form, which iOS and Android read). The passphrase is never
/// put in quotes: iOS fails on one that looks like hex digits then.
#[must_use]
pub fn wifi(ssid: &str, passphrase: &str, hidden: bool) -> String {
    let hidden = if hidden { "H:true;" } else { "" };
    format!("WIFI:T:WPA;S:{};P:{};{hidden};", escaped(ssid), escaped(passphrase))
}

fn escaped(text: &str) -> String {
    let special = |c: char| matches!(c, '\\' | ';' | ',' | ':' | '"');
    text.chars().flat_map(|c| special(c).then_some('\\').into_iter().chain([c])).collect()
}

/// A code as a PNG of one bit a pixel, each module `scale` pixels wide. Without compression: the file is some kilobytes.
#[must_use]
pub fn png(code: &Qr, scale: u32) -> Vec<u8> {
    let modules = u32::try_from(code.side()).unwrap_or_default();
    let side = modules * scale;
    let mut rows = Vec::new();
    for y in 0..modules {
        // Filter 0, then eight pixels a byte, light ones are 1 (PNG, 7.2 and 9).
        let mut row = vec![0_u8; 1 + side.div_ceil(8) as usize];
        for x in (0..side).filter(|x| !code.is_dark(x / scale, y)) {
            row[1 + (x / 8) as usize] |= 0x80 >> (x % 8);
        }
        (0..scale).for_each(|_| rows.extend_from_slice(&row));
    }
    let mut header = [side.to_be_bytes(), side.to_be_bytes()].concat();
    header.extend([1, 0, 0, 0, 0]);
    let mut file = b"\x89PNG\r\n\x1a\n".to_vec();
    for (kind, body) in [(b"IHDR", header), (b"IDAT", stored(&rows)), (b"IEND", Vec::new())] {
        file.extend(u32::try_from(body.len()).unwrap_or_default().to_be_bytes());
        let chunk = [&kind[..], &body].concat();
        file.extend_from_slice(&chunk);
        file.extend(crc(&chunk).to_be_bytes());
    }
    file
}

/// A code as an SVG drawing, a module of it a unit wide. Light is drawn too: a viewer's page may be dark.
#[must_use]
pub fn svg(code: &Qr) -> String {
    let (side, path) = (code.side(), code.path());
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{size}\" height=\"{size}\" viewBox=\"0 0 {side} {side}\" \
         shape-rendering=\"crispEdges\"><path fill=\"#fff\" d=\"M0,0h{side}v{side}h-{side}z\"/><path d=\"{path}\"/></svg>\n",
        size = side * 8
    )
}

/// A zlib stream of stored blocks (RFC 1950; RFC 1951, 3.2.4).
fn stored(bytes: &[u8]) -> Vec<u8> {
    let mut stream = vec![0x78, 0x01];
    let blocks = bytes.chunks(0xffff).count();
    for (i, block) in bytes.chunks(0xffff).enumerate() {
        let length = u16::try_from(block.len()).unwrap_or(u16::MAX);
        stream.push(u8::from(i + 1 == blocks));
        stream.extend(length.to_le_bytes());
        stream.extend((!length).to_le_bytes());
        stream.extend_from_slice(block);
    }
    let (a, b) = bytes.iter().fold((1_u32, 0_u32), |(a, b), byte| {
        let a = (a + u32::from(*byte)) % 65521;
        (a, (b + a) % 65521)
    });
    stream.extend((b << 16 | a).to_be_bytes());
    stream
}

/// PNG's check of a chunk (PNG, annex D), bit by bit.
fn crc(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(
            crc ^ u32::from(*byte),
            |crc, _| if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 },
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn special_letters_are_escaped() {
        assert_eq!(wifi("a;b", "p\\w:\"", false), "WIFI:T:WPA;S:a\\;b;P:p\\\\w\\:\\\";;");
        assert_eq!(wifi("a", "12345678", true), "WIFI:T:WPA;S:a;P:12345678;H:true;;");
    }

    #[test]
    fn checks_are_those_of_the_standards() {
        // The check value that catalogues give for this CRC, and RFC 1950's Adler-32 of the empty text.
        assert_eq!(crc(b"123456789"), 0xcbf4_3926);
        assert_eq!(stored(b""), [0x78, 0x01, 0, 0, 0, 1]);
        assert!(png(&Qr::new("x").unwrap(), 4).starts_with(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"));
    }
}
