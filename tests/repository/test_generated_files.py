"""Generated files are what the models make of them now, and samples are what the models accept."""

from pathlib import Path

import pytest
import yaml

from swefoundry.api.codegen.crds import (
    RESOURCE_DEFINITIONS,
    ROOT,
    crd_manifest,
    generated_files,
    outdated_files,
    to_yaml,
)
from swefoundry.api.validation.manifest import manifest_problems

SAMPLES = sorted((ROOT / "samples").glob("*.yaml"))


def documents(path: Path) -> list[dict[str, object]]:
    return [document for document in yaml.safe_load_all(path.read_text()) if document]


def test_generated_files_are_current() -> None:
    assert outdated_files(ROOT) == [], "run `make generate`"


def test_there_are_no_other_files_among_the_generated_ones() -> None:
    folders = (ROOT / "crds", ROOT / "charts/swefoundry/files/crds")
    assert {path.relative_to(ROOT) for folder in folders for path in folder.iterdir()} <= set(
        generated_files()
    )


def test_stale_files_are_found(tmp_path: Path) -> None:
    assert set(outdated_files(tmp_path)) == set(generated_files())


@pytest.mark.parametrize("resource", RESOURCE_DEFINITIONS, ids=lambda resource: resource.kind)
def test_the_yaml_says_what_the_definition_says(resource: object) -> None:
    assert yaml.safe_load(to_yaml(crd_manifest(resource))) == crd_manifest(resource)  # type: ignore[arg-type]


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.name)
def test_samples_are_good(path: Path) -> None:
    ours = [
        document for document in documents(path) if str(document["apiVersion"]).startswith("swefoundry.dev/")
    ]
    assert ours
    assert [problem for document in ours for problem in manifest_problems(document)] == []


def test_there_are_samples() -> None:
    assert {path.name for path in SAMPLES} >= {
        "taskinstance-fixed.yaml",
        "taskinstance-recipe-archive.yaml",
        "taskinstance-git-private.yaml",
        "envbuild.yaml",
    }
