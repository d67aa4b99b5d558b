"""Agent pods use models that need a private CA, a key or a proxy, that have a small context, or that have an outage.

The models of a second release are those of the gateway: pods reach the first one directly and the second one through a
proxy. All instances run at the same time.
"""

import base64
import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import pytest

from cluster import gateway
from cluster.agent_repositories import (
    UNREADABLE_ANSWER,
    AgentCase,
    AgentInstance,
    AgentOutcome,
    an_agent_instance,
    at_first,
    explorer_report,
    first_draft,
    rule,
)
from cluster.commands import kubectl, swefoundry
from cluster.fault_injection import lab, lab_only
from cluster.gateway_release import (
    CONFIGURED_TOKENS,
    FAR,
    HEADERS,
    KEY,
    NEAR,
    SECRET,
    gateway_release,
    namespace_without_ca,
    watched_pods,
)
from cluster.sample_instances import (
    Json,
    apply,
    condition,
    get,
    unique,
    verdict_of,
    wait_until,
    wait_until_finished,
)
from swefoundry.programs.agent.redaction import REDACTED
from swefoundry_lab.layout import REGISTRY_PORT

pytestmark = [pytest.mark.cluster, lab_only]

VALID = ("Validated", "fail2pass", "Fail2Pass")
FORMS = (KEY, quote(KEY, safe=""), base64.b64encode(KEY.encode()).decode())
REAL_TOKENS = CONFIGURED_TOKENS // 2
"""The endpoint's own context length."""

HTTPS, PROXY, CONTEXT, OUTAGE, UNTRUSTED = (
    "a private ca",
    "a proxy",
    "a small context",
    "an outage",
    "an untrusted ca",
)
LONG_FILES = {f"notes/{name}.txt": f"{name * 119}\n" * 120 for name in "abc"}
FILE_READS = [{"calls": [{"name": "read", "arguments": {"path": path}}]} for path in LONG_FILES]
LONG_ANSWER: Json = {"text": "Let me think about this once more. " * 1200, "broken": True}

CASES = {
    OUTAGE: AgentCase(),  # first, because it takes the longest time
    HTTPS: AgentCase(
        [
            rule("explorer", explorer_report(doubts=[f"The key is {KEY}."])),
            at_first({"json": first_draft()["json"] | {"note": f"built with {KEY}"}}),
        ]
    ),
    PROXY: AgentCase([rule("environment", UNREADABLE_ANSWER, model=NEAR)]),
    CONTEXT: AgentCase([rule("explorer", *FILE_READS, LONG_ANSWER, explorer_report())], files=LONG_FILES),
    UNTRUSTED: AgentCase(),
}


@dataclass(frozen=True)
class ObjectOutcome(AgentOutcome):
    """The outcome of an object with this name and namespace."""

    name: str
    namespace: str


@dataclass(frozen=True)
class Observed:
    """Everything that was observed during the run."""

    gateway: gateway.Gateway
    cases: dict[str, ObjectOutcome]
    lost_attempt: Json
    """The attempt whose pod ended during the outage."""
    log: str
    """Log of that pod while it waited for the model."""
    pods: Path
    """File with every version of every pod, as JSON."""


@pytest.fixture(scope="module")
def observed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Observed]:
    """All cases, which run at the same time."""
    folder, release = tmp_path_factory.mktemp("gateway"), unique("model-access")
    with (
        gateway.running_gateway(lab().address, KEY, folder / "lab") as models,
        gateway_release(release, models, folder),
        watched_pods(release, folder / "pods.json") as pods,
    ):
        instances = {case: make_instance(case, release) for case in CASES}
        for instance in instances.values():
            models.load_script(instance.name, instance.script)
        lost_attempt, log = start_with_outage(models, instances, release)
        cases = {case: wait_for_outcome(instance, models) for case, instance in instances.items()}
        yield Observed(models, cases, lost_attempt, log, pods)


def make_instance(case: str, release: str) -> AgentInstance:
    """An instance with a script for the gateway's models, in the namespace that trusts the CA or in the other one."""
    instance = an_agent_instance(case.replace(" ", "-"), CASES[case])
    namespace = release if case != UNTRUSTED else namespace_without_ca(release)
    instance.manifest["metadata"]["namespace"] = namespace
    models = {NEAR: {"context_tokens": REAL_TOKENS}, FAR: {}}
    return AgentInstance(instance.name, instance.manifest, instance.script | {"models": models})


def start_with_outage(
    models: gateway.Gateway, instances: dict[str, AgentInstance], namespace: str
) -> tuple[Json, str]:
    """Start all instances. For one of them the endpoint is down from its Dockerfile request until its pod has ended;
    return that attempt and the pod's log.
    """
    name = instances[OUTAGE].name
    outage = models.start_outage(
        f"lab/{name}", "You are the Environment Manager", message=f"No room for {KEY}."
    )
    apply(*(instance.manifest for instance in instances.values()))
    selector = f"swefoundry.dev/owner={name},swefoundry.dev/role=agent"
    log = wait_until(
        lambda: kubectl("logs", "-n", namespace, "-l", selector, "--tail=-1", may_fail=True),
        lambda text: "retried in" in text,
    )
    models.release(outage)
    attempts = wait_until(lambda: unavailable(get("eb", name, namespace)), bool)
    models.end_outage(outage)
    return attempts[0], log


def unavailable(build: Json) -> list[Json]:
    """Attempts that ended with the reason ModelUnavailable."""
    attempts = build.get("status", {}).get("attempts", [])
    return [attempt for attempt in attempts if attempt.get("reason") == "ModelUnavailable"]


def wait_for_outcome(instance: AgentInstance, models: gateway.Gateway) -> ObjectOutcome:
    namespace = instance.manifest["metadata"]["namespace"]
    status = wait_until_finished(instance.name, namespace=namespace)
    build = get("eb", instance.name, namespace)["status"]
    return ObjectOutcome(
        status, build, models.request_report(f"lab/{instance.name}"), instance.name, namespace
    )


@pytest.mark.parametrize("case", [HTTPS, PROXY, CONTEXT, OUTAGE])
def test_an_instance_is_solved_and_no_turn_is_requested_twice(observed: Observed, case: str) -> None:
    outcome = observed.cases[case]
    assert verdict_of(outcome.task) == VALID, (outcome.build.get("agents"), outcome.requests["unmatched"])
    assert outcome.round_outcomes == ["Accepted"]
    assert (outcome.requests["answered_twice"], outcome.requests["unmatched"]) == ([], [])
    assert outcome.build["usage"]["turns"] == outcome.requests["answered"] > 0


def test_every_request_has_the_key_and_the_headers(observed: Observed) -> None:
    hosts = {host for host, _ in observed.gateway.headers}
    assert hosts == {observed.gateway.near.split("/")[2], gateway.FAR}
    for host, headers in observed.gateway.headers:
        expected = HEADERS[FAR if host == gateway.FAR else NEAR]
        assert {name: headers[name.lower()] for name in expected} == expected
        assert headers["authorization"] == f"Bearer {KEY}"


def test_the_key_is_in_no_transcript(observed: Observed) -> None:
    for case in (HTTPS, OUTAGE):
        outcome = observed.cases[case]
        location = (
            "--namespace",
            outcome.namespace,
            "--registry",
            f"127.0.0.1:{REGISTRY_PORT}",
            "--insecure",
        )
        shown = swefoundry("transcript", outcome.name, "--full", *location)
        assert without_key(shown) and (REDACTED in shown or case != HTTPS)


def test_the_key_is_in_no_blob_of_the_registry(observed: Observed) -> None:
    outcome = observed.cases[HTTPS]
    blobs = list(stored_for(outcome.name))
    assert all(without_key(blob) for blob in blobs)
    assert any(REDACTED in blob for blob in blobs)


def test_the_key_is_in_no_object_and_no_log(observed: Observed) -> None:
    outcome = observed.cases[HTTPS]
    objects = kubectl("get", "ti,eb,events", "-n", outcome.namespace, "-o", "json")
    operator = kubectl("logs", f"deploy/{outcome.namespace}", "-n", outcome.namespace, "--tail=-1")
    pods = observed.pods.read_text()
    assert all(without_key(text) for text in (objects, operator, pods, observed.log))
    assert REDACTED in outcome.build["rounds"][0]["label"]  # part of the scripted answer
    assert (
        f"No room for {REDACTED}" in observed.log
        and f"No room for {REDACTED}" in observed.lost_attempt["message"]
    )
    assert SECRET in pods and outcome.name in pods and outcome.name in operator


def test_no_request_contains_the_key(observed: Observed) -> None:
    bodies = [line["body"] for outcome in observed.cases.values() for line in outcome.requests["requests"]]
    assert bodies and all(without_key(json.dumps(body)) for body in bodies)


def without_key(text: str) -> bool:
    return not any(form in text for form in FORMS)


def stored_for(name: str) -> Iterator[str]:
    """All blobs of an instance in the lab's registry, decompressed."""
    root = lab().registry / "docker/registry/v2"
    for link in (root / f"repositories/swefoundry/tasks/lab/{name}/_layers/sha256").iterdir():
        data = (root / f"blobs/sha256/{link.name[:2]}/{link.name}/data").read_bytes()
        yield (gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data).decode("latin-1")


def test_a_message_about_an_untrusted_certificate_names_the_setting_that_fixes_it(observed: Observed) -> None:
    outcome = observed.cases[UNTRUSTED]
    ready = condition(outcome.build, "Ready")
    assert (ready["reason"], condition(outcome.build, "Stalled")["status"]) == ("ModelRefused", "True")
    assert ready["message"].startswith(f"the certificate of {observed.gateway.near} is not trusted: ")
    assert "ca.crt of the ConfigMap that the chart's value caConfigMap names" in ready["message"]
    assert (outcome.task["phase"], outcome.task.get("verdict")) == ("Failed", None)
    assert outcome.requests["count"] == 0


def test_the_proxy_is_used_for_the_far_model_only(observed: Observed) -> None:
    outcome = observed.cases[PROXY]
    assert set(observed.gateway.proxy_requests) == {f"CONNECT {gateway.FAR}:443"}
    assert outcome.build["agents"]["modelIndex"] == 1
    far = [line["role"] for line in outcome.requests["requests"] if line["model"] == FAR]
    assert far == ["environment"]


def test_messages_that_do_not_fit_the_context_are_shortened_in_the_defined_order(observed: Observed) -> None:
    lines = [line for line in observed.cases[CONTEXT].requests["requests"] if line["role"] == "explorer"]
    assert {line["status"] for line in lines} == {200, 400}  # the endpoint refuses requests that are too long
    answered = [line["body"]["messages"] for line in lines if line["status"] == 200]
    assert [shape(messages) for messages in answered] == [
        "system user",
        "system user call tool",
        "system user call TOOL call tool",
        "system user call TOOL call TOOL call tool",
        "system user call TOOL call TOOL call TOOL ANSWER user",
    ]


def shape(messages: list[Json]) -> str:
    """Kinds of the messages, in capitals where text was left out."""
    return " ".join(kind(message) for message in messages)


def kind(message: Json) -> str:
    assistant = "call" if message.get("tool_calls") else "answer"
    name = assistant if message["role"] == "assistant" else str(message["role"])
    return name.upper() if "characters left out ...]" in str(message.get("content")) else name


def test_a_pod_that_no_model_answers_is_replaced_after_its_time_limit(observed: Observed) -> None:
    outcome = observed.cases[OUTAGE]
    assert (observed.lost_attempt["outcome"], observed.lost_attempt["number"]) == ("Infrastructure", 0)
    assert f"{observed.gateway.near} answered 503 for model {NEAR}" in observed.lost_attempt["message"]
    assert outcome.build["infraRetries"] >= 1
    # Explorer and environment manager: the answer that the lost pod had received was stored.
    assert outcome.requests["answered"] == 2
