"""The Test Analyst: reads the measured outcome of a round and says which roles have to change what."""

from dataclasses import dataclass

from swefoundry.contracts.exit_codes import ExitCode
from swefoundry.contracts.stages import Stage
from swefoundry.programs.agent.agent_exit import MalformedAnswers
from swefoundry.programs.agent.answers import Guidance
from swefoundry.programs.agent.conversation import (
    AgentDeps,
    Conversation,
    InvalidAnswer,
    RoleTask,
    TurnLimitReached,
)
from swefoundry.programs.agent.failure_hints import hints_for
from swefoundry.programs.agent.failure_logs import FailureLogs
from swefoundry.programs.agent.inputs import PastAttempt
from swefoundry.programs.agent.prompt_context import PromptContext, guidance_for_attempt
from swefoundry.programs.agent.prompt_templates import render_prompt
from swefoundry.programs.agent.repo.tools import RepoTools
from swefoundry.programs.agent.stack_lines import lines_of_stacks
from swefoundry.programs.agent.state import PastGuidance

MAX_GUIDANCE_IN_PROMPT = 4


@dataclass(frozen=True)
class Analysis:
    """What the analyst is asked about."""

    last: PastAttempt
    past_guidance: tuple[PastGuidance, ...] = ()
    occurrences: int = 1
    """How often the same failure occurred."""
    explored: bool = False
    """Whether the explorer has looked for what the analyst asked about this round."""


async def run_analyst(deps: AgentDeps, context: PromptContext, analysis: Analysis) -> Guidance:
    """The analyst's guidance, or the usual guidance for the outcome when no model gives a valid answer."""
    max_turns, limit_source = context.turn_limit("analyst")
    last = analysis.last
    usual, facts = guidance_for_attempt(last), context.inputs.facts
    opening = render_prompt(
        "analyst_opening.md",
        **context.common_variables("analyst"),
        report=context.report,
        last=last,
        usual=usual,
        codes={stage: _exit_code_meaning(code) for stage, code in sorted(last.past.codes.items())},
        logs=context.inputs.logs.by_name,
        message=_lines_beside_logs(last.past.message, context.inputs.logs),
        results=context.inputs.logs.results,
        stack_lines=lines_of_stacks(
            context.inputs.tree, _stacks(context), [*facts.test_files, *facts.test_support_files]
        ),
        hints=hints_for(_failure_texts(context, last)),
        past_guidance=analysis.past_guidance[-MAX_GUIDANCE_IN_PROMPT:],
        attempts=context.inputs.attempts,
        occurrences=analysis.occurrences,
        explored=analysis.explored,
    )

    def check(guidance: Guidance) -> InvalidAnswer | None:
        return _check_guidance(guidance, analysis)

    task = RoleTask("analyst", opening, Guidance, check, max_turns, limit_source)
    try:
        return await Conversation(deps, task, RepoTools(context.inputs.tree)).answer()
    except (MalformedAnswers, TurnLimitReached):
        return usual.default_guidance(last.past.message)


def _lines_beside_logs(message: str, logs: FailureLogs) -> str:
    """The lines of a round's message that its logs do not have: most messages are excerpts of them."""
    logged = {line.strip() for text in logs.by_name.values() for line in text.splitlines()}
    return "\n".join(line for line in message.splitlines() if line.strip() not in logged)


def _failure_texts(context: PromptContext, last: PastAttempt) -> list[str]:
    """What the analyst is shown of the failure."""
    logs = context.inputs.logs
    return [
        *(each.head for each in logs.results.failures),
        logs.before,
        logs.after,
        logs.build,
        last.past.message,
    ]


def _stacks(context: PromptContext) -> tuple[str, ...]:
    """Texts in which stacks may name lines: of the failures in the reports, else of the logs."""
    logs = context.inputs.logs
    return logs.results.stack_texts or (logs.after or logs.build,)


def _check_guidance(guidance: Guidance, analysis: Analysis) -> InvalidAnswer | None:
    if guidance.row_at_fault and not _tests_ran(analysis.last):
        return InvalidAnswer(
            "`row_at_fault` needs a round in which tests ran before and after the fix; this one says nothing about the "
            "row. Give guidance, or set `give_up`."
        )
    if guidance.route == "explorer" and analysis.explored and not guidance.ends_the_search:
        return InvalidAnswer(
            "The explorer has looked already, see its report; name the role that acts on it."
        )
    return None


def _tests_ran(attempt: PastAttempt) -> bool:
    """Whether the tests gave a result on both trees: a build error is never the row's fault."""
    codes = [attempt.past.codes.get(stage) for stage in (Stage.BEFORE, Stage.AFTER)]
    return all(code in (ExitCode.OK, ExitCode.TESTS_FAILED) for code in codes)


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
