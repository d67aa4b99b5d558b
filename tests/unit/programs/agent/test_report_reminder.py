"""Drafts of agents have a report wherever the runner can write one, so that each test counts by itself."""

from pathlib import Path

import pytest

from swefoundry.contracts.agent import Allowance
from swefoundry.contracts.round_outcome import RoundOutcome
from swefoundry.oci.base_images import NO_IMAGE_HOSTS, BaseImageLookup
from swefoundry.programs.agent.language_guides import LANGUAGE_GUIDES, ExampleCommand
from unit.programs.agent.agent_inputs import (
    DOCKERFILE,
    ENVIRONMENT,
    FIRST_DRAFT,
    TESTS,
    a_draft,
    a_past_attempt,
    agent_inputs,
    an_agent_spec,
)
from unit.programs.agent.scripted_model_client import ScriptedAnswer
from unit.programs.agent.workflow_run import FIRST, TO_ENVIRONMENT, TO_TESTS, WITH_XML, WorkflowRun

BARE = "pytest {files}"
WITHOUT = TESTS | {"test_command": BARE, "reports": []}
REPORTLESS = a_draft(command=BARE, reports=[])
REMINDER = (
    "This answer lacks something. `reports` is empty, so it would not be known what each test did, and pytest can "
    'write a report: `python -m pytest -q --junitxml=report.xml {files}` with `reports` ["report.xml"]. If none can '
    "be written here, give the same again.\n"
)


async def test_a_first_draft_without_a_report_is_asked_for_one_by_the_languages_example(
    tmp_path: Path,
) -> None:
    better = {name: TESTS[name] for name in ("test_command", "reports", "error_exit_codes")}
    answers: list[ScriptedAnswer] = [ENVIRONMENT | WITHOUT, ENVIRONMENT | better]
    run = WorkflowRun(agent_inputs(tmp_path), FIRST | {"environment": answers})
    written = await run.draft()
    assert (written.draft, written.claimed) == (a_draft(), True)
    assert run.client.last_messages("environment")[1] == (
        f"{REMINDER}Give `dockerfile`, `test_command`, `reports`, `error_exit_codes` again, corrected. The other "
        "fields stay as they are and have to fit."
    )


SECOND_ANSWERS: dict[str, ScriptedAnswer] = {
    "the same again": ENVIRONMENT | WITHOUT,
    "one that cannot be used": {"dockerfile": "", "test_command": "pytest {files} || true", "reports": ["a"]},
    "no JSON": "There is no report here.",
}


@pytest.mark.parametrize("second", SECOND_ANSWERS.values(), ids=SECOND_ANSWERS)
async def test_without_a_better_answer_the_draft_has_no_report(
    tmp_path: Path, second: ScriptedAnswer
) -> None:
    answers: list[ScriptedAnswer] = [ENVIRONMENT | WITHOUT, second]
    run = WorkflowRun(agent_inputs(tmp_path), FIRST | {"environment": answers})
    assert (await run.draft()).draft == REPORTLESS
    assert run.client.unused_answers == {}


async def test_a_report_is_not_worth_a_turn_that_the_budget_does_not_have(tmp_path: Path) -> None:
    spec = an_agent_spec(allowance=Allowance(turns_per_role=1))
    run = WorkflowRun(
        agent_inputs(tmp_path, spec=spec), FIRST | {"environment": [ENVIRONMENT | WITHOUT, FIRST_DRAFT]}
    )
    assert (await run.draft()).draft == REPORTLESS


async def test_an_image_that_is_missing_is_named_before_a_report_is_asked_for(tmp_path: Path) -> None:
    inputs = agent_inputs(tmp_path, image_lookup=BaseImageLookup(NO_IMAGE_HOSTS, None))
    inputs.image_lookup.remember_missing("python:9")
    missing = {"dockerfile": DOCKERFILE.replace("python:3.11-slim", "python:9")}
    answers: list[ScriptedAnswer] = [WITHOUT | missing, {"dockerfile": DOCKERFILE}, FIRST_DRAFT]
    run = WorkflowRun(inputs, FIRST | {"environment": answers})
    assert (await run.draft()).draft == a_draft()
    first, second = run.client.last_messages("environment")[1:]
    assert "The registry says that python:9 does not exist" in first and second.startswith(REMINDER)


async def test_the_test_manager_that_drops_the_report_is_asked_for_it(tmp_path: Path) -> None:
    last = a_past_attempt(0, RoundOutcome.NO_RESULT, "no report")
    command = "python -m pytest -q --junitxml=report.xml -p no:xdist {files}"
    answers: dict[str, list[ScriptedAnswer]] = {
        "analyst": [TO_TESTS],
        "tests": [WITHOUT, TESTS | {"test_command": command}],
    }
    run = WorkflowRun(agent_inputs(tmp_path, last), answers)
    assert (await run.draft()).draft == a_draft(command=command)
    assert run.client.last_messages("tests")[1].startswith(f"{REMINDER}Give `test_command`, `reports`,")


async def test_who_wrote_no_report_in_spite_of_that_is_not_asked_again_and_the_analyst_knows(
    tmp_path: Path,
) -> None:
    last = a_past_attempt(0, RoundOutcome.AFTER_FAILED, "no", REPORTLESS)
    answers: dict[str, list[ScriptedAnswer]] = {
        "analyst": [TO_ENVIRONMENT | {"test_instructions": "Add -x."}],
        "environment": [{"dockerfile": WITH_XML}],
        "tests": [WITHOUT | {"test_command": "pytest -x {files}"}],
    }
    run = WorkflowRun(agent_inputs(tmp_path, last), answers)
    assert (await run.draft()).draft == a_draft(WITH_XML, "pytest -x {files}", reports=[])
    assert "The commands name no report, so it is not known what each test did.\n" in run.opening("analyst")


async def test_the_analyst_of_a_draft_with_reports_reads_nothing_of_that(tmp_path: Path) -> None:
    last = a_past_attempt(0, RoundOutcome.AFTER_FAILED, "no")
    answers: dict[str, list[ScriptedAnswer]] = {
        "analyst": [TO_ENVIRONMENT],
        "environment": [{"dockerfile": WITH_XML}],
    }
    run = WorkflowRun(agent_inputs(tmp_path, last), answers)
    await run.draft()
    assert "name no report" not in run.opening("analyst")


RUNNERS = {
    f"{language}, {each.runner}": (language, each)
    for language, guide in LANGUAGE_GUIDES.items()
    for each in guide.examples
    if each.programs
}


@pytest.mark.parametrize(("language", "example"), RUNNERS.values(), ids=RUNNERS)
def test_the_example_of_a_runner_is_found_by_the_command_that_calls_it(
    language: str, example: ExampleCommand
) -> None:
    assert LANGUAGE_GUIDES[language].example_for(example.test_command) == example


COMMANDS = {
    "python": {
        "py.test -x {files}": "pytest",
        "python -m unittest {files}": "pytest",
        "python tests/pytest.py {files}": None,
        "python runtests.py {files}": None,
        "tox -e pytest-xdist -- {files}": None,
    },
    "javascript": {
        "npx jest {files}": "jest",
        "sh -c 'mocha {files}'": "mocha",
        "node test/mocha.js {files}": None,
        "node tests/jest/run {files}": None,
        "npm test -- {files}": None,
    },
    "java": {"./mvnw -o test": "Maven", "sh gradlew test": "Gradle", "ant test": None},
    "go": {"go test ./...": "go test", "go vet ./...": None},
}


@pytest.mark.parametrize("language", COMMANDS)
def test_runners_are_known_by_the_names_that_commands_call(language: str) -> None:
    found = {command: LANGUAGE_GUIDES[language].example_for(command) for command in COMMANDS[language]}
    assert {command: each and each.runner for command, each in found.items()} == COMMANDS[language]


async def test_a_runner_that_no_guide_knows_is_asked_for_no_report(tmp_path: Path) -> None:
    answer = FIRST_DRAFT | {"test_command": "sh run {files}", "reports": []}
    run = WorkflowRun(agent_inputs(tmp_path), FIRST | {"environment": [answer]})
    assert (await run.draft()).draft == a_draft(command="sh run {files}", reports=[])
