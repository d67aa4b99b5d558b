"""Tests that pass on the day of the change alone: the recipe sets their clock back, and the row says so.

Each row has one test that the fix turns and that knows the year of the change; twelve others pass on any day.
"""

import json
from collections.abc import Iterator

import pytest

from cluster.commands import REGISTRY, swefoundry
from cluster.sample_instances import (
    NAMESPACE,
    Json,
    a_task,
    apply,
    delete,
    get,
    make_repository,
    unique,
    wait_until_finished,
)

pytestmark = pytest.mark.cluster

LABEL = "test.swefoundry.dev/clock"
SMALL = {"cpu": "100m", "memory": "256Mi", "ephemeralStorage": "2Gi"}
MAX_SECONDS = 1800

SETUP = 'from setuptools import setup\nsetup(name="acmereport", version="1.0", py_modules=["report"])\n'
BUG = 'from datetime import date\n\n\ndef title():\n    return f"Report {date.today().year}"\n'
FIX = BUG.replace("Report ", "Report of ")
TESTS = """\
import subprocess
import sys

from report import title


def test_title():
    assert title() == "Report of 2023"


def test_a_program_that_is_started_has_the_same_day():
    program = "import time; print(time.gmtime().tm_year)"
    assert subprocess.check_output([sys.executable, "-c", program]) == b"2023\\n"
"""
OTHERS = "".join(f"\n\ndef test_more_{number}():\n    pass\n" for number in range(12))


@pytest.fixture(scope="module")
def name() -> Iterator[str]:
    """A row that has ended."""
    name = unique("clock")
    repository = make_repository(
        name,
        {"setup.py": SETUP, "report.py": BUG},
        {"tests/test_report.py": TESTS + OTHERS},
        {"report.py": FIX},
    )
    task = a_task(
        name,
        repository,
        createdAt="2023-06-01T00:00:00Z",
        environment={"strategies": ["recipe"]},
        validation={"timeoutSeconds": 120, "resources": SMALL, "controls": ["NullPatch"]},
    )
    task["metadata"]["labels"] = {LABEL: name}
    apply(task)
    wait_until_finished(name, MAX_SECONDS)
    yield name
    delete(name)


def test_the_recipe_sets_the_clock_back_to_the_day_of_the_change(name: str) -> None:
    rounds: list[Json] = get("eb", name)["status"]["rounds"]
    assert [item["outcome"] for item in rounds] == ["AfterFailed", "Accepted"]
    assert rounds[1]["label"] == rounds[0]["label"] + ", with the clock of the change's day"
    status = get("ti", name)["status"]
    tests = status["tests"]
    # The program that is started shows 2023 before the fix, too.
    assert (status["verdict"], tests["failToPass"], tests["passToPass"]) == ("fail2pass", 1, 13)


def test_the_row_is_marked_as_one_that_depends_on_the_date(name: str) -> None:
    assert get("ti", name)["status"]["note"] == "DateDependent"
    page = swefoundry("why", name, "-n", NAMESPACE, *REGISTRY)
    assert "the tests depend on the date, and the test command sets the clock" in " ".join(page.split())
    rows = swefoundry("export", "--selector", f"{LABEL}={name}", "-n", NAMESPACE, *REGISTRY)
    assert [json.loads(line)["date_dependent"] for line in rows.splitlines()] == [True]
