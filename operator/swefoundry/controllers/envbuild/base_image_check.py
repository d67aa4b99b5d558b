"""Base images of drafts, looked up before a build pod is started, and those that agents may choose from.

A missing image ends its round in seconds. It is remembered for all rows, also when only a build could find it out.
"""

from swefoundry.contracts.build import BuildResult
from swefoundry.contracts.draft import Draft
from swefoundry.contracts.facts import Facts
from swefoundry.controllers.envbuild.observation import Observation
from swefoundry.dockerfile.build_stages import images_to_pull
from swefoundry.drafts.proposal import StrategyInput
from swefoundry.drafts.recipes import language_base_images
from swefoundry.oci.base_images import missing_image_message
from swefoundry.workloads.context import ReconcileContext


async def missing_images_problem(
    dockerfile: str, observed: Observation, facts: Facts, context: ReconcileContext
) -> str:
    """A sentence when a base image of a Dockerfile does not exist; else empty."""
    missing = await context.base_images.missing(images_to_pull(dockerfile), context.hosts.away)
    if not missing:
        return ""
    return missing_image_message(missing, await existing_base_images(observed, facts, context))


async def existing_base_images(observed: Observation, facts: Facts, context: ReconcileContext) -> list[str]:
    """Base images of the row's language to choose from, best known first, without those that are missing."""
    strategy_input = StrategyInput(
        facts=facts, language=observed.build.spec.language, base_images=observed.settings.base_images
    )
    images = language_base_images(strategy_input)
    missing = await context.base_images.missing(images, context.hosts.away)
    return [image for image in images if image not in missing]


def remember_missing_image(record: BuildResult, draft: Draft, context: ReconcileContext) -> None:
    """Remember the image that a build could not pull: the one that its message names, or the only one."""
    images = images_to_pull(draft.dockerfile)
    named = [image for image in images if f"//{image}: " in record.message]
    for image in named or (images if len(images) == 1 else []):
        context.base_images.remember_missing(image)
