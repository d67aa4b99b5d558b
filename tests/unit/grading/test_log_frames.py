"""Frames at the end of a runner's log."""

import base64
import gzip
import hashlib

from hypothesis import given
from hypothesis import strategies as st

from swefoundry.workloads.evaluation.log_frames import SplitLog, reports_digest, split_log

NONCE = "n0nce"


def frame(path: str, content: bytes, nonce: str = NONCE, sha: str = "", size: int | None = None) -> bytes:
    body = base64.encodebytes(gzip.compress(content))
    sha = sha or hashlib.sha256(content).hexdigest()
    length = len(content) if size is None else size
    return (
        f"<<<swefoundry {nonce} report {path} {length} {sha} gzip+base64\n".encode()
        + body
        + f">>>swefoundry {nonce} end\n".encode()
    )


def test_a_log_without_frames_is_all_output() -> None:
    assert split_log(b"hello\n", NONCE) == SplitLog(b"hello\n", {})


def test_reports_follow_the_output() -> None:
    log = b"== 1 passed ==\n" + frame("junit.xml", b"<x/>") + frame("a folder/b c.xml", b"")
    assert split_log(log, NONCE) == SplitLog(
        b"== 1 passed ==\n", {"junit.xml": b"<x/>", "a folder/b c.xml": b""}
    )


def test_a_log_may_be_nothing_but_frames() -> None:
    assert split_log(frame("r.xml", b"<x/>"), NONCE) == SplitLog(b"", {"r.xml": b"<x/>"})


def test_forged_frames_are_output() -> None:
    forged = frame("junit.xml", b"<forged/>", nonce="guess")
    assert split_log(forged + frame("junit.xml", b"<real/>"), NONCE) == SplitLog(
        forged, {"junit.xml": b"<real/>"}
    )


def test_a_frame_with_a_wrong_size_or_digest_is_a_problem() -> None:
    log = frame("a.xml", b"<a/>", sha="0" * 64) + frame("b.xml", b"<b/>", size=3) + frame("c.xml", b"<c/>")
    found = split_log(log, NONCE)
    assert found.reports == {"c.xml": b"<c/>"}
    assert found.problems == (
        "a.xml: the content is not what the frame says (size or sha256 differ)",
        "b.xml: the content is not what the frame says (size or sha256 differ)",
    )


def test_a_log_that_was_cut_says_so() -> None:
    found = split_log(b"out\n" + frame("a.xml", b"<a/>" * 100)[:-30], NONCE)
    assert found == SplitLog(b"out\n", {}, ("a.xml: the frame has no end; the log was cut",))


def test_a_frame_that_unpacks_to_more_than_it_says_is_stopped() -> None:
    found = split_log(frame("bomb.xml", b"0" * 50_000_000, size=10), NONCE)
    assert found.reports == {}
    huge = split_log(frame("huge.xml", b"x", size=10**11), NONCE)
    assert huge.problems == ("huge.xml: 100000000000 bytes are more than may be unpacked",)


def test_broken_base64_is_a_problem() -> None:
    log = frame("a.xml", b"<a/>").replace(b"H4s", b"!!!", 1)
    assert split_log(log, NONCE).problems[0].startswith("a.xml: the frame does not unpack")


def test_the_digest_over_reports_is_the_runners() -> None:
    reports = {"junit.xml": b"<x/>"}
    line = f"junit.xml {hashlib.sha256(b'<x/>').hexdigest()}\n"
    assert reports_digest(reports) == hashlib.sha256(line.encode()).hexdigest()


@given(
    output=st.binary(),
    reports=st.dictionaries(st.text("abc ./_-é", min_size=1).filter(lambda s: s == s.strip()), st.binary()),
)
def test_whatever_is_framed_comes_back(output: bytes, reports: dict[str, bytes]) -> None:
    output = output + b"\n" if output else b""
    log = output + b"".join(frame(path, content) for path, content in reports.items())
    assert split_log(log, NONCE) == SplitLog(output, reports)
