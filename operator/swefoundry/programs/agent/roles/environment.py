"""The Environment Manager: writes the Dockerfile, or changes the current one as guidance says."""

from swefoundry.dockerfile.policy import violations
from swefoundry.programs.agent.agent_exit import Repeated
from swefoundry.programs.agent.answers import EnvironmentDraft
from swefoundry.programs.agent.conversation import Brief, Conversation, Fault, Panel
from swefoundry.programs.agent.prompt_context import Situation
from swefoundry.programs.agent.prompts import render


async def draft_environment(panel: Panel, now: Situation) -> EnvironmentDraft:
    """A Dockerfile that keeps the policy and was not seen to fail."""
    turns, named = now.limit("environment")
    order = now.case.order
    opening = render(
        "environment_opening.md",
        **now.source,
        report=now.report,
        guidance=now.guidance,
        current=now.current,
        failed=now.failed,
        references=now.case.references,
        base_images=order.base_images,
        allowed_bases=order.allowed_bases,
        draft_number=now.draft_number,
    )

    def fits(draft: EnvironmentDraft) -> Fault | None:
        return _fits(draft, now)

    return await Conversation(
        panel, Brief("environment", opening, EnvironmentDraft, fits, turns, named)
    ).answer()


def _fits(draft: EnvironmentDraft, now: Situation) -> Fault | None:
    if not draft.dockerfile.strip():
        return Fault("`dockerfile` is empty; write the whole Dockerfile.")
    broken = violations(draft.dockerfile, now.case.order.allowed_bases)
    if broken:
        return Fault("The Dockerfile breaks the rules. " + " ".join(each.message for each in broken))
    tried = now.dockerfile_tried(draft.dockerfile)
    return Fault(tried, Repeated) if tried else None
