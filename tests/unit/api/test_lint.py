"""Lint refuses what the API server refuses, names the field and says what to write."""

import pytest
import yaml

from swefoundry.api.validation.manifest import manifest_problems
from unit.api.malformed import REFUSED, STALLED, Absent, InvalidManifest, a_task, an_env_build


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


@pytest.mark.parametrize(
    ("manifest", "message"),
    [
        (a_task(goldpatch={}), "spec.goldpatch: unknown field. Did you mean goldPatch?"),
        (a_task(base_commit="x"), "spec.base_commit: unknown field. Did you mean baseCommit?"),
        (
            a_task(validation__network="deny"),
            'spec.validation.network: "deny" is not allowed. Did you mean Deny?',
        ),
        (
            a_task(version=1.4),
            'spec.version: must be a string, not 1.4. Write it in quotes, without spaces, such as "8.1".',
        ),
        (
            a_task(goldPatch__inline="x" * 65537),
            "spec.goldPatch.inline: 65537 characters are too many: at most 65536. "
            "Put it into a ConfigMap and name it in configMapRef.",
        ),
        (
            a_task(budget__rounds=51),
            "spec.budget.rounds: 51 is out of range: 1 to 50. Drafts that may be built and probed.",
        ),
        (a_task(repo=Absent), "spec.repo: is required. owner/name of the repository. Immutable."),
        (a_task(goldPatch={}), "spec.goldPatch: set exactly one of inline, configMapRef and artifact."),
        (
            {**a_task(), "kind": "TaskInstnce"},
            'kind: "TaskInstnce" is not a kind of swefoundry. Did you mean TaskInstance?',
        ),
        ({**a_task(), "apiVersion": "v1"}, 'apiVersion: "v1" is not known. Write swefoundry.dev/v1alpha1.'),
        ({**a_task(), "Spec": {}}, "Spec: unknown field. Did you mean spec?"),
        ({**a_task(), "spec": []}, "spec: is required and must be an object. See docs/reference."),
        (
            {**a_task(), "metadata": {"name": "acme__adder-7"}},
            "metadata.name: \"acme__adder-7\" is not a valid name. Write lower-case letters, digits, '-' and '.', "
            "at most 253 characters.",
        ),
    ],
)
def test_the_message_is(manifest: dict[str, object], message: str) -> None:
    assert manifest_problems(manifest) == [message]
