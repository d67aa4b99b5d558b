"""Other prefixes than a/ and b/: which strip fits, and the patch that comes out applies to the right files."""

from pathlib import Path

import pytest

from swefoundry.patches.patch_parser import parse_patch
from swefoundry.patches.prefixes import fitting_strip, with_standard_prefixes
from swefoundry.patches.rules import refusal
from unit.patches.real_patches import two_commits

LINES = b"".join(b"line %d\n" % n for n in range(30))
BASE = {
    "conf.py": LINES,
    "pkg/conf.py": LINES,
    "pkg/a b.txt": b"1\n",
    "pkg/\u00fcb\t.txt": b"1\n",
    "gone": b"1\n",
}
FIX = {
    "pkg/conf.py": LINES + b"more\n",
    "pkg/a b.txt": b"2\n",
    "pkg/\u00fcb\t.txt": b"2\n",
    "new/x.py": b"x\n",
}


@pytest.mark.parametrize(
    ("prefixes", "strip"),
    [
        (("--no-prefix",), 0),
        (("--src-prefix=i/", "--dst-prefix=w/"), 1),
        (("--src-prefix=b/", "--dst-prefix=a/"), 1),
        (("--src-prefix=one/old/", "--dst-prefix=one/new/"), 2),
        (("--src-prefix=ä/", "--dst-prefix=\u00f6/"), 1),
    ],
    ids=str,
)
@pytest.mark.parametrize("renames", ["--no-renames", "-M10%"])
def test_a_patch_with_other_prefixes_is_rewritten_to_one_that_applies(
    prefixes: tuple[str, ...], strip: int, renames: str, tmp_path: Path
) -> None:
    repository = two_commits(tmp_path, BASE, FIX)
    written = repository.diff(*prefixes, renames)
    patch = parse_patch(written)
    assert fitting_strip(patch) == strip
    rewritten = with_standard_prefixes(written, patch, strip)
    assert refusal(parse_patch(rewritten)) is None
    assert repository.applies(rewritten)


def test_names_of_a_rename_say_which_prefix_there_is(tmp_path: Path) -> None:
    repository = two_commits(tmp_path, {"a/x.py": LINES}, {})
    (tmp_path / "b").mkdir()
    (tmp_path / "a/x.py").rename(tmp_path / "b/x.py")
    moved = two_commits(tmp_path, {}, {})
    # Without prefixes, a rename from a/ to b/ looks as if it had them.
    patch = parse_patch(type(repository)(tmp_path, repository.base, moved.fix).diff("--no-prefix", "-M"))
    assert patch.files[0].names == (b"a/x.py", b"b/x.py")
    assert fitting_strip(patch) == 0
    assert "`--strip 0`" in (refusal(patch) or "")
