//! `piback qr`: the Wi-Fi as a QR code, on the terminal or in a file.

use super::context;
use crate::backup::manifest::to_text;
use crate::cli::{self, Global};
use crate::error::{self, Outcome, Problem};
use crate::profile::Wifi;
use crate::profile::types::Passphrase;
use crate::provision::plan::prepare;
use crate::system::read_only::ReadOnly;
use crate::system::{Host, input};
use crate::ui::{Style, Ui, visible};
use crate::view;
use crate::web::Qr;
use anyhow::Context;
use serde::Serialize;
use std::io::ErrorKind;
use std::path::Path;

/// Pixels along a module of a picture: large enough to be printed.
const SCALE: u32 = 8;

pub fn run(args: &cli::Qr, global: &Global, ui: &Ui) -> anyhow::Result<Outcome> {
    if args.png.is_some() && args.png == args.svg {
        return Err(Problem::usage("--png and --svg name one and the same file").into());
    }
    let host = context::host(global)?;
    let host = ReadOnly::new(&host);
    let wifi = context::load_profile(&host, global)?.wifi;
    let passphrase = passphrase(&host, &wifi)?;
    let (ssid, hidden) = (wifi.ssid.as_str(), wifi.hidden);
    // The longest name and passphrase, every letter escaped, take a third of what a code can hold.
    let code = Qr::new(&view::qr::wifi(ssid, passphrase.secret().expose(), hidden))
        .context("name and passphrase are too long for a QR code")?;
    let (png, svg) = (args.png.as_deref(), args.svg.as_deref());
    // Both before the first: nothing is written by halves.
    if let Some(file) = [png, svg].into_iter().flatten().find(|file| input::is_there(file)) {
        return Err(there_already(file).into());
    }
    if let Some(file) = png {
        write(file, &view::qr::png(&code, SCALE), ui)?;
    }
    if let Some(file) = svg {
        write(file, view::qr::svg(&code).as_bytes(), ui)?;
    }
    // With --json nothing is drawn: logs are made of that.
    if png.is_none() && svg.is_none() && !ui.json_wanted() {
        draw(&code, args.large, ui)?;
        ui.say(&format!("Wi-Fi  {}", ui.paint(Style::Bold, &visible(ssid))));
        ui.say("Point the iPad's camera at it, and join.");
    }
    #[derive(Serialize)]
    struct Answer<'a> {
        ssid: &'a str,
        hidden: bool,
        png: Option<String>,
        svg: Option<String>,
    }
    let name = |file: &Path| to_text(file.as_os_str().as_encoded_bytes());
    ui.json("wifi", &Answer { ssid, hidden, png: png.map(name), svg: svg.map(name) });
    Ok(Outcome::Done)
}

/// The Wi-Fi's passphrase; root alone can read it on an appliance.
fn passphrase(host: &dyn Host, wifi: &Wifi) -> anyhow::Result<Passphrase> {
    let path = wifi.passphrase_file.as_str();
    prepare::secret(host, path, "the passphrase").map_err(|e| {
        if error::is_denied(&e) {
            return Problem::needs_root(format!("only root can read the passphrase in {path}")).into();
        }
        e
    })
}

fn write(file: &Path, bytes: &[u8], ui: &Ui) -> anyhow::Result<()> {
    let shown = visible(&file.to_string_lossy());
    input::new_private(file, bytes).map_err(|e| match e.kind() {
        ErrorKind::AlreadyExists => there_already(file).into(),
        _ => anyhow::Error::new(e).context(format!("{shown} can't be written")),
    })?;
    ui.say(&shown);
    Ok(())
}

fn there_already(file: &Path) -> Problem {
    Problem::failed(format!("{} is there already", visible(&file.to_string_lossy())))
        .hint("name another file, or remove this one: no file is written over")
}

/// Draws the code, if it can be drawn whole: broken lines are none that a camera reads.
fn draw(code: &Qr, large: bool, ui: &Ui) -> anyhow::Result<()> {
    let narrow = || code.text_within(ui.columns()).unwrap_or_else(|| code.text());
    let text = if large { code.large_text() } else { narrow() };
    let wide = text.lines().next().map_or(0, |line| line.chars().count());
    if let Some(columns) = ui.columns().filter(|columns| *columns < wide) {
        let what = format!("the code is {wide} characters wide, and this terminal {columns}");
        let smaller = if large { "leave --large out, or make" } else { "make" };
        return Err(Problem::failed(what)
            .hint(format!("{smaller} the terminal's letters smaller"))
            .hint("or write a picture: --png FILE")
            .into());
    }
    ui.verbatim(&text);
    Ok(())
}
