"""The Test Manager: writes the test command for a Dockerfile. It speaks last, so its draft is the whole one."""

from pydantic import ValidationError

from swefoundry.contracts.draft import Draft
from swefoundry.drafts.evaluation_command import command_length_problem
from swefoundry.programs.agent.agent_exit import Repeated
from swefoundry.programs.agent.answers import CommandDraft, problems
from swefoundry.programs.agent.command_rules import complaint
from swefoundry.programs.agent.conversation import Brief, Conversation, Fault, Panel
from swefoundry.programs.agent.prompt_context import Situation
from swefoundry.programs.agent.prompts import render


async def draft_command(panel: Panel, now: Situation, dockerfile: str) -> tuple[Draft, CommandDraft]:
    """The whole draft, not tried before, and what the Test Manager said."""
    turns, named = now.limit("tests")
    opening = render(
        "tests_opening.md",
        **now.source,
        report=now.report,
        guidance=now.guidance,
        current=now.current,
        failed=now.failed,
        references=now.case.references,
        dockerfile=dockerfile,
        changed=now.current is None or now.current.dockerfile != dockerfile,
        draft_number=now.draft_number,
    )

    def fits(said: CommandDraft) -> Fault | None:
        return _fits(said, dockerfile, now)

    said = await Conversation(panel, Brief("tests", opening, CommandDraft, fits, turns, named)).answer()
    return whole(said, dockerfile), said


def whole(said: CommandDraft, dockerfile: str) -> Draft:
    """The draft that Dockerfile and command make together."""
    return Draft(
        dockerfile=dockerfile,
        test_command=said.test_command.strip(),
        rebuild_command=said.rebuild_command.strip() or None,
        reports=said.reports,
        error_exit_codes=sorted(set(said.error_exit_codes)),
    )


def _fits(said: CommandDraft, dockerfile: str, now: Situation) -> Fault | None:
    files = now.case.facts.test_files
    wrong = complaint(said.test_command, wants_files=bool(files)) or command_length_problem(
        said.test_command, files
    )
    if wrong:
        return Fault(wrong)
    try:
        draft = whole(said, dockerfile)
    except ValidationError as error:
        return Fault(f"The draft does not fit: {problems(error)}.")
    tried = now.draft_tried(draft)
    return Fault(tried, Repeated) if tried else None
