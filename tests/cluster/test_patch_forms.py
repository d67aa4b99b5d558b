"""Patches of which git would apply a part, submodules and stripped patches, on a real cluster."""

import subprocess
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from cluster.commands import LAB, ON_LAB
from cluster.sample_instances import (
    GIT,
    SHELL_BUG,
    SHELL_FIX,
    Json,
    SampleRepository,
    a_task,
    apply,
    commit_all,
    condition,
    delete,
    git,
    make_shell_repository,
    unique,
    verdict_of,
    wait_until_finished,
    write,
)

pytestmark = [
    pytest.mark.cluster,
    pytest.mark.skipif(not ON_LAB or not (LAB / "registry").exists(), reason="needs the lab's git server"),
]

BLANK_LINES = "\n\n\n\n# end\n"
COMBINED = "diff --cc names.txt\n@@@ -1 -1 +1 @@@\n- one\n -two\n++three\n"


def a_task_of(name: str, repository: SampleRepository, submodules: bool = False) -> Json:
    source = {"git": {"url": repository.url, "submodules": submodules}}
    return a_task(name, repository, source=source)


def with_gold(change: Callable[[str], str]) -> Callable[[str], Json]:
    """A task whose gold patch is changed."""

    def make(name: str) -> Json:
        repository = make_shell_repository(name)
        return a_task(name, replace(repository, gold_patch=change(repository.gold_patch)))

    return make


def without_prefixes(patch: str) -> str:
    return patch.replace(" a/", " ").replace(" b/", " ")


def taken_back(patch: str) -> str:
    back = patch.replace("-echo 41", "*").replace("+echo 42", "+echo 41").replace("*", "-echo 42")
    return "\n".join(line for line in (patch + back).splitlines() if not line.startswith("index ")) + "\n"


def serve(tree: Path, name: str) -> None:
    served = LAB / "git" / f"{name}.git"
    subprocess.run(["rm", "-rf", served], check=True)
    git(tree, "clone", "-q", "--bare", ".", str(served))
    git(served, "config", "uploadpack.allowAnySHA1InWant", "true")


def make_linked_repository(name: str) -> SampleRepository:
    """A repository whose fix is a new commit of its submodule ``lib``."""
    with tempfile.TemporaryDirectory() as folder:
        helper, tree = Path(folder) / "helper", Path(folder) / "tree"
        for each in (helper, tree):
            each.mkdir()
            git(each, "init", "-q", ".")
        write(helper, SHELL_BUG)
        old = commit_all(helper, "bug")
        write(helper, SHELL_FIX)
        new = commit_all(helper, "fix")
        serve(helper, f"{name}-lib")
        write(tree, {".gitmodules": f'[submodule "lib"]\n\tpath = lib\n\turl = ../{name}-lib\n'})
        git(tree, "update-index", "--add", "--cacheinfo", f"160000,{old},lib")
        git(tree, "add", ".gitmodules")
        git(tree, "commit", "-q", "-m", "first")
        commit = git(tree, "rev-parse", "HEAD").strip()
        serve(tree, name)
        write(tree, {"check.sh": '[ "$(sh lib/answer.sh)" = 42 ]\n'})
        git(tree, "add", "check.sh")
        git(tree, "commit", "-q", "-m", "tests")
        git(tree, "update-index", "--cacheinfo", f"160000,{new},lib")
        git(tree, "commit", "-q", "-m", "fix")
        return SampleRepository(
            url=f"{GIT}/{name}.git",
            commit=commit,
            test_patch=git(tree, "diff", "HEAD~2", "HEAD~1"),
            gold_patch=git(tree, "diff", "HEAD~1", "HEAD"),
        )


def stripped(name: str) -> Json:
    """Its gold patch ends with three blank context lines, and lost them."""
    files, fix = {"answer.sh": f"echo 41{BLANK_LINES}"}, {"answer.sh": f"echo 42{BLANK_LINES}"}
    repository = make_shell_repository(name, files=files, fix=fix)
    return a_task(name, replace(repository, gold_patch=repository.gold_patch.rstrip()))


REFUSED: dict[str, tuple[Callable[[str], Json], str, str]] = {
    "combined": (
        with_gold(lambda patch: patch + COMBINED),
        "PatchNotSupported",
        "has a combined diff of a merge",
    ),
    "no-prefix": (with_gold(without_prefixes), "PatchNotSupported", "`git apply -p0` would fit"),
    "taken-back": (with_gold(taken_back), "PatchMisapplied", "it names answer.sh, unchanged afterwards"),
    "submodule": (
        lambda name: a_task_of(name, make_linked_repository(name)),
        "SubmodulesRequired",
        "Set spec.source.git.submodules: true",
    ),
}
"""Case -> its task, and the reason and a part of the message that it ends with."""

ACCEPTED: dict[str, Callable[[str], Json]] = {
    "stripped": stripped,
    "submodules": lambda name: a_task_of(name, make_linked_repository(name), submodules=True),
}


@pytest.fixture(scope="module")
def names() -> Iterator[dict[str, str]]:
    """Every case at once; each test waits for its own."""
    found = {case: unique(case) for case in (*REFUSED, *ACCEPTED)}
    makers = {case: make for case, (make, _, _) in REFUSED.items()} | ACCEPTED
    apply(*(make(found[case]) for case, make in makers.items()))
    yield found
    delete(*found.values())


@pytest.mark.parametrize("case", REFUSED)
def test_a_patch_that_would_be_judged_in_part_is_refused_by_name(names: dict[str, str], case: str) -> None:
    _, reason, part = REFUSED[case]
    status = wait_until_finished(names[case])
    assert verdict_of(status) == ("Failed", None, reason), condition(status, "Ready")
    assert part in condition(status, "Ready")["message"]


@pytest.mark.parametrize("case", ACCEPTED)
def test_what_can_be_completed_or_fetched_is_judged(names: dict[str, str], case: str) -> None:
    status = wait_until_finished(names[case])
    assert verdict_of(status) == ("Validated", "fail2pass", "Fail2Pass"), condition(status, "Ready")


def test_what_was_completed_is_in_the_status(names: dict[str, str]) -> None:
    prepared = wait_until_finished(names["stripped"])["prepared"]
    assert prepared["patches"].keys() == {"test", "gold"}
    assert "lacked 3 blank context lines" in prepared["notes"][-1]
