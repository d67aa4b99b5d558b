"""Lock files pin what `pyproject.toml` asks for, with hashes and without naming an index. No network is used."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parents[2]
PIN = re.compile(r"^([A-Za-z0-9._-]+)==(\S+)", re.MULTILINE)


def project(path: str) -> dict[str, list[str]]:
    """Direct requirements of a project: those of the package, of its extras and of its groups, by name."""
    table = tomllib.loads((ROOT / path).read_text("utf-8"))
    return {
        "": table["project"]["dependencies"],
        **table["project"].get("optional-dependencies", {}),
        **table.get("dependency-groups", {}),
    }


LOCKS = {
    "images/operator/requirements.txt": ("pyproject.toml", ("",)),
    "images/scripted-model/requirements.txt": ("images/scripted-model/pyproject.toml", ("",)),
    "requirements-dev.txt": ("pyproject.toml", ("", "dev")),
    "requirements-release.txt": ("pyproject.toml", ("release",)),
}
"""Lock file -> the project, and which of its requirements the file pins."""


def pins(lock: str) -> dict[str, set[Version]]:
    """Pinned versions by name. There are several where environments differ."""
    pinned: dict[str, set[Version]] = {}
    for name, version in PIN.findall((ROOT / lock).read_text("utf-8")):
        pinned.setdefault(canonicalize_name(name), set()).add(Version(version))
    return pinned


@pytest.mark.parametrize("lock", LOCKS)
def test_every_direct_requirement_is_pinned_within_its_range(lock: str) -> None:
    path, groups = LOCKS[lock]
    pinned = pins(lock)
    wrong = [
        text
        for group in groups
        for text in project(path)[group]
        for requirement in [Requirement(text)]
        for versions in [pinned.get(canonicalize_name(requirement.name), set())]
        if not versions or any(version not in requirement.specifier for version in versions)
    ]
    assert wrong == [], "run `make lock`"


@pytest.mark.parametrize("lock", LOCKS)
def test_every_pin_has_a_hash(lock: str) -> None:
    entries = re.split(r"\n(?=\S)", (ROOT / lock).read_text("utf-8").strip())
    assert [entry.split()[0] for entry in entries if "--hash=sha256:" not in entry] == []


@pytest.mark.parametrize("lock", LOCKS)
def test_no_index_is_named(lock: str) -> None:
    text = (ROOT / lock).read_text("utf-8")
    assert "://" not in text and "--index" not in text


def test_development_uses_the_versions_of_the_images() -> None:
    development, image = pins("requirements-dev.txt"), pins("images/operator/requirements.txt")
    assert {name: development.get(name) for name in image} == image
