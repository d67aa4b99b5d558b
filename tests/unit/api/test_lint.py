"""Lint refuses what the API server refuses, names the field and says what to write."""

import pytest
import yaml

from swefoundry.api.validation.manifest import manifest_problems
from unit.api.malformed import REFUSED, STALLED, InvalidManifest, a_task, an_env_build


@pytest.mark.parametrize("invalid", REFUSED, ids=lambda invalid: invalid.what)
def test_names_the_field_of(invalid: InvalidManifest) -> None:
    found = manifest_problems(invalid.manifest)
    assert any(one.startswith(invalid.field) for one in found), found


@pytest.mark.parametrize("invalid", REFUSED, ids=lambda invalid: invalid.what)
def test_gives_one_problem_and_the_fix_of(invalid: InvalidManifest) -> None:
    found = manifest_problems(invalid.manifest)
    assert len(found) == 1
    assert found[0].endswith((".", "?", ")"))


@pytest.mark.parametrize("manifest", [a_task(), an_env_build(), *(invalid.manifest for invalid in STALLED)])
def test_accepts_what_the_server_accepts(manifest: dict[str, object]) -> None:
    assert manifest_problems(manifest) == []


def test_the_table_has_fifty_different_manifests() -> None:
    assert len({invalid.what for invalid in REFUSED}) == len(REFUSED) >= 50


def test_accepts_a_time_that_yaml_has_parsed() -> None:
    manifest = yaml.safe_load(
        yaml.safe_dump(a_task()).replace("'2023-06-01T00:00:00Z'", "2023-06-01T00:00:00Z")
    )
    assert not isinstance(manifest["spec"]["createdAt"], str)
    assert manifest_problems(manifest) == []


def test_ignores_nulls_as_the_server_does() -> None:
    assert manifest_problems(a_task(environment__overrides=None, budget=None)) == []
