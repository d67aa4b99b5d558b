"""The end that strip() takes from a patch comes back, and nothing else changes."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from swefoundry.patches.completion import complete_patch
from swefoundry.patches.patch_parser import parse_patch
from unit.patches.real_patches import two_commits

BASE = b"def add(a, b):\n    return a - b\n\n\ndef mul(a, b):\n    return a * b\n"
FIX = BASE.replace(b"a - b", b"a + b")


@pytest.mark.parametrize("ending", [b"\n", b"\r\n"], ids=["LF", "CRLF"])
@pytest.mark.parametrize("context", ["-U1", "-U2"])
def test_stripped_blank_context_is_completed(ending: bytes, context: str, tmp_path: Path) -> None:
    repository = two_commits(
        tmp_path, {"c.py": BASE.replace(b"\n", ending)}, {"c.py": FIX.replace(b"\n", ending)}
    )
    whole = repository.diff(context)
    completed = complete_patch(whole.rstrip())
    assert completed.content == whole
    assert repository.applies(completed.content)
    assert completed.notes[1] == (
        "lacked 1 blank context line at the end of the hunk at line 5; completed"
        if context == "-U1"
        else "lacked 2 blank context lines at the end of the hunk at line 5; completed"
    )


def test_each_of_several_stripped_diffs_that_were_joined_is_completed(tmp_path: Path) -> None:
    repository = two_commits(tmp_path, {"a.py": BASE, "b.py": BASE}, {"a.py": FIX, "b.py": FIX})
    whole = repository.diff("-U2")
    first, second = whole.split(b"diff --git ")[1:]
    joined = b"\n".join(b"diff --git " + part.rstrip() for part in (first, second))
    assert complete_patch(joined).content == whole


def test_a_patch_that_is_cut_off_stays_so(tmp_path: Path) -> None:
    whole = two_commits(tmp_path, {"c.py": BASE}, {"c.py": FIX}).diff()
    cut = whole[: whole.index(b"+    return")]
    assert complete_patch(cut).content == cut


def test_a_newline_is_added_where_it_is_missing() -> None:
    assert complete_patch(b"x").content == b"x\n"
    assert complete_patch(b"x").notes == ("had no newline at its end, which git rejects; one was added",)


LINE = st.sampled_from(
    [b"", b"", b"a", b"b", b"\tc", b"+", b"-", b"--- a/x", b"diff --git a/x b/x", b"@@ -1 +1 @@"]
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(old=st.lists(LINE, max_size=12), new=st.lists(LINE, max_size=12))
def test_what_git_writes_is_read_back_whole_stripped_or_not(
    old: list[bytes], new: list[bytes], tmp_path_factory: pytest.TempPathFactory
) -> None:
    files = [{"f": b"".join(line + b"\n" for line in lines), "g": b"g\n"} for lines in (old, new)]
    repository = two_commits(tmp_path_factory.mktemp("r"), *files)
    whole = repository.diff()
    assert parse_patch(whole).touched == ({b"f"} if old != new else set())
    assert complete_patch(whole).content == whole or not whole
    completed = complete_patch(whole.rstrip()).content
    assert not whole.strip() or repository.applies(completed)
