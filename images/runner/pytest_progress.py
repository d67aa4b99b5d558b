"""pytest plugin of the runner: record what happens as it happens, and change the order of tests on request.

A report that is written at the end is lost when the run ends in the middle: a crash, `os._exit`, a time limit. Each
event is a line of JSON in a file outside the tree, written at once. The runner reads it when there is no report.

Nothing of it is visible to tests: the variables by which it was loaded are removed, so a pytest that a test starts does
not load it.
"""

import contextlib
import hashlib
import json
import os
import sys

FOLDER = os.path.dirname(os.path.abspath(__file__))


def _open():
    path = os.environ.pop("SWEFOUNDRY_PROGRESS", None)
    return None if path is None else os.open(path, os.O_WRONLY | os.O_APPEND)


def _without(variable, separator, value):
    left = [item for item in os.environ.get(variable, "").split(separator) if item != value]
    if any(left):
        os.environ[variable] = separator.join(left)
    else:
        os.environ.pop(variable, None)


PROGRESS = _open()
SEED = os.environ.pop("SWEFOUNDRY_SHUFFLE", None)
_without("PYTEST_PLUGINS", ",", __name__)
_without("PYTHONPATH", os.pathsep, FOLDER)
sys.path[:] = [folder for folder in sys.path if folder != FOLDER]


def _record(*event):
    # Closed by a test, or the disk is full: the report at the end may still be written.
    with contextlib.suppress(OSError):
        if PROGRESS is not None:
            os.write(PROGRESS, (json.dumps(event) + "\n").encode("ascii"))


def _rank(name):
    return hashlib.sha256((SEED + "/" + name).encode("utf-8", "replace")).digest()


def _place(item):
    """Files, classes of a file and tests of a class in the order of the seed: what belongs together stays together."""
    parts = item.nodeid.split("::")
    return [_rank("::".join(parts[:depth])) for depth in range(1, len(parts))] + [_rank(item.nodeid)]


def pytest_collection_modifyitems(items):
    if SEED is not None:
        items.sort(key=_place)
        _record("shuffled")


def pytest_collectreport(report):
    if report.failed:
        _record("uncollected", report.nodeid)


def pytest_runtest_logstart(nodeid, location):
    _record("start", nodeid)


def pytest_runtest_logreport(report):
    outcome = "xfailed" if hasattr(report, "wasxfail") and report.skipped else report.outcome
    _record("report", report.nodeid, report.when, outcome)


def pytest_runtest_logfinish(nodeid, location):
    _record("finish", nodeid)


def pytest_keyboard_interrupt(excinfo):
    _record("interrupt")


def pytest_unconfigure(config):
    _record("end")
