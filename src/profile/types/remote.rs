use super::leaf::leaf;
use std::fmt;
use std::str::FromStr;

/// The name of a place far away: that of its section in rclone's configuration, and of piback's record of it on a drive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteName(String);

impl RemoteName {
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RemoteName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for RemoteName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        // rclone allows more (fs/config/configname); this is also a file's name on every drive.
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        let begins = text.starts_with(|c: char| c.is_ascii_alphanumeric());
        if begins && text.len() <= 32 && text.chars().all(fits) {
            Ok(RemoteName(text.to_owned()))
        } else {
            Err("is no name of a remote; letters, digits, - and _ are allowed, 32 at most, as in home".into())
        }
    }
}

leaf!(RemoteName, any, "RemoteName", {
    "type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9_-]{0,31}$",
    "description": "The name of a section in rclone's configuration"
});

/// A folder on a remote: names with slashes between, none of them `.` or `..`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteFolder(String);

impl RemoteFolder {
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RemoteFolder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for RemoteFolder {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let fits = |c: char| c.is_alphanumeric() || " -_.+@()".contains(c);
        let part = |part: &str| {
            !matches!(part, "" | "." | "..")
                && !part.starts_with([' ', '-'])
                && !part.ends_with([' ', '.'])
                && part.chars().all(fits)
        };
        if text.len() <= 200 && text.split('/').all(part) {
            Ok(RemoteFolder(text.to_owned()))
        } else {
            Err("is no folder on a remote; names with / between are allowed, as in photos/2026".into())
        }
    }
}

leaf!(RemoteFolder, any, "RemoteFolder", {
    "type": "string", "minLength": 1, "maxLength": 200,
    "description": "A folder on the remote, as in photos/2026; an S3 remote has its bucket in front"
});

/// The most bytes a second that go out: one number, or another one from each time of day on. rclone's own form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bandwidth(String);

impl Bandwidth {
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Bandwidth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Bandwidth {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let rate = |rate: &str| {
            let digits = rate.strip_suffix(['k', 'M']).unwrap_or_default();
            let number =
                !digits.is_empty() && digits.len() <= 6 && digits.bytes().all(|b| b.is_ascii_digit());
            rate == "off" || number && digits.bytes().any(|b| b != b'0')
        };
        let slot = |slot: &str| {
            let Some((time, then)) = slot.split_once(',') else { return false };
            let Some((hour, minute)) = time.split_once(':') else { return false };
            let two = |part: &str, most: u8| part.len() == 2 && part.parse::<u8>().is_ok_and(|n| n < most);
            two(hour, 24) && two(minute, 60) && rate(then)
        };
        if rate(text) || (text.len() <= 200 && !text.is_empty() && text.split(' ').all(slot)) {
            Ok(Bandwidth(text.to_owned()))
        } else {
            Err("is no limit; 500k (KiB a second), 2M and off are allowed, or by time of day, as in \
                 08:00,500k 23:00,off"
                .into())
        }
    }
}

leaf!(Bandwidth, text, "Bandwidth", {
    "type": "string", "maxLength": 200,
    "description": "Bytes a second at most, as in 500k or 2M, or by time of day: 08:00,500k 23:00,off"
});

/// The uplinks over which photos go out by themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SendWhen {
    /// Not over a phone, nor over what NetworkManager calls metered.
    #[default]
    Unmetered,
    /// Over any.
    Any,
    /// Never by themselves: `piback send`.
    Asked,
}

impl fmt::Display for SendWhen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            SendWhen::Unmetered => "unmetered",
            SendWhen::Any => "any",
            SendWhen::Asked => "asked",
        })
    }
}

impl FromStr for SendWhen {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "unmetered" => Ok(SendWhen::Unmetered),
            "any" => Ok(SendWhen::Any),
            "asked" => Ok(SendWhen::Asked),
            _ => Err("is not known here; unmetered, any and asked are allowed".into()),
        }
    }
}

leaf!(SendWhen, text, "SendWhen", {
    "type": "string", "enum": ["unmetered", "any", "asked"],
    "description": "unmetered: by itself, where the uplink is no phone; any: by itself, over every uplink; asked: by piback send alone"
});

/// The photos that go first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SendOrder {
    #[default]
    Newest,
    Oldest,
}

impl fmt::Display for SendOrder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            SendOrder::Newest => "newest",
            SendOrder::Oldest => "oldest",
        })
    }
}

impl FromStr for SendOrder {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "newest" => Ok(SendOrder::Newest),
            "oldest" => Ok(SendOrder::Oldest),
            _ => Err("is not known here; newest and oldest are allowed".into()),
        }
    }
}

leaf!(SendOrder, text, "SendOrder", {
    "type": "string", "enum": ["newest", "oldest"],
    "description": "Which photos go first"
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_folders_are_harmless() {
        for good in ["home", "s3-eu", "a_1"] {
            assert_eq!(good.parse::<RemoteName>().unwrap().as_str(), good);
        }
        for bad in ["", "-x", "a b", "a:", "../x", "a/b", "é", &"a".repeat(33)] {
            assert!(bad.parse::<RemoteName>().is_err(), "{bad}");
        }
        for good in ["photos", "my bucket/photos 2026/Ö", "a.b/c"] {
            assert_eq!(good.parse::<RemoteFolder>().unwrap().as_str(), good);
        }
        for bad in ["", "/x", "x/", "a//b", "..", "a/../b", "-x", "a/-b", "a:b", "a\nb", "a,b", "x/ y", "a$"]
        {
            assert!(bad.parse::<RemoteFolder>().is_err(), "{bad}");
        }
    }

    #[test]
    fn limits_are_numbers_or_times_of_day() {
        for good in ["500k", "2M", "off", "08:00,500k 23:00,off", "00:00,1M"] {
            assert_eq!(good.parse::<Bandwidth>().unwrap().as_str(), good);
        }
        for bad in
            ["", "0k", "500", "k", "-1M", "2G", "24:00,1M", "8:00,1M", "08:60,1M", "08:00", "1M 2M", "1M --x"]
        {
            assert!(bad.parse::<Bandwidth>().is_err(), "{bad}");
        }
    }
}
