//! The flags of day-to-day verbs, without those of a run.

use clap::Args;
use std::path::PathBuf;

#[derive(Debug, Args)]
pub struct Web {
    /// Address and port to listen on
    #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:8080")]
    pub listen: std::net::SocketAddr,
    /// Take this folder for a card, its name for the label; may be given several times
    #[arg(long, value_name = "DIR", required = true)]
    pub source: Vec<PathBuf>,
    /// Take this folder for the drive
    #[arg(long, value_name = "DIR")]
    pub dest: PathBuf,
    /// Let card and drive be one file system, to try things out: then a yes means no second copy
    #[arg(long)]
    pub allow_same_filesystem: bool,
}

#[derive(Debug, Args)]
pub struct Enroll {
    /// The drive's label, or its device as in /dev/sdb1
    pub drive: String,
    /// It has a DCIM folder of its own and is no camera's card all the same
    #[arg(long)]
    pub is_a_drive: bool,
    /// Don't ask
    #[arg(long)]
    pub yes: bool,
}

#[derive(Debug, Args)]
pub struct Running {
    /// The card's label; needed only when more than one backup runs
    pub label: Option<String>,
}

#[derive(Debug, Args)]
pub struct Qr {
    /// Draw it twice as large on the terminal, for a camera that can't read the small one
    #[arg(long, conflicts_with_all = ["png", "svg"])]
    pub large: bool,
    /// Write a picture instead, for this user alone to read (mode 0600): it holds the passphrase
    #[arg(long, value_name = "FILE")]
    pub png: Option<PathBuf>,
    /// The same as a drawing that is sharp at any size
    #[arg(long, value_name = "FILE")]
    pub svg: Option<PathBuf>,
}
