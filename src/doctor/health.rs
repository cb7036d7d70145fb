//! The devices themselves: what the kernel says of those that are plugged in.

use super::drive::Drive;
use super::drives::worst_of;
use super::finding::{Check, Finding, Subject};
use crate::backup::{self, CardErrors};
use crate::media::health::Health;

/// The registry's row of [`health`].
pub const HEALTH: Check = Check {
    name: "health",
    line: "cards and drives are read and written without errors",
    stops_apply: false,
    run: health,
};

/// The registry's row of [`own_check`].
pub const OWN_CHECK: Check =
    Check { name: "smart", line: "drives pass their own check", stops_apply: false, run: own_check };

fn health(subject: &Subject<'_>) -> Finding {
    match subject.health {
        Some(all) => {
            let of = |one| with_errors(judge(one), errors_of(&one.label, subject.drives.unwrap_or_default()));
            worst_of(all.iter().map(of).collect(), "nothing is plugged in")
        }
        None if subject.host.is_live() => Finding::unknown("what is plugged in can't be read"),
        None => Finding::unknown("only a running host can say"),
    }
}

/// Read errors of a card over time, by the drive whose records know most of them.
fn errors_of(label: &str, drives: &[Drive]) -> Option<CardErrors> {
    let of = |drive: &Drive| backup::card_errors(drive.folder()?, label);
    drives.iter().filter_map(of).max_by_key(|errors| errors.files)
}

/// Adds what was so on other days, which is a fact and no judgement.
fn with_errors(finding: Finding, errors: Option<CardErrors>) -> Finding {
    match errors.and_then(|errors| errors.words()) {
        Some(words) => Finding { found: format!("{}; {words}", finding.found), ..finding },
        None => finding,
    }
}

fn judge(health: &Health) -> Finding {
    let label = &health.label;
    let Some(kernel) = &health.kernel else {
        return Finding::unknown(format!(
            "{label}: the kernel's log can't be read (root can), or is too young"
        ));
    };
    match (kernel.words(), kernel.remedy()) {
        (Some(words), Some(remedy)) => Finding::warning(format!("{label}: {words}"), remedy),
        (Some(words), None) => Finding::good(format!("{label}: {words}")),
        (None, _) => Finding::good(format!("{label}: the kernel saw no errors")),
    }
}

fn own_check(subject: &Subject<'_>) -> Finding {
    match subject.health {
        Some(all) => {
            worst_of(all.iter().filter_map(judge_own).collect(), "no drive that has one is plugged in")
        }
        None if subject.host.is_live() => Finding::unknown("what is plugged in can't be read"),
        None => Finding::unknown("only a running host can say"),
    }
}

/// Judges what a drive says of itself. One that does not is not known to be good.
fn judge_own(health: &Health) -> Option<Finding> {
    let label = &health.label;
    Some(match health.smart.as_ref()? {
        Err(why) => Finding::unknown(format!("{label}: {why}")),
        Ok(smart) => {
            let found = format!("{label}: {}", smart.words());
            match smart.remedy() {
                Some(remedy) if !smart.passed => Finding::bad(found, remedy),
                Some(remedy) => Finding::warning(found, remedy),
                None => Finding::good(found),
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::finding::Level;
    use crate::media::complaints::Complaints;
    use crate::media::smart::Smart;

    fn of(label: &str, kernel: Option<Complaints>) -> Health {
        Health { label: label.into(), kernel, smart: None }
    }

    #[test]
    fn a_drive_s_own_word_is_good_bad_or_not_known() {
        let own = |smart: Option<Result<Smart, &str>>| {
            let smart = smart.map(|smart| smart.map_err(str::to_owned));
            judge_own(&Health { smart, ..of("P", Some(Complaints::default())) })
        };
        let passed = Smart { passed: true, temperature_celsius: Some(30), ..Smart::default() };
        assert_eq!(own(None), None, "a card has none");
        assert_eq!(own(Some(Err("it sleeps"))), Some(Finding::unknown("P: it sleeps")));
        assert_eq!(own(Some(Ok(passed.clone()))), Some(Finding::good("P: passed, 30 °C")));
        let level = |smart| own(Some(Ok(smart))).map(|finding| finding.level);
        assert_eq!(level(Smart { pending: Some(1), ..passed.clone() }), Some(Level::Warning));
        assert_eq!(level(Smart { passed: false, ..passed }), Some(Level::Bad));
    }

    #[test]
    fn each_device_is_told_and_the_worst_decides() {
        let well = of("A", Some(Complaints::default()));
        let few = of("B", Some(Complaints { usb_resets: 1, ..Complaints::default() }));
        let bad = of("C", Some(Complaints { medium_errors: 2, ..Complaints::default() }));
        let errors = CardErrors { files: 2, days: 1, last: Some(20_000) };
        let told = with_errors(judge(&well), Some(errors));
        assert_eq!(
            (told.level, told.found.ends_with("could not be read whole, on 2024-10-04")),
            (Level::Good, true)
        );
        let unknown = of("D", None);
        let judged = |all: &[Health]| worst_of(all.iter().map(judge).collect(), "nothing is plugged in");
        assert_eq!(judged(&[]).level, Level::Unknown);
        let good = judged(&[well.clone(), few.clone()]);
        assert_eq!((good.level, &good.remedy), (Level::Good, &None));
        assert_eq!(
            good.found,
            "A: the kernel saw no errors; B: since it was plugged in the kernel saw 1 reset of its USB connection"
        );
        assert_eq!(judged(&[well.clone(), unknown.clone()]).level, Level::Unknown);
        let worst = judged(&[bad, well, few, unknown]);
        assert_eq!(worst.level, Level::Warning);
        assert!(
            worst.found.starts_with("C: since it was plugged in the kernel saw 2 bad places"),
            "{worst:?}"
        );
        assert!(worst.remedy.unwrap().starts_with("copy what is on it"));
    }
}
