"""Which image of a TaskInstance can be opened, and what to do while there is none. Pure."""

from collections.abc import Sequence

from swefoundry.api.status_upgrade import upgraded
from swefoundry.cli.api_objects import KubernetesObject, status_of
from swefoundry.cli.views.progress import leading_condition
from swefoundry.contracts.digests import Digest, Layer
from swefoundry.contracts.stages import Stage
from swefoundry.errors import NotFound


def task_image(task: KubernetesObject, build: KubernetesObject | None, round_number: int | None) -> Digest:
    """The accepted image, or that of one round. Raises `NotFound` with the phase and what to do."""
    built = _built_rounds(build)
    if round_number is not None:
        if round_number not in built:
            there_are = ", ".join(map(str, built)) or "none"
            raise NotFound(
                f"{task['metadata']['name']}: round {round_number} has no image; rounds with one: {there_are}"
            )
        return built[round_number]
    # The EnvBuild has it a little earlier.
    digest = (status_of(task).get("image") or {}).get("digest") or status_of(build or {}).get("image")
    if not digest:
        raise NotFound(_why_there_is_none(task, list(built)))
    return str(digest)


def stage_layer(task: KubernetesObject, stage: Stage) -> Layer:
    """What the stage adds to the image."""
    layer = ((status_of(task).get("prepared") or {}).get("layers") or {}).get(stage)
    if layer is None:
        raise NotFound(_why_there_is_none(task, []))
    return Layer.model_validate(layer)


def _built_rounds(build: KubernetesObject | None) -> dict[int, str]:
    rounds = upgraded(status_of(build or {})).get("rounds") or []
    return {each["number"]: each["image"] for each in rounds if each.get("image")}


def _why_there_is_none(task: KubernetesObject, built: Sequence[int]) -> str:
    name, status = task["metadata"]["name"], status_of(task)
    phase = status.get("phase") or "Pending"
    reason, _ = leading_condition(status.get("conditions") or ())
    if built:
        do = f"--round opens the image of a round that was not accepted ({', '.join(map(str, built))})"
    elif phase in ("Failed", "Rejected"):
        do = f"`swefoundry why {name}` shows why"
    elif phase == "Suspended":
        do = "set spec.suspend to false"
    else:
        do = f"`swefoundry status {name} --watch` shows when there is one"
    return f"{name} has no image yet: it is {phase}{f' ({reason})' if reason else ''}; {do}"
