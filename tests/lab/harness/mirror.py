"""Which Debian mirror to take packages from: the one that this machine already uses."""

import re
import subprocess
import urllib.error
import urllib.request
from pathlib import Path

from .errors import LabError

APT = Path("/etc/apt")
# What the machine's own apt was told about the network and about clocks holds for the lab's apt too.
PASSED_ON = (
    "Acquire::http::Proxy",
    "Acquire::https::Proxy",
    "Acquire::Check-Valid-Until",
    "Acquire::Check-Date",
)


def one_line_entries(text):
    """(URI, suite, components) of every active `deb` line of a sources.list."""
    for line in text.splitlines():
        words = re.sub(r"\[[^]]*\]", " ", line.split("#")[0]).split()
        if len(words) >= 4 and words[0] == "deb":
            yield words[1], words[2], words[3:]


def deb822_entries(text):
    """(URI, suite, components) of every enabled stanza of a .sources file."""
    lines = (line for line in text.splitlines() if not line.startswith("#"))
    for stanza in re.split(r"\n\s*\n", "\n".join(lines)):
        fields = {}
        for name, value in re.findall(r"^([\w-]+):((?:.*)(?:\n[ \t].*)*)", stanza, re.MULTILINE):
            fields[name.lower()] = value.split()
        if "deb" not in fields.get("types", []) or fields.get("enabled") == ["no"]:
            continue
        for uri in fields.get("uris", []):
            for suite in fields.get("suites", []):
                yield uri, suite, fields.get("components", [])


def is_debian(uri, suite, components):
    """A whole Debian archive over HTTP: no security, updates or third-party repository."""
    plain = re.fullmatch(r"[a-z]+", suite) is not None
    return plain and "main" in components and uri.startswith("http") and "debian" in uri


def entries():
    """(URI, suite, components) of everything that this machine's apt takes packages from."""
    found = []
    for path in [APT / "sources.list", *sorted((APT / "sources.list.d").glob("*"))]:
        if path.suffix == ".list" and path.is_file():
            found += one_line_entries(path.read_text())
        if path.suffix == ".sources" and path.is_file():
            found += deb822_entries(path.read_text())
    return found


def find():
    """The mirror's address."""
    for uri, suite, components in entries():
        if is_debian(uri, suite, components):
            return uri.rstrip("/")
    raise LabError(f"no Debian mirror in {APT}/sources.list or {APT}/sources.list.d: the lab needs a Debian machine")


def security():
    """The address of the security updates; where this machine takes none, the mirror's name with `-security` behind it."""
    for uri, suite, components in entries():
        if suite.endswith("-security") and "main" in components and uri.startswith("http"):
            return uri.rstrip("/")
    return find() + "-security"


def require(mirror, release):
    """Says plainly when a mirror no longer carries a release."""
    address = f"{mirror}/dists/{release}/InRelease"
    try:
        urllib.request.urlopen(urllib.request.Request(address, method="HEAD"), timeout=30).close()
    except (urllib.error.URLError, OSError) as error:
        raise LabError(f"the machine's Debian mirror does not serve {release}: {error}") from None


def apt_options():
    """`--aptopt` arguments for mmdebstrap that repeat the machine's own settings."""
    dump = subprocess.run(["apt-config", "dump"], capture_output=True, text=True, check=True).stdout
    for name, value in re.findall(r'^(\S+) "(.*)";$', dump, re.MULTILINE):
        if name in PASSED_ON and value:
            yield f'--aptopt={name} "{value}"'
