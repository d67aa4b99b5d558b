"""The import traps of the field: one column written in many ways."""

from datetime import UTC, datetime
from typing import Any

import pytest

from swefoundry.cli.datasets.rows import columns, formats
from swefoundry.cli.datasets.rows.columns import BadColumn
from unit.cli.dataset_rows import BAD_ROWS, PATCH, classic_row, factory_row

JUNE = datetime(2023, 6, 1, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    "written",
    [
        pytest.param("2023-06-01T12:00:00Z", id="ISO with Z"),
        pytest.param("2023-06-01T14:00:00+02:00", id="ISO with an offset"),
        pytest.param("2023-06-01 12:00:00", id="a timestamp without a zone"),
        pytest.param("2023-06-01 12:00:00 UTC", id="a timestamp with a named zone"),
        pytest.param(1685620800000, id="epoch milliseconds"),
        pytest.param("1685620800000", id="epoch milliseconds as text"),
        pytest.param(1685620800, id="epoch seconds"),
        pytest.param(1685620800.0, id="epoch seconds as a float"),
    ],
)
def test_a_time_is_understood_however_it_is_written(written: object) -> None:
    assert columns.time_column({"created_at": written}, "created_at") == JUNE


def test_a_date_alone_is_midnight_utc() -> None:
    assert columns.time_column({"created_at": "2023-06-01"}, "created_at") == JUNE.replace(hour=0)


@pytest.mark.parametrize("written", [None, "", float("nan")])
def test_no_time_is_no_time(written: object) -> None:
    assert columns.time_column({"created_at": written}, "created_at") is None


@pytest.mark.parametrize("written", ["yesterday", "2023-13-01", 10**30])
def test_what_is_no_time_is_refused_by_name(written: object) -> None:
    with pytest.raises(BadColumn, match="created_at"):
        columns.time_column({"created_at": written}, "created_at")


@pytest.mark.parametrize(
    "written",
    [
        pytest.param('["a", "b c"]', id="JSON text"),
        pytest.param(["a", "b c"], id="a list"),
        pytest.param("['a', 'b c']", id="a Python literal"),
        pytest.param("['a' 'b c']", id="a NumPy array, which Python would join"),
        pytest.param("['a'\n 'b c']", id="a NumPy array over two lines"),
    ],
)
def test_test_names_are_understood_however_they_are_written(written: object) -> None:
    assert columns.names_column({"FAIL_TO_PASS": written}, "FAIL_TO_PASS") == ["a", "b c"]


def test_test_names_may_be_spelled_in_lower_case() -> None:
    assert columns.names_column({"fail_to_pass": "['a']"}, "FAIL_TO_PASS", "fail_to_pass") == ["a"]


@pytest.mark.parametrize(
    "written", ["[__import__('os').system('true')]", "[f'{1}']", "{'a': 1}", '{"a": 1}', [1], "['a"]
)
def test_nothing_in_a_list_is_ever_evaluated(written: object) -> None:
    with pytest.raises(BadColumn, match="FAIL_TO_PASS"):
        columns.names_column({"FAIL_TO_PASS": written}, "FAIL_TO_PASS")


@pytest.mark.parametrize(
    ("written", "expected"),
    [("8.1", "8.1"), (8.1, "8.1"), (20231, "20231"), (None, None), (float("nan"), None), ("", None)],
)
def test_a_version_may_be_text_a_number_or_nothing(written: object, expected: str | None) -> None:
    assert formats.read_instance(classic_row(version=written)).version == expected


def test_carriage_returns_in_patches_survive() -> None:
    crlf = PATCH.replace("\n", "\r\n")
    assert formats.read_instance(classic_row(patch=crlf)).gold == crlf.encode()


def test_a_newline_is_added_to_a_patch_that_has_none_at_its_end() -> None:
    row = classic_row(patch=PATCH.rstrip("\n"))
    assert formats.read_instance(row).gold == PATCH.encode()
    assert [warning.partition(" ")[0] for warning in formats.row_warnings(row)] == ["patch"]


@pytest.mark.parametrize(("changes", "start"), BAD_ROWS.values(), ids=BAD_ROWS)
def test_a_bad_row_is_rejected_with_the_column_or_the_format(changes: dict[str, Any], start: str) -> None:
    with pytest.raises(BadColumn, match=f"^{start}"):
        formats.read_instance(classic_row(**changes))


def test_an_empty_fail_to_pass_gives_a_warning() -> None:
    assert len(formats.row_warnings(classic_row(FAIL_TO_PASS="[]"))) == 1


def test_log_parsers_with_source_code_are_kept_as_text() -> None:
    source = "def parse_log(log):\n    raise SystemExit('never run')\n"
    assert formats.read_instance(classic_row(log_parser=source)).extra["log_parser"] == source


def test_licences_and_unknown_columns_survive() -> None:
    extra = formats.read_instance(
        classic_row(license_name="MIT", difficulty="<15 min fix", pull_number="7")
    ).extra
    assert (extra["license_name"], extra["difficulty"], extra["pull_number"]) == ("MIT", "<15 min fix", "7")


def test_expected_test_names_are_kept_as_a_list() -> None:
    extra = formats.read_instance(classic_row(FAIL_TO_PASS=..., fail_to_pass="['a']")).extra
    assert extra["FAIL_TO_PASS"] == ["a"]
    assert "fail_to_pass" not in extra


def test_swe_factory_rows_are_distinguished_from_classic_ones() -> None:
    assert formats.detect_format(factory_row()) is formats.RowFormat.SWE_FACTORY
    assert formats.detect_format(classic_row()) is formats.RowFormat.SWE_BENCH
    assert formats.detect_format(classic_row(pull_number=7)) is formats.RowFormat.SWE_BENCH


def test_swe_factorys_own_environment_is_kept_and_not_used() -> None:
    row = factory_row(dockerfile="FROM x\nRUN git clone …", eval_script="…", language="js")
    instance = formats.read_instance(row)
    assert instance.language == "javascript"
    assert set(instance.extra) >= {"dockerfile", "eval_script", "pull_number", "issue_numbers"}
    assert len(formats.row_warnings(row)) == 1
