"""The Test Analyst: reads how a round ended, once that is measured, and says who is to change what."""

from collections.abc import Sequence

from swefoundry.contracts.exit_codes import ExitCode
from swefoundry.programs.agent.agent_exit import Malformed
from swefoundry.programs.agent.answers import Guidance
from swefoundry.programs.agent.conversation import Brief, Conversation, Fault, OutOfTurns, Panel
from swefoundry.programs.agent.inputs import Attempted
from swefoundry.programs.agent.prompt_context import Situation, measured
from swefoundry.programs.agent.prompts import render
from swefoundry.programs.agent.state import Advised


async def analyse(
    panel: Panel, now: Situation, last: Attempted, advised: Sequence[Advised], times: int
) -> Guidance:
    """Guidance; the outcome's own when no model gives any that can be used.

    ``times`` is how often this very failure has been seen.
    """
    turns, named = now.limit("analyst")
    known = measured(last)
    opening = render(
        "analyst_opening.md",
        **now.source,
        report=now.report,
        last=last,
        known=known,
        codes={stage: _code(code) for stage, code in sorted(last.past.codes.items())},
        logs=now.case.logs.named,
        advised=list(advised)[-4:],
        attempts=now.case.attempts,
        times=times,
    )
    brief = Brief("analyst", opening, Guidance, _fits, turns, named)
    try:
        return await Conversation(panel, brief).answer()
    except (Malformed, OutOfTurns):
        return known.guidance(last.past.message)


def _fits(_: Guidance) -> Fault | None:
    return None


def _code(code: int) -> str:
    names = {
        ExitCode.OK: "all tests passed",
        ExitCode.TESTS_FAILED: "tests ran and at least one failed",
        ExitCode.NOT_RUNNABLE: "the command could not be started",
        ExitCode.NO_RESULT: "no test result",
        ExitCode.TIME_LIMIT: "time limit",
    }
    return next((said for known, said in names.items() if known == code), f"exit code {code}")
