"""No path, link or file leads the tools out of the source tree, and nothing in it blocks them."""

import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from swefoundry.programs.agent.llm.messages import ToolCall
from swefoundry.programs.agent.repo.tools import MAX_TOOL_RESULT_CHARACTERS, TOOLS, RepoTools
from swefoundry.programs.agent.repo.tree import InvalidPath, RepoTree

SECRET = "the-key-of-somebody"
NAMES = ("a", "b", "sub", "..", ".", "secret", "out", "loop", "up", "")


@pytest.fixture(scope="module")
def hostile() -> Iterator[Path]:
    """A tree with hostile links of every kind, beside a file outside it."""
    with tempfile.TemporaryDirectory() as folder:
        outside, root = Path(folder) / "outside", Path(folder) / "tree"
        (outside / "sub").mkdir(parents=True)
        (outside / "secret").write_text(SECRET)
        (outside / "sub" / "secret").write_text(SECRET)
        (root / "sub").mkdir(parents=True)
        (root / "a").write_text("inside\n")
        (root / "sub" / "b").write_text("inside too\n")
        (root / "out").symlink_to(outside)
        (root / "secret").symlink_to("../outside/secret")
        (root / "absolute").symlink_to(outside / "secret")
        (root / "sub" / "up").symlink_to("../..")
        (root / "sub" / "root").symlink_to("..")
        (root / "loop").symlink_to("loop")
        (root / "sub" / "circle").symlink_to("../sub/circle/x")
        (root / "proc").symlink_to("/proc/self/environ")
        (root / "good").symlink_to("sub/b")
        os.mkfifo(root / "pipe")
        (root / "binary").write_bytes(b"\x7fELF\0\0" + b"x" * 100)
        (root / os.fsdecode(b"na\xffme")).write_text("strange\n")
        yield root


paths = st.one_of(
    st.lists(st.sampled_from(NAMES), max_size=8).map("/".join),
    st.lists(st.sampled_from(NAMES), max_size=5).map(lambda parts: "/" + "/".join(parts)),
    st.text(max_size=40),
    st.sampled_from(
        ["/etc/passwd", "/proc/self/environ", "proc", "absolute", "sub/circle", "a\0b", "x" * 5000]
    ),
)


def run(root: Path, name: str, **arguments: object) -> str:
    return RepoTools(RepoTree(root)).run(ToolCall("c", name, json.dumps(arguments)))


@settings(max_examples=300, deadline=None)
@given(path=paths)
def test_no_path_reveals_what_is_outside(hostile: Path, path: str) -> None:
    for answer in (run(hostile, "read", path=path), run(hostile, "list", path=path, depth=4)):
        assert SECRET not in answer
        assert "passwd" not in answer or "passwd" in path
        assert answer.encode()


@settings(max_examples=200, deadline=None)
@given(path=paths)
def test_whatever_is_opened_is_a_regular_file_of_the_tree(hostile: Path, path: str) -> None:
    try:
        content = RepoTree(hostile).head(path, 1000)
    except InvalidPath:
        return
    real = Path(os.path.realpath(hostile / path))
    assert real.is_relative_to(os.path.realpath(hostile)) and real.is_file()
    assert content == real.read_bytes()[:1000]


@settings(max_examples=100, deadline=None)
@given(name=st.one_of(st.sampled_from(sorted(TOOLS)), st.text(max_size=10)), arguments=st.text(max_size=80))
def test_any_call_gets_a_result(hostile: Path, name: str, arguments: str) -> None:
    assert RepoTools(RepoTree(hostile)).run(ToolCall("c", name, arguments)).encode()


REFUSED = [
    ("a link out of the tree", "secret", "leads out of the repository"),
    ("a link to an absolute path", "absolute", "leads out of the repository"),
    ("a path through a link to a folder outside", "out/secret", "leads out of the repository"),
    ("a way up", "../outside/secret", "leads out of the repository"),
    ("a way up to nothing", "../outside/nothing", "leads out of the repository"),
    ("nothing behind a link out", "out/nothing", "leads out of the repository"),
    ("an absolute path", "/etc/passwd", "is absolute"),
    ("a loop", "loop", "loop of links"),
    ("a pipe", "pipe", "not a regular file"),
    ("a folder", "sub", "is a folder; use list"),
    ("a binary file", "binary", "is binary (106 bytes)"),
    ("what is not there", "nothing/here", "does not exist; use list or find"),
]


@pytest.mark.parametrize(
    ("path", "reason"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED]
)
def test_reading_is_rejected_with_a_reason(hostile: Path, path: str, reason: str) -> None:
    answer = run(hostile, "read", path=path)
    assert answer.startswith("Error: ") and reason in answer


def test_links_inside_the_tree_are_followed(hostile: Path) -> None:
    assert "inside too" in run(hostile, "read", path="good")
    assert "inside too" in run(hostile, "read", path="sub/root/sub/b")


def test_listings_show_links_and_do_not_follow_them(hostile: Path) -> None:
    shown = run(hostile, "list", depth=4)
    assert "out -> " in shown and "out/secret" not in shown and "sub/up -> ../.." in shown


def test_grep_reads_neither_links_nor_pipes_nor_binaries(hostile: Path) -> None:
    assert run(hostile, "grep", pattern=SECRET) == "No line matches."
    assert "sub/b:1: inside too" in run(hostile, "grep", pattern="inside.*too")


def test_names_that_are_no_text_can_be_shown(hostile: Path) -> None:
    assert "na\ufffdme" in run(hostile, "find", pattern="na*me")


def test_huge_files_and_long_lines_give_limited_results(tmp_path: Path) -> None:
    with (tmp_path / "huge").open("wb") as handle:
        handle.truncate(50 << 30)  # sparse: takes no room, and may never be read whole
    (tmp_path / "long").write_text("y" * (6 << 20))
    (tmp_path / "many").write_text("line\n" * 100_000)
    assert "is binary (53687091200 bytes)" in run(tmp_path, "read", path="huge")
    for path in ("long", "many"):
        assert len(run(tmp_path, "read", path=path, lines=10**9)) < MAX_TOOL_RESULT_CHARACTERS + 500
    assert len(run(tmp_path, "grep", pattern="line|y")) < 80 * 300
