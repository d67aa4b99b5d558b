"""Fetch the files of Git LFS, and put them into the tree in place of their pointer files.

The batch API tells where each file is: https://github.com/git-lfs/git-lfs/blob/main/docs/api/batch.md. Answers are
hostile input: URLs must be http or https, and each file must have the size and the sha256 of its pointer.
``.lfsconfig``, which could name any other server, is not read.
"""

import asyncio
import itertools
import os
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from swefoundry.git import Git, GitFailed
from swefoundry.programs.intake.download import post_json, stream_to_file
from swefoundry.programs.intake.intake_errors import source_mismatch, unreachable_source
from swefoundry.programs.intake.lfs_pointers import (
    MAX_POINTER_BYTES,
    POINTER_VERSION,
    LfsPointer,
    parse_pointer,
)
from swefoundry.programs.intake.limits import LFS_BYTES, RetryPolicy
from swefoundry.programs.intake.remotes import Remote
from swefoundry.programs.intake.retry import with_retries

_MEDIA_TYPE = "application/vnd.git-lfs+json"
_BATCH = 100
"""Files asked for at once, as git-lfs does."""


class _Action(BaseModel):
    href: str
    header: dict[str, str] = {}


class _BatchObject(BaseModel):
    oid: str
    actions: dict[str, _Action] = {}
    error: dict[str, Any] | None = None


class _BatchAnswer(BaseModel):
    objects: list[_BatchObject]


@dataclass
class LfsFetcher:
    """Fetches files of one source's LFS server."""

    source: Remote
    folder: Path
    retry: RetryPolicy
    pointers: dict[bytes, LfsPointer] = field(default_factory=dict)
    """Path -> the pointer that the tree had."""
    _bytes: int = 0

    async def fetch_all(self, git: Git, tree: str) -> str:
        """The tree with the files in place of their pointers."""
        found = await pointers_of(git, tree)
        if not found:
            return tree
        await git.run("read-tree", tree)
        await self.fetch(git, found)
        return await git.line("write-tree")

    async def fetch(self, git: Git, found: dict[bytes, LfsPointer]) -> None:
        """Replace pointers in the index."""
        self._bytes += sum(pointer.size for pointer in found.values())
        if self._bytes > LFS_BYTES:
            raise source_mismatch(f"the files of Git LFS are larger than {LFS_BYTES >> 20} MiB")
        by_oid = {pointer.oid: pointer for pointer in found.values()}
        blobs: dict[str, str] = {}
        for batch in _batches(sorted(by_oid)):
            for oid, action in (await self._locate([by_oid[oid] for oid in batch])).items():
                blobs[oid] = await self._download(git, by_oid[oid], action)
        await _set_blobs(git, {path: blobs[pointer.oid] for path, pointer in found.items()})
        self.pointers |= found

    async def restore_pointers(self, git: Git, paths: Collection[bytes]) -> None:
        """Put the pointers of ``paths`` back, so that a patch that changes pointers applies."""
        known = {path: self.pointers.pop(path) for path in paths if path in self.pointers}
        blobs = {}
        for path, pointer in known.items():
            written = await git.run("hash-object", "-w", "--no-filters", "--stdin", stdin=pointer.content)
            blobs[path] = written.decode().strip()
        await _set_blobs(git, blobs)
        await check_out(git, blobs)

    async def fetch_changed(self, git: Git, paths: Collection[bytes]) -> None:
        """Replace the pointers that a patch left at ``paths``, in index and work tree."""
        found = {path: each for path, each in (await pointers_of(git)).items() if path in paths}
        if found:
            await self.fetch(git, found)
            await check_out(git, found)

    async def _locate(self, pointers: list[LfsPointer]) -> dict[str, _Action]:
        body = {
            "operation": "download",
            "transfers": ["basic"],
            "objects": [{"oid": pointer.oid, "size": pointer.size} for pointer in pointers],
        }
        url = f"{self.source.fetch_url.removesuffix('/').removesuffix('.git')}.git/info/lfs/objects/batch"
        headers = {"Accept": _MEDIA_TYPE, "Content-Type": _MEDIA_TYPE} | self.source.login_headers
        answer = await with_retries(self.retry, lambda: post_json(url, body, headers))
        try:
            objects = {each.oid: each for each in _BatchAnswer.model_validate(answer).objects}
        except ValidationError as error:
            raise unreachable_source(f"{url} gave no answer of Git LFS") from error
        located = {}
        for pointer in pointers:
            action = objects[pointer.oid].actions.get("download") if pointer.oid in objects else None
            if action is None:
                raise source_mismatch(f"{url} does not have the file {pointer.oid} of Git LFS")
            located[pointer.oid] = action
        return located

    async def _download(self, git: Git, pointer: LfsPointer, action: _Action) -> str:
        target = self.folder / "lfs-file"
        sha256 = await with_retries(
            self.retry, lambda: stream_to_file(action.href, target, pointer.size, action.header)
        )
        if sha256 != pointer.oid:
            raise source_mismatch(
                f"the file of Git LFS at {action.href} has sha256 {sha256}, not {pointer.oid}"
            )
        blob = await git.line("hash-object", "-w", "--no-filters", "--", str(target))
        await asyncio.to_thread(target.unlink)
        return blob


async def pointers_of(git: Git, tree: str = "--cached") -> dict[bytes, LfsPointer]:
    """Every pointer file of a tree, or of the index."""
    try:
        listed = await git.run("grep", "-l", "-z", "-F", "-e", POINTER_VERSION, tree, "--")
    except GitFailed as error:
        if not error.stderr:
            return {}  # git grep ends with 1 when nothing matches
        raise
    prefix = b"" if tree == "--cached" else tree.encode() + b":"
    found: dict[bytes, LfsPointer] = {}
    for path in [each.removeprefix(prefix) for each in listed.split(b"\0") if each]:
        name = f"{'' if tree == '--cached' else tree}:{os.fsdecode(path)}"
        if int(await git.line("cat-file", "-s", name)) > MAX_POINTER_BYTES:
            continue
        if (pointer := parse_pointer(await git.run("cat-file", "blob", name))) is not None:
            found[path] = pointer
    return found


async def check_out(git: Git, paths: Collection[bytes]) -> None:
    """Write files of the index to the work tree."""
    await git.run("checkout-index", "-f", "-z", "--stdin", stdin=b"".join(path + b"\0" for path in paths))


async def _set_blobs(git: Git, blobs: dict[bytes, str]) -> None:
    """Give paths of the index other content; their modes stay."""
    lines = []
    for entry in filter(None, (await git.run("ls-files", "--stage", "-z")).split(b"\0")):
        fields, _, path = entry.partition(b"\t")
        if path in blobs:
            lines.append(b"%b %b\t%b\0" % (fields.split(b" ")[0], blobs[path].encode(), path))
    await git.run("update-index", "-z", "--index-info", stdin=b"".join(lines))


def _batches(oids: list[str]) -> Iterator[tuple[str, ...]]:
    remaining = iter(oids)
    while batch := tuple(itertools.islice(remaining, _BATCH)):
        yield batch
