"""The Test Analyst: reads how a round ended, once that is measured, and says who is to change what."""

from collections.abc import Sequence

from swefoundry.contracts.exit_codes import ExitCode
from swefoundry.programs.agent.agent_exit import MalformedAnswers
from swefoundry.programs.agent.answers import Guidance
from swefoundry.programs.agent.conversation import (
    AgentDeps,
    Conversation,
    InvalidAnswer,
    RoleTask,
    TurnLimitReached,
)
from swefoundry.programs.agent.inputs import PastAttempt
from swefoundry.programs.agent.prompt_context import PromptContext, guidance_for_attempt
from swefoundry.programs.agent.prompts import render_prompt
from swefoundry.programs.agent.state import PastGuidance


async def run_analyst(
    deps: AgentDeps,
    context: PromptContext,
    last: PastAttempt,
    past_guidance: Sequence[PastGuidance],
    occurrences: int,
) -> Guidance:
    """Guidance; the outcome's own when no model gives any that can be used.

    ``times`` is how often this very failure has been seen.
    """
    turns, named = context.turn_limit("analyst")
    known = guidance_for_attempt(last)
    opening = render_prompt(
        "analyst_opening.md",
        **context.common_variables,
        report=context.report,
        last=last,
        known=known,
        codes={stage: _exit_code_meaning(code) for stage, code in sorted(last.past.codes.items())},
        logs=context.inputs.logs.by_name,
        advised=list(past_guidance)[-4:],
        attempts=context.inputs.attempts,
        times=occurrences,
    )
    brief = RoleTask("analyst", opening, Guidance, _accept_any, turns, named)
    try:
        return await Conversation(deps, brief).answer()
    except (MalformedAnswers, TurnLimitReached):
        return known.default_guidance(last.past.message)


def _accept_any(_: Guidance) -> InvalidAnswer | None:
    return None


def _exit_code_meaning(code: int) -> str:
    names = {
        ExitCode.OK: "all tests passed",
        ExitCode.TESTS_FAILED: "tests ran and at least one failed",
        ExitCode.NOT_RUNNABLE: "the command could not be started",
        ExitCode.NO_RESULT: "no test result",
        ExitCode.TIME_LIMIT: "time limit",
    }
    return next((said for known, said in names.items() if known == code), f"exit code {code}")
