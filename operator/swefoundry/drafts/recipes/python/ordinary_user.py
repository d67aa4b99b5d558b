"""Rounds whose result root explains: the same draft is then tried as an ordinary user. Each rule knows one sign."""

import re
from collections.abc import Callable

from swefoundry.contracts.facts import Facts
from swefoundry.contracts.round_outcome import RoundOutcome
from swefoundry.drafts.proposal import TriedRound
from swefoundry.drafts.recipes.log_summary import MAX_TOLERATED, failing_ids
from swefoundry.drafts.root_sensitivity import is_root_sensitive

_TESTS_RAN = frozenset({RoundOutcome.NO_RESULT, RoundOutcome.AFTER_FAILED})

_REFUSES_ROOT = re.compile(
    r"(?:must|can|should|may|do)(?: ?not|n't) (?:be )?(?:run|start|execute)\w* (?:\S+ ){0,2}as (?:the )?[\"'`]?root\b"
    r"|as root without --no-sandbox|refus\w+ to (?:run|start) as root|how to run \S+ as root|\"root\" execution",
    re.IGNORECASE,
)
_NO_PERMISSION_ERROR = re.compile(
    r"DID NOT RAISE .*PermissionError|PermissionError not raised|assert not (?:os\.)?access\("
)
_SKIPPED = re.compile(r"\b\d+ skipped\b|no tests ran")


def root_explains(tried: TriedRound, facts: Facts) -> bool:
    """Whether an ordinary user may give the round another outcome."""
    return tried.draft.run_as_user is None and any(rule(tried, facts) for rule in RULES)


def programs_refuse_root(tried: TriedRound, facts: Facts) -> bool:
    """`initdb: error: cannot be run as root`, browsers without a sandbox."""
    return tried.outcome in _TESTS_RAN and bool(_REFUSES_ROOT.search(tried.message))


def permission_errors_do_not_come(tried: TriedRound, facts: Facts) -> bool:
    """`DID NOT RAISE <class 'PermissionError'>`."""
    return tried.outcome in _TESTS_RAN and bool(_NO_PERMISSION_ERROR.search(tried.message))


def failing_tests_ask_for_permissions(tried: TriedRound, facts: Facts) -> bool:
    """One of the few failing tests, or a helper that it may use, asks for its user or for permissions."""
    if tried.outcome is not RoundOutcome.AFTER_FAILED:
        return False
    failing = failing_ids(tried.message)
    return len(failing) <= MAX_TOLERATED and any(_asks(test, facts) for test in failing)


def tests_are_skipped_for_root(tried: TriedRound, facts: Facts) -> bool:
    """No test ran, and the files ask for their user."""
    skipped = tried.outcome is RoundOutcome.NO_RESULT and _SKIPPED.search(tried.message)
    return bool(skipped and facts.root_sensitive_tests)


def tests_pass_without_the_fix(tried: TriedRound, facts: Facts) -> bool:
    """The tests about permissions are skipped for root, or pass because it may do everything."""
    both_passed = tried.outcome is RoundOutcome.BOTH_PASSED and not tried.draft.tolerated_failures
    return both_passed and is_root_sensitive(tried.strategy, tried.draft, facts)


RULES: tuple[Callable[[TriedRound, Facts], bool], ...] = (
    programs_refuse_root,
    permission_errors_do_not_come,
    failing_tests_ask_for_permissions,
    tests_are_skipped_for_root,
    tests_pass_without_the_fix,
)


def _asks(test: str, facts: Facts) -> bool:
    path, _, rest = test.partition("::")
    name = rest.partition("[")[0].rpartition("::")[2]
    shared = set(facts.root_sensitive_tests) - set(facts.test_files)
    return (
        path in facts.root_sensitive_tests
        or f"{path}::{name}" in facts.root_sensitive_tests
        or any("::" not in place for place in shared)
    )
