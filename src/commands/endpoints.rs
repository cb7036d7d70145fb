//! Where a card and a drive are: the one place that turns a command line into folders.

use crate::backup::Endpoints;
use crate::backup::label::Label;
use crate::error::Problem;
use std::path::PathBuf;

/// The card and the drive for a label.
///
/// # Errors
/// When the label can't be a folder, or an end is not named.
pub fn both(label: &str, source: Option<&PathBuf>, dest: Option<&PathBuf>) -> anyhow::Result<Endpoints> {
    let label = Label::new(label)?;
    let Some(source) = source else {
        return Err(Problem::usage(format!("no card is named for {label}")).hint("add --source DIR").into());
    };
    let dest = drive(dest)?;
    Ok(Endpoints { label, source: source.clone(), dest })
}

/// The drive alone.
///
/// # Errors
/// When it is not named.
pub fn drive(dest: Option<&PathBuf>) -> anyhow::Result<PathBuf> {
    dest.cloned().ok_or_else(|| Problem::usage("no drive is named").hint("add --dest DIR").into())
}
