"""Small git repositories of our own making, and what is on disk in a checkout of theirs."""

import os
import shutil
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from swefoundry.oci.deterministic_tar import RegularFile, Symlink

Files = Mapping[str, bytes]
Edit = Callable[[Path], None]

_ENVIRONMENT = {
    "PATH": os.environ["PATH"],
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_AUTHOR_NAME": "A",
    "GIT_AUTHOR_EMAIL": "a@localhost",
    "GIT_COMMITTER_NAME": "A",
    "GIT_COMMITTER_EMAIL": "a@localhost",
    "GIT_AUTHOR_DATE": "1700000000 +0000",
    "GIT_COMMITTER_DATE": "1700000000 +0000",
}


def git(folder: Path, *arguments: str, stdin: bytes = b"") -> bytes:
    done = subprocess.run(
        ["git", *arguments], cwd=folder, env=_ENVIRONMENT, input=stdin, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


@dataclass(frozen=True)
class Repository:
    """A work repository under a git server's root; the server serves its .git folder as NAME.git."""

    root: Path
    served: Path

    @classmethod
    def start(cls, work: Path, served: Path) -> "Repository":
        work.mkdir(parents=True)
        git(work, "init", "-q", "-b", "main", ".")
        served.parent.mkdir(parents=True, exist_ok=True)
        served.symlink_to(work / ".git")
        return cls(work, served)

    def commit(self, edit: Edit) -> str:
        edit(self.root)
        git(self.root, "add", "-A", "-f", ".")
        git(self.root, "commit", "-q", "--allow-empty", "-m", "a change")
        return git(self.root, "rev-parse", "HEAD").decode().strip()

    def diff(self, old: str, new: str) -> bytes:
        return git(self.root, "diff", "--binary", "-M", "--no-textconv", "--no-ext-diff", old, new)

    def checkout(self, commit: str, target: Path) -> dict[bytes, RegularFile | Symlink]:
        """The truth: what git puts on disk for a commit."""
        target.mkdir()
        shutil.copytree(self.root / ".git", target / ".git")
        git(target, "checkout", "-q", "-f", commit)
        git(target, "clean", "-q", "-f", "-d", "-x")
        return on_disk(target)


def on_disk(root: Path) -> dict[bytes, RegularFile | Symlink]:
    """Every file and link below ``root`` but for its .git."""
    found: dict[bytes, RegularFile | Symlink] = {}
    base = os.fsencode(root)
    for folder, folders, names in os.walk(base):
        if folder == base:
            folders.remove(b".git")
        for name in [*names, *(f for f in folders if os.path.islink(os.path.join(folder, f)))]:
            place = os.path.join(folder, name)
            path = os.path.relpath(place, base)
            if os.path.islink(place):
                found[path] = Symlink(os.readlink(place))
            else:
                content = Path(os.fsdecode(place)).read_bytes()
                found[path] = RegularFile(content, executable=bool(os.lstat(place).st_mode & 0o100))
    return found


def writing(files: Files) -> Edit:
    """An edit that writes files."""

    def edit(root: Path) -> None:
        for name, content in files.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)

    return edit


def nothing(root: Path) -> None:
    pass


def removing(*names: str) -> Edit:
    def edit(root: Path) -> None:
        for name in names:
            (root / name).unlink()

    return edit


def renaming(old: str, new: str, content: bytes | None = None) -> Edit:
    def edit(root: Path) -> None:
        (root / new).parent.mkdir(parents=True, exist_ok=True)
        (root / old).rename(root / new)
        if content is not None:
            (root / new).write_bytes(content)

    return edit


def linking(name: str, target: str) -> Edit:
    def edit(root: Path) -> None:
        (root / name).unlink(missing_ok=True)
        (root / name).symlink_to(target)

    return edit


def mode(name: str, bits: int) -> Edit:
    return lambda root: (root / name).chmod(bits)


def both(*edits: Edit) -> Edit:
    def edit(root: Path) -> None:
        for one in edits:
            one(root)

    return edit


TEXT = b"one\ntwo\nthree\nfour\nfive\nsix\nseven\neight\n"
