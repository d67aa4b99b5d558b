"""Mutation testing of the decision modules: `make mutation`.

mutmut changes one place of a function at a time and runs the tests that reach it; a mutant that no test notices
survives. mutmut wants the source folder to be named ``src``, so it works on a copy in ``build/mutation``.
docs/mutation.md lists the survivors that are accepted.
"""

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Self

ROOT = Path(__file__).parents[1]
STAGE = ROOT / "build" / "mutation"
MUTMUT = Path(sys.executable).with_name("mutmut")

MODULES = (
    "workloads/decide.py",
    "workloads/pod_status.py",
    "controllers/taskinstance/rules.py",
    "controllers/envbuild/rules.py",
    "controllers/envbuild/search_state.py",
    "controllers/envbuild/strategy_order.py",
    "controllers/envbuild/budget.py",
    "controllers/envbuild/round_transitions.py",
    "grading/verdict.py",
)
TESTS = (
    "tests/unit/workloads",
    "tests/unit/controllers/taskinstance",
    "tests/unit/controllers/envbuild",
    "tests/unit/grading",
)

TEXT = re.compile(r'"([^"]*)"')


@dataclass(frozen=True)
class Survivor:
    """A mutant that no test noticed."""

    function: str
    line: str
    """The changed line."""
    diff: str
    wording: bool = False
    """Only a sentence changed: a text in quotes that has a space in it."""

    @classmethod
    def read(cls, name: str) -> Self:
        """Ask mutmut for one mutant."""
        diff = mutmut("show", name)
        removed, added = (
            [line[1:].strip() for line in diff.splitlines() if re.match(pattern, line)]
            for pattern in (r"-(?!--)", r"\+(?!\+\+)")
        )
        wording = [without_sentences(line) for line in removed] == [without_sentences(line) for line in added]
        return cls(function_of(name), added[0] if added else "", diff, wording)

    def argued_in(self, rows: list[str]) -> bool:
        """Whether a row of docs/mutation.md names it."""
        return any(f"`{self.function}`" in row and f"`{self.line}`" in row for row in rows)


def main() -> int:
    """Print the survivors that docs/mutation.md does not list, as diffs; exit with 1 if there are any."""
    stage()
    run = subprocess.run([MUTMUT, "run"], cwd=STAGE, env=environment(), check=False)
    if run.returncode != 0:
        return run.returncode
    rows = (ROOT / "docs" / "mutation.md").read_text("utf-8").splitlines()
    survivors = [Survivor.read(name) for name in names_of_survivors()]
    survivors = [survivor for survivor in survivors if not survivor.wording]
    new = [survivor for survivor in survivors if not survivor.argued_in(rows)]
    for survivor in new:
        print(f"\n{survivor.function}\n{survivor.diff}")
    print(
        f"{len(survivors)} mutants survived, changed sentences aside; docs/mutation.md lists all but {len(new)}."
    )
    return 1 if new else 0


def without_sentences(line: str) -> str:
    """A line of code without the texts that have a space in them."""
    return TEXT.sub(lambda text: "" if " " in text[1] else text[0], line)


def function_of(name: str) -> str:
    """``swefoundry.grading.verdict.x_grade__mutmut_3`` -> ``grading.verdict.grade``."""
    module, _, mangled = name.rpartition("__mutmut_")[0].removeprefix("swefoundry.").rpartition(".")
    return f"{module}.{mangled.removeprefix('x').removeprefix('_').strip('ǁ').replace('ǁ', '.')}"


def stage() -> None:
    """Copy the sources, the tests and the configuration."""
    shutil.rmtree(STAGE, ignore_errors=True)
    ignored = shutil.ignore_patterns("__pycache__", "*.egg-info")
    shutil.copytree(ROOT / "operator", STAGE / "src", ignore=ignored)
    shutil.copytree(ROOT / "tests", STAGE / "tests", ignore=ignored)
    config = {
        "source_paths": ["src"],
        "only_mutate": [f"src/swefoundry/{module}" for module in MODULES],
        "pytest_add_cli_args": ["-o", "pythonpath=src tests", "-p", "no:cacheprovider"],
        "pytest_add_cli_args_test_selection": list(TESTS),
        "use_git_change_detection": False,
    }
    lines = [
        f"{key} = {str(value).lower() if isinstance(value, bool) else value}" for key, value in config.items()
    ]
    project = (ROOT / "pyproject.toml").read_text("utf-8")
    (STAGE / "pyproject.toml").write_text(project + "\n[tool.mutmut]\n" + "\n".join(lines) + "\n", "utf-8")


def names_of_survivors() -> list[str]:
    """Names of the mutants that no test noticed, those that no test reached included."""
    results = (line.strip().rpartition(": ") for line in mutmut("results").splitlines())
    return [name for name, _, outcome in results if outcome in ("survived", "no tests")]


def mutmut(*arguments: str) -> str:
    """Output of one mutmut command."""
    return subprocess.run(
        [MUTMUT, *arguments], cwd=STAGE, env=environment(), check=True, capture_output=True, text=True
    ).stdout


def environment() -> dict[str, str]:
    """The environment without a path to the checkout's own sources."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}


if __name__ == "__main__":
    sys.exit(main())
