"""Two release trees as one task: which files are tests, what the source says (facts), how the stages are laid out."""

import filecmp
import shutil
from dataclasses import dataclass
from pathlib import Path

from swefoundry.cli.releases.splitting import ChangePart, path_classifier
from swefoundry.contracts.facts import Facts
from swefoundry.programs.intake.fact_collector import collect_facts, with_test_facts

_PART_OF = path_classifier()


@dataclass(frozen=True)
class Task:
    """What turns the old tree into the new one, split by what is a test."""

    old: Path
    new: Path
    test_changes: tuple[str, ...]
    gold_changes: tuple[str, ...]
    removed: tuple[str, ...]

    def lay(self, testbed: Path, changes: tuple[str, ...]) -> None:
        """Copy changed files of the new tree over a testbed."""
        for path in changes:
            target = testbed / path
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(self.new / path, target)


def task(old: Path, new: Path) -> Task:
    """Compare two trees."""
    before, after = _files(old), _files(new)
    changed = [
        path
        for path in sorted(after)
        if path not in before or not filecmp.cmp(old / path, new / path, shallow=False)
    ]
    tests = tuple(path for path in changed if _PART_OF(path) is ChangePart.TEST)
    gold = tuple(path for path in changed if _PART_OF(path) is ChangePart.FIX)
    return Task(old, new, tests, gold, tuple(sorted(before - after)))


def _files(tree: Path) -> set[str]:
    paths = (
        str(path.relative_to(tree)) for path in tree.rglob("*") if path.is_file() and not path.is_symlink()
    )
    return {path for path in paths if _PART_OF(path) is not ChangePart.GENERATED}


def facts(work: Task, version: str) -> Facts:
    """What intake says about the old tree and the test patch, without what only a release archive has."""
    paths = sorted(_files(work.old))
    source_facts = collect_facts(paths, lambda path: (work.old / path).read_bytes(), None, version)
    return with_test_facts(
        source_facts, work.test_changes, (), _files(work.new), lambda path: (work.new / path).read_bytes()
    )
