"""The differences of two release trees as a task: changed test files, changed other files, and facts of the source."""

import filecmp
import shutil
from dataclasses import dataclass
from pathlib import Path

from swefoundry.cli.releases.splitting import ChangePart, path_classifier
from swefoundry.contracts.facts import Facts
from swefoundry.programs.intake.fact_collector import collect_facts, with_test_facts

_PART_OF = path_classifier()


@dataclass(frozen=True)
class ReleaseTask:
    """Files that differ between two trees, split into tests and fix."""

    old: Path
    new: Path
    test_changes: tuple[str, ...]
    gold_changes: tuple[str, ...]
    removed: tuple[str, ...]

    def copy_files(self, testbed: Path, changes: tuple[str, ...]) -> None:
        """Copy changed files of the new tree to a testbed."""
        for path in changes:
            target = testbed / path
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(self.new / path, target)


def compare_releases(old: Path, new: Path) -> ReleaseTask:
    """Compare the trees of two releases."""
    before, after = _files(old), _files(new)
    changed = [
        path
        for path in sorted(after)
        if path not in before or not filecmp.cmp(old / path, new / path, shallow=False)
    ]
    tests = tuple(path for path in changed if _PART_OF(path) is ChangePart.TEST)
    gold = tuple(path for path in changed if _PART_OF(path) is ChangePart.FIX)
    return ReleaseTask(old, new, tests, gold, tuple(sorted(before - after)))


def _files(tree: Path) -> set[str]:
    paths = (
        str(path.relative_to(tree)) for path in tree.rglob("*") if path.is_file() and not path.is_symlink()
    )
    return {path for path in paths if _PART_OF(path) is not ChangePart.GENERATED}


def collect_source_facts(task: ReleaseTask, version: str) -> Facts:
    """The facts that intake would collect for the old tree and the test patch, without those of release archives."""
    paths = sorted(_files(task.old))
    source_facts = collect_facts(paths, lambda path: (task.old / path).read_bytes(), None, version)
    return with_test_facts(
        source_facts,
        task.test_changes,
        _files(task.old),
        _files(task.new),
        lambda path: (task.new / path).read_bytes(),
    )
