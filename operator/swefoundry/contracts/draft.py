"""Drafts: how to build an environment and how to run the tests in it."""

import hashlib
import json
import re
from collections.abc import Iterable
from typing import Annotated

from pydantic import AfterValidator, Field

from swefoundry.contracts.wire import WireModel

ShellCommand = Annotated[str, Field(min_length=1, max_length=8192)]
Glob = Annotated[str, Field(min_length=1, max_length=256, pattern=r"^[^/]")]
DebianPackage = Annotated[str, Field(min_length=1, max_length=256, pattern=r"^[a-z0-9][a-zA-Z0-9.+:=~-]*$")]
ImageName = Annotated[str, Field(min_length=1, max_length=512, pattern=r"^[a-zA-Z0-9][a-zA-Z0-9./:@_-]*$")]
DistributionName = Annotated[
    str, Field(min_length=1, max_length=128, pattern=r"^(\*|[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?)$")
]
ErrorExitCode = Annotated[int, Field(ge=1, le=255)]
TEST_ID_LIMIT = 16_384
"""Characters of a test id; a longer one is cut and ends with a hash. ``images/runner/ids.go`` has the same limit."""
CaseId = Annotated[str, Field(min_length=1, max_length=TEST_ID_LIMIT)]
MAX_DOCKERFILE_CHARACTERS = 65536
TOLERATED_BYTES = 64 << 10
"""Ids of all tolerated failures as JSON: an evaluation gets them in a variable, and Linux allows 128 KiB for one.
See ``MAX_ARG_STRLEN`` in execve(2).
"""
UserId = Annotated[int, Field(ge=1, le=65533)]
"""A user other than root; a pod's user namespace has 65,536 ids, and the last two mean nobody."""

PYTEST_ERROR_CODES = (2, 3, 4, 5)
"""pytest: interrupted (also collection errors), internal error, usage error, nothing collected."""
SETS_CLOCK = re.compile(r"\b(?:lib)?faketime\b|\bFAKETIME=")
CALLS_PYTEST = re.compile(r"(^|[\s/;&|(])(pytest|py\.test)(\s|$)")


def fits_tolerated_bytes(ids: Iterable[str]) -> bool:
    """Whether an evaluation can be given these ids."""
    return len(json.dumps(list(ids), ensure_ascii=False).encode()) <= TOLERATED_BYTES


def _require_tolerated_bytes(ids: list[str]) -> list[str]:
    if not fits_tolerated_bytes(ids):
        raise ValueError(f"the ids have more than {TOLERATED_BYTES} bytes together: tolerate fewer tests")
    return ids


ToleratedFailures = Annotated[list[CaseId], Field(max_length=64), AfterValidator(_require_tolerated_bytes)]


class Draft(WireModel):
    """A Dockerfile and the commands that go with it."""

    dockerfile: str = Field(
        min_length=1,
        max_length=MAX_DOCKERFILE_CHARACTERS,
        description="The Dockerfile. Its context is the clean source tree; it must `COPY . /testbed`.",
    )
    test_command: ShellCommand = Field(
        description="Shell command run in /testbed; `{files}` becomes the test files of the test patch, quoted."
    )
    rebuild_command: ShellCommand | None = Field(
        default=None,
        description="Shell command, run in /testbed without the layers below being built again, that brings an image "
        "of another commit up to date: compiled extensions, generated files. Absent: none is needed.",
    )
    rebuild_when: list[Glob] | None = Field(
        default=None,
        max_length=64,
        description="Globs of the files that the rebuild command is for: it is run only where one of them is new, "
        "other or gone. A glob without a slash is that of a name in any folder. Absent: it is run for every commit.",
    )
    reports: list[Glob] = Field(
        default=[],
        max_length=16,
        description="Globs, relative to /testbed, of the JUnit XML or TAP reports that the test command writes.",
    )
    error_exit_codes: list[ErrorExitCode] | None = Field(
        default=None,
        max_length=64,
        description="Exit codes by which the test command says that tests could not run, as opposed to failed. "
        "Absent: pytest's 2 to 5 for a command that calls pytest, none for any other. A code counts only where no "
        "report shows a failed test.",
    )
    tolerated_failures: ToleratedFailures = Field(
        default=[],
        description="Ids, exactly as in the report, of tests that fail with and without the fix in this environment. "
        "Their failures do not count; a draft that tolerates a test which passes without the fix is refused.",
    )
    run_as_user: UserId | None = Field(
        default=None,
        description="Id of the user, and of the group, that the test command runs as; /testbed belongs to it then. "
        "Absent: root, to which permissions mean nothing, and as which some programs refuse to run.",
    )

    @property
    def could_not_run_codes(self) -> list[int]:
        """Exit codes that mean "could not run"; those of pytest when the draft names none and calls it."""
        if self.error_exit_codes is not None:
            return list(self.error_exit_codes)
        return list(PYTEST_ERROR_CODES) if CALLS_PYTEST.search(self.test_command) else []

    @property
    def date_dependent(self) -> bool:
        """Whether the test command sets the clock, because the tests depend on the date."""
        return bool(SETS_CLOCK.search(self.test_command))

    def to_bytes(self) -> bytes:
        """Return the draft as the blob that the registry stores."""
        return json.dumps(self.to_json_dict(), sort_keys=True).encode()

    def digest(self) -> str:
        """sha256 over the canonical JSON, with defaults resolved: equal drafts are never tried twice."""
        resolved = self.to_json_dict() | {"errorExitCodes": self.could_not_run_codes}
        if not self.tolerated_failures:  # as drafts were before they could tolerate any
            del resolved["toleratedFailures"]
        text = json.dumps(resolved, sort_keys=True, separators=(",", ":"))
        return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


class Overrides(WireModel):
    """Settings of the user that replace or extend those of any strategy."""

    base_image: ImageName | None = Field(
        default=None, description="Base image to use instead of the strategy's."
    )
    apt_packages: list[DebianPackage] = Field(
        default=[], max_length=128, description="Debian packages to install besides the strategy's."
    )
    pre_install: list[ShellCommand] = Field(
        default=[],
        max_length=64,
        description="Shell commands to run in /testbed before the project is installed.",
    )
    index_requirements: list[DistributionName] = Field(
        default=[],
        max_length=128,
        description="Names that the recipe may ask from the package index although a manifest binds them to a path, a "
        "repository or another index; `*` stands for all.",
    )
    test_command: ShellCommand | None = Field(
        default=None, description="Test command to use instead of the strategy's."
    )
    reports: list[Glob] | None = Field(
        default=None, max_length=16, description="Report globs to use instead of the strategy's."
    )
    error_exit_codes: list[ErrorExitCode] | None = Field(
        default=None, max_length=64, description="Exit codes for errors to use instead of the strategy's."
    )
    tolerated_failures: ToleratedFailures | None = Field(
        default=None, description="Tolerated failures to use instead of the strategy's."
    )
    run_as_user: UserId | None = Field(
        default=None,
        description="Id of the user, and of the group, to run the test command as instead of the strategy's.",
    )
