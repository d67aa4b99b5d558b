"""The Environment Manager: writes the Dockerfile, or changes the current one as guidance says."""

from swefoundry.agents.conversation import Brief, Conversation, Fault, Panel
from swefoundry.agents.prompting import render
from swefoundry.agents.reports import EnvironmentDraft
from swefoundry.agents.situation import Situation
from swefoundry.agents.stops import Repeated
from swefoundry.domain.dockerfiles import complaints


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
    broken = complaints(draft.dockerfile, now.case.order.allowed_bases)
    if broken:
        return Fault("The Dockerfile breaks the rules. " + " ".join(each.message for each in broken))
    tried = now.dockerfile_tried(draft.dockerfile)
    return Fault(tried, Repeated) if tried else None
