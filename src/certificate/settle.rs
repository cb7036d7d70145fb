//! The texts that are kept, held against what is wanted: the authority is made once, the certificate again and again.

use super::authority::Authority;
use super::browser::Names;
use super::identity::Identity;
use crate::secret::Secret;
use std::net::IpAddr;

/// Texts as they are kept; none where there is none.
#[derive(Default)]
pub struct Kept {
    pub authority: Option<Vec<u8>>,
    pub identity: Option<Vec<u8>>,
}

/// Texts that were made, to be kept from now on.
#[derive(Debug, Default)]
pub struct Settled {
    pub authority: Option<Secret<String>>,
    pub identity: Option<Secret<String>>,
}

/// Makes what is missing. The authority stays as long as it is for the address: every iPad that trusts it would have to be
/// told anew. Names that it is not for, as of a host that was renamed, are left out. A certificate that is good still stays
/// too, even where the clock went back: it may have been made by a better one.
///
/// # Errors
/// The system has no randomness to give.
pub fn settle(kept: &Kept, names: &Names, possible: &[IpAddr], moment: i64) -> anyhow::Result<Settled> {
    let mut settled = Settled::default();
    let authority = kept.authority.as_deref().and_then(|text| Authority::read(text).ok());
    let authority = match authority.filter(|known| known.is_for(&names.address.to_string(), moment)) {
        Some(authority) => authority,
        None => {
            let mut addresses = vec![names.address];
            addresses.extend(possible.iter().filter(|other| **other != names.address));
            let made = Authority::new(&addresses, &names.hosts)?;
            settled.authority = Some(made.text());
            made
        }
    };
    let identity = kept.identity.as_deref().and_then(|text| Identity::read(text).ok());
    let is_good = |identity: &Identity| {
        identity.authority() == authority.certificate()
            && identity.serves(names, moment, |host| authority.is_for(host, moment))
    };
    if !identity.as_ref().is_some_and(is_good) {
        settled.identity = Some(authority.issue(names, moment)?.text());
    }
    Ok(settled)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::certificate::browser::verify;

    const NOW: i64 = 1_800_000_000;
    const DAY: i64 = 86_400;

    fn names(address: &str, hosts: &[&str]) -> Names {
        let hosts = hosts.iter().map(|host| (*host).to_owned()).collect();
        Names { address: address.parse().unwrap(), hosts }
    }

    fn ours() -> Names {
        names("10.41.0.1", &["pi.local", "pi", "piback.lan", "piback"])
    }

    /// Looks at what is kept at that moment, and tells whether authority and identity were made anew.
    fn look(kept: &mut Kept, names: &Names, possible: &[&str], moment: i64) -> (bool, bool) {
        let possible: Vec<IpAddr> = possible.iter().map(|address| address.parse().unwrap()).collect();
        let made = settle(kept, names, &possible, moment).unwrap();
        let anew = (made.authority.is_some(), made.identity.is_some());
        let bytes = |text: Option<Secret<String>>| text.map(|text| text.expose().clone().into_bytes());
        kept.authority = bytes(made.authority).or(kept.authority.take());
        kept.identity = bytes(made.identity).or(kept.identity.take());
        anew
    }

    fn identity(kept: &Kept) -> Identity {
        Identity::read(kept.identity.as_deref().unwrap()).unwrap()
    }

    #[test]
    fn a_browser_takes_it_for_our_names_and_the_authority_for_no_other() {
        let mut kept = Kept::default();
        assert_eq!(look(&mut kept, &ours(), &[], NOW), (true, true));
        let own = identity(&kept);
        for name in ["10.41.0.1", "pi.local", "pi", "piback.lan", "piback"] {
            assert!(own.is_good(name, NOW), "{name}");
        }
        for name in ["10.41.0.2", "bank.example", "pi.example", "local"] {
            assert!(verify(own.authority(), own.certificate(), name, NOW).is_err(), "{name}");
        }
        // Whoever has its key makes a certificate for a bank, and no browser takes it.
        let authority = Authority::read(kept.authority.as_deref().unwrap()).unwrap();
        assert!(authority.is_for("pi.local", NOW) && authority.is_for("10.41.0.1", NOW));
        for other in ["bank.example", "192.168.1.1", "10.41.0.2", "printer.local", "lan"] {
            assert!(!authority.is_for(other, NOW), "{other}");
        }
        let stranger = Authority::new(&["10.41.0.1".parse().unwrap()], &[]).unwrap();
        assert!(verify(stranger.certificate(), own.certificate(), "10.41.0.1", NOW).is_err());
    }

    #[test]
    fn nothing_is_made_anew_that_is_good() {
        let mut kept = Kept::default();
        look(&mut kept, &ours(), &[], NOW);
        for days in [-390, -1, 0, 1, 199] {
            assert_eq!(look(&mut kept, &ours(), &[], NOW + days * DAY), (false, false), "{days}");
        }
        let first = kept.identity.clone();
        // Half a year before its end, or before its beginning: the clock was far ahead when it was made.
        assert_eq!(look(&mut kept, &ours(), &[], NOW + 201 * DAY), (false, true));
        assert_ne!(kept.identity, first);
        assert_eq!(look(&mut kept, &ours(), &[], NOW - 300 * DAY), (false, true));
        assert!(identity(&kept).is_good("pi", NOW - 300 * DAY));
        let whole = |days: i64| {
            verify(identity(&kept).authority(), identity(&kept).certificate(), "pi", NOW + (days - 300) * DAY)
        };
        assert!(whole(-399).is_ok() && whole(399).is_ok());
        assert!(whole(-401).is_err() && whole(401).is_err(), "an iPad takes 825 days and no more");
    }

    #[test]
    fn an_address_that_may_be_and_a_new_name_leave_the_authority_as_it_is() {
        let mut kept = Kept::default();
        look(&mut kept, &ours(), &["10.41.0.1", "172.27.41.1"], NOW);
        let moved = Names { address: "172.27.41.1".parse().unwrap(), ..ours() };
        assert_eq!(look(&mut kept, &moved, &["172.27.41.1", "10.41.0.1"], NOW), (false, true));
        assert!(identity(&kept).is_good("172.27.41.1", NOW) && !identity(&kept).is_good("10.41.0.1", NOW));
        let renamed = names("172.27.41.1", &["new.local", "new", "piback.lan", "ümlaut", "under_score"]);
        assert_eq!(look(&mut kept, &renamed, &[], NOW), (false, false), "it is not for the new name anyway");
        assert!(!identity(&kept).is_good("new.local", NOW));
        // One that it was never for: devices are to be told anew.
        assert_eq!(
            look(&mut kept, &Names { address: "192.168.7.1".parse().unwrap(), ..renamed }, &[], NOW),
            (true, true)
        );
        assert!(identity(&kept).is_good("new.local", NOW) && identity(&kept).is_good("piback.lan", NOW));
    }

    #[test]
    fn what_is_damaged_or_another_s_is_made_anew() {
        let mut kept = Kept::default();
        look(&mut kept, &ours(), &[], NOW);
        let good = (kept.authority.clone(), kept.identity.clone());
        kept.identity = Some(b"none".to_vec());
        assert_eq!(look(&mut kept, &ours(), &[], NOW), (false, true));
        // Another key before our certificate.
        let text = |bytes: &Option<Vec<u8>>| String::from_utf8(bytes.clone().unwrap()).unwrap();
        let (one, other) = (text(&good.1), text(&kept.identity));
        let at = |text: &str| text.find("-----BEGIN CERTIFICATE").unwrap();
        let mixed = format!("{}{}", &one[..at(&one)], &other[at(&other)..]);
        assert!(Identity::read(mixed.as_bytes()).is_err());
        kept.identity = Some(mixed.into_bytes());
        assert_eq!(look(&mut kept, &ours(), &[], NOW), (false, true));
        kept.authority = None;
        assert_eq!(look(&mut kept, &ours(), &[], NOW), (true, true), "it is not of the new authority");
        kept.authority = good.0.map(|mut bytes| bytes.split_off(200));
        assert_eq!(look(&mut kept, &ours(), &[], NOW), (true, true));
    }

    #[test]
    fn authorities_are_told_apart_and_show_no_key() {
        use crate::certificate::{fingerprint, name_of};
        let (one, other) = (Authority::new(&[], &[]).unwrap(), Authority::new(&[], &[]).unwrap());
        let names = [&one, &other].map(|authority| name_of(authority.certificate()));
        assert!(names[0] != names[1] && names[0].len() == "piback 01234567".len(), "{names:?}");
        assert_eq!(fingerprint(one.certificate()).len(), 16 * 5 - 1);
        let again = Authority::read(one.text().expose().as_bytes()).unwrap();
        assert_eq!((again.certificate(), again.text().expose()), (one.certificate(), one.text().expose()));
        assert_eq!(format!("{:?}", one.text()), crate::secret::MASK);
    }
}
