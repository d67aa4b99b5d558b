"""Fetch submodules at their recorded commits, and put their files into the tree in place of their gitlinks.

Afterwards they are ordinary files: the clean tree keeps one commit, one .git and no remote. The content of a submodule
is as hostile as the source's own, so it comes in by the same way: http and https only, one commit, git's own checks of
paths, the limits of an intake. Nesting and number are bounded.
"""

import asyncio
import itertools
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from swefoundry.git import Git, GitFailed
from swefoundry.patches.parsed_patch import GITLINK_MODE
from swefoundry.programs.intake.commits import fetch_objects
from swefoundry.programs.intake.intake_errors import IntakeRejected, NoSuchRepository, source_mismatch
from swefoundry.programs.intake.limits import MAX_SUBMODULE_DEPTH, MAX_SUBMODULES, RetryPolicy
from swefoundry.programs.intake.submodule_urls import parse_gitmodules, resolve_url, submodule_remote

_NO_OBJECT = "0" * 40


@dataclass
class SubmoduleFetcher:
    """Fetches submodules of one source into repositories of their own under ``folder``."""

    url: str
    token: str | None
    folder: Path
    retry: RetryPolicy
    mirrors: Mapping[str, str] | None = None
    commits: dict[bytes, str] = field(default_factory=dict)
    """Path -> commit of what was fetched for the base; nested ones have their whole path."""
    unmapped: list[bytes] = field(default_factory=list)
    """Gitlinks that .gitmodules does not name; git cannot fetch them either."""
    _numbers: Callable[[], int] = field(default_factory=lambda: itertools.count().__next__)

    async def embed_all(self, git: Git, tree: str) -> str:
        """The tree with the files of all submodules in place of their gitlinks."""
        links = await gitlinks(git, tree)
        if not links:
            return tree
        urls = await gitmodules(git, f"{tree}:.gitmodules")
        await git.run("read-tree", tree)
        for path, commit in links.items():
            await self.embed(git, path, commit, urls)
        return await git.line("write-tree")

    async def embed(self, git: Git, path: bytes, commit: str, urls: dict[bytes, str]) -> None:
        """Replace the gitlink at ``path`` in the index by the files of the submodule and those nested in it."""
        if path not in urls:
            self.unmapped.append(path)
            return
        pending = [(path, commit, urls[path], self.url, 1)]
        while pending:
            path, commit, url, base, depth = pending.pop()
            if depth > MAX_SUBMODULE_DEPTH or len(self.commits) >= MAX_SUBMODULES:
                raise source_mismatch(
                    f"submodule {_shown(path)}: more than {MAX_SUBMODULES} submodules or "
                    f"{MAX_SUBMODULE_DEPTH} levels are not fetched"
                )
            address = resolve_url(base, url)
            fetched = await self._fetch(path, address, commit)
            await _add_objects(git, fetched)
            await _replace(git, path, commit)
            self.commits[path] = commit
            links = await gitlinks(fetched, commit)
            nested = await gitmodules(fetched, f"{commit}:.gitmodules") if links else {}
            for inner, inner_commit in links.items():
                if inner in nested:
                    pending.append((path + b"/" + inner, inner_commit, nested[inner], address, depth + 1))
                else:
                    self.unmapped.append(path + b"/" + inner)

    async def _fetch(self, path: bytes, url: str, commit: str) -> Git:
        try:
            try:
                return await self._fetch_from(url, commit)
            except NoSuchRepository:
                # Hosts that serve folders know a repository by its whole name alone.
                if url.endswith(".git"):
                    raise
                return await self._fetch_from(f"{url.rstrip('/')}.git", commit)
        except IntakeRejected as error:
            raise IntakeRejected(error.code, f"submodule {_shown(path)}: {error}") from error

    async def _fetch_from(self, url: str, commit: str) -> Git:
        source = submodule_remote(self.url, url, self.token, self.mirrors)
        return await fetch_objects(self.folder / f"submodule{self._numbers()}", source, commit, self.retry)

    def forget(self, path: bytes) -> None:
        """A patch removes the submodule, and those nested in it."""
        for known in [each for each in self.commits if each == path or each.startswith(path + b"/")]:
            del self.commits[known]


async def gitlinks(git: Git, tree: str) -> dict[bytes, str]:
    """Path -> commit of every gitlink of a tree."""
    listed = await git.run("ls-tree", "-r", "-z", tree)
    found: dict[bytes, str] = {}
    for line in filter(None, listed.split(b"\0")):
        fields, _, path = line.partition(b"\t")
        mode, _, oid = fields.split(b" ")
        if mode == GITLINK_MODE:
            found[path] = oid.decode()
    return found


async def gitmodules(git: Git, blob: str) -> dict[bytes, str]:
    """Path -> URL of .gitmodules; empty when there is none or it cannot be parsed."""
    try:
        return parse_gitmodules(await git.run("config", "--blob", blob, "--list", "-z"))
    except GitFailed:
        return {}


async def _remove_from_index(git: Git, path: bytes) -> None:
    """Take everything at and below ``path`` out of the index."""
    listed = await git.run("ls-files", "-z", "--", f":(top,literal){os.fsdecode(path)}")
    paths = [each for each in listed.split(b"\0") if each]
    lines = b"".join(b"0 %b\t%b\0" % (_NO_OBJECT.encode(), each) for each in paths)
    await git.run("update-index", "-z", "--index-info", stdin=lines)


async def _replace(git: Git, path: bytes, commit: str) -> None:
    await _remove_from_index(git, path)
    try:
        await git.run("read-tree", f"--prefix={os.fsdecode(path)}/", f"{commit}^{{tree}}")
    except GitFailed as error:
        raise source_mismatch(f"submodule {_shown(path)}: {error.stderr.strip()[:300]}") from error


async def _add_objects(git: Git, other: Git) -> None:
    """Let ``git`` read the objects of another repository; whoever packs the tree copies what it needs."""
    alternates = git.folder / ".git/objects/info/alternates"

    def add() -> None:
        alternates.parent.mkdir(parents=True, exist_ok=True)
        with alternates.open("a") as handle:
            handle.write(f"{other.folder}/objects\n")

    await asyncio.to_thread(add)


def _shown(path: bytes) -> str:
    return path.decode("utf-8", "backslashreplace")[:200]
