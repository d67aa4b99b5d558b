"""Identity of the work of an object and of an attempt at it: one pod of an owner, doing one piece of work. Pure."""

from dataclasses import dataclass
from enum import StrEnum

from swefoundry.contracts.controls import ControlName
from swefoundry.contracts.pod_template import PodTemplate
from swefoundry.contracts.stages import Stage
from swefoundry.workloads import names


class Role(StrEnum):
    """What a pod is for; NetworkPolicies select by it."""

    INTAKE = "intake"
    BUILD = "build"
    EVALUATION = "evaluation"
    AGENT = "agent"


@dataclass(frozen=True)
class Owner:
    """The object that controls a pod."""

    kind: str
    namespace: str
    name: str
    uid: str
    experiment: str = ""
    """Name of its experiment, copied to the labels of its pods."""
    pod_template: PodTemplate | None = None
    """Fields that it sets for its pods."""
    repo: str = ""
    """Its repository, by which its pods go to its shard."""


class WorkKind(StrEnum):
    """Kind of work, one per launcher."""

    INTAKE = "intake"
    CHECKOUT = "checkout"
    LEAKS = "leaks"
    BUILD = "build"
    AGENT = "agent"
    EVALUATION = "evaluation"
    CONTROL = "control"


ROLE_OF_KIND = {
    WorkKind.INTAKE: Role.INTAKE,
    WorkKind.CHECKOUT: Role.INTAKE,
    WorkKind.LEAKS: Role.INTAKE,
    WorkKind.BUILD: Role.BUILD,
    WorkKind.AGENT: Role.AGENT,
    WorkKind.EVALUATION: Role.EVALUATION,
    WorkKind.CONTROL: Role.EVALUATION,
}


@dataclass(frozen=True)
class Work:
    """One piece of work of one object.

    Its text (`intake`, `build-2`, `before-0`) stands in pod names, labels, status fields and metrics, and is an
    interface: ``str`` and ``parse`` are the only places that know its form.
    """

    kind: WorkKind
    number: int = 0
    """From 0, in order of creation: the round of an EnvBuild, or the repeat of a TaskInstance's evaluation. Of the
    control `Cpu` the number of CPUs, of `MutatedGold` that of the mutant.
    """
    stage: Stage | None = None
    """Of an evaluation, and of nothing else."""
    control: ControlName | None = None
    """Of a control, and of nothing else."""

    def __str__(self) -> str:
        """The text."""
        if self.kind is WorkKind.INTAKE:
            return self.kind.value
        name = TEXT_OF_CONTROL[self.control] if self.control else self.stage or self.kind
        return f"{name}-{self.number}"

    @property
    def role(self) -> Role:
        """Role of the pods that do it."""
        return ROLE_OF_KIND[self.kind]

    @property
    def evaluated_stage(self) -> Stage:
        """Stage of an evaluation, and of a control, which evaluates `after`; ``ValueError`` for other work."""
        if self.control is not None:
            return Stage.AFTER
        if self.stage is None:
            raise ValueError(f"{self} is no evaluation")
        return self.stage

    @classmethod
    def parse(cls, text: str) -> "Work":
        """The work of a text; ``ValueError`` when it names none."""
        if text == WorkKind.INTAKE:
            return INTAKE_WORK
        name, _, number = text.rpartition("-")
        if not (number.isascii() and number.isdigit()):
            raise ValueError(f"{text!r} names no work")
        if name in set(Stage):
            return evaluation_work(Stage(name), int(number))
        if name in CONTROL_OF_TEXT:
            return control_work(CONTROL_OF_TEXT[name], int(number))
        kind = WorkKind(name)
        if kind in (WorkKind.INTAKE, WorkKind.EVALUATION, WorkKind.CONTROL):
            raise ValueError(f"{text!r} names no work")
        return cls(kind, int(number))


TEXT_OF_CONTROL = {
    ControlName.SHUFFLED: "shuffled",
    ControlName.CPU: "cpu",
    ControlName.CLOCK: "clock",
    ControlName.MUTATED_GOLD: "mutant",
}
"""Names in works of the controls that evaluate in pods of their own."""

CONTROL_OF_TEXT = {text: name for name, text in TEXT_OF_CONTROL.items()}

INTAKE_WORK = Work(WorkKind.INTAKE)
"""An object has one intake."""


LEAKS_WORK = Work(WorkKind.LEAKS)
"""An image is searched for leaks once."""


def evaluation_work(stage: Stage, number: int) -> Work:
    """The evaluation of a stage."""
    return Work(WorkKind.EVALUATION, number, stage)


def control_work(name: ControlName, number: int = 0) -> Work:
    """The evaluation of `after` that a control varies."""
    return Work(WorkKind.CONTROL, number, control=name)


@dataclass(frozen=True)
class AttemptRef:
    """One attempt at one piece of work."""

    owner: Owner
    role: Role
    work: str
    attempt: int
    nonce: str

    @property
    def pod_name(self) -> str:
        """The deterministic name of this attempt's pod."""
        return names.pod_name(self.owner.name, self.owner.uid, self.work, self.attempt)
