"""The lifecycle of an EnvBuild, rule by rule."""

import json
from datetime import timedelta

import pytest

from builders import LAYERS, NONCE, NOW, a_build, a_pod, digest, terminated
from swefoundry.api.envbuild import Round
from swefoundry.contracts.models import Model
from swefoundry.controllers.envbuild import rules
from swefoundry.controllers.envbuild.observation import Observation
from swefoundry.controllers.envbuild.rules import STATUS_RULES, decide, first_step
from swefoundry.controllers.envbuild.steps import AcceptRound, EndSearch
from swefoundry.controllers.steps import NoOp, RunWork
from swefoundry.settings import Settings
from swefoundry.workloads.attempt import Work
from swefoundry.workloads.decide import RetryAttempt, StartPod, Wait

ENDED = {"finishedAt": "2026-01-01T11:00:00Z"}
BARE = {
    "facts": None,
    "acceptance": None,
    "source": {"git": {"url": "https://git.example/r"}},
    "baseCommit": "1" * 40,
}


def starting(*works):
    return RunWork(tuple(StartPod(Work.parse(work)) for work in works))


def observed(build, pods=(), suspended=False, **settings):
    return Observation(build, tuple(pods), Settings(**settings), NOW, suspended)


def a_round(index=0, **fields):
    return {"number": index + 1, "strategy": "recipe", "draft": digest("d")} | fields


def built(index=0, **fields):
    return a_round(index, image=digest("b"), **fields)


def over(index=0):
    return a_round(index, outcome="StepFailed")


def with_rounds(*rounds, spec=None, **status):
    return a_build({"rounds": list(rounds)} | status, **(spec or {}))


def needs_search(view):
    """Whether the object and its pods leave the step open, so that the state of the search is read."""
    return first_step(STATUS_RULES, view) is None


def test_the_order_of_the_rules_is_the_lifecycle():
    assert [rule.__name__ for rule in rules.STATUS_RULES] == [
        "deleted_builds_rest",
        "failed_builds_are_restarted",
        "finished_builds_rest",
        "models_are_configured",
        "sources_are_taken_in",
        "accepted_rounds_end_the_search",
        "disproven_rows_end_the_search",
        "rows_that_use_up_memory_end_the_search",
        "reused_images_are_checked_out",
        "drafts_are_built",
        "images_are_probed",
        "spent_agent_budgets_end_the_agents",
        "agents_write_their_draft",
        "spent_budgets_end_the_search",
    ]
    assert [rule.__name__ for rule in rules.SEARCH_RULES] == [
        "unreadable_searches_are_retried",
        "unusable_parents_end_the_search",
        "unfinished_parents_are_awaited",
        "proven_images_are_reused",
        "older_searches_are_awaited",
        "new_drafts_are_tried",
        "agents_are_requested",
        "exhausted_searches_end",
    ]
    assert rules.RULES == rules.STATUS_RULES + rules.SEARCH_RULES


def test_a_build_with_facts_starts_no_intake():
    assert needs_search(observed(a_build()))


def test_a_standalone_build_starts_with_an_intake():
    assert decide(observed(a_build(**BARE))) == starting("intake")
    taken = a_build({"source": digest("a"), "facts": digest("f")}, **BARE)
    assert needs_search(observed(taken))


def test_an_open_round_starts_its_build():
    assert decide(observed(with_rounds(a_round()))) == starting("build-0")


def test_each_round_has_its_own_pods():
    assert decide(observed(with_rounds(over(), a_round(1)))) == starting("build-1")
    assert decide(observed(with_rounds(over(), built(1)))) == RunWork(
        (StartPod(Work.parse("before-1")), StartPod(Work.parse("after-1")))
    )


def test_an_image_is_probed_before_and_after_the_fix_at_the_same_time():
    assert decide(observed(with_rounds(built()))) == RunWork(
        (StartPod(Work.parse("before-0")), StartPod(Work.parse("after-0")))
    )


def test_only_the_missing_probe_is_run():
    half = built(probes=[{"stage": "before", "code": 1}])
    assert decide(observed(with_rounds(half))) == starting("after-0")


def test_without_patches_only_the_base_stage_is_probed():
    build = with_rounds(built(), spec={"acceptance": None})
    assert decide(observed(build)) == starting("base-0")


def test_a_failed_round_needs_the_state_of_the_search():
    assert needs_search(observed(with_rounds(over())))


def test_a_spent_budget_of_rounds_ends_the_search():
    budget = {"budget": {"rounds": 2}}
    assert needs_search(observed(with_rounds(over(), spec=budget)))
    assert decide(observed(with_rounds(over(), over(1), spec=budget))) == EndSearch(
        "BudgetSpent", "2 of 2 rounds are spent; raise spec.budget.rounds"
    )


def test_spent_pod_seconds_end_the_search_but_not_the_round():
    spec = {"budget": {"podSeconds": 60}}
    assert needs_search(observed(with_rounds(over(), spec=spec, podSeconds=59.9)))
    assert decide(observed(with_rounds(over(), spec=spec, podSeconds=60.4))) == EndSearch(
        "BudgetSpent", "60 of 60 pod-seconds are spent; raise spec.budget.podSeconds"
    )
    assert decide(observed(with_rounds(a_round(), spec=spec, podSeconds=99))) == RunWork(
        (StartPod(Work.parse("build-0")),)
    )


BOTH_PASSED = built(outcome="BothPassed")
BOTH_PASSED_AS_ROOT = BOTH_PASSED | {"rootSensitive": True}


def test_tests_that_pass_without_the_fix_end_the_search():
    assert decide(observed(with_rounds(BOTH_PASSED))) == EndSearch(
        "BothPassed",
        "the tests pass with and without the fix: another environment would not change that",
        judged_round=Round.model_validate(BOTH_PASSED),
    )


@pytest.mark.parametrize(
    "field",
    [{"tolerated": 1}, {"strategy": "agents"}, {"parent": {"image": digest("c"), "source": digest("a")}}],
)
def test_a_draft_that_may_test_nothing_does_not_end_the_search(field):
    assert needs_search(observed(with_rounds(BOTH_PASSED | field)))


def test_where_root_may_be_the_reason_one_more_round_decides():
    assert needs_search(observed(with_rounds(BOTH_PASSED_AS_ROOT)))
    running = a_round(1, runAsUser=1000)
    assert decide(observed(with_rounds(BOTH_PASSED_AS_ROOT, running))) == starting("build-1")
    assert decide(
        observed(with_rounds(BOTH_PASSED_AS_ROOT, running | {"outcome": "AfterFailed"}))
    ) == EndSearch(
        "BothPassed",
        "the tests pass with and without the fix: another environment would not change that, nor does another user "
        "(round 2: AfterFailed)",
        judged_round=Round.model_validate(BOTH_PASSED_AS_ROOT),
    )
    accepted = running | {"outcome": "Accepted", "image": digest("e")}
    assert decide(observed(with_rounds(BOTH_PASSED_AS_ROOT, accepted))) == AcceptRound(
        Round.model_validate(accepted), "fail2pass"
    )


def test_tests_that_use_up_all_memory_without_the_fix_in_two_images_end_the_search():
    probes = [{"stage": "before", "fault": "OOMKilled"}, {"stage": "after", "code": 0, "passed": 3}]
    first, second = (built(number, outcome="BeforeUnclear", probes=probes) for number in (0, 1))
    assert needs_search(observed(with_rounds(first)))
    assert decide(observed(with_rounds(first, second))) == EndSearch(
        "BeforeOutOfMemory",
        "without the fix the tests use up all memory (rounds 1, 2): another environment would not change that",
    )
    of_time = [{"stage": "before", "fault": "DeadlineExceeded"}, probes[1]]
    assert needs_search(observed(with_rounds(first, second | {"probes": of_time})))


def test_a_finished_build_is_a_no_op():
    assert decide(observed(with_rounds(built(), **ENDED))) == NoOp()


def test_a_deleted_build_is_a_no_op():
    build = with_rounds(a_round())
    object.__setattr__(build, "deleting", True)
    assert decide(observed(build)) == NoOp()


@pytest.mark.parametrize("current", [a_round(), built()])
def test_a_build_of_a_suspended_task_starts_no_pod(current):
    step = decide(observed(with_rounds(current), suspended=True))
    assert isinstance(step, RunWork)
    assert {move.reason for move in step.moves} == {"Suspended"}


def test_a_build_of_a_suspended_task_still_waits_for_running_pods():
    pods = [a_pod("build-0")]
    step = decide(observed(with_rounds(a_round()), pods, suspended=True))
    assert isinstance(step, RunWork) and isinstance(step.moves[0], Wait) and step.moves[0].reason == "Pending"


def round_of(number):
    return Round(number=number, strategy="recipe", draft=digest("d"))


def test_later_rounds_have_tags_of_their_own():
    view = observed(a_build(tag="here.task-one", acceptance={"layers": LAYERS}))
    assert (view.image_tag(round_of(1)), view.image_tag(round_of(3))) == ("here.task-one", "here.task-one.r2")


AGENTS_ALONE = {"environment": {"strategies": ["agents"]}}
MODELS = {"models": [Model(name="small")]}


def test_agents_without_a_model_end_the_search_before_any_pod_starts():
    step = decide(observed(a_build(**BARE, **AGENTS_ALONE)))
    assert isinstance(step, EndSearch) and step.reason == "AgentsNotConfigured"
    assert needs_search(observed(a_build(**AGENTS_ALONE), **MODELS))


def drafting(index=0, **status):
    rounds = [over(earlier) for earlier in range(index)]
    return with_rounds(
        *rounds, spec=AGENTS_ALONE, agents={"draftsRequested": 1, "drafting": index + 1}, **status
    )


def test_a_requested_draft_starts_one_agent_pod():
    assert decide(observed(drafting(), **MODELS)) == starting("agent-0")
    assert decide(observed(drafting(2), **MODELS)) == starting("agent-2")


def test_a_build_of_a_suspended_task_starts_no_agent_pod():
    step = decide(observed(drafting(), suspended=True, **MODELS))
    assert isinstance(step, RunWork) and step.moves[0].reason == "Suspended"


@pytest.mark.parametrize(("seconds", "spent"), [(59, False), (60, True)])
def test_a_spent_wall_time_ends_the_search_unless_a_pod_runs(seconds, spent):
    spec = AGENTS_ALONE | {"budget": {"wallSeconds": 60}}
    started = (NOW - timedelta(seconds=seconds)).isoformat()
    agents = {"draftsRequested": 1, "drafting": 1}
    build = with_rounds(spec=spec, startedAt=started, agents=agents)
    ended = EndSearch(
        "BudgetSpent", "60 of 60 seconds since the start are spent; raise spec.budget.wallSeconds"
    )
    assert decide(observed(build, **MODELS)) == (ended if spent else starting("agent-0"))
    running = decide(observed(build, [a_pod("agent-0")], **MODELS))
    assert isinstance(running, RunWork) and isinstance(running.moves[0], Wait)


def test_an_unavailable_endpoint_is_retried_by_another_pod():
    record = json.dumps({"nonce": NONCE, "code": 52, "message": "503 from the endpoint"})
    running = {"work": "agent-0", "number": 0, "pod": "pod-agent-0-0", "uid": "uid-of-agent-0-0"}
    step = decide(
        observed(drafting(running=[running]), [a_pod("agent-0", status=terminated(52, record))], **MODELS)
    )
    assert isinstance(step, RunWork) and isinstance(step.moves[0], RetryAttempt)
    assert (step.moves[0].ended.reason, step.moves[0].ended.message) == (
        "ModelUnavailable",
        "503 from the endpoint",
    )
    assert step.moves[0].planned.number == 1


PARENT = {"image": digest("c"), "source": digest("a")}


def reused(index=0, **fields):
    return a_round(index, strategy="reuse", parent=PARENT, **fields)


def test_a_round_on_a_proven_image_gets_its_checkout_first_then_its_rebuild_then_its_probes():
    assert decide(observed(with_rounds(reused()))) == starting("checkout-0")
    composed = reused(composed=digest("e"))
    assert decide(observed(with_rounds(composed))) == starting("build-0")
    whole = composed | {"image": digest("b")}
    assert decide(observed(with_rounds(whole))) == RunWork(
        (StartPod(Work.parse("before-0")), StartPod(Work.parse("after-0")))
    )


def test_a_build_of_a_suspended_task_starts_no_checkout():
    step = decide(observed(with_rounds(reused()), suspended=True))
    assert isinstance(step, RunWork) and step.moves[0].reason == "Suspended"


def test_rounds_with_reused_images_do_not_count_against_the_budget():
    budget = {"budget": {"rounds": 2}}
    tried = [reused(0, outcome="AfterFailed"), reused(1, outcome="AfterFailed"), over(2)]
    assert needs_search(observed(with_rounds(*tried, spec=budget)))
    assert isinstance(decide(observed(with_rounds(*tried, over(3), spec=budget))), EndSearch)


def test_a_status_without_room_for_another_round_ends_the_search():
    tried = [reused(number, outcome="AfterFailed") for number in range(50)]
    assert isinstance(decide(observed(with_rounds(*tried))), EndSearch)
