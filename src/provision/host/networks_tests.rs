#![cfg(test)]

use super::*;
use crate::system::fake::FakeHost;
use crate::system::run::Output;
use crate::system::scratch::Scratch;

#[test]
fn networks_as_nmcli_lists_them() {
    let text = " :54:WPA2:Hotel\\: Sea\\\\View\n*:80:WPA2:Home\n :90::Free WiFi\n :70:WPA2:Free WiFi\n :60:WPA2:Free WiFi\n :99:WPA2:\n\nodd\n";
    let all = networks(text);
    let said: Vec<(&str, u8, &str)> =
        all.iter().map(|n| (n.ssid.as_str(), n.signal, n.security.as_str())).collect();
    let free = [("Free WiFi", 90, ""), ("Free WiFi", 70, "WPA2")];
    assert_eq!(said, [("Home", 80, "WPA2"), free[0], free[1], ("Hotel: Sea\\View", 54, "WPA2")]);
    assert!(all[0].joined && !all[1].joined);
}

#[test]
fn no_name_and_no_passphrase_breaks_out_of_its_line() {
    let passphrase = Passphrase::from_file_content(b"  a\\b;c=[x] \n").unwrap();
    let radio = Radio { name: "wlan1", own: None };
    let text = keyfile("x]\n[evil", &radio, Some(&passphrase));
    assert!(text.contains("\nssid=120;93;10;91;101;118;105;108;\n"), "{text}");
    assert!(text.contains("\npsk=\\s\\sa\\\\b;c=[x]\\s\n"), "{text}");
    assert_eq!(text.matches("\n[").count(), 5);
    assert!(!keyfile("open", &radio, None).contains("wifi-security"));
    assert!(text.contains("\ninterface-name=wlan1\n") && !text.contains("mac-address"), "{text}");
    let own = keyfile("open", &Radio { own: Some("02:00:00:00:01:00"), ..radio }, None);
    assert!(own.contains("\nmac-address=02:00:00:00:01:00\n") && !own.contains("interface-name"), "{own}");
    let (one, other) = (uuid("Hotel"), uuid("Hotel 2"));
    assert!(one != other && one == uuid("Hotel") && text.contains(&uuid("x]\n[evil")));
    assert_eq!((one.len(), &one[14..15], one.matches('-').count()), (36, "8", 4));
    assert_eq!(file("A b"), "/etc/NetworkManager/system-connections/piback-uplink-412062.nmconnection");
}

#[test]
fn a_refusal_is_told_in_words() {
    let listed = |security: &'static str| move || networks(&format!(" :90:{security}:Rex\n")).pop();
    let said = |said: &str, passphrase, security| {
        let problem = match security {
            Some(security) => meant(said, "Rex", passphrase, listed(security)),
            None => meant(said, "Rex", passphrase, || None),
        };
        problem.map(|problem| problem.what).unwrap_or_default()
    };
    let secrets = "Warning: password for '802-11-wireless-security.psk' not given in 'passwd-file' and nmcli cannot ask \
                   without '--ask' option.\nError: Connection activation failed: Secrets were required, but not provided\n";
    assert_eq!(said(secrets, true, None), "Rex does not take this passphrase, tried twice");
    assert_eq!(said(secrets, false, None), "Rex wants a passphrase");
    let none = "Error: Connection activation failed: The Wi-Fi network could not be found\n";
    for (passphrase, security, words) in [
        (true, None, "no network Rex can be heard"),
        (false, Some("WPA2"), "Rex wants a passphrase"),
        (true, Some(""), "Rex has no passphrase"),
        (true, Some("WPA2 802.1X"), "Rex asks for WPA2 802.1X; piback joins with a passphrase of WPA2"),
    ] {
        assert_eq!(said(none, passphrase, security), words);
    }
    let address = "Error: Connection activation failed: IP configuration could not be reserved (no available address, \
                   timeout, etc.)\n";
    assert_eq!(said(address, true, None), "Rex lets the Pi in, and gives it no address");
    assert_eq!(said("Error: something else", true, None), "");
}

/// A host whose nmcli, iw and ip answer so to `connection up`, `link` and `addr`.
fn host(root: &std::path::Path, up: Option<&'static str>, link: &'static str, ip: &'static str) -> FakeHost {
    let said = move |tool: &Tool| {
        let (program, args) = (tool.program.as_str(), &tool.args);
        let is_up = args.iter().any(|arg| arg == "up");
        Ok(match (program, up) {
            ("ip", _) => Output { code: Some(0), stdout: ip.into(), ..Output::default() },
            ("iw", _) => Output { code: Some(0), stdout: link.into(), ..Output::default() },
            ("nmcli", Some(why)) if is_up => {
                Output { code: Some(4), stderr: why.into(), ..Output::default() }
            }
            _ => Output { code: Some(0), ..Output::default() },
        })
    };
    FakeHost::live(root, said).unwrap()
}

#[test]
fn what_did_not_come_up_leaves_nothing_and_what_did_is_forgotten() {
    let root = Scratch::new().unwrap();
    root.write(&format!("{FOLDER}/another's"), b"").unwrap();
    let (ssid, radio): (Ssid, _) = ("Rex".parse().unwrap(), Radio { name: "wlan1", own: None });
    let seen = host(root.path(), None, "", "");
    let names = || seen.list(FOLDER).unwrap().len() - 1;
    let none = "Error: Connection activation failed: The Wi-Fi network could not be found";
    let refused = join(&host(root.path(), Some(none), "", ""), &ssid, &radio, None).unwrap_err();
    assert_eq!((refused.to_string().as_str(), names()), ("no network Rex can be heard", 0));
    // NetworkManager says that it is up, and the radio is elsewhere.
    let elsewhere = join(&host(root.path(), None, "\tSSID: Other\n", ""), &ssid, &radio, None);
    assert!(format!("{:#}", elsewhere.unwrap_err()).contains("in another network") && names() == 0);
    const IN: &str = "Connected to 02:00\n\tSSID: Rex\n";
    let bare = join(&host(root.path(), None, IN, ""), &ssid, &radio, None);
    assert!(format!("{:#}", bare.unwrap_err()).contains("gives it no address") && names() == 0);
    let there = host(root.path(), None, IN, "3: wlan1    inet 192.168.78.106/24 scope global wlan1\n");
    join(&there, &ssid, &radio, None).unwrap();
    assert_eq!((joined(&there), names()), (vec!["Rex".to_owned()], 1));
    // One that was joined before stays as it was.
    let before = seen.read(&file("Rex")).unwrap();
    let passphrase = Passphrase::from_file_content(b"another one").unwrap();
    let refuses = host(root.path(), Some(NO_SECRETS), "", "");
    join(&refuses, &ssid, &radio, Some(&passphrase)).unwrap_err();
    let tried = refuses.take_tools().iter().filter(|line| line.contains(" connection up ")).count();
    assert_eq!(tried, 2, "a lost handshake looks like a wrong passphrase");
    assert!(seen.read(&file("Rex")).unwrap() == before);
    assert!(forget(&there, "Rex").unwrap() && names() == 0 && !forget(&there, "Rex").unwrap());
    let told = there.take_tools().join("\n");
    assert!(told.contains(&format!("connection delete uuid {}", uuid("Rex"))), "{told}");
}

#[test]
fn names_are_those_that_iw_shows() {
    assert!(same("Hotel \\xc3\\x96", "Hotel Ö") && same("a\\x5cb", "a\\b") && same("plain", "plain"));
    assert!(same("\\x20a b\\x20", " a b "));
    assert!(!same("plain", "other"));
}
