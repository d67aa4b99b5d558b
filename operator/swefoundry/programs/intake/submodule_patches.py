"""Apply the part of a patch that moves submodules to other commits: their files are replaced in index and work tree."""

import os

from swefoundry.git import Git
from swefoundry.patches.parsed_patch import Gitlink
from swefoundry.programs.intake.intake_errors import IntakeRejected
from swefoundry.programs.intake.patches import ReadPatch
from swefoundry.programs.intake.submodules import SubmoduleFetcher, gitmodules


async def apply_gitlinks(git: Git, patch: ReadPatch, submodules: SubmoduleFetcher) -> None:
    """Replace the files of each submodule that the patch adds, moves or removes."""
    urls = await gitmodules(git, ":.gitmodules")
    for link in patch.parsed.gitlinks:
        _require_commit(patch, link, submodules.commits.get(link.path))
        place = f":(top,literal){os.fsdecode(link.path)}"
        await git.run("rm", "-r", "-f", "-q", "--ignore-unmatch", "--", place)
        submodules.forget(link.path)
        if link.new is None:
            continue
        if link.path not in urls:
            raise IntakeRejected(patch.code, f"{_start(patch, link)}: .gitmodules names no URL for it")
        await submodules.embed(git, link.path, link.new, urls)
        files = await git.run("ls-files", "-z", "--", place)
        await git.run("checkout-index", "-f", "-z", "--stdin", stdin=files)


def _require_commit(patch: ReadPatch, link: Gitlink, commit: str | None) -> None:
    if commit != link.old:
        expected = link.old or "no commit"
        raise IntakeRejected(
            patch.code,
            f"{_start(patch, link)}: it is at {commit or 'no commit'}, the patch expects {expected}",
        )


def _start(patch: ReadPatch, link: Gitlink) -> str:
    path = link.path.decode("utf-8", "backslashreplace")[:200]
    return f"the {patch.name} patch does not apply: submodule {path}"
