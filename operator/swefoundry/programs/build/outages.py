"""Find the network fault that made a build step fail: one ordered table of what each tool prints.

::

    an index, a mirror or the name service did not answer        every draft would meet it: PACKAGE_INDEX
    an address did not answer that the step itself names,
    or a name does not exist                                     another draft may not need it: ADDRESS
    "not found", "access denied", an unknown certificate         answers, and no fault: not in the table

Only the last lines of the step count, and only in the tool's own form: a test suite may print "Connection refused" and
fail for another reason. tests/fixtures/build_logs has what the tools print.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from swefoundry.programs.build.index_pages import missing_distribution

LAST_LINES = 30
"""Lines of the step's end that are searched: the longest stack trace below a tool's message has 15."""

WORDS_LIMIT = 400
"""Characters of the tool's own words in a message, which people read in a terminal."""


class OutageOrigin(StrEnum):
    """Who has the fault."""

    PACKAGE_INDEX = "package index"
    ADDRESS = "address"


@dataclass(frozen=True)
class Outage:
    """A network fault that ended a step."""

    tool: str
    origin: OutageOrigin
    words: str
    """What the tool printed about it."""
    host: str | None = None
    """host[:port] that it was about, when the output names it."""


@dataclass(frozen=True)
class StepOutput:
    """The input of the table."""

    lines: Sequence[str]
    """The last lines of the step."""
    failing_pages: Sequence[str] = ()
    """Pages of the index that pip found nothing on, and what was answered when they were asked for again."""

    @property
    def text(self) -> str:
        return "\n".join(self.lines)


Finder = Callable[[StepOutput], str | None]
"""Finds the tool's words about a network fault."""


@dataclass(frozen=True)
class ToolMessage:
    """A row of the table."""

    tool: str
    origin: OutageOrigin
    find: Finder


STATUS = r"(?:408|429|50[0234]|52\d)"
"""HTTP statuses of a server that may answer later; 501 and 505 are for good."""
UNKNOWN_HOST = (
    r"Name or service not known|nodename nor servname|No address associated with hostname|no such host"
    r"|ENOTFOUND|[Uu]nknown host|UnknownHostException|bad address"
    r"|Could(?: not|n't) resolve (?:host|')|Could not resolve hostname|unable to resolve host address"
)
"""libcurl and apt do not tell a name that does not exist from a name service that does not answer."""
NAME_SERVICE = r"[Tt]emporary failure(?: in name resolution| resolving)|EAI_AGAIN|server misbehaving"
CONNECTION = (
    r"[Cc]onnection (?:refused|reset|failed|timed out|aborted|closed before message completed)"
    r"|Could(?: not|n't) connect|Failed to connect|Network is unreachable|network is unreachable|[Nn]o route to host"
    r"|ECONN(?:REFUSED|RESET|ABORTED)|E(?:NET|HOST)UNREACH|E(?:SOCKET)?TIMEDOUT|ERR_SOCKET_TIMEOUT|network timeout"
    r"|[Oo]peration (?:timed out|too slow)|[Rr]ead timed out|Timeout was reached|i/o timeout|deadline exceeded"
    r"|[Cc]onnect(?:ion)? timed out|socket hang up|Empty reply|No data received|Remote end closed|failed to respond"
    r"|IncompleteRead|unexpected (?:EOF|eof|end of file)|early EOF|\bEOF$|Recv failure"
    r"|Failed to establish a new connection|Timeout awaiting '"
)
TLS = (
    r"TLS handshake timeout|wrong version number|WRONG_VERSION_NUMBER|EPROTO|received corrupt message|tls handshake eof"
    r"|does not look like a TLS handshake|unexpected TLS packet|SSL_ERROR_SYSCALL"
    r"|unrecognized SSL message|Remote host terminated the handshake"
    r"|not (?:yet valid|valid yet)|NotValidYet|CERT_NOT_YET_VALID|not yet been activated"
    r"|certificate(?:: certificate)? (?:has )?expired|CERT_HAS_EXPIRED|(?:uses|certificate:) [Ee]xpired"
)
"""A handshake that broke, or a certificate whose time is wrong; one of an unknown issuer is a wrong configuration."""
FAULT = rf"(?:{UNKNOWN_HOST}|{NAME_SERVICE}|{CONNECTION}|{TLS})"

_ANSWERED_BY_THE_POD = re.compile(r"(?<!on )(?:\blocalhost\b|\b127\.\d+\.\d+\.\d+|\[?::1\]?:\d)")
"""A server on the build pod's own loopback belongs to the step. Go names its name server: `on 127.0.0.53:53`."""


def line(pattern: str) -> Finder:
    """Find the last line that matches, without what stands before the match."""
    compiled = re.compile(pattern)

    def find(output: StepOutput) -> str | None:
        matches = ((compiled.search(item), item) for item in reversed(output.lines))
        return next((item[match.start() :].strip() for match, item in matches if match), None)

    return find


def chain(begin: str, end: str) -> Finder:
    """Find a chain of causes: a line that matches ``begin`` and the nearest line below it that matches ``end``."""
    compiled = re.compile(rf"^.*?({begin}).*\n(?:.*\n){{0,9}}?.*?({end}).*$", re.MULTILINE)

    def find(output: StepOutput) -> str | None:
        matches = list(compiled.finditer(output.text))
        if not matches:
            return None
        found = [item.strip() for item in matches[-1][0].splitlines()]
        return f"{found[0]} … {found[-1]}"

    return find


def pip_index_page(output: StepOutput) -> str | None:
    """Find why pip had no page of the distribution that it calls missing: it warns of lost connections alone."""
    missing = missing_distribution(output.lines)
    if missing is None:
        return None
    page = missing.replace("-", "[-_.]+")
    warned = re.compile(rf"Retry\(total=0,.*after connection broken by .*(?:{FAULT}).*: \S*/{page}/")
    answered = re.compile(rf": (?:{STATUS} |.*(?:{FAULT}))")
    found = [item for item in output.lines if warned.search(item)]
    found += [item for item in output.failing_pages if answered.search(item)]
    return found[-1].strip() if found else None


_INDEX, _ADDRESS = OutageOrigin.PACKAGE_INDEX, OutageOrigin.ADDRESS

MESSAGES: tuple[ToolMessage, ...] = (
    ToolMessage("pip", _INDEX, pip_index_page),
    ToolMessage(
        "pip", _INDEX, line(rf"ERROR: HTTP error {STATUS} while getting |because of HTTP error {STATUS} ")
    ),
    ToolMessage("pip", _INDEX, line(rf"pip\._vendor\.(?:urllib3|requests)\.exceptions\.\w+: .*(?:{FAULT})")),
    ToolMessage(
        "pip",
        _INDEX,
        line(rf"ERROR: Could not install .*HTTPS?ConnectionPool.*(?:{FAULT}|too many {STATUS} error)"),
    ),
    ToolMessage("uv", _INDEX, line(rf"(?:cause|Caused by): HTTP status \w+ error \({STATUS} ")),
    ToolMessage(
        "uv",
        _INDEX,
        chain("Failed to (?:fetch|download)|Request failed after", rf"(?:cause|Caused by): .*{FAULT}"),
    ),
    ToolMessage("apt", _INDEX, line(rf"^[WE]: Failed to fetch \S+  (?:{STATUS}  |.*{FAULT})")),
    ToolMessage("apk", _INDEX, line(r"^(?:ERROR|WARNING): .*temporary error \(try again later\)")),
    ToolMessage("npm", _INDEX, line(rf"npm (?:ERR!|error) code (?:E{STATUS}|FETCH_ERROR|.*{FAULT})")),
    ToolMessage(
        "pnpm", _INDEX, line(rf"ERR_PNPM_FETCH_{STATUS}\b|ERR_PNPM_META_FETCH_FAIL.* reason: .*{FAULT}")
    ),
    ToolMessage(
        "yarn",
        _INDEX,
        line(rf"^ResponseError: Request failed \"{STATUS} |^error .*Request \"\S+\" returned a {STATUS}"),
    ),
    ToolMessage("yarn", _INDEX, line(rf"^error (?:Error: |An unexpected error occurred: ).*{FAULT}")),
    ToolMessage("yarn", _INDEX, line(rf"YN\d{{4}}: .*(?:Response Code: {STATUS} |RequestError: .*{FAULT})")),
    ToolMessage("cargo", _INDEX, line(rf"failed to get successful HTTP response from .*, got {STATUS}$")),
    ToolMessage(
        "cargo", _INDEX, chain("failed to download from `|download of .* failed", rf"^  \[\d+\] .*{FAULT}")
    ),
    ToolMessage("go", _INDEX, line(rf"^go: .*(?:reading \S+: {STATUS} |Get \"\S+\": .*{FAULT})")),
    ToolMessage(
        "maven", _INDEX, line(rf"Could not transfer artifact .*(?:status(?: code)?: {STATUS}|{FAULT})")
    ),
    ToolMessage("gradle", _INDEX, line(rf"Could not (?:GET|HEAD) '\S+'\. Received status code {STATUS} ")),
    ToolMessage("gradle", _INDEX, chain(r"Could not (?:GET|HEAD|get resource) '", rf"> .*{FAULT}")),
    ToolMessage(
        "conda",
        _INDEX,
        line(
            rf"CondaHTTPError: HTTP (?:{STATUS}|000 CONNECTION FAILED) |Download error \((?:5|6|7|28|35|52|56)\)"
        ),
    ),
    ToolMessage(
        "git", _ADDRESS, line(rf"fatal: unable to access '\S+': (?:.*returned error: {STATUS}|.*{FAULT})")
    ),
    ToolMessage(
        "git", _ADDRESS, line(rf"^\s*(?:error: RPC failed; (?:HTTP {STATUS} |curl \d+ )|ssh: .*{FAULT})")
    ),
    ToolMessage(
        "curl",
        _ADDRESS,
        line(rf"curl: \(22\) .*error: {STATUS}|curl: \((?:5|6|7|16|18|28|35|52|55|56|60|92)\) .*{FAULT}"),
    ),
    ToolMessage("curl", _ADDRESS, line(r"curl: \((?:16|18|35|52|55|56|92)\) ")),
    ToolMessage(
        "wget",
        _ADDRESS,
        line(
            rf"^[\d-]+ [\d:]+ ERROR {STATUS}: |(?:^|\.\.\. )failed: .*{FAULT}"
            rf"|^wget: .*(?:{FAULT}|HTTP/\S+ {STATUS} )"
        ),
    ),
    ToolMessage(
        "wget",
        _ADDRESS,
        line(r"^Giving up\.$|^wget: download timed out|^The certificate has (?:expired|not yet)"),
    ),
    ToolMessage("wget", _ADDRESS, line(r"^Unable to establish SSL connection\.$")),
)
"""The first row that matches counts. Package tools come first: pip, uv and cargo print git's words below their own."""


_NAME = r"[A-Za-z0-9.-]+\.[A-Za-z0-9-]+(?::\d+)?"
_NAMED_HOSTS = tuple(
    re.compile(pattern)
    for pattern in (
        rf"https?://(?:[^\s/@]*@)?({_NAME})",
        rf"HTTPS?ConnectionPool\(host='({_NAME})'",
        rf"lookup ({_NAME})",
        rf"(?:resolve|resolving|EAI_AGAIN|ENOTFOUND) '?({_NAME})",
    )
)
"""Forms in which tools name a host in their words about it."""
_ASKED_HOST = re.compile(rf"(?:Looking in indexes: |request to )https?://(?:[^\s/@]*@)?({_NAME})")
"""pip and npm name the host in another line than the fault."""


def _host(words: str, output: StepOutput) -> str | None:
    matches = [*(pattern.search(words) for pattern in _NAMED_HOSTS), *map(_ASKED_HOST.search, output.lines)]
    return next((found[1].lower() for found in matches if found), None)


def find_outage(lines: Sequence[str], failing_pages: Sequence[str] = ()) -> Outage | None:
    """Return the network fault that ended a step, given its output and what its indexes answer; None without one."""
    output = StepOutput([item for item in lines if item.strip()][-LAST_LINES:], failing_pages)
    for message in MESSAGES:
        words = message.find(output)
        if words is not None and not _ANSWERED_BY_THE_POD.search(words):
            unknown_host = re.search(UNKNOWN_HOST, words) and not re.search(NAME_SERVICE, words)
            origin = OutageOrigin.ADDRESS if unknown_host else message.origin
            return Outage(message.tool, origin, words[:WORDS_LIMIT], _host(words, output))
    return None


RETRYING = re.compile(
    r"WARNING: Retrying \(Retry\(total=\d|warning: spurious network error|^Retrying\.$"
    r"|trouble with (?:your network|the npm registry)"
)
"""What pip, cargo, wget and yarn print while they wait for an answer."""


def is_retrying(lines: Sequence[str]) -> bool:
    """Whether the tool was waiting for an answer when its time ran out."""
    return any(RETRYING.search(item) for item in [item for item in lines if item.strip()][-3:])
