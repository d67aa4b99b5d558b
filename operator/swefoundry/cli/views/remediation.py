"""What should a person do about each reason? One sentence per reason; a test sees that none is missing."""

from swefoundry.api import reasons

REMEDIATIONS: dict[str, str] = {
    reasons.PENDING: "Wait. If it stays so, check that the operator runs and watches this namespace.",
    reasons.SUSPENDED: "Set spec.suspend to false to go on.",
    reasons.QUEUED: "Wait for a free place, or raise the operator's limits for active pods.",
    reasons.INTAKE: "Wait; an intake takes seconds to minutes, depending on the size of the source.",
    reasons.PREPARING: "Wait; the rounds above show what is being tried.",
    reasons.VALIDATING: "Wait; the matrix is being evaluated.",
    reasons.FAIL2PASS: "Nothing: it is valid. `swefoundry export` puts it into the data set.",
    reasons.FAIL2FAIL: (
        "Read the log of `after`. If a test needs what the environment lacks, give it in "
        "spec.environment.overrides (aptPackages, preInstall, testCommand); if the row is wrong, drop it."
    ),
    reasons.PASS2PASS: "The hidden tests do not test the fix. See that the test patch has the new ones, or drop it.",
    reasons.PASS2FAIL: "The fix breaks the hidden tests. Check that gold and test patch belong to the same change.",
    reasons.ERROR2PASS: (
        "The hidden tests import or call what only the fix adds, so a solver would have to guess names. "
        "Drop it, or name the interface in the problem statement."
    ),
    reasons.FLAKY: "Some tests change their result from run to run. Leave them out with a testCommand, or drop it.",
    reasons.INCONCLUSIVE: "See which evaluation above has no result; raise its time limit or resources and re-create.",
    reasons.TEST_PATCH_REFUSED: "Check that the test patch was made against this base; re-create with the right pair.",
    reasons.GOLD_PATCH_REFUSED: "Check that the gold patch was made against this base, without the tests' files in it.",
    reasons.SOURCE_MISMATCH: "Check spec.baseCommit, or the archive's sha256, against the source.",
    reasons.SOURCE_UNREACHABLE: "Check the URL, the token's Secret and the intake pods' network policy; re-create.",
    reasons.ENVIRONMENT_FAILED: (
        "Read the rounds above. Give a draft (spec.environment.draft), or help the strategies with "
        "spec.environment.overrides."
    ),
    reasons.INFRASTRUCTURE: "Look at the nodes and the registry; re-create it when they are well.",
    reasons.LIMIT: "Raise spec.validation.resources or timeoutSeconds and re-create it.",
    reasons.MISCONFIGURED: "Mend what the message names (a Secret, a quota, a policy); then re-create it.",
    reasons.NETWORK_OPEN: "Install a network plug-in that enforces NetworkPolicies, or allow the network in the spec.",
    reasons.TAMPERED: "The code under test wrote where only the runner may. Treat it as hostile and drop it.",
    reasons.INVALID_SPEC: "Mend the field that the message names; `swefoundry lint` finds such faults beforehand.",
    reasons.DEFECT: "Please report it with the operator's log.",
    reasons.ACCEPTED: "Nothing: the environment is proven.",
    reasons.ROW_DISPROVEN: "The hidden tests pass without the fix. Check the test patch; else drop the instance.",
    reasons.DRAFTS_EXHAUSTED: "Give a draft or overrides (spec.environment); the rounds above say what was missing.",
    reasons.BUDGET_SPENT: "Raise the budget that the message names, or give a draft; re-create it.",
    reasons.PARENT_UNUSABLE: "Name an EnvBuild with a proven image in environment.parentRef, or leave it out.",
    reasons.WAITING_FOR_SIBLING: "Wait; it goes on by itself when the EnvBuild that the message names ends.",
    reasons.DRAFTING: "Wait; `swefoundry transcript` shows what the agents say.",
    reasons.AGENTS_NOT_CONFIGURED: "Set agents.models in the chart's values, or leave agents out; re-create it.",
    reasons.AGENTS_GAVE_UP: "Do what the analyst's reason says, or give a draft (spec.environment.draft).",
    reasons.AGENTS_REPEATED: "Give a draft or overrides (spec.environment), or add a stronger model.",
    reasons.AGENTS_MALFORMED: (
        "Read the transcript (`swefoundry transcript`); set tools and jsonSchema of the model as its endpoint can."
    ),
    reasons.AGENTS_TIME_LIMIT: "Raise the operator's SWEFOUNDRY_AGENT_SECONDS, or use a faster model; re-create it.",
    reasons.MODEL_REFUSED: "Mend the key, model, address or certificate that the message names; re-create it.",
    reasons.BUILDING: "Wait; an image is being built.",
    reasons.PROBING: "Wait; an image is being probed.",
}
UNKNOWN_REASON = "This program does not know the reason; it may be older than the operator."


def remediation_for(reason: str) -> str:
    return REMEDIATIONS.get(reason, UNKNOWN_REASON)
