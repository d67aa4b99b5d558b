from swefoundry.contracts.draft import Draft, Overrides
from swefoundry.contracts.round_outcome import RoundOutcome
from swefoundry.drafts import next_proposal
from swefoundry.drafts.proposal import Proposal
from unit.drafts.recipe_inputs import an_input, ended, proposed

GIVEN = Draft(dockerfile="FROM python:3.11-slim\nCOPY . /testbed\nRUN true\n", test_command="pytest {files}")


def test_a_given_draft_is_proposed_as_it_is():
    inputs = an_input().model_copy(update={"draft": GIVEN})
    assert next_proposal(["fixed"], inputs) == Proposal(
        strategy="fixed", label="the given draft", draft=GIVEN
    )


def test_a_given_draft_is_tried_once_and_then_the_next_strategy_proposes():
    inputs = ended(an_input().model_copy(update={"draft": GIVEN}), RoundOutcome.STEP_FAILED)
    assert next_proposal(["fixed"], inputs) is None
    assert next_proposal(["fixed", "recipe"], inputs).strategy == "recipe"


def test_unknown_strategies_propose_nothing():
    assert next_proposal(["reuse", "agents"], an_input()) is None


def test_a_source_in_a_language_without_a_recipe_gets_no_draft():
    assert next_proposal(["recipe"], an_input().model_copy(update={"language": "cobol"})) is None


def test_the_language_is_the_most_frequent_one_that_has_a_recipe():
    assert next_proposal(["recipe"], an_input(languages={"c": 90, "python": 3})) is not None


def test_the_same_input_gives_the_same_proposal():
    assert proposed(an_input()) == proposed(an_input())


def test_nothing_is_proposed_after_both_stages_passed_because_the_row_is_wrong():
    assert next_proposal(["recipe"], ended(an_input(), RoundOutcome.BOTH_PASSED)) is None


def test_overrides_take_precedence_over_a_given_draft():
    overrides = Overrides(
        base_image="mirror.example/python:3.12",
        apt_packages=["libpq-dev", "gcc"],
        pre_install=["make generate"],
        test_command="python -m unittest",
        reports=["out/*.xml"],
    )
    inputs = an_input(overrides=overrides).model_copy(update={"draft": GIVEN})
    assert proposed(inputs).draft == Draft(
        dockerfile=(
            "FROM mirror.example/python:3.12\n"
            "RUN apt-get update -qq && apt-get install -y -qq --no-install-recommends libpq-dev gcc"
            " && rm -rf /var/lib/apt/lists/*\n"
            "COPY . /testbed\n"
            "RUN cd /testbed && make generate\n"
            "RUN true\n"
        ),
        test_command="python -m unittest",
        reports=["out/*.xml"],
    )


def test_overrides_change_the_last_stage_only():
    text = (
        "FROM golang:1.25 AS tool\nRUN true\nFROM --platform=linux/amd64 python:3.11-slim\nCOPY . /testbed\n"
    )
    draft = GIVEN.model_copy(update={"dockerfile": text})
    inputs = an_input(overrides=Overrides(base_image="python:3.12")).model_copy(update={"draft": draft})
    assert proposed(inputs).draft.dockerfile == text.replace("python:3.11-slim", "python:3.12")


def test_a_command_of_several_lines_stays_one_instruction():
    inputs = an_input(overrides=Overrides(pre_install=["if true\nthen echo yes\nfi"])).model_copy(
        update={"draft": GIVEN}
    )
    lines = proposed(inputs).draft.dockerfile.splitlines()
    assert lines[2] == 'RUN ["/bin/sh", "-ec", "cd /testbed\\nif true\\nthen echo yes\\nfi"]'


def test_overrides_take_precedence_over_the_recipe_and_decide_its_interpreter():
    draft = proposed(
        an_input(overrides=Overrides(base_image="python:3.9-slim", test_command="make test"))
    ).draft
    assert draft.dockerfile.startswith("FROM python:3.9-slim\n")
    assert "--exclude-newer 2023-07-16" in draft.dockerfile
    assert draft.test_command == "make test"
