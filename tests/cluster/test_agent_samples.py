"""The instances of `make demo-agents`: agents solve the prepared repositories and request each turn once."""

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
TURNS = {"jsonpick": 1 + 1 + 2, "rpn": 2 + 1 + 1 + 1 + 1 + 1}
"""Number of scripted answers for each: tool calls, reports, drafts and guidance. A new Dockerfile alone asks for no new
commands, and a draft of the recipe for no explorer."""
SETS = {"jsonpick": (1, 1), "rpn": (2, 1)}
"""Numbers of tests that only pass with the fix, and of those that always pass."""


def load_prepare_program() -> ModuleType:
    spec = importlib.util.spec_from_file_location("prepare", SAMPLES / "prepare.py")
    assert spec and spec.loader
    program = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(program)
    return program


@dataclass(frozen=True)
class Sample:
    """A prepared repository under a unique name."""

    name: str
    manifest: Json
    script: str


def prepare_sample(sample: str) -> Sample:
    name = unique(sample)
    manifest = load_prepare_program().prepared(sample, LAB / "git" / name, f"{GIT}/{name}")
    manifest["metadata"] = {"name": name, "namespace": "swefoundry"}
    manifest["spec"] |= {"instanceId": name, "repo": f"demo/{name}"}
    script = (SAMPLES / "script.yaml").read_text().replace(f"demo/{sample}", f"demo/{name}")
    return Sample(name, manifest, script)


@pytest.fixture(scope="module")
def samples() -> Iterator[tuple[dict[str, Sample], scripted.ClusterModel]]:
    """Both samples, which run at the same time, and the model that solves them."""
    prepared = {name: prepare_sample(name) for name in ROUNDS}
    with scripted.in_cluster() as model, ExitStack() as stack:
        for sample in prepared.values():
            stack.enter_context(model.loaded(sample.name, sample.script))
        apply(*(sample.manifest for sample in prepared.values()))
        yield prepared, model
    delete(*(sample.name for sample in prepared.values()))


@pytest.mark.parametrize("name", ROUNDS)
def test_agents_solve_the_prepared_repositories(
    samples: tuple[dict[str, Sample], scripted.ClusterModel], name: str
) -> None:
    prepared, model = samples
    sample = prepared[name]
    status = wait_until_finished(sample.name)
    report = model.request_report(containing=f"demo/{sample.name}", bodies=True)
    assert verdict_of(status) == ("Validated", "fail2pass", "Fail2Pass"), status
    rounds = get("eb", sample.name)["status"]["rounds"]
    assert [each["outcome"] for each in rounds] == ROUNDS[name]
    assert (report["answered"], report["answered_twice"], report["unmatched"]) == (TURNS[name], [], [])
    assert (status["tests"]["failToPass"], status["tests"]["passToPass"]) == SETS[name]
    sent = str([line["body"] for line in report["requests"]])
    assert sample.manifest["spec"]["problemStatement"]["inline"] not in sent
