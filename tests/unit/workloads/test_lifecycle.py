"""Start, adoption and release of pods, and evidence, against an API server in memory and a real registry."""

import asyncio
from dataclasses import replace

import pytest

from builders import NONCE, NOW, a_pod
from simulated.kubelet import ContainerEnd, terminated
from simulated.scripted_pods import junit
from swefoundry import errors, metrics
from swefoundry.api import labels
from swefoundry.api.types import Attempt
from swefoundry.contracts.pod_template import PodTemplate
from swefoundry.kube.workqueue import Key
from swefoundry.oci.artifacts import pull_artifact
from swefoundry.settings import OperatorPodTemplate, Settings
from swefoundry.workloads.attempt import Owner, Role, Work
from swefoundry.workloads.decide import CollectResult, RetryAttempt, StartPod, Wait
from swefoundry.workloads.evaluation.evidence import store_evidence
from swefoundry.workloads.lifecycle import (
    PodStarted,
    Queued,
    count_finished_pod,
    gather_partial,
    new_attempt_ref,
    owned_pods,
    slot_key,
    start_pod,
    verify_pod_lost,
)
from swefoundry.workloads.place_requests import QueuePosition
from swefoundry.workloads.pod_outcomes import PodResult
from swefoundry.workloads.pod_release import release_pod
from swefoundry.workloads.pod_snapshot import read_snapshot
from swefoundry.workloads.pod_spec import ContainerTemplate, pod_manifest
from swefoundry.workloads.role_places import PodPlacement

OWNER = Owner("TaskInstance", "here", "task-one", "uid-of-task")
KEY = Key("TaskInstance", "here", "task-one")


def a_body(ref):
    return pod_manifest(ref, ContainerTemplate("image", {}, {}, {}, 60))


async def started_pod(context, number=0, owner=OWNER):
    """A pod, made as the reconcilers make it."""
    ref = new_attempt_ref(owner, StartPod(Work.parse("before-0"), number))

    async def prepare():
        return a_body(ref)

    return await start_pod(context, ref, StartPod(Work.parse("before-0"), number), prepare)


def the_pod(context):
    (found,) = owned_pods(context, OWNER.uid)
    return found


def lost(attempt):
    over = attempt.model_copy(update={"outcome": "Infrastructure", "reason": "PodLost"})
    return RetryAttempt(Work.parse("before-0"), over, Attempt(work="before-0", number=1, pod=""))


async def test_a_started_pod_is_cached_at_once_and_takes_a_place(server, context):
    result = await started_pod(context)
    body = server.one("pods")
    assert result == PodStarted(
        Attempt(work="before-0", number=0, pod=body["metadata"]["name"], uid=body["metadata"]["uid"])
    )
    assert the_pod(context).nonce == body["metadata"]["annotations"][labels.NONCE]
    assert context.pod_limiter.active(Role.EVALUATION) == 1


async def test_a_pod_has_the_fields_that_are_set_for_its_namespace_and_by_its_owner(server, context):
    context.settings = Settings(
        namespace_pod_templates={"here": OperatorPodTemplate(priority_class_name="low")}
    )
    await started_pod(context, owner=replace(OWNER, pod_template=PodTemplate(node_selector={"pool": "x"})))
    spec = server.one("pods")["spec"]
    assert (spec["priorityClassName"], spec["nodeSelector"]) == ("low", {"pool": "x"})


async def test_an_owner_with_a_field_that_it_may_not_set_gets_no_pod_and_takes_no_place(server, context):
    with pytest.raises(errors.PermanentError, match=r"spec\.podTemplate\.labels"):
        await started_pod(context, owner=replace(OWNER, pod_template=PodTemplate(labels={"team": "x"})))
    assert (server.bodies("pods"), context.pod_limiter.active(Role.EVALUATION)) == ([], 0)


async def test_a_pod_from_before_a_crash_is_adopted_with_its_own_nonce(server, context):
    first = await started_pod(context)
    nonce = the_pod(context).nonce
    context.cache.drop(Key("Pod", "here", first.attempt.pod))
    assert await started_pod(context) == first
    assert len(server.bodies("pods")) == 1
    assert the_pod(context).nonce == nonce


async def test_a_pod_without_a_place_is_not_prepared(server, context):
    for number in range(16):
        context.pod_limiter.observe(Role.EVALUATION, f"here/other-{number}", PodPlacement.PLACED, NOW)
    position = QueuePosition(1, 1, Role.EVALUATION)
    assert await started_pod(context) == Queued(Work.parse("before-0"), position)
    assert server.requests == []


async def test_a_pod_that_cannot_be_created_keeps_no_place(server, context):
    server.forced_errors["POST pods"] = (403, "exceeded quota")
    with pytest.raises(errors.ApiRefused):
        await started_pod(context)
    assert context.pod_limiter.active(Role.EVALUATION) == 0


async def test_a_pod_that_vanished_between_two_requests_keeps_no_place(server, context):
    server.forced_errors["POST pods"] = (409, "already exists")
    with pytest.raises(errors.NotFound):
        await started_pod(context)
    assert context.pod_limiter.active(Role.EVALUATION) == 0


async def test_a_pod_counts_as_lost_once_the_api_confirms_it(server, context):
    attempt = (await started_pod(context)).attempt
    move = lost(attempt)
    assert isinstance(await verify_pod_lost(context, "here", move), Wait)
    await release_pod(context, the_pod(context), "here")
    assert await verify_pod_lost(context, "here", move) == move


async def test_a_pod_that_only_seemed_lost_is_put_into_the_cache(server, context):
    attempt = (await started_pod(context)).attempt
    context.cache.drop(Key("Pod", "here", attempt.pod))
    await verify_pod_lost(context, "here", lost(attempt))
    assert the_pod(context).uid == attempt.uid


def collecting(body, record):
    return CollectResult(Work.parse("before-0"), read_snapshot(body), PodResult(record["code"], record, 1.0))


async def test_evidence_is_log_record_and_statuses_in_one_artifact(server, context, registry_host):
    attempt = (await started_pod(context)).attempt
    body = server.get(("pods", "here", attempt.pod))
    server.logs[attempt.uid] = b"what the tests said\n"
    record = {"nonce": the_pod(context).nonce, "stage": "before", "code": 1}
    evidence = await store_evidence(context, "here", "acting/task", collecting(body, record))
    files = await pull_artifact(context.registry, "acting/task", evidence.digest, 1 << 20)
    assert files.keys() == {"output.log", "record.json", "tests.json"}
    assert files["output.log"] == b"what the tests said\n"
    assert files["tests.json"] == b'{"problems":[],"statuses":{},"uncollected":[]}'
    assert evidence.log == "what the tests said\n"


async def test_a_cut_log_is_stored_and_its_problem_is_recorded(server, context):
    attempt = (await started_pod(context)).attempt
    body = server.get(("pods", "here", attempt.pod))
    server.logs[attempt.uid] = b"cut off"
    record = {"nonce": NONCE, "stage": "before", "code": 1, "reportSha256": "f" * 64}
    evidence = await store_evidence(context, "here", "acting/task", collecting(body, record))
    files = await pull_artifact(context.registry, "acting/task", evidence.digest, 1 << 20)
    assert b"the log was cut" in files["tests.json"]


async def test_tests_that_did_not_arrive_are_recorded_as_a_problem(server, context):
    attempt = (await started_pod(context)).attempt
    body = server.get(("pods", "here", attempt.pod))
    server.logs[attempt.uid] = b"no frames\n"
    record = {"nonce": NONCE, "stage": "before", "code": 1, "tests": {"total": 3, "passed": 3}}
    evidence = await store_evidence(context, "here", "acting/task", collecting(body, record))
    files = await pull_artifact(context.registry, "acting/task", evidence.digest, 1 << 20)
    assert b"the runner counted 3 tests, and 0 could be read from the log" in files["tests.json"]


async def test_without_a_log_there_is_no_evidence(server, context):
    attempt = (await started_pod(context)).attempt
    body = server.get(("pods", "here", attempt.pod))
    record = {"nonce": NONCE, "stage": "before", "code": 1}
    assert await store_evidence(context, "here", "acting/task", collecting(body, record)) is None


async def test_a_busy_api_is_retried_before_a_log_counts_as_lost(server, context):
    attempt = (await started_pod(context)).attempt
    body = server.get(("pods", "here", attempt.pod))
    server.forced_errors["GET pods"] = (503, "busy")
    with pytest.raises(errors.ApiUnavailable):
        await store_evidence(context, "here", "acting/task", collecting(body, {"code": 1}))


async def test_one_error_does_not_lose_the_other_results():
    async def good():
        return "result"

    async def bad(error):
        raise error

    busy, refused = errors.TransientError("busy"), errors.PermanentError("refused")
    assert await gather_partial([bad(busy), good(), bad(refused)]) == (["result"], busy)
    with pytest.raises(ZeroDivisionError):
        await gather_partial([good(), bad(ZeroDivisionError())])
    with pytest.raises(asyncio.CancelledError):
        await gather_partial([good(), bad(asyncio.CancelledError())])


def test_the_way_of_a_pod_to_its_node_and_its_container_is_measured():
    def sums():
        names = ("swefoundry_pod_schedule_duration_seconds_sum", "swefoundry_pod_start_duration_seconds_sum")
        return [metrics.REGISTRY.get_sample_value(name, {"role": "evaluation"}) or 0 for name in names]

    bound = {"type": "PodScheduled", "status": "True", "lastTransitionTime": "2026-01-01T11:59:50Z"}
    pod = a_pod(status=terminated(ContainerEnd(0)) | {"conditions": [bound]})  # 11:58:00 to 12:00:00
    move = CollectResult(Work.parse("before-0"), pod, PodResult(0, {}, 30.0))
    before = sums()
    count_finished_pod(move)
    assert [now - then for now, then in zip(sums(), before, strict=True)] == [110, 10]


def test_keys_of_the_pod_limiter_have_namespace_and_pod():
    assert slot_key("here", "pod") == "here/pod"


def test_the_scripts_of_these_tests_are_what_the_readers_read():
    assert terminated(ContainerEnd(1))["containerStatuses"][0]["state"]["terminated"]["exitCode"] == 1
    assert "failure" in junit(failed=True)
