"""Lifecycle of pods: start or adopt, verify a loss, and the attempts that result."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Generic, Protocol, TypeVar

from swefoundry import errors, metrics
from swefoundry.api import reasons
from swefoundry.api.shards import Shard
from swefoundry.api.types import Attempt
from swefoundry.contracts.digests import Digest
from swefoundry.contracts.exit_codes import ExitCode
from swefoundry.contracts.measured import MeasuredResources
from swefoundry.kube.cache import owner_of
from swefoundry.kube.resources import PODS
from swefoundry.kube.workqueue import Key
from swefoundry.workloads.applied_template import template_of, with_template
from swefoundry.workloads.attempt import AttemptRef, Owner, Role, Work, WorkKind
from swefoundry.workloads.context import ReconcileContext
from swefoundry.workloads.decide import (
    POD_LOST,
    AttemptChange,
    CollectResult,
    FailAttempt,
    Move,
    RetryAttempt,
    StartPod,
    Wait,
)
from swefoundry.workloads.place_requests import STEPS_TO_VERDICT, PlaceRequest, QueuePosition
from swefoundry.workloads.pod_snapshot import PodSnapshot, parse_timestamp, read_snapshot
from swefoundry.workloads.pod_spec import JsonDict
from swefoundry.workloads.pod_warnings import PodWarning

NOT_CACHED = datetime.max.replace(tzinfo=UTC)
"""Creation of an object that was deleted while it was reconciled: it is served last."""

PartT = TypeVar("PartT")
ContextT = TypeVar("ContextT", bound=ReconcileContext)
ActionResultT = TypeVar("ActionResultT")


class PodOwner(Protocol):
    """An observed object that owns pods."""

    @property
    def owner(self) -> Owner:
        """The object, as its pods refer to it."""


ObservedT = TypeVar("ObservedT", bound=PodOwner)


@dataclass(frozen=True)
class MoveActions(Generic[ObservedT, ContextT, ActionResultT]):
    """What starts the pods and collects the results of one controller, by kind of work."""

    start: Mapping[WorkKind, Callable[[StartPod, ObservedT, ContextT], Awaitable[ActionResultT]]]
    collect: Mapping[WorkKind, Callable[[CollectResult, ObservedT, ContextT], Awaitable[ActionResultT]]]


@dataclass(frozen=True)
class Queued:
    """No place was free; the object is enqueued when it is given one."""

    work: Work
    position: QueuePosition


@dataclass(frozen=True)
class PodStarted:
    """The pod was created or adopted."""

    attempt: Attempt


async def perform_move(
    move: Move,
    actions: MoveActions[ObservedT, ContextT, ActionResultT],
    observed: ObservedT,
    context: ContextT,
) -> ActionResultT | AttemptChange:
    """Start the pod, collect the result, or return the change of the attempt that the move is."""
    match move:
        case StartPod():
            return await actions.start[move.work.kind](move, observed, context)
        case CollectResult():
            _report_answer(context, observed.owner, move)
            return await actions.collect[move.work.kind](move, observed, context)
        case _:
            return await _change_attempt(context, observed.owner, move)


ANSWERED_CODES: Mapping[WorkKind, frozenset[int]] = {
    WorkKind.INTAKE: frozenset(
        {
            ExitCode.OK,
            ExitCode.SOURCE_MISMATCH,
            ExitCode.SOURCE_UNREACHABLE,
            ExitCode.PATCH_MISAPPLIED,
            ExitCode.SUBMODULES_REQUIRED,
            ExitCode.LFS_REQUIRED,
        }
    ),
    WorkKind.BUILD: frozenset({ExitCode.OK, ExitCode.STEP_FAILED}),
    WorkKind.AGENT: frozenset(
        {
            ExitCode.OK,
            ExitCode.GAVE_UP,
            ExitCode.ROW_AT_FAULT,
            ExitCode.REPEATED,
            ExitCode.MALFORMED,
        }
    ),
}
"""Results of pods that got an answer of the hosts that they asked; intake refuses patches before a host is asked."""


def _report_answer(context: ReconcileContext, owner: Owner, move: CollectResult) -> None:
    """Let all who wait for a host go on when this pod probed it and was answered."""
    if move.result.code in ANSWERED_CODES.get(move.work.kind, {ExitCode.OK}):
        context.hosts.report_answer(owner_key(owner))
    else:
        context.hosts.end_probe(owner_key(owner))


async def _change_attempt(context: ReconcileContext, owner: Owner, move: AttemptChange) -> AttemptChange:
    change = await verify_pod_lost(
        context, owner.namespace, await explain_move(context, owner.namespace, move)
    )
    if isinstance(change, RetryAttempt) and change.unavailable is not None:
        context.hosts.report_unavailable(owner_key(owner), change.unavailable)
    elif isinstance(change, RetryAttempt | FailAttempt):
        context.hosts.end_probe(owner_key(owner))
    return change


def new_attempt_ref(owner: Owner, move: StartPod) -> AttemptRef:
    """A reference to the attempt, with a new nonce."""
    return AttemptRef(owner, move.work.role, str(move.work), move.number, secrets.token_hex(16))


async def start_pod(
    context: ReconcileContext,
    ref: AttemptRef,
    move: StartPod,
    prepare: Callable[[], Awaitable[JsonDict]],
    hosts: Collection[str] = (),
) -> PodStarted | Queued | Wait:
    """Create the pod, or adopt the one that exists under this attempt's name after a restart of the operator.

    ``prepare`` makes its body, and what it needs in the registry. It is called only when a place is free: each
    reconcile of a matrix of sixty evaluations asks for sixty places, and mostly gets none. ``hosts`` are those that
    the pod will ask; while one of them is away, no pod is created.
    """
    key = owner_key(ref.owner)
    held = context.hosts.admit({host for host in (*hosts, move.host) if host}, key)
    if held is not None:
        return Wait(str(move.work), reasons.HOST_UNAVAILABLE, held.message, held.seconds)
    started: PodStarted | Queued | None = None
    try:
        started = await _start_pod(context, ref, move, prepare)
        return started
    finally:
        if not isinstance(started, PodStarted):
            context.hosts.end_probe(key)


async def _start_pod(
    context: ReconcileContext, ref: AttemptRef, move: StartPod, prepare: Callable[[], Awaitable[JsonDict]]
) -> PodStarted | Queued:
    owner = ref.owner
    template = template_of(owner, context.settings)
    request = place_request(context, ref, move.work)
    if not context.pod_limiter.acquire(request):
        return Queued(move.work, context.pod_limiter.position(request))
    try:
        body = with_template(await prepare(), template)
        body["metadata"]["labels"] |= Shard.from_settings(context.settings).bucket_labels(owner.repo)
        context.pod_limiter.note_creation(request)
        pod = await context.kube.create(PODS, owner.namespace, body)
        if pod is None:
            pod = await context.kube.get(PODS, owner.namespace, ref.pod_name)
    except BaseException:
        context.pod_limiter.release(ref.role, request.pod)
        raise
    pod.setdefault("kind", "Pod")
    context.cache.put(pod)
    attempt = Attempt(
        work=ref.work,
        number=ref.attempt,
        pod=ref.pod_name,
        uid=pod["metadata"]["uid"],
        memory_factor=move.memory_factor,
        full_requests=move.full_requests or None,
    )
    return PodStarted(attempt)


def expected_waits(context: ReconcileContext, owner: Owner, moves: Iterable[Move]) -> list[Queued]:
    """The waits for places that the moves would lead to now; nothing is requested."""
    waits = []
    for move in moves:
        if isinstance(move, StartPod):
            request = place_request(context, new_attempt_ref(owner, move), move.work)
            position = context.pod_limiter.expected_position(request)
            waits += [] if position is None else [Queued(move.work, position)]
    return waits


def place_request(context: ReconcileContext, ref: AttemptRef, work: Work) -> PlaceRequest:
    """The request for the place of an attempt's pod."""
    owner = ref.owner
    key = owner_key(owner)
    return PlaceRequest(
        steps=STEPS_TO_VERDICT[owner.kind, work.kind],
        created=_instance_created(context, key),
        name=owner.name,
        pod=slot_key(owner.namespace, ref.pod_name),
        key=key,
        role=ref.role,
    )


def _instance_created(context: ReconcileContext, key: Key) -> datetime:
    """Creation of the object, or of the TaskInstance that it is made for; in the cache, because it is reconciled."""
    body = context.cache.get(key)
    if body is None:
        return NOT_CACHED
    owner = owner_of(body)
    instance = context.cache.get(owner[0]) if owner is not None else None
    return parse_timestamp((instance or body)["metadata"]["creationTimestamp"])


def owner_key(owner: Owner) -> Key:
    """The owner in the work queue."""
    return Key(owner.kind, owner.namespace, owner.name)


def slot_key(namespace: str, pod: str) -> str:
    """Name of a pod in ``PodLimiter``."""
    return f"{namespace}/{pod}"


async def explain_move(context: ReconcileContext, namespace: str, move: AttemptChange) -> AttemptChange:
    """Add the last Warning event of a pod whose status does not say why it has no container.

    A pod that waits for a volume which does not exist is not replaced: the kubelet mounts it as soon as it does.
    """
    match move:
        case Wait(warnings_of=str(uid)):
            warning = await context.pod_warnings.last(namespace, uid)
            return move if warning is None else _with_warning(move, warning)
        case RetryAttempt(ended=Attempt(reason="ContainerCreating", uid=str(uid))):
            warning = await context.pod_warnings.last(namespace, uid)
            if warning is None:
                return move
            if warning.names_missing_object:
                return Wait(str(move.work), warning.reason, warning.message, adopted=_running(move.ended))
            message = {"message": f"{warning.reason}: {warning.message}"}
            return replace(
                move,
                ended=move.ended.model_copy(update=message),
                planned=move.planned.model_copy(update=message),
            )
    return move


def _with_warning(wait: Wait, warning: PodWarning) -> Wait:
    if not wait.message:
        return replace(wait, reason=warning.reason, message=warning.message)
    if warning.message in wait.message:
        return wait
    return replace(wait, message=f"{wait.message}; {warning.reason}: {warning.message}")


def _running(ended: Attempt) -> Attempt:
    """The attempt before it was counted as ended."""
    known = {"work", "number", "pod", "uid", "node", "memory_factor"}
    return Attempt.model_validate(ended.model_dump(include=known))


async def verify_pod_lost(context: ReconcileContext, namespace: str, move: AttemptChange) -> AttemptChange:
    """Return ``move``, or a wait when the pod that it counts as lost exists: the cache may be behind the cluster."""
    if not isinstance(move, RetryAttempt | FailAttempt):
        return move
    if move.ended.reason != POD_LOST:
        return _count_fault(move)
    try:
        found = await context.kube.get(PODS, namespace, move.ended.pod)
    except errors.NotFound:
        return _count_fault(move)
    context.cache.put({"kind": PODS.kind, **found})
    return Wait(str(move.work), "Running", requeue_seconds=1.0)


def _count_fault(move: RetryAttempt | FailAttempt) -> AttemptChange:
    ended = move.ended
    metrics.ATTEMPTS.labels(move.work.role.value, ended.outcome or "", ended.reason or "").inc()
    return move


async def gather_partial(
    parts: Iterable[Awaitable[PartT]],
) -> tuple[list[PartT], errors.SwefoundryError | None]:
    """Run all awaitables; return the successful results and the first SwefoundryError.

    Callers persist partial results before they raise the error, so that one pod's error does not lose another's result.
    """
    done = await asyncio.gather(*parts, return_exceptions=True)
    results: list[PartT] = []
    error: errors.SwefoundryError | None = None
    for item in done:
        if isinstance(item, errors.SwefoundryError):
            error = error or item
        elif isinstance(item, BaseException):
            raise item
        else:
            results.append(item)
    return results, error


def owned_pods(context: ReconcileContext, uid: str) -> tuple[PodSnapshot, ...]:
    """Snapshots of the pods that the object with ``uid`` controls."""
    return tuple(read_snapshot(body) for body in context.cache.children(uid, "Pod"))


def count_finished_pod(move: CollectResult) -> None:
    """Count an attempt that ended with a record."""
    metrics.ATTEMPTS.labels(move.work.role.value, "Finished", str(move.result.code)).inc()
    metrics.STAGE_SECONDS.labels(move.work.role.value).observe(move.result.seconds)
    _count_latencies(move.pod, move.work.role)


def _count_latencies(pod: PodSnapshot, role: Role) -> None:
    metrics.POD_SCHEDULE_SECONDS.labels(role.value).observe((pod.bound - pod.created).total_seconds())
    started = pod.terminated.started if pod.terminated is not None else None
    if started is not None:
        metrics.POD_START_SECONDS.labels(role.value).observe((started - pod.bound).total_seconds())


def measured_in_record(record: Mapping[str, Any]) -> MeasuredResources | None:
    """What the container used, by its record; None in a record of the release before."""
    measured = record.get("measured")
    return None if measured is None else MeasuredResources.model_validate(measured)


def finished_attempt(move: CollectResult, message: str = "", evidence: Digest | None = None) -> Attempt:
    """A collected attempt, as the status lists it."""
    return Attempt(
        work=str(move.work),
        number=move.pod.attempt,
        pod=move.pod.name,
        uid=move.pod.uid,
        outcome="Finished",
        exit_code=move.result.code,
        node=move.pod.node,
        seconds=move.result.seconds,
        measured=measured_in_record(move.result.record),
        message=message[:2048] or None,
        evidence=evidence,
    )
