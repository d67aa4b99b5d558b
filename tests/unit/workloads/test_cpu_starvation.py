"""Time limits that are repeated with a whole CPU, and evictions that are repeated with all memory."""

import json
from typing import Any

import pytest

from builders import NONCE, NOW, a_pod, terminated
from swefoundry.api import labels
from swefoundry.api.types import Attempt
from swefoundry.contracts.exit_codes import ExitCode
from swefoundry.settings import Settings
from swefoundry.workloads.attempt import Work, evaluation_work
from swefoundry.workloads.decide import CollectResult, Move, RetryAttempt, StartPod, WorkState, next_move

WORK = Work.parse("before-0")
SECONDS = 1000


def ended(cpu_seconds: float | None, estimated: str | None = "250m", code: int = ExitCode.TIME_LIMIT) -> Move:
    """The move after a run of a thousand seconds that used so much CPU."""
    record: dict[str, Any] = {"nonce": NONCE, "code": code, "durationMs": SECONDS * 1000}
    if cpu_seconds is not None:
        record["measured"] = {"cpuSeconds": cpu_seconds}
    notes = {labels.NONCE: NONCE} | ({labels.ESTIMATED_CPU: estimated} if estimated else {})
    pod = a_pod(str(WORK), status=terminated(code, json.dumps(record)), annotations=notes)
    running = [Attempt(work=str(WORK), number=0, pod=pod.name, uid=pod.uid)]
    return next_move(evaluation_work("before", 0), WorkState(running, [pod], NOW, Settings()))


def test_a_time_limit_reached_with_a_small_estimate_is_repeated_with_a_whole_cpu_at_once() -> None:
    move = ended(300)
    message = (
        "the time limit was reached with a request of 250m CPU and a use of 0.30 CPUs: "
        "repeated once with a whole CPU"
    )
    assert isinstance(move, RetryAttempt)
    assert (move.ended.reason, move.ended.exit_code, move.ended.message) == ("CPUStarved", 22, message)
    assert move.planned == Attempt(work="before-0", number=1, pod="", full_requests=True, message=message)


@pytest.mark.parametrize("cpu_seconds", [None, 125, 899])
def test_where_the_cpu_may_have_been_too_little_the_run_is_repeated(cpu_seconds: float | None) -> None:
    assert isinstance(ended(cpu_seconds), RetryAttempt)


@pytest.mark.parametrize(
    "collected",
    [
        pytest.param({"cpu_seconds": 900}, id="it had a whole CPU"),
        pytest.param({"cpu_seconds": 124}, id="it used less than half of its request: it hung"),
        pytest.param(
            {"cpu_seconds": 300, "estimated": None}, id="a person chose the request, or it was repeated"
        ),
        pytest.param({"cpu_seconds": 300, "estimated": "1"}, id="it requested a whole CPU"),
        pytest.param({"cpu_seconds": 300, "code": ExitCode.TESTS_FAILED}, id="no time limit"),
    ],
)
def test_other_ends_are_results(collected: dict[str, Any]) -> None:
    assert isinstance(ended(**collected), CollectResult)


def test_builds_are_repeated_alike() -> None:
    assert isinstance(ended(300, code=ExitCode.BUILD_TIME_LIMIT), RetryAttempt)


def test_an_evicted_pod_is_replaced_by_one_that_requests_all_that_it_may_use() -> None:
    evicted = {"phase": "Failed", "reason": "Evicted", "message": "The node was low on resource: memory."}
    pod = a_pod(str(WORK), status=evicted)
    running = [Attempt(work=str(WORK), number=0, pod=pod.name, uid=pod.uid)]
    move = next_move(WORK, WorkState(running, [pod], NOW, Settings()))
    assert isinstance(move, RetryAttempt)
    assert (move.ended.reason, move.planned.full_requests) == ("NodePressure", True)


def test_the_planned_pod_gets_the_full_requests_and_so_do_its_own_repeats() -> None:
    planned = Attempt(work=str(WORK), number=1, pod="", full_requests=True)
    assert next_move(WORK, WorkState([planned], [], NOW, Settings())) == StartPod(WORK, 1, 1, True)
    pod = a_pod(str(WORK), 1, terminated(137))
    running = [planned.model_copy(update={"pod": pod.name, "uid": pod.uid})]
    move = next_move(WORK, WorkState(running, [pod], NOW, Settings()))
    assert isinstance(move, RetryAttempt) and move.planned.full_requests is True
