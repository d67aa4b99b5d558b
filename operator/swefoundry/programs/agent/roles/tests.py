"""The Test Manager: changes the commands of a draft. It is always last, so its result is the whole draft."""

from pydantic import ValidationError

from swefoundry.contracts.draft import Draft
from swefoundry.drafts.evaluation_command import command_length_problem
from swefoundry.programs.agent.agent_exit import RepeatedDrafts
from swefoundry.programs.agent.answers import CommandDraft, describe_errors
from swefoundry.programs.agent.command_rules import command_problem
from swefoundry.programs.agent.conversation import AgentDeps, Conversation, InvalidAnswer, RoleTask
from swefoundry.programs.agent.prompt_context import PromptContext
from swefoundry.programs.agent.prompt_templates import render_prompt
from swefoundry.programs.agent.report_reminder import report_reminder

_ANY_DOCKERFILE = "FROM scratch"


async def run_test_manager(
    deps: AgentDeps, context: PromptContext, current: Draft
) -> tuple[Draft, CommandDraft]:
    """The current draft with other commands, which was not tried before, and the Test Manager's answer.

    Its Dockerfile may be newer than the commands: then it is not that of ``context``.
    """
    max_turns, limit_source = context.turn_limit("tests")
    opening = render_prompt(
        "tests_opening.md",
        **context.common_variables("tests"),
        **context.manager_variables,
        report=context.report,
        guidance=context.guidance,
        current=current,
        recipe_rounds=context.recipe_rounds,
        failed=context.failed_attempts,
        references=context.inputs.references,
        changed=current != context.current,
    )

    def check(command: CommandDraft) -> InvalidAnswer | None:
        invalid = check_commands(command, context)
        repeated = "" if invalid else context.repeated_draft(assemble_draft(command, current.dockerfile))
        if not repeated:
            return invalid or report_reminder(command, context)
        change = "change the test command, its reports or its error exit codes"
        return InvalidAnswer(f"{repeated}; {change}.", RepeatedDrafts)

    task = RoleTask("tests", opening, CommandDraft, check, max_turns, limit_source)
    command = await Conversation(deps, task).answer()
    return assemble_draft(command, current.dockerfile), command


def assemble_draft(command: CommandDraft, dockerfile: str) -> Draft:
    """The draft of a Dockerfile and a command. Without exit codes in the answer, a draft's defaults apply."""
    names_codes = "error_exit_codes" in command.model_fields_set
    return Draft(
        dockerfile=dockerfile,
        test_command=command.test_command.strip(),
        rebuild_command=command.rebuild_command.strip() or None,
        reports=command.reports,
        error_exit_codes=sorted(set(command.error_exit_codes)) if names_codes else None,
        tolerated_failures=sorted(set(command.tolerated_failures)),
        run_as_user=command.run_as_user or None,
    )


def check_commands(command: CommandDraft, context: PromptContext) -> InvalidAnswer | None:
    """What is wrong with the commands, whatever the Dockerfile is."""
    files = context.inputs.facts.test_files
    problem = command_problem(command.test_command, requires_files=bool(files))
    problem = problem or command_length_problem(command.test_command, files)
    if problem:
        return InvalidAnswer(problem)
    try:
        assemble_draft(command, _ANY_DOCKERFILE)
    except ValidationError as error:
        return InvalidAnswer(f"The draft does not fit: {describe_errors(error)}.")
    return None
