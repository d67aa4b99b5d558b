"""Section about what an instance's pods used: seconds, CPU, memory, as their control groups count it. Pure."""

from collections.abc import Iterator

from swefoundry.cli.api_objects import KubernetesObject
from swefoundry.cli.views.page import PageSection

COLUMNS = ("pod", "seconds", "CPU s", "memory", "written", "processes")
MEBIBYTE = 1 << 20


def resources_section(status: KubernetesObject, build_status: KubernetesObject) -> PageSection | None:
    """A row for each probe, evaluation and recent other pod that has numbers; None when none has."""
    rows = [*_probe_rows(build_status), *_evaluation_rows(status), *_other_rows(status, build_status)]
    return PageSection("Resources", columns=COLUMNS, rows=tuple(rows)) if rows else None


def _probe_rows(build_status: KubernetesObject) -> Iterator[tuple[object, ...]]:
    for each in build_status.get("rounds") or []:
        for probe in each.get("probes") or []:
            if probe.get("measured"):
                yield _row(f"round {each['number']}: probe {probe['stage']}", probe)


def _evaluation_rows(status: KubernetesObject) -> Iterator[tuple[object, ...]]:
    for each in status.get("evaluations") or []:
        if each.get("measured"):
            yield _row(f"{each['stage']} #{each['repeat']}", each)


def _other_rows(status: KubernetesObject, build_status: KubernetesObject) -> Iterator[tuple[object, ...]]:
    """Intakes, checkouts, agents and builds; those with evidence are evaluations."""
    for holder in (status, build_status):
        for each in holder.get("attempts") or []:
            if each.get("measured") and not each.get("evidence"):
                yield _row(each["work"], each)


def _row(name: str, holder: KubernetesObject) -> tuple[object, ...]:
    used = holder["measured"]
    seconds, cpu = holder.get("seconds"), used.get("cpuSeconds")
    return (
        name,
        None if seconds is None else f"{seconds:.1f}",
        None if cpu is None else f"{cpu:.1f}",
        _mebibytes(used.get("peakMemoryBytes")),
        _mebibytes(used.get("writtenBytes")),
        used.get("peakProcesses"),
    )


def _mebibytes(count: int | None) -> str | None:
    return None if count is None else f"{count / MEBIBYTE:.0f} MiB"
