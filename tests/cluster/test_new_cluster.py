"""A second release with its own registry, models and budgets, as a new cluster would have.

It imports the proven environments of the first release, and reuses them. Its budgets for one namespace and for all
namespaces stop agents before they overspend, until the budgets are raised. ::

    first cluster    solved by agents ──> memory export ─┐
    new cluster                           memory import <┘──> the next commit: reused, no request, no build
       here          first solved by agents; second waits, then the namespace's budget is spent
       there         third waits, then the operator's budget is spent                raised: both are solved
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
    create_task_namespace,
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

TURNS = 2
TURN = {"prompt": 1200, "completion": 1800}
"""Usage in each answer: 3000 tokens, which cost 3360 micro-dollars at the prices below. The upper bound of the first
turn, the explorer's, with the longest answer, is about 4000 tokens and 4100 micro-dollars.
"""
PRICES = {"inputUsd": 0.4, "outputUsd": 1.6, "outputTokens": 2048}
TOKENS, DOLLARS = 9_400, 0.0101
"""Enough for one instance, and then less than the upper bound of an explorer's turn."""
BUDGETS = {"namespace": {"tokens": TOKENS}, "operator": {"usd": DOLLARS}}
RAISED = {"namespace": {"tokens": 10_000_000}, "operator": {"usd": 10}}
"""Enough for two instances at the same time."""


@dataclass(frozen=True)
class Spaces:
    """The namespaces of the new cluster."""

    release: str
    """Namespace of the release, with a registry on a host port, which task namespaces do not allow."""
    here: str
    there: str

    @property
    def tasks(self) -> list[str]:
        return [self.here, self.there]


def values(spaces: Spaces, budgets: Json) -> Values:
    """The first release's values with its own namespaces, registry, models and budgets."""
    main_values = values_for_release(MAIN_RELEASE)
    model = {"name": SMALL, "baseUrl": f"http://{scripted.SERVICE}.{spaces.release}.svc:8080/v1"}
    return main_values | {
        "namespaces": spaces.tasks,
        # Without cluster-wide objects, its object names may be those of the first release.
        "rbac": {"aggregate": False},
        "registry": {"embedded": {"enabled": True, "hostPort": HOST_PORT}},
        "build": main_values["build"]
        | {"mirrors": {"docker.io": f"{MAIN_RELEASE}-registry.{spaces.release}.svc:5000"}},
        "agents": {"models": [model | PRICES], "budgets": budgets},
    }


@contextmanager
def a_namespace(name: str, tasks: bool) -> Iterator[str]:
    """A namespace with the ConfigMap that its pods mount."""
    if tasks:
        create_task_namespace(name)
    else:
        kubectl("create", "namespace", name)
    try:
        apply_copy(read_from_main("configmap", "lab-ca"), "lab-ca", name)
        yield name
    finally:
        kubectl("delete", "namespace", name, "--wait=false")


@contextmanager
def a_release(spaces: Spaces, folder: Path) -> Iterator[None]:
    """The second release, with small budgets."""
    try:
        upgrade(spaces.release, folder, values(spaces, BUDGETS), "--install")
        yield
    finally:
        for namespace in spaces.tasks:  # while the operator can remove the finalizers of their pods
            kubectl("delete", "ti", "--all", "-n", namespace, "--cascade=foreground", "--timeout=600s")
            selection = ("-l", "app.kubernetes.io/managed-by=swefoundry", "-n", namespace)
            kubectl("wait", "--for=delete", "pod", *selection, "--timeout=300s", may_fail=True)
        helm(
            "uninstall",
            spaces.release,
            "-n",
            spaces.release,
            "--ignore-not-found",
            "--wait",
            "--timeout",
            "600s",
        )


def a_paid_instance(label: str, namespace: str) -> AgentInstance:
    """An instance each of whose turns has the usage `TURN`."""
    instance = an_agent_instance(label, AgentCase(spec={"namespace": namespace}))
    script = copy.deepcopy(instance.script)
    for entry in script["rules"]:
        entry["then"] = [answer | {"usage": TURN} for answer in entry["then"]]
    return AgentInstance(instance.name, instance.manifest, script)


def memory(*arguments: str) -> str:
    """Output of `swefoundry memory`."""
    command = [str(Path(sys.executable).with_name("swefoundry")), "memory", *arguments, "--insecure"]
    result = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert result.returncode == 0, result.stderr + result.stdout
    return result.stdout


def wait_for_outcome(instance: AgentInstance, model: scripted.ClusterModel) -> AgentOutcome:
    namespace = instance.manifest["metadata"]["namespace"]
    task = wait_until_finished(instance.name, namespace=namespace)
    build = get("eb", instance.name, namespace)["status"]
    return AgentOutcome(task, build, model.request_report(containing=instance.manifest["spec"]["repo"]))


@dataclass(frozen=True)
class Observed:
    """Everything that was observed during the run."""

    exported: Json
    """Status of the EnvBuild of the first release whose environment was exported."""
    imported: str
    """Output of the import."""
    limited: dict[str, AgentOutcome]
    """Outcomes with small budgets."""
    raised: dict[str, AgentOutcome]
    """Outcomes of the instances without a budget, created again with raised budgets."""


@pytest.fixture(scope="module")
def spaces() -> Iterator[Spaces]:
    name = unique("new")
    with (
        a_namespace(name, tasks=False),
        a_namespace(f"{name}-here", tasks=True),
        a_namespace(f"{name}-there", tasks=True),
    ):
        yield Spaces(name, f"{name}-here", f"{name}-there")


@pytest.fixture(scope="module")
def observed(spaces: Spaces, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Observed]:
    """The whole run. To save time, the first release solves its instance while the second one is installed."""
    folder, here, there = tmp_path_factory.mktemp("new"), spaces.here, spaces.there
    with ExitStack() as stack:
        first_model = stack.enter_context(scripted.in_cluster())
        known = an_agent_instance("known", AgentCase())
        stack.enter_context(first_model.loaded(known.name, known.script))
        apply(known.manifest)
        stack.callback(delete, known.name)
        stack.enter_context(a_release(spaces, folder))
        registry = address_of_registry(spaces.release)
        asyncio.run(copy_base_image(registry))
        model = stack.enter_context(scripted.in_cluster(spaces.release))
        instances = {"first": a_paid_instance("first", here), "second": a_paid_instance("second", here)}
        instances["third"] = a_paid_instance("third", there)
        for instance in instances.values():
            stack.enter_context(model.loaded(instance.name, instance.script))
        with model.loaded("busy", busy_for(instances["first"])):
            apply(instances["first"].manifest)
            assert verdict_of(wait_until_finished(known.name)) == VALID
            imported = copy_memory(known, registry, folder)
            instances["reused"] = the_next_commit(known, here)
            wait_for_running_pods(instances["first"].name, "agent", here)
            apply(instances["second"].manifest, instances["third"].manifest, instances["reused"].manifest)
            wait_until_budget_is_awaited(instances["second"], here)
            wait_until_budget_is_awaited(instances["third"], there)
        limited = {name: wait_for_outcome(instance, model) for name, instance in instances.items()}
        upgrade(spaces.release, folder, values(spaces, RAISED))
        again = {name: instances[name] for name in ("second", "third")}
        for instance, namespace in zip(again.values(), spaces.tasks, strict=True):
            kubectl("delete", "ti", instance.name, "-n", namespace, "--timeout=600s")
            apply(instance.manifest)
        raised = {name: wait_for_outcome(instance, model) for name, instance in again.items()}
        yield Observed(get("eb", known.name)["status"], imported, limited, raised)


def busy_for(instance: AgentInstance) -> Json:
    """A script that keeps the instance's conversation from going on while it is loaded."""
    busy = rule("explorer", {"error": {"status": 429, "retry_after": 1}}, repo=f"lab/{instance.name}")
    return {"rules": [busy | {"name": "busy"}]}


def wait_until_budget_is_awaited(instance: AgentInstance, namespace: str) -> None:
    wait_until(
        lambda: condition(get("eb", instance.name, namespace).get("status", {}), "Ready"),
        lambda ready: "running agents may use the rest of a model budget" in ready.get("message", ""),
    )


def address_of_registry(release: str) -> str:
    """Address of the second release's registry for this machine."""
    service = ("get", "service", f"{MAIN_RELEASE}-registry", "-n", release)
    return kubectl(*service, "-o", "jsonpath={.spec.clusterIP}") + ":5000"


async def copy_base_image(registry: str) -> None:
    """Copy the base image of the second release's builds to its registry."""
    async with (
        RegistryClient(FIRST_REGISTRY, insecure=True) as source,
        RegistryClient(registry, insecure=True) as target,
    ):
        manifest = await source.get_manifest(BASE, "stable")
        await copy_manifest(Repository(source, BASE), Repository(target, BASE), manifest.digest, "stable")


def copy_memory(known: AgentInstance, registry: str, folder: Path) -> str:
    """Export the repository's proven environments and import them to the other registry; return the import's output."""
    file = str(folder / "memory.jsonl")
    memory("export", f"lab/{known.name}", "--registry", FIRST_REGISTRY, "--out", file)
    copying = ("--copy-from", FIRST_REGISTRY, "--copy-from-insecure")
    return memory("import", file, "--registry", registry, *copying)


def the_next_commit(known: AgentInstance, namespace: str) -> AgentInstance:
    """A later commit of the same repository, without a script for its requests."""
    name = known.name.replace("known", "next")
    repository = make_repository(name, FILES | {"more.txt": "a later commit\n"}, TESTS, FIX)
    settings = {"strategies": ["reuse", "agents"]}
    task = a_task(name, repository, namespace=namespace, repo=f"lab/{known.name}", environment=settings)
    return AgentInstance(name, task, {})


def test_an_imported_environment_is_reused_without_a_request_or_a_build(observed: Observed) -> None:
    reused = observed.limited["reused"]
    assert verdict_of(reused.task) == VALID, (observed.imported, reused.build)
    (round_,) = reused.build["rounds"]
    assert (round_["strategy"], round_["outcome"]) == ("reuse", "Accepted")
    assert round_["parent"]["image"] == observed.exported["image"]
    assert (reused.requests["count"], reused.build.get("usage")) == (0, None)
    works = {item["work"].partition("-")[0] for item in reused.build["attempts"]}
    assert "checkout" in works and not works & {"build", "agent"}


def test_one_instance_is_solved_within_the_shared_budgets(observed: Observed) -> None:
    first = observed.limited["first"]
    assert verdict_of(first.task) == VALID
    assert first.build["usage"]["turns"] == TURNS == first.requests["answered"]


def test_no_request_is_sent_that_could_overspend_a_shared_budget(observed: Observed, spaces: Spaces) -> None:
    expected = {
        "second": ("tokens", f"3400 are left of the budget of namespace {spaces.here}", "namespace.tokens"),
        "third": ("cost", "$0.0034 is left of the operator's budget", "operator.usd"),
    }
    for name, (unit, remaining, value) in expected.items():
        refused = observed.limited[name]
        ready = condition(refused.build, "Ready")
        assert (verdict_of(refused.task), ready["reason"]) == (NOT_BUILT, "BudgetSpent")
        assert unit in ready["message"]
        assert f"{remaining}; raise agents.budgets.{value} in the chart's values" in ready["message"]
        assert (refused.requests["count"], refused.tokens) == (0, 0)


def test_instances_are_solved_after_the_budgets_are_raised(observed: Observed) -> None:
    for again in observed.raised.values():
        assert verdict_of(again.task) == VALID
        assert again.build["usage"]["turns"] == TURNS == again.requests["answered"]
