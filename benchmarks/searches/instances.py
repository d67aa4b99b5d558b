"""The instances of one repository in several eras, with durations that a seed decides."""

import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

ERAS = (("flat", 2015), ("flat", 2019), ("src", 2023))
"""Layout and year. The image of one does not do for another."""
DRAFTS = (1, 1, 1, 1, 1, 1, 1, 2, 2, 3)
"""Drafts until one is accepted: seven of ten recipes need one (docs/recipes.md)."""
OWN_BUILD = 0.08
"""Part of the instances that no image does for but their own."""
INTAKE, BUILD, CHECKOUT, EVALUATION = 20, 150, 15, 40
"""Medians, seconds."""
SPREAD = 0.6
"""Standard deviation of the logarithm of durations, as in benchmarks/batch."""


@dataclass(frozen=True)
class Instance:
    """One instance; the durations are the same under every policy."""

    name: str
    era: int
    layout: str
    created_at: datetime
    own_build: bool
    intake: float
    builds: tuple[float, ...]
    """One for each draft that it takes."""
    checkout: float
    evaluation: float


def make_instances(eras: int, number: int, seed: int) -> list[Instance]:
    """Instances of so many eras, as evenly as possible, in an order that the seed decides."""
    chance = random.Random(seed)
    drafts = [chance.choice(DRAFTS) for _ in range(eras)]
    order = [index % eras for index in range(number)]
    chance.shuffle(order)
    return [_instance(index, era, drafts[era], chance) for index, era in enumerate(order)]


def _instance(index: int, era: int, drafts: int, chance: random.Random) -> Instance:
    layout, year = ERAS[era]
    return Instance(
        name=f"instance-{index:03d}",
        era=era,
        layout=layout,
        created_at=datetime(year, 1, 1, tzinfo=UTC) + timedelta(days=chance.randrange(365)),
        own_build=chance.random() < OWN_BUILD,
        intake=_seconds(INTAKE, chance),
        builds=tuple(_seconds(BUILD, chance) for _ in range(drafts)),
        checkout=_seconds(CHECKOUT, chance),
        evaluation=_seconds(EVALUATION, chance),
    )


def _seconds(median: float, chance: random.Random) -> float:
    return median * chance.lognormvariate(0, SPREAD)
