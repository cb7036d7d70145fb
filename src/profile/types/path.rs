use super::leaf::leaf;
use std::fmt;
use std::str::FromStr;

/// An absolute path on the host whose text means the same in every config file: no spaces, quotes, variables,
/// wildcards or comment signs of any daemon; no `.`, `..` or empty part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostPath(String);

impl HostPath {
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for HostPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for HostPath {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        // A slash at the end, as the article writes its mount folder, means the same path.
        let trimmed = text.strip_suffix('/').unwrap_or(text);
        let part = |part: &str| {
            !part.is_empty()
                && part != "."
                && part != ".."
                && part.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '+' | '@'))
        };
        match trimmed.strip_prefix('/') {
            Some(rest) if trimmed.len() <= 200 && rest.split('/').all(part) => {
                Ok(HostPath(trimmed.to_owned()))
            }
            _ => Err(
                "is no plain absolute path; /, letters, digits and - _ . + @ are allowed, as in /media/pi"
                    .into(),
            ),
        }
    }
}

leaf!(HostPath, text, "HostPath", {
    "type": "string", "pattern": "^(/[A-Za-z0-9_.+@-]+)+/?$",
    "description": "An absolute path on the Pi"
});

/// A secret's file: one name in `/etc/piback/secrets`, so that no typing error makes another file a secret, or the
/// other way round.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretPath(HostPath);

impl SecretPath {
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl fmt::Display for SecretPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for SecretPath {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let path: HostPath = text.parse()?;
        match path.as_str().strip_prefix("/etc/piback/secrets/") {
            Some(name) if !name.contains('/') && text == path.as_str() => Ok(SecretPath(path)),
            _ => Err("is no place for a secret; a file in /etc/piback/secrets is allowed".into()),
        }
    }
}

leaf!(SecretPath, text, "SecretPath", {
    "type": "string", "pattern": "^/etc/piback/secrets/[A-Za-z0-9_.+@-]+$",
    "description": "A file of mode 0600 that holds one secret"
});

/// A folder for data: none of the system's own, so that no share opens those.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataPath(HostPath);

impl DataPath {
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl fmt::Display for DataPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for DataPath {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let path: HostPath = text.parse()?;
        let top = path.as_str().split('/').nth(1).unwrap_or_default();
        match SYSTEM.contains(&top) {
            true => {
                Err("belongs to the system; folders such as /media/photos or /srv/photos are allowed".into())
            }
            false => Ok(DataPath(path)),
        }
    }
}

/// Folders of the system itself (hier(7)).
const SYSTEM: [&str; 13] =
    ["bin", "boot", "dev", "etc", "lib", "lib32", "lib64", "proc", "root", "sbin", "sys", "usr", "var"];

leaf!(DataPath, text, "DataPath", {
    "type": "string", "pattern": "^(/[A-Za-z0-9_.+@-]+)+/?$",
    "description": "A folder for data, none of the system's own"
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths() {
        assert_eq!("/media/pi/".parse::<HostPath>().unwrap().as_str(), "/media/pi");
        for text in
            ["", "/", "media", "/a b", "/a/../b", "/a//b", "/a\n", "/a;b", "/%S", "/a#", "/$HOME", "/a/./b"]
        {
            assert!(text.parse::<HostPath>().is_err(), "{text:?}");
        }
    }
}
