"""Row formats: detection, and conversion of rows to instances.

Two formats are read: SWE-bench's classic rows (also those of its forks) and SWE-Factory's. Rows of formats that use the
same columns with another meaning are rejected by name.
"""

from collections.abc import Callable
from enum import StrEnum
from typing import Any

from swefoundry.cli.datasets.instance import Instance
from swefoundry.cli.datasets.rows.columns import (
    BadColumn,
    commit_column,
    names_column,
    required_column,
    text_column,
    time_column,
)
from swefoundry.cli.datasets.rows.row_patches import (
    completion_notes,
    encode_text,
    gold_and_tests,
    has_tests_in_gold,
    require_separate_files,
)

Columns = dict[str, Any]


class RowFormat(StrEnum):
    """Format of a row."""

    AUTO = "auto"
    SWE_BENCH = "swe-bench"
    SWE_FACTORY = "swe-factory"


UNSUPPORTED_FORMATS: tuple[tuple[str, Callable[[Columns], bool]], ...] = (
    ("a Multi-SWE-bench row (org, number, fix_patch)", lambda row: "fix_patch" in row and "patch" not in row),
    (
        "a SWE-smith row (its patch introduces the bug)",
        lambda row: str(row.get("repo", "")).startswith("swesmith/"),
    ),
    ("an R2E-Gym row (parsed_commit_content)", lambda row: "parsed_commit_content" in row),
    ("a Scale-SWE row (f2p_patch)", lambda row: "f2p_patch" in row and "test_patch" not in row),
    ("a NeMo Gym row (responses_create_params)", lambda row: "responses_create_params" in row),
    ("a prediction, not an instance (model_patch)", lambda row: "model_patch" in row and "patch" not in row),
)

SPEC_COLUMNS = frozenset(
    [
        "instance_id",
        "repo",
        "base_commit",
        "patch",
        "test_patch",
        "problem_statement",
        "created_at",
        "version",
        "language",
        "source",
    ]
)

LANGUAGE_ALIASES = {"js": "javascript", "ts": "typescript", "c++": "cpp", "golang": "go"}
NO_TESTS = "Without hidden tests nothing can fail before the fix."
NO_FIX = "Without a reference fix nothing can pass after it."


def detect_format(row: Columns) -> RowFormat:
    """Format of a row: SWE-Factory's rows name the pull request and have no lists of tests."""
    listed = any(name in row for name in ("FAIL_TO_PASS", "fail_to_pass"))
    factory = "pull_number" in row or "eval_script_skeleton" in row
    return RowFormat.SWE_FACTORY if factory and not listed else RowFormat.SWE_BENCH


def read_instance(row: Columns, strip: int | None = None) -> Instance:
    """Instance that a row of either format describes; raises :class:`BadColumn`.

    ``strip`` is how many components are dropped from paths in patches without the prefixes a/ and b/.
    """
    for what, is_it in UNSUPPORTED_FORMATS:
        if is_it(row):
            raise BadColumn(f"this is {what}; the format is not supported")
    kept = {name: value for name, value in row.items() if name not in SPEC_COLUMNS and value is not None}
    for column in ("FAIL_TO_PASS", "PASS_TO_PASS"):
        if (listed := names_column(row, column, column.lower())) is not None:
            kept.pop(column.lower(), None)
            kept[column] = listed
    source = row.get("source") if isinstance(row.get("source"), dict) else None
    language = (
        text_column(row, "language").strip().lower() or text_column(row, "repo_language").strip().lower()
    )
    gold, tests = gold_and_tests(row, NO_FIX, NO_TESTS, strip)
    require_separate_files(tests, gold)
    return Instance(
        instance_id=required_column(row, "instance_id"),
        repo=required_column(row, "repo"),
        base_commit=None
        if _needs_no_commit(source) and not row.get("base_commit")
        else commit_column(row, "base_commit"),
        source=source,
        gold=gold,
        tests=tests,
        problem=encode_text("problem_statement", text_column(row, "problem_statement")).decode(),
        created_at=time_column(row, "created_at"),
        version=text_column(row, "version").strip()[:100] or None,
        language=LANGUAGE_ALIASES.get(language, language) or None,
        extra=kept,
    )


def _needs_no_commit(source: Columns | None) -> bool:
    """Whether the source is an archive, as in rows that `swefoundry export` wrote."""
    return source is not None and "git" not in source


def row_warnings(row: Columns) -> list[str]:
    """Warnings about a row that is imported."""
    warnings = []
    if names_column(row, "FAIL_TO_PASS", "fail_to_pass") == []:
        warnings.append(
            "its FAIL_TO_PASS is empty, so any patch would resolve it; the validation measures its own"
        )
    if any(name in row for name in ("dockerfile", "eval_script")):
        warnings.append(
            "its Dockerfile and script are kept but not used: the strategies make the environment"
        )
    if has_tests_in_gold(row):
        warnings.append(
            "its test_patch is empty: the hunks of #[cfg(test)] modules in its patch are taken for it"
        )
    return [*warnings, *completion_notes(row, "patch"), *completion_notes(row, "test_patch")]
