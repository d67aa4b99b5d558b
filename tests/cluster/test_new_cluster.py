"""A new cluster: a second release with a registry, models and budgets of its own.

It starts warm, with what the first one remembers. And what its namespaces may spend on models, each and together, is
refused before it is spent, until somebody raises it. ::

    first cluster    solved by agents ──> memory export ─┐
    new cluster                           memory import <┘──> the next commit: reused, no request, no build
       here          first solved by agents; second waits, then is refused by the namespace's budget
       there         third waits, then is refused by the operator's                  raised: both are solved
"""

import asyncio
import copy
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

import scripted
from cluster.agent_repositories import (
    FILES,
    FIX,
    SMALL,
    TESTS,
    AgentCase,
    AgentInstance,
    AgentOutcome,
    an_agent_instance,
    rule,
)
from cluster.chart_release import (
    MAIN_RELEASE,
    Values,
    apply_copy,
    make_namespace,
    read_from_main,
    upgrade,
    values_for_release,
)
from cluster.commands import ON_LAB, helm, kubectl
from cluster.fault_injection import wait_for_running_pods
from cluster.sample_instances import (
    Json,
    a_task,
    apply,
    condition,
    delete,
    get,
    make_repository,
    unique,
    verdict_of,
    wait_until,
    wait_until_finished,
)
from swefoundry.oci.copying import Repository, copy_manifest
from swefoundry.oci.registry_client import RegistryClient

pytestmark = [
    pytest.mark.cluster,
    pytest.mark.skipif(not ON_LAB, reason="reaches both registries from this machine"),
]

FIRST_REGISTRY = "127.0.0.1:5000"
HOST_PORT = 30598
BASE = "library/busybox"
VALID = ("Validated", "fail2pass", "Fail2Pass")
NOT_BUILT = ("Failed", None, "EnvironmentNotBuilt")

TURNS = 3
TURN = {"prompt": 1200, "completion": 1800}
"""What each answer says it used: 3000 tokens, at the prices below 3360 millionths of a dollar. At worst, with the
longest answer, a turn is thought to use some 4400 tokens and 4300 millionths.
"""
PRICES = {"inputUsd": 0.4, "outputUsd": 1.6, "outputTokens": 2048}
TOKENS, DOLLARS = 11_400, 0.0124
"""Enough for one instance, and then for less than one turn more."""
BUDGETS = {"namespace": {"tokens": TOKENS}, "operator": {"usd": DOLLARS}}
RAISED = {"namespace": {"tokens": 10_000_000}, "operator": {"usd": 10}}
"""Enough for two side by side, whatever they use of their own budgets."""


@dataclass(frozen=True)
class Spaces:
    """The namespaces of the new cluster."""

    release: str
    """With its registry, which has a port of the node: tasks may not."""
    here: str
    there: str

    @property
    def tasks(self) -> list[str]:
        return [self.here, self.there]


def values(spaces: Spaces, budgets: Json) -> Values:
    """The first release's values, but for what makes it another cluster."""
    found = values_for_release(MAIN_RELEASE)
    model = {"name": SMALL, "baseUrl": f"http://{scripted.SERVICE}.{spaces.release}.svc:8080/v1"}
    return found | {
        "namespaces": spaces.tasks,
        # Nothing of it belongs to the whole cluster, so names may be those of the first one.
        "rbac": {"aggregate": False},
        "registry": {"embedded": {"enabled": True, "hostPort": HOST_PORT}},
        "build": found["build"]
        | {"mirrors": {"docker.io": f"{MAIN_RELEASE}-registry.{spaces.release}.svc:5000"}},
        "agents": {"models": [model | PRICES], "budgets": budgets},
    }


@contextmanager
def a_namespace(name: str, tasks: bool) -> Iterator[str]:
    """A namespace with what the pods in it mount."""
    if tasks:
        make_namespace(name)
    else:
        kubectl("create", "namespace", name)
    try:
        apply_copy(read_from_main("configmap", "lab-ca"), "lab-ca", name)
        yield name
    finally:
        kubectl("delete", "namespace", name, "--wait=false")


@contextmanager
def a_release(spaces: Spaces, folder: Path) -> Iterator[None]:
    """The new cluster, with small budgets."""
    try:
        upgrade(spaces.release, folder, values(spaces, BUDGETS), "--install")
        yield
    finally:
        for namespace in spaces.tasks:  # while somebody is there who lets their pods go
            kubectl("delete", "ti", "--all", "-n", namespace, "--cascade=foreground", "--timeout=60s")
            ours = ("-l", "app.kubernetes.io/managed-by=swefoundry", "-n", namespace)
            kubectl("wait", "--for=delete", "pod", *ours, "--timeout=60s", fails=True)
        helm("uninstall", spaces.release, "-n", spaces.release, "--ignore-not-found", "--wait")


def a_payer(what: str, namespace: str) -> AgentInstance:
    """An instance of which each turn uses as much."""
    found = an_agent_instance(what, AgentCase(spec={"namespace": namespace}))
    script = copy.deepcopy(found.script)
    for entry in script["rules"]:
        entry["then"] = [answer | {"usage": TURN} for answer in entry["then"]]
    return AgentInstance(found.name, found.manifest, script)


def memory(*words: str) -> str:
    """What `swefoundry memory` prints."""
    program = [str(Path(sys.executable).with_name("swefoundry")), "memory", *words, "--insecure"]
    done = subprocess.run(program, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr + done.stdout
    return done.stdout


def ended(instance: AgentInstance, model: scripted.ClusterModel) -> AgentOutcome:
    namespace = instance.manifest["metadata"]["namespace"]
    task = wait_until_finished(instance.name, namespace=namespace)
    build = get("eb", instance.name, namespace)["status"]
    return AgentOutcome(task, build, model.request_report(containing=instance.manifest["spec"]["repo"]))


@dataclass(frozen=True)
class Story:
    """What was seen from beginning to end."""

    known: Json
    """The environment that the first cluster found."""
    imported: str
    """What the import said."""
    refusing: dict[str, AgentOutcome]
    """While budgets were small."""
    raised: dict[str, AgentOutcome]
    """Those that were refused, made anew when there was more."""


@pytest.fixture(scope="module")
def spaces() -> Iterator[Spaces]:
    own = unique("new")
    with (
        a_namespace(own, tasks=False),
        a_namespace(f"{own}-here", tasks=True),
        a_namespace(f"{own}-there", tasks=True),
    ):
        yield Spaces(own, f"{own}-here", f"{own}-there")


@pytest.fixture(scope="module")
def seen(spaces: Spaces, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    """Things go on side by side wherever they can: the first cluster works while the new one is installed."""
    folder, here, there = tmp_path_factory.mktemp("new"), spaces.here, spaces.there
    with ExitStack() as stack:
        old = stack.enter_context(scripted.in_cluster())
        known = an_agent_instance("known", AgentCase())
        stack.enter_context(old.loaded(known.name, known.script))
        apply(known.manifest)
        stack.callback(delete, known.name)
        stack.enter_context(a_release(spaces, folder))
        registry = address_of_registry(spaces.release)
        asyncio.run(give_base_image(registry))
        model = stack.enter_context(scripted.in_cluster(spaces.release))
        payers = {"first": a_payer("first", here), "second": a_payer("second", here)}
        payers["third"] = a_payer("third", there)
        for one in payers.values():
            stack.enter_context(model.loaded(one.name, one.script))
        with model.loaded("busy", busy_for(payers["first"])):
            apply(payers["first"].manifest)
            assert verdict_of(wait_until_finished(known.name)) == VALID
            imported = carried_over(known, registry, folder)
            payers["reused"] = the_next_commit(known, here)
            wait_for_running_pods(payers["first"].name, "agent", here)
            apply(payers["second"].manifest, payers["third"].manifest, payers["reused"].manifest)
            waits_for_room(payers["second"], here)
            waits_for_room(payers["third"], there)
        refusing = {who: ended(one, model) for who, one in payers.items()}
        upgrade(spaces.release, folder, values(spaces, RAISED))
        again = {who: payers[who] for who in ("second", "third")}
        for one, namespace in zip(again.values(), spaces.tasks, strict=True):
            kubectl("delete", "ti", one.name, "-n", namespace, "--timeout=60s")
            apply(one.manifest)
        raised = {who: ended(one, model) for who, one in again.items()}
        yield Story(get("eb", known.name)["status"], imported, refusing, raised)


def busy_for(instance: AgentInstance) -> Json:
    """Until this is played no more, the instance's conversation stays where it is."""
    busy = rule("explorer", {"error": {"status": 429, "retry_after": 1}}, repo=f"lab/{instance.name}")
    return {"rules": [busy | {"name": "busy"}]}


def waits_for_room(instance: AgentInstance, namespace: str) -> None:
    wait_until(
        lambda: condition(get("eb", instance.name, namespace).get("status", {}), "Ready"),
        lambda ready: "may still use what is left of a budget" in ready.get("message", ""),
    )


def address_of_registry(release: str) -> str:
    """As this machine reaches it."""
    service = ("get", "service", f"{MAIN_RELEASE}-registry", "-n", release)
    return kubectl(*service, "-o", "jsonpath={.spec.clusterIP}") + ":5000"


async def give_base_image(registry: str) -> None:
    """What builds of the new cluster begin with."""
    async with (
        RegistryClient(FIRST_REGISTRY, insecure=True) as old,
        RegistryClient(registry, insecure=True) as new,
    ):
        found = await old.get_manifest(BASE, "stable")
        await copy_manifest(Repository(old, BASE), Repository(new, BASE), found.digest, "stable")


def carried_over(known: AgentInstance, registry: str, folder: Path) -> str:
    """Carry what is remembered of a repository to the new cluster's registry: what the import says."""
    file = str(folder / "memory.jsonl")
    memory("export", f"lab/{known.name}", "--registry", FIRST_REGISTRY, "--out", file)
    copying = ("--copy-from", FIRST_REGISTRY, "--copy-from-insecure")
    return memory("import", file, "--registry", registry, *copying)


def the_next_commit(known: AgentInstance, namespace: str) -> AgentInstance:
    """Of the same repository; nobody has a script for it."""
    name = known.name.replace("known", "next")
    story = make_repository(name, FILES | {"more.txt": "a later commit\n"}, TESTS, FIX)
    said = {"strategies": ["reuse", "agents"]}
    task = a_task(name, story, namespace=namespace, repo=f"lab/{known.name}", environment=said)
    return AgentInstance(name, task, {})


def test_what_one_cluster_remembers_serves_another_without_a_request_or_a_build(seen: Story) -> None:
    reused = seen.refusing["reused"]
    assert verdict_of(reused.task) == VALID, (seen.imported, reused.build)
    (round_,) = reused.build["rounds"]
    assert (round_["strategy"], round_["outcome"]) == ("reuse", "Accepted")
    assert round_["parent"]["image"] == seen.known["image"]
    assert (reused.requests["count"], reused.build.get("usage")) == (0, None)
    works = {item["work"].partition("-")[0] for item in reused.build["attempts"]}
    assert "checkout" in works and not works & {"build", "agent"}


def test_one_instance_is_solved_within_the_shared_budgets(seen: Story) -> None:
    first = seen.refusing["first"]
    assert verdict_of(first.task) == VALID
    assert first.build["usage"]["turns"] == TURNS == first.requests["answered"]


def test_what_would_overspend_a_shared_budget_is_not_asked_for(seen: Story, spaces: Spaces) -> None:
    expected = {
        "second": ("tokens", f"2400 are left of the budget of namespace {spaces.here}", "namespace.tokens"),
        "third": ("cost", "$0.0024 is left of the operator's budget", "operator.usd"),
    }
    for who, (what, left, raised) in expected.items():
        refused = seen.refusing[who]
        ready = condition(refused.build, "Ready")
        assert (verdict_of(refused.task), ready["reason"]) == (NOT_BUILT, "BudgetSpent")
        assert what in ready["message"]
        assert f"{left}; raise agents.budgets.{raised} in the chart's values" in ready["message"]
        assert (refused.requests["count"], refused.tokens) == (0, 0)


def test_once_the_budgets_are_raised_the_work_goes_on(seen: Story) -> None:
    for again in seen.raised.values():
        assert verdict_of(again.task) == VALID
        assert again.build["usage"]["turns"] == TURNS == again.requests["answered"]
