"""Settings that the lab's images take from this machine: its Debian mirror and its trusted CA certificates.

Neither is in a file of the project, so that the same recipes work with another mirror or proxy.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from swefoundry_lab.errors import LabError

APT = Path("/etc/apt")
BUNDLE = Path("/etc/ssl/certs/ca-certificates.crt")
LOCAL_AUTHORITIES = Path("/usr/local/share/ca-certificates")
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")


@dataclass(frozen=True)
class Mirror:
    """URLs of Debian packages."""

    main: str
    security: str | None

    def sources(self, suite: str) -> str:
        """The apt sources of an image of this suite, in the format of the official images."""
        signed = f"Components: main\nSigned-By: {KEYRING}\n"
        text = f"Types: deb\nURIs: {self.main}\nSuites: {suite} {suite}-updates\n{signed}"
        if self.security:
            text += f"\nTypes: deb\nURIs: {self.security}\nSuites: {suite}-security\n{signed}"
        return text


def debian_mirror(apt: Path = APT) -> Mirror:
    """The mirror of this machine's apt sources: the entries of a Debian suite and of its `-security` suite."""
    main = security = None
    for uri, suite in _entries(apt):
        if suite in ("bullseye", "bookworm", "trixie", "forky", "sid"):
            main = main or uri
        elif suite.endswith("-security"):
            security = security or uri
    if main is None:
        raise LabError(f"No Debian mirror in {apt}: base images need Debian packages.")
    return Mirror(main, security)


def _entries(apt: Path) -> Iterator[tuple[str, str]]:
    """All (URI, suite) pairs of apt's configuration, in both of its formats."""
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
    """Files with this machine's trusted CA certificates, by their path in the image.

    Programs use the bundle; the local certificates are for update-ca-certificates, which writes the bundle again.
    """
    files = [BUNDLE, *sorted(LOCAL_AUTHORITIES.glob("**/*.crt"))]
    return {str(path).lstrip("/"): path.read_bytes() for path in files if path.is_file()}
