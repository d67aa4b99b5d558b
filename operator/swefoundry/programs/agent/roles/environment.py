"""The Environment Manager: writes the Dockerfile, or changes the current one as the guidance says."""

from swefoundry.dockerfile.build_stages import images_to_pull
from swefoundry.dockerfile.policy import violations
from swefoundry.oci.base_images import missing_image_message
from swefoundry.programs.agent.agent_exit import RepeatedDrafts
from swefoundry.programs.agent.answers import EnvironmentDraft
from swefoundry.programs.agent.conversation import AgentDeps, Conversation, InvalidAnswer, RoleTask
from swefoundry.programs.agent.heredoc_marks import unknown_mark, without_marks
from swefoundry.programs.agent.prompt_context import PromptContext
from swefoundry.programs.agent.prompt_templates import render_prompt
from swefoundry.programs.agent.repo.tools import RepoTools


async def run_environment_manager(deps: AgentDeps, context: PromptContext) -> EnvironmentDraft:
    """A Dockerfile that obeys the policy and has not failed before."""
    max_turns, limit_source = context.turn_limit("environment")
    spec = context.inputs.spec
    opening = render_prompt(
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
        has_tools=context.manager_reads_source("environment"),
    )

    def check(draft: EnvironmentDraft) -> InvalidAnswer | None:
        return _check_draft(_with_whole_files(draft, context), context)

    async def look_up(draft: EnvironmentDraft) -> InvalidAnswer | None:
        return await _look_up_images(draft, context)

    task = RoleTask("environment", opening, EnvironmentDraft, check, max_turns, limit_source, look_up)
    toolbox = RepoTools(context.inputs.tree) if context.manager_reads_source("environment") else None
    return _with_whole_files(await Conversation(deps, task, toolbox).answer(), context)


def _with_whole_files(draft: EnvironmentDraft, context: PromptContext) -> EnvironmentDraft:
    """The answer with the files that the prompt showed as marks."""
    return draft.model_copy(update={"dockerfile": without_marks(draft.dockerfile, context.shown_dockerfiles)})


def _check_draft(draft: EnvironmentDraft, context: PromptContext) -> InvalidAnswer | None:
    if not draft.dockerfile.strip():
        return InvalidAnswer("`dockerfile` is empty; write the whole Dockerfile.")
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
