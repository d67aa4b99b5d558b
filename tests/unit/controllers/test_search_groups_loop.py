"""Searches of several groups of one repository, through the real handlers and reconcilers: one search per group, at the
same time while build places are free; an image of another group is tried once per group.

What pods leave is a script here; operator and registry are real. See `simulated/`.
"""

from collections import Counter
from dataclasses import dataclass

import pytest

from simulated.api_server import ApiServer
from simulated.scripted_pods import ScriptedPods
from simulated.seeded_registry import SeededRegistry, push_task_image, seed_registry
from simulated.stepping_operator import POD_LIMITS, SETTINGS
from swefoundry.api import labels
from swefoundry.oci.registry_client import RegistryClient
from swefoundry.workloads import names
from swefoundry.workloads.attempt import Role
from swefoundry.workloads.pod_limiter import PlaceLimits
from unit.controllers.reuse_simulation import Stage, _numbers, why

ERAS = {"old": "2015-06-01", "mid": "2019-06-01", "new": "2023-06-01"}


@dataclass
class EraPods:
    """Pods of all eras: each era has an image of its own."""

    registry: SeededRegistry
    images: dict[str, str]
    server: ApiServer
    refuses_old: str = ""
    """The era whose tests are not found in the image of the old one."""

    def __call__(self, pod):
        owner = pod["metadata"]["labels"][labels.OWNER]
        era = owner.partition("-")[0]
        pods = ScriptedPods(self.registry, build={"image": self.images[era]})
        if era == self.refuses_old and self._tried(pod, owner) == self.images["old"]:
            pods.exit_codes = {"before": 21, "after": 21}
        return pods(pod)

    def _tried(self, pod, owner):
        """The image that an EnvBuild tries."""
        tags = pod["metadata"]["labels"]
        if tags[labels.OWNER_KIND] != "envbuild":
            return None
        rounds = self.server.get(("envbuilds", "here", owner))["status"].get("rounds", [])
        return rounds[-1].get("parent", {}).get("image") if rounds else None


@pytest.fixture
def a_stage(proxy):
    async def create_task(server):
        repo = f"groups/number{next(_numbers)}"
        async with RegistryClient(proxy.behind, insecure=True) as registry:
            seeded = await seed_registry(registry, names.repository(SETTINGS.registry_prefix, repo))
            path = names.repository(SETTINGS.registry_prefix, repo)
            images = {era: await push_task_image(registry, path, era.encode()) for era in ERAS}
        stage = Stage(server, proxy, seeded, repo)
        stage.scripted_pods = EraPods(seeded, images, server)
        return stage

    return create_task


@pytest.fixture
async def stage(a_stage, server):
    return await a_stage(server)


def add_tasks(stage, eras, each):
    """Tasks of each era, with drafts of their own: one build makes one image."""
    for era in eras:
        draft = {"dockerfile": f"FROM python:3\n# {era}\nCOPY . /testbed\n", "testCommand": "pytest"}
        for number in range(each):
            stage.task(f"{era}-{number}", draft=draft | {"reports": ["r.xml"]}, created_at=ERAS[era])


def own_eras(stage):
    """The eras of the EnvBuilds that built an image, in order."""
    builds = [body["metadata"]["labels"][labels.OWNER] for body in stage.pods("build-")]
    return sorted(name.partition("-")[0] for name in builds)


def record_open_rounds(stage, found, without=()):
    """A check that records how many rounds of own drafts are open and have none of some fields."""

    def check():
        rounds = [
            item for body in stage.server.bodies("envbuilds") for item in body["status"].get("rounds", [])
        ]
        opened = [item for item in rounds if not {"outcome", "parent", *without} & set(item)]
        found.append(len(opened))

    return check


async def test_one_of_each_group_searches_at_the_same_time_and_the_others_reuse_its_image(stage):
    add_tasks(stage, ERAS, 2)
    at_once = []
    await stage.run(check=record_open_rounds(stage, at_once))
    assert own_eras(stage) == ["mid", "new", "old"]
    assert max(at_once) == 3
    assert len(stage.pods("checkout-")) == 3


async def test_with_one_build_place_one_search_leads_at_a_time(stage):
    add_tasks(stage, ERAS, 2)
    at_once, reasons = [], set()
    check = record_open_rounds(stage, at_once, without=["image"])

    def check_waits():
        check()
        bodies = [body for body in stage.server.bodies("envbuilds") if body["status"].get("conditions")]
        reasons.update(why(body["status"]) for body in bodies)

    await stage.run(check=check_waits, place_limits=PlaceLimits(POD_LIMITS | {Role.BUILD: 1}))
    assert max(at_once) == 1
    assert any("no build place is free" in message for _, message in reasons)
    assert {body["status"]["verdict"] for body in stage.server.bodies("taskinstances")} == {"fail2pass"}


async def test_an_image_that_does_not_fit_a_group_is_tried_by_one_of_it(stage):
    add_tasks(stage, ["old"], 1)
    await stage.run()
    add_tasks(stage, ["new"], 5)
    stage.scripted_pods.refuses_old = "new"
    await stage.run(stage.scripted_pods)
    rounds = Counter(tuple(stage.rounds(f"new-{number}")) for number in range(5))
    assert rounds == {
        (("reuse", "NoResult"), ("fixed", "Accepted")): 1,
        (("reuse", "Accepted"),): 4,
    }
