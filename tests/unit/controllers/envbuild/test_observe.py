"""What an observation reads, and when: nothing but the cache unless the next round is to be chosen."""

import pytest

from builders import LAYERS, NOW, digest
from swefoundry import errors
from swefoundry.api import labels
from swefoundry.api.resource import parse_env_build
from swefoundry.contracts.draft import Draft
from swefoundry.contracts.facts import Facts
from swefoundry.controllers.envbuild.observe import observe
from swefoundry.controllers.envbuild.search_coordination import EnvBuildContext
from swefoundry.controllers.envbuild.search_state import (
    AwaitedLeader,
    ParentUnfinished,
    ParentUnusable,
    SearchState,
    SearchUnreadable,
    WaitReason,
)
from swefoundry.drafts.environment_group import EnvironmentGroup
from swefoundry.kube.cache import Cache
from swefoundry.kube.workqueue import Key, WorkQueue
from swefoundry.settings import Settings
from swefoundry.workloads.attempt import Role
from swefoundry.workloads.pod_limiter import PlaceLimits, PodLimiter

KEY = Key("EnvBuild", "here", "task-one")
DRAFT = {"dockerfile": "FROM a\n", "testCommand": "t"}
ROUND = {"number": 1, "strategy": "recipe", "draft": digest("d")}


class CountingContext(EnvBuildContext):
    """A context whose registry is a count of the reads."""

    reads = 0
    on_listing = staticmethod(lambda: None)

    async def facts(self, repository, digest):
        return Facts(test_files=[], languages={})

    async def draft(self, repository, digest):
        return Draft(dockerfile="FROM a\n", test_command="t")

    async def proven_environments(self, repository):
        self.reads += 1
        self.on_listing()
        return []


@pytest.fixture
async def context():
    return CountingContext(None, None, Cache(), WorkQueue(), None, Settings())


def put(context, name="task-one", second=0, status=None, **environment):
    body = {
        "apiVersion": labels.API_VERSION,
        "kind": "EnvBuild",
        "metadata": {
            "namespace": "here",
            "name": name,
            "uid": f"uid-of-{name}",
            "resourceVersion": str(context.reads + second + 1),
            "creationTimestamp": f"2026-01-01T12:00:{second:02d}Z",
        },
        "spec": {
            "repo": "owner/name",
            "source": {"artifact": {"digest": digest("a")}},
            "facts": digest("f"),
            "acceptance": {"layers": LAYERS},
            "environment": {"strategies": ["reuse", "recipe", "fixed"], "draft": DRAFT} | environment,
        },
        "status": status or {},
    }
    context.cache.put(body)
    return body


@pytest.mark.parametrize(
    "status",
    [
        {"finishedAt": "2026-01-01T12:30:00Z"},
        {"rounds": [ROUND]},
        {"rounds": [ROUND | {"image": digest("b")}]},
        {"rounds": [ROUND | {"image": digest("b"), "outcome": "Accepted"}]},
        {"agents": {"draftsRequested": 1, "drafting": 1}},
        {"podSeconds": 10**9},
    ],
    ids=["ended", "building", "probing", "accepted", "drafting", "spent"],
)
async def test_the_registry_is_not_read_while_the_status_decides(context, status):
    put(context, status=status)
    observed = await observe(KEY, context, NOW)
    assert (observed.search, context.reads) == (None, 0)


@pytest.mark.parametrize(
    "status", [{}, {"rounds": [ROUND | {"outcome": "StepFailed"}]}], ids=["new", "failed"]
)
async def test_candidates_and_references_come_from_one_listing(context, status):
    put(context, status=status)
    observed = await observe(KEY, context, NOW)
    assert isinstance(observed.search, SearchState)
    assert context.reads == 1
    assert len(observed.search.strategy_input.past_rounds) == len(status.get("rounds", []))


async def test_without_reuse_nothing_is_listed(context):
    put(context, strategies=["recipe", "fixed"])
    observed = await observe(KEY, context, NOW)
    assert (observed.search.leader, context.reads) == (None, 0)


async def test_the_leader_is_part_of_the_state(context):
    put(context, "older", status={"rounds": [ROUND]})
    put(context, second=5)
    observed = await observe(KEY, context, NOW)
    assert (observed.search.leader, context.reads) == (AwaitedLeader(Key("EnvBuild", "here", "older")), 1)


async def test_a_leader_that_ends_during_the_reads_makes_them_repeat(context):
    put(context, "older", status={"rounds": [ROUND]})
    put(context, second=5)
    context.on_listing = lambda: put(context, "older", 9, status={"finishedAt": "2026-01-01T12:30:00Z"})
    observed = await observe(KEY, context, NOW)
    assert (observed.search.leader, context.reads) == (None, 2)


async def test_a_search_that_begins_during_the_reads_goes_first(context):
    put(context)
    context.on_listing = lambda: context.coordination.become_leader(younger)
    younger = parse_env_build(put(context, "younger", 5))
    observed = await observe(KEY, context, NOW)
    assert (observed.search.leader, context.reads) == (AwaitedLeader(Key("EnvBuild", "here", "younger")), 1)


OTHER_GROUP = {"environmentGroup": {"layout": "src"}, "rounds": [ROUND]}


async def test_a_search_of_another_group_is_waited_for_when_there_is_nothing_else_to_try(context):
    put(context, "older", status=OTHER_GROUP)
    put(context, second=5, strategies=["reuse"], draft=None)
    observed = await observe(KEY, context, NOW)
    leader = AwaitedLeader(Key("EnvBuild", "here", "older"), WaitReason.LAST_RESORT)
    assert (observed.search.leader, context.reads) == (leader, 1)


async def test_a_draft_is_tried_beside_the_search_of_another_group(context):
    put(context, "older", status=OTHER_GROUP)
    put(context, second=5)
    context.pod_limiter = PodLimiter(PlaceLimits(dict.fromkeys(Role, 2)), lambda _: None, lambda: NOW)
    observed = await observe(KEY, context, NOW)
    assert (observed.search.leader, context.reads) == (None, 1)


async def test_the_group_is_part_of_the_state_where_images_may_be_reused(context):
    put(context)
    observed = await observe(KEY, context, NOW)
    assert observed.search.group == EnvironmentGroup(layout="flat")
    put(context, second=5, strategies=["recipe", "fixed"])
    observed = await observe(KEY, context, NOW)
    assert observed.search.group is None


@pytest.mark.parametrize(
    ("status", "search"),
    [
        ({}, ParentUnfinished("parent")),
        (
            {"finishedAt": "2026-01-01T12:30:00Z"},
            ParentUnusable("spec.environment.parentRef: EnvBuild parent has no proven image"),
        ),
    ],
    ids=["in progress", "failed"],
)
async def test_a_named_parent_is_looked_at_before_anything_is_listed(context, status, search):
    put(context, "parent", status=status)
    put(context, second=5, parentRef={"name": "parent"})
    observed = await observe(KEY, context, NOW)
    assert (observed.search, context.reads) == (search, 0)


async def test_an_error_becomes_part_of_the_observation(context):
    def fail():
        raise errors.TransientError("busy")

    context.on_listing = fail
    put(context)
    observed = await observe(KEY, context, NOW)
    assert isinstance(observed.search, SearchUnreadable)


async def test_an_object_that_is_gone_is_not_observed(context):
    assert await observe(KEY, context, NOW) is None
