"""What `make demo-agents` shows, as a test: agents solve the prepared repositories, each turn is asked for once."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

import scripted
from cluster.commands import LAB
from cluster.instances import GIT, apply, delete, finished, get, unique, verdict
from swefoundry.api.crds import ROOT

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


@pytest.mark.parametrize("name", ROUNDS)
def test_agents_solve_the_prepared_repositories(name: str, tmp_path: Path) -> None:
    # Arrange
    own = unique(name)
    served = LAB / "git" / own
    manifest = preparing().prepared(name, served, f"{GIT}/{own}")
    manifest["metadata"] = {"name": own, "namespace": "swefoundry"}
    manifest["spec"] |= {"instanceId": own, "repo": f"demo/{own}"}
    script = (SAMPLES / "script.yaml").read_text().replace(f"demo/{name}", f"demo/{own}")
    # Act
    with scripted.in_cluster() as model, model.playing(own, script):
        apply(manifest)
        status = finished(own)
        told = model.told(containing=f"demo/{own}", bodies=True)
    # Assert
    assert verdict(status) == ("Validated", "fail2pass", "Fail2Pass"), status
    rounds = get("eb", own)["status"]["rounds"]
    assert [each["outcome"] for each in rounds] == ROUNDS[name]
    assert (told["answered"], told["answered_twice"], told["unmatched"]) == (TURNS[name], [], [])
    sent = str([line["body"] for line in told["requests"]])
    assert manifest["spec"]["problemStatement"]["inline"] not in sent
    delete(own)
