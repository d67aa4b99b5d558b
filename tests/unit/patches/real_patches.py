"""Patches that git and diff write of two trees, in a folder of their own."""

import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from unit.programs.intake.repositories import git, writing

SUBMODULE = "1" * 40


@dataclass(frozen=True)
class TwoCommits:
    """A repository with a base and a fix."""

    root: Path
    base: str
    fix: str

    def diff(self, *options: str) -> bytes:
        return git(self.root, "diff", *options, self.base, self.fix)

    def applies(self, patch: bytes) -> bool:
        """Whether ``git apply`` makes the tree of the fix of the base's."""
        git(self.root, "checkout", "-q", "-f", self.base)
        done = subprocess.run(
            ["git", "apply", "--index", "-p1", "-"], cwd=self.root, input=patch, capture_output=True
        )
        tree = git(self.root, "write-tree").strip()
        git(self.root, "reset", "-q", "--hard", self.base)
        return done.returncode == 0 and tree == git(self.root, "rev-parse", f"{self.fix}^{{tree}}").strip()


def two_commits(root: Path, base: Mapping[str, bytes], fix: Mapping[str, bytes]) -> TwoCommits:
    root.mkdir(parents=True, exist_ok=True)
    git(root, "init", "-q", "-b", "main", ".")
    return TwoCommits(root, _commit(root, base), _commit(root, fix))


def _commit(root: Path, files: Mapping[str, bytes]) -> str:
    writing(files)(root)
    git(root, "add", "-A", "-f", ".")
    git(root, "commit", "-q", "--allow-empty", "-m", "a change")
    return git(root, "rev-parse", "HEAD").decode().strip()


def with_a_submodule(root: Path) -> TwoCommits:
    """A repository in which the fix moves the submodule ``helper`` to another commit."""
    repository = two_commits(root, {"a": b"1\n"}, {"a": b"1\n"})
    commits = []
    for commit in (SUBMODULE, "2" * 40):
        git(root, "update-index", "--add", "--cacheinfo", f"160000,{commit},helper")
        git(root, "commit", "-q", "-m", "a submodule")
        commits.append(git(root, "rev-parse", "HEAD").decode().strip())
    return TwoCommits(repository.root, *commits)


def merged(root: Path) -> bytes:
    """The patch of a merge in which a conflict was resolved by hand, as ``git log -p --cc`` writes it."""
    repository = two_commits(root, {"names": b"one\ntwo\nthree\n"}, {"names": b"one\ndeux\nthree\n"})
    git(root, "checkout", "-q", "-b", "other", repository.base)
    _commit(root, {"names": b"one\nTWO\nthree\n"})
    git(root, "checkout", "-q", "main")
    subprocess.run(["git", "merge", "-q", "other"], cwd=root, capture_output=True)
    _commit(root, {"names": b"one\nzwei\nthree\n"})
    return git(
        root, "log", "-p", "--cc", "--reverse", "--format=", f"{repository.base}..HEAD", "--first-parent"
    )
