"""Wait for a pod, and run a command in it with kubectl, which knows terminals."""

import asyncio
import shutil
import sys
import time
from collections.abc import Sequence

from swefoundry.cli import console
from swefoundry.cli.clients import ClusterTarget
from swefoundry.errors import ApiUnavailable, PermanentError
from swefoundry.kube.api_client import KubeClient
from swefoundry.kube.resources import PODS, ApiObject
from swefoundry.workloads.pod_snapshot import PodSnapshot, read_snapshot
from swefoundry.workloads.pod_warnings import PodWarnings

SHELL = ("sh", "-c", "command -v bash >/dev/null && exec bash || exec sh")

POD_POLL_SECONDS = 0.5
MAX_START_SECONDS = 900.0
"""Longest wait for a node and for the pull of a large image."""


def find_kubectl() -> str:
    """Path of kubectl."""
    path = shutil.which("kubectl")
    if path is None:
        raise PermanentError("kubectl is not on the PATH; it connects the terminal with the pod: install it")
    return path


async def wait_until_running(kube: KubeClient, pod: ApiObject) -> None:
    """Return when the container runs; what holds it up is printed whenever it changes."""
    namespace, name, uid = (pod["metadata"][key] for key in ("namespace", "name", "uid"))
    warnings, shown, ends = PodWarnings(kube), "", time.monotonic() + MAX_START_SECONDS
    while True:
        snapshot = read_snapshot(await kube.get(PODS, namespace, name))
        if snapshot.running:
            return
        if snapshot.ended:
            raise PermanentError(
                f"the pod {name} ended before it could be used: {_end_of(snapshot)}; the image may have no `sleep`"
            )
        warning = await warnings.last(namespace, uid)
        waits_for = _waits_for(snapshot) + (f"; {warning.reason}: {warning.message}" if warning else "")
        if time.monotonic() > ends:
            raise ApiUnavailable(f"the pod {name} does not start: {waits_for}")
        if waits_for != shown:
            console.print_note(console.strip_control_chars(waits_for), style="dim")
            shown = waits_for
        await asyncio.sleep(POD_POLL_SECONDS)


def _waits_for(snapshot: PodSnapshot) -> str:
    if snapshot.unschedulable:
        return f"waiting for a node: {snapshot.unschedulable}"
    return f"waiting for the pod: {snapshot.waiting or snapshot.phase} {snapshot.waiting_message}".rstrip()


def _end_of(snapshot: PodSnapshot) -> str:
    ended = snapshot.terminated
    if ended is None:
        return f"{snapshot.reason or snapshot.phase} {snapshot.message}".rstrip()
    return f"{ended.reason}, exit code {ended.exit_code} {ended.message}".rstrip()


async def run_in_pod(
    kubectl: str, target: ClusterTarget, name: str, container: str, command: Sequence[str]
) -> int:
    """Run the command in the pod with this process's standard streams; its exit code."""
    terminal = ["-t"] if sys.stdin.isatty() and sys.stdout.isatty() else []
    context = ["--context", target.context] if target.context else []
    process = await asyncio.create_subprocess_exec(
        kubectl, *context, "exec", "-n", target.namespace, name, "-c", container, "-i", *terminal, "--", *command
    )  # fmt: skip
    try:
        return await process.wait()
    finally:
        if process.returncode is None:  # interrupted: kubectl got the signal, too
            process.terminate()
            await process.wait()
