"""What the images install is what the project asks for, each pinned by hash."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[3]

images = pytest.mark.parametrize(
    ("image", "project"), [("operator", "."), ("scripted-model", "images/scripted-model")]
)


@images
def test_every_dependency_is_pinned_to_a_version_that_the_project_allows(image: str, project: str) -> None:
    text = (ROOT / "images" / image / "requirements.txt").read_text()
    pins = dict(re.findall(r"^([a-z0-9-]+)==([^ ;]+)", text, re.MULTILINE))
    dependencies = tomllib.loads((ROOT / project / "pyproject.toml").read_text())["project"]["dependencies"]
    for requirement in map(Requirement, dependencies):
        assert requirement.specifier.contains(pins[requirement.name]), requirement


@images
def test_every_pin_has_a_hash(image: str, project: str) -> None:
    text = (ROOT / "images" / image / "requirements.txt").read_text()
    pins = re.split(r"^(?=[a-z0-9-]+==)", text, flags=re.MULTILINE)[1:]
    assert pins
    assert all("--hash=sha256:" in pin for pin in pins)
