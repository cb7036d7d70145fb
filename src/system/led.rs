//! The green light of a Raspberry Pi, for whoever has no screen. Told by how fast it blinks alone: brightness is inverted
//! on some models and dead on others.

use std::path::PathBuf;

/// Names of the light, today's first.
const NAMES: [&str; 2] = ["ACT", "led0"];

/// A message of the light.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Light {
    /// At work: five times a second.
    Working,
    /// Something needs the user: once in two seconds, until the next boot.
    Trouble,
}

/// Sets the light. A board without one, or whose kernel has no such trigger, stays dark; that is no error.
///
/// Returns what it did before, for [`give_back`].
pub fn set(light: Light) -> Option<String> {
    let folder = folder()?;
    let before = std::fs::read_to_string(folder.join("trigger")).ok()?;
    let before = before.split('[').nth(1)?.split(']').next()?.to_owned();
    let half = match light {
        Light::Working => "100",
        Light::Trouble => "1000",
    };
    std::fs::write(folder.join("trigger"), "timer").ok()?;
    // Documentation/leds/ledtrig-timer: both appear with the trigger, in milliseconds.
    for name in ["delay_on", "delay_off"] {
        let _ = std::fs::write(folder.join(name), half);
    }
    Some(before)
}

/// Lets the light do again what it did before.
pub fn give_back(before: &str) {
    if let Some(folder) = folder() {
        let _ = std::fs::write(folder.join("trigger"), before);
    }
}

fn folder() -> Option<PathBuf> {
    NAMES.iter().map(|name| PathBuf::from("/sys/class/leds").join(name)).find(|folder| folder.is_dir())
}
