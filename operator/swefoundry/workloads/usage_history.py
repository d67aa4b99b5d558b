"""What pods used, by image and by repository.

In memory; after a restart it is gathered again from the status of every object.
"""

import math
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass

from swefoundry.contracts.digests import Digest
from swefoundry.workloads.attempt import Role
from swefoundry.workloads.resource_estimates import PeakUse, highest

IMAGES_KEPT = 4096
"""Images whose use is kept: a few dozen bytes each, and older ones have mostly ended."""

OBJECTS_PER_REPOSITORY = 32
"""Objects of a repository whose use is kept, the newest ones: projects change slowly."""

TYPICAL_SHARE = 0.9
"""Share of a repository's objects whose use is covered: one heavy test file does not count for all of them."""


@dataclass(frozen=True)
class UsageSample:
    """Use of one pod of an object."""

    role: Role
    use: PeakUse
    image: Digest | None = None
    """Task image that it ran; None for other pods than evaluations."""


class UsageHistory:
    """Highest use per image, and per object of a repository."""

    def __init__(self) -> None:
        self._images: OrderedDict[tuple[str, Digest], PeakUse] = OrderedDict()
        self._repositories: dict[tuple[str, Role], OrderedDict[str, PeakUse]] = {}

    def learn(self, repository: str, uid: str, samples: Iterable[UsageSample]) -> None:
        """Add the pods of the object ``uid``. Idempotent: every reconcile gives all that the status has."""
        known = list(samples)
        for image in {sample.image for sample in known if sample.image is not None}:
            here = [sample.use for sample in known if sample.image == image]
            before = self._images.pop((repository, image), PeakUse())
            self._images[repository, image] = highest([before, *here])
        while len(self._images) > IMAGES_KEPT:
            self._images.popitem(last=False)
        for role in {sample.role for sample in known}:
            objects = self._repositories.setdefault((repository, role), OrderedDict())
            objects[uid] = highest(sample.use for sample in known if sample.role is role)
            if len(objects) > OBJECTS_PER_REPOSITORY:
                objects.popitem(last=False)

    def of_image(self, repository: str, image: Digest) -> PeakUse | None:
        """Highest use of evaluations in the image; None before the first one."""
        return self._images.get((repository, image))

    def of_repository(self, repository: str, role: Role) -> PeakUse | None:
        """Use that nine of ten objects of the repository stay within; None before the first one."""
        objects = self._repositories.get((repository, role))
        if not objects:
            return None
        return PeakUse(
            _typical(use.millicpu for use in objects.values()),
            _typical(use.memory_bytes for use in objects.values()),
        )


def _typical(numbers: Iterable[int | None]) -> int | None:
    known = sorted(number for number in numbers if number is not None)
    return known[math.ceil(TYPICAL_SHARE * len(known)) - 1] if known else None
