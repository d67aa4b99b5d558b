"""What the lab's images take over from this machine: its Debian mirror, and the authorities that it trusts.

Neither is written in any file of the project: the same recipes work behind another mirror or another proxy.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from swefoundry_lab.errors import LabError

APT = Path("/etc/apt")
BUNDLE = Path("/etc/ssl/certs/ca-certificates.crt")
OWN_AUTHORITIES = Path("/usr/local/share/ca-certificates")
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")


@dataclass(frozen=True)
class Mirror:
    """Where Debian packages come from."""

    main: str
    security: str | None

    def sources(self, suite: str) -> str:
        """The apt sources of an image of this suite, in the format that the official images use."""
        signed = f"Components: main\nSigned-By: {KEYRING}\n"
        text = f"Types: deb\nURIs: {self.main}\nSuites: {suite} {suite}-updates\n{signed}"
        if self.security:
            text += f"\nTypes: deb\nURIs: {self.security}\nSuites: {suite}-security\n{signed}"
        return text


def debian_mirror(apt: Path = APT) -> Mirror:
    """The mirror in this machine's apt sources: the entries with a Debian suite, and with its `-security`."""
    main = security = None
    for uri, suite in _entries(apt):
        if suite in ("bullseye", "bookworm", "trixie", "forky", "sid"):
            main = main or uri
        elif suite.endswith("-security"):
            security = security or uri
    if main is None:
        raise LabError(f"No Debian mirror in {apt}: base images are made of Debian packages.")
    return Mirror(main, security)


def _entries(apt: Path) -> Iterator[tuple[str, str]]:
    """Every (URI, suite) in apt's configuration, in both of its formats."""
    for listing in sorted(apt.glob("sources.list.d/*.sources")):
        for stanza in re.split(r"\n\s*\n", listing.read_text()):
            fields = dict(re.findall(r"^(\w[\w-]*):[ \t]*(.+)$", stanza, re.MULTILINE))
            if "deb" in fields.get("Types", "").split():
                uri = fields.get("URIs", "").split()[0]
                yield from ((uri, suite) for suite in fields.get("Suites", "").split())
    for listing in [apt / "sources.list", *sorted(apt.glob("sources.list.d/*.list"))]:
        if listing.is_file():
            yield from re.findall(r"^deb\s+(?:\[[^]]*\]\s+)?(\S+)\s+(\S+)", listing.read_text(), re.MULTILINE)


def trusted_authorities() -> dict[str, bytes]:
    """The files that make an image trust what this machine trusts, by their path in the image.

    The bundle serves at once; the machine's own authorities are for update-ca-certificates, which rewrites it.
    """
    files = [BUNDLE, *sorted(OWN_AUTHORITIES.glob("**/*.crt"))]
    return {str(path).lstrip("/"): path.read_bytes() for path in files if path.is_file()}
