"""What is known about an EnvBuild at this moment: itself and its pods."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from swefoundry.api.envbuild import Round
from swefoundry.api.resource import EnvBuild, parse_env_build
from swefoundry.contracts.digests import Digest, Layer
from swefoundry.contracts.stages import Stage
from swefoundry.controllers.envbuild.steps import PreparedSource
from swefoundry.kube.cache import owner_of
from swefoundry.kube.resources import BUILDS
from swefoundry.kube.workqueue import Key
from swefoundry.settings import Settings
from swefoundry.workloads import names
from swefoundry.workloads.attempt import Owner
from swefoundry.workloads.context import ReconcileContext
from swefoundry.workloads.decide import WorkState
from swefoundry.workloads.lifecycle import owned_pods
from swefoundry.workloads.pod_snapshot import PodSnapshot


@dataclass(frozen=True)
class Observation:
    """A frozen view; nothing in it changes while a step is decided and done."""

    build: EnvBuild
    pods: tuple[PodSnapshot, ...]
    settings: Settings
    now: datetime
    suspended: bool = False
    """The TaskInstance that it is made for is suspended."""

    @property
    def stamp(self) -> tuple[int, datetime]:
        """What conditions are stamped with: the generation that is judged, and the time."""
        return self.build.generation, self.now

    @property
    def owner(self) -> Owner:
        """The object as an owner of pods."""
        build = self.build
        return Owner(BUILDS.kind, build.namespace, build.name, build.uid, build.experiment)

    @property
    def repository(self) -> str:
        """The task repository in the registry."""
        return names.repository(self.settings.registry_prefix, self.build.spec.repo)

    @property
    def work_state(self) -> WorkState:
        """The part that attempts are decided on."""
        return WorkState(self.build.status.running, self.pods, self.now, self.settings)

    @property
    def prepared_source(self) -> PreparedSource | None:
        """The source and its facts: given by a TaskInstance, or taken in by this EnvBuild."""
        spec, status = self.build.spec, self.build.status
        if spec.source.artifact is not None and spec.facts is not None:
            return PreparedSource(spec.source.artifact.digest, spec.facts)
        if status.source is not None and status.facts is not None:
            return PreparedSource(status.source, status.facts)
        return None

    @property
    def layers(self) -> Mapping[Stage, Layer]:
        """Per stage: overlay and runner."""
        acceptance = self.build.spec.acceptance
        return acceptance.layers if acceptance is not None else self.build.status.layers

    def image_tag(self, number: int) -> str:
        """Human tag of a round's image: the wanted one, and the round's number after the first."""
        base = self.build.spec.tag or names.tag(self.build.namespace, self.build.name)
        return base if number == 0 else names.tag(base, f"r{number}")

    def image_name(self, number: int) -> str:
        """registry/repository:tag of a round's image as nodes pull it."""
        return f"{self.settings.pull_host}/{self.repository}:{self.image_tag(number)}"

    def composed_tag(self, number: int) -> str:
        """Human tag of the image that a rebuild begins with."""
        return names.tag(self.image_tag(number), "checkout")

    @property
    def reused_images(self) -> tuple[Digest, ...]:
        """Images whose reuse was begun."""
        return tuple(item.parent.image for item in self.build.status.rounds if item.parent is not None)

    @property
    def open_round(self) -> Round | None:
        """The round that is under way."""
        rounds = self.build.status.rounds
        return rounds[-1] if rounds and rounds[-1].outcome is None else None


def observe(key: Key, context: ReconcileContext, now: datetime) -> Observation | None:
    """The view from the cache; None when the object is gone. Raises ``pydantic.ValidationError`` on a bad object."""
    body = context.cache.get(key)
    if body is None:
        return None
    build = parse_env_build(body)
    return Observation(
        build, owned_pods(context, build.uid), context.settings, now, is_suspended(body, context)
    )


def is_suspended(body: dict[str, Any], context: ReconcileContext) -> bool:
    """Whether the TaskInstance that an EnvBuild is made for is suspended."""
    owner = owner_of(body)
    task = context.cache.get(owner[0]) if owner is not None else None
    return bool(task and task.get("spec", {}).get("suspend"))
