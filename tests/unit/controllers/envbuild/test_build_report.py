"""What an EnvBuild's status says after each step."""

from dataclasses import replace
from datetime import timedelta
from typing import get_args

import pytest

from builders import NOW, a_build, a_pod, a_queued, digest
from swefoundry.api.envbuild import ProbeResult, Round
from swefoundry.api.types import Attempt
from swefoundry.contracts.build import BuildResult
from swefoundry.contracts.checkout import CheckoutResult
from swefoundry.contracts.digests import Layer
from swefoundry.contracts.facts import Facts
from swefoundry.contracts.intake import IntakeResult
from swefoundry.contracts.round_outcome import RoundOutcome
from swefoundry.contracts.stages import Stage
from swefoundry.controllers.envbuild.observation import Observation
from swefoundry.controllers.envbuild.reconcile import end_search_if_decided
from swefoundry.controllers.envbuild.rules import decide
from swefoundry.controllers.envbuild.search_state import SearchState
from swefoundry.controllers.envbuild.status import _REDUCERS, report
from swefoundry.controllers.envbuild.steps import (
    BuildFinished,
    CheckoutFinished,
    EndSearch,
    ProbeFinished,
    Result,
    RoundStarted,
)
from swefoundry.controllers.envbuild.strategy_order import NextStrategies
from swefoundry.controllers.steps import NoOp, RunWork
from swefoundry.drafts.proposal import StrategyInput
from swefoundry.drafts.proven_environment import Parent
from swefoundry.settings import Settings
from swefoundry.workloads.attempt import Work
from swefoundry.workloads.decide import CollectResult, FailAttempt, RetryAttempt, Wait
from swefoundry.workloads.intake.launch import IntakeFinished
from swefoundry.workloads.lifecycle import PodStarted
from swefoundry.workloads.pod_outcomes import FaultCategory, PodFault, PodResult

GO_ON = RunWork(())
ROUND = Round(number=1, strategy="recipe", label="python 3.11, uv", draft=digest("d"))
IMAGE = ROUND.model_copy(update={"image": digest("b")})
LATER = NOW + timedelta(minutes=5)


def observed(*rounds, now=NOW, status=None, **spec):
    build = a_build(status, **spec)
    body = build.status.model_copy(update={"rounds": list(rounds)})
    return Observation(a_build(body.to_json_dict(), **spec), (), Settings(registry_pull="pull"), now)


def after(view, step, *results):
    return end_search_if_decided(view, report(view, step, results))


def exhausted(view):
    """The step when no strategy has another draft."""
    facts = Facts(test_files=[], languages={})
    return decide(replace(view, search=SearchState(NextStrategies(()), StrategyInput(facts=facts))))


def conditions(status):
    return {item.type: (item.status, item.reason) for item in status.conditions}


def message(status):
    return {item.type: item.message for item in status.conditions}["Ready"]


def collect(work, code=0):
    return CollectResult(Work.parse(work), a_pod(work), PodResult(code, {}, 12.0))


def a_probe(stage, code, **fields):
    return ProbeFinished(
        collect(f"{stage}-0", code), ProbeResult(stage=stage, code=code, **fields), f"{stage} says"
    )


def probes(before, after_code):
    return a_probe("before", before), a_probe("after", after_code)


def with_probes(before, after_code, number=1, outcome="AfterFailed", image="b"):
    found = [ProbeResult(stage=Stage.BEFORE, code=before), ProbeResult(stage=Stage.AFTER, code=after_code)]
    fields = {"number": number, "image": digest(image), "probes": found, "outcome": RoundOutcome(outcome)}
    return ROUND.model_copy(update=fields)


def an_attempt(work="build-0", **fields):
    return Attempt(work=work, number=0, pod=f"pod-{work}-0", uid="u").model_copy(update=fields)


def test_the_first_step_sets_the_start_time_and_reconciling():
    status = after(observed(now=NOW), GO_ON, RoundStarted(ROUND))
    assert (status.started_at, status.observed_generation, status.phase) == (NOW, 1, "Building")
    assert status.rounds == [ROUND] and status.round == 1
    assert conditions(status) == {
        "Ready": ("False", "Building"),
        "Reconciling": ("True", "Building"),
        "Succeeded": ("Unknown", "Building"),
    }


def test_no_op_leaves_the_status_unchanged():
    view = observed(ROUND, now=LATER)
    assert after(view, NoOp()) == view.build.status


def test_a_started_pod_is_listed_as_running_and_a_queued_one_is_in_the_message():
    status = after(observed(IMAGE), GO_ON, PodStarted(an_attempt("before-0")), a_queued("after-0"))
    assert [item.work for item in status.running] == ["before-0"]
    assert (status.phase, message(status)) == (
        "Probing",
        "round 1: in progress (recipe: python 3.11, uv); "
        "after-0: Queued (12th of 340 waiting for an evaluation place)",
    )


def test_an_adopted_pod_is_listed_as_running():
    status = after(observed(ROUND), GO_ON, Wait("build-0", "Running", adopted=an_attempt()))
    assert status.running == [an_attempt()]


def test_a_built_image_moves_the_round_to_probing():
    record = BuildResult(nonce="n", code=0, image=digest("b"), duration_ms=1000)
    status = after(
        observed(ROUND, status={"running": [an_attempt().to_json_dict()]}),
        GO_ON,
        BuildFinished(collect("build-0"), record),
    )
    assert (status.rounds[0].image, status.rounds[0].outcome) == (digest("b"), None)
    assert (status.running, status.pod_seconds, status.phase) == ([], 12.0, "Probing")
    assert [(item.work, item.outcome, item.exit_code) for item in status.attempts] == [
        ("build-0", "Finished", 0)
    ]


def test_a_failed_build_ends_the_round_and_not_the_search():
    record = BuildResult(nonce="n", code=42, message="step 2 ended with code 1")
    status = after(observed(ROUND), GO_ON, BuildFinished(collect("build-0", 42), record))
    assert (status.rounds[0].outcome, status.finished_at) == ("StepFailed", None)
    assert "Stalled" not in conditions(status)


@pytest.mark.parametrize(("before", "basis"), [(1, "fail2pass"), (21, "error2pass")])
def test_an_accepted_round_gives_the_build_its_image(before, basis):
    status = after(
        observed(IMAGE, now=LATER, status={"startedAt": NOW.isoformat()}), GO_ON, *probes(before, 0)
    )
    assert (status.image, status.draft, status.strategy) == (digest("b"), digest("d"), "recipe")
    assert status.image_name == "pull/swefoundry/tasks/owner/name:here.task-one"
    assert (status.accepted_on, status.phase, status.duration) == (basis, "Ready", "5m00s")
    assert conditions(status) == {"Ready": ("True", "Accepted"), "Succeeded": ("True", "Accepted")}


def test_without_a_fix_an_image_is_accepted_on_tests_that_run():
    status = after(observed(IMAGE, acceptance=None), GO_ON, a_probe("base", 1, tests=3))
    assert status.accepted_on == "tests-ran"


def test_tests_that_pass_without_the_fix_end_the_search_with_an_image_for_the_verdict():
    status = after(observed(IMAGE), GO_ON, *probes(0, 0))
    assert (status.image, status.accepted_on, status.finished_at) == (digest("b"), None, NOW)
    assert conditions(status)["Stalled"] == ("True", "BothPassed")


def test_a_round_with_one_of_two_probes_stays_open():
    status = after(observed(IMAGE), GO_ON, a_probe("before", 1))
    assert (status.rounds[0].outcome, status.finished_at) == (None, None)


def test_an_exhausted_search_gives_the_newest_image_that_could_be_judged():
    rounds = [
        with_probes(1, 1, 1, image="1"),
        with_probes(0, 1, 2, image="2"),
        with_probes(1, 21, 3, outcome="NoResult", image="3"),
        ROUND.model_copy(
            update={"number": 4, "outcome": RoundOutcome.STEP_FAILED, "message": "no such package"}
        ),
    ]
    view = observed(*rounds)
    status = after(view, exhausted(view))
    assert (status.image, status.image_name) == (
        digest("2"),
        "pull/swefoundry/tasks/owner/name:here.task-one.r1",
    )
    assert message(status).startswith("4 drafts")
    assert conditions(status)["Stalled"] == ("True", "DraftsExhausted")


def test_a_spent_budget_ends_the_search_with_the_newest_judgeable_image():
    view = observed(with_probes(1, 1), budget={"rounds": 1})
    status = after(view, decide(view))
    assert (status.image, status.phase) == (digest("b"), "Failed")
    assert conditions(status)["Succeeded"] == ("False", "BudgetSpent")


def test_a_search_without_a_judgeable_image_ends_without_one():
    view = observed(with_probes(1, 22, outcome="TimeLimit"), budget={"rounds": 1})
    status = after(view, decide(view))
    assert (status.image, status.draft) == (None, None)


def test_a_fault_of_the_cluster_is_counted_and_a_memory_kill_is_not():
    planned = an_attempt(number=1, uid=None)
    lost = RetryAttempt(
        "build-0", an_attempt(outcome="Infrastructure", reason="NodeLost", seconds=3.0), planned
    )
    status = after(observed(ROUND), GO_ON, lost)
    assert (status.infra_retries, status.pod_seconds, status.running) == (1, 3.0, [planned])
    killed = RetryAttempt(Work.parse("build-0"), an_attempt(outcome="Limit", reason="OOMKilled"), planned)
    assert after(observed(ROUND), GO_ON, killed).infra_retries == 0


def test_a_limit_ends_the_round_because_another_draft_may_avoid_it():
    fault = PodFault(FaultCategory.LIMIT, "OOMKilled", "killed for memory")
    status = after(observed(ROUND), GO_ON, FailAttempt(Work.parse("build-0"), an_attempt(), fault))
    assert (status.rounds[0].outcome, status.finished_at) == ("BuildOutOfMemory", None)


@pytest.mark.parametrize(
    ("category", "reason"),
    [(FaultCategory.INFRASTRUCTURE, "InfrastructureFault"), (FaultCategory.CONFIGURATION, "Misconfigured")],
)
def test_a_fault_that_does_not_depend_on_the_draft_ends_the_search(category, reason):
    fault = PodFault(category, "Whatever", "a sentence")
    status = after(observed(ROUND), GO_ON, FailAttempt(Work.parse("build-0"), an_attempt(), fault))
    assert conditions(status)["Stalled"] == ("True", reason)
    assert message(status) == "build-0: Whatever after 1 attempt: a sentence"


def test_a_probe_that_reached_a_limit_has_a_fault_and_no_code():
    fault = PodFault(FaultCategory.LIMIT, "OOMKilled", "killed for memory")
    status = after(
        observed(IMAGE),
        GO_ON,
        a_probe("before", 1),
        FailAttempt(Work.parse("after-0"), an_attempt("after-0"), fault),
    )
    assert [(item.stage, item.code, item.fault) for item in status.rounds[0].probes] == [
        ("before", 1, None),
        ("after", None, "OOMKilled"),
    ]
    assert status.rounds[0].outcome == "OutOfMemory"


def test_an_open_network_ends_the_search_whatever_the_result_of_the_probe():
    probe = ProbeFinished(collect("after-0"), ProbeResult(stage=Stage.AFTER, code=0), "", network_open=True)
    status = after(observed(IMAGE), GO_ON, probe, PodStarted(an_attempt("before-0")))
    assert conditions(status)["Stalled"] == ("True", "NetworkNotIsolated")
    assert status.running == []


def test_the_intake_of_a_standalone_build_sets_source_and_facts():
    record = IntakeResult(nonce="n", code=0, source=digest("a"), facts=digest("f"))
    status = after(observed(), GO_ON, IntakeFinished(collect("intake"), record))
    assert (status.source, status.facts, status.finished_at) == (digest("a"), digest("f"), None)


def test_a_failed_intake_of_a_standalone_build_ends_the_search():
    record = IntakeResult(nonce="n", code=12, message="no such commit")
    status = after(observed(), GO_ON, IntakeFinished(collect("intake", 12), record))
    assert conditions(status)["Stalled"] == ("True", "SourceMismatch")


def test_a_finished_build_has_only_its_final_conditions():
    view = observed(IMAGE)
    first = after(view, GO_ON, a_probe("before", 1))
    again = Observation(a_build(first.to_json_dict()), (), view.settings, LATER)
    status = after(again, GO_ON, a_probe("after", 0))
    assert set(conditions(status)) == {"Ready", "Succeeded"}
    moved = {item.type: item.last_transition_time for item in status.conditions}
    assert moved == {"Ready": LATER, "Succeeded": LATER}


PARENT = Parent(image=digest("c"), source=digest("a"))
REUSED = ROUND.model_copy(update={"strategy": "reuse", "label": "image of 8.1.3", "parent": PARENT})
LAYER = Layer(digest=digest("1"), size=10, diff_id=digest("2"))
CHECKED_OUT = CheckoutResult(nonce="n", code=0, layer=LAYER, added=3, changed=8, removed=1)


def checked_out(composed="e", complete=True):
    return CheckoutFinished(collect("checkout-0"), CHECKED_OUT, digest(composed), complete)


def test_a_checkout_gives_the_round_its_image_and_the_number_of_changed_files():
    status = after(observed(REUSED), GO_ON, checked_out())
    [found] = status.rounds
    assert (found.image, found.composed, found.outcome) == (digest("e"), digest("e"), None)
    assert found.label == "image of 8.1.3 (12 files changed)"
    assert (found.seconds, status.pod_seconds, status.phase) == (12.0, 12.0, "Probing")


def test_a_checkout_that_needs_a_rebuild_gives_no_image_yet():
    [found] = after(observed(REUSED), GO_ON, checked_out(complete=False)).rounds
    assert (found.image, found.composed, found.outcome) == (None, digest("e"), None)


def test_a_failed_checkout_ends_the_round_and_not_the_search():
    record = CheckoutResult(nonce="n", code=12, message="the source is gone")
    status = after(
        observed(REUSED), GO_ON, CheckoutFinished(collect("checkout-0", 12), record, message=record.message)
    )
    assert (status.rounds[0].outcome, status.rounds[0].message) == ("CheckoutFailed", "the source is gone")
    assert status.finished_at is None


def test_a_checkout_pod_that_reaches_a_limit_ends_the_round_and_not_the_search():
    fault = PodFault(FaultCategory.LIMIT, "OOMKilled", "killed for memory")
    status = after(
        observed(REUSED), GO_ON, FailAttempt(Work.parse("checkout-0"), an_attempt("checkout-0"), fault)
    )
    assert (status.rounds[0].outcome, status.finished_at) == ("CheckoutFailed", None)


def test_a_rebuild_killed_for_memory_ends_the_round_as_out_of_memory():
    current = REUSED.model_copy(update={"composed": digest("e")})
    fault = PodFault(FaultCategory.LIMIT, "OOMKilled", "killed for memory")
    status = after(observed(current), GO_ON, FailAttempt(Work.parse("build-0"), an_attempt(), fault))
    assert status.rounds[0].outcome == "BuildOutOfMemory"


def test_an_accepted_reused_image_becomes_the_image_of_the_build():
    current = REUSED.model_copy(update={"image": digest("e"), "composed": digest("e")})
    status = after(observed(current), GO_ON, *probes(1, 0))
    assert (status.image, status.strategy, status.accepted_on) == (digest("e"), "reuse", "fail2pass")


def test_both_passed_in_an_image_of_another_commit_does_not_end_the_search():
    current = REUSED.model_copy(update={"image": digest("e"), "composed": digest("e")})
    status = after(observed(current), GO_ON, *probes(0, 0))
    assert (status.rounds[0].outcome, status.finished_at) == ("BothPassed", None)


def test_an_exhausted_search_does_not_give_a_reused_image():
    current = with_probes(0, 0).model_copy(update={"parent": PARENT})
    view = observed(current)
    status = after(view, exhausted(view))
    assert (status.image, status.phase) == (None, "Failed")


def test_an_unusable_parent_stalls_the_build():
    status = after(observed(), EndSearch("ParentUnusable", "there is no EnvBuild x"))
    assert conditions(status)["Stalled"] == ("True", "ParentUnusable")
    assert message(status) == "there is no EnvBuild x"


def test_a_wait_for_an_older_search_is_the_reason_of_ready():
    wait = Wait("sibling", "WaitingForSibling", "EnvBuild here/other goes first")
    status = after(observed(), GO_ON, wait)
    assert (status.phase, status.rounds, status.started_at) == ("Pending", [], NOW)
    assert conditions(status)["Ready"] == ("False", "WaitingForSibling")
    assert message(status) == "sibling: WaitingForSibling (EnvBuild here/other goes first)"


def test_every_result_has_a_reducer():
    assert set(_REDUCERS) == set(get_args(Result))
