"""Time limits that may be the fault of a small CPU request on a busy node. Pure.

A verdict must not depend on what else ran on the node. So a run that ended at its time limit, and whose request was
estimated, is repeated once with a whole CPU, unless its CPU time shows that the request made no difference.
"""

from swefoundry.contracts.exit_codes import ExitCode
from swefoundry.workloads.pod_outcomes import FaultCategory, PodFault, PodResult
from swefoundry.workloads.pod_snapshot import PodSnapshot
from swefoundry.workloads.resource_estimates import amount

CPU_STARVED = "CPUStarved"
"""Reason of an attempt that is repeated with a whole CPU."""

TIME_LIMITS = frozenset({ExitCode.TIME_LIMIT, ExitCode.BUILD_TIME_LIMIT})

WHOLE_CPU_USED = 0.9
"""CPUs, on average: who had as many was not held back, for a whole CPU is what the repeat would get."""

SHARE_OF_REQUEST_WANTED = 0.5
"""Who used less than this share of its request, which the kernel guarantees, waited for something else than a CPU."""


def starved_run(result: PodResult, pod: PodSnapshot) -> PodFault | None:
    """The fault that the result stands for; None when it is a result whatever the request was."""
    if pod.estimated_cpu is None or result.code not in TIME_LIMITS:
        return None
    used, requested = _cpus_used(result), amount(pod.estimated_cpu)
    if requested >= 1 or (used is not None and _request_made_no_difference(used, requested)):
        return None
    shown = "an unknown part of a CPU" if used is None else f"{used:.2f} CPUs"
    message = (
        f"the time limit was reached with a request of {pod.estimated_cpu} CPU and a use of {shown}: "
        "repeated once with a whole CPU"
    )
    return PodFault(FaultCategory.LIMIT, CPU_STARVED, message, result.code, result.seconds)


def _request_made_no_difference(used: float, requested: float) -> bool:
    return used >= WHOLE_CPU_USED or used < SHARE_OF_REQUEST_WANTED * requested


def _cpus_used(result: PodResult) -> float | None:
    measured = result.record.get("measured") or {}
    seconds = float(result.record.get("durationMs") or 0) / 1000 or result.seconds
    spent = measured.get("cpuSeconds")
    return None if spent is None or seconds <= 0 else float(spent) / seconds
