//! The USB bus that the two ends of a run hang on, by the kernel's own picture of them.

use super::ends::Ends;
use super::reach::End;
use crate::system::devices;

/// The fastest that USB 2 is, in Mbit/s; USB 3 has a root hub of its own.
const USB_2: u32 = 480;

/// Tells whether the card and all drives share one USB 2 bus: what goes to one of them waits for what goes to another.
#[must_use]
pub fn is_one(ends: &Ends) -> bool {
    let all = ends.source.iter().chain(ends.drives());
    let ways: Option<Vec<String>> = all.map(way).collect();
    ways.is_some_and(|ways| is_one_slow(&ways, devices::usb_speed))
}

/// The way to an end's device; none for what is no device of the kernel's.
fn way(end: &End) -> Option<String> {
    let way = match &end.volume {
        Some(volume) => devices::way_to(&volume.kname),
        None => devices::way_to_number(end.device),
    };
    way.ok()
}

/// Tells whether all ways lead through one root hub that is no faster than USB 2.
fn is_one_slow(ways: &[String], speed: impl Fn(&str) -> Option<u32>) -> bool {
    let Some(first) = ways.first().and_then(|way| root_hub(way)) else { return false };
    let is_one = ways.iter().all(|way| root_hub(way) == Some(first));
    is_one && first.rsplit('/').next().and_then(speed).is_some_and(|speed| speed <= USB_2)
}

/// The way as far as the root hub, `…/3f980000.usb/usb1`.
fn root_hub(way: &str) -> Option<&str> {
    let is_hub = |name: &str| {
        let number = name.strip_prefix("usb").unwrap_or_default();
        !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit())
    };
    let mut end = 0;
    for name in way.split('/') {
        end += name.len();
        if is_hub(name) {
            return Some(&way[..end]);
        }
        end += 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    // As a Pi 3 and a Pi 4 have them.
    const PI_3: &str = "../../devices/platform/soc/3f980000.usb/usb1/1-1/";
    const PI_4: &str = "../../devices/platform/scb/fd500000.pcie/pci0000:00/0000:00:00.0/0000:01:00.0/";

    fn is_slow(ways: &[&str], speeds: &[(&str, u32)]) -> bool {
        let ways: Vec<String> =
            ways.iter().map(|way| format!("{way}:1.0/host0/target0:0:0/0:0:0:0/block/sda")).collect();
        is_one_slow(&ways, |hub| speeds.iter().find(|(name, _)| *name == hub).map(|(_, speed)| *speed))
    }

    #[test]
    fn one_bus_of_usb_2_is_one_and_nothing_else_is() {
        let pi_3 = |port: &str| format!("{PI_3}{port}/{port}");
        let pi_4 = |way: &str| format!("{PI_4}{way}");
        let one = [("usb1", 480), ("usb2", 5000)];
        let (a, b, c) = (pi_3("1-1.2"), pi_3("1-1.3"), pi_3("1-1.4"));
        assert!(is_slow(&[&a, &b, &c], &one));
        assert!(!is_slow(&[&a, &b, &c], &[("usb1", 5000)]), "one bus, and fast");
        assert!(!is_slow(&[&a, &b, &c], &[]), "a speed that is not known");
        let (slow, slow_too, fast) = (pi_4("usb1/1-1/1-1.1"), pi_4("usb1/1-1/1-1.2"), pi_4("usb2/2-1"));
        assert!(is_slow(&[&slow, &slow_too], &one));
        assert!(!is_slow(&[&slow, &slow_too, &fast], &one), "a drive on USB 3");
        assert!(!is_slow(&[&fast, &fast], &one));
        let mmc = "../../devices/platform/soc/3f202000.mmc/mmc_host/mmc0/mmc0:aaaa/block/mmcblk0";
        assert!(!is_slow(&[mmc, &a, &b], &one), "a card in the slot");
        assert!(!is_slow(&[mmc, mmc], &one));
        assert!(!is_slow(&[], &one));
        let other = a.replace("3f980000.usb", "fe980000.usb");
        assert!(!is_slow(&[&a, &other], &one), "two controllers");
    }
}
