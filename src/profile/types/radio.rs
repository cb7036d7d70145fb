use super::leaf::leaf;
use schemars::JsonSchema;
use serde::Deserialize;
use std::fmt;
use std::str::FromStr;

/// The radio's band, channel and width, legal together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(try_from = "Parts")]
#[schemars(with = "Parts")]
pub struct Radio {
    band: Band,
    channel: u8,
    width: Width,
}

impl Radio {
    /// Checks that the three fit together.
    ///
    /// # Errors
    /// The key that is wrong, `|`, and a sentence with what is allowed.
    pub fn new(band: Band, channel: u8, width: Width) -> Result<Self, String> {
        match (band, channel) {
            // 12 and 13 are not allowed in the US, 14 is Japan's alone and has no 802.11n.
            (Band::Ghz2, 1..=13) | (Band::Ghz5, 36 | 40 | 44 | 48) => {}
            (Band::Ghz2, _) => {
                return Err("channel|is no channel of 2.4GHz; 1 to 13 are allowed, best 1, 6 or 11".into());
            }
            // The others need radar detection (DFS), or aren't free everywhere: see docs/RADIO.md.
            (Band::Ghz5, _) => {
                return Err(
                    "channel|is no channel for a travelling 5GHz radio; 36, 40, 44, 48 are allowed".into()
                );
            }
        }
        match (band, width) {
            (Band::Ghz2, Width::Mhz40 | Width::Mhz80) => {
                Err("width|the Pi's radio has 20 MHz at 2.4GHz; only 20 is allowed".into())
            }
            _ => Ok(Radio { band, channel, width }),
        }
    }

    #[must_use]
    pub fn band(&self) -> Band {
        self.band
    }

    #[must_use]
    pub fn channel(&self) -> u8 {
        self.channel
    }

    #[must_use]
    pub fn width(&self) -> Width {
        self.width
    }

    /// Lowest and highest frequency of the signal in MHz, as the kernel reckons: 20 MHz around the channel's centre, with
    /// what lies beside them.
    #[must_use]
    pub fn span(&self) -> (u32, u32) {
        let base = if self.band == Band::Ghz2 { 2407 } else { 5000 };
        let centre = base + 5 * u32::from(self.channel);
        match (self.width, self.ht40()) {
            (Width::Mhz20, _) => (centre - 10, centre + 10),
            // Channels 36 to 48 lie in one block.
            (Width::Mhz80, _) => (5170, 5250),
            (Width::Mhz40, Some("HT40+")) => (centre - 10, centre + 30),
            (Width::Mhz40, _) => (centre - 30, centre + 10),
        }
    }

    /// The 40 MHz capability of hostapd that fits the channel: whether the second 20 MHz lie above or below.
    /// Channels 36 and 44 pair upwards, 40 and 48 downwards (IEEE 802.11-2020, table E-4).
    #[must_use]
    pub fn ht40(&self) -> Option<&'static str> {
        match (self.width, self.channel) {
            (Width::Mhz20, _) => None,
            (_, 36 | 44) => Some("HT40+"),
            _ => Some("HT40-"),
        }
    }

    /// Centre channel of the 80 MHz block: 36 to 48 all lie in the one around 42.
    #[must_use]
    pub fn center80(&self) -> Option<u8> {
        (self.width == Width::Mhz80).then_some(42)
    }
}

/// As written in the profile, before the three were held against each other.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Radio")]
struct Parts {
    /// 2.4GHz (every Pi, every client) or 5GHz (Pi 3B+, 4, 5: faster, shorter reach)
    band: Band,
    /// 1 to 13 at 2.4GHz; 36, 40, 44 or 48 at 5GHz
    channel: Channel,
    /// MHz: 20 at 2.4GHz; 20, 40 or 80 at 5GHz
    #[serde(default)]
    width: Width,
}

impl TryFrom<Parts> for Radio {
    type Error = String;

    fn try_from(parts: Parts) -> Result<Self, String> {
        Radio::new(parts.band, parts.channel.0, parts.width)
    }
}

/// A channel number that may still be wrong for its band.
struct Channel(u8);

impl FromStr for Channel {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        text.parse()
            .map(Channel)
            .map_err(|_| "is no channel; 1 to 13 are allowed at 2.4GHz, 36, 40, 44, 48 at 5GHz".into())
    }
}

leaf!(Channel, any, "Channel", { "type": "integer", "minimum": 1, "maximum": 48 });

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Band {
    Ghz2,
    Ghz5,
}

impl FromStr for Band {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "2.4GHz" => Ok(Band::Ghz2),
            "5GHz" => Ok(Band::Ghz5),
            _ => Err("is no band; 2.4GHz and 5GHz are allowed".into()),
        }
    }
}

leaf!(Band, any, "Band", { "enum": ["2.4GHz", "5GHz"] });

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Width {
    #[default]
    Mhz20,
    Mhz40,
    Mhz80,
}

impl FromStr for Width {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "20" => Ok(Width::Mhz20),
            "40" => Ok(Width::Mhz40),
            "80" => Ok(Width::Mhz80),
            _ => Err("is no width; 20, 40 and 80 (MHz) are allowed".into()),
        }
    }
}

leaf!(Width, any, "Width", { "enum": [20, 40, 80] });

impl Width {
    #[must_use]
    pub fn mhz(self) -> u32 {
        match self {
            Width::Mhz20 => 20,
            Width::Mhz40 => 40,
            Width::Mhz80 => 80,
        }
    }
}

impl serde::Serialize for Width {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u32(self.mhz())
    }
}

/// An 802.11n capability, by hostapd's name. 40 MHz is no entry here: it follows from the width.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Capability {
    ShortGi20,
    ShortGi40,
    DsssCck40,
}

impl fmt::Display for Capability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Capability::ShortGi20 => "SHORT-GI-20",
            Capability::ShortGi40 => "SHORT-GI-40",
            Capability::DsssCck40 => "DSSS_CCK-40",
        })
    }
}

impl FromStr for Capability {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "SHORT-GI-20" => Ok(Capability::ShortGi20),
            "SHORT-GI-40" => Ok(Capability::ShortGi40),
            "DSSS_CCK-40" => Ok(Capability::DsssCck40),
            "HT40" => Err("is no capability that hostapd knows; 40 MHz is set by width".into()),
            "HT40+" | "HT40-" => Err("40 MHz is set by width".into()),
            _ => Err("is no capability; SHORT-GI-20, SHORT-GI-40 and DSSS_CCK-40 are allowed".into()),
        }
    }
}

leaf!(Capability, text, "Capability", { "enum": ["SHORT-GI-20", "SHORT-GI-40", "DSSS_CCK-40"] });

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn band_channel_and_width_fit_together() {
        assert!(Radio::new(Band::Ghz2, 6, Width::Mhz20).is_ok());
        assert!(Radio::new(Band::Ghz5, 36, Width::Mhz80).is_ok());
        for (band, channel, width, key) in [
            (Band::Ghz2, 14, Width::Mhz20, "channel|"),
            (Band::Ghz2, 36, Width::Mhz20, "channel|"),
            (Band::Ghz5, 6, Width::Mhz20, "channel|"),
            (Band::Ghz5, 100, Width::Mhz20, "channel|"),
            (Band::Ghz2, 6, Width::Mhz40, "width|"),
        ] {
            let error = Radio::new(band, channel, width).unwrap_err();
            assert!(error.starts_with(key), "{error}");
        }
    }

    #[test]
    fn the_second_channel_lies_inside_the_block() {
        let ht40 = |channel| Radio::new(Band::Ghz5, channel, Width::Mhz40).unwrap().ht40();
        assert_eq!([36, 40, 44, 48].map(ht40), [Some("HT40+"), Some("HT40-"), Some("HT40+"), Some("HT40-")]);
        let span = |channel, width| Radio::new(Band::Ghz5, channel, width).unwrap().span();
        assert_eq!([36, 40].map(|c| span(c, Width::Mhz40)), [(5170, 5210), (5170, 5210)]);
        assert_eq!([44, 48].map(|c| span(c, Width::Mhz40)), [(5210, 5250), (5210, 5250)]);
        assert_eq!((span(48, Width::Mhz20), span(40, Width::Mhz80)), ((5230, 5250), (5170, 5250)));
        assert_eq!(Radio::new(Band::Ghz2, 6, Width::Mhz20).unwrap().span(), (2427, 2447));
    }
}
