"""Identity of an attempt: one pod of an owner, doing one piece of work. Pure."""

from dataclasses import dataclass
from enum import StrEnum

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
