"""The URL and login of a git source, and the meaning of git's errors about it. Pure."""

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from urllib.parse import unquote, urlsplit

from swefoundry.contracts.exit_codes import ExitCode
from swefoundry.contracts.git_mirrors import mirror_of, without_login
from swefoundry.git import GitSetting
from swefoundry.programs.agent.llm.api_errors import retry_after_seconds
from swefoundry.programs.intake.intake_errors import (
    HostUnavailable,
    IntakeRejected,
    NoSuchRepository,
    source_mismatch,
    unreachable_source,
)

TOKEN_USER = "x-access-token"
"""What git hosts expect as the user beside an access token, unless the URL names another."""


@dataclass(frozen=True)
class Remote:
    """A repository's URL without user or password, and the settings that log in."""

    url: str
    settings: tuple[GitSetting, ...] = ()
    commit_field: str = "spec.baseCommit"
    """What names the commit that is fetched, for the error when it does not exist."""
    mirror: str | None = None
    """URL that is fetched from in place of ``url``."""

    @property
    def fetch_url(self) -> str:
        """The URL that git is given."""
        return self.mirror or self.url

    @property
    def named(self) -> str:
        """The URL of the manifest, and the mirror's, for messages."""
        return self.url if self.mirror is None else f"{self.url} (fetched from the mirror {self.mirror})"

    def unavailable(self, words: str, after: float | None = None) -> HostUnavailable:
        """The error of the host that was asked."""
        of_mirror = "" if self.mirror is None else f"(mirror of {self.url}) "
        return HostUnavailable(self.fetch_url, of_mirror + words, after)

    @property
    def login_headers(self) -> dict[str, str]:
        """The login as an HTTP header, for requests that git does not make."""
        return (
            dict([header.split(": ", 1)])
            if (header := next((value for _, value in self.settings), ""))
            else {}
        )

    @property
    def has_login(self) -> bool:
        return bool(self.settings)


def remote(url: str, token: str | None, mirrors: Mapping[str, str] | None = None) -> Remote:
    """Take user and password out of the URL: they must be in no argument list and in no message.

    A mirror gets the login in place of the host: the operator, who reads the token anyway, has named it.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise unreachable_source(
            f"{parts.scheme}://… is not an http or https URL, and only these are fetched"
        )
    found = Remote(without_login(url), mirror=mirror_of(url, mirrors or {}))
    password = token or unquote(parts.password or "")
    if not password:
        return found
    login = f"{unquote(parts.username or '') or TOKEN_USER}:{password}"
    header = "Authorization: Basic " + base64.b64encode(login.encode()).decode()
    # Bound to the URL, so that a redirect to another host does not carry the token.
    return replace(found, settings=((f"http.{found.fetch_url}.extraHeader", header),))


_WORDS_CHARACTERS = 500
"""Of what a server says, in a message: forges explain a limit in two sentences."""

_LOGIN = re.compile(r"Authentication failed|could not read (Username|Password)|returned error: 40[13]|denied")
_MISSING = re.compile(
    r"returned error: 4(04|10)|[Rr]epository .*not found|does not appear to be a git repository"
)
_UNKNOWN = re.compile(r"not our ref|no such remote ref|couldn't find remote ref")
_UNADVERTISED = re.compile(
    r"unadvertised object|dumb http transport does not support|does not support shallow"
)


_RATE_LIMIT = re.compile(r"rate limit|too many requests|abuse detection|returned error: 429", re.IGNORECASE)
"""Forges answer 403 to those who ask too often, too, and say so in the body, which git shows as lines of `remote:`."""


def needs_full_fetch(stderr: str) -> bool:
    """Whether the server serves branches and tags only, not any commit."""
    return _UNADVERTISED.search(stderr) is not None


_PAUSE = re.compile(r"<= Recv header: retry-after: *(.+)", re.IGNORECASE)


def pause_in_trace(trace: str) -> float | None:
    """Seconds for which the server asks to wait (Retry-After), by the text of GIT_TRACE_CURL; None: it names no time.

    Attempts within one pod write to the same trace, and one that was told to wait is the last.
    """
    asked_for = _PAUSE.findall(trace)
    return retry_after_seconds({"retry-after": asked_for[-1].strip()}) if asked_for else None


def classify_git_error(
    stderr: str, source: Remote, commit: str, after: float | None = None
) -> IntakeRejected | HostUnavailable:
    """The error that a failed fetch is for the author of the instance, or for a retry.

    ``after``: seconds for which the server asks to wait. A server that names a time denies nothing.
    """
    if _UNKNOWN.search(stderr):
        return unknown_commit(source, commit)
    if _RATE_LIMIT.search(stderr):
        return source.unavailable(f"limits the rate of requests: {_own_words(stderr)}", after)
    if after is not None:
        return source.unavailable(f"asks to wait: {_own_words(stderr)}", after)
    if _LOGIN.search(stderr):
        remediation = (
            "the git token was rejected: renew the secret, or give the token read access to this repository"
            if source.has_login
            else "it is private or does not exist: check the URL, or name a secret with a token (tokenSecretRef)"
        )
        return unreachable_source(f"{source.named} denied access; {remediation}")
    if _MISSING.search(stderr):
        return NoSuchRepository(
            ExitCode.SOURCE_UNREACHABLE,
            f"there is no git repository at {source.named}: check the URL, or whether it needs a token",
        )
    return source.unavailable(f"did not answer: {_own_words(stderr)}")


def unknown_commit(source: Remote, commit: str) -> IntakeRejected:
    return source_mismatch(f"{source.named} has no commit {commit}: check {source.commit_field}")


def _own_words(stderr: str) -> str:
    """What the server said (`remote:`), and git's last line."""
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    answer = [line.removeprefix("remote:").strip() for line in lines if line.startswith("remote:")]
    last = [line.removeprefix("fatal: ") for line in lines[-1:] if not line.startswith("remote:")]
    return " ".join([*answer, *last])[:_WORDS_CHARACTERS] or "git gave no reason"
