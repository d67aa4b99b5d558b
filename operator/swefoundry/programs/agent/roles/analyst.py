"""The Test Analyst: reads the measured outcome of a round and says which role has to change what."""

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
from swefoundry.programs.agent.prompt_templates import render_prompt
from swefoundry.programs.agent.state import PastGuidance


async def run_analyst(
    deps: AgentDeps,
    context: PromptContext,
    last: PastAttempt,
    past_guidance: Sequence[PastGuidance],
    occurrences: int,
) -> Guidance:
    """The analyst's guidance, or the usual guidance for the outcome when no model gives a valid answer.

    ``occurrences`` is how often the same failure occurred.
    """
    max_turns, limit_source = context.turn_limit("analyst")
    usual = guidance_for_attempt(last)
    opening = render_prompt(
        "analyst_opening.md",
        **context.common_variables,
        report=context.report,
        last=last,
        usual=usual,
        codes={stage: _exit_code_meaning(code) for stage, code in sorted(last.past.codes.items())},
        logs=context.inputs.logs.by_name,
        past_guidance=list(past_guidance)[-4:],
        attempts=context.inputs.attempts,
        occurrences=occurrences,
    )
    task = RoleTask("analyst", opening, Guidance, _accept_any, max_turns, limit_source)
    try:
        return await Conversation(deps, task).answer()
    except (MalformedAnswers, TurnLimitReached):
        return usual.default_guidance(last.past.message)


def _accept_any(_: Guidance) -> InvalidAnswer | None:
    return None


def _exit_code_meaning(code: int) -> str:
    meanings = {
        ExitCode.OK: "all tests passed",
        ExitCode.TESTS_FAILED: "tests ran and at least one failed",
        ExitCode.NOT_RUNNABLE: "the command could not be started",
        ExitCode.NO_RESULT: "no test result",
        ExitCode.TIME_LIMIT: "time limit",
        ExitCode.ABORTED: "the command ended in the middle of a test",
        ExitCode.FAILURES_IGNORED: "the command ended with 0 although its report has failed tests",
        ExitCode.EXIT_UNEXPLAINED: "the command ended with a failure although every reported test passed",
    }
    return next((meaning for each, meaning in meanings.items() if each == code), f"exit code {code}")
