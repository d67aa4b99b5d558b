"""Exit codes of our pods and their meaning.

The exit code in the pod status decides; logs are evidence.
"""

from enum import IntEnum


class ExitCode(IntEnum):
    """Canonical exit codes of intake, build and evaluation containers.

    1 to 9 belong to test commands; 124 to 165 are avoided because shells, runtimes and signals use them.
    """

    OK = 0
    """Intake done, image built, or all required tests passed."""
    TESTS_FAILED = 1
    """Tests ran and at least one failed."""
    TEST_PATCH_REFUSED = 10
    """The test patch does not apply to the source."""
    GOLD_PATCH_REFUSED = 11
    """The gold patch does not apply on top of the test patch."""
    SOURCE_MISMATCH = 12
    """The commit does not exist, or the archive's sha256 differs."""
    SOURCE_UNREACHABLE = 13
    """The git host or archive URL denied access, or has no such repository."""
    REFERENCE_MISSING = 14
    """A ConfigMap, Secret or blob that the manifest names, or its key, does not exist (yet)."""
    PATCH_NOT_SUPPORTED = 15
    """A patch has a form of which git would apply only a part, or which it would apply elsewhere."""
    PATCH_MISAPPLIED = 16
    """The files that a patch changed are not those that it names."""
    SUBMODULES_REQUIRED = 17
    """The row needs submodules, and source.git.submodules is not set."""
    LFS_REQUIRED = 18
    """The row needs files of Git LFS, and source.git.lfs is not set."""
    HOST_UNAVAILABLE = 19
    """A host of the source did not answer, or answered 429 or 5xx: nothing is known about the row."""
    NOT_RUNNABLE = 20
    """The test command could not be started (shell codes 126 and 127)."""
    NO_RESULT = 21
    """Nothing collected, a collection or usage error, or no readable report."""
    TIME_LIMIT = 22
    """The time limit inside the runner was reached."""
    FAILURES_IGNORED = 23
    """The test command ended with 0 although its report has failed tests."""
    EXIT_UNEXPLAINED = 24
    """The test command ended with another code than 0 although every reported test passed."""
    ABORTED = 25
    """The test command ended in the middle of a test, which counts as failed."""
    INFRASTRUCTURE = 30
    """The registry or its storage failed; a retry may help."""
    DOCKERFILE_INVALID = 40
    """The Dockerfile does not parse, has no FROM, or copies a file that does not exist."""
    BASE_IMAGE_MISSING = 41
    """A FROM image does not exist or may not be pulled."""
    STEP_FAILED = 42
    """A RUN step ended with a code other than 0."""
    BUILD_TIME_LIMIT = 43
    """The build did not end within its time limit."""
    DISK_FULL = 44
    """The build filled its disk."""
    PUSH_FAILED = 45
    """The image was built and could not be pushed."""
    POLICY_REFUSED = 46
    """The Dockerfile violates a rule of the policy."""
    UPSTREAM_UNAVAILABLE = 47
    """A RUN step failed because a package index, a mirror or the name service did not answer; a retry may help."""
    ADDRESS_UNREACHABLE = 48
    """A RUN step failed because an address that it names did not answer, or has a name that does not exist; a retry
    may help, and another draft may do without it."""
    GAVE_UP = 50
    """The analyst sees no environment in which the tests could pass, and says why."""
    BUDGET_SPENT = 51
    """The next model turn might cost more than is left of the budget."""
    MODEL_UNAVAILABLE = 52
    """The model endpoint did not answer, or answered 429 or 5xx, after retries."""
    MODEL_REFUSED = 53
    """The endpoint rejects the key, the model name or the request: a person must fix it."""
    REPEATED = 54
    """Every model proposes a draft that was tried already."""
    MALFORMED = 55
    """Every model gives answers that cannot be parsed."""
    ROW_AT_FAULT = 56
    """The analyst holds the source or its tests responsible, and says why."""
    INVALID_SPEC = 90
    """The pod could not read its own spec: a defect of swefoundry."""
