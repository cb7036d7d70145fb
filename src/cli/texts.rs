//! The flags of verbs that only print a text.

use clap::{Args, Subcommand, ValueEnum};
use std::path::PathBuf;

#[derive(Debug, Args)]
pub struct Completions {
    pub shell: clap_complete::Shell,
}

#[derive(Debug, Args)]
pub struct Image {
    #[command(subcommand)]
    pub text: ImageText,
}

#[derive(Debug, Subcommand)]
pub enum ImageText {
    /// Print the file that installs the package from the boot partition at the first boot
    UserData {
        /// The release on the card: `user-data` for Trixie, `firstrun.sh` for Bookworm
        #[arg(long, value_enum, default_value_t = Os::Trixie)]
        os: Os,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Os {
    Trixie,
    Bookworm,
}

#[derive(Debug, Args)]
pub struct Man {
    /// Write piback.1, piback-plan.1 and so on here
    pub dir: Option<PathBuf>,
}
