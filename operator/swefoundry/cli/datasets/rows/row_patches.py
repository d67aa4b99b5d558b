"""Reader of patch columns: rejects, before a pod runs, patches of which git would apply only a part or nothing."""

from typing import Any

from swefoundry.cli.datasets.rows.columns import BadColumn, text_column
from swefoundry.cli.releases.splitting import RUST_TEST_GLOBS, matches_any
from swefoundry.patches.completion import complete_patch
from swefoundry.patches.patch_parser import parse_patch
from swefoundry.patches.prefixes import first_without_prefixes, strip_fits, with_standard_prefixes
from swefoundry.patches.rules import both_add, cut_off, refusal, submodule_refusal
from swefoundry.patches.rust_test_hunks import Inseparable, split_test_modules


def patch_column(row: dict[str, Any], name: str, empty_hint: str, strip: int | None = None) -> bytes:
    """The patch byte for byte, CRLF included; ``empty_hint`` explains why an empty one is rejected.

    A stripped end is completed. With ``strip``, prefixes other than a/ and b/ become a/ and b/.
    """
    text = text_column(row, name)
    if not text.strip():
        raise BadColumn(f"{name}: is empty. {empty_hint}")
    content = complete_patch(encode_text(name, text)).content
    patch = parse_patch(content)
    if not patch.is_diff:
        raise BadColumn(f"{name}: is not a unified diff (no line starts with `diff --git` or `---`)")
    if strip is not None and first_without_prefixes(patch) is not None and strip_fits(patch, strip):
        content = with_standard_prefixes(content, patch, strip)
        patch = parse_patch(content)
    message = refusal(patch) or submodule_refusal(patch, _wants_submodules(row)) or cut_off(patch)
    if message is not None:
        raise BadColumn(f"{name}: {message}")
    return content


def gold_and_tests(row: dict[str, Any], no_fix: str, no_tests: str, strip: int | None) -> tuple[bytes, bytes]:
    """Both patches of a row. Without a test patch, the tests within Rust files of the gold patch are one."""
    gold = patch_column(row, "patch", no_fix, strip)
    if not has_tests_in_gold(row):
        return gold, patch_column(row, "test_patch", no_tests, strip)
    try:
        split = split_test_modules(gold, lambda path: matches_any(path, RUST_TEST_GLOBS))
    except Inseparable as error:
        raise BadColumn(f"test_patch: is empty. {no_tests} patch: {error}") from error
    if split is None:
        raise BadColumn(f"test_patch: is empty. {no_tests}")
    return split.gold, split.tests


def has_tests_in_gold(row: dict[str, Any]) -> bool:
    """Whether hidden tests can only be within Rust files of the gold patch."""
    return not text_column(row, "test_patch").strip() and ".rs" in text_column(row, "patch")


def require_separate_files(tests: bytes, gold: bytes) -> None:
    """Reject a row whose patches add the same file."""
    if (message := both_add(parse_patch(tests), parse_patch(gold))) is not None:
        raise BadColumn(f"patch, test_patch: {message}")


def completion_notes(row: dict[str, Any], name: str) -> list[str]:
    """What was completed at the stripped end of a patch."""
    notes = complete_patch(encode_text(name, text_column(row, name))).notes
    return [f"{name} {note}" for note in notes]


def encode_text(name: str, content: str) -> bytes:
    """UTF-8 bytes of a column's text."""
    try:
        return content.encode()
    except UnicodeEncodeError as error:
        raise BadColumn(
            f"{name}: has a lone surrogate, which is not a character, at {error.start}"
        ) from error


def _wants_submodules(row: dict[str, Any]) -> bool:
    source = row.get("source")
    git = source.get("git") if isinstance(source, dict) else None
    return isinstance(git, dict) and git.get("submodules") is True
