"""Remediation for each condition reason, one sentence each. A test checks that none is missing."""

from swefoundry.api import reasons

REMEDIATIONS: dict[str, str] = {
    reasons.PENDING: (
        "Wait. If this does not change, check that the operator runs and watches this namespace."
    ),
    reasons.SUSPENDED: "Set spec.suspend to false to continue.",
    reasons.QUEUED: "Wait, or raise the operator's limits for active pods if the cluster has room for more.",
    reasons.INTAKE: "Wait. An intake takes seconds to minutes, depending on the size of the source.",
    reasons.HOST_UNAVAILABLE: (
        "Wait. The host that the message names is asked again, by one pod at a time; check it, and that network "
        "policies let the pods go there."
    ),
    reasons.PREPARING: "Wait. The rounds above show what is being tried.",
    reasons.VALIDATING: "Wait. The matrix is being evaluated.",
    reasons.FAIL2PASS: "Nothing: the instance is valid. `swefoundry export` writes it to the data set.",
    reasons.FAIL2FAIL: (
        "Read the log of `after`. If the environment lacks something that a test needs, add it in "
        "spec.environment.overrides (aptPackages, preInstall, testCommand). If the row is wrong, drop it."
    ),
    reasons.PASS2PASS: (
        "The hidden tests do not test the fix. Check that the test patch has the new tests, or drop the "
        "instance."
    ),
    reasons.PASS2FAIL: (
        "The fix breaks the hidden tests. Check that gold patch and test patch belong to the same change."
    ),
    reasons.ERROR2PASS: (
        "The hidden tests import or call what only the fix adds, so a solver would have to guess names. "
        "Drop the instance, or name the interface in the problem statement."
    ),
    reasons.FLAKY: (
        "The results of some tests differ from run to run. Exclude them with a testCommand, or drop the "
        "instance."
    ),
    reasons.INCONCLUSIVE: (
        "Find the evaluation above that has no result; raise its time limit or resources and re-create the "
        "object."
    ),
    reasons.TEST_PATCH_REFUSED: (
        "Check that the test patch was made against this base; re-create the object with the right patch."
    ),
    reasons.GOLD_PATCH_REFUSED: (
        "Check that the gold patch was made against this base and does not contain the test files."
    ),
    reasons.SOURCE_MISMATCH: "Compare spec.baseCommit, or the archive's sha256, with the source.",
    reasons.SOURCE_UNREACHABLE: ("Check the URL and the token's Secret, then `swefoundry retry`."),
    reasons.PATCH_NOT_SUPPORTED: (
        "Make the patch again as one plain diff with the prefixes a/ and b/ (`git diff --binary BASE FIX`); "
        "re-create the object."
    ),
    reasons.PATCH_MISAPPLIED: (
        "Compare the files that the message names with those of the patch; make it again with "
        "`git diff --binary BASE FIX` and re-create the object."
    ),
    reasons.SUBMODULES_REQUIRED: "Set spec.source.git.submodules to true and re-create the object.",
    reasons.LFS_REQUIRED: "Set spec.source.git.lfs to true and re-create the object.",
    reasons.ENVIRONMENT_FAILED: (
        "Read the rounds above. Give a draft (spec.environment.draft), or help the strategies with "
        "spec.environment.overrides."
    ),
    reasons.INFRASTRUCTURE: (
        "Check the nodes, the registry and the package indexes; `swefoundry retry` when they work."
    ),
    reasons.LIMIT: "Raise spec.validation.resources or timeoutSeconds and re-create the object.",
    reasons.MISCONFIGURED: (
        "Fix what the message names (an image name, a setting); then `swefoundry retry`."
    ),
    reasons.NETWORK_OPEN: (
        "Install a network plug-in that enforces NetworkPolicies, then `swefoundry retry`; "
        "or allow the network in the spec."
    ),
    reasons.TAMPERED: (
        "The code under test wrote to a file that only the runner may write. Treat it as hostile and drop it."
    ),
    reasons.INVALID_SPEC: (
        "Fix the field that the message names; `swefoundry lint` finds such mistakes beforehand."
    ),
    reasons.DEFECT: "Please report this with the operator's log.",
    reasons.ACCEPTED: "Nothing: the environment is proven.",
    reasons.ROW_DISPROVEN: (
        "The hidden tests pass without the fix. Check the test patch, or drop the instance."
    ),
    reasons.BEFORE_OUT_OF_MEMORY: (
        "Raise spec.validation.resources.memory if the tests end with more, and re-create the object; or drop it."
    ),
    reasons.DRAFTS_EXHAUSTED: (
        "Give a draft or overrides (spec.environment); the message, and the rounds above, show what was missing."
    ),
    reasons.BUDGET_SPENT: "Raise the budget that the message names, or give a draft; re-create the object.",
    reasons.PARENT_UNUSABLE: (
        "Name an EnvBuild with a proven image in environment.parentRef, or leave it out."
    ),
    reasons.WAITING_FOR_SIBLING: "Wait. It continues when the EnvBuild that the message names ends.",
    reasons.DRAFTING: "Wait. `swefoundry transcript` shows the conversation so far.",
    reasons.AGENTS_NOT_CONFIGURED: (
        "Set agents.models in the chart's values, then `swefoundry retry`; or re-create the object without the "
        "strategy `agents`."
    ),
    reasons.AGENTS_ROW_AT_FAULT: "Check the analyst's reason against the source. If it is right, drop the row; if not, "
    "give a draft (spec.environment.draft) or retry.",
    reasons.AGENTS_GAVE_UP: "Follow the analyst's reason, or give a draft (spec.environment.draft).",
    reasons.AGENTS_REPEATED: "Give a draft or overrides (spec.environment), or add a stronger model.",
    reasons.AGENTS_MALFORMED: (
        "Read the transcript (`swefoundry transcript`); set the model's tools and jsonSchema to what its endpoint "
        "supports."
    ),
    reasons.AGENTS_TIME_LIMIT: (
        "Raise the operator's SWEFOUNDRY_AGENT_SECONDS, or use a faster model; then `swefoundry retry`."
    ),
    reasons.MODEL_REFUSED: (
        "Fix the key, model, address or certificate that the message names; then `swefoundry retry`."
    ),
    reasons.BUILDING: "Wait. An image is being built.",
    reasons.PROBING: "Wait. An image is being probed.",
}
UNKNOWN_REASON = "This program does not know the reason. It may be older than the operator."


def remediation_for(reason: str) -> str:
    """What a person should do about a reason."""
    return REMEDIATIONS.get(reason, UNKNOWN_REASON)
