"""Reasons of conditions, with their meaning."""

from typing import Final

PENDING: Final = "Pending"
"""Nothing has been started yet: what the command line says of an object without a status."""
SUSPENDED: Final = "Suspended"
"""spec.suspend is true: no new pod is started."""
QUEUED: Final = "Queued"
"""It waits for the place of a pod, or for a node, and runs nothing; the message says the position or the scheduler's
words."""
INTAKE: Final = "Intake"
"""The source is being fetched and the patches applied."""
HOST_UNAVAILABLE: Final = "HostUnavailable"
"""A host of the source does not answer, or limits the rate of requests: it is waited for."""
PREPARING: Final = "Preparing"
"""The environment image is being built."""
VALIDATING: Final = "Validating"
"""The matrix is being evaluated."""

FAIL2PASS: Final = "Fail2Pass"
"""The tests fail before the fix and pass after it: a valid instance."""
FAIL2FAIL: Final = "Fail2Fail"
PASS2PASS: Final = "Pass2Pass"
PASS2FAIL: Final = "Pass2Fail"
ERROR2PASS: Final = "Error2Pass"
FLAKY: Final = "Flaky"
INCONCLUSIVE: Final = "Inconclusive"
"""An evaluation ended without a result; see status.evaluations."""

TEST_PATCH_REFUSED: Final = "TestPatchDoesNotApply"
"""Intake code 10: the message names file and hunk."""
GOLD_PATCH_REFUSED: Final = "GoldPatchDoesNotApply"
"""Intake code 11: the message names file and hunk."""
SOURCE_MISMATCH: Final = "SourceMismatch"
"""Intake code 12: the commit does not exist, or the archive's sha256 differs."""
SOURCE_UNREACHABLE: Final = "SourceUnreachable"
"""Intake code 13: the host denied access, or has no such repository."""
PATCH_NOT_SUPPORTED: Final = "PatchNotSupported"
"""Intake code 15: a patch is a combined diff, lacks the prefixes a/ and b/, or the like; the message names the form."""
PATCH_MISAPPLIED: Final = "PatchMisapplied"
"""Intake code 16: the files that a patch changed are not those that it names."""
SUBMODULES_REQUIRED: Final = "SubmodulesRequired"
"""Intake code 17: the row needs submodules, and source.git.submodules is not set."""
LFS_REQUIRED: Final = "LfsRequired"
"""Intake code 18: the row needs files of Git LFS, and source.git.lfs is not set."""
ENVIRONMENT_FAILED: Final = "EnvironmentNotBuilt"
"""No draft gave an image in which the tests could be judged."""
INFRASTRUCTURE: Final = "InfrastructureFault"
"""Pods were lost repeatedly to faults of the cluster, or an outage outlasted the retries of a build."""
LIMIT: Final = "ResourceLimit"
"""A memory, disk or time limit was reached."""
MISCONFIGURED: Final = "Misconfigured"
"""The cluster or the manifest names something that is not there or not allowed."""
NETWORK_OPEN: Final = "NetworkNotIsolated"
"""Evaluation pods could reach the canary although spec.validation.network is Deny."""
TAMPERED: Final = "RecordMismatch"
"""A result did not match its spec or exit code."""
INVALID_SPEC: Final = "InvalidSpec"
"""The object passed the API server but not the operator; the message names the field."""
DEFECT: Final = "InternalDefect"
"""swefoundry itself failed; please report it."""

ACCEPTED: Final = "Accepted"
"""A draft's image was proven by its probe."""
ROW_DISPROVEN: Final = "BothPassed"
"""The environment works; the tests pass with and without the fix."""
BEFORE_OUT_OF_MEMORY: Final = "BeforeOutOfMemory"
"""Without the fix the tests use up all memory, in several environments."""
DRAFTS_EXHAUSTED: Final = "DraftsExhausted"
"""No strategy has another draft."""
BUDGET_SPENT: Final = "BudgetSpent"
"""A budget is spent; the message says which, and how to raise it."""
DRAFTING: Final = "Drafting"
"""Agents write the next draft."""
WAITING_FOR_SIBLING: Final = "WaitingForSibling"
"""Another commit of the same repository is being solved; its image may be reused."""
PARENT_UNUSABLE: Final = "ParentUnusable"
"""spec.environment.parentRef names an EnvBuild that does not exist or has no proven image."""
AGENTS_NOT_CONFIGURED: Final = "AgentsNotConfigured"
"""The strategy agents was asked for by name, and the operator knows no model."""
AGENTS_GAVE_UP: Final = "AgentsGaveUp"
"""The analyst sees no environment in which the tests could pass; the message is its reason."""
AGENTS_ROW_AT_FAULT: Final = "RowAtFault"
"""The analyst holds the row's source or tests responsible; the message is its reason. There is no verdict."""
AGENTS_REPEATED: Final = "AgentsRepeated"
"""Every model proposes what was tried already."""
AGENTS_MALFORMED: Final = "AgentsMalformed"
"""Every model gives answers that cannot be parsed."""
AGENTS_TIME_LIMIT: Final = "AgentsTimeLimit"
"""An agent pod did not write its draft in time."""
MODEL_REFUSED: Final = "ModelRefused"
"""The model endpoint rejects the key, the model's name or the request: a person must fix it."""
BUILDING: Final = "Building"
"""A draft's image is being built."""
PROBING: Final = "Probing"
"""A built image is being probed."""

AGENT_REASONS: Final = {
    22: AGENTS_TIME_LIMIT,
    50: AGENTS_GAVE_UP,
    51: BUDGET_SPENT,
    53: MODEL_REFUSED,
    54: AGENTS_REPEATED,
    55: AGENTS_MALFORMED,
    56: AGENTS_ROW_AT_FAULT,
    90: DEFECT,
}
"""Reason for an agent pod that wrote no draft, by exit code."""

INTAKE_REASONS: Final = {
    10: TEST_PATCH_REFUSED,
    11: GOLD_PATCH_REFUSED,
    12: SOURCE_MISMATCH,
    13: SOURCE_UNREACHABLE,
    15: PATCH_NOT_SUPPORTED,
    16: PATCH_MISAPPLIED,
    17: SUBMODULES_REQUIRED,
    18: LFS_REQUIRED,
}
