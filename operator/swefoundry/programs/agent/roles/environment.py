"""The Environment Manager: writes the Dockerfile, or changes the current one as guidance says."""

from swefoundry.dockerfile.policy import violations
from swefoundry.programs.agent.agent_exit import RepeatedDrafts
from swefoundry.programs.agent.answers import EnvironmentDraft
from swefoundry.programs.agent.conversation import AgentDeps, Conversation, InvalidAnswer, RoleTask
from swefoundry.programs.agent.prompt_context import PromptContext
from swefoundry.programs.agent.prompts import render_prompt


async def run_environment_manager(deps: AgentDeps, context: PromptContext) -> EnvironmentDraft:
    """A Dockerfile that keeps the policy and was not seen to fail."""
    turns, named = context.turn_limit("environment")
    order = context.inputs.spec
    opening = render_prompt(
        "environment_opening.md",
        **context.common_variables,
        report=context.report,
        guidance=context.guidance,
        current=context.current,
        failed=context.failed_attempts,
        references=context.inputs.references,
        base_images=order.base_images,
        allowed_bases=order.allowed_bases,
        draft_number=context.draft_number,
    )

    def fits(draft: EnvironmentDraft) -> InvalidAnswer | None:
        return _check_draft(draft, context)

    return await Conversation(
        deps, RoleTask("environment", opening, EnvironmentDraft, fits, turns, named)
    ).answer()


def _check_draft(draft: EnvironmentDraft, context: PromptContext) -> InvalidAnswer | None:
    if not draft.dockerfile.strip():
        return InvalidAnswer("`dockerfile` is empty; write the whole Dockerfile.")
    broken = violations(draft.dockerfile, context.inputs.spec.allowed_bases)
    if broken:
        return InvalidAnswer("The Dockerfile breaks the rules. " + " ".join(each.message for each in broken))
    tried = context.repeated_dockerfile(draft.dockerfile)
    return InvalidAnswer(tried, RepeatedDrafts) if tried else None
