"""Observation of a TaskInstance: itself, its pods, its EnvBuild."""

from dataclasses import dataclass
from datetime import datetime

from swefoundry.api.resource import EnvBuild, TaskInstance, parse_env_build, parse_task_instance
from swefoundry.api.taskinstance import Image
from swefoundry.kube.resources import TASKS
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
    """A frozen view, unchanged while a step is decided and performed."""

    task: TaskInstance
    pods: tuple[PodSnapshot, ...]
    build: EnvBuild | None
    settings: Settings
    now: datetime

    @property
    def stamp(self) -> tuple[int, datetime]:
        """Generation and time for conditions."""
        return self.task.generation, self.now

    @property
    def owner(self) -> Owner:
        """The object as an owner of pods."""
        task = self.task
        return Owner(
            TASKS.kind,
            task.namespace,
            task.name,
            task.uid,
            task.experiment,
            task.spec.pod_template,
            task.spec.repo,
        )

    @property
    def repository(self) -> str:
        """The task repository in the registry."""
        return names.repository(self.settings.registry_prefix, self.task.spec.repo)

    @property
    def image(self) -> Image | None:
        """The task image: of the status, or of the EnvBuild that has just ended."""
        if self.task.status.image is not None or self.build is None:
            return self.task.status.image
        status = self.build.status
        if status.image is None or status.finished_at is None:
            return None
        return Image(name=status.image_name or "", digest=status.image)

    @property
    def failed_build(self) -> EnvBuild | None:
        """The EnvBuild that ended without an image."""
        build = self.build
        if build is None or build.status.finished_at is None or self.image is not None:
            return None
        return build

    @property
    def work_state(self) -> WorkState:
        """Input of the decisions about attempts."""
        status = self.task.status
        return WorkState(status.running, self.pods, self.now, self.settings, status.first_attempt or 0)


def observe(key: Key, context: ReconcileContext, now: datetime) -> Observation | None:
    """From the cache; None when the object is gone. Raises ``pydantic.ValidationError`` on a bad object."""
    body = context.cache.get(key)
    if body is None:
        return None
    task = parse_task_instance(body)
    builds = context.cache.children(task.uid, "EnvBuild")
    return Observation(
        task=task,
        pods=owned_pods(context, task.uid),
        build=parse_env_build(builds[0]) if builds else None,
        settings=context.settings,
        now=now,
    )
