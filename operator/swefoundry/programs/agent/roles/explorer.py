"""The Repository Explorer: reads the source with tools and reports what an environment needs."""

from swefoundry.programs.agent.answers import ExplorerReport
from swefoundry.programs.agent.conversation import (
    AgentDeps,
    Conversation,
    InvalidAnswer,
    RoleTask,
    TurnLimitReached,
)
from swefoundry.programs.agent.prompt_context import PromptContext
from swefoundry.programs.agent.prompt_templates import render_prompt
from swefoundry.programs.agent.repo.tools import RepoTools


async def run_explorer(deps: AgentDeps, context: PromptContext) -> ExplorerReport | None:
    """The report. Without an answer in time: the earlier report or none, because the summary is still there."""
    max_turns, limit_source = context.turn_limit("explorer")
    opening = render_prompt(
        "explorer_opening.md",
        **context.common_variables("explorer"),
        report=context.report,
        guidance=context.guidance,
    )
    task = RoleTask("explorer", opening, ExplorerReport, _check_report, max_turns, limit_source)
    try:
        return await Conversation(deps, task, RepoTools(context.inputs.tree)).answer()
    except TurnLimitReached:
        return context.report


def _check_report(report: ExplorerReport) -> InvalidAnswer | None:
    if not report.language.strip():
        return InvalidAnswer("`language` is empty; name the main language of the tests.")
    return None
