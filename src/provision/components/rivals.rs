//! Programs that make an access point of a Pi as well. No components of ours: they are known so that `plan` can name them.

use crate::provision::host::facts::Stack;

/// One of them.
#[derive(Debug)]
pub struct Rival {
    pub name: &'static str,
    /// Its units; one that starts at boot or runs takes the radio.
    pub units: &'static [&'static str],
    /// Its program, as a line of cron or rc.local calls it.
    pub program: &'static str,
    /// Files by which an installation of it is known, also one that is switched off.
    pub files: &'static [&'static str],
    /// The way to be rid of it.
    pub remove: &'static str,
}

pub const RIVALS: &[Rival] = &[
    Rival {
        name: "RaspAP",
        units: &["raspapd.service"],
        program: "raspap",
        files: &["/etc/raspap/hostapd/servicestart.sh", "/etc/raspap/raspap.php"],
        remove: "sudo systemctl disable --now raspapd, or remove it: curl -sL https://install.raspap.com | bash -s -- --uninstall",
    },
    Rival {
        name: "autohotspot",
        units: &["autohotspot.service", "autohotspotN.service"],
        program: "autohotspot",
        files: &["/usr/bin/autohotspot", "/usr/bin/autohotspotN"],
        remove: "sudo systemctl disable --now autohotspot, and take its line out of `sudo crontab -e`",
    },
    Rival {
        name: "comitup",
        units: &["comitup.service", "comitup-web.service"],
        program: "comitup",
        files: &["/usr/sbin/comitup"],
        remove: "sudo apt purge comitup",
    },
    Rival {
        name: "balena's wifi-connect",
        units: &["wifi-connect.service", "wifi-connect-start.service", "resin-wifi-connect.service"],
        program: "wifi-connect",
        files: &["/usr/local/sbin/wifi-connect"],
        remove: "sudo systemctl disable --now wifi-connect, or remove it with its installer's `uninstall.sh`",
    },
    Rival {
        name: "AccessPopup",
        units: &["AccessPopup.service", "AccessPopup.timer"],
        program: "accesspopup",
        files: &["/usr/bin/accesspopup"],
        remove: "sudo systemctl disable --now AccessPopup.timer AccessPopup",
    },
    Rival {
        name: "create_ap",
        units: &["create_ap.service"],
        program: "create_ap",
        files: &["/usr/bin/create_ap", "/etc/create_ap.conf"],
        remove: "sudo systemctl disable --now create_ap",
    },
    Rival {
        name: "RaspiWiFi",
        units: &["raspiwifi.service"],
        program: "raspiwifi",
        files: &["/etc/raspiwifi/raspiwifi.conf"],
        remove: "take its lines out of `sudo crontab -e`, and remove /usr/lib/raspiwifi",
    },
];

/// The unit of systemd-networkd, which brings up what its files match.
pub const NETWORKD: &str = "systemd-networkd.service";

/// The unit of firewalld, whose own tables reject after iptables has accepted.
pub const FIREWALLD: &str = "firewalld.service";

/// The unit that loads `/etc/nftables.conf`.
pub const NFTABLES: &str = "nftables.service";

/// The units that make the radio a client of other networks. NetworkManager's hosts have one for all radios, which is its own.
#[must_use]
pub fn clients(radio: &str, stack: Stack) -> Vec<String> {
    let kinds = ["wpa_supplicant", "wpa_supplicant-nl80211", "iwd"];
    let of_the_radio = kinds.map(|kind| format!("{kind}@{radio}.service"));
    let iwd = (stack != Stack::NetworkManager).then(|| "iwd.service".to_owned());
    of_the_radio.into_iter().chain(iwd).collect()
}
