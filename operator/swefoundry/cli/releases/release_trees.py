"""Gold and test patch between two folders, made by git: with binary files, file modes and links.

Three trees are compared: OLD, OLD with the tests of NEW, and that tree with the rest of NEW except generated files. The
test patch is the difference of the first two, the gold patch of the last two; each path is in one of them only, unless
it is a Rust file with test modules, which belong to the test patch.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from swefoundry.cli.releases.rust_test_items import with_test_items
from swefoundry.cli.releases.rust_test_modules import with_test_modules
from swefoundry.cli.releases.splitting import ChangePart
from swefoundry.git import Git, GitFailed, GitTimeLimit

DIFF = (
    *("diff", "--binary", "--full-index", "--no-renames", "--no-ext-diff", "--no-textconv", "--no-color"),
    *("--src-prefix=a/", "--dst-prefix=b/"),
)
ATTRIBUTES = "* !text !eol !crlf !ident !filter !working-tree-encoding !diff !merge\n"
"""Overrides attributes in the archives, which could convert line ends or hide differences."""


class ReleaseDiffFailed(Exception):
    """git failed or did not end; the message says which command, and why."""


@dataclass(frozen=True)
class ChangedPath:
    """One changed path."""

    path: bytes
    mode: bytes
    """``0`` when the file was deleted."""
    blob: bytes
    old_blob: bytes
    """Zeros when the file was added."""

    @property
    def name(self) -> str:
        return self.path.decode("utf-8", "surrogateescape")


@dataclass(frozen=True)
class Patches:
    gold: bytes
    tests: bytes


async def split_patches(old: Path, new: Path, scratch: Path, part_of: Callable[[str], ChangePart]) -> Patches:
    """Gold and test patch from ``old`` to ``new``; ``scratch`` is the path of a folder to be created."""
    git = TreeRepository(scratch)
    await git.init()
    before, after = await git.tree_of(old), await git.tree_of(new)
    changes = await git.changes(before, after)
    tests = [change for change in changes if part_of(change.name) is ChangePart.TEST]
    fix = [change for change in changes if part_of(change.name) is ChangePart.FIX]
    modules = [each for change in fix if (each := await git.change_of_inner_tests(change)) is not None]
    with_tests = await git.tree_with(before, [*tests, *modules])
    with_all = await git.tree_with(with_tests, fix)
    return Patches(
        gold=await git.run(*DIFF, with_tests, with_all),
        tests=await git.run(*DIFF, before, with_tests),
    )


class TreeRepository:
    """A git repository that holds only trees and ignores the user's configuration."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.absolute()

    async def init(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        await self.run("init", "--quiet", "--bare")
        (self._folder / "info").mkdir(exist_ok=True)
        (self._folder / "info" / "attributes").write_text(ATTRIBUTES)

    async def tree_of(self, work: Path) -> str:
        """Tree of everything in the folder, ignored files included, byte for byte."""
        await self.run("read-tree", "--empty")
        await self.run("add", "--all", "--force", ".", work=work)
        return (await self.run("write-tree")).decode().strip()

    async def changes(self, before: str, after: str) -> list[ChangedPath]:
        """Changed paths. Line ends alone are no change: releases of one project were packed on different systems."""
        output = await self.run(
            "diff-tree", "-r", "-z", "--raw", "--no-renames", "--no-abbrev", before, after
        )
        fields = output.split(b"\0")[:-1]
        found = [_change(head, path) for head, path in zip(fields[::2], fields[1::2], strict=True)]
        counted = await self.run(
            *("diff", "--numstat", "-z", "--ignore-cr-at-eol", "--no-renames", "--no-ext-diff"), before, after
        )
        differing = {line.split(b"\t", 2)[2] for line in counted.split(b"\0")[:-1]}
        return [change for change in found if change.path in differing]

    async def tree_with(self, base: str, changes: Iterable[ChangedPath]) -> str:
        await self.run("read-tree", base)
        lines = b"".join(b"%s %s\t%s\0" % (each.mode, each.blob, each.path) for each in changes)
        await self.run("update-index", "-z", "--index-info", stdin=lines)
        return (await self.run("write-tree")).decode().strip()

    async def change_of_inner_tests(self, change: ChangedPath) -> ChangedPath | None:
        """The change of the tests within a Rust file alone; None where they are as before."""
        if not change.path.endswith(b".rs") or change.mode == b"0" or not change.old_blob.strip(b"0"):
            return None
        old, new = [
            await self.run("cat-file", "blob", each.decode()) for each in (change.old_blob, change.blob)
        ]
        with_modules = with_test_modules(old, new)
        with_items = with_test_items(old if with_modules is None else with_modules, new)
        mixed = with_modules if with_items is None else with_items
        if mixed is None:
            return None
        blob = await self.run("hash-object", "-w", "--stdin", stdin=mixed)
        return replace(change, blob=blob.strip())

    async def run(self, *args: str, work: Path | None = None, stdin: bytes = b"") -> bytes:
        environment = {"GIT_DIR": str(self._folder)} | ({"GIT_WORK_TREE": str(work)} if work else {})
        try:
            return await Git(work or self._folder, environment=environment).run(*args, stdin=stdin)
        except (GitFailed, GitTimeLimit) as error:
            raise ReleaseDiffFailed(str(error)) from error


def _change(head: bytes, path: bytes) -> ChangedPath:
    _, mode, old_blob, blob, status = head.lstrip(b":").split(b" ")
    return ChangedPath(path, b"0" if status == b"D" else mode, blob, old_blob)
