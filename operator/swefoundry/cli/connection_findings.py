"""What the pods of `swefoundry doctor --pods` have found, as lines of its report. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass

from pydantic import ValidationError

from swefoundry.cli.diagnosis import Finding, Level
from swefoundry.contracts.connectivity import Connection, ConnectionKind, ConnectivityResult
from swefoundry.workloads.pod_snapshot import PodSnapshot

CONNECTION_CHECKS = {
    ConnectionKind.REGISTRY: "registry from pods",
    ConnectionKind.BASE_IMAGES: "base images",
    ConnectionKind.MODEL: "model endpoint",
    ConnectionKind.ISOLATION: "isolation of tests",
}
CONNECTION_FIXES = {
    ConnectionKind.REGISTRY: "check registry.push, registry.secret and caConfigMap in the chart's values",
    ConnectionKind.BASE_IMAGES: "push what is missing, take it out of build.baseImages, or set build.mirrors",
    ConnectionKind.MODEL: "check agents.models, agents.secret and agents.egress in the chart's values",
    ConnectionKind.ISOLATION: "install a network plug-in that enforces NetworkPolicies: no verdict is given without",
}
REACHED = {
    ConnectionKind.REGISTRY: "{}: written and read",
    ConnectionKind.BASE_IMAGES: "all there: {}",
    ConnectionKind.MODEL: "{} answers",
    ConnectionKind.ISOLATION: "not reached: {}",
}


@dataclass(frozen=True)
class PodEnd:
    """A pod that has ended, or waits for too long, or could not be created."""

    what: str
    """Its role, or `pull`."""
    pod: PodSnapshot | None = None
    warning: str = ""
    """Message of its last Warning event, when it waits."""
    refused: str = ""
    """Why it could not be created or followed."""

    @property
    def record(self) -> ConnectivityResult | None:
        """What it has measured; None without a record."""
        ended = self.pod.terminated if self.pod else None
        try:
            return ConnectivityResult.model_validate_json(ended.message) if ended else None
        except ValidationError:
            return None


def connection_findings(end: PodEnd) -> Iterator[Finding]:
    """The lines of one pod."""
    record = end.record
    if record is None or record.message:
        yield _without_record(end, record)
        return
    for each in record.connections:
        yield _finding(each)


def pull_finding(end: PodEnd, host: str) -> Finding:
    """Whether a node pulls a task image: a container that could not be started shows that its image is there."""
    if end.pod is not None and end.pod.terminated is not None:
        return Finding("pulls", Level.OK, f"a node pulls from {host}")
    fix = "nodes must reach registry.pull by this name, trust its certificate and have registry.secret"
    return Finding("pulls", Level.PROBLEM, _state(end), fix)


def unmeasured(why: str) -> Finding:
    """The line when there is no operator to take the settings of pods from."""
    return Finding("pods", Level.UNKNOWN, why, "mend what is text about the operator, then try again")


def _finding(connection: Connection) -> Finding:
    check = CONNECTION_CHECKS[connection.kind]
    if not connection.error:
        return Finding(check, Level.OK, REACHED[connection.kind].format(connection.target))
    named = connection.kind is not ConnectionKind.BASE_IMAGES
    found = f"{connection.target}: {connection.error}" if named else connection.error
    return Finding(check, Level.PROBLEM, found, CONNECTION_FIXES[connection.kind])


def _without_record(end: PodEnd, record: ConnectivityResult | None) -> Finding:
    check = f"pod of {'an' if end.what[0] in 'ae' else 'a'} {end.what}"
    if end.refused:
        return Finding(check, Level.UNKNOWN, end.refused, "--pods needs the right to create and delete pods")
    text = record.message if record else _state(end)
    return Finding(check, Level.PROBLEM, text, "docs/debugging.md has the states of pods")


def _state(end: PodEnd) -> str:
    pod = end.pod
    if pod is None:
        return end.refused
    ended = pod.terminated
    if ended is not None:
        return f"it ended with {ended.exit_code} ({ended.reason}): {ended.message}".rstrip(": ")
    if pod.ended:
        return f"{pod.reason or pod.phase} {pod.message}".rstrip()
    waits = pod.unschedulable or f"{pod.waiting or pod.phase} {pod.waiting_message}".rstrip()
    return f"it does not start: {waits}" + (f"; {end.warning}" if end.warning else "")
