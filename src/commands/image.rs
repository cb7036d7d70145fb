//! `piback image user-data`: the first boot of a stock Raspberry Pi OS, as a text to put on its boot partition.

use crate::cli::{Image, ImageText, Os};
use crate::error::Outcome;
use crate::ui::Ui;

pub fn run(args: &Image, ui: &Ui) -> anyhow::Result<Outcome> {
    let ImageText::UserData { os } = args.text;
    ui.text(match os {
        // cloud-init's since Trixie, a script that the kernel's command line names before.
        Os::Trixie => include_str!("../../image-build/user-data"),
        Os::Bookworm => include_str!("../../image-build/firstrun.sh"),
    });
    Ok(Outcome::Done)
}
