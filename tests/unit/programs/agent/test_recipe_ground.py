"""Agents know what the recipe tried, and improve its best draft instead of beginning anew."""

from pathlib import Path

from swefoundry.contracts.agent import Ablation
from swefoundry.contracts.facts import FileFact
from swefoundry.contracts.round_outcome import RoundOutcome
from swefoundry.programs.agent.inputs import (
    PastAttempt,
    RecipeDraft,
    best_recipe_draft,
    untried_recipe_draft,
)
from swefoundry.programs.agent.redaction import redact_tokens
from unit.programs.agent.agent_inputs import (
    FIRST_DRAFT,
    a_draft,
    a_facts,
    a_past_attempt,
    agent_inputs,
    an_agent_spec,
    dockerfile_with,
)
from unit.programs.agent.scripted_model_client import tool_calls
from unit.programs.agent.test_workflow import FIRST, TO_ENVIRONMENT, WITH_XML, WorkflowRun


def a_recipe_attempt(
    number: int, outcome: RoundOutcome, message: str = "", codes: dict[str, int] | None = None
) -> PastAttempt:
    draft = a_draft(dockerfile_with(f"RUN recipe {number}"), f"recipe {number} {{files}}")
    created = a_past_attempt(number, outcome, message, draft, "recipe")
    update = {"label": f"python 3.11, attempt {number}", "codes": codes or {}}
    return PastAttempt(created.past.model_copy(update=update), draft)


RAN = {"after": 1}
NOT_BUILT = a_recipe_attempt(1, RoundOutcome.STEP_FAILED, "error: no gcc\nmore")
NO_TEST = a_recipe_attempt(2, RoundOutcome.NO_RESULT, "no tests ran", {"after": 21})
FEW_FAILED = a_recipe_attempt(3, RoundOutcome.AFTER_FAILED, "2 failed, 40 passed", RAN)
MANY_FAILED = a_recipe_attempt(4, RoundOutcome.AFTER_FAILED, "9 failed, 40 passed", RAN)


def test_the_best_draft_is_the_one_that_came_furthest() -> None:
    rounds = [NOT_BUILT, NO_TEST, FEW_FAILED, MANY_FAILED]
    best = [best_recipe_draft(rounds[:number]) for number in range(5)]
    assert best == [
        None,
        *(
            RecipeDraft(each.draft, each.past.label or "", each.past)
            for each in (NOT_BUILT, NO_TEST, FEW_FAILED, FEW_FAILED)
        ),
    ]


def test_a_recipe_that_was_not_tried_gives_its_first_draft_without_the_fixed_manifests() -> None:
    fixed = [FileFact(path="setup.py", sha256="0" * 64, text="install_requires=['secret-of-the-fix']")]
    created = untried_recipe_draft(an_agent_spec(language="python"), a_facts(fixed_manifests=fixed))
    assert created is not None and created.past is None
    assert created.draft.dockerfile.startswith("FROM python:3.11-slim\n")
    assert "secret-of-the-fix" not in created.draft.dockerfile
    assert untried_recipe_draft(an_agent_spec(language="cobol"), a_facts()) is None


async def test_the_first_draft_starts_from_the_best_one_and_names_all_rounds(tmp_path: Path) -> None:
    attempts = (NOT_BUILT, FEW_FAILED)
    inputs = agent_inputs(tmp_path, *attempts, recipe_draft=best_recipe_draft(attempts))
    run = WorkflowRun(inputs, FIRST)
    await run.draft()
    opening = run.opening("environment")
    assert '- round 1: "python 3.11, attempt 1": StepFailed: "error: no gcc"\n' in opening
    assert '- round 3: "python 3.11, attempt 3": AfterFailed: "2 failed, 40 passed"\n' in opening
    assert "RUN recipe 3" in opening and "RUN recipe 1" not in opening
    assert "Start from the recipe's draft" in opening
    assert "recipe 3 {files}" in opening


async def test_with_a_draft_to_start_from_the_environment_manager_reads_the_source_itself(
    tmp_path: Path,
) -> None:
    inputs = agent_inputs(
        tmp_path, recipe_draft=best_recipe_draft([FEW_FAILED]), short_summary="short", facts_summary="facts"
    )
    calls = tool_calls(("read", {"path": "tox.ini"}), ("grep", {"pattern": "import", "path": "tests"}))
    run = WorkflowRun(inputs, FIRST | {"environment": [calls, FIRST_DRAFT]})
    await run.draft()
    _, environment = run.client.requests
    assert run.client.roles_in_order() == ["environment"]
    assert [tool.name for tool in environment.tools] == ["list", "find", "grep", "read"]
    assert "commands = pytest" in environment.messages[3].text
    assert "from calc import add" in environment.messages[4].text
    assert inputs.repo_summary in run.opening("environment")
    assert run.workflow.state.report is None


async def test_after_a_round_the_manager_that_has_read_the_source_gets_the_facts_and_no_tools(
    tmp_path: Path,
) -> None:
    last = a_past_attempt(5, RoundOutcome.STEP_FAILED, "no libxml2")
    inputs = agent_inputs(
        tmp_path,
        last,
        recipe_draft=best_recipe_draft([FEW_FAILED]),
        short_summary="short",
        facts_summary="facts",
    )
    answers = FIRST | {"analyst": [TO_ENVIRONMENT], "environment": [{"dockerfile": WITH_XML, "note": ""}]}
    run = WorkflowRun(inputs, answers)
    await run.draft()
    assert run.client.roles_in_order() == ["analyst", "environment"]
    assert run.client.requests[-1].tools == ()
    assert ["\nfacts\n" in run.opening(role) for role in ("analyst", "environment")] == [True, True]


async def test_the_analyst_may_still_ask_the_explorer_which_then_reports(tmp_path: Path) -> None:
    last = a_past_attempt(5, RoundOutcome.STEP_FAILED, "no libxml2")
    inputs = agent_inputs(tmp_path, last, recipe_draft=best_recipe_draft([FEW_FAILED]))
    ask = TO_ENVIRONMENT | {"route": "explorer", "instructions": "Find what compiles."}
    answers = FIRST | {
        "analyst": [ask, TO_ENVIRONMENT],
        "environment": [{"dockerfile": WITH_XML, "note": ""}],
    }
    run = WorkflowRun(inputs, answers)
    await run.draft()
    assert run.client.roles_in_order() == ["analyst", "explorer", "analyst", "environment"]
    assert run.opening("explorer").endswith("Look for what the guidance asks, then answer with the report.\n")
    assert run.workflow.state.report is not None


async def test_without_the_explorer_nobody_reads_the_source(tmp_path: Path) -> None:
    spec = an_agent_spec(ablation=Ablation(no_explorer=True))
    inputs = agent_inputs(tmp_path, spec=spec, recipe_draft=best_recipe_draft([FEW_FAILED]))
    run = WorkflowRun(inputs, FIRST)
    await run.draft()
    assert [(each.role, each.tools) for each in run.client.requests] == [("environment", ())]


async def test_later_drafts_change_the_agents_own(tmp_path: Path) -> None:
    last = a_past_attempt(5, RoundOutcome.STEP_FAILED, "no libxml2")
    inputs = agent_inputs(tmp_path, FEW_FAILED, last, recipe_draft=best_recipe_draft([FEW_FAILED]))
    answers = FIRST | {"analyst": [TO_ENVIRONMENT], "environment": [{"dockerfile": WITH_XML, "note": ""}]}
    run = WorkflowRun(inputs, answers)
    await run.draft()
    assert "RUN recipe 3" not in run.opening("environment")
    assert "- round 3: " in run.opening("environment")


async def test_where_outcomes_are_hidden_the_recipes_rounds_are_too(tmp_path: Path) -> None:
    spec = an_agent_spec(ablation=Ablation(no_feedback=True))
    inputs = agent_inputs(tmp_path, FEW_FAILED, spec=spec, recipe_draft=best_recipe_draft([FEW_FAILED]))
    run = WorkflowRun(inputs, FIRST)
    await run.draft()
    assert "recipe 3" not in run.opening("environment")


async def test_an_earlier_dockerfile_is_shown_as_its_difference_to_the_current_one(tmp_path: Path) -> None:
    earlier = a_past_attempt(
        1, RoundOutcome.STEP_FAILED, "no gcc", a_draft(dockerfile_with("RUN earlier")), "agents"
    )
    last = a_past_attempt(2, RoundOutcome.STEP_FAILED, "no libxml2", a_draft(dockerfile_with("RUN current")))
    answers = FIRST | {"analyst": [TO_ENVIRONMENT], "environment": [{"dockerfile": WITH_XML, "note": ""}]}
    run = WorkflowRun(agent_inputs(tmp_path, earlier, last), answers)
    await run.draft()
    opening = run.opening("environment")
    assert "-RUN current\n+RUN earlier\n" in opening
    assert opening.count("FROM python:3.11-slim") == 1


def test_variables_of_npm_are_not_taken_for_its_tokens() -> None:
    line = "ENV CI=1 npm_config_update_notifier=false"
    assert redact_tokens(f"{line} npm_{'a1' * 18}") == f"{line} [redacted]"
