"""The program of `helm test`: its manifest, its source archive and its role."""

import importlib.util
import io
import tarfile
from types import ModuleType

import pytest

from swefoundry.api.validation.manifest import manifest_problems
from unit.chart.rendering import CHART, only, render


@pytest.fixture(scope="module")
def trial() -> ModuleType:
    """The program as a module."""
    spec = importlib.util.spec_from_file_location("trial", CHART / "files/trial.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_its_manifest_is_valid(trial: ModuleType) -> None:
    assert manifest_problems(trial.task(trial.archive())) == []


def test_its_archive_is_deterministic_and_has_the_line_that_the_gold_patch_removes(
    trial: ModuleType,
) -> None:
    assert trial.archive() == trial.archive()
    with tarfile.open(fileobj=io.BytesIO(trial.archive())) as tar:
        member = tar.extractfile("adder-1.0/adder.py")
        assert member is not None
        assert f"-{member.read().decode().splitlines()[1]}" in trial.GOLD.splitlines()


def test_its_pod_gets_the_program_and_may_only_create_read_and_delete_task_instances(
    trial: ModuleType,
) -> None:
    objects = render()
    assert "def wait_for_verdict(" in only(objects, "ConfigMap", "swefoundry-trial")["data"]["trial.py"]
    assert only(objects, "Role", "swefoundry-trial")["rules"] == [
        {
            "apiGroups": ["swefoundry.dev"],
            "resources": ["taskinstances"],
            "verbs": ["get", "create", "delete"],
        }
    ]
