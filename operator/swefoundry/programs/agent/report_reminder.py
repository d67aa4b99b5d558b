"""Asks for a report where the runner of a test command can write one: without it, single tests are not known. Pure."""

import json

from swefoundry.programs.agent.answers import CommandDraft
from swefoundry.programs.agent.conversation import InvalidAnswer
from swefoundry.programs.agent.prompt_context import PromptContext

_CHANGED = {"dockerfile", "test_command", "reports", "error_exit_codes"}
"""Fields that a report may change: some runners need a reporter in the image."""


def report_reminder(command: CommandDraft, context: PromptContext) -> InvalidAnswer | None:
    """What to add to commands without a report. They can be used as they are, and the verdict is by exit codes alone
    then; who answered so before is not asked again.
    """
    insisted = context.current is not None and not context.current.reports
    if command.reports or insisted or context.guide is None:
        return None
    example = context.guide.example_for(command.test_command)
    if example is None:
        return None
    return InvalidAnswer(
        f"`reports` is empty, so it would not be known what each test did, and {example.runner} can write a report: "
        f"`{example.test_command}` with `reports` {json.dumps(example.reports)}. If none can be written here, give "
        "the same again.",
        kept=command.model_dump(exclude=_CHANGED),
        usable=True,
    )
