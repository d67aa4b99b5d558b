"""The Environment Manager: writes the whole first draft, and later changes the Dockerfile as the guidance says."""

from dataclasses import replace
from typing import TypeVar

from swefoundry.contracts.draft import MAX_DOCKERFILE_CHARACTERS, Draft
from swefoundry.dockerfile.build_stages import images_to_pull
from swefoundry.dockerfile.policy import violations
from swefoundry.oci.base_images import missing_image_message
from swefoundry.programs.agent.agent_exit import RepeatedDrafts
from swefoundry.programs.agent.answers import EnvironmentDraft, FirstDraft
from swefoundry.programs.agent.conversation import AgentDeps, Conversation, InvalidAnswer, RoleTask
from swefoundry.programs.agent.heredoc_marks import unknown_mark, with_marks, without_marks
from swefoundry.programs.agent.prompt_context import PromptContext
from swefoundry.programs.agent.prompt_templates import render_prompt
from swefoundry.programs.agent.repo.tools import RepoTools
from swefoundry.programs.agent.report_reminder import report_reminder
from swefoundry.programs.agent.roles.tests import assemble_draft, check_commands

DraftT = TypeVar("DraftT", bound=EnvironmentDraft)


async def write_first_draft(deps: AgentDeps, context: PromptContext) -> tuple[Draft, FirstDraft]:
    """A draft that obeys the rules and was not tried before, by one answer, and that answer."""

    def check(answer: FirstDraft) -> InvalidAnswer | None:
        return _check_first_draft(answer, context)

    async def look_up(answer: FirstDraft) -> InvalidAnswer | None:
        missing = await _look_up_images(answer, context)
        return missing and replace(missing, kept=_commands_of(answer))

    task = RoleTask(
        "environment",
        _opening(context),
        FirstDraft,
        check,
        *context.turn_limit("environment"),
        look_up=look_up,
        system_prompt="first_draft.md",
    )
    toolbox = RepoTools(context.inputs.tree) if context.manager_reads_source("environment") else None
    answer = _with_whole_files(await Conversation(deps, task, toolbox).answer(), context)
    return assemble_draft(answer, answer.dockerfile), answer


async def run_environment_manager(deps: AgentDeps, context: PromptContext) -> EnvironmentDraft:
    """The current Dockerfile, changed as the guidance says; it obeys the policy and has not failed before."""

    def check(answer: EnvironmentDraft) -> InvalidAnswer | None:
        return _check_dockerfile(_with_whole_files(answer, context), context)

    async def look_up(answer: EnvironmentDraft) -> InvalidAnswer | None:
        return await _look_up_images(answer, context)

    limit = context.turn_limit("environment")
    task = RoleTask("environment", _opening(context), EnvironmentDraft, check, *limit, look_up=look_up)
    return _with_whole_files(await Conversation(deps, task).answer(), context)


def _opening(context: PromptContext) -> str:
    spec = context.inputs.spec
    return render_prompt(
        "environment_opening.md",
        **context.common_variables("environment"),
        **context.manager_variables,
        report=context.report,
        guidance=context.guidance,
        current=context.current,
        start=context.starting_draft,
        recipe_rounds=context.recipe_rounds,
        failed=context.failed_attempts,
        references=context.inputs.references,
        base_images=spec.base_images,
        allowed_bases=spec.allowed_bases,
        draft_number=context.draft_number,
        has_marks=any(with_marks(each) != each for each in context.shown_dockerfiles),
        has_tools=context.manager_reads_source("environment"),
    )


def _with_whole_files(draft: DraftT, context: PromptContext) -> DraftT:
    """The answer with the files that the prompt showed as marks."""
    return draft.model_copy(update={"dockerfile": without_marks(draft.dockerfile, context.shown_dockerfiles)})


def _check_first_draft(answer: FirstDraft, context: PromptContext) -> InvalidAnswer | None:
    """What is wrong with either half, or both; a half that is good is kept."""
    whole = _with_whole_files(answer, context)
    dockerfile = _check_dockerfile(whole, context)
    commands = check_commands(whole, context)
    if dockerfile and commands:
        return InvalidAnswer(f"{dockerfile.message} {commands.message}", dockerfile.exit_type)
    if dockerfile:
        return replace(dockerfile, kept=_commands_of(answer))
    if commands:
        return replace(commands, kept=answer.model_dump(include={"dockerfile", "note"}))
    repeated = context.repeated_draft(assemble_draft(whole, whole.dockerfile))
    if repeated:
        return InvalidAnswer(f"{repeated}; change the Dockerfile or the commands.", RepeatedDrafts)
    return report_reminder(answer, context)


def _commands_of(answer: FirstDraft) -> dict[str, object]:
    """All fields but the Dockerfile. Exit codes that were left out stay so: a draft's defaults apply then."""
    left_out = {"error_exit_codes"} - answer.model_fields_set
    return answer.model_dump(exclude={"dockerfile"} | left_out)


def _check_dockerfile(draft: EnvironmentDraft, context: PromptContext) -> InvalidAnswer | None:
    if not draft.dockerfile.strip():
        return InvalidAnswer("`dockerfile` is empty; write the whole Dockerfile.")
    if len(draft.dockerfile) > MAX_DOCKERFILE_CHARACTERS:
        return InvalidAnswer(
            f"`dockerfile` has more than {MAX_DOCKERFILE_CHARACTERS:,} characters: shorten it."
        )
    mark = unknown_mark(draft.dockerfile)
    if mark:
        return InvalidAnswer(
            f"No Dockerfile here has the file that this line stands for: {mark}\nWrite the file itself."
        )
    broken = violations(draft.dockerfile, context.inputs.spec.allowed_bases)
    if broken:
        return InvalidAnswer("The Dockerfile breaks the rules. " + " ".join(each.message for each in broken))
    repeated = context.repeated_dockerfile(draft.dockerfile)
    return InvalidAnswer(repeated, RepeatedDrafts) if repeated else None


async def _look_up_images(draft: EnvironmentDraft, context: PromptContext) -> InvalidAnswer | None:
    missing = await context.inputs.image_lookup.missing(images_to_pull(draft.dockerfile))
    if not missing:
        return None
    return InvalidAnswer(missing_image_message(missing, context.inputs.spec.base_images))
