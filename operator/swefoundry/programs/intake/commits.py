"""Fetch one commit of a git repository, and find the nearest tag at or before it.

The server is asked for exactly the commit, without history. A server that serves branches only is asked
for everything. The tag needs history, but no content: ``--filter=tree:0`` brings commits alone.
"""

import asyncio
import re
from dataclasses import dataclass
from pathlib import Path

from swefoundry.contracts.intake import GitOrigin
from swefoundry.git import Git, GitFailed, GitTimeLimit
from swefoundry.programs.intake.intake_errors import (
    HostUnavailable,
    IntakeRejected,
    missing_source,
    source_mismatch,
    unreachable_source,
)
from swefoundry.programs.intake.limits import GIT_SECONDS, HISTORY_SECONDS, RetryPolicy
from swefoundry.programs.intake.remotes import (
    Remote,
    classify_git_error,
    needs_full_fetch,
    pause_in_trace,
    remote,
    unknown_commit,
)
from swefoundry.programs.intake.retry import with_retries

_BRANCHES = "+refs/heads/*:refs/heads/*"
_TAGS = "+refs/tags/*:refs/tags/*"
_RELEASE = "*[0-9]*"
"""Tags without a digit (latest, stable) say nothing about a version."""


@dataclass(frozen=True)
class FetchedCommit:
    """A repository that holds the commit, and the name of the nearest tag at or before it."""

    git: Git
    commit: str
    tag: str | None


async def fetch_commit(origin: GitOrigin, folder: Path, retry: RetryPolicy) -> FetchedCommit:
    """Fetch the origin's commit into a new bare repository under ``folder``."""
    commit = origin.commit
    if not re.fullmatch(r"[0-9a-f]{40}", commit):
        raise source_mismatch(f"{commit!r} is not a full commit id (40 hexadecimal digits)")
    source = remote(origin.url, await read_token(origin), origin.mirrors)
    git = await _init_bare(folder / "fetched", source)
    whole = await with_retries(retry, lambda: _fetch_commit_or_all(git, source, commit))
    await _require_commit(git, source, commit)
    tag = (
        await _describe_tag(git, commit)
        if whole
        else await _tag_from_history(folder / "history", source, commit)
    )
    return FetchedCommit(git, commit, tag)


async def fetch_objects(folder: Path, source: Remote, commit: str, retry: RetryPolicy) -> Git:
    """Fetch a commit without looking for its tag, into a new bare repository."""
    git = await _init_bare(folder, source)
    await with_retries(retry, lambda: _fetch_commit_or_all(git, source, commit))
    await _require_commit(git, source, commit)
    return git


async def read_token(origin: GitOrigin) -> str | None:
    """The token that is mounted into the pod; None when the origin names none."""
    if origin.token_file is None:
        return None
    try:
        return (await asyncio.to_thread(Path(origin.token_file).read_text)).strip()
    except FileNotFoundError as error:
        raise missing_source(origin.token_named or "the git token") from error
    except (OSError, UnicodeDecodeError) as error:
        raise unreachable_source(f"the git token cannot be read: {error}") from error


async def _init_bare(folder: Path, source: Remote) -> Git:
    await asyncio.to_thread(folder.mkdir, parents=True)
    # What git prints has the server's words, but not its headers. Logins are left out of the trace by git.
    trace = {"GIT_TRACE_CURL": str(_trace_path(folder)), "GIT_TRACE_CURL_NO_DATA": "1"}
    git = Git(folder, source.settings, trace)
    await git.run("init", "--quiet", "--bare", "--template=", ".")
    return git


async def _fetch_commit_or_all(git: Git, source: Remote, commit: str) -> bool:
    """Fetch the commit alone, or everything where the server refuses that; True when it was everything."""
    try:
        await _fetch(git, source, "--depth=1", "--no-tags", source.fetch_url, commit)
        return False
    except GitFailed as error:
        if not needs_full_fetch(error.stderr):
            raise await _fetch_error(git, error, source, commit) from error
    try:
        await _fetch(git, source, source.fetch_url, _BRANCHES, _TAGS)
        return True
    except GitFailed as error:
        raise await _fetch_error(git, error, source, commit) from error


async def _fetch_error(
    git: Git, error: GitFailed, source: Remote, commit: str
) -> IntakeRejected | HostUnavailable:
    trace = await asyncio.to_thread(_read_trace, _trace_path(git.folder))
    return classify_git_error(error.stderr, source, commit, pause_in_trace(trace))


def _trace_path(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.trace")


def _read_trace(path: Path) -> str:
    """The trace; "" when git ended before it made a request."""
    return path.read_text(errors="replace") if path.exists() else ""


async def _fetch(git: Git, source: Remote, *arguments: str, seconds: float = GIT_SECONDS) -> None:
    try:
        await git.run("fetch", "--quiet", "--no-recurse-submodules", *arguments, seconds=seconds)
    except GitTimeLimit as error:
        raise source.unavailable(
            f"is slow: a fetch took longer than {seconds:g} seconds", after=0.0
        ) from error


async def _require_commit(git: Git, source: Remote, commit: str) -> None:
    try:
        kind = await git.line("cat-file", "-t", commit)
    except GitFailed as error:
        raise unknown_commit(source, commit) from error
    if kind != "commit":
        raise source_mismatch(f"{commit} is a {kind} in {source.named}, not a commit")


async def _tag_from_history(folder: Path, source: Remote, commit: str) -> str | None:
    """The nearest tag, by a fetch of history alone; None when there is no tag or the history cannot be fetched.

    A tag serves tools that take the version from git. Many projects need none, so a missing tag rejects no instance.
    """
    git = await _init_bare(folder, source)
    try:
        listed = await git.run("ls-remote", "--tags", source.fetch_url, seconds=HISTORY_SECONDS)
        if not listed.strip():
            return None
        history = ("--filter=tree:0", source.fetch_url, commit, _TAGS)
        await _fetch(git, source, *history, seconds=HISTORY_SECONDS)
    except (GitFailed, IntakeRejected, HostUnavailable):
        return None
    return await _describe_tag(git, commit)


async def _describe_tag(git: Git, commit: str) -> str | None:
    try:
        tag = await git.line("describe", "--tags", "--abbrev=0", "--match", _RELEASE, commit)
    except GitFailed:
        return None
    return tag if tag.isascii() else None
