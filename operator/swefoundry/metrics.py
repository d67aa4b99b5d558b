"""Metrics of the operator. Labels are closed sets: no object, image or commit ever becomes one."""

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, make_wsgi_app
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

REGISTRY = CollectorRegistry()

_LONG = (1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 2400, 3600, 7200)
"""Seconds: from a small evaluation to the longest build."""
_SHORT = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)

RECONCILES = Counter(
    "swefoundry_reconcile_total", "Reconciles, by kind and result.", ["kind", "result"], registry=REGISTRY
)
RECONCILE_SECONDS = Histogram(
    "swefoundry_reconcile_duration_seconds",
    "Time of one reconcile.",
    ["kind"],
    buckets=_SHORT,
    registry=REGISTRY,
)
QUEUE_DEPTH = Gauge("swefoundry_workqueue_depth", "Keys that wait for a worker.", registry=REGISTRY)
QUEUE_ADDS = Counter("swefoundry_workqueue_adds_total", "Keys added to the queue.", registry=REGISTRY)
QUEUE_RETRIES = Counter(
    "swefoundry_workqueue_retries_total", "Keys added again after an error.", registry=REGISTRY
)
QUEUE_SECONDS = Histogram(
    "swefoundry_workqueue_queue_duration_seconds",
    "Time a key waited, by its priority: normal, or low (looked at again, or only shown).",
    ["priority"],
    buckets=_SHORT,
    registry=REGISTRY,
)
PLACES = Gauge(
    "swefoundry_pod_places",
    "Pods by role: active (hold a place), unplaced (the scheduler found no node), waiting (are not created yet).",
    ["role", "state"],
    registry=REGISTRY,
)
PLACE_WAIT_SECONDS = Histogram(
    "swefoundry_pod_place_wait_duration_seconds",
    "Time from a pod's first request for a place to its creation.",
    ["role"],
    buckets=_LONG,
    registry=REGISTRY,
)
PLACE_REFILL_SECONDS = Histogram(
    "swefoundry_place_refill_duration_seconds",
    "Time from the event that frees a place to the creation of the pod that waited for it.",
    ["role"],
    buckets=(0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.2, 0.5, 1, 5),
    registry=REGISTRY,
)
POD_SCHEDULE_SECONDS = Histogram(
    "swefoundry_pod_schedule_duration_seconds",
    "Time from a pod's creation until the scheduler found a node, of pods that ended with a record.",
    ["role"],
    buckets=_LONG,
    registry=REGISTRY,
)
POD_START_SECONDS = Histogram(
    "swefoundry_pod_start_duration_seconds",
    "Time from a pod's node to the start of its container, of pods that ended with a record.",
    ["role"],
    buckets=_LONG,
    registry=REGISTRY,
)
API_REQUESTS = Counter(
    "swefoundry_api_requests_total",
    "Requests to the Kubernetes API.",
    ["verb", "resource", "code"],
    registry=REGISTRY,
)
API_SECONDS = Histogram(
    "swefoundry_api_request_duration_seconds",
    "Time of a request.",
    ["verb", "resource"],
    buckets=_SHORT,
    registry=REGISTRY,
)
REGISTRY_REQUESTS = Counter(
    "swefoundry_registry_requests_total",
    "Answers of the OCI registry to the operator.",
    ["method", "code"],
    registry=REGISTRY,
)
API_THROTTLE = Counter(
    "swefoundry_api_throttle_wait_seconds_total",
    "Time that our own rate limit made requests wait.",
    registry=REGISTRY,
)
WATCH_EVENTS = Counter(
    "swefoundry_watch_events_total", "Watch events, by kind and type.", ["kind", "type"], registry=REGISTRY
)
WATCH_RELISTS = Counter(
    "swefoundry_watch_relists_total",
    "Lists of all objects because a watch could not go on, by kind.",
    ["kind"],
    registry=REGISTRY,
)
WATCH_STAMP = Gauge(
    "swefoundry_watch_last_event_timestamp_seconds",
    "When the last watch event came, by kind.",
    ["kind"],
    registry=REGISTRY,
)
LEADER = Gauge(
    "swefoundry_leader", "1 while this process reconciles, 0 while it stands by.", registry=REGISTRY
)
LOOP_LAG = Gauge("swefoundry_event_loop_lag_seconds", "How late the event loop runs.", registry=REGISTRY)
HOSTS_UNAVAILABLE = Gauge(
    "swefoundry_hosts_unavailable",
    "Hosts of sources that are waited for: 1 each for the first 32, and the number of `other`.",
    ["host"],
    registry=REGISTRY,
)
ATTEMPTS = Counter(
    "swefoundry_attempts_total",
    "Pods that ended, by stage, outcome and reason.",
    ["stage", "outcome", "reason"],
    registry=REGISTRY,
)
STAGE_SECONDS = Histogram(
    "swefoundry_stage_duration_seconds",
    "Time that a stage's container ran.",
    ["stage"],
    buckets=_LONG,
    registry=REGISTRY,
)
VERDICTS = Counter("swefoundry_validations_total", "Verdicts.", ["verdict", "experiment"], registry=REGISTRY)
EXTRA_EVALUATIONS = Counter(
    "swefoundry_extra_evaluations_total",
    "Evaluations beyond validation.minRepeats, run because samples of one stage disagreed.",
    registry=REGISTRY,
)
LEAKS = Counter(
    "swefoundry_leaks_total",
    "Files of task images that show the solution, by kind.",
    ["kind", "experiment"],
    registry=REGISTRY,
)
ROUNDS = Counter(
    "swefoundry_rounds_total",
    "Rounds that ended, by strategy and outcome.",
    ["strategy", "outcome", "experiment"],
    registry=REGISTRY,
)
REUSES = Counter(
    "swefoundry_reuse_total",
    "Reuses of proven images that ended, by whether the probe accepted them.",
    ["result", "experiment"],
    registry=REGISTRY,
)
LEADER_WAITS = Counter(
    "swefoundry_sibling_waits_total",
    "EnvBuilds that began to wait for the search of another one of the same repository.",
    registry=REGISTRY,
)
LLM_TURNS = Counter(
    "swefoundry_llm_turns_total", "Answers that models gave.", ["experiment"], registry=REGISTRY
)
LLM_TOKENS = Counter(
    "swefoundry_llm_tokens_total",
    "Tokens that models were paid for, by direction; cached ones are input, too.",
    ["direction", "experiment"],
    registry=REGISTRY,
)
LLM_DOLLARS = Counter(
    "swefoundry_llm_cost_dollars_total",
    "US dollars that models cost, by the configured prices.",
    ["experiment"],
    registry=REGISTRY,
)
CLAIMS = Counter(
    "swefoundry_claims_total",
    "Drafts of agents by what their model believed and what the probe measured.",
    ["claimed", "accepted"],
    registry=REGISTRY,
)
BUDGET_REFUSALS = Counter(
    "swefoundry_llm_budget_refusals_total",
    "EnvBuilds whose agents were stopped by a budget for models.",
    registry=REGISTRY,
)
BUILD_INFO = Gauge("swefoundry_build_info", "Always 1.", ["version"], registry=REGISTRY)


@dataclass
class RequestOutcome:
    """Filled in by the timed request."""

    code: int = 0
    """HTTP status; 0 when there was no answer."""


@contextmanager
def api_request(verb: str, resource: str) -> Iterator[RequestOutcome]:
    """Count and time one API request."""
    outcome = RequestOutcome()
    started = time.perf_counter()
    try:
        yield outcome
    finally:
        API_REQUESTS.labels(verb, resource, str(outcome.code or "none")).inc()
        API_SECONDS.labels(verb, resource).observe(time.perf_counter() - started)


class ObjectCounts(Collector):
    """Objects by kind and phase, counted from the cache at scrape time."""

    def __init__(self, count: Callable[[], dict[tuple[str, str], int]]) -> None:
        self._count = count

    def collect(self) -> Iterable[GaugeMetricFamily]:
        """One gauge with a sample per kind and phase."""
        family = GaugeMetricFamily(
            "swefoundry_objects", "Objects known, by kind and phase.", labels=["kind", "phase"]
        )
        for (kind, phase), number in sorted(self._count().items()):
            family.add_metric([kind, phase], number)
        yield family


def metrics_app(count: Callable[[], dict[tuple[str, str], int]], version: str) -> "WSGIApplication":
    """The WSGI application behind /metrics; ``count`` gives the objects by kind and phase."""
    BUILD_INFO.labels(version).set(1)
    REGISTRY.register(ObjectCounts(count))
    app: WSGIApplication = make_wsgi_app(REGISTRY)
    return app
