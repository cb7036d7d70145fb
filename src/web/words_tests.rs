//! Sentences of the page.

use super::*;

#[test]
fn days_read_as_people_write_them() {
    assert_eq!(span("2026-11-24", "2026-11-25", 2026), "24 to 25 Nov");
    assert_eq!(span("2026-11-24", "2026-11-24", 2026), "24 Nov");
    assert_eq!(span("2026-10-30", "2026-11-02", 2026), "30 Oct to 2 Nov");
    assert_eq!(span("2025-12-30", "2026-01-02", 2026), "30 Dec 2025 to 2 Jan");
    assert_eq!(span("2025-12-30", "2025-12-31", 2026), "30 to 31 Dec 2025");
    assert_eq!(moment("2026-11-24T14:32:05"), "24 Nov 2026, 14:32");
    assert_eq!(moment(""), NEVER_SET);
    assert_eq!(day("2026-13-40", 2026), NEVER_SET);
}

#[test]
fn times_are_as_rough_as_they_are_known() {
    assert_eq!(
        [0, 59, 60, 150, 7200, 200_000].map(ago),
        ["just now", "just now", "1 minute ago", "2 minutes ago", "2 hours ago", "2 days ago"]
    );
    assert_eq!(ago(-5), "just now");
    assert_eq!(
        [3, 44, 61, 4000].map(left),
        ["a few seconds left", "40 s left", "2 min left", "1 h 06 min left"]
    );
}

#[test]
fn a_card_in_one_line() {
    let card = CardState {
        files: 1040,
        photos: 1038,
        bytes: 7_900_000_000,
        new_files: 214,
        first_day: Some("2026-11-24".into()),
        last_day: Some("2026-11-25".into()),
        ..CardState::default()
    };
    assert_eq!(card_line(&card, 2026), "214 new of 1,038 photos · 7.9 GB · 24 to 25 Nov");
}

fn of(files: u64) -> Tally {
    Tally { files, bytes: files * 10 }
}

#[test]
fn read_back_is_said_of_what_this_run_read_and_records_of_the_rest() {
    let said = |all, verified, already, from_records| {
        let result = Outcome {
            good: true,
            all: of(all),
            verified: of(verified),
            already: of(already),
            from_records: of(from_records),
            ..Outcome::default()
        };
        backed_up("SD", "PHOTOS", &result, "just now").1
    };
    assert_eq!(said(3, 3, 0, 0), "All 3 files were copied to PHOTOS, read back and compared, just now.");
    assert_eq!(said(1, 1, 0, 0), "1 file was copied to PHOTOS, read back and compared, just now.");
    assert_eq!(said(3, 0, 3, 3), "All 3 files were on PHOTOS already, by the records of then.");
    assert_eq!(said(3, 0, 3, 0), "All 3 files were on PHOTOS already, read again and compared, just now.");
    assert_eq!(
        said(3, 1, 2, 2),
        "1 file was copied to PHOTOS, read back and compared, just now; 2 files were there already, by the records of \
         then."
    );
    assert_eq!(
        said(4, 1, 3, 2),
        "1 file was copied to PHOTOS, read back and compared, just now; 1 file was there already, read again and \
         compared, just now; 2 files were there already, by the records of then."
    );
}

#[test]
fn what_was_not_looked_at_is_not_called_missing() {
    let mut result = Outcome { all: of(9), not_safe: of(5), not_reached: 5, ..Outcome::default() };
    result.stopped = Some(crate::backup::reason::STOPPED.into());
    assert_eq!(not_to_format("SD", "PHOTOS", &result).1, "Stopped before 5 files were looked at.");
    assert_eq!(not_verified("SD", &result).1, "Stopped before 5 files were looked at.");
    result.not_reached = 4;
    assert_eq!(
        not_to_format("SD", "PHOTOS", &result).1,
        "1 file is not on PHOTOS as on the card. Stopped before 4 files were looked at."
    );
}

#[test]
fn what_is_safe_under_another_name_only_is_no_backup_as_it_was_written() {
    let result = Outcome { good: true, verified: of(2), healed: 1, ..Outcome::default() };
    assert_eq!(
        verified("SD", &result, "just now"),
        (
            "Every photo of SD is there".into(),
            "1 file is damaged or gone, its photo is safe under another name. 2 files, 20 B were read again, just now."
                .into()
        )
    );
}

#[test]
fn one_file_is_one() {
    let card = CardState { files: 3, new_files: 1, ..CardState::default() };
    assert_eq!(plain(&card), "1 file is not backed up yet.");
}
