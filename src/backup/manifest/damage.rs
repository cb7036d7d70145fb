//! Damage of a label's manifests: a damaged line vouches for nothing, and neither does a file that is gone.

use crate::system::volume::Fault;
use std::ops::RangeInclusive;

/// One thing that is wrong with one manifest, by the number in its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Damage {
    /// So many lines don't fit their checksums.
    Lines { number: u64, lines: u64 },
    /// A run came to its end, and its manifest does not say so any more.
    End { number: u64 },
    /// There were manifests of these numbers.
    Missing(RangeInclusive<u64>),
    /// From some place on the drive can't read it.
    Unreadable { number: u64, fault: Fault },
}

impl Damage {
    /// For people, and for the record with which a later run notes that it dealt with it.
    #[must_use]
    pub fn describe(&self) -> String {
        match self {
            Damage::Lines { number, lines: 1 } => format!("manifest {number:06}: 1 damaged record"),
            Damage::Lines { number, lines } => format!("manifest {number:06}: {lines} damaged records"),
            Damage::End { number } => format!("manifest {number:06}: its end is missing"),
            Damage::Missing(numbers) if numbers.start() == numbers.end() => {
                format!("manifest {:06} is missing", numbers.start())
            }
            Damage::Missing(numbers) => {
                format!("manifests {:06} to {:06} are missing", numbers.start(), numbers.end())
            }
            Damage::Unreadable { number, fault } => format!("manifest {number:06} can't be read: {fault}"),
        }
    }
}

/// The numbers that are missing below the highest one, from the sorted numbers that are there. Runs count from 1, and
/// every run that began has its file.
pub fn gaps(numbers: impl IntoIterator<Item = u64>) -> impl Iterator<Item = Damage> {
    let mut next = 1u64;
    numbers.into_iter().filter_map(move |number| {
        let expected = std::mem::replace(&mut next, number.saturating_add(1));
        (number > expected).then(|| Damage::Missing(expected..=number - 1))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_that_is_not_there_is_missed_once() {
        let missed = |numbers: &[u64]| gaps(numbers.to_vec()).map(|d| d.describe()).collect::<Vec<_>>();
        assert!(missed(&[1, 2, 3]).is_empty() && missed(&[]).is_empty() && missed(&[1, 1, 2]).is_empty());
        assert_eq!(
            missed(&[2, 3, 7, u64::MAX]),
            [
                "manifest 000001 is missing",
                "manifests 000004 to 000006 are missing",
                "manifests 000008 to 18446744073709551614 are missing"
            ]
        );
    }
}
