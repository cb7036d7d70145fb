use super::leaf::leaf;
use std::fmt;
use std::str::FromStr;

/// The page that is asked whether the internet is behind an uplink; none for `off`. Plain http, so that a sign-in page can
/// step in its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckUrl(Option<Page>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Page {
    host: String,
    port: u16,
    path: String,
}

impl CheckUrl {
    /// The server's name, its port, and the path there; none where nobody is to be asked.
    #[must_use]
    pub fn page(&self) -> Option<(&str, u16, &str)> {
        self.0.as_ref().map(|page| (page.host.as_str(), page.port, page.path.as_str()))
    }
}

impl Default for CheckUrl {
    fn default() -> Self {
        // The page that Debian's own NetworkManager asks (network-manager-config-connectivity-debian).
        let page = Page { host: "network-test.debian.org".into(), port: HTTP, path: "/nm".into() };
        CheckUrl(Some(page))
    }
}

/// The port of plain http (RFC 9110, 4.2.1).
const HTTP: u16 = 80;

impl fmt::Display for CheckUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            None => f.write_str("off"),
            Some(Page { host, port: HTTP, path }) => write!(f, "http://{host}{path}"),
            Some(Page { host, port, path }) => write!(f, "http://{host}:{port}{path}"),
        }
    }
}

impl FromStr for CheckUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "off" {
            return Ok(CheckUrl(None));
        }
        let page = || {
            let rest = text.strip_prefix("http://")?;
            let (server, path) = rest.split_at_checked(rest.find('/')?)?;
            let (host, port) = match server.split_once(':') {
                Some((host, port)) => (host, port.parse().ok().filter(|port| *port > 0)?),
                None => (server, HTTP),
            };
            let names = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-');
            let paths = |c: char| c.is_ascii_alphanumeric() || "/.-_~?=&%".contains(c);
            let fits = !host.is_empty()
                && text.len() <= 200
                && host.starts_with(|c: char| c.is_ascii_alphanumeric())
                && host.chars().all(names)
                && path.chars().all(paths);
            fits.then(|| CheckUrl(Some(Page { host: host.to_owned(), port, path: path.to_owned() })))
        };
        page().ok_or_else(|| {
            "is no page to ask; http://NAME/PATH is allowed, as in http://network-test.debian.org/nm, and off".into()
        })
    }
}

leaf!(CheckUrl, text, "CheckUrl", {
    "type": "string", "pattern": "^(off|http://[A-Za-z0-9][A-Za-z0-9.-]*(:[0-9]{1,5})?/[A-Za-z0-9/._~?=&%-]*)$",
    "description": "The page that is asked whether the internet is there, over plain http, or off"
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_over_plain_http() {
        assert_eq!(CheckUrl::default().to_string(), "http://network-test.debian.org/nm");
        assert_eq!(CheckUrl::default(), CheckUrl::default().to_string().parse().unwrap());
        let other: CheckUrl = "http://10.9.0.1:8080/generate_204".parse().unwrap();
        assert_eq!(other.page(), Some(("10.9.0.1", 8080, "/generate_204")));
        assert_eq!("off".parse::<CheckUrl>().unwrap().page(), None);
        for bad in [
            "",
            "https://a/",
            "http://a",
            "http:///x",
            "http://a b/",
            "http://a/\r\nX: y",
            "http://a:0/",
            "http://-a/",
        ] {
            assert!(bad.parse::<CheckUrl>().is_err(), "{bad:?}");
        }
    }
}
