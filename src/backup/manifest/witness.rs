//! Which runs wrote a media hash list: the lists' names tell, whatever became of the manifests.
//!
//! `.piback/mhl/LABEL/ascmhl/` holds the label's history, one generation a file. A history that was closed lies in
//! `.piback/mhl/LABEL/RUN/ascmhl/`, under the name of the run that closed it; so do the lists of piback before there
//! was one history, a folder a run.

use super::log::number_of;
use crate::system::volume::{Dir, Fault, FaultKind};

/// The folder of a history, as ASC MHL names it.
pub const HISTORY: &[u8] = b"ascmhl";

/// The longest name that Linux file systems take, in bytes.
const LONGEST: usize = 255;

/// One generation of a history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Generation {
    /// Counts from 1.
    pub number: u64,
    /// The run that wrote it.
    pub run: String,
    /// Its file's name.
    pub name: String,
}

impl Generation {
    /// The generation that a run writes. ASC MHL asks for the number first; the label is for people, and left out where
    /// the name would grow too long.
    #[must_use]
    pub fn new(number: u64, label: &str, run: &str) -> Self {
        let with_label = format!("{number:04}_{label}_{run}.mhl");
        let name = if with_label.len() <= LONGEST { with_label } else { format!("{number:04}_{run}.mhl") };
        Generation { number, run: run.to_owned(), name }
    }

    /// Reads a name that [`Generation::new`] made; `None` for any other.
    #[must_use]
    pub fn of_name(name: &[u8]) -> Option<Self> {
        let name = std::str::from_utf8(name).ok()?;
        let (number, rest) = name.strip_suffix(".mhl")?.split_once('_')?;
        let run = rest.rsplit('_').next()?;
        let digits = number.len() >= 4 && number.bytes().all(|b| b.is_ascii_digit());
        let number = number.parse().ok().filter(|number| digits && *number > 0)?;
        number_of(run.as_bytes())?;
        Some(Generation { number, run: run.to_owned(), name: name.to_owned() })
    }

    /// The number of the run that wrote it: what runs up to this one copied is in this generation or an earlier one.
    #[must_use]
    pub fn run_number(&self) -> u64 {
        number_of(self.run.as_bytes()).unwrap_or(0)
    }
}

/// The generations of a history, by number.
///
/// # Errors
/// When the folder can't be listed.
pub fn generations(history: &Dir) -> Result<Vec<Generation>, Fault> {
    let mut all: Vec<_> =
        history.list()?.iter().filter_map(|entry| Generation::of_name(&entry.name)).collect();
    all.sort_unstable_by_key(|generation| generation.number);
    Ok(all)
}

/// The runs that wrote a list, from the label's folder of lists.
///
/// # Errors
/// When a folder can't be listed.
pub fn runs_with_lists(lists: &Dir) -> Result<Vec<Vec<u8>>, Fault> {
    let mut runs: Vec<Vec<u8>> = lists.list()?.into_iter().map(|entry| entry.name).collect();
    runs.retain(|name| number_of(name).is_some());
    match lists.sub(HISTORY) {
        Ok(history) => runs.extend(generations(&history)?.into_iter().map(|g| g.run.into_bytes())),
        Err(fault) if fault.kind() == FaultKind::Missing => {}
        Err(fault) => return Err(fault),
    }
    runs.sort_unstable_by(|a, b| (number_of(a), a).cmp(&(number_of(b), b)));
    runs.dedup();
    Ok(runs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_generation_s_name_tells_its_run() {
        let run = "000012-20261123T150143Z-babaaaf154f2f95e";
        for label in ["SD32GB-03", "a_b_000007-x", &"é".repeat(100), &"x".repeat(255)] {
            let generation = Generation::new(7, label, run);
            assert!(generation.name.len() <= 255 && generation.name.starts_with("0007_"));
            assert_eq!(Generation::of_name(generation.name.as_bytes()), Some(generation.clone()));
            assert_eq!(generation.run_number(), 12);
        }
        let ten_thousandth = Generation::new(12_345, "L", run);
        assert_eq!(Generation::of_name(ten_thousandth.name.as_bytes()).unwrap().number, 12_345);
        for other in [
            "ascmhl_chain.xml",
            "0001_S_2026-11-23_150143Z.txt",
            "0000_L_000012-x.mhl",
            "12_L_000012-x.mhl",
            "0001.mhl",
        ] {
            assert_eq!(Generation::of_name(other.as_bytes()), None, "{other}");
        }
    }
}
