"""Reuse in the life of EnvBuilds, through the real handlers and reconcilers: one of a repository is built, the others
wait for it and are laid over its image; wrong images are tried and refused; nothing that was learned is lost.

What pods leave is a script here; operator and registry are real. See `simulated/`.
"""

import random
from collections import Counter
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from simulated.api_server import running_api_server
from simulated.kubelet import Kubelet, spec_of
from simulated.seeded_registry import seed_registry
from simulated.stepping_operator import SETTINGS, Crash, Simulation
from swefoundry.api import labels
from swefoundry.contracts.draft import Draft
from swefoundry.contracts.evaluation import SOURCE_SHADOWED_EXIT
from swefoundry.contracts.models import Model
from swefoundry.drafts.proven_environment import EnvironmentRecord, ReuseStats
from swefoundry.oci.proven_index import push_environment_record
from swefoundry.oci.registry_client import RegistryClient
from swefoundry.workloads import names
from unit.controllers.reuse_simulation import DRAFT, Stage, _numbers, refusing, why

few = settings(
    deadline=None,
    derandomize=True,
    database=None,
    max_examples=5,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.fixture
def a_stage(proxy):
    async def create_task(server):
        repo = f"reuse/number{next(_numbers)}"
        async with RegistryClient(proxy.behind, insecure=True) as registry:
            seeded = await seed_registry(registry, names.repository(SETTINGS.registry_prefix, repo))
        return Stage(server, proxy, seeded, repo)

    return create_task


@pytest.fixture
async def stage(a_stage, server):
    return await a_stage(server)


async def test_of_three_one_is_built_and_two_are_laid_over_its_image(stage):
    for name in ("one", "two", "three"):
        stage.task(name)
    simulation = await stage.run()
    assert (len(stage.pods("build-")), len(stage.pods("checkout-"))) == (1, 2)
    found = {name: stage.rounds(name) for name in ("one", "two", "three")}
    assert sorted(found.values()) == [
        [("fixed", "Accepted")],
        [("reuse", "Accepted")],
        [("reuse", "Accepted")],
    ]
    assert {body["status"]["verdict"] for body in stage.server.bodies("taskinstances")} == {"fail2pass"}
    assert simulation.context.pod_limiter.active("intake") == 0


async def test_a_reused_round_names_its_parent(stage):
    stage.task("one")
    await stage.run()
    stage.task("two", ["reuse"])
    await stage.run()
    built, reused = stage.build("one"), stage.build("two")
    [found] = reused["rounds"]
    assert found["parent"] == {"image": built["image"], "source": stage.seeded.source}
    assert found["composed"] == found["image"] == reused["image"] != built["image"]
    assert found["label"] == "image of here/one (3 files changed)"
    assert (reused["strategy"], reused["acceptedOn"], reused["draft"]) == (
        "reuse",
        "fail2pass",
        built["draft"],
    )
    assert stage.server.get(("taskinstances", "here", "two"))["status"]["image"]["digest"] == reused["image"]
    async with RegistryClient(stage.proxy.behind, insecure=True) as registry:
        tagged = await registry.get_manifest(stage.path, reused["imageName"].rpartition(":")[2])
    assert tagged.digest == reused["image"]


async def test_a_proven_environment_is_recorded_with_its_origin(stage):
    stage.task("one")
    await stage.run()
    stage.task("two")
    await stage.run()
    known = {item.known.env_build: item for item in await stage.known()}
    one, two = known["here/one"], known["here/two"]
    assert (one.known.strategy, one.known.accepted_on, set(one.known.evidence)) == (
        "fixed",
        "fail2pass",
        {"before", "after"},
    )
    assert (two.known.strategy, two.known.parent, two.parent.image) == (
        "reuse",
        one.known.image,
        one.known.image,
    )
    assert {one.trials, two.trials} == {ReuseStats(accepted=1)}
    assert stage.build("one")["environmentRecord"].startswith("sha256:")


async def test_a_waiting_build_names_the_search_that_it_waits_for(stage):
    stage.task("one")
    stage.task("two")
    reported = set()

    def check_waiting():
        for body in stage.server.bodies("envbuilds"):
            if "conditions" in body["status"]:
                reported.add((body["metadata"]["name"], *why(body["status"])))

    await stage.run(check=check_waiting)
    [(waiting, message)] = {(name, text) for name, reason, text in reported if reason == "WaitingForSibling"}
    other = {"one": "two", "two": "one"}[waiting]
    assert f"EnvBuild here/{other} " in message and " 900 s " in message


async def test_an_image_that_does_not_do_is_refused_and_the_draft_is_built(stage):
    stage.task("one")
    await stage.run()
    stage.task("two")
    await stage.run(refusing(stage.scripted_pods, "two"))
    assert stage.rounds("two") == [("reuse", "AfterFailed"), ("fixed", "Accepted")]
    found = {item.known.env_build: item.trials for item in await stage.known()}
    assert found["here/one"] == ReuseStats(refused=1)


async def test_an_image_with_the_project_of_another_commit_is_refused(stage):
    stage.task("one")
    await stage.run()
    stage.task("two")
    await stage.run(refusing(stage.scripted_pods, "two", raw_exit=SOURCE_SHADOWED_EXIT))
    assert stage.rounds("two") == [("reuse", "SourceShadowed"), ("fixed", "Accepted")]
    found = {item.known.env_build: item.trials for item in await stage.known()}
    assert found["here/one"] == ReuseStats(refused=1)


async def test_a_row_is_not_disproven_by_an_image_that_was_not_made_for_it(stage):
    stage.task("one")
    await stage.run()
    stage.task("two", ["reuse"])
    stage.scripted_pods.exit_codes = {"base": 0, "before": 0, "after": 0}
    await stage.run()
    assert stage.rounds("two") == [("reuse", "BothPassed")]
    assert why(stage.build("two"))[0] == "DraftsExhausted"
    assert "image" not in stage.build("two")
    assert (await stage.known())[0].trials == ReuseStats()


async def test_an_image_that_failed_three_reuses_more_than_it_served_is_left_alone(stage):
    stage.task("one")
    await stage.run()
    for number in range(5):
        stage.task(f"bad-{number}", ["reuse"])
        await stage.run(refusing(stage.scripted_pods, f"bad-{number}"))
    assert [stage.build(f"bad-{number}").get("round") for number in range(5)] == [1, 1, 1, 1, None]
    assert (await stage.known())[0].trials == ReuseStats(refused=4)


async def test_a_rebuild_command_is_run_in_the_composed_image(stage):
    draft = DRAFT | {"rebuildCommand": "make all"}
    stage.task("one", draft=draft)
    await stage.run()
    stage.task("two", draft=draft)
    await stage.run()
    [found] = stage.build("two")["rounds"]
    assert (found["image"], found["composed"] != found["image"]) == (stage.seeded.image, True)
    first, second = stage.pods("build-")
    assert "composed" not in spec_of(first)
    composed = f"localhost:5000/{stage.path}@{found['composed']}"
    order = spec_of(second)
    assert order["composed"] == composed
    assert order["draft"]["dockerfile"] == f"FROM {composed}\nRUN cd /testbed && make all\n"


async def test_a_rebuild_command_is_not_run_where_nothing_differs_that_it_is_for(stage):
    draft = DRAFT | {"rebuildCommand": "make all", "rebuildWhen": ["*.c"]}
    stage.scripted_pods.checkout = {"stale": False}
    stage.task("one", draft=draft)
    await stage.run()
    stage.task("two", draft=draft)
    await stage.run()
    [found] = stage.build("two")["rounds"]
    assert (found["outcome"], found["image"] == found["composed"]) == ("Accepted", True)
    assert len(stage.pods("build-")) == 1
    [checkout] = stage.pods("checkout-")
    assert spec_of(checkout)["watched"] == ["*.c"]


async def test_a_tree_that_cannot_be_laid_over_the_image_is_built(stage):
    stage.task("one")
    await stage.run()
    stage.scripted_pods.checkout = {"code": 12, "layer": None, "message": "the source is gone"}
    stage.task("two")
    await stage.run()
    assert stage.rounds("two") == [("reuse", "CheckoutFailed"), ("fixed", "Accepted")]
    assert stage.build("two")["rounds"][0]["message"] == "the source is gone"


async def test_an_image_that_is_gone_from_the_registry_ends_the_round_with_a_sentence(stage):
    stage.scripted_pods.build = {"image": "sha256:" + "5" * 64}
    stage.scripted_pods.exit_codes = {"base": 0, "before": 1, "after": 0}
    async with RegistryClient(stage.proxy.behind, insecure=True) as registry:
        draft = Draft(dockerfile="FROM python\nCOPY . /testbed\n", test_command="true")
        known = EnvironmentRecord(
            repo=stage.repo,
            image="sha256:" + "5" * 64,
            source=stage.seeded.source,
            draft=await registry.put_blob(stage.path, draft.to_bytes()),
        )
        await push_environment_record(registry, stage.path, known, draft)
    stage.task("one", ["reuse"])
    await stage.run()
    [found] = stage.build("one")["rounds"]
    assert found["outcome"] == "CheckoutFailed"
    assert "cannot be reused" in found["message"]


async def test_the_image_that_a_person_names_is_the_one_that_is_reused(stage):
    for name in ("one", "two"):
        stage.task(name, ["fixed"], DRAFT | {"testCommand": f"pytest -k {name}"})
    await stage.run()
    stage.task("three", ["reuse"], parentRef={"name": "one"})
    await stage.run()
    assert stage.rounds("three") == [("reuse", "Accepted")]
    assert stage.build("three")["draft"] == stage.build("one")["draft"]


async def test_a_named_image_that_is_not_there_stalls_with_a_sentence(stage):
    stage.task("one", ["reuse", "fixed"], parentRef={"name": "nobody"})
    await stage.run()
    reason, message = why(stage.build("one"))
    assert (reason, "spec.environment.parentRef" in message, "nobody" in message) == (
        "ParentUnusable",
        True,
        True,
    )


async def test_one_that_is_suspended_is_not_waited_for(stage):
    stage.task("one")
    simulation = Simulation(stage.server, stage.proxy, Kubelet(stage.server, stage.scripted_pods))
    simulation.user_actions = [
        (
            lambda: bool(stage.pods("build-")),
            lambda: stage.server.patch(("taskinstances", "here", "one"), {"spec": {"suspend": True}}),
        )
    ]
    await simulation.run()
    assert "finishedAt" not in stage.build("one")
    stage.task("two")
    await stage.run()
    assert stage.rounds("two") == [("fixed", "Accepted")]


async def test_nobody_waits_longer_than_the_setting_says(stage):
    stage.task("one")
    stage.task("two")
    no_wait = SETTINGS.model_copy(update={"sibling_wait_seconds": 0})
    await stage.run(settings=no_wait)
    assert len(stage.pods("build-")) == 2


async def test_a_deleted_search_is_not_waited_for_any_more(stage):
    stage.task("one")
    stage.task("two")

    def waits():
        return [
            body["metadata"]["name"]
            for body in stage.server.bodies("envbuilds")
            if body["status"].get("conditions") and why(body["status"])[0] == "WaitingForSibling"
        ]

    def delete():
        [waiting] = waits()
        stage.server.delete(("taskinstances", "here", {"one": "two", "two": "one"}[waiting]))

    before = stage.server.now
    await stage.run(user_actions=[(lambda: bool(waits()), delete)])
    [left] = stage.server.bodies("envbuilds")
    assert left["status"]["rounds"][0]["outcome"] == "Accepted"
    started = left["status"]["finishedAt"]
    assert started <= (before + timedelta(seconds=600)).isoformat().replace("+00:00", "Z")


async def test_agents_read_the_drafts_that_were_proven(stage):
    stage.task("one")
    await stage.run()
    stage.task("two", ["reuse", "agents"])
    models = SETTINGS.model_copy(update={"models": [Model(name="small")]})
    await stage.run(refusing(stage.scripted_pods, "two"), settings=models)
    [pod] = stage.pods("agent-")
    order = spec_of(pod)
    assert order["references"] == [stage.build("one")["draft"]]
    assert [(item["strategy"], item["outcome"]) for item in order["rounds"]] == [("reuse", "AfterFailed")]
    stage.task("three", ["agents"])
    await stage.run(settings=models)
    assert spec_of(stage.pods("agent-")[-1])["references"] == []


async def test_the_recipe_builds_as_a_refused_image_was_built(stage):
    stage.task("one")
    await stage.run()
    stage.task("two", ["reuse", "recipe"])
    await stage.run(refusing(stage.scripted_pods, "two"))
    assert stage.rounds("two") == [("reuse", "AfterFailed"), ("recipe", "Accepted")]
    labels = [item["label"] for item in stage.build("two")["rounds"]]
    assert labels == [
        "image of here/one (3 files changed)",
        "python 3.11, newest dependencies, as here/one was built",
    ]
    stage.task("three", ["recipe"])
    await stage.run()
    assert "was built" not in stage.build("three")["rounds"][0]["label"]


def kills_of(seed):
    chance = random.Random(seed)
    return [
        Crash(chance.randint(1, 6 if writes else 50), chance.random() < 0.5, writes)
        for writes in [chance.random() < 0.5 for _ in range(8)]
    ]


@few
@given(seed=st.integers(1, 2**32))
async def test_an_operator_killed_at_any_request_builds_once_and_loses_no_record(proxy, a_stage, seed):
    async with running_api_server() as server:
        stage = await a_stage(server)
        for name in ("one", "two", "three"):
            stage.task(name)
        simulation = await stage.run(seed=seed, crashes=kills_of(seed))
        assert simulation.crash_count >= 3
        works = Counter(
            (body["metadata"]["ownerReferences"][0]["name"], body["metadata"]["labels"][labels.WORK])
            for body in stage.pods("")
            if body["metadata"]["labels"][labels.WORK].startswith(("build-", "checkout-"))
        )
        assert sorted(count for count in works.values()) == [1, 1, 1]
        assert len(stage.pods("build-")) == 1
        known = await stage.known()
        assert {item.trials for item in known} == {ReuseStats(accepted=2)}
        assert {body["status"]["verdict"] for body in server.bodies("taskinstances")} == {"fail2pass"}
