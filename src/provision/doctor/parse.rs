//! What the host's tools print, as values. Text that makes no sense yields nothing, never a panic.

/// `rfkill --noheadings --output TYPE,SOFT,HARD`: the words `wlan blocked unblocked`.
pub fn rfkill(text: &str) -> Vec<(bool, bool)> {
    text.lines()
        .filter_map(|line| match line.split_whitespace().collect::<Vec<_>>()[..] {
            ["wlan", soft, hard] => Some((soft == "blocked", hard == "blocked")),
            _ => None,
        })
        .collect()
}

/// `iw reg get`: the first `country XX:`.
pub fn regulatory_country(text: &str) -> Option<&str> {
    let line = text.lines().find_map(|l| l.trim().strip_prefix("country "))?;
    line.split(':').next().filter(|code| code.len() == 2)
}

/// `iw phy`: channel numbers that may be used, from lines such as `* 2437 MHz [6] (20.0 dBm)`. Those that are
/// disabled, or where nothing may be sent first (no IR), are left out.
pub fn channels(text: &str) -> Vec<u8> {
    let usable =
        |line: &&str| line.contains("MHz [") && !line.contains("disabled") && !line.contains("no IR");
    let number = |line: &str| line.split_once('[')?.1.split(']').next()?.parse().ok();
    text.lines().map(str::trim).filter(usable).filter_map(number).collect()
}

/// `ss -Hlnp`: local address, port, and the first process's name out of `users:(("dnsmasq",pid=7,fd=4))`.
pub fn listeners(text: &str) -> Vec<(String, u16, Option<String>)> {
    let line = |line: &str| {
        let local = line.split_whitespace().find(|w| w.contains(':') && !w.starts_with("users:"))?;
        let (address, port) = local.rsplit_once(':')?;
        let name = line.split_once("((\"").and_then(|(_, rest)| rest.split('"').next());
        Some((address.to_owned(), port.parse().ok()?, name.map(str::to_owned)))
    };
    text.lines().filter_map(line).collect()
}

/// `vcgencmd get_throttled`: `throttled=0x50005`. Bits by Raspberry Pi's documentation of that command.
pub fn throttled(text: &str) -> Option<u32> {
    u32::from_str_radix(text.trim().strip_prefix("throttled=0x")?, 16).ok()
}

/// File system type and options of `/` in mountinfo (proc_pid_mountinfo(5)); the last mount there counts.
pub fn root_mount(text: &str) -> Option<(&str, &str)> {
    let line = |line| {
        let (before, after) = str::split_once(line, " - ")?;
        let fields: Vec<&str> = before.split(' ').collect();
        (fields.get(4) == Some(&"/")).then_some(())?;
        Some((after.split(' ').next()?, *fields.get(5)?))
    };
    text.lines().filter_map(line).next_back()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_tools_print() {
        assert_eq!(rfkill("wlan blocked unblocked\nbluetooth unblocked unblocked\n"), [(true, false)]);
        assert_eq!(regulatory_country("global\ncountry US: DFS-FCC\n\t(902 - 904 @ 2)\n"), Some("US"));
        assert_eq!(regulatory_country("country 00: DFS-UNSET\n"), Some("00"));
        let phy = "\t\t\t* 2412 MHz [1] (20.0 dBm)\n\t\t\t* 2467 MHz [12] (disabled)\n\t\t\t* 5180.0 MHz [36] (20.0 dBm) (no IR)\n\
                   \t\t\t* 2437.0 MHz [6] (20.0 dBm)\n\t\t\t* x MHz [999]\n";
        assert_eq!(channels(phy), [1, 6]);
        let ss = "UNCONN 0 0 127.0.0.53%lo:53 0.0.0.0:* users:((\"systemd-resolve\",pid=1,fd=2))\nUNCONN 0 0 [::]:67 *:*\n";
        assert_eq!(
            listeners(ss),
            [
                ("127.0.0.53%lo".to_owned(), 53, Some("systemd-resolve".to_owned())),
                ("[::]".to_owned(), 67, None)
            ]
        );
        assert_eq!(throttled("throttled=0x50005\n"), Some(0x50005));
        assert_eq!(throttled("VCHI initialization failed"), None);
        let mounts = "22 1 179:2 / / rw,noatime - ext4 /dev/root rw\n23 22 0:5 / /dev rw - devtmpfs d rw\n";
        assert_eq!(root_mount(mounts), Some(("ext4", "rw,noatime")));
        assert_eq!(root_mount("garbage\n - \n"), None);
    }
}
