"""Which drafts are refused as repeated, and when the next model is used."""

from pathlib import Path

import pytest

from swefoundry.contracts.round_outcome import RoundOutcome
from swefoundry.programs.agent.agent_exit import MalformedAnswers, RepeatedDrafts
from swefoundry.programs.agent.state import AgentState
from unit.programs.agent.agent_inputs import (
    ENVIRONMENT,
    FIRST_DRAFT,
    REPORT,
    TESTS,
    a_draft,
    a_past_attempt,
    agent_inputs,
    dockerfile_with,
)
from unit.programs.agent.scripted_model_client import ScriptedAnswer
from unit.programs.agent.workflow_run import (
    FAILED,
    FIRST,
    GCC,
    TO_ENVIRONMENT,
    TO_TESTS,
    WITH_XML,
    WorkflowRun,
)


class TestRepetition:
    async def test_a_dockerfile_that_failed_to_build_is_rejected_whoever_wrote_it(
        self, tmp_path: Path
    ) -> None:
        recipe = a_past_attempt(
            0, RoundOutcome.STEP_FAILED, "no", a_draft(dockerfile_with("RUN recipe")), "recipe"
        )
        answers = FIRST | {
            "environment": [
                FIRST_DRAFT | {"dockerfile": "# mine\n" + dockerfile_with("RUN recipe")},
                FIRST_DRAFT,
            ]
        }
        run = WorkflowRun(agent_inputs(tmp_path, recipe), answers)
        assert (await run.draft()).draft == a_draft()
        assert "was built in round 1 and failed" in run.client.last_messages("environment")[1]

    async def test_an_unchanged_dockerfile_is_rejected_after_guidance(self, tmp_path: Path) -> None:
        last = a_past_attempt(0, RoundOutcome.AFTER_FAILED, "no")
        answers: dict[str, list[ScriptedAnswer]] = {
            "analyst": [TO_ENVIRONMENT],
            "environment": [ENVIRONMENT, {"dockerfile": WITH_XML}],
            "tests": [TESTS],
        }
        run = WorkflowRun(agent_inputs(tmp_path, last), answers)
        await run.draft()
        assert "without a change" in run.client.last_messages("environment")[1]

    async def test_a_draft_that_was_tried_is_rejected_then_the_next_model_is_used_then_repeated(
        self, tmp_path: Path
    ) -> None:
        last = a_past_attempt(0, RoundOutcome.NO_RESULT, "no report")
        run = WorkflowRun(
            agent_inputs(tmp_path, last),
            {"analyst": [TO_TESTS], "tests": [TESTS] * 8},
            models=("small", "large"),
        )
        with pytest.raises(RepeatedDrafts, match="The same draft was tried in round 1"):
            await run.draft()
        assert run.client.model_index == 1 and run.client.unused_answers == {}

    async def test_the_same_failure_twice_uses_the_next_model(self, tmp_path: Path) -> None:
        rounds = [
            FAILED,
            a_past_attempt(1, RoundOutcome.STEP_FAILED, GCC, a_draft(dockerfile_with("RUN one"))),
        ]
        answers: dict[str, list[ScriptedAnswer]] = {
            "analyst": [TO_ENVIRONMENT],
            "environment": [{"dockerfile": WITH_XML}],
            "tests": [TESTS],
        }
        run = WorkflowRun(agent_inputs(tmp_path, *rounds), answers, models=("small", "large"))
        assert (await run.draft()).label.startswith("large, ")
        assert "occurred 2 times" in run.opening("analyst")

    async def test_the_same_failure_three_times_ends_the_loop_when_no_model_is_left(
        self, tmp_path: Path
    ) -> None:
        rounds = [
            a_past_attempt(number, RoundOutcome.STEP_FAILED, GCC, a_draft(dockerfile_with(f"RUN {number}")))
            for number in range(3)
        ]
        run = WorkflowRun(agent_inputs(tmp_path, *rounds), {})
        with pytest.raises(
            RepeatedDrafts, match="3 different drafts ended in the same failure, StepFailed: error"
        ):
            await run.draft()
        assert len(set(run.workflow.state.signatures)) == 1

    async def test_failures_of_recipes_do_not_count(self, tmp_path: Path) -> None:
        rounds = [
            a_past_attempt(
                number, RoundOutcome.STEP_FAILED, GCC, a_draft(dockerfile_with(f"RUN {number}")), "recipe"
            )
            for number in range(3)
        ]
        run = WorkflowRun(agent_inputs(tmp_path, *rounds), FIRST)
        assert (await run.draft()).draft == a_draft()

    async def test_the_model_of_the_last_pod_is_kept(self, tmp_path: Path) -> None:
        answers: dict[str, list[ScriptedAnswer]] = {
            "analyst": [TO_ENVIRONMENT],
            "environment": [{"dockerfile": WITH_XML}],
            "tests": [TESTS],
        }
        run = WorkflowRun(
            agent_inputs(tmp_path, FAILED), answers, AgentState(rung=1), models=("small", "large", "huge")
        )
        assert (await run.draft()).label.startswith("large, ")

    async def test_only_invalid_answers_end_as_malformed(self, tmp_path: Path) -> None:
        with pytest.raises(MalformedAnswers):
            await WorkflowRun(agent_inputs(tmp_path), FIRST | {"environment": ["?"] * 4}).draft()


@pytest.mark.parametrize(
    "outcome", [each for each in RoundOutcome if not each.startswith("Accepted")], ids=str
)
async def test_no_outcome_leads_to_the_same_draft_again(tmp_path: Path, outcome: RoundOutcome) -> None:
    """A model that always gives the same answers ends the run after every outcome, whatever the route."""
    for route in ("environment", "tests", "explorer"):
        answers: dict[str, list[ScriptedAnswer]] = {
            "analyst": [TO_ENVIRONMENT | {"route": route}, TO_ENVIRONMENT],
            "explorer": [REPORT],
            "environment": [ENVIRONMENT] * 4,
            "tests": [TESTS] * 4,
        }
        run = WorkflowRun(agent_inputs(tmp_path, a_past_attempt(0, outcome, "why")), answers)
        with pytest.raises(RepeatedDrafts):
            await run.draft()
