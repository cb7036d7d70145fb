//! The words of `piback-status.txt`.

use crate::profile::ProfileErrors;
use std::fmt::Write;

/// A secret as the status shows it.
#[derive(Clone, Copy)]
pub enum Shown<'a> {
    /// Made on this Pi: nobody else can know it.
    Made(&'a str),
    /// The user's own.
    Given,
}

/// The end of a taking over.
pub enum Report<'a> {
    /// Everything is up as the file says.
    Ready {
        ssid: &'a str,
        address: &'a str,
        passphrase: Shown<'a>,
        user: &'a str,
        share_password: Shown<'a>,
        /// The file's secrets could not be taken out of it, and why.
        left_in_file: Option<&'a str>,
    },
    /// The file has errors.
    Errors { errors: &'a ProfileErrors, before: bool },
    /// It can't be read, or it was right and the Pi could not be made so: what, and what to do.
    Failed { what: &'a str, hints: &'a [String], before: bool },
}

/// The whole file, its lines ended as every editor reads them. `file` is the boot file's name, `at` the time.
#[must_use]
pub fn text(report: &Report<'_>, file: &str, at: &str) -> String {
    let mut text = String::new();
    // Writing to a String can't fail.
    let _ = match report {
        Report::Ready { .. } => writeln!(text, "piback: ready"),
        Report::Errors { .. } => writeln!(text, "piback: {file} has errors and was not taken over"),
        Report::Failed { .. } => writeln!(text, "piback: {file} was not taken over"),
    };
    let _ = writeln!(text, "{at}, by this Pi's clock\n");
    match report {
        Report::Ready { ssid, address, passphrase, user, share_password, left_in_file } => {
            let _ = writeln!(text, "Wi-Fi       {ssid}");
            let _ = writeln!(text, "Passphrase  {}", secret(*passphrase));
            let _ = writeln!(text, "Address     {address}");
            let _ = writeln!(text, "Share       smb://{address}");
            let _ = writeln!(text, "  user      {user}");
            let _ = writeln!(text, "  password  {}", secret(*share_password));
            if matches!(passphrase, Shown::Made(_)) {
                let _ = writeln!(text, "\nOr scan piback-wifi.png with the iPad's camera.");
            }
            if let Some(why) = left_in_file {
                let _ = writeln!(text, "\nThe secrets are still in {file}: {why}.");
            }
            let _ = writeln!(text, "\nTo change something: edit {file}, and power on again.");
        }
        Report::Errors { errors, before } => {
            for error in &errors.errors {
                let key = if error.key.is_empty() { String::new() } else { format!("{}: ", error.key) };
                let value = error.value.as_ref().map(|v| format!("`{v}` ")).unwrap_or_default();
                let (line, column) = (error.line, error.column);
                let _ = writeln!(text, "line {line}, column {column}: {key}{value}{}", error.why);
            }
            goes_on(&mut text, *before, file);
        }
        Report::Failed { what, hints, before } => {
            let _ = writeln!(text, "{what}");
            for hint in *hints {
                let _ = writeln!(text, "  {hint}");
            }
            goes_on(&mut text, *before, file);
        }
    }
    text.replace('\n', "\r\n")
}

fn secret(shown: Shown<'_>) -> String {
    match shown {
        Shown::Made(secret) => format!("{secret}   (made here)"),
        Shown::Given => "the one that you gave".into(),
    }
}

fn goes_on(text: &mut String, before: bool, file: &str) {
    let state = match before {
        true => "The Pi goes on as it was before.",
        false => "Nothing is set up yet.",
    };
    let _ = writeln!(text, "\n{state}\nMend {file}, and power on again.");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::firstboot::parse;

    #[test]
    fn a_made_passphrase_is_told_and_a_given_one_is_not() {
        let ready = |passphrase| Report::Ready {
            ssid: "Travel",
            address: "10.41.0.1",
            passphrase,
            user: "piback",
            share_password: Shown::Given,
            left_in_file: None,
        };
        let made = text(&ready(Shown::Made("abcdefgh")), "piback.yaml", "2026-11-26 01:30 UTC");
        assert!(
            made.contains("Passphrase  abcdefgh   (made here)\r\n") && made.contains("piback-wifi.png"),
            "{made}"
        );
        let given = text(&ready(Shown::Given), "piback.yaml", "now");
        assert!(!given.contains("piback-wifi.png") && given.contains("the one that you gave"), "{given}");
    }

    #[test]
    fn errors_are_told_with_line_and_column() {
        let errors = parse("wifi:\n  country: XX\n", "piback.yaml").unwrap_err();
        let said = text(&Report::Errors { errors: &errors, before: true }, "piback.yaml", "now");
        assert!(said.contains("line 2, column 12: wifi.country: `XX` "), "{said}");
        assert!(said.contains("goes on as it was before"), "{said}");
    }
}
