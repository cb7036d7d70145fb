//! The flags of the verbs that run on a card and its drives.

use clap::Args;
use std::path::PathBuf;

#[derive(Debug, Args)]
pub struct Backup {
    /// The card's label; its files go to the folder of this name on the drive
    pub label: String,
    /// Take this folder for the card, or the volume on this device as in /dev/sda1
    #[arg(long, value_name = "DIR")]
    pub source: Option<PathBuf>,
    /// Take this folder for the drive; given several times, all get the card's files, with one read
    #[arg(long, value_name = "DIR")]
    pub dest: Vec<PathBuf>,
    /// Move what is no longer on the card to .piback/removed on the drive
    #[arg(long)]
    pub mirror: bool,
    /// Read and compare every file, on card and drive, whatever the records say
    #[arg(long)]
    pub compare: bool,
    /// Do it in this very process, instead of starting a job and following it
    #[arg(long)]
    pub foreground: bool,
}

#[derive(Debug, Args)]
pub struct Verify {
    /// The card's label
    pub label: String,
    /// Take this folder for the drive; given several times, all of them are verified
    #[arg(long, value_name = "DIR")]
    pub dest: Vec<PathBuf>,
    /// Bring back what is damaged or gone, from another drive or from the card
    #[arg(long, conflicts_with_all = ["sample", "accept"])]
    pub repair: bool,
    /// Bring what another drive has of the card, and a drive never had, to that drive too
    #[arg(long, requires = "repair")]
    pub catch_up: bool,
    /// Take this folder for the card to repair from, or the volume on this device as in /dev/sda1
    #[arg(long, value_name = "DIR", requires = "repair")]
    pub source: Option<PathBuf>,
    /// Re-read a random part only, such as 5%
    #[arg(long, value_name = "PERCENT")]
    pub sample: Option<String>,
    /// Take what is listed as meant: files that are gone, unknown or edited; asks first
    #[arg(long, conflicts_with = "sample")]
    pub accept: bool,
    /// Don't ask
    #[arg(long, requires = "accept")]
    pub yes: bool,
    /// Do it in this very process, instead of starting a job and following it
    #[arg(long)]
    pub foreground: bool,
}

#[derive(Debug, Args)]
pub struct SafeToFormat {
    /// The card's label
    pub label: String,
    /// Take this folder for the card, or the volume on this device as in /dev/sda1
    #[arg(long, value_name = "DIR")]
    pub source: Option<PathBuf>,
    /// Take this folder for the drive; given several times, the card must be on each
    #[arg(long, value_name = "DIR")]
    pub dest: Vec<PathBuf>,
    /// Answer yes only where all of it is at this remote too, verified there; given several times, at each
    #[arg(long, value_name = "REMOTE")]
    pub also_at: Vec<String>,
    /// Fetch from a remote what it has no hash of, and compare it: its size alone is no yes
    #[arg(long)]
    pub read_back: bool,
    /// Take the remote from this file of rclone's, and not from the profile
    #[arg(long, value_name = "FILE", requires_all = ["also_at", "folder"])]
    pub config: Option<PathBuf>,
    /// The folder there
    #[arg(long, value_name = "FOLDER", requires = "config")]
    pub folder: Option<String>,
    /// Let the answer be yes although both are on one file system or disk: for trying it out in folders
    #[arg(long)]
    pub allow_same_filesystem: bool,
    /// Do it in this very process, instead of starting a job and following it
    #[arg(long)]
    pub foreground: bool,
}
