use super::leaf::leaf;
use std::str::FromStr;

/// The country where the radio is used: an ISO 3166-1 alpha-2 code, upper case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Country(String);

impl Country {
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Country {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if CODES.split_ascii_whitespace().any(|code| code == text) {
            return Ok(Country(text.to_owned()));
        }
        let upper = text.to_ascii_uppercase();
        if CODES.split_ascii_whitespace().any(|code| code == upper) {
            return Err(format!("write it in capitals: {upper}"));
        }
        if upper == "UK" {
            return Err("the United Kingdom's code is GB".into());
        }
        Err("is no country code; two letters are allowed, as in US, DE or JP".into())
    }
}

leaf!(Country, text, "Country", {
    "type": "string", "pattern": "^[A-Z]{2}$",
    "description": "Where the radio is used: ISO 3166-1 alpha-2"
});

/// ISO 3166-1 alpha-2, the officially assigned codes.
const CODES: &str = "\
    AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ \
    CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO \
    FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE \
    JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO \
    MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW \
    PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM \
    TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes() {
        assert_eq!(CODES.split_ascii_whitespace().count(), 249);
        assert!("NO".parse::<Country>().is_ok());
        assert_eq!("us".parse::<Country>().unwrap_err(), "write it in capitals: US");
        assert_eq!("UK".parse::<Country>().unwrap_err(), "the United Kingdom's code is GB");
        assert!("U\nS".parse::<Country>().is_err());
    }
}
