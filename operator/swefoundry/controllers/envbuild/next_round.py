"""The start of a round: its draft is stored, checked against the policy, and its base images are looked up."""

from swefoundry.api.envbuild import Round
from swefoundry.contracts.round_outcome import RoundOutcome
from swefoundry.controllers.envbuild.base_image_check import missing_images_problem
from swefoundry.controllers.envbuild.observation import Observation
from swefoundry.dockerfile.policy import violations
from swefoundry.drafts.evaluation_command import command_length_problem
from swefoundry.drafts.proposal import Proposal
from swefoundry.drafts.root_sensitivity import is_root_sensitive
from swefoundry.oci.draft_store import push_draft
from swefoundry.workloads.context import ReconcileContext


async def start_round(proposal: Proposal, observed: Observation, context: ReconcileContext) -> Round:
    """Store the draft and return its round.

    It is ended already when the policy refuses the draft or a base image is missing.
    """
    facts = await context.facts(observed.repository, observed.require_source().facts)
    started = Round(
        number=len(observed.build.status.rounds) + 1,
        strategy=proposal.strategy,
        label=proposal.label[:200],
        draft=await push_draft(context.registry, observed.repository, proposal.draft),
        parent=proposal.parent,
        tolerated=len(proposal.draft.tolerated_failures),
        run_as_user=proposal.draft.run_as_user,
        root_sensitive=is_root_sensitive(proposal.strategy, proposal.draft, facts),
    )
    found = violations(proposal.draft.dockerfile, list(context.settings.allowed_bases))
    refused = [item.message for item in found] + [
        command_length_problem(proposal.draft.test_command, facts.test_files)
    ]
    message, outcome = " ".join(filter(None, refused)), RoundOutcome.POLICY_REFUSED
    if not message and proposal.parent is None:
        message = await missing_images_problem(proposal.draft.dockerfile, observed, facts, context)
        outcome = RoundOutcome.BASE_IMAGE_MISSING
    return started.model_copy(update={"outcome": outcome, "message": message[:2048]}) if message else started
