"""The choice of the next round, rule by rule, once the state of the search is gathered."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from builders import NOW, a_build, digest
from swefoundry import errors
from swefoundry.contracts.draft import Draft
from swefoundry.contracts.facts import Facts, FileFact
from swefoundry.contracts.models import Model, Usage
from swefoundry.controllers.envbuild.observation import Observation
from swefoundry.controllers.envbuild.rules import decide, proven_images_are_reused
from swefoundry.controllers.envbuild.search_state import (
    AwaitedLeader,
    ParentUnfinished,
    ParentUnusable,
    SearchState,
    SearchUnreadable,
    WaitReason,
)
from swefoundry.controllers.envbuild.steps import (
    EndAgents,
    EndSearch,
    RequestAgents,
    RetryLater,
    StartRound,
    WaitForSearch,
)
from swefoundry.controllers.envbuild.strategy_order import NextStrategies
from swefoundry.controllers.envbuild.usage_index import OtherUsage, UsageTotals
from swefoundry.drafts.environment_group import EnvironmentGroup
from swefoundry.drafts.proposal import StrategyInput
from swefoundry.drafts.proven_environment import EnvironmentRecord, ReuseCandidate
from swefoundry.kube.workqueue import Key
from swefoundry.settings import Settings

DRAFT = Draft(dockerfile="FROM a\n", test_command="t")
GROUP = EnvironmentGroup(layout="src", created_at=datetime(2023, 6, 1, tzinfo=UTC))
LEADER = AwaitedLeader(Key("EnvBuild", "there", "older"))
RECORD = EnvironmentRecord(repo="owner/name", image=digest("c"), source=digest("a"), draft=digest("d"))
CANDIDATE = ReuseCandidate(known=RECORD, draft=DRAFT)
REUSES = {"strategies": ["reuse", "fixed"]}


def a_search(*strategies, agents=False, leader=None, unlikely=False, **known):
    facts = Facts(test_files=[], languages={})
    strategy_input = StrategyInput(facts=facts, **known)
    return SearchState(NextStrategies(strategies, agents), strategy_input, GROUP, unlikely, leader)


def step_for(search, status=None, **spec):
    return decide(Observation(a_build(status, **spec), (), Settings(), NOW, search=search))


def test_a_read_that_failed_is_retried_with_its_error():
    error = errors.TransientError("the registry does not answer")
    assert step_for(SearchUnreadable(error)) == RetryLater(error)


def test_a_named_parent_without_an_image_ends_the_search():
    assert step_for(ParentUnusable("there is no EnvBuild x")) == EndSearch(
        "ParentUnusable", "there is no EnvBuild x"
    )


def test_a_named_parent_that_has_not_ended_is_awaited():
    assert step_for(ParentUnfinished("x")) == WaitForSearch(
        "EnvBuild x has not ended yet", reason=WaitReason.LAST_RESORT
    )


def test_a_proven_image_is_tried_although_an_older_search_goes_on():
    search = a_search("reuse", "fixed", leader=LEADER, reuse_candidates=(CANDIDATE,), draft=DRAFT)
    step = step_for(search)
    assert isinstance(step, StartRound)
    assert (step.proposal.strategy, step.proposal.parent.image, step.leads) == ("reuse", digest("c"), False)


def test_an_unlikely_image_is_tried_by_one_that_the_others_wait_for():
    search = a_search("reuse", "fixed", unlikely=True, reuse_candidates=(CANDIDATE,), draft=DRAFT)
    step = step_for(search)
    assert isinstance(step, StartRound)
    assert (step.proposal.strategy, step.leads) == ("reuse", True)


def test_an_unlikely_image_waits_for_the_search_of_the_group():
    candidates = {"reuse_candidates": (CANDIDATE,), "draft": DRAFT}
    search = a_search("reuse", "fixed", unlikely=True, leader=LEADER, **candidates)
    assert isinstance(step_for(search), WaitForSearch)


def test_a_draft_from_scratch_waits_for_an_older_search():
    assert step_for(a_search("reuse", "fixed", leader=LEADER, draft=DRAFT)) == WaitForSearch(
        "EnvBuild there/older of the same repository and group (layout src, about 2023-06) is searched first, because "
        "its image may be reusable; the wait is at most 900 s in total (sibling_wait_seconds)",
        900.0,
    )


def test_a_wait_for_a_build_place_names_the_search_whose_image_may_do():
    leader = replace(LEADER, reason=WaitReason.BUILD_PLACE)
    assert step_for(a_search("reuse", "fixed", leader=leader, draft=DRAFT)) == WaitForSearch(
        "EnvBuild there/older of the same repository is searched first, because its image may be reusable and no build "
        "place is free; the wait is at most 900 s in total (sibling_wait_seconds)",
        900.0,
        WaitReason.BUILD_PLACE,
    )


def test_a_wait_for_the_last_image_that_may_do_explains_itself():
    leader = replace(LEADER, reason=WaitReason.LAST_RESORT)
    step = step_for(a_search("reuse", leader=leader))
    assert isinstance(step, WaitForSearch)
    assert "there is nothing else to try than its image" in step.message


def test_the_order_of_the_strategies_is_kept_before_the_wait():
    search = a_search("fixed", "reuse", leader=LEADER, reuse_candidates=(CANDIDATE,), draft=DRAFT)
    assert isinstance(step_for(search), WaitForSearch)


def test_a_draft_from_scratch_is_tried_when_nobody_goes_first():
    step = step_for(a_search("reuse", "fixed", draft=DRAFT))
    assert isinstance(step, StartRound)
    assert (step.proposal.strategy, step.proposal.parent, step.leads) == ("fixed", None, True)


@pytest.mark.parametrize(("leader", "step"), [(None, RequestAgents), (LEADER, WaitForSearch)])
def test_agents_are_requested_when_no_strategy_before_them_has_a_draft(leader, step):
    assert isinstance(step_for(a_search("reuse", "fixed", agents=True, leader=leader)), step)


def test_a_search_without_another_draft_ends():
    assert step_for(a_search("fixed")) == EndSearch(
        "DraftsExhausted", "no strategy supports this kind of project; set spec.environment.draft"
    )


def test_a_search_that_a_recipe_refuses_ends_with_its_reason():
    manifest = FileFact(path="package.json", sha256="0" * 64, text='{"scripts": {"test": "karma start"}}')
    facts = Facts(test_files=["test/a.js"], manifests=[manifest])
    search = SearchState(NextStrategies(("recipe",), False), StrategyInput(facts=facts), GROUP)
    assert step_for(search) == EndSearch(
        "DraftsExhausted",
        "the tests run in a browser (karma), and no recipe installs browsers; set spec.environment.draft",
    )


LANGUAGES = "python, go, javascript, typescript, java, rust"


@pytest.mark.parametrize(
    ("test_file", "language", "message"),
    [
        ("src/a.rs", None, "no Cargo.toml stands above the test files"),
        (
            "AppTest.java",
            None,
            "no pom.xml or build.gradle or build.gradle.kts stands above the test files",
        ),
        ("test/a.js", "typescript", "no package.json stands above the test files"),
        (
            "spec/a_spec.rb",
            None,
            f"the test files (.rb) are of no language that recipes know ({LANGUAGES})",
        ),
        ("test.c", "c", f"spec.language is c, and recipes know {LANGUAGES}"),
    ],
)
def test_a_search_without_any_draft_says_what_recipes_lack(test_file, language, message):
    known = StrategyInput(facts=Facts(test_files=[test_file]), language=language)
    step = step_for(SearchState(NextStrategies(("recipe",), False), known, GROUP))
    assert step == EndSearch("DraftsExhausted", f"{message}; set spec.environment.draft")


def test_a_search_for_a_patch_without_tests_says_which_files_it_has():
    facts = Facts(test_support_files=["test.js"], languages={"javascript": 2})
    search = SearchState(NextStrategies(("recipe",), False), StrategyInput(facts=facts), GROUP)
    assert step_for(search) == EndSearch(
        "DraftsExhausted",
        "no file of the test patch has tests, by its name and what it calls: test.js; set spec.environment.draft",
    )


@pytest.mark.parametrize(("reason", "judged"), [("AgentsGaveUp", True), ("ModelRefused", False)])
def test_a_refused_key_gives_no_verdict_on_what_was_built_before(reason, judged):
    probes = [{"stage": "before", "code": 1}, {"stage": "after", "code": 1}]
    tried = {
        "number": 1,
        "strategy": "recipe",
        "draft": digest("d"),
        "image": digest("b"),
        "probes": probes,
        "outcome": "AfterFailed",
    }
    status = {"rounds": [tried], "agents": {"draftsRequested": 1, "endReason": reason, "message": "why"}}
    step = step_for(a_search("fixed"), status)
    assert isinstance(step, EndSearch)
    assert (step.reason, step.judged_round is not None) == (reason, judged)
    assert step.message == "why; 1 draft tried; the last: AfterFailed"


def test_agents_that_end_without_a_message_leave_the_sentence_of_the_search():
    status = {"agents": {"draftsRequested": 1, "endReason": "AgentsGaveUp"}}
    assert step_for(a_search("fixed"), status) == EndSearch(
        "AgentsGaveUp", "no strategy supports this kind of project; set spec.environment.draft"
    )


def test_agents_by_name_without_a_model_name_the_value_to_set():
    step = step_for(None, environment={"strategies": ["agents"]})
    assert isinstance(step, EndSearch)
    assert (step.reason, "agents.models" in step.message) == ("AgentsNotConfigured", True)


def test_no_image_is_reused_before_the_search_is_gathered():
    assert proven_images_are_reused(Observation(a_build(), (), Settings(), NOW)) is None


DRAFTING = {"agents": {"draftsRequested": 1, "drafting": 1}}
AGENTS = {"environment": {"strategies": ["agents"]}}


@pytest.mark.parametrize(
    ("used", "step"),
    [(0, "RunWork"), (999, "RunWork"), (1000, "EndAgents")],
    ids=["unused", "a rest", "spent"],
)
def test_a_spent_budget_of_all_ends_the_agents_before_a_pod_is_made(used, step):
    others = UsageTotals(used=Usage(input_tokens=used))
    observed = Observation(
        a_build(DRAFTING, **AGENTS),
        (),
        Settings(models=[Model(name="small")], operator_llm_tokens=1000),
        NOW,
        other_usage=OtherUsage(others, others),
    )
    found = decide(observed)
    assert type(found).__name__ == step
    if isinstance(found, EndAgents):
        assert found.message.startswith("no tokens are left of the operator's budget")
