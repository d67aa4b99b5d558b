"""Models behind a private authority, a key, a proxy, a small context and an outage, asked by real pods.

A second release asks the gateway: the first model of its ladder is reached directly, the second only through a proxy.
All instances run at once.
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
    environment_draft,
    explorer_report,
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
    untrusting_namespace,
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
"""The endpoint's own context."""

HTTPS, PROXY, CONTEXT, OUTAGE, STRANGER = (
    "a private authority",
    "a proxy",
    "a small context",
    "an outage",
    "an unknown authority",
)
LONG_FILES = {f"notes/{name}.txt": f"{name * 119}\n" * 120 for name in "abc"}
LOOKS = [{"calls": [{"name": "read", "arguments": {"path": path}}]} for path in LONG_FILES]
RAMBLING: Json = {"text": "Let me think about this once more. " * 1200, "broken": True}

CASES = {
    OUTAGE: AgentCase(),  # first, because it takes longest
    HTTPS: AgentCase(
        [
            rule("explorer", explorer_report(doubts=[f"The key is {KEY}."])),
            rule("environment", {"json": environment_draft()["json"] | {"note": f"made with {KEY}"}}),
        ]
    ),
    PROXY: AgentCase([rule("environment", UNREADABLE_ANSWER, model=NEAR)]),
    CONTEXT: AgentCase([rule("explorer", *LOOKS, RAMBLING, explorer_report())], files=LONG_FILES),
    STRANGER: AgentCase(),
}


@dataclass(frozen=True)
class Placed(AgentOutcome):
    """The same in a namespace of its own."""

    name: str
    namespace: str


@dataclass(frozen=True)
class Seen:
    """Everything that was seen."""

    gateway: gateway.Gateway
    cases: dict[str, Placed]
    lost: Json
    """The attempt whose pod met the outage."""
    log: str
    """Of that pod, while it waited."""
    pods: Path
    """Every version of every pod, as JSON."""


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Seen]:
    """All cases at once."""
    folder, release = tmp_path_factory.mktemp("gateway"), unique("model-access")
    with (
        gateway.running_gateway(lab().address, KEY, folder / "lab") as models,
        gateway_release(release, models, folder),
        watched_pods(release, folder / "pods.json") as pods,
    ):
        made = {what: placed(what, case, release) for what, case in CASES.items()}
        for instance in made.values():
            models.load_script(instance.name, instance.script)
        lost, log = met_an_outage(models, made, release)
        cases = {what: ended(instance, models) for what, instance in made.items()}
        yield Seen(models, cases, lost, log, pods)


def placed(what: str, case: AgentCase, release: str) -> AgentInstance:
    """An instance in the namespace that knows the authority, or in the other, with a script for our models."""
    made = an_agent_instance(what.replace(" ", "-"), case)
    made.manifest["metadata"]["namespace"] = release if what != STRANGER else untrusting_namespace(release)
    return AgentInstance(
        made.name, made.manifest, made.script | {"models": {NEAR: {"context_tokens": REAL_TOKENS}, FAR: {}}}
    )


def met_an_outage(
    models: gateway.Gateway, made: dict[str, AgentInstance], namespace: str
) -> tuple[Json, str]:
    """Start all; for one of them nobody is there when the Dockerfile is asked for, until its pod was given up."""
    name = made[OUTAGE].name
    outage = models.start_outage(
        f"lab/{name}", "You are the Environment Manager", message=f"No room for {KEY}."
    )
    apply(*(instance.manifest for instance in made.values()))
    selector = f"swefoundry.dev/owner={name},swefoundry.dev/role=agent"
    log = wait_until(
        lambda: kubectl("logs", "-n", namespace, "-l", selector, "--tail=-1", fails=True),
        lambda said: "retried in" in said,
        seconds=300,
    )
    models.release(outage)
    lost = wait_until(lambda: unavailable(get("eb", name, namespace)), bool, seconds=300)
    models.end_outage(outage)
    return lost[0], log


def unavailable(build: Json) -> list[Json]:
    """Attempts that ended because no model answered."""
    attempts = build.get("status", {}).get("attempts", [])
    return [attempt for attempt in attempts if attempt.get("reason") == "ModelUnavailable"]


def ended(instance: AgentInstance, models: gateway.Gateway) -> Placed:
    namespace = instance.manifest["metadata"]["namespace"]
    status = wait_until_finished(instance.name, 600, namespace)
    build = get("eb", instance.name, namespace)["status"]
    return Placed(status, build, models.request_report(f"lab/{instance.name}"), instance.name, namespace)


# What is true of all


@pytest.mark.parametrize("case", [HTTPS, PROXY, CONTEXT, OUTAGE])
def test_it_is_solved_and_no_turn_is_asked_twice(seen: Seen, case: str) -> None:
    found = seen.cases[case]
    assert verdict_of(found.task) == VALID, (found.build.get("agents"), found.requests["unmatched"])
    assert found.outcomes == ["Accepted"]
    assert (found.requests["answered_twice"], found.requests["unmatched"]) == ([], [])
    assert found.build["usage"]["turns"] == found.requests["answered"] > 0


# Authority, key, headers


def test_the_endpoint_got_the_key_and_the_headers(seen: Seen) -> None:
    hosts = {host for host, _ in seen.gateway.headers}
    assert hosts == {seen.gateway.near.split("/")[2], gateway.FAR}
    for host, headers in seen.gateway.headers:
        wanted = HEADERS[FAR if host == gateway.FAR else NEAR]
        assert {name: headers[name.lower()] for name in wanted} == wanted
        assert headers["authorization"] == f"Bearer {KEY}"


def test_the_key_is_in_no_transcript(seen: Seen) -> None:
    for case in (HTTPS, OUTAGE):
        found = seen.cases[case]
        place = ("--namespace", found.namespace, "--registry", f"127.0.0.1:{REGISTRY_PORT}", "--insecure")
        shown = swefoundry("transcript", found.name, "--full", *place)
        assert without_key(shown) and (REDACTED in shown or case != HTTPS)


def test_the_key_is_in_nothing_that_is_kept(seen: Seen) -> None:
    found = seen.cases[HTTPS]
    blobs = list(stored_for(found.name))
    assert all(without_key(blob) for blob in blobs)
    assert any(REDACTED in blob for blob in blobs)


def test_the_key_is_in_no_object_and_no_log(seen: Seen) -> None:
    found = seen.cases[HTTPS]
    objects = kubectl("get", "ti,eb,events", "-n", found.namespace, "-o", "json")
    operator = kubectl("logs", f"deploy/{found.namespace}", "-n", found.namespace, "--tail=-1")
    pods = seen.pods.read_text()
    assert all(without_key(text) for text in (objects, operator, pods, seen.log))
    assert REDACTED in found.build["rounds"][0]["label"]  # the model said it, for everybody to see
    assert f"No room for {REDACTED}" in seen.log and f"No room for {REDACTED}" in seen.lost["message"]
    assert SECRET in pods and found.name in pods and found.name in operator


def test_no_request_holds_the_key(seen: Seen) -> None:
    bodies = [line["body"] for found in seen.cases.values() for line in found.requests["requests"]]
    assert bodies and all(without_key(json.dumps(body)) for body in bodies)


def without_key(text: str) -> bool:
    return not any(form in text for form in FORMS)


def stored_for(name: str) -> Iterator[str]:
    """Everything that the lab's registry holds for an instance, unpacked."""
    root = lab().registry / "docker/registry/v2"
    for kept in (root / f"repositories/swefoundry/tasks/lab/{name}/_layers/sha256").iterdir():
        data = (root / f"blobs/sha256/{kept.name[:2]}/{kept.name}/data").read_bytes()
        yield (gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data).decode("latin-1")


def test_without_the_authority_it_is_said_what_is_wrong_and_how_to_mend_it(seen: Seen) -> None:
    found = seen.cases[STRANGER]
    ready = condition(found.build, "Ready")
    assert (ready["reason"], condition(found.build, "Stalled")["status"]) == ("ModelRefused", "True")
    assert ready["message"].startswith(f"the certificate of {seen.gateway.near} is not trusted: ")
    assert "ca.crt of the ConfigMap that the chart's value caConfigMap names" in ready["message"]
    assert (found.task["phase"], found.task.get("verdict")) == ("Failed", None)
    assert found.requests["count"] == 0


# A proxy


def test_the_proxy_is_asked_for_the_far_model_and_for_nothing_else(seen: Seen) -> None:
    found = seen.cases[PROXY]
    assert set(seen.gateway.proxy_requests) == {f"CONNECT {gateway.FAR}:443"}
    assert found.build["agents"]["modelIndex"] == 1
    assert [line["role"] for line in found.requests["requests"] if line["model"] == FAR] == [
        "environment",
        "tests",
    ]


# A small context


def test_what_does_not_fit_is_shortened_in_the_defined_order(seen: Seen) -> None:
    lines = [line for line in seen.cases[CONTEXT].requests["requests"] if line["role"] == "explorer"]
    assert {line["status"] for line in lines} == {200, 400}  # the endpoint had the last word
    answered = [line["body"]["messages"] for line in lines if line["status"] == 200]
    assert [shape(messages) for messages in answered] == [
        "system user",
        "system user call tool",
        "system user call TOOL call tool",
        "system user call TOOL call TOOL call tool",
        "system user call TOOL call TOOL call TOOL ANSWER user",
    ]


def shape(messages: list[Json]) -> str:
    """Kinds of messages, shouted where text was left out."""
    return " ".join(kind(message) for message in messages)


def kind(message: Json) -> str:
    spoken = "call" if message.get("tool_calls") else "answer"
    name = spoken if message["role"] == "assistant" else str(message["role"])
    return name.upper() if "characters left out ...]" in str(message.get("content")) else name


# An outage


def test_a_pod_that_waited_long_enough_is_replaced(seen: Seen) -> None:
    found = seen.cases[OUTAGE]
    assert (seen.lost["outcome"], seen.lost["number"]) == ("Infrastructure", 0)
    assert f"{seen.gateway.near} answered 503 for model {NEAR}" in seen.lost["message"]
    assert found.build["infraRetries"] >= 1
    assert (
        found.requests["answered"] == 3
    )  # explorer, environment, tests: what the lost pod had heard was kept
