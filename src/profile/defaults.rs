//! A profile of which only a part is written down: the embedded one fills the rest.

use super::embedded;
use serde_yaml::{Mapping, Value as Yaml};

/// The first 5 GHz channel that every country's rules and every Raspberry Pi's radio have (`types/radio.rs`).
const FIRST_AT_5GHZ: u64 = 36;

/// Puts the embedded `travel` profile's value wherever `yaml` has none. The country is left out: it says which channels
/// are legal, and nobody but the user knows it.
pub fn fill(yaml: &mut Yaml) {
    let Some(mut base) = embedded("travel").and_then(|text| serde_yaml::from_str::<Yaml>(text).ok()) else {
        return;
    };
    if let Some(wifi) = base.get_mut("wifi").and_then(Yaml::as_mapping_mut) {
        wifi.remove("country");
    }
    let band = yaml.get("wifi").and_then(|w| w.get("radio")).and_then(|r| r.get("band"));
    if band.and_then(Yaml::as_str) == Some("5GHz")
        && let Some(channel) =
            base.get_mut("wifi").and_then(|w| w.get_mut("radio")).and_then(|r| r.get_mut("channel"))
    {
        *channel = Yaml::Number(FIRST_AT_5GHZ.into());
    }
    if yaml.get("backup").is_some_and(|backup| backup.get("destinations").is_some())
        && let Some(backup) = base.get_mut("backup").and_then(Yaml::as_mapping_mut)
    {
        backup.remove("destination");
    }
    under(yaml, base);
}

fn under(yaml: &mut Yaml, base: Yaml) {
    if yaml.is_null() && base.is_mapping() {
        // `wifi:` with nothing behind it.
        *yaml = Yaml::Mapping(Mapping::new());
    }
    let (Yaml::Mapping(written), Yaml::Mapping(base)) = (yaml, base) else { return };
    for (key, value) in base {
        match written.get_mut(&key) {
            Some(inner) => under(inner, value),
            None => {
                written.insert(key, value);
            }
        }
    }
}
