"""Which images are proposed for reuse, and what a failed reuse forbids."""

import pytest

from builders import digest
from swefoundry.contracts.draft import Draft, Overrides
from swefoundry.contracts.round_outcome import RoundOutcome
from swefoundry.drafts import next_proposal
from swefoundry.drafts.proposal import Proposal, TriedRound
from swefoundry.drafts.proven_environment import EnvironmentRecord, Parent, ReuseCandidate
from swefoundry.drafts.reuse import candidate_label, label_with_change_count
from unit.drafts.recipe_inputs import an_input

DRAFT = Draft(dockerfile="FROM python:3.9-slim\nCOPY . /testbed\n", test_command="pytest {files}")
ORDER = ["reuse", "fixed", "recipe"]


def a_candidate(letter, root=None, draft=DRAFT, **fields):
    known = EnvironmentRecord(
        repo="o/n", image=digest(letter), source=digest(letter), draft=digest("d"), **fields
    )
    return ReuseCandidate(known=known, draft=draft, root=root)


def inputs(*candidates, tried=(), **fields):
    return an_input().model_copy(
        update={"reuse_candidates": candidates, "past_rounds": tuple(tried), **fields}
    )


def reused(letter, outcome=RoundOutcome.AFTER_FAILED, draft=DRAFT):
    parent = Parent(image=digest(letter), source=digest(letter))
    return TriedRound(strategy="reuse", label="", draft=draft, outcome=outcome, parent=parent)


def test_the_nearest_image_is_proposed_with_its_draft():
    assert next_proposal(ORDER, inputs(a_candidate("a", version="8.1.3"), a_candidate("b"))) == Proposal(
        strategy="reuse",
        label="image of 8.1.3",
        draft=DRAFT,
        parent=Parent(image=digest("a"), source=digest("a")),
    )


def test_a_composed_image_stands_for_the_one_that_was_built():
    root = Parent(image=digest("e"), source=digest("f"))
    assert next_proposal(ORDER, inputs(a_candidate("a", root))).parent == root


def test_what_was_imported_without_its_image_is_not_proposed():
    reference = a_candidate("a").model_copy(update={"reference": True})
    assert next_proposal(ORDER, inputs(reference, a_candidate("b"))).parent.image == digest("b")


def test_an_image_that_did_not_do_is_not_reused_again_and_the_next_one_is():
    both = (a_candidate("a"), a_candidate("b"))
    assert next_proposal(ORDER, inputs(*both, tried=[reused("a")])).parent.image == digest("b")
    last = next_proposal(ORDER, inputs(*both, tried=[reused("a"), reused("b")]))
    assert (last.strategy, last.parent) == ("recipe", None)


def test_the_draft_of_an_image_that_did_not_do_may_still_be_built():
    known = inputs(a_candidate("a"), tried=[reused("a")], draft=DRAFT)
    assert next_proposal(ORDER, known) == Proposal(strategy="fixed", label="the given draft", draft=DRAFT)


def test_a_draft_that_was_built_in_vain_may_still_come_with_another_image():
    built = TriedRound(strategy="fixed", label="", draft=DRAFT, outcome=RoundOutcome.STEP_FAILED)
    assert next_proposal(["reuse"], inputs(a_candidate("a"), tried=[built])).parent.image == digest("a")
    assert next_proposal(["fixed"], inputs(a_candidate("a"), tried=[built], draft=DRAFT)) is None


@pytest.mark.parametrize(
    "overrides",
    [
        Overrides(base_image="python:3.12"),
        Overrides(apt_packages=["libpq-dev"]),
        Overrides(pre_install=["make"]),
    ],
    ids=["base image", "packages", "commands"],
)
def test_what_only_a_build_can_give_is_not_looked_for_in_images(overrides):
    assert next_proposal(ORDER, inputs(a_candidate("a"), overrides=overrides)).strategy == "recipe"


def test_a_persons_test_command_wins_over_that_of_the_image():
    overrides = Overrides(test_command="make test", reports=["r.xml"])
    proposal = next_proposal(ORDER, inputs(a_candidate("a"), overrides=overrides))
    assert proposal.draft == DRAFT.model_copy(update={"test_command": "make test", "reports": ["r.xml"]})


def test_both_passed_in_a_reused_image_disproves_no_row():
    tried = [reused("a", RoundOutcome.BOTH_PASSED)]
    assert next_proposal(ORDER, inputs(a_candidate("a"), tried=tried)).strategy == "recipe"


@pytest.mark.parametrize("outcome", [RoundOutcome.ACCEPTED, RoundOutcome.ACCEPTED_ERROR2PASS])
def test_an_accepted_reuse_ends_the_search(outcome):
    assert next_proposal(ORDER, inputs(a_candidate("b"), tried=[reused("a", outcome)])) is None


def test_reuse_is_only_tried_where_it_is_asked_for():
    assert next_proposal(["recipe"], inputs(a_candidate("a"))).strategy == "recipe"


def test_the_recipe_takes_no_constraint_from_an_image_that_it_did_not_build():
    fresh = next_proposal(["recipe"], inputs())
    after = next_proposal(["recipe"], inputs(tried=[reused("a"), reused("b", RoundOutcome.NO_RESULT)]))
    assert after == fresh


def test_labels_name_the_image_by_the_best_that_is_known():
    day = an_input().created_at
    assert candidate_label(a_candidate("a", created_at=day)) == "image of 2023-06-01"
    assert candidate_label(a_candidate("a", env_build="here/one")) == "image of here/one"
    assert candidate_label(a_candidate("a")) == "image of aaaaaaaaaaaa"
    assert label_with_change_count("image of 8.1.3", 12) == "image of 8.1.3 (12 files changed)"
    assert label_with_change_count("image of 8.1.3", 1) == "image of 8.1.3 (1 file changed)"
