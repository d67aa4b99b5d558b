"""What the recipe makes of drafts that were proven for other commits of the repository."""

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builders import digest
from swefoundry.contracts.draft import Draft, Overrides
from swefoundry.contracts.round_outcome import RoundOutcome
from swefoundry.drafts import next_proposal
from swefoundry.drafts.proven_environment import EnvironmentRecord, ReuseCandidate
from unit.drafts.recipe_inputs import SETUP_PY, all_rounds, an_input, ended, proposed, requirements
from unit.drafts.test_candidates import MESSAGES

SUMMARY = "FAILED tests/test_thing.py::test_net - OSError\n==== 1 failed, 30 passed in 1.0s ===="
BY_A_MODEL = """\
FROM python:3.9-slim AS base
RUN apt-get update && apt-get install -y --no-install-recommends libyaml-dev gcc=4:12 && rm -rf /var/lib/apt
RUN <<EOF
set -e
# pip install not-this
pip3 install -q -r requirements.txt 'hypothesis<7' mocket[aiohttp]; pip install --upgrade pip
EOF
FROM base
COPY . /testbed
WORKDIR /testbed
RUN ["pip", "install", "-e", ".[test]"]
ENV PYTHONPATH=/testbed:/testbed/lib/extra:/opt/other
"""


def known(draft, created="2023-05-01", version="1.2", letter="a"):
    day = datetime.fromisoformat(created).replace(tzinfo=UTC) if created else None
    image = digest(letter)
    entry = EnvironmentRecord(
        repo="o/n", image=image, source=image, draft=digest("d"), version=version, created_at=day
    )
    return ReuseCandidate(known=entry, draft=draft)


def with_references(inputs, *environments):
    return inputs.model_copy(update={"references": environments})


def solved(inputs, *steps):
    """The draft that was accepted for a commit after these rounds."""
    for outcome, message in steps:
        inputs = ended(inputs, outcome, message)
    return proposed(inputs).draft


def a_draft(dockerfile, command="python -m pytest -q {files}", **fields):
    return Draft(dockerfile=dockerfile, test_command=command, **fields)


def drafts_of(inputs):
    return {tried.draft.digest() for tried in all_rounds(inputs, RoundOutcome.AFTER_FAILED, [""]).past_rounds}


class TestADraftOfTheRecipe:
    def test_is_built_alike_with_the_date_of_this_change(self):
        draft = solved(an_input(created="2023-05-01"))
        later = proposed(with_references(an_input(created="2024-06-01"), known(draft)))
        assert later.label == "python 3.9, as of 2024-07-16, as 1.2 was built"

    def test_of_a_time_before_the_interpreters_wheels_does_not_push_this_day_ahead(self):
        draft = solved(an_input(created="2020-09-01", bases=["python:3.9-slim"]))
        assert "--exclude-newer 2021-07-02" in draft.dockerfile
        later = an_input(created="2022-06-01", bases=["python:3.9-slim"])
        first = proposed(with_references(later, known(draft, "2020-09-01")))
        assert first.label == "python 3.9, as of 2022-07-16, as 1.2 was built"

    def test_of_another_time_is_ignored_and_the_next_reference_is_used(self):
        old = known(solved(an_input(created="2014-05-01")), "2014-05-01", "0.1", "b")
        assert proposed(with_references(an_input(), old)) == proposed(an_input())
        both = with_references(an_input(), old, known(a_draft(BY_A_MODEL)))
        assert proposed(both).label.endswith(", as 1.2 was built")

    def test_gives_the_interpreter_of_a_later_candidate(self):
        draft = solved(an_input(created="2024-01-01"), (RoundOutcome.NO_RESULT, ""))
        assert draft.dockerfile.startswith("FROM python:3.9-slim\n")
        first = proposed(with_references(an_input(created="2024-03-01"), known(draft, "2024-01-01")))
        assert first.label == "python 3.9, as of 2024-04-15, as 1.2 was built"

    def test_gives_the_newest_dependencies_when_only_they_worked(self):
        draft = solved(an_input(created="2024-01-01"), *[(RoundOutcome.NO_RESULT, "")] * 3)
        assert "--exclude-newer" not in draft.dockerfile
        first = proposed(with_references(an_input(created="2024-03-01"), known(draft, "2024-01-01")))
        assert first.label == "python 3.11, newest dependencies, as 1.2 was built"

    def test_gives_the_distance_in_days_between_change_and_dependencies(self):
        draft = solved(an_input(created="2024-01-01"), *[(RoundOutcome.NO_RESULT, "")] * 2)
        assert "--exclude-newer 2025-02-14" in draft.dockerfile
        first = proposed(with_references(an_input(created="2024-03-01"), known(draft, "2024-01-01")))
        assert first.label == "python 3.11, as of 2025-04-15, as 1.2 was built"

    def test_gives_all_constraints_of_its_rounds(self):
        messages = (
            (RoundOutcome.NO_RESULT, "E   ModuleNotFoundError: No module named 'yaml'"),
            (RoundOutcome.NO_RESULT, "unrecognized arguments: --cov"),
            (RoundOutcome.AFTER_FAILED, "No such file or directory: 'git'"),
            (RoundOutcome.AFTER_FAILED, "E   DeprecationWarning: old"),
            (RoundOutcome.NO_RESULT, "import file mismatch"),
            (RoundOutcome.NO_RESULT, "'Config' object has no attribute 'cache'"),
            (RoundOutcome.NO_RESULT, "yield tests were removed"),
            (RoundOutcome.NO_RESULT, "settings are not configured"),
            (RoundOutcome.STEP_FAILED, "error: Failed to build `thing @ file:///testbed`"),
        )
        draft = solved(an_input(created="2023-05-01"), *messages)
        again = proposed(with_references(an_input(created="2023-05-01"), known(draft)))
        assert again.draft == draft

    def test_gives_the_rebuild_of_compiled_parts_before_the_tests(self):
        manifests = {"setup.py": SETUP_PY.replace("packages=", "ext_modules=[native], packages=")}
        missing = "command 'gcc' failed: No such file or directory"
        draft = solved(
            an_input(manifests), (RoundOutcome.STEP_FAILED, missing), (RoundOutcome.AFTER_FAILED, "")
        )
        assert draft.test_command.startswith("if ! uv pip install ")
        assert proposed(with_references(an_input(manifests), known(draft))).draft == draft

    def test_gives_the_dates_of_single_distributions(self):
        setup = SETUP_PY.replace("install_requires=[]", "install_requires=['six>=1.5', 'lxml']")
        inputs = an_input({"setup.py": setup}, created="2014-05-01")
        late = "Because `packaging` was filtered by `exclude-newer`"
        draft = solved(inputs, (RoundOutcome.STEP_FAILED, late))
        assert "--exclude-newer-package packaging=2099-01-01" in draft.dockerfile
        again = proposed(with_references(inputs, known(draft, "2014-05-01")))
        assert again.draft == draft

    def test_does_not_bring_the_failures_that_were_tolerated(self):
        draft = solved(an_input(), *[(RoundOutcome.AFTER_FAILED, SUMMARY)] * 2)
        assert draft.tolerated_failures == ["tests/test_thing.py::test_net"]
        assert proposed(with_references(an_input(), known(draft))).draft.tolerated_failures == []

    def test_that_ran_unittest_is_run_by_unittest(self):
        inputs = an_input(bases=["python:3.11-slim"], test_imports=["unittest", "thing"])
        draft = all_rounds(inputs, RoundOutcome.NO_RESULT, ["INTERNALERROR> KeyError"]).past_rounds[-1].draft
        assert proposed(with_references(inputs, known(draft))).draft.test_command == draft.test_command


class TestADraftOfAnotherStrategy:
    def test_gives_base_image_packages_and_undeclared_requirements(self):
        text = proposed(
            with_references(an_input(created="2023-06-01"), known(a_draft(BY_A_MODEL)))
        ).draft.dockerfile
        assert text.startswith("FROM python:3.9-slim\n")
        assert "install -y -qq --no-install-recommends gcc libyaml-dev " in text
        assert requirements(text) == ["hypothesis<7", "mocket[aiohttp]", "pytest"]
        assert text.endswith(" -e .\nENV PYTHONPATH=/testbed/lib/extra\n")

    def test_gives_its_test_command_with_reports_and_exit_codes(self):
        command = "python runtests.py {files}"
        proven = a_draft(BY_A_MODEL, command, reports=["out/*.xml"], error_exit_codes=[3])
        first = proposed(with_references(an_input(), known(proven))).draft
        assert first == proven.model_copy(update={"dockerfile": first.dockerfile})

    def test_does_not_give_a_test_command_for_particular_files(self):
        proven = a_draft(BY_A_MODEL, "pytest tests/test_other.py")
        assert (
            proposed(with_references(an_input(), known(proven))).draft.test_command
            == proposed(an_input()).draft.test_command
        )

    def test_in_another_kind_of_image_gives_only_packages(self):
        proven = a_draft("FROM ubuntu:24.04\nRUN apt-get install -y git\nCOPY . /testbed\n")
        first = proposed(with_references(an_input(created="2024-03-01"), known(proven)))
        assert first.label == "python 3.11, as of 2024-04-15, as 1.2 was built"
        assert "--no-install-recommends git " in first.draft.dockerfile

    @pytest.mark.parametrize(
        "dockerfile", ["FROM $NOTHING\nRUN pip install 'open\n", "COPY . /testbed\n", "RUN [\n", "x"]
    )
    def test_that_cannot_be_parsed_leaves_the_own_candidates(self, dockerfile):
        first = proposed(with_references(an_input(created="2024-03-01"), known(a_draft(dockerfile))))
        assert first.label.startswith("python 3.11, as of 2024-04-15")


class TestTheCandidatesAfterTheHint:
    def test_loses_none_of_its_own_candidates(self):
        plain, with_proven = (
            drafts_of(an_input()),
            drafts_of(with_references(an_input(), known(a_draft(BY_A_MODEL)))),
        )
        assert plain < with_proven
        assert len(with_proven) == len(plain) + 1

    def test_starts_with_the_first_candidate_when_the_hint_gave_no_constraint(self):
        inputs = ended(with_references(an_input(), known(a_draft(BY_A_MODEL))), RoundOutcome.STEP_FAILED, "")
        assert proposed(inputs) == proposed(an_input())

    def test_keeps_the_hint_while_its_rounds_add_constraints(self):
        inputs = with_references(an_input(), known(a_draft(BY_A_MODEL)))
        inputs = ended(inputs, RoundOutcome.NO_RESULT, "E   ModuleNotFoundError: No module named 'yaml'")
        assert proposed(inputs).label.endswith(
            ", with hypothesis<7, mocket[aiohttp], pyyaml, as 1.2 was built"
        )
        inputs = ended(inputs, RoundOutcome.NO_RESULT, "")
        assert proposed(inputs).label == "python 3.9, as of 2023-07-16, with pyyaml"

    def test_takes_the_hint_to_another_interpreter_when_its_own_is_too_old(self):
        inputs = with_references(an_input(), known(a_draft(BY_A_MODEL)))
        again = proposed(ended(inputs, RoundOutcome.NO_RESULT, "No module named 'tomllib'"))
        assert (
            again.label
            == "python 3.11, as of 2023-07-21, with hypothesis<7, mocket[aiohttp], as 1.2 was built"
        )

    def test_may_tolerate_the_few_failures_in_the_round_of_the_hint(self):
        draft = solved(an_input(), (RoundOutcome.NO_RESULT, "No such file or directory: 'git'"))
        inputs = ended(with_references(an_input(), known(draft)), RoundOutcome.AFTER_FAILED, SUMMARY)
        for _ in range(2):
            inputs = ended(inputs, RoundOutcome.NO_RESULT)
        last = proposed(inputs)
        assert last.draft.tolerated_failures == ["tests/test_thing.py::test_net"]
        assert "install -y -qq --no-install-recommends git " in last.draft.dockerfile

    def test_does_not_try_a_draft_again_that_the_hint_repeats(self):
        draft = proposed(an_input()).draft
        inputs = ended(with_references(an_input(), known(draft, "2023-06-01")), RoundOutcome.NO_RESULT)
        assert inputs.past_rounds[0].draft == draft
        assert proposed(inputs).label == "python 3.11, as of 2023-07-21"

    def test_keeps_its_constraints_when_another_commit_has_been_solved_meanwhile(self):
        inputs = with_references(an_input(), known(a_draft(BY_A_MODEL)))
        inputs = ended(inputs, RoundOutcome.NO_RESULT, "E   ModuleNotFoundError: No module named 'yaml'")
        nearer = known(proposed(an_input()).draft, "2023-06-01", "1.3", "b")
        label = "python 3.9, as of 2023-07-16, with pyyaml, as 1.3 was built"
        assert proposed(with_references(inputs, nearer)).label == label

    def test_stays_with_the_image_that_a_person_names(self):
        overrides = Overrides(base_image="python:3.13-slim")
        inputs = with_references(an_input(overrides=overrides), known(a_draft(BY_A_MODEL)))
        assert proposed(inputs).draft.dockerfile.startswith("FROM python:3.13-slim\n")

    def test_stays_with_the_interpreters_that_the_project_allows_now(self):
        setup = SETUP_PY.replace("version=", "python_requires='>=3.11', version=")
        inputs = with_references(an_input({"setup.py": setup}), known(a_draft(BY_A_MODEL)))
        assert proposed(inputs).draft.dockerfile.startswith("FROM python:3.11-slim\n")

    @settings(max_examples=40, deadline=None)
    @given(
        st.lists(st.tuples(st.sampled_from(RoundOutcome), st.sampled_from(MESSAGES)), max_size=15),
        st.sampled_from(["2014-01-01", "2022-02-02", None]),
        st.sampled_from([BY_A_MODEL, "FROM python:3.13-slim\nCOPY . /testbed\n"]),
    )
    def test_never_proposes_a_draft_twice_and_ends(self, outcomes, created, dockerfile):
        inputs = with_references(an_input(created=created), known(a_draft(dockerfile)))
        for outcome, message in outcomes:
            if next_proposal(["recipe"], inputs) is None:
                break
            inputs = ended(inputs, outcome, message)
        if next_proposal(["recipe"], inputs) is not None:
            inputs = all_rounds(inputs, RoundOutcome.AFTER_FAILED, MESSAGES)
        digests = [tried.draft.digest() for tried in inputs.past_rounds]
        assert len(set(digests)) == len(digests)
