"""Run the tests of a tree, read their ids as the product does, and select a sample of them one by one."""

import os
import random
import re
import subprocess
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from swefoundry.drafts.evaluation_command import expand_files
from swefoundry.drafts.recipes.python.constraints import Constraints
from swefoundry.drafts.recipes.python.pytest_settings import REPORT_PATH, pytest_command, read_configuration
from swefoundry.grading.report_parser import read_reports
from swefoundry.programs.intake.testfile_classifier import is_test

CONFIGURATIONS = ("pytest.ini", ".pytest.ini", "pyproject.toml", "tox.ini", "setup.cfg")
ENVIRONMENT = {"PYTHONPATH": "", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
"""Without the plugins of this checkout's interpreter."""


@dataclass(frozen=True)
class Selection:
    """What ran when one id was selected."""

    test: str
    ran: tuple[str, ...]
    """The ids that the report of that run has."""
    output: str = ""

    @property
    def is_exact(self) -> bool:
        return self.ran == (self.test,)


@dataclass(frozen=True)
class TreeUnderTest:
    """A source tree and the interpreter with its requirements."""

    folder: Path
    python: Path

    def ids(self) -> list[str]:
        """Run all tests and return their ids."""
        ids, output = self._run(self._test_files())
        if not ids:
            raise ValueError(f"{self.folder.name}: no test ran\n{output[-2000:]}")
        return ids

    def select(self, test: str) -> Selection:
        """Run one test by its id."""
        ran, output = self._run([test])
        return Selection(test, tuple(ran), output)

    def _test_files(self) -> list[str]:
        paths = (path.relative_to(self.folder) for path in self.folder.rglob("*") if path.is_file())
        names = sorted(str(path) for path in paths if not path.parts[0].startswith("."))
        return [name for name in names if is_test(name, (self.folder / name).read_bytes())]

    def _run(self, arguments: Sequence[str]) -> tuple[list[str], str]:
        report = self.folder / REPORT_PATH
        report.unlink(missing_ok=True)
        texts = {
            name: (self.folder / name).read_text() for name in CONFIGURATIONS if (self.folder / name).exists()
        }
        command = expand_files(pytest_command(read_configuration(texts), Constraints()), arguments)
        ran = subprocess.run(
            ["sh", "-c", command],
            cwd=self.folder,
            env={**os.environ, "PATH": f"{self.python.parent}:{os.environ['PATH']}", **ENVIRONMENT},
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
        if not report.exists():
            return [], ran.stdout + ran.stderr
        return sorted(read_reports({REPORT_PATH: report.read_bytes()}).statuses), ran.stdout + ran.stderr


def sample(ids: Sequence[str], size: int, seed: int) -> list[str]:
    """Return some of the ids, always the same ones; all when there are no more."""
    chosen = random.Random(seed).sample(sorted(ids), min(size, len(ids)))
    return sorted(chosen)


def kinds(ids: Sequence[str]) -> str:
    """Return how many ids have parts that are hard to take apart."""
    shapes = {
        "parameters": r"\[",
        "classes": r"\.py::\w+::",
        "spaces": " ",
        "backslashes": r"\\",
        "slashes in parameters": r"\[.*/",
        "`::` in parameters": r"\[.*::",
    }
    counts = Counter(name for test in ids for name, shape in shapes.items() if re.search(shape, test))
    return ", ".join(f"{count} {name}" for name, count in counts.most_common()) or "plain"
