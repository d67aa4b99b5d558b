"""When the recipe runs tests as an ordinary user, and what it does when that does not help."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from swefoundry.contracts.draft import Draft, Overrides
from swefoundry.contracts.round_outcome import RoundOutcome
from swefoundry.drafts import next_proposal
from swefoundry.drafts.proposal import StrategyInput
from unit.drafts.recipe_inputs import all_rounds, an_input, ended, proposed

PERMISSION_TEST = "tests/test_thing.py::test_unreadable"
SUMMARY = "==== {failed} failed, {passed} passed in 1.0s ===="
ONE_FAILS = f"FAILED {PERMISSION_TEST} - Failed: DID NOT RAISE\n" + SUMMARY.format(failed=1, passed=12)
OTHER_FAILS = "FAILED tests/test_thing.py::test_dns - OSError\n" + SUMMARY.format(failed=1, passed=12)
TWO_FAIL = f"FAILED {PERMISSION_TEST}\nFAILED tests/test_thing.py::test_dns\n" + SUMMARY.format(
    failed=2, passed=30
)


def asking(*places: str, **more: object) -> StrategyInput:
    """An input whose tests ask for their user or permissions."""
    return an_input(root_sensitive_tests=list(places or [PERMISSION_TEST]), **more)


def user_of(inputs: StrategyInput) -> int | None:
    return proposed(inputs).draft.run_as_user


def test_the_same_draft_is_tried_as_an_ordinary_user_before_a_failure_is_tolerated():
    inputs = asking()
    first, second = proposed(inputs), proposed(ended(inputs, RoundOutcome.AFTER_FAILED, ONE_FAILS))
    assert second.draft == first.draft.model_copy(update={"run_as_user": 1000})
    assert second.label == first.label + ", as an ordinary user"


@pytest.mark.parametrize(
    "place", [PERMISSION_TEST, "tests/test_thing.py", "tests/conftest.py", "tests/lib/skip_if_root.py"]
)
def test_a_failing_test_may_ask_itself_or_through_what_it_uses(place):
    inputs = ended(asking(place), RoundOutcome.AFTER_FAILED, ONE_FAILS.replace("::test_", "::TestA::test_"))
    assert user_of(inputs) == 1000


@pytest.mark.parametrize("place", ["tests/test_thing.py::test_other", "tests/test_thing.py::test_unread"])
def test_a_failing_test_that_does_not_ask_stays_with_root(place):
    assert user_of(ended(asking(place), RoundOutcome.AFTER_FAILED, ONE_FAILS)) is None


@pytest.mark.parametrize(
    "line",
    [
        "E   Failed: DID NOT RAISE <class 'PermissionError'>",
        "E   Failed: DID NOT RAISE any of (<class 'OSError'>, <class 'PermissionError'>)",
        "AssertionError: PermissionError not raised",
        "E   assert not os.access('/tmp/x', 2)",
        "initdb: error: cannot be run as root",
        "pg_ctl: cannot be run as root",
        '"root" execution of the PostgreSQL server is not permitted.',
        "can not run elasticsearch as root",
        "mysqld: Please read 'Security' to find out how to run mysqld as root!",
        "Running as root without --no-sandbox is not supported.",
        "This must not be run as root",
        "do not run this program as root",
    ],
)
def test_words_that_only_root_causes_are_enough(line):
    log = f"{line}\n" + SUMMARY.format(failed=40, passed=3)
    assert user_of(ended(an_input(), RoundOutcome.AFTER_FAILED, log)) == 1000


@pytest.mark.parametrize(
    "line", ["running pip as the 'root' user", "E  assert root == 1", "must be run as root"]
)
def test_other_words_about_root_are_not(line):
    assert user_of(ended(an_input(), RoundOutcome.AFTER_FAILED, line)) is None


def test_tests_that_are_all_skipped_for_root_run_as_an_ordinary_user():
    assert (
        user_of(ended(asking("tests/test_thing.py"), RoundOutcome.NO_RESULT, "==== 3 skipped in 1.0s ===="))
        == 1000
    )


def test_what_the_log_names_is_mended_first():
    log = "E   ModuleNotFoundError: No module named 'yaml'\n" + ONE_FAILS
    inputs = ended(asking(), RoundOutcome.AFTER_FAILED, log)
    assert user_of(inputs) is None
    assert user_of(ended(inputs, RoundOutcome.AFTER_FAILED, ONE_FAILS)) == 1000


def test_an_ordinary_user_that_does_not_help_is_forgotten():
    as_root = ended(asking(), RoundOutcome.AFTER_FAILED, ONE_FAILS)
    for log in (ONE_FAILS, "==== 9 failed, 4 passed in 1.0s ====", ""):
        rounds = all_rounds(
            ended(as_root, RoundOutcome.AFTER_FAILED, log), RoundOutcome.AFTER_FAILED, [ONE_FAILS]
        )
        users = [tried.draft.run_as_user for tried in rounds.past_rounds]
        assert users == [None, 1000] + [None] * (len(users) - 2)
        assert rounds.past_rounds[-1].draft.tolerated_failures == [PERMISSION_TEST]


def test_the_user_stays_where_fewer_tests_fail_and_the_others_are_tolerated():
    inputs = ended(asking(), RoundOutcome.AFTER_FAILED, TWO_FAIL)
    rounds = all_rounds(inputs, RoundOutcome.AFTER_FAILED, [OTHER_FAILS]).past_rounds
    assert [tried.draft.run_as_user for tried in rounds] == [None] + [1000] * (len(rounds) - 1)
    assert rounds[-1].draft.tolerated_failures == ["tests/test_thing.py::test_dns"]


def test_tests_that_pass_without_the_fix_are_tried_once_as_an_ordinary_user():
    inputs = ended(asking(), RoundOutcome.BOTH_PASSED)
    assert user_of(inputs) == 1000
    for outcome in RoundOutcome:
        assert next_proposal(["recipe", "fixed"], ended(inputs, outcome, OTHER_FAILS)) is None


def test_tests_that_pass_without_the_fix_and_do_not_ask_disprove_the_row():
    assert next_proposal(["recipe"], ended(an_input(), RoundOutcome.BOTH_PASSED)) is None


def test_the_users_own_choice_is_not_questioned():
    inputs = ended(asking(overrides=Overrides(run_as_user=7)), RoundOutcome.AFTER_FAILED, ONE_FAILS)
    assert {tried.draft.run_as_user for tried in inputs.past_rounds} == {7}
    assert user_of(inputs) == 7
    assert (
        next_proposal(["recipe"], ended(asking(overrides=Overrides(run_as_user=7)), RoundOutcome.BOTH_PASSED))
        is None
    )


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(RoundOutcome), st.sampled_from([ONE_FAILS, OTHER_FAILS, TWO_FAIL, ""]))
    )
)
def test_one_draft_alone_is_tried_as_an_ordinary_user_that_does_not_help(outcomes):
    inputs = asking()
    for outcome, message in outcomes:
        if next_proposal(["recipe"], inputs) is None:
            break
        inputs = ended(inputs, outcome, message)
    digests = [tried.draft.digest() for tried in inputs.past_rounds]
    assert len(set(digests)) == len(digests)


def test_a_draft_for_root_has_the_digest_that_it_had_before_drafts_named_a_user():
    draft = Draft(dockerfile="FROM a\n", test_command="pytest {files}")
    assert draft.digest() == "sha256:2754b4815f26727447c8c82bef6deec67564e6f2d2ce8896aa62f8721a8d0db0"
    assert draft.model_copy(update={"run_as_user": 1000}).digest() != draft.digest()
