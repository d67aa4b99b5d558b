"""Events of pods that wait: which one explains the wait, how often they are read, and what follows from them."""

from dataclasses import dataclass, field
from typing import Any

import pytest

from builders import NOW
from swefoundry import errors
from swefoundry.api.types import Attempt
from swefoundry.workloads.attempt import Work
from swefoundry.workloads.decide import RetryAttempt, Wait
from swefoundry.workloads.lifecycle import explain_move
from swefoundry.workloads.pod_warnings import PodWarning, PodWarnings, newest_warning

WORK = Work.parse("before-0")
SANDBOX = "Failed to create pod sandbox: no IP addresses available"
MOUNT = 'MountVolume.SetUp failed for volume "ca" : configmap "certificates" not found'


def an_event(reason: str, message: str, at: str = "2026-01-01T12:00:00Z", **fields: Any) -> dict[str, Any]:
    return {"reason": reason, "message": message, "type": "Warning", "lastTimestamp": at} | fields


def put_event(server: Any, uid: str, reason: str, message: str) -> None:
    name = f"event-{len(server.objects)}"
    involved = {"involvedObject": {"uid": uid}, "metadata": {"name": name, "namespace": "here"}}
    server.put("events", an_event(reason, message, **involved))


@dataclass
class Clock:
    """A clock that the test moves."""

    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class CountedEvents:
    """A client whose answers the test gives."""

    answers: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)
    error: errors.SwefoundryError | None = None

    async def warnings(self, namespace: str, uid: str) -> list[dict[str, Any]]:
        self.requests.append(uid)
        if self.error is not None:
            raise self.error
        return self.answers.get(uid, [])


def test_the_event_that_happened_last_counts_also_when_it_repeats() -> None:
    events = [
        an_event("FailedMount", "old", "2026-01-01T12:00:00Z"),
        an_event("BackOff", "newest", "", series={"lastObservedTime": "2026-01-01T12:09:00.000000Z"}),
        an_event("Failed", "newer", "", eventTime="2026-01-01T12:05:00.000000Z"),
    ]
    assert newest_warning(events) == PodWarning("BackOff", "newest")
    assert newest_warning([]) is None


def test_events_of_the_scheduler_repeat_the_pods_status_and_are_left_out() -> None:
    waited = an_event("FailedScheduling", "0/1 nodes are available", "2026-01-01T12:09:00Z")
    assert newest_warning([waited]) is None
    assert newest_warning([an_event("FailedMount", MOUNT), waited]) == PodWarning("FailedMount", MOUNT)


def test_a_message_is_one_line_of_bounded_length() -> None:
    assert newest_warning([an_event("Failed", "a\n  b" + "c" * 600)]) == PodWarning(
        "Failed", ("a b" + "c" * 600)[:500]
    )


async def test_events_of_a_pod_are_read_again_in_growing_intervals() -> None:
    kube, clock = CountedEvents({"pod": [an_event("FailedMount", MOUNT)]}), Clock()
    warnings = PodWarnings(kube, clock)  # type: ignore[arg-type]
    reads = []
    for second in range(1000):
        clock.now = 1000.0 + second
        assert await warnings.last("here", "pod") == PodWarning("FailedMount", MOUNT)
        if len(kube.requests) > len(reads):
            reads.append(second)
    assert reads == [0, 30, 90, 210, 450, 750]


async def test_at_most_one_request_per_second_is_sent_for_all_pods_together() -> None:
    kube, clock = CountedEvents(), Clock()
    warnings = PodWarnings(kube, clock)  # type: ignore[arg-type]
    for pod in range(100):
        await warnings.last("here", f"pod-{pod}")
    assert kube.requests == ["pod-0"]
    clock.now += 1
    await warnings.last("here", "pod-99")
    assert kube.requests == ["pod-0", "pod-99"]


async def test_an_api_that_refuses_events_holds_nothing_up() -> None:
    kube = CountedEvents(error=errors.ApiRefused("events is forbidden"))
    assert await PodWarnings(kube).last("here", "pod") is None  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("wait", "explained"),
    [
        (
            Wait("before-0", "ContainerCreating", warnings_of="pod"),
            Wait("before-0", "FailedCreatePodSandBox", SANDBOX, warnings_of="pod"),
        ),
        (
            Wait("before-0", "ImagePullTransient", "back-off", warnings_of="pod"),
            Wait(
                "before-0",
                "ImagePullTransient",
                f"back-off; FailedCreatePodSandBox: {SANDBOX}",
                warnings_of="pod",
            ),
        ),
        (
            Wait("before-0", "CreateContainerError", SANDBOX, warnings_of="pod"),
            Wait("before-0", "CreateContainerError", SANDBOX, warnings_of="pod"),
        ),
        (
            Wait("before-0", "Pending", warnings_of="another"),
            Wait("before-0", "Pending", warnings_of="another"),
        ),
        (Wait("before-0", "Pending"), Wait("before-0", "Pending")),
    ],
    ids=["no message", "another message", "the same message", "no events", "a short wait"],
)
async def test_the_last_warning_explains_a_wait(
    server: Any, context: Any, wait: Wait, explained: Wait
) -> None:
    put_event(server, "pod", "FailedCreatePodSandBox", SANDBOX)
    assert await explain_move(context, "here", wait) == explained


def uncreated() -> RetryAttempt:
    """A pod that got no container within its grace period."""
    ended = Attempt(
        work="before-0", number=2, pod="p", uid="pod", outcome="Infrastructure", reason="ContainerCreating"
    )
    return RetryAttempt(WORK, ended, Attempt(work="before-0", number=3, pod="", not_before=NOW))


async def test_a_pod_without_a_sandbox_is_replaced_with_the_reason(server: Any, context: Any) -> None:
    put_event(server, "pod", "FailedCreatePodSandBox", SANDBOX)
    move, why = uncreated(), {"message": f"FailedCreatePodSandBox: {SANDBOX}"}
    assert await explain_move(context, "here", move) == RetryAttempt(
        WORK, move.ended.model_copy(update=why), move.planned.model_copy(update=why)
    )


async def test_a_pod_whose_volume_does_not_exist_is_waited_for(server: Any, context: Any) -> None:
    put_event(server, "pod", "FailedMount", MOUNT)
    running = Attempt(work="before-0", number=2, pod="p", uid="pod")
    assert await explain_move(context, "here", uncreated()) == Wait(
        "before-0", "FailedMount", MOUNT, adopted=running
    )


async def test_a_pod_without_events_is_replaced(context: Any) -> None:
    assert await explain_move(context, "here", uncreated()) == uncreated()
