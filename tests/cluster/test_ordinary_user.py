"""Tests that cannot pass, or are skipped, as root: the recipe runs them as an ordinary user, and so does a draft.

Each row has one test that the fix turns and that root cannot run; but for one row, twelve others pass with and
without it.
"""

import os
from collections.abc import Iterator

import pytest

from cluster.sample_instances import (
    TINY_DOCKERFILE,
    Json,
    SampleRepository,
    a_task,
    apply,
    delete,
    get,
    make_repository,
    make_shell_repository,
    unique,
    wait_until_finished,
)

pytestmark = pytest.mark.cluster

CONTROLS = ["NullPatch", "ReversedGold", "BaseTests", "Shuffled", "Cpu", "MutatedGold"]
SMALL = {"cpu": "50m", "memory": "256Mi", "ephemeralStorage": "2Gi"}
MAX_SECONDS = 1800

SETUP = 'from setuptools import setup\nsetup(name="acmeenv", version="1.0", py_modules=["envfile"])\n'
BUG = "class Unreadable(Exception):\n    pass\n\n\ndef load(path):\n    return open(path).read()\n"
FIX = (
    BUG.partition("def load")[0]
    + """\
def load(path):
    try:
        return open(path).read()
    except PermissionError as error:
        raise Unreadable(path) from error
"""
)
UNREADABLE = """\
import os

import pytest

from envfile import Unreadable, load


def test_unreadable(tmp_path):
    path = tmp_path / ".env"
    path.write_text("A=1")
    path.chmod(0)
    with pytest.raises(Unreadable):
        load(path)
"""
SKIPPED = UNREADABLE.replace("\n\ndef ", '\n\n@pytest.mark.skipif(os.geteuid() == 0, reason="root")\ndef ')
OTHERS = "".join(f"\n\ndef test_more_{number}():\n    pass\n" for number in range(12))

CHECK = """\
[ "$(id -u)" = 1234 ] && [ -w answer.sh ] && touch made && touch "$HOME/made" || exit 127
[ "$(sh answer.sh)" = 42 ]
"""


def python_row(name: str, tests: str) -> Json:
    files = {"setup.py": SETUP, "envfile.py": BUG}
    repository: SampleRepository = make_repository(
        name, files, {"tests/test_envfile.py": tests}, {"envfile.py": FIX}
    )
    return a_task(
        name,
        repository,
        createdAt="2025-01-01T00:00:00Z",
        environment={"strategies": ["recipe"]},
        validation={"timeoutSeconds": 120, "resources": SMALL, "controls": CONTROLS},
    )


def shell_row(name: str) -> Json:
    """Its draft names a user, who owns the files of every layer of /testbed; anything else cannot run (127)."""
    draft = {"dockerfile": TINY_DOCKERFILE, "testCommand": "sh check.sh", "runAsUser": 1234}
    repository = make_shell_repository(name, tests={"check.sh": CHECK})
    return a_task(name, repository, environment={"strategies": ["fixed"], "draft": draft})


@pytest.fixture(scope="module")
def statuses() -> Iterator[dict[str, tuple[Json, list[Json]]]]:
    """Status and rounds, by case; all rows run at the same time."""
    rows = {
        "fails": lambda name: python_row(name, UNREADABLE + OTHERS),
        "skipped": lambda name: python_row(name, SKIPPED + OTHERS),
        "all skipped": lambda name: python_row(name, SKIPPED),
        "draft": shell_row,
    }
    names = {case: unique(f"user-{case.replace(' ', '-')}") for case in rows}
    apply(*(make(names[case]) for case, make in rows.items()))
    found = {case: wait_until_finished(name, MAX_SECONDS) for case, name in names.items()}
    yield {case: (status, get("eb", names[case])["status"]["rounds"]) for case, status in found.items()}
    delete(*names.values())


@pytest.fixture(scope="module")
def results(statuses) -> dict[str, tuple[str, list[Json], Json]]:
    """Verdict, rounds and sizes of the sets of tests, by case."""
    return {
        case: (status.get("verdict", ""), rounds, status.get("tests") or {})
        for case, (status, rounds) in statuses.items()
    }


@pytest.mark.parametrize(
    ("case", "as_root", "unchanged"),
    [("fails", "AfterFailed", 12), ("skipped", "BothPassed", 12), ("all skipped", "NoResult", 0)],
)
def test_the_recipe_runs_the_tests_as_an_ordinary_user(results, case, as_root, unchanged):
    verdict, rounds, tests = results[case]
    assert [(item["outcome"], item.get("runAsUser")) for item in rounds] == [
        (as_root, None),
        ("Accepted", 1000),
    ]
    assert rounds[1]["label"] == rounds[0]["label"] + ", as an ordinary user"
    assert (verdict, tests["failToPass"], tests["passToPass"]) == ("fail2pass", 1, unchanged)


def test_a_draft_runs_as_the_user_that_it_names(results):
    verdict, rounds, _ = results["draft"]
    assert (verdict, [(item["outcome"], item["runAsUser"]) for item in rounds]) == (
        "fail2pass",
        [("Accepted", 1234)],
    )


def test_the_controls_of_a_valid_row_are_run(statuses):
    """The user of the draft is that of the controls; all test files are new, so `base` has nothing to say."""
    status, _ = statuses["fails"]
    found = {item["name"]: (item["result"], item.get("message")) for item in status["controls"]}
    assert found.pop("BaseTests")[0] == "Unknown"
    limits = ", ".join(str(cpus) for cpus in (1, 2, 4) if cpus <= len(os.sched_getaffinity(0)))
    assert found == {
        "NullPatch": ("Passed", "2 runs of `before` agree on 13 tests"),
        "ReversedGold": ("Passed", "`after` without the gold patch is the tree of `before`"),
        "Shuffled": ("Passed", "13 tests in another order: the outcome is that of `after`"),
        "Cpu": ("Passed", f"with {limits} CPUs: the outcome is that of `after`"),
        "MutatedGold": ("Passed", "the gold patch has one hunk, without which the tests fail in `before`"),
    }
    assert status["testStrength"] == 100
    assert [(item["control"], item["number"]) for item in status["controlEvaluations"]] == [
        ("Cpu", 1),
        ("Cpu", 2),
        ("Cpu", 4),
        ("Shuffled", 0),
    ]
