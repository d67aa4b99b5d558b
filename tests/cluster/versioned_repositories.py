"""Generated repositories whose versions differ in every kind of tree change, with tests that check the whole tree."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from cluster.sample_instances import Files, Json, SampleRepository, a_task, make_repository

RETURNS = {
    "returns/inner/file": "in a folder that even versions have, and that the fix brings to the others\n"
}
"""In an image of an even version, the checkout of another removes the folder, and the stage after the fix adds it."""

BASE = "FROM busybox:stable\n"
COPY = "COPY . /testbed\nWORKDIR /testbed\n"

# Lists all files under /testbed except .git with their digests; .git must hold the new commit only.
CHECK = """\
find . -path ./.git -prune -o -type f ! -name expected.txt ! -name check.sh -exec sha256sum {} + > /tmp/listed
sort -k 2 /tmp/listed > /tmp/found
diff expected.txt /tmp/found || exit 1
[ "$(readlink link)" = "$(cat target)" ] || exit 1
[ "$(ls .git/objects/pack/*.pack | wc -l)" = 1 ] || exit 1
[ "$(sh answer.sh)" = 42 ]
"""


@dataclass(frozen=True)
class RepositoryKind:
    """A kind of repository: how it is built, and which files the build adds to the tree."""

    dockerfile: str
    rebuild: str | None
    build_outputs: Callable[[int], Mapping[str, str]]
    """By version: files that exist after the build and are not part of the commit."""
    required_path: str = ""
    """A path outside the tree that the tests require."""

    def draft(self, extra_steps: str = "") -> Json:
        """A draft for the repository; ``extra_steps`` are added to its Dockerfile."""
        draft = {
            "dockerfile": self.dockerfile + extra_steps,
            "testCommand": "sh check.sh",
            "errorExitCodes": [2, 3],
        }
        return draft | ({"rebuildCommand": self.rebuild} if self.rebuild else {})


KINDS = {
    "plain": RepositoryKind(BASE + COPY, None, lambda version: {}),
    "built": RepositoryKind(
        BASE + COPY + "RUN mkdir -p out kept && echo built > out/library && echo built > kept/module\n",
        None,
        lambda version: {"out/library": "built\n", "kept/module": "built\n"},
    ),
    "generated": RepositoryKind(
        BASE + COPY + "RUN sh make.sh\n",
        "sh make.sh",
        lambda version: {"generated.txt": f"version {version}\n"},
    ),
}


def tree(version: int) -> dict[str, str | bytes | Callable[[Path], object]]:
    """Files of a version. Between versions files are added, changed, deleted, and replaced by folders or links."""
    target = f"d/v{version}"
    files: dict[str, str | bytes | Callable[[Path], object]] = {
        "answer.sh": f"# version {version}\necho 41\n",
        "make.sh": "cp version.txt generated.txt\n",
        "version.txt": f"version {version}\n",
        "same.txt": "same in all versions\n",
        "kept/file": "the folder stays\n",
        target: f"{version}\n",
        "target": target,
        "link": lambda path: path.symlink_to(target),
        "same size": f"{version}\n",
        f"ü {version}/ж – name": "not ASCII\n",
        "program": "#!/bin/sh\n",
    }
    files["turns" if version % 2 else "turns/into/a folder"] = "file or folder\n"
    if version % 2 == 0:
        files |= RETURNS
    return files


def make_version(repo: str, kind: RepositoryKind, version: int) -> SampleRepository:
    """Commit a version, with a fix for its answer and a test that checks the whole tree."""
    files: Files = tree(version)
    fix = {"answer.sh": f"# version {version}\necho 42\n", **RETURNS}
    text_files = {name: text for name, text in files.items() if isinstance(text, str)}
    listing = sorted(
        (text_files | fix | dict(kind.build_outputs(version))).items(),
        key=lambda item: f"./{item[0]}".encode(),
    )
    expected = "".join(f"{hashlib.sha256(text.encode()).hexdigest()}  ./{name}\n" for name, text in listing)
    check = f"[ -e {kind.required_path} ] || exit 1\n{CHECK}" if kind.required_path else CHECK
    return make_repository(f"{repo}-v{version}", files, {"check.sh": check, "expected.txt": expected}, fix)


def instance(
    repo: str, kind: RepositoryKind, version: int, strategies: list[str], **environment: object
) -> Json:
    """The TaskInstance of a version."""
    name = f"{repo}-v{version}"
    settings: Json = {"strategies": strategies} | environment
    if "fixed" in strategies:
        settings.setdefault("draft", kind.draft())
    changes = {"repo": f"lab/{repo}", "version": f"1.{version}", "environment": settings}
    return a_task(name, make_version(repo, kind, version), **changes)
