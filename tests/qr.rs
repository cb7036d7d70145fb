//! `piback qr`, read back by decoders that are not piback's.
#![allow(clippy::disallowed_methods)]

mod common;

use common::{PASSPHRASE, Tree};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

/// The text in a code: every pixel of it told dark or light.
fn decoded(width: usize, height: usize, is_dark: impl Fn(usize, usize) -> bool) -> String {
    let shade = |x, y| if is_dark(x, y) { 0 } else { 255 };
    let mut image = rqrr::PreparedImage::prepare_from_greyscale(width, height, shade);
    let grids = image.detect_grids();
    assert_eq!(grids.len(), 1, "one code");
    let mut text = Vec::new();
    grids[0].decode_to(&mut text).expect("a code");
    String::from_utf8(text).expect("UTF-8")
}

/// A terminal, photographed: a character is twice as high as wide, and what is drawn shines.
fn on_terminal(text: &str) -> String {
    let rows: Vec<Vec<char>> = text.lines().map(|line| line.chars().collect()).collect();
    let rows: Vec<_> = rows.into_iter().take_while(|row| row.iter().all(|c| " █▀▄".contains(*c))).collect();
    let (width, height) = (rows[0].len(), rows.len());
    assert!(rows.iter().all(|row| row.len() == width), "{text}");
    decoded(width * 4, height * 8, |x, y| match rows[y / 8][x / 4] {
        '█' => false,
        '▀' => y % 8 >= 4,
        '▄' => y % 8 < 4,
        _ => true,
    })
}

fn in_png(file: &Path) -> String {
    let file = std::io::BufReader::new(std::fs::File::open(file).unwrap());
    let mut decoder = png::Decoder::new(file);
    decoder.set_transformations(png::Transformations::normalize_to_color8());
    let mut reader = decoder.read_info().unwrap();
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut pixels).unwrap();
    let (width, height) = (info.width as usize, info.height as usize);
    assert_eq!(info.color_type, png::ColorType::Grayscale);
    decoded(width, height, |x, y| pixels[y * width + x] == 0)
}

/// The drawing's own path, square by square.
fn in_svg(file: &Path) -> String {
    let text = std::fs::read_to_string(file).unwrap();
    let side: usize =
        text.split("viewBox=\"0 0 ").nth(1).unwrap().split(' ').next().unwrap().parse().unwrap();
    let dark: std::collections::BTreeSet<(usize, usize)> = text
        .split("<path d=\"")
        .nth(1)
        .unwrap()
        .split('M')
        .filter_map(|square| square.split_once("h1v1h-1z")?.0.split_once(','))
        .map(|(x, y)| (x.parse().unwrap(), y.parse().unwrap()))
        .collect();
    decoded(side * 8, side * 8, |x, y| dark.contains(&(x / 8, y / 8)))
}

/// The fields of a code as a phone takes them: ended by `;`, a backslash before what is meant as it is.
fn fields(text: &str) -> Vec<(String, String)> {
    let (mut fields, mut name, mut value) = (Vec::new(), String::new(), None::<String>);
    let mut letters = text.strip_prefix("WIFI:").expect(text).chars();
    while let Some(letter) = letters.next() {
        match (letter, &mut value) {
            ('\\', Some(value)) => value.push(letters.next().expect("a letter after a backslash")),
            (';', Some(_)) => fields.push((std::mem::take(&mut name), value.take().unwrap_or_default())),
            (';', None) => assert!(name.is_empty(), "{text}"),
            (letter, Some(value)) => {
                assert!(!",:\"".contains(letter), "{letter} stands bare in {text}");
                value.push(letter);
            }
            (':', None) => value = Some(String::new()),
            (letter, None) => name.push(letter),
        }
    }
    fields
}

/// An appliance with this name and passphrase.
fn tree(ssid: &str, passphrase: &str) -> Tree {
    let tree = Tree::new();
    let file = tree.dir.path().join("passphrase");
    std::fs::write(&file, format!("{passphrase}\n")).unwrap();
    let file = file.to_str().unwrap();
    let init = tree.piback(&["init", "--ssid", ssid, "--country", "DE", "--passphrase-file", file, "--yes"]);
    assert_eq!(init.code, 0, "{}", init.all());
    tree
}

#[test]
fn any_name_and_passphrase_arrive_in_every_form() {
    let key = "0123456789abcdef".repeat(4);
    let longest = (";\\".repeat(16), "\\;,:\"".repeat(12));
    for (ssid, passphrase) in [
        ("NET", PASSPHRASE),
        ("a;b,c:d\"e\\f", "\\;,:\"\"quoted\""),
        ("Café 東京 🎞", "deadbeef"),
        (" led by a space", &key),
        (&longest.0, &longest.1),
    ] {
        let tree = tree(ssid, passphrase);
        let at = |name: &str| tree.dir.path().join(name);
        let (png, svg) = (at("wifi.png"), at("wifi.svg"));
        let files = ["qr", "--png", png.to_str().unwrap(), "--svg", svg.to_str().unwrap()];
        assert_eq!(tree.piback(&files).code, 0);
        let drawn = tree.piback(&["qr"]);
        assert!(drawn.stdout.contains("\nWi-Fi  "), "{}", drawn.all());
        let large = tree.piback(&["qr", "--large"]).stdout;
        assert!(large.lines().count() > drawn.stdout.lines().count() * 3 / 2);
        for text in [on_terminal(&drawn.stdout), on_terminal(&large), in_png(&png), in_svg(&svg)] {
            let wanted = [("T", "WPA"), ("S", ssid), ("P", passphrase)];
            let wanted: Vec<_> = wanted.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
            assert_eq!(fields(&text), wanted);
        }
    }
}

#[test]
fn a_hidden_name_is_said_to_be_one() {
    let tree = tree("NET", PASSPHRASE);
    let profile = tree.read("/etc/piback/profile.yaml").replace("wifi:\n", "wifi:\n  hidden: true\n");
    tree.write("/etc/piback/profile.yaml", profile);
    let text = on_terminal(&tree.piback(&["qr"]).stdout);
    assert_eq!(fields(&text).last().unwrap(), &("H".to_owned(), "true".to_owned()));
}

#[test]
fn the_code_is_for_its_user_alone() {
    let tree = tree("NET", PASSPHRASE);
    let file = tree.dir.path().join("wifi.png");
    let args = ["qr", "--png", file.to_str().unwrap(), "--json"];
    std::fs::write(&file, "an older one").unwrap();
    assert_eq!(tree.piback(&args).code, 1, "no file is written over");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "an older one");
    std::fs::remove_file(&file).unwrap();
    let answer = tree.piback(&args);
    assert_eq!(answer.code, 0, "{}", answer.all());
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o7777, 0o600);
    assert!(in_png(&file).contains(PASSPHRASE));
    let drawn = tree.piback(&["qr", "--json"]);
    for answer in [&answer, &drawn] {
        assert!(!answer.all().contains(PASSPHRASE) && !answer.all().contains('█'), "{}", answer.all());
    }
    // Nothing goes through a link, and nothing is left of an attempt.
    let other = tree.dir.path().join("somebody-else-s");
    std::fs::write(&other, "theirs").unwrap();
    std::fs::remove_file(&file).unwrap();
    symlink(&other, &file).unwrap();
    let names = || {
        let mut names: Vec<_> =
            std::fs::read_dir(tree.dir.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
        names.sort();
        names
    };
    let before = names();
    assert_eq!(tree.piback(&args).code, 1);
    assert_eq!(std::fs::read_to_string(&other).unwrap(), "theirs");
    let folder = tree.dir.path().to_str().unwrap();
    assert_eq!(tree.piback(&["qr", "--svg", folder]).code, 1);
    assert_eq!(tree.piback(&["qr", "--svg", folder, "--png", folder]).code, 64);
    assert_eq!(names(), before);
    // A passphrase that others can read is none.
    tree.set_mode("/etc/piback/secrets/wifi-passphrase", 0o644);
    let refused = tree.piback(&["qr"]);
    assert!(refused.code == 1 && refused.stdout.is_empty(), "{}", refused.all());
}
