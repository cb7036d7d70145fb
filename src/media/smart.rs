//! A drive's own check of itself, as `smartctl --json` tells it. Pure.

use crate::ui::visible;
use serde::Serialize;
use serde_json::Value;

/// The findings of a drive about itself. What it does not tell is nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Smart {
    /// The drive's own word.
    pub passed: bool,
    /// Sectors that were bad and that others stand in for.
    pub reallocated: Option<u64>,
    /// Sectors that could not be read and that wait for it.
    pub pending: Option<u64>,
    /// Sectors, or reads of an SSD, that no correction helped.
    pub uncorrectable: Option<u64>,
    /// Of what the maker promises of it; may be more than 100.
    pub percentage_used: Option<u64>,
    pub temperature_celsius: Option<i64>,
}

/// This much of its life, in percent, is nearly all.
const WORN: u64 = 90;

/// Hotter than the makers of disks and most SSDs allow, in degrees Celsius.
const HOT: i64 = 65;

/// The columns of ATA's table whose numbers all makers count alike.
const REALLOCATED: u64 = 5;
const PENDING: u64 = 197;
const UNCORRECTABLE: u64 = 198;

impl Smart {
    /// Reads `smartctl --json --all`, whatever its exit code was.
    ///
    /// # Errors
    /// The reason, for people, why the drive's word is not known.
    pub fn read(json: &str) -> Result<Self, String> {
        let Ok(answer) = serde_json::from_str::<Value>(json) else {
            return Err("smartctl gives no JSON; it needs version 7 or later".to_owned());
        };
        let Some(passed) = answer.pointer("/smart_status/passed").and_then(Value::as_bool) else {
            return Err(why_not(&answer));
        };
        let number = |path: &str| answer.pointer(path).and_then(Value::as_u64);
        let nvme = |name: &str| number(&format!("/nvme_smart_health_information_log/{name}"));
        let scsi = ["read", "write", "verify"]
            .map(|kind| number(&format!("/scsi_error_counter_log/{kind}/total_uncorrected_errors")));
        let of_scsi = || scsi.iter().flatten().copied().reduce(u64::saturating_add);
        Ok(Smart {
            passed,
            reallocated: attribute(&answer, REALLOCATED).or_else(|| number("/scsi_grown_defect_list")),
            pending: attribute(&answer, PENDING),
            uncorrectable: attribute(&answer, UNCORRECTABLE)
                .or_else(|| nvme("media_errors"))
                .or_else(of_scsi),
            percentage_used: nvme("percentage_used")
                .or_else(|| number("/endurance_used/current_percent"))
                .or_else(|| number("/scsi_percentage_used_endurance_indicator")),
            temperature_celsius: answer.pointer("/temperature/current").and_then(Value::as_i64),
        })
    }

    /// The drive's word, and what it counted: `passed, 2 sectors pending, 3 % of its life used, 34 °C`.
    #[must_use]
    pub fn words(&self) -> String {
        let some = |n: Option<u64>| n.filter(|n| *n > 0);
        let mut words = vec![if self.passed { "passed" } else { "FAILED" }.to_owned()];
        words.extend(some(self.reallocated).map(|n| format!("{n} replaced sectors")));
        words.extend(some(self.pending).map(|n| format!("{n} sectors that can't be read")));
        words.extend(some(self.uncorrectable).map(|n| format!("{n} errors that nothing corrects")));
        words.extend(self.percentage_used.map(|n| format!("{n} % of its life used")));
        words.extend(self.temperature_celsius.map(|n| format!("{n} °C")));
        words.join(", ")
    }

    /// The thing to do; nothing where all is well.
    #[must_use]
    pub fn remedy(&self) -> Option<&'static str> {
        let some = |n: Option<u64>| n.is_some_and(|n| n > 0);
        if !self.passed {
            return Some("copy what is on it to another drive now, and replace it");
        }
        if some(self.pending) || some(self.uncorrectable) {
            return Some("read all of it while there is another copy: sudo piback scrub --share 100%");
        }
        if self.percentage_used.is_some_and(|used| used >= WORN) {
            return Some("think of another drive: this one is nearly worn out");
        }
        self.temperature_celsius.is_some_and(|now| now >= HOT).then_some("give it air, or a rest")
    }
}

/// The raw value of an attribute: the number that its text begins with, because what follows may be other counters.
fn attribute(answer: &Value, id: u64) -> Option<u64> {
    let table = answer.pointer("/ata_smart_attributes/table")?.as_array()?;
    let row = table.iter().find(|row| row.get("id").and_then(Value::as_u64) == Some(id))?;
    let text = row.pointer("/raw/string").and_then(Value::as_str).unwrap_or_default();
    let digits = text.split(|c: char| !c.is_ascii_digit()).next().unwrap_or_default();
    digits.parse().ok().or_else(|| row.pointer("/raw/value")?.as_u64())
}

/// Says why there is no word of the drive's: a bridge that passes nothing on, a disk that sleeps.
fn why_not(answer: &Value) -> String {
    let messages = answer.pointer("/smartctl/messages").and_then(Value::as_array);
    let texts = messages.into_iter().flatten().filter_map(|m| m.get("string")?.as_str());
    let texts: Vec<&str> = texts.collect();
    if texts.iter().any(|text| text.contains("STANDBY mode") || text.contains("SLEEP mode")) {
        return "it sleeps, and is not woken for this".to_owned();
    }
    match texts.first() {
        Some(first) => visible(first),
        None => "neither the drive nor its USB bridge tells".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ATA: &str = r#"{"smartctl":{"version":[7,3],"exit_status":0},"device":{"name":"/dev/sda","type":"sat"},
        "smart_status":{"passed":true},"temperature":{"current":34},
        "ata_smart_attributes":{"revision":16,"table":[
          {"id":5,"name":"Reallocated_Sector_Ct","value":100,"raw":{"value":4295032840,"string":"8 (1 1)"}},
          {"id":194,"name":"Temperature_Celsius","value":66,"raw":{"value":171798691874,"string":"34 (Min/Max 16/43)"}},
          {"id":197,"name":"Current_Pending_Sector","value":100,"raw":{"value":2,"string":""}},
          {"id":198,"name":"Offline_Uncorrectable","value":100,"raw":{"value":0,"string":"0"}}]}}"#;
    const NVME: &str = r#"{"smartctl":{"exit_status":8},"smart_status":{"passed":false,"nvme":{"value":4}},
        "nvme_smart_health_information_log":{"critical_warning":4,"percentage_used":103,"media_errors":5},
        "temperature":{"current":71}}"#;

    #[test]
    fn disks_and_ssds_say_how_they_are() {
        let ata = Smart::read(ATA).unwrap();
        assert_eq!((ata.passed, ata.reallocated, ata.pending), (true, Some(8), Some(2)));
        assert_eq!(ata.words(), "passed, 8 replaced sectors, 2 sectors that can't be read, 34 °C");
        assert!(ata.remedy().unwrap().starts_with("read all of it"));
        let nvme = Smart::read(NVME).unwrap();
        assert_eq!(nvme.words(), "FAILED, 5 errors that nothing corrects, 103 % of its life used, 71 °C");
        assert!(nvme.remedy().unwrap().starts_with("copy what is on it"));
        let scsi = Smart::read(
            r#"{"smart_status":{"passed":true},"scsi_grown_defect_list":3,"scsi_percentage_used_endurance_indicator":1,
                "scsi_error_counter_log":{"read":{"total_uncorrected_errors":1},"write":{"total_uncorrected_errors":2}}}"#,
        );
        let expected = Smart {
            passed: true,
            reallocated: Some(3),
            uncorrectable: Some(3),
            percentage_used: Some(1),
            ..Smart::default()
        };
        assert_eq!(scsi, Ok(expected));
        let well = Smart::read(r#"{"smart_status":{"passed":true}}"#).unwrap();
        assert_eq!((well.words().as_str(), well.remedy()), ("passed", None));
        let replaced = Smart { reallocated: Some(9), ..well.clone() };
        assert_eq!(replaced.remedy(), None, "a few replaced sectors are a fact");
        assert!(Smart { percentage_used: Some(90), ..well.clone() }.remedy().is_some());
        assert!(Smart { temperature_celsius: Some(65), ..well }.remedy().is_some());
    }

    #[test]
    fn where_the_drive_does_not_tell_it_is_not_known_and_never_good() {
        let said = |text: &str| {
            format!(
                r#"{{"smartctl":{{"messages":[{{"string":"{text}","severity":"error"}}],"exit_status":2}}}}"#
            )
        };
        for (json, why) in [
            (said("Device is in STANDBY mode, exit(2)"), "it sleeps, and is not woken for this"),
            (
                said("/dev/sda: Unknown USB bridge [0x152d:0x0578]"),
                "/dev/sda: Unknown USB bridge [0x152d:0x0578]",
            ),
            ("{}".to_owned(), "neither the drive nor its USB bridge tells"),
            (r#"{"smart_status":{"passed":null}}"#.to_owned(), "neither the drive nor its USB bridge tells"),
            (
                r#"{"smart_status":true,"smartctl":{"messages":[1]}}"#.to_owned(),
                "neither the drive nor its USB bridge tells",
            ),
            (
                "smartctl 6.6\n=======> INVALID OPTION".to_owned(),
                "smartctl gives no JSON; it needs version 7 or later",
            ),
            (String::new(), "smartctl gives no JSON; it needs version 7 or later"),
        ] {
            assert_eq!(Smart::read(&json), Err(why.to_owned()), "{json}");
        }
    }
}
