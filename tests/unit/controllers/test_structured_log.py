"""Log records stay one line with separate fields, whatever text is in them."""

import json
import logging

import pytest

from swefoundry.kube.workqueue import Key
from swefoundry.structured_log import (
    MAX_VALUE_CHARACTERS,
    JsonFormatter,
    TextFormatter,
    configure_logging,
    fields,
)

KEY = Key("EnvBuild", "here", "task-one")
NOON = 1767268800.25
PREFIX = "time=2026-01-01T12:00:00.250Z level=INFO logger=swefoundry.test "


def a_record(message="pod started", error=None, **values):
    record = logging.LogRecord("swefoundry.test", logging.INFO, "file.py", 1, message, None, error)
    record.created = NOON
    record.__dict__.update(fields(**values))
    return record


def text(**values):
    return TextFormatter().format(a_record(**values)).removeprefix(PREFIX)


def test_a_text_line_has_the_object_and_the_fields_in_order():
    line = text(about=KEY, work="build-1", attempt=0, message="pod started")
    assert line == 'msg="pod started" kind=EnvBuild namespace=here name=task-one work=build-1 attempt=0'


def test_a_json_line_has_the_same_fields_with_their_types():
    line = JsonFormatter().format(a_record(about=KEY, attempt=0, seconds=1.5, adopted=True))
    assert json.loads(line) == {
        "time": "2026-01-01T12:00:00.250Z",
        "level": "INFO",
        "logger": "swefoundry.test",
        "msg": "pod started",
        "kind": "EnvBuild",
        "namespace": "here",
        "name": "task-one",
        "attempt": 0,
        "seconds": 1.5,
        "adopted": True,
    }


def test_fields_without_a_value_are_left_out():
    assert fields(reason=None, message="", attempt=0, adopted=False) == {
        "fields": {"attempt": 0, "adopted": False}
    }


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("plain-1.2/x:y", "plain-1.2/x:y"),
        ("two words", '"two words"'),
        ("a=b", '"a=b"'),
        ('say "x"', r'"say \"x\""'),
        ("back\\slash", "back\\slash"),
        ("schön", "schön"),
        (True, "true"),
        (0.5, "0.5"),
        ([{"a": 1}], r'"[{\"a\":1}]"'),
        ("new\nline", r'"new\nline"'),
        ("carriage\rreturn", r'"carriage\rreturn"'),
        ("\x1b[2Jclear", r'"\u001b[2Jclear"'),
        ("next\x85line", r'"next\u0085line"'),
        ("line\u2028separator", r'"line\u2028separator"'),
        ("right\u202eleft", r'"right\u202eleft"'),
        ("lone\ud800surrogate", r'"lone\ud800surrogate"'),
        ("\U000e0001tag", r'"\udb40\udc01tag"'),
    ],
)
def test_a_value_is_quoted_only_where_it_could_be_taken_for_something_else(value, written):
    assert text(reason=value) == f'msg="pod started" reason={written}'


HOSTILE = (
    'failed\n2026-01-01 level=ERROR msg="verdict" verdict=fail2pass\r\n\x1b[31m{"msg": "verdict"}\u2028x'
)


@pytest.mark.parametrize("formatter", [TextFormatter(), JsonFormatter()])
def test_hostile_text_neither_starts_a_line_nor_a_field(formatter):
    for record in (a_record(reason=HOSTILE), a_record(message=HOSTILE), a_record(error=_raised())):
        line = formatter.format(record)
        assert line.isprintable()
        assert len(line.splitlines()) == 1
        assert "verdict" not in {word.partition("=")[0] for word in line.split('"')[0].split()}


def _raised():
    try:
        raise ValueError(HOSTILE)
    except ValueError as error:
        return type(error), error, error.__traceback__


def test_a_field_does_not_replace_the_time_or_the_message():
    record = a_record(level="CRITICAL", msg="forged", reason="x")
    assert TextFormatter().format(record) == PREFIX + 'msg="pod started" reason=x'


def test_long_values_are_cut():
    assert text(reason="x" * 5000) == f'msg="pod started" reason={"x" * MAX_VALUE_CHARACTERS}…'


@pytest.fixture
def _root_logger():
    root = logging.getLogger()
    level, handlers = root.level, root.handlers[:]
    yield
    root.setLevel(level)
    root.handlers[:] = handlers


@pytest.mark.usefixtures("_root_logger")
def test_the_configured_format_and_level_are_used(capsys):
    configure_logging("INFO", "json")
    logging.getLogger("swefoundry.x").info("pod started", extra=fields(KEY))
    logging.getLogger("swefoundry.x").debug("hidden")
    logging.getLogger("httpx").info("hidden")
    lines = capsys.readouterr().err.splitlines()
    assert [json.loads(line)["msg"] for line in lines] == ["pod started"]
