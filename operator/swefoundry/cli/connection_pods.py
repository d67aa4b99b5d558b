"""Run the pods of `swefoundry doctor --pods`: start them, wait, read their records, delete them."""

import asyncio
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass

from swefoundry.cli import console
from swefoundry.cli.connection_findings import PodEnd, connection_findings, pull_finding, unmeasured
from swefoundry.cli.diagnosis import Finding
from swefoundry.cli.operator_pods import read_pod_settings
from swefoundry.contracts.connectivity import ConnectivityResult
from swefoundry.contracts.digests import Digest
from swefoundry.errors import NotFound, SwefoundryError
from swefoundry.kube.api_client import KubeClient
from swefoundry.kube.resources import PODS, ApiObject
from swefoundry.settings import Settings
from swefoundry.workloads.attempt import Role
from swefoundry.workloads.doctor_pods import connectivity_pod, pull_pod
from swefoundry.workloads.pod_snapshot import PodSnapshot, read_snapshot
from swefoundry.workloads.pod_warnings import PodWarnings

DOCTOR_POLL_SECONDS = 0.5
POD_WAIT_SECONDS = 180.0
"""A pod that has not ended by then waits for something that a person must mend, or for a node."""
PULL_FAILURES = frozenset({"ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull"})
"""Reasons of a waiting container that say that the pull failed and failed again."""


@dataclass(frozen=True)
class DoctorRun:
    """One run of the command."""

    kube: KubeClient
    namespace: str
    suffix: str
    settings: Settings


async def measure_connections(kube: KubeClient, namespace: str) -> list[Finding]:
    """Start a pod for each role and one for the pull; the findings. The pods are deleted, also when interrupted."""
    try:
        settings = await read_pod_settings(kube, namespace)
    except NotFound as error:
        return [unmeasured(str(error))]
    run = DoctorRun(kube, namespace, secrets.token_hex(3), settings)
    roles = [Role.BUILD, Role.EVALUATION, *([Role.AGENT] if settings.models else [])]
    names = ", ".join(f"doctor-{role.value}-{run.suffix}" for role in roles)
    console.print_note(f"pods {names} in {namespace}: up to {POD_WAIT_SECONDS:.0f} s", style="dim")
    ends = await asyncio.gather(*(_role_end(run, role) for role in roles))
    found = [finding for end in ends for finding in connection_findings(end)]
    image = _written_image(ends)
    return [*found, pull_finding(await _pull_end(run, image), settings.pull_host)] if image else found


async def _role_end(run: DoctorRun, role: Role) -> PodEnd:
    body = connectivity_pod(role, run.namespace, run.suffix, run.settings)
    return await _pod_end(run, body, role.value, lambda pod: pod.ended)


async def _pull_end(run: DoctorRun, image: Digest) -> PodEnd:
    def is_decided(pod: PodSnapshot) -> bool:
        return pod.ended or pod.waiting in PULL_FAILURES

    return await _pod_end(run, pull_pod(image, run.namespace, run.suffix, run.settings), "pull", is_decided)


async def _pod_end(
    run: DoctorRun, body: ApiObject, what: str, is_decided: Callable[[PodSnapshot], bool]
) -> PodEnd:
    """How the pod ended, or what it waits for."""
    name = body["metadata"]["name"]
    try:
        await run.kube.create(PODS, run.namespace, body)
    except SwefoundryError as error:
        return PodEnd(what, refused=str(error))
    try:
        ends = time.monotonic() + POD_WAIT_SECONDS
        while True:
            pod = read_snapshot(await run.kube.get(PODS, run.namespace, name))
            if is_decided(pod) or time.monotonic() > ends:
                warning = None if pod.ended else await PodWarnings(run.kube).last(run.namespace, pod.uid)
                return PodEnd(what, pod, warning.message if warning else "")
            await asyncio.sleep(DOCTOR_POLL_SECONDS)
    except SwefoundryError as error:
        return PodEnd(what, refused=str(error))
    finally:
        await run.kube.delete(PODS, run.namespace, name)


def _written_image(ends: list[PodEnd]) -> Digest | None:
    records = [end.record for end in ends]
    return next(
        (
            each.image
            for record in records
            if isinstance(record, ConnectivityResult)
            for each in record.connections
            if each.image
        ),
        None,
    )
