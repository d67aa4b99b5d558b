"""Which interpreters and dates the Python recipe tries, in which order."""

from hypothesis import given, settings
from hypothesis import strategies as st

from swefoundry.contracts.round_outcome import RoundOutcome
from swefoundry.drafts import next_proposal
from unit.drafts.recipe_inputs import SETUP_PY, all_rounds, an_input, ended, next_dockerfile, proposed

FAILED_WITHOUT_A_MESSAGE = RoundOutcome.AFTER_FAILED
MESSAGES = [
    "",
    "E   ModuleNotFoundError: No module named 'yaml'",
    "error: Failed to build `lxml==4.2`",
    "error: Failed to build `thing @ file:///testbed`",
    "E       fixture 'mocker' not found",
    "AttributeError: module 'collections' has no attribute 'Mapping'",
    "E   ModuleNotFoundError: No module named 'tomllib'",
    "FAILED tests/test_thing.py::test_one - AssertionError\n==== 1 failed, 3 passed in 1.0s ====",
    "No solution found when resolving dependencies: you require six",
]


def bases_and_days(inputs):
    rounds = all_rounds(inputs, FAILED_WITHOUT_A_MESSAGE, [""]).past_rounds
    return [(tried.draft.dockerfile.split("\n")[0][5:], tried.label.split(", ")[1]) for tried in rounds]


def test_the_newest_interpreter_of_the_time_comes_first():
    assert proposed(an_input(created="2021-08-01")).label == "python 3.9, as of 2021-09-15"
    assert proposed(an_input(created="2024-03-01")).label == "python 3.11, as of 2024-04-15"
    assert proposed(an_input(created="2026-01-01")).label == "python 3.13, as of 2026-02-15"


def test_a_project_older_than_every_interpreter_gets_the_oldest_one_and_a_day_at_which_it_had_wheels():
    assert proposed(an_input(created="2014-05-01")).label == "python 3.9, as of 2021-07-02"


def test_a_pytest_of_its_own_time_goes_with_a_project_that_pytest_imports():
    setup = SETUP_PY.replace("thing", "attrs")
    assert (
        proposed(an_input({"setup.py": setup}, created="2018-08-01")).label == "python 3.9, as of 2018-09-15"
    )


def test_old_projects_first_get_their_own_requirements_as_of_the_change():
    setup = SETUP_PY.replace("install_requires=[]", "install_requires=['six>=1.5']")
    draft = proposed(an_input({"setup.py": setup}, created="2014-05-01")).draft
    assert "--exclude-newer 2021-07-02 " in draft.dockerfile
    assert " --exclude-newer-package six=2014-06-15 " in draft.dockerfile


def test_what_does_not_build_as_of_the_change_goes_with_the_later_day():
    setup = SETUP_PY.replace("install_requires=[]", "install_requires=['lxml', 'six']")
    inputs = an_input({"setup.py": setup}, created="2014-05-01")
    text = next_dockerfile(inputs, RoundOutcome.STEP_FAILED, "error: Failed to build `lxml==3.3.5`")
    assert "--exclude-newer-package lxml" not in text
    assert "--exclude-newer-package six=2014-06-15" in text


def test_the_interpreters_that_the_project_allows_are_the_only_ones():
    setup = SETUP_PY.replace("version=", "python_requires='>=3.12', version=")
    assert {base for base, _ in bases_and_days(an_input({"setup.py": setup}))} == {"python:3.13-slim"}


def test_when_the_project_allows_none_of_the_interpreters_all_are_tried():
    setup = SETUP_PY.replace("version=", "python_requires='<3.6', version=")
    assert {base for base, _ in bases_and_days(an_input({"setup.py": setup}))} == {
        "python:3.9-slim",
        "python:3.11-slim",
        "python:3.13-slim",
    }


def test_an_interpreter_that_the_classifiers_name_counts_as_known_at_the_time():
    setup = SETUP_PY.replace("version=", "classifiers=['Programming Language :: Python :: 3.11'], version=")
    assert (
        proposed(an_input({"setup.py": setup}, created="2022-12-01")).label == "python 3.11, as of 2023-07-21"
    )


def test_rounds_without_a_constraint_go_through_the_candidates_in_order():
    assert bases_and_days(an_input(created="2024-01-01")) == [
        ("python:3.11-slim", "as of 2024-02-15"),
        ("python:3.9-slim", "as of 2024-02-15"),
        ("python:3.11-slim", "as of 2025-02-14"),
        ("python:3.11-slim", "newest dependencies"),
        ("python:3.13-slim", "as of 2025-07-04"),
        ("python:3.11-slim", "as of 2026-08-15"),
        ("python:3.9-slim", "as of 2025-02-14"),
        ("python:3.13-slim", "as of 2026-07-04"),
        ("python:3.9-slim", "as of 2026-08-15"),
        ("python:3.13-slim", "as of 2028-01-02"),
        ("python:3.9-slim", "newest dependencies"),
        ("python:3.13-slim", "newest dependencies"),
    ]


def test_without_a_date_dependencies_are_the_newest_and_the_newest_interpreter_comes_first():
    assert [base for base, _ in bases_and_days(an_input(created=None))] == [
        "python:3.13-slim",
        "python:3.11-slim",
        "python:3.9-slim",
    ]


def test_without_configured_base_images_there_is_still_one():
    assert proposed(an_input(bases=[])).draft.dockerfile.startswith("FROM python:3.11-slim\n")


def test_a_constraint_keeps_the_candidate():
    inputs = an_input()
    first = proposed(inputs).label
    again = proposed(
        ended(inputs, RoundOutcome.NO_RESULT, "E   ModuleNotFoundError: No module named 'yaml'")
    ).label
    assert again == first + ", with pyyaml"


def test_constraints_hold_for_later_candidates():
    inputs = ended(an_input(), RoundOutcome.NO_RESULT, "E   ModuleNotFoundError: No module named 'yaml'")
    inputs = ended(inputs, RoundOutcome.NO_RESULT)
    assert proposed(inputs).label == "python 3.11, as of 2023-07-21, with pyyaml"


def test_the_last_draft_tolerates_the_few_tests_that_fail_in_every_environment():
    summary = "FAILED tests/test_thing.py::test_net - OSError\n==== 1 failed, 30 passed in 1.0s ===="
    inputs = all_rounds(an_input(bases=["python:3.11-slim"]), RoundOutcome.AFTER_FAILED, [summary])
    last = inputs.past_rounds[-1]
    assert last.draft.tolerated_failures == ["tests/test_thing.py::test_net"]
    assert last.label.endswith("tolerates 1 test failing after the fix")


def test_no_failure_is_tolerated_when_the_summary_does_not_name_them_all():
    summary = "FAILED tests/test_thing.py::test_net - OSError\n==== 2 failed, 3 passed in 1.0s ===="
    tried = all_rounds(an_input(bases=["python:3.11-slim"]), RoundOutcome.AFTER_FAILED, [summary]).past_rounds
    assert [each.draft.tolerated_failures for each in tried] == [[]] * len(tried)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(RoundOutcome), st.sampled_from(MESSAGES)), max_size=25),
    st.sampled_from(["2014-01-01", "2019-07-01", "2022-02-02", "2025-12-31", None]),
)
def test_no_draft_is_proposed_twice_and_the_candidates_end(outcomes, created):
    inputs = an_input(created=created)
    for outcome, message in outcomes:
        if next_proposal(["recipe"], inputs) is None:
            break
        inputs = ended(inputs, outcome, message)
    inputs = inputs if candidates_ended(inputs) else all_rounds(inputs, RoundOutcome.AFTER_FAILED, MESSAGES)
    digests = [tried.draft.digest() for tried in inputs.past_rounds]
    assert len(set(digests)) == len(digests)


def candidates_ended(inputs):
    return bool(inputs.past_rounds) and next_proposal(["recipe"], inputs) is None


def test_the_same_few_failures_with_two_candidates_are_tolerated_at_once():
    summary = "FAILED tests/test_thing.py::test_net - OSError\n==== 1 failed, 30 passed in 1.0s ===="
    inputs = ended(an_input(), RoundOutcome.AFTER_FAILED, summary)
    inputs = ended(inputs, RoundOutcome.AFTER_FAILED, summary)
    assert proposed(inputs).draft.tolerated_failures == ["tests/test_thing.py::test_net"]


def test_an_interpreter_without_uv_gets_it_from_another_base_image():
    inputs = an_input(bases=["python:3.7-slim", "python:3.11-slim"], created="2019-06-01")
    assert proposed(inputs).draft.dockerfile.splitlines()[:6] == [
        "FROM python:3.11-slim AS tools",
        "RUN pip install --no-cache-dir uv==0.13.9",
        "FROM python:3.7-slim",
        "ENV VIRTUAL_ENV=/opt/venv PATH=/opt/venv/bin:$PATH PYTHONDONTWRITEBYTECODE=1 LANG=C.UTF-8",
        "COPY --from=tools /usr/local/bin/uv /usr/local/bin/uv",
        "RUN python3 -m venv --without-pip /opt/venv",
    ]


def test_an_interpreter_without_modern_editable_installs_uses_setup_py_develop():
    inputs = an_input(bases=["python:3.6-slim", "python:3.11-slim"], created="2018-01-01")
    assert proposed(inputs).draft.dockerfile.endswith("RUN python setup.py -q develop --no-deps\n")


def test_tests_in_unittests_style_are_run_by_unittest_when_pytest_cannot():
    inputs = an_input(bases=["python:3.11-slim"], test_imports=["unittest", "thing"])
    last = all_rounds(inputs, RoundOutcome.NO_RESULT, ["INTERNALERROR> KeyError"]).past_rounds[-1]
    assert last.draft.test_command.startswith("python -m unittest -v {files} ")
    assert last.draft.reports == []
    assert last.label.endswith("unittest instead of pytest")


def test_a_few_failures_are_tolerated_after_two_rounds_without_progress():
    inputs = ended(
        an_input(), RoundOutcome.AFTER_FAILED, "FAILED tests/test_a.py::test_b\n= 1 failed, 30 passed in 1s ="
    )
    inputs = ended(inputs, RoundOutcome.NO_RESULT)
    inputs = ended(inputs, RoundOutcome.STEP_FAILED)
    assert proposed(inputs).label == proposed(an_input()).label + ", tolerates 1 test failing after the fix"


def test_pins_are_dropped_where_the_interpreter_is_younger_than_the_change():
    manifests = {"setup.py": SETUP_PY, "requirements-test.txt": "mock==1.0\nsix>=1\n"}
    assert "mock==1.0" in proposed(an_input(manifests, created="2023-06-01")).draft.dockerfile
    assert "mock==1.0" not in proposed(an_input(manifests, created="2018-06-01")).draft.dockerfile


def test_an_interpreter_that_the_classifiers_announce_before_it_appeared_is_not_the_first():
    setup = SETUP_PY.replace("version=", "classifiers=['Programming Language :: Python :: 3.13'], version=")
    assert (
        proposed(an_input({"setup.py": setup}, created="2024-08-01")).label == "python 3.11, as of 2024-09-15"
    )
