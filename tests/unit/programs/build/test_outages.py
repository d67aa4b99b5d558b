"""Network faults that end a step, read from what the tools print (tests/fixtures/build_logs/capture.py made it)."""

import re
from dataclasses import dataclass
from pathlib import Path

import pytest

from swefoundry.contracts.exit_codes import ExitCode
from swefoundry.programs.build.failure_classifier import BuildFacts, BuildOutcome, classify_build
from swefoundry.programs.build.outages import LAST_LINES, MESSAGES, Outage, OutageOrigin, find_outage

CAPTURES = Path(__file__).parents[3] / "fixtures" / "build_logs"


@dataclass(frozen=True)
class Capture:
    exit_code: int
    output: tuple[str, ...]


def captures(tool: str) -> dict[str, Capture]:
    _, *sections = re.split(r"^==> ", (CAPTURES / f"{tool}.txt").read_text(), flags=re.MULTILINE)
    found = {}
    for section in sections:
        title, _, output = section.partition("\n")
        fault, _, code = title.partition(", exit ")
        found[fault] = Capture(int(code), tuple(output.splitlines()))
    return found


CAPTURED = {
    (path.stem, fault): capture
    for path in sorted(CAPTURES.glob("*.txt"))
    for fault, capture in captures(path.stem).items()
}

ANSWERS = {"404", "403", "401", "files-404", "tls-self-signed"}
"""What an index says about the row, or about a wrong configuration."""

ADDRESS_TOOLS = {"git", "pip-git", "uv-git", "curl", "wget", "wget-quiet", "wget-busybox"}

AMBIGUOUS = {("cargo", "dns-temporary")}
"""libcurl does not tell a failing name service from a name that does not exist."""

SILENT = {
    *(
        (pip, status)
        for pip in ("pip-18", "pip-24", "pip-new", "pip-isolated")
        for status in ("500", "503", "429")
    ),
    ("git", "tls-not-yet-valid"),
    ("git", "tls-expired"),
}
"""The tool prints the same as for an answer: pip for a missing distribution, git for an unknown authority."""


def expected_origin(tool: str, fault: str) -> OutageOrigin | None:
    if fault in ANSWERS or (tool, fault) in SILENT:
        return None
    is_address = tool in ADDRESS_TOOLS or fault == "dns-unknown" or (tool, fault) in AMBIGUOUS
    return OutageOrigin.ADDRESS if is_address else OutageOrigin.PACKAGE_INDEX


@pytest.mark.parametrize(("tool", "fault"), sorted(CAPTURED), ids=lambda value: value)
def test_a_captured_fault_has_its_origin(tool: str, fault: str) -> None:
    outage = find_outage(CAPTURED[tool, fault].output)
    assert (outage and outage.origin) == expected_origin(tool, fault)


HOSTS = {"index.example.org", "unsure.example.org"}

NAMELESS = {
    *(
        ("cargo", fault)
        for fault in ("stall", "reset", "refused", "tls-broken", "tls-not-yet-valid", "tls-expired")
    ),
    *(("npm", fault) for fault in ("503", "500", "429", "stall")),
    *(("uv", fault) for fault in ("stall", "reset", "refused", "tls-broken", "dns-temporary")),
    ("uv-old", "dns-temporary"),
    *(("uv-isolated", fault) for fault in ("refused", "dns-temporary")),
    *(
        ("yarn", fault)
        for fault in ("503", "500", "refused", "tls-broken", "tls-not-yet-valid", "tls-expired")
    ),
    *(("yarn-berry", fault) for fault in ("503", "500", "429", "stall", "reset", "refused")),
    *(("yarn-berry", fault) for fault in ("tls-broken", "tls-not-yet-valid", "tls-expired")),
}
"""The tool does not say whom it asked."""


@pytest.mark.parametrize(("tool", "fault"), sorted(CAPTURED), ids=lambda value: value)
def test_the_host_of_a_package_index_is_named(tool: str, fault: str) -> None:
    outage = find_outage(CAPTURED[tool, fault].output)
    if outage is None or outage.origin is OutageOrigin.ADDRESS:
        return
    host = outage.host.partition(":")[0] if outage.host is not None else None
    assert host is None if (tool, fault) in NAMELESS else host in HOSTS


def test_every_row_of_the_table_is_met_by_a_capture() -> None:
    met = {outage.tool for capture in CAPTURED.values() if (outage := find_outage(capture.output))}
    assert met == {message.tool for message in MESSAGES}


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504, 520, 524])
@pytest.mark.parametrize(
    "words",
    [
        "curl: (22) The requested URL returned error: {}",
        "  cause: HTTP status server error ({} Something) for url (http://index.example.org/simple/six/)",
        "npm ERR! code E{}",
        "go: example.org/six@v1.0.0: reading http://index.example.org/six/@v/v1.0.0.mod: {} Something",
    ],
)
def test_a_server_that_may_answer_later_is_an_outage(words: str, status: int) -> None:
    assert find_outage([words.format(status)]) is not None


OTHER_WORDS = [
    (
        "pip",
        "pip._vendor.urllib3.exceptions.ReadTimeoutError: HTTPSConnectionPool(host='x', port=443): Read timed out.",
    ),
    (
        "conda",
        "Download error (28) Timeout was reached [https://index.example.org/main/noarch/repodata.json]",
    ),
    ("git", "error: RPC failed; HTTP 503 curl 22 The requested URL returned error: 503"),
    ("git", "ssh: connect to host git.example.org port 22: Connection refused"),
    ("curl", "curl: (92) HTTP/2 stream 0 was not closed cleanly: INTERNAL_ERROR (err 2)"),
    ("curl", "npm error curl: (18) transfer closed with 12 bytes remaining to read"),
]


@pytest.mark.parametrize(("tool", "words"), OTHER_WORDS)
def test_words_that_are_seldom_printed_are_known_too(tool: str, words: str) -> None:
    outage = find_outage([words])
    assert outage is not None and outage.tool == tool


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 451, 501, 505])
def test_other_statuses_are_answers(status: int) -> None:
    assert find_outage([f"curl: (22) The requested URL returned error: {status}"]) is None


UNRELATED = {
    "a test suite that prints an error of its own": [
        "E   ConnectionRefusedError: [Errno 111] Connection refused",
        "FAILED tests/test_client.py::test_down - requests.exceptions.ConnectionError: refused",
        "1 failed, 3 passed in 0.12s",
    ],
    "a compiler after a word about the network": [
        "checking for connection timed out handling... yes",
        "parser.c:3:10: fatal error: yaml.h: No such file or directory",
        "error: command '/usr/bin/gcc' failed with exit code 1",
    ],
    "a build script that asks its own server": [
        "curl: (7) Failed to connect to localhost port 8080 after 0 ms: Couldn't connect to server"
    ],
    "pip that warned once and then got its answer": [
        "Looking in indexes: http://index.example.org/simple",
        "WARNING: Retrying (Retry(total=4, connect=None, read=None, redirect=None, status=None)) after connection "
        "broken by 'ReadTimeoutError(\"Read timed out.\")': /simple/six/",
        "ERROR: Could not find a version that satisfies the requirement six==99 (from versions: 1.15.0, 1.16.0)",
        "ERROR: No matching distribution found for six==99",
    ],
    "pip whose outage was about another distribution": [
        "WARNING: Retrying (Retry(total=0, connect=None, read=None, redirect=None, status=None)) after connection "
        "broken by 'ReadTimeoutError(\"Read timed out.\")': /simple/wheel/",
        "ERROR: No matching distribution found for six",
    ],
    "cargo that recovered": [
        "warning: spurious network error (2 tries remaining): [28] Timeout was reached",
        "error[E0425]: cannot find value `x` in this scope",
    ],
    "a plugin of Maven that asks a server of its own": [
        "[ERROR] Failed to execute goal org.simplify4u.plugins:pgpverify-maven-plugin:1.17.0:check (default) on "
        "project calc: Execution default of goal org.simplify4u.plugins:pgpverify-maven-plugin:1.17.0:check failed: "
        "Failed to process signature for artifact org.example:adder:pom:1: UnknownHostException: keys.example.org for: "
        "https://keys.example.org/pks: Unknown host keys.example.org: Name or service not known -> [Help 1]",
    ],
    "npm whose script failed": ["npm error code 1", "npm error path /testbed/node_modules/thing"],
    "a project called timeout": ["error: Failed to build `timeout==1.0`", "  cause: unknown field"],
}


@pytest.mark.parametrize("lines", UNRELATED.values(), ids=UNRELATED.keys())
def test_words_about_the_network_alone_are_no_outage(lines: list[str]) -> None:
    assert find_outage(lines) is None


def test_only_the_last_lines_count() -> None:
    early = ["curl: (28) Operation timed out after 1000 milliseconds with 0 bytes received"]
    assert find_outage([*early, *["compiling"] * (LAST_LINES - 1)]) is not None
    assert find_outage([*early, *["compiling"] * LAST_LINES]) is None


def test_a_page_that_fails_when_it_is_asked_for_again_explains_pip() -> None:
    page = "http://index.example.org/simple/six/: 503 Service Unavailable"
    lines = CAPTURED["pip-24", "503"].output
    assert find_outage(lines, [page]) == Outage("pip", OutageOrigin.PACKAGE_INDEX, page, "index.example.org")
    assert find_outage(lines, [page.replace("503 Service Unavailable", "404 Not Found")]) is None
    unknown = "http://missing.example.org/simple/six/: [Errno -2] Name or service not known"
    assert find_outage(lines, [unknown]) == Outage(
        "pip", OutageOrigin.ADDRESS, unknown, "missing.example.org"
    )


def a_log(step: str, capture: Capture) -> str:
    output = "\n".join(capture.output)
    code = capture.exit_code
    return f'STEP 1/2: FROM x\nSTEP 2/2: {step}\n{output}\nError: building at STEP "{step}": exit status {code}\n'


def test_a_step_that_met_an_outage_is_upstream_unavailable() -> None:
    capture = CAPTURED["uv", "503"]
    assert classify_build(2, a_log("RUN uv pip install six", capture), BuildFacts()) == BuildOutcome(
        ExitCode.UPSTREAM_UNAVAILABLE,
        message="uv could not reach its package index: cause: HTTP status server error (503 Service Unavailable) "
        "for url (http://index.example.org/simple/six/)",
        step="RUN uv pip install six",
        step_exit_code=2,
        tail="\n".join(capture.output),
        host="index.example.org",
    )


def test_a_step_that_names_an_unreachable_address_says_so() -> None:
    result = classify_build(6, a_log("RUN curl -f x", CAPTURED["curl", "dns-unknown"]), BuildFacts())
    assert (result.code, result.message) == (
        ExitCode.ADDRESS_UNREACHABLE,
        "curl could not reach an address that the step names: curl: (6) Could not resolve host: missing.example.org",
    )


def test_an_answer_of_the_index_is_a_failed_step() -> None:
    result = classify_build(1, a_log("RUN uv pip install six", CAPTURED["uv", "404"]), BuildFacts())
    assert result.code == ExitCode.STEP_FAILED


def test_a_step_that_was_killed_for_memory_met_no_outage() -> None:
    log = a_log("RUN uv pip install six", CAPTURED["uv", "503"])
    assert classify_build(2, log, BuildFacts(oom_kills=1)).code == ExitCode.STEP_FAILED


def test_an_outage_that_lasts_until_the_time_limit_is_no_fault_of_the_draft() -> None:
    waiting = next(line for line in CAPTURED["pip-24", "stall"].output if "Retrying" in line)
    log = f"STEP 1/1: RUN pip install six\n{waiting}\n"
    assert classify_build(1, log, BuildFacts(seconds_allowed=60)).code == ExitCode.UPSTREAM_UNAVAILABLE
    late = f"{log}Building wheel for six\n" + "compiling\n" * 5
    assert classify_build(1, late, BuildFacts(seconds_allowed=60)).code == ExitCode.BUILD_TIME_LIMIT
