"""The rows of a batch, made from rows.tsv: the steps of each, with durations that a seed decides."""

import random
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path

from swefoundry.kube.resources import BUILDS, TASKS
from swefoundry.workloads.attempt import Role, WorkKind
from swefoundry.workloads.place_requests import STEPS_TO_VERDICT

BUILD_SECONDS = 150
"""Median of a build."""
SPREAD = 0.6
"""Standard deviation of the logarithm of durations: one in twenty takes 2.7 times the median."""
LIMIT_MEBIBYTES = 2000
"""The most memory that an evaluation uses: a little less than the default limit."""


@dataclass(frozen=True)
class Step:
    """Pods that run at the same time."""

    role: Role
    steps_to_verdict: int
    pods: tuple[float, ...]
    """Seconds that each runs."""

    @property
    def stage(self) -> int:
        """0 for the intake, 1 for the environment, 2 for the matrix."""
        intake, matrix = 4, 0
        return {intake: 0, matrix: 2}.get(self.steps_to_verdict, 1)


@dataclass(frozen=True)
class Use:
    """What a pod uses."""

    millicpu: float
    """Mean."""
    mebibytes: float
    """Peak."""


@dataclass(frozen=True)
class Row:
    """One instance."""

    name: str
    steps: tuple[Step, ...]
    waits_for: str = ""
    """The row whose image it awaits after its intake."""
    valid: bool = True
    """Whether it ends with a verdict."""
    used: Mapping[Role, Use] = field(default_factory=dict)

    @property
    def repository(self) -> str:
        """Named after the leader."""
        return self.waits_for or self.name

    @property
    def image(self) -> str:
        """The image whose evaluations are like its own: the leader's."""
        return self.repository

    def renamed(self, prefix: str) -> "Row":
        """The row of another batch."""
        return replace(
            self, name=prefix + self.name, waits_for=prefix + self.waits_for if self.waits_for else ""
        )


def make_rows(table: Path, seed: int, millicpu: float = 300) -> list[Row]:
    """The rows in an order that the seed decides; leaders come before their siblings.

    ``millicpu`` is the median of what evaluations use; those of one repository use alike.
    """
    chance = random.Random(seed)
    rows = [row for line in _lines(table) for row in _rows_of(line, chance)]
    leaders = [row for row in rows if row.name == "leader"]
    others = [row for row in rows if row.name != "leader"]
    chance.shuffle(others)
    number = count()
    named = [replace(row, name=f"row-{next(number):02d}") for row in leaders]
    for row in others:
        leader = chance.choice(named[: len(leaders)]).name if row.name == "sibling" else ""
        named.append(replace(row, name=f"row-{next(number):02d}", waits_for=leader))
    return _with_use(named, millicpu, random.Random(f"use {seed}"))


def _with_use(rows: list[Row], millicpu: float, chance: random.Random) -> list[Row]:
    used: dict[str, Mapping[Role, Use]] = {}
    for row in rows:
        evaluation = Use(min(_drawn(millicpu, chance), 1000), min(_drawn(200, chance), LIMIT_MEBIBYTES))
        uses = {Role.INTAKE: Use(300, 200), Role.BUILD: Use(700, 1000), Role.EVALUATION: evaluation}
        used.setdefault(row.repository, uses)
    return [replace(row, used=used[row.repository]) for row in rows]


def _lines(table: Path) -> list[list[str]]:
    return [line.split("\t") for line in table.read_text().splitlines() if not line.startswith("#")]


def _rows_of(line: list[str], chance: random.Random) -> list[Row]:
    way, number, intake, checkout, builds, evaluation, verdict = line
    name = way.split(":")[0].split()[0]
    rows = []
    for _ in range(int(number)):
        test = _drawn(float(evaluation), chance)
        probe = _step(BUILDS.kind, WorkKind.EVALUATION, test, test)
        steps = [_step(TASKS.kind, WorkKind.INTAKE, _drawn(float(intake), chance))]
        if checkout != "-":
            steps += [_step(BUILDS.kind, WorkKind.CHECKOUT, _drawn(float(checkout), chance)), probe]
        for _ in range(int(builds)):
            steps += [_step(BUILDS.kind, WorkKind.BUILD, _drawn(BUILD_SECONDS, chance)), probe]
        if verdict == "yes":
            steps.append(_step(TASKS.kind, WorkKind.EVALUATION, test, test, test))
        rows.append(Row(name, tuple(steps), valid=verdict == "yes"))
    return rows


def _step(kind: str, work: WorkKind, *pods: float) -> Step:
    roles = {
        WorkKind.INTAKE: Role.INTAKE,
        WorkKind.CHECKOUT: Role.INTAKE,
        WorkKind.BUILD: Role.BUILD,
        WorkKind.EVALUATION: Role.EVALUATION,
    }
    return Step(roles[work], STEPS_TO_VERDICT[kind, work], pods)


def _drawn(median: float, chance: random.Random) -> float:
    return median * chance.lognormvariate(0, SPREAD)
