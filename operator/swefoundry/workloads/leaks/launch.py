"""Start leaks pods, and read their results as the result of a control."""

from dataclasses import dataclass

from swefoundry.api.taskinstance import Prepared, Text
from swefoundry.contracts.controls import ControlName, ControlResult, control_result
from swefoundry.contracts.digests import Digest
from swefoundry.contracts.exit_codes import ExitCode
from swefoundry.contracts.intake import PatchName, PatchSource
from swefoundry.contracts.leaks import LeakFinding, LeaksResult, LeaksSpec
from swefoundry.text.plurals import pluralize
from swefoundry.workloads.attempt import AttemptRef
from swefoundry.workloads.context import ReconcileContext
from swefoundry.workloads.decide import StartPod, Wait
from swefoundry.workloads.leaks.pod import STATEMENT_MOUNT, leaks_pod
from swefoundry.workloads.lifecycle import PodStarted, Queued, start_pod
from swefoundry.workloads.pod_spec import JsonDict
from swefoundry.workloads.volumes import registry_location

START_SECONDS = 120
"""Of the pod's time, what it does not spend in layers: scheduling, pulling its image, reading the source."""


@dataclass(frozen=True)
class LeaksRequest:
    """A task image, and what it was made from."""

    repo: str
    """owner/name."""
    repository: str
    image: Digest
    prepared: Prepared
    version: str | None
    statement: Text | None


async def launch_leaks(
    context: ReconcileContext, ref: AttemptRef, move: StartPod, request: LeaksRequest
) -> PodStarted | Queued | Wait:
    """Create the leaks pod."""

    async def prepare() -> JsonDict:
        facts = await context.facts(request.repository, request.prepared.facts)
        statement, files = await _statement(context, request)
        patches: dict[PatchName, Digest] = {
            name: request.prepared.patches[name]
            for name in ("test", "gold")
            if name in request.prepared.patches
        }
        spec = LeaksSpec(
            nonce=ref.nonce,
            place=registry_location(context.settings, request.repository),
            image=request.image,
            source=request.prepared.source,
            patches=patches,
            statement=statement,
            project=request.repo.rpartition("/")[2],
            versions=[version for version in (request.version, facts.version_tag) if version],
            seconds=max(1, context.settings.intake_seconds - START_SECONDS),
        )
        return leaks_pod(ref, spec, context.settings, files)

    return await start_pod(context, ref, move, prepare, {context.settings.registry_push})


def leaks_control(record: LeaksResult) -> ControlResult:
    """The control that a search amounts to: a layer that was not read is no statement about it."""
    leaks = [each for each in record.findings if not each.of_tools]
    if leaks:
        return control_result(ControlName.LEAKS, "Failed", _leak_message(leaks[0], record), record.evidence)
    if record.code != ExitCode.OK:
        return control_result(
            ControlName.LEAKS, "Unknown", record.message or f"the search ended with {record.code}"
        )
    if record.unread:
        return control_result(ControlName.LEAKS, "Unknown", f"not read: {record.unread}", record.evidence)
    searched = f"{pluralize(record.layers, 'layer')} searched"
    tools = pluralize(record.of_tools, "copied file")
    note = f"; {tools} that tools bring, such as {record.findings[0].path}" if record.findings else ""
    return control_result(ControlName.LEAKS, "Passed", searched + note, record.evidence)


def _leak_message(first: LeakFinding, record: LeaksResult) -> str:
    more = sum(record.counts.values()) - 1
    return f"LeakFound: {first.text()}" + (f" (+{more} more)" if more > 0 else "")


async def _statement(
    context: ReconcileContext, request: LeaksRequest
) -> tuple[PatchSource | None, tuple[JsonDict, ...]]:
    statement = request.statement
    if statement is None:
        return None, ()
    if statement.config_map_ref is not None:
        ref = statement.config_map_ref
        volume: JsonDict = {
            "name": "statement",
            "mountPath": STATEMENT_MOUNT,
            "configMap": {
                "name": ref.name,
                "items": [{"key": ref.key, "path": "statement"}],
                "optional": True,
            },
        }
        named = f"spec.problemStatement.configMapRef: ConfigMap {ref.name} with the key {ref.key}"
        return PatchSource(path=f"{STATEMENT_MOUNT}/statement", named=named), (volume,)
    blob = await context.registry.put_blob(request.repository, (statement.inline or "").encode())
    return PatchSource(blob=blob, named="spec.problemStatement"), ()
