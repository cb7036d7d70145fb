//! The green light of a Raspberry Pi, for whoever has no screen. Told by how fast it blinks alone: brightness is inverted
//! on some models and dead on others.

use std::fs;
use std::path::{Path, PathBuf};

/// Names of the light, today's first.
const NAMES: [&str; 2] = ["ACT", "led0"];
/// Holds what the light did before piback took it, as long as piback has it: /run ends with the boot.
const BEFORE: &str = "/run/piback-led";

/// A message of the light.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Light {
    /// At work, copying: five times a second.
    Working,
    /// Reading again, nothing is copied: three times in two seconds.
    Reading,
    /// Something needs the user: once in two seconds.
    Trouble,
    /// All is safe: once in six seconds.
    Safe,
}

impl Light {
    /// The time that it is on, and the time that it is off, in milliseconds.
    fn half(self) -> &'static str {
        match self {
            Light::Working => "100",
            Light::Reading => "333",
            Light::Trouble => "1000",
            Light::Safe => "3000",
        }
    }
}

/// Sets the light. A board without one, or whose kernel has no such trigger, stays dark; that is no error.
pub fn set(light: Light) {
    if let Some(folder) = folder() {
        set_at(&folder, Path::new(BEFORE), light);
    }
}

/// Tells whether the light shows this message, and by piback's doing.
#[must_use]
pub fn shows(light: Light) -> bool {
    folder().is_some_and(|folder| shows_at(&folder, Path::new(BEFORE), light))
}

fn shows_at(folder: &Path, noted: &Path, light: Light) -> bool {
    let on = |text: String| text.trim() == light.half();
    fs::metadata(noted).is_ok() && fs::read_to_string(folder.join("delay_on")).is_ok_and(on)
}

fn set_at(folder: &Path, noted: &Path, light: Light) {
    if fs::metadata(noted).is_err() {
        let before = fs::read_to_string(folder.join("trigger")).unwrap_or_default();
        let Some(before) = chosen(&before) else { return };
        if fs::write(noted, before).is_err() {
            return;
        }
    }
    if fs::write(folder.join("trigger"), "timer").is_ok() {
        // Documentation/leds/ledtrig-timer: both appear with the trigger.
        for name in ["delay_on", "delay_off"] {
            let _ = fs::write(folder.join(name), light.half());
        }
    }
}

/// Lets the light do again what it did before piback took it.
pub fn give_back() {
    if let Some(folder) = folder() {
        give_back_at(&folder, Path::new(BEFORE));
    }
}

fn give_back_at(folder: &Path, noted: &Path) {
    if let Ok(before) = fs::read_to_string(noted)
        && fs::write(folder.join("trigger"), before).is_ok()
    {
        let _ = fs::remove_file(noted);
    }
}

/// The trigger in brackets is the one that is on: `none [mmc0] timer`.
fn chosen(text: &str) -> Option<&str> {
    text.split('[').nth(1)?.split(']').next()
}

fn folder() -> Option<PathBuf> {
    NAMES.iter().map(|name| PathBuf::from("/sys/class/leds").join(name)).find(|folder| folder.is_dir())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_trigger_that_is_on_stands_in_brackets() {
        assert_eq!(chosen("none rc-feedback [mmc0] timer\n"), Some("mmc0"));
        assert_eq!(chosen("none timer"), None);
    }

    #[test]
    fn the_light_does_in_the_end_what_it_did_before_the_first_message() {
        let scratch = tempfile::tempdir().unwrap();
        let (light, noted) = (scratch.path(), scratch.path().join("noted"));
        let trigger = || fs::read_to_string(light.join("trigger")).unwrap();
        give_back_at(light, &noted);
        assert!(!light.join("trigger").exists(), "nothing was taken");
        // The kernel shows all triggers, and takes the name of one.
        fs::write(light.join("trigger"), "none [mmc0] timer\n").unwrap();
        set_at(light, &noted, Light::Working);
        assert_eq!(
            (trigger().as_str(), fs::read_to_string(light.join("delay_on")).unwrap().as_str()),
            ("timer", "100")
        );
        fs::write(light.join("trigger"), "none mmc0 [timer]\n").unwrap();
        set_at(light, &noted, Light::Trouble);
        assert_eq!(fs::read_to_string(light.join("delay_off")).unwrap(), "1000");
        fs::write(light.join("delay_on"), "1000\n").unwrap();
        assert!(shows_at(light, &noted, Light::Trouble) && !shows_at(light, &noted, Light::Safe));
        give_back_at(light, &noted);
        assert_eq!(trigger(), "mmc0");
        assert!(!noted.exists(), "it is not piback's any more");
        assert!(!shows_at(light, &noted, Light::Trouble), "what blinks like it is somebody else's");
        fs::write(light.join("trigger"), "heartbeat").unwrap();
        give_back_at(light, &noted);
        assert_eq!(trigger(), "heartbeat", "what somebody else set since is his");
    }

    #[test]
    fn no_two_messages_look_alike() {
        let all = [Light::Working, Light::Reading, Light::Trouble, Light::Safe].map(Light::half);
        let slow = |pair: &[&str]| pair[1].parse::<u32>().unwrap() >= 2 * pair[0].parse::<u32>().unwrap();
        assert!(all.windows(2).all(slow), "{all:?}");
    }
}
