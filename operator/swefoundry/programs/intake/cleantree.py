"""Make a clean tree of a source: a new repository with one commit, no remote and no other object.

Evaluations must not find the fix in the history. The tag nearest to the commit is created again on the one
commit, because many builds take their version from git. Author, dates and packing are fixed: the same
source gives the same bytes.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from swefoundry.git import Git, GitFailed
from swefoundry.programs.intake.intake_errors import source_mismatch
from swefoundry.programs.intake.workspace import remove

_CONFIG = """\
[core]
\trepositoryformatversion = 0
\tfilemode = true
\tbare = false
"""

_BRANCH = "refs/heads/main"
_DATE = "315619200 +0000"
_IDENTITY = {
    f"GIT_{role}_{what}": value
    for role in ("AUTHOR", "COMMITTER")
    for what, value in (("NAME", "swefoundry"), ("EMAIL", "swefoundry@localhost"), ("DATE", _DATE))
}

_NO_CONVERSION = "* -text -ident -filter -working-tree-encoding\n"
"""An archive holds files as they are on disk. Without this, git would turn CRLF into LF where .gitattributes says so,
and patches against the archive would not apply."""


TreeAddition = Callable[[Git, str], Awaitable[str]]
"""Makes a tree with further files of the tree of a commit."""


@dataclass(frozen=True)
class CleanTree:
    """A work tree with its repository, its one commit, and the tag on it."""

    git: Git
    commit: str
    """Made of the tree alone, as author, dates and message are fixed: equal trees have equal commits."""
    tag: str | None

    @property
    def root(self) -> Path:
        return self.git.folder


async def from_commit(
    fetched: Git, commit: str, root: Path, tag: str | None, additions: Sequence[TreeAddition] = ()
) -> CleanTree:
    """The tree of a commit, with the files of submodules and of Git LFS where they are fetched.

    Its objects are copied from the fetched repositories, so that it stays the same tree.
    """
    git = await _init_repository(root)
    alternates = root / ".git/objects/info/alternates"
    await _write(alternates, f"{fetched.folder}/objects\n")
    tree = await git.line("rev-parse", f"{commit}^{{tree}}")
    for addition in additions:
        tree = await addition(git, tree)
    clean_tree = await _commit(git, tree, tag)
    await asyncio.to_thread(alternates.unlink)
    await git.run("read-tree", "--reset", "-u", "HEAD")
    return await _finalize(clean_tree)


async def from_folder(root: Path, tag: str | None) -> CleanTree:
    """The tree of an extracted archive, in place."""
    git = await _init_repository(root)
    await _write(root / ".git/info/attributes", _NO_CONVERSION)
    try:
        await git.run("add", "--all", "--force", ".")
    except GitFailed as error:
        raise source_mismatch(
            f"the archive cannot be recorded by git: {error.stderr.strip()[:500]}"
        ) from error
    return await _finalize(await _commit(git, await git.line("write-tree"), tag))


async def from_source(root: Path) -> CleanTree:
    """A clean tree that an earlier intake made. Its git configuration is not trusted: it could name commands."""
    git = Git(root)
    await asyncio.to_thread(_remove_unsafe_files, root / ".git")
    await _write(root / ".git/config", _CONFIG)
    try:
        commit = await git.line("rev-parse", "--verify", "HEAD^{commit}")
        tags = (await git.run("tag", "--points-at", "HEAD")).decode("utf-8", "replace").split()
    except GitFailed as error:
        raise source_mismatch(
            f"the source artifact does not contain a clean tree: {error.stderr.strip()[:500]}"
        ) from error
    return CleanTree(git, commit, tags[0] if tags else None)


_KEPT_GIT_ENTRIES = ("HEAD", "index", "info", "objects", "packed-refs", "refs")


def _remove_unsafe_files(repository: Path) -> None:
    """Keep objects and refs alone: hooks, configuration, commondir and the like could name commands or folders."""
    if repository.is_symlink() or not repository.is_dir():
        raise source_mismatch("the source artifact does not contain a clean tree: it has no .git folder")
    for entry in repository.iterdir():
        if entry.name not in _KEPT_GIT_ENTRIES:
            remove(entry)


async def _init_repository(root: Path) -> Git:
    await asyncio.to_thread(root.mkdir, parents=True, exist_ok=True)
    git = Git(root)
    # git 3 would name objects by SHA-256, and the same tree's commit another way.
    await git.run("init", "--quiet", "--template=", "--initial-branch=main", "--object-format=sha1", ".")
    await _write(root / ".git/config", _CONFIG)
    return git


async def _commit(git: Git, tree: str, tag: str | None) -> CleanTree:
    git = replace(git, environment=_IDENTITY)
    commit = await git.line("commit-tree", tree, "-m", "Source")
    await git.run("update-ref", _BRANCH, commit)
    created_tag = await _create_tag(git, tag)
    # -F packs anew: objects as a server packed them differ from fetch to fetch.
    await git.run("repack", "-a", "-d", "-F", "-n", "--quiet")
    return CleanTree(git, commit, created_tag)


async def _create_tag(git: Git, tag: str | None) -> str | None:
    """Create an annotated tag, the only kind that plain ``git describe`` sees. None for a name that no tag can have."""
    if tag is None:
        return None
    try:
        await git.run("tag", "--annotate", "--message", tag, "--", tag, "HEAD")
    except GitFailed:
        return None
    return tag


async def _finalize(tree: CleanTree) -> CleanTree:
    """Write the index anew, without times and inode numbers, which differ from disk to disk."""
    await asyncio.to_thread((tree.root / ".git/index").unlink, missing_ok=True)
    await tree.git.run("read-tree", "HEAD")
    return tree


async def _write(path: Path, text: str) -> None:
    await asyncio.to_thread(path.parent.mkdir, parents=True, exist_ok=True)
    await asyncio.to_thread(path.write_text, text)
