"""The Repository Explorer: reads the source with tools and reports what an environment needs."""

from swefoundry.programs.agent.answers import ExplorerReport
from swefoundry.programs.agent.conversation import Brief, Conversation, Fault, OutOfTurns, Panel
from swefoundry.programs.agent.prompt_context import Situation
from swefoundry.programs.agent.prompts import render
from swefoundry.programs.agent.repo.tools import Toolbox


async def explore(panel: Panel, now: Situation) -> ExplorerReport | None:
    """The report; the earlier one, or none, when all turns went into looking: the brief is still there."""
    turns, named = now.limit("explorer")
    opening = render("explorer_opening.md", **now.source, report=now.report, guidance=now.guidance)
    brief = Brief("explorer", opening, ExplorerReport, _fits, turns, named)
    try:
        return await Conversation(panel, brief, Toolbox(now.case.tree)).answer()
    except OutOfTurns:
        return now.report


def _fits(report: ExplorerReport) -> Fault | None:
    if not report.language.strip():
        return Fault("`language` is empty; name the main language of the tests.")
    return None
