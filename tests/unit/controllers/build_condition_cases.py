"""Statuses of EnvBuilds, one for each kind of condition message, made by the real rules and reducers."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from builders import NOW, Json, a_build, a_pod, a_queued, digest, terminated, waiting
from swefoundry.api.envbuild import EnvBuildStatus, ProbeResult, Round
from swefoundry.api.reasons import AGENT_REASONS, WAITING_FOR_SIBLING
from swefoundry.contracts.agent import AgentResult
from swefoundry.contracts.build import BuildResult
from swefoundry.contracts.evaluation import EvaluationResult
from swefoundry.contracts.facts import Facts
from swefoundry.contracts.models import Model, Usage
from swefoundry.contracts.stages import Stage
from swefoundry.controllers.envbuild.actions import LEADER_WAIT
from swefoundry.controllers.envbuild.budget import decide_budget
from swefoundry.controllers.envbuild.observation import Observation
from swefoundry.controllers.envbuild.reconcile import end_search_if_decided
from swefoundry.controllers.envbuild.round_transitions import missing_result_message
from swefoundry.controllers.envbuild.rules import decide
from swefoundry.controllers.envbuild.search_state import AwaitedLeader, ParentUnusable, Search, SearchState
from swefoundry.controllers.envbuild.status import report
from swefoundry.controllers.envbuild.steps import (
    AgentBudgetSpent,
    AgentFinished,
    AgentsRequested,
    BuildFinished,
    ProbeFinished,
    RoundStarted,
    WaitForSearch,
)
from swefoundry.controllers.envbuild.strategy_order import NextStrategies
from swefoundry.controllers.envbuild.usage_index import NO_USAGE, OtherUsage, UsageTotals
from swefoundry.controllers.steps import RunWork
from swefoundry.drafts.environment_group import EnvironmentGroup
from swefoundry.drafts.proposal import StrategyInput
from swefoundry.kube.workqueue import Key
from swefoundry.settings import Settings
from swefoundry.workloads.attempt import Work
from swefoundry.workloads.decide import CollectResult, FailAttempt, RetryAttempt, Wait
from swefoundry.workloads.pod_outcomes import PodResult

LATER = NOW + timedelta(hours=1)
LAST_ATTEMPT = Settings().max_infra_retries
ROUND: Json = {"number": 1, "strategy": "recipe", "label": "python 3.11, uv", "draft": digest("d")}
BUILT: Json = ROUND | {"image": digest("b")}
ENDED: Json = ROUND | {"outcome": "StepFailed", "message": "Step 3 failed with exit code 1."}
DRAFTING: Json = {"rounds": [ENDED], "agents": {"draftsRequested": 1, "drafting": 2}}
OWN_SOURCE: Json = {
    "facts": None,
    "acceptance": None,
    "source": {"git": {"url": "https://git.example/r"}},
    "baseCommit": "1" * 40,
}
OTHER = Key("EnvBuild", "here", "other")
GROUP = EnvironmentGroup(layout="src", created_at=datetime(2023, 6, 1, tzinfo=UTC))
MODELS = [Model(name="small")]


def observed(
    status: Json | None = None, *, pods: Any = (), now: Any = NOW, search: Search | None = None, **spec: Any
) -> Observation:
    """An EnvBuild as a reconcile observes it."""
    settings = Settings(registry_pull="pull", models=MODELS)
    return Observation(a_build(status, **spec), tuple(pods), settings, now, search=search)


def decided(view: Observation) -> EnvBuildStatus:
    """The status after the decided step, whose moves change nothing but the status."""
    step = decide(view)
    moves = step.moves if isinstance(step, RunWork) else ()
    results: list[Any] = [item for item in moves if isinstance(item, FailAttempt | RetryAttempt | Wait)]
    if isinstance(step, WaitForSearch):
        results.append(Wait(LEADER_WAIT, WAITING_FOR_SIBLING, step.message))
    return report(view, step, results)


def after(view: Observation, *results: Any) -> EnvBuildStatus:
    """The status after results of work."""
    return end_search_if_decided(view, report(view, RunWork(()), results))


def exhausted(status: EnvBuildStatus | Json) -> EnvBuildStatus:
    """The status when no strategy has another draft."""
    body = status.to_json_dict() if isinstance(status, EnvBuildStatus) else status
    search = SearchState(NextStrategies(()), StrategyInput(facts=Facts(test_files=[], languages={})))
    return decided(observed(body, search=search))


def collect(work: str, code: int = 0) -> CollectResult:
    """A pod that ended with a record."""
    return CollectResult(Work.parse(work), a_pod(work), PodResult(code, {}, 12.0))


def statuses() -> dict[str, EnvBuildStatus]:
    """The status of each case, by its name."""
    return {
        **work_statuses(),
        **accepted_statuses(),
        **ended_statuses(),
        **budget_statuses(),
        **agent_statuses(),
        **fault_statuses(),
    }


def work_statuses() -> dict[str, EnvBuildStatus]:
    """Work that continues."""
    facts = StrategyInput(facts=Facts(test_files=[], languages={}))
    search = SearchState(NextStrategies(("recipe",)), facts, GROUP, leader=AwaitedLeader(OTHER))
    pull = waiting("ErrImagePull", "i/o timeout")
    shared = OtherUsage(NO_USAGE, UsageTotals(reserved=Usage(input_tokens=10_000_000)))
    limited = Settings(models=MODELS, operator_llm_tokens=1_000_000)
    held = decide_budget(a_build(), shared, limited).held
    return {
        "an intake of its own": after(observed(**OWN_SOURCE), a_queued("intake")),
        "a new round": after(observed(), RoundStarted(Round.model_validate(ROUND))),
        "a build whose image is pulled": decided(
            observed({"rounds": [ROUND]}, pods=[a_pod("build-0", 0, pull)])
        ),
        "probes that run": decided(observed({"rounds": [BUILT]}, pods=[a_pod()])),
        "probes that wait for a place": after(observed({"rounds": [BUILT]}), a_queued("after-0")),
        "a draft of the agents": after(observed({"rounds": [ENDED]}), AgentsRequested()),
        "agents that wait for a budget": after(
            observed(DRAFTING), Wait(str(Work.parse("agent-1")), "Queued", held)
        ),
        "a search that waits for another": decided(observed(search=search)),
    }


def a_probe(stage: Stage, code: int, excerpt: str = "", **fields: Any) -> ProbeFinished:
    """A probe that ended with a result."""
    return ProbeFinished(collect(f"{stage}-0", code), ProbeResult(stage=stage, code=code, **fields), excerpt)


def probed(before: int, after_code: int, excerpt: str = "", **spec: Any) -> EnvBuildStatus:
    """The status after both probes of a round."""
    view = observed({"rounds": [BUILT]}, **spec)
    return after(view, a_probe(Stage.BEFORE, before), a_probe(Stage.AFTER, after_code, excerpt))


def accepted_statuses() -> dict[str, EnvBuildStatus]:
    """Searches that the probes ended."""
    bare = observed({"rounds": [BUILT]}, acceptance=None)
    return {
        "tests that the fix turns": probed(1, 0),
        "tests that run only with the fix": probed(21, 0),
        "tests that run, without a fix to compare": after(bare, a_probe(Stage.BASE, 1, tests=3)),
        "tests that pass without the fix": probed(0, 0),
    }


def ended_statuses() -> dict[str, EnvBuildStatus]:
    """Searches that ended without an accepted image."""
    unknown = observed({}, environment={"strategies": ["agents"]})
    parent = ParentUnusable("<what is wrong with spec.environment.parentRef>")
    record = BuildResult(nonce="n", code=42, message="Step 3 failed with exit code 1.", tail="error: no gcc")
    refused = probed(21, 0, environment={"acceptError2Pass": False})
    probes = [{"stage": "before", "fault": "OOMKilled"}, {"stage": "after", "code": 0}]
    killed = BUILT | {"outcome": "BeforeUnclear", "probes": probes}
    results = {
        "tests that reach the time limit": EvaluationResult(nonce="n", stage=Stage.AFTER, code=22),
        "tests that cannot be started": EvaluationResult(nonce="n", stage=Stage.AFTER, code=20, raw_exit=127),
        "tests without a result": EvaluationResult(nonce="n", stage=Stage.AFTER, code=21, raw_exit=5),
    }
    return {
        "agents without a model": decided(replace(unknown, settings=Settings())),
        "a parent that cannot be reused": decided(observed(search=parent)),
        "a project that no strategy supports": exhausted({}),
        "builds that failed": exhausted(
            after(observed({"rounds": [ROUND]}), BuildFinished(collect("build-0", 42), record))
        ),
        "tests that still fail": exhausted(probed(1, 1, "FAILED test_a.py::test_b - assert 3 == 4")),
        "error2pass that is not accepted": exhausted(refused),
        "tests that use up all memory without the fix": decided(
            observed({"rounds": [killed, killed | {"number": 2}]})
        ),
        **{
            what: exhausted(probed(1, result.code, missing_result_message(result, 900)))
            for what, result in results.items()
        },
    }


def budget_statuses() -> dict[str, EnvBuildStatus]:
    """Searches that a budget ended."""
    spent = {"rounds": [ENDED], "podSeconds": 8000.0, "startedAt": NOW.isoformat()}
    used = UsageTotals(Usage(input_tokens=1000, micro_usd=1_000_000))
    spenders = {
        "spec.budget.llmTokens": (a_build(budget={"llmTokens": 0}), Settings()),
        "spec.budget.llmUsd": (a_build(budget={"llmUsd": "0"}), Settings()),
        "the tokens of a namespace": (a_build(), Settings(namespace_llm_tokens=1000)),
        "the dollars of a namespace": (a_build(), Settings(namespace_llm_usd="1")),
        "the tokens of the operator": (a_build(), Settings(operator_llm_tokens=1000)),
        "the dollars of the operator": (a_build(), Settings(operator_llm_usd="1")),
    }
    return {
        "a budget of rounds": decided(observed(spent, budget={"rounds": 1})),
        "a budget of pod-seconds": decided(observed(spent, budget={"podSeconds": 7200})),
        "a budget of time": decided(
            observed(spent, budget={"podSeconds": 9000, "wallSeconds": 3600}, now=LATER)
        ),
        **{
            f"a budget for models, {what}": exhausted(
                after(
                    observed(DRAFTING),
                    AgentBudgetSpent(decide_budget(build, OtherUsage(used, used), settings).spent),
                )
            )
            for what, (build, settings) in spenders.items()
        },
    }


def agent_statuses() -> dict[str, EnvBuildStatus]:
    """Searches whose agents wrote no draft."""
    return {
        f"an agent pod that ended with code {code}": exhausted(
            after(
                observed(DRAFTING),
                AgentFinished(
                    collect("agent-1", code),
                    AgentResult(nonce="n", code=code, message="<message of the pod>"),
                ),
            )
        )
        for code in AGENT_REASONS
    }


def fault_statuses() -> dict[str, EnvBuildStatus]:
    """Work that failed for good."""

    def failed(work: str, status: Json, pod: Json) -> EnvBuildStatus:
        running = [{"work": work, "number": LAST_ATTEMPT, "pod": "p", "uid": "other", "memoryFactor": 2}]
        return decided(observed(status | {"running": running}, pods=[a_pod(work, LAST_ATTEMPT, pod)]))

    killed = terminated(137, reason="OOMKilled")
    network = replace(a_probe(Stage.BEFORE, 1), network_open=True)
    return {
        "a build pod without a record": failed("build-0", {"rounds": [ROUND]}, terminated(137)),
        "a build whose memory ran out": exhausted(failed("build-0", {"rounds": [ROUND]}, killed)),
        "a probe whose memory ran out": exhausted(
            failed("after-0", {"rounds": [BUILT | {"probes": [{"stage": "before", "code": 1}]}]}, killed)
        ),
        "an agent pod whose memory ran out": failed("agent-1", DRAFTING, killed),
        "a probe with a network": after(observed({"rounds": [BUILT]}), network),
    }
