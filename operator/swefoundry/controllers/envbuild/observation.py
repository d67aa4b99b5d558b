"""The frozen state of one EnvBuild that a reconcile decides on."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from swefoundry import errors
from swefoundry.api.envbuild import EnvBuildStatus, Round
from swefoundry.api.resource import EnvBuild
from swefoundry.contracts.digests import Digest, Layer
from swefoundry.contracts.stages import Stage
from swefoundry.controllers.envbuild.search_state import Search
from swefoundry.controllers.envbuild.steps import PreparedSource
from swefoundry.controllers.envbuild.usage_index import NO_OTHER_USAGE, OtherUsage
from swefoundry.kube.resources import BUILDS
from swefoundry.settings import Settings
from swefoundry.workloads import names
from swefoundry.workloads.attempt import Owner
from swefoundry.workloads.decide import WorkState
from swefoundry.workloads.pod_snapshot import PodSnapshot


@dataclass(frozen=True)
class Observation:
    """The object, its pods, and what the rules need besides; nothing in it changes during a reconcile."""

    build: EnvBuild
    pods: tuple[PodSnapshot, ...]
    settings: Settings
    now: datetime
    suspended: bool = False
    """The TaskInstance that it is made for is suspended."""
    other_usage: OtherUsage = NO_OTHER_USAGE
    """Model usage of all other EnvBuilds, which counts against shared budgets, too."""
    search: Search | None = None
    """Gathered only when the object and its pods do not decide the step: it may cost registry requests."""

    @property
    def stamp(self) -> tuple[int, datetime]:
        """Generation and time for the conditions."""
        return self.build.generation, self.now

    @property
    def owner(self) -> Owner:
        """The object as an owner of pods."""
        build = self.build
        return Owner(
            BUILDS.kind,
            build.namespace,
            build.name,
            build.uid,
            build.experiment,
            build.spec.pod_template,
            build.spec.repo,
        )

    @property
    def repository(self) -> str:
        """The task repository in the registry."""
        return names.repository(self.settings.registry_prefix, self.build.spec.repo)

    @property
    def work_state(self) -> WorkState:
        """The part that the next moves of attempts are decided on."""
        status = self.build.status
        return WorkState(status.running, self.pods, self.now, self.settings, status.first_attempt or 0)

    @property
    def prepared_source(self) -> PreparedSource | None:
        """Source and facts: given by a TaskInstance, or taken in by this EnvBuild; None before that."""
        spec, status = self.build.spec, self.build.status
        if spec.source.artifact is not None and spec.facts is not None:
            return PreparedSource(spec.source.artifact.digest, spec.facts)
        if status.source is not None and status.facts is not None:
            return PreparedSource(status.source, status.facts)
        return None

    def require_source(self) -> PreparedSource:
        """The source and its facts. A step that needs them before the intake is a defect of the rules."""
        if self.prepared_source is None:
            raise errors.PermanentError(f"{self.build.name}: its intake has not ended yet")
        return self.prepared_source

    @property
    def layers(self) -> Mapping[Stage, Layer]:
        """Per stage: overlay and runner."""
        acceptance = self.build.spec.acceptance
        return acceptance.layers if acceptance is not None else self.build.status.layers

    def image_tag(self, current: Round) -> str:
        """Human tag of a round's image: that of the spec, from the second round on with a suffix: `r1`."""
        base = self.build.spec.tag or names.tag(self.build.namespace, self.build.name)
        return base if current.index == 0 else names.tag(base, f"r{current.index}")

    def image_name(self, current: Round) -> str:
        """registry/repository:tag of a round's image as nodes pull it."""
        return f"{self.settings.pull_host}/{self.repository}:{self.image_tag(current)}"

    def composed_tag(self, current: Round) -> str:
        """Human tag of the composed image that a rebuild command runs in."""
        return names.tag(self.image_tag(current), "checkout")

    @property
    def reused_images(self) -> tuple[Digest, ...]:
        """Images whose reuse was tried or is in progress."""
        rounds = self.build.status.tried_rounds
        return tuple(item.parent.image for item in rounds if item.parent is not None)

    @property
    def leader_wait_left(self) -> timedelta:
        """Time that is left to wait for the search of another EnvBuild."""
        waited = self.now - (self.build.status.started_at or self.now)
        return timedelta(seconds=self.settings.sibling_wait_seconds) - waited

    @property
    def last_round(self) -> Round | None:
        """The newest round, open or ended."""
        rounds = self.build.status.rounds
        return rounds[-1] if rounds else None

    @property
    def open_round(self) -> Round | None:
        """The round that is in progress."""
        last = self.last_round
        return last if last is not None and last.outcome is None else None

    def with_status(self, status: EnvBuildStatus) -> "Observation":
        """The same observation with another status of the object."""
        return replace(self, build=replace(self.build, status=status))
