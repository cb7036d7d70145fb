//! The countries that the kernel has rules for: wireless-regdb, read from Debian's `regulatory.db` of 2026-05-30.

use super::country::Country;

/// Countries without rules, each with a neighbour that has some. In one of them the kernel keeps to its world-wide rules:
/// 2.4 GHz on channels 1 to 11, and no access point at 5 GHz.
const WITHOUT: &str = "\
    AG:KN AO:NA AQ:NZ AX:FI BI:RW BJ:BF BQ:AW BV:NO CC:AU CD:UG CG:CF CK:NZ CM:TD CV:SN CW:AW DJ:ET EH:MA ER:ET FJ:NZ \
    FK:GB GA:CF GG:GB GM:SN GN:CI GQ:CF GS:GB GW:SN HM:AU IO:GB IQ:JO JE:GB KG:KZ KI:NZ KM:YT LA:TH LR:CI LY:TN MG:RE \
    ML:SN MM:TH MS:KN MZ:ZA NC:VU NE:BF NF:AU NR:AU NU:NZ PN:NZ PS:JO SB:PG SC:MU SD:EG SH:GB SJ:NO SL:CI SO:KE SS:UG \
    ST:GH SZ:ZA TF:RE TJ:UZ TK:NZ TL:ID TM:UZ TO:NZ TV:NZ UM:US VG:VI ZM:ZW";

/// Countries with rules whose channels 36 to 48 are no access point's, or need radar to be looked for first.
const WITHOUT_5GHZ: &str = "AM BD BH BO BZ CU EC NG PK TG YE";

/// Countries whose channels 36 to 48 are at most so many MHz wide.
const NARROW_5GHZ: [(&str, u32); 6] =
    [("GU", 20), ("KP", 20), ("SV", 20), ("CF", 40), ("KR", 40), ("WS", 40)];

/// Countries where channels 12 and 13 are closed. Canada's older rules are still on many a Pi.
const TO_11: &str = "AS BM CA DM DO FM GD GU HT MH MP NI PR PW US VI";

impl Country {
    /// A country next to this one, or the one that it belongs to, that has rules; `None` where it has its own.
    #[must_use]
    pub fn neighbour(&self) -> Option<&'static str> {
        let pairs = WITHOUT.split_ascii_whitespace().filter_map(|pair| pair.split_once(':'));
        pairs.into_iter().find(|(own, _)| *own == self.as_str()).map(|(_, neighbour)| neighbour)
    }

    /// The widest channel of an access point at 5 GHz, in MHz; 0 where there is none.
    #[must_use]
    pub fn widest_5ghz(&self) -> u32 {
        if self.neighbour().is_some() || listed(WITHOUT_5GHZ, self) {
            return 0;
        }
        NARROW_5GHZ.iter().find(|(code, _)| *code == self.as_str()).map_or(80, |(_, mhz)| *mhz)
    }

    /// The highest channel at 2.4 GHz.
    #[must_use]
    pub fn last_channel(&self) -> u8 {
        if self.neighbour().is_some() || listed(TO_11, self) { 11 } else { 13 }
    }

    /// A sentence for people where the kernel has no rules for it.
    #[must_use]
    pub fn without_rules(&self) -> Option<String> {
        let neighbour = self.neighbour()?;
        let own = self.as_str();
        Some(format!(
            "the kernel has no rules for {own}: 2.4GHz works, on channels 1 to 11, and clients are told no country; \
             with a neighbour's, as in wifi.country: {neighbour}, they are told its"
        ))
    }
}

fn listed(codes: &str, country: &Country) -> bool {
    codes.split_ascii_whitespace().any(|code| code == country.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_neighbour_is_a_country_with_rules() {
        let pairs: Vec<(&str, &str)> =
            WITHOUT.split_ascii_whitespace().map(|pair| pair.split_once(':').unwrap()).collect();
        assert_eq!(pairs.len(), 69);
        for (own, neighbour) in pairs {
            assert!(own.parse::<Country>().is_ok(), "{own}");
            assert_eq!(neighbour.parse::<Country>().unwrap().neighbour(), None, "{own}: {neighbour}");
        }
        for code in WITHOUT_5GHZ.split_ascii_whitespace().chain(TO_11.split_ascii_whitespace()) {
            assert_eq!(code.parse::<Country>().unwrap().neighbour(), None, "{code}");
        }
    }

    #[test]
    fn what_a_country_allows() {
        let of = |code: &str| code.parse::<Country>().unwrap();
        assert_eq!(
            (of("DE").widest_5ghz(), of("DE").last_channel(), of("DE").without_rules()),
            (80, 13, None)
        );
        assert_eq!((of("KR").widest_5ghz(), of("CU").widest_5ghz(), of("FJ").widest_5ghz()), (40, 0, 0));
        assert_eq!((of("US").last_channel(), of("SC").last_channel()), (11, 11));
        assert!(of("JE").without_rules().unwrap().contains("wifi.country: GB"));
    }
}
