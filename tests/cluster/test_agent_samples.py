"""What `make demo-agents` shows, as a test: agents solve the prepared repositories, each turn is asked for once."""

import importlib.util
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from types import ModuleType

import pytest

import scripted
from cluster.commands import LAB
from cluster.sample_instances import GIT, Json, apply, delete, get, unique, verdict_of, wait_until_finished
from swefoundry.api.codegen.crds import ROOT

pytestmark = pytest.mark.cluster

SAMPLES = ROOT / "samples/agents"
ROUNDS = {"jsonpick": ["AfterFailed", "Accepted"], "rpn": ["StepFailed", "NoResult", "Accepted"]}
TURNS = {"jsonpick": 3 + 1 + 1 + 1 + 2 + 1, "rpn": 2 + 1 + 1 + 1 + 1 + 1 + 1 + 1}
"""Answers that the script has for each: looks, reports, drafts and guidance."""


def preparing() -> ModuleType:
    found = importlib.util.spec_from_file_location("prepare", SAMPLES / "prepare.py")
    assert found and found.loader
    program = importlib.util.module_from_spec(found)
    found.loader.exec_module(program)
    return program


@dataclass(frozen=True)
class Sample:
    """A prepared repository under a name that nobody else uses."""

    own: str
    manifest: Json
    script: str


def prepared(name: str) -> Sample:
    own = unique(name)
    manifest = preparing().prepared(name, LAB / "git" / own, f"{GIT}/{own}")
    manifest["metadata"] = {"name": own, "namespace": "swefoundry"}
    manifest["spec"] |= {"instanceId": own, "repo": f"demo/{own}"}
    script = (SAMPLES / "script.yaml").read_text().replace(f"demo/{name}", f"demo/{own}")
    return Sample(own, manifest, script)


@pytest.fixture(scope="module")
def samples() -> Iterator[tuple[dict[str, Sample], scripted.ClusterModel]]:
    """Both at once, and the model that solves them."""
    made = {name: prepared(name) for name in ROUNDS}
    with scripted.in_cluster() as model, ExitStack() as stack:
        for sample in made.values():
            stack.enter_context(model.loaded(sample.own, sample.script))
        apply(*(sample.manifest for sample in made.values()))
        yield made, model
    delete(*(sample.own for sample in made.values()))


@pytest.mark.parametrize("name", ROUNDS)
def test_agents_solve_the_prepared_repositories(
    samples: tuple[dict[str, Sample], scripted.ClusterModel], name: str
) -> None:
    made, model = samples
    sample = made[name]
    status = wait_until_finished(sample.own)
    told = model.request_report(containing=f"demo/{sample.own}", bodies=True)
    assert verdict_of(status) == ("Validated", "fail2pass", "Fail2Pass"), status
    rounds = get("eb", sample.own)["status"]["rounds"]
    assert [each["outcome"] for each in rounds] == ROUNDS[name]
    assert (told["answered"], told["answered_twice"], told["unmatched"]) == (TURNS[name], [], [])
    sent = str([line["body"] for line in told["requests"]])
    assert sample.manifest["spec"]["problemStatement"]["inline"] not in sent
