"""The API server accepts valid objects, and refuses invalid ones with a message that names the field."""

import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from kubernetes.aio import config
from kubernetes.aio.client import ApiClient, ApiException, CustomObjectsApi

from cluster.commands import KUBECONFIG, kubectl
from swefoundry.api.codegen.crds import RESOURCE_DEFINITIONS, ROOT
from swefoundry.api.labels import GROUP, VERSION
from unit.api.malformed import (
    DIGEST,
    REFUSED,
    STALLED,
    Absent,
    InvalidManifest,
    Manifest,
    a_task,
    an_env_build,
)

pytestmark = pytest.mark.cluster

NAMESPACE = "default"
PLURALS = {resource.kind: resource.plural for resource in RESOURCE_DEFINITIONS}
SAMPLES = sorted((ROOT / "samples").glob("*.yaml"))


@pytest.fixture(scope="module")
async def api() -> AsyncIterator[CustomObjectsApi]:
    """Client of the cluster, in which the chart has installed the CRDs."""
    kubectl(
        "wait",
        "--for=condition=Established",
        "--timeout=30s",
        *(f"crd/{resource.name}" for resource in RESOURCE_DEFINITIONS),
    )
    await config.load_kube_config(config_file=KUBECONFIG)
    async with ApiClient() as client:
        yield CustomObjectsApi(client)


async def create(api: CustomObjectsApi, manifest: Manifest, *, dry: bool = True) -> Manifest:
    """Create the object, by default as a dry run, and refuse unknown fields; return it as the server stores it."""
    created: Any = await api.create_namespaced_custom_object(
        GROUP,
        VERSION,
        NAMESPACE,
        PLURALS[manifest["kind"]],
        manifest,
        dry_run="All" if dry else None,
        field_validation="Strict",
    )
    return dict(created)


async def refusal(api: CustomObjectsApi, manifest: Manifest) -> str:
    """The server's message about an invalid manifest."""
    with pytest.raises(ApiException) as caught:
        await create(api, manifest)
    assert caught.value.status in (400, 422)
    return str(json.loads(caught.value.body)["message"])


@pytest.fixture
async def stored(api: CustomObjectsApi) -> AsyncIterator[Manifest]:
    """A suspended TaskInstance, deleted when the test ends."""
    created = await create(
        api, {**a_task(suspend=True), "metadata": {"generateName": "crd-test-"}}, dry=False
    )
    yield created
    await api.delete_namespaced_custom_object(
        GROUP, VERSION, NAMESPACE, "taskinstances", created["metadata"]["name"]
    )


@pytest.mark.parametrize("invalid", REFUSED, ids=lambda invalid: invalid.what)
async def test_an_invalid_manifest_is_refused_with_the_name_of_the_field(
    api: CustomObjectsApi, invalid: InvalidManifest
) -> None:
    message = await refusal(api, invalid.manifest)
    assert invalid.field in message


@pytest.mark.parametrize(
    "manifest",
    [a_task(), an_env_build(), *(invalid.manifest for invalid in STALLED)],
    ids=lambda manifest: manifest["kind"],
)
async def test_a_manifest_is_accepted(api: CustomObjectsApi, manifest: Manifest) -> None:
    assert (await create(api, manifest))["spec"]


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.name)
async def test_a_sample_is_accepted(api: CustomObjectsApi, path: Path) -> None:
    kubectl("apply", "--server-side", "--dry-run=server", "-f", str(path))


async def test_defaults_are_filled_in(api: CustomObjectsApi) -> None:
    created = await create(api, a_task(environment=Absent, validation=Absent, budget=Absent))
    spec = yaml.safe_load(yaml.safe_dump(created["spec"]))
    assert (spec["environment"], spec["validation"], spec["budget"], spec["suspend"]) == (
        {"strategies": [], "acceptError2Pass": True, "ablations": []},
        {
            "repeats": 5,
            "minRepeats": 1,
            "network": "Deny",
            "timeoutSeconds": 1800,
            "resources": {"memory": "2Gi", "ephemeralStorage": "4Gi"},
            "controls": ["NullPatch", "ReversedGold", "BaseTests", "Leaks"],
        },
        {
            "rounds": 6,
            "podSeconds": 7200,
            "wallSeconds": 604800,
            "turnsPerRole": 30,
            "llmTokens": 1_000_000,
            "llmUsd": "1.00",
        },
        False,
    )


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("instanceId", "acme__adder-8"),
        ("repo", "acme/subtracter"),
        ("baseCommit", "f" * 40),
        ("source", {"git": {"url": "https://git.example.org/other.git"}}),
        ("goldPatch", {"artifact": DIGEST}),
        ("testPatch", {"artifact": DIGEST}),
    ],
)
async def test_an_identity_field_cannot_be_changed(
    api: CustomObjectsApi, stored: Manifest, field: str, value: object
) -> None:
    with pytest.raises(ApiException) as caught:
        await patch(api, stored, {"spec": {field: value}})
    assert f"spec.{field}: Invalid value" in caught.value.body
    assert "is immutable: create another TaskInstance instead" in caught.value.body


async def test_an_identity_field_cannot_be_removed(api: CustomObjectsApi, stored: Manifest) -> None:
    with pytest.raises(ApiException) as caught:
        await patch(api, stored, {"spec": {"source": None}})
    assert "source is immutable" in caught.value.body


async def test_the_budget_and_the_environment_can_be_changed(api: CustomObjectsApi, stored: Manifest) -> None:
    await patch(api, stored, {"spec": {"budget": {"rounds": 9}, "environment": {"strategies": ["fixed"]}}})


async def patch(api: CustomObjectsApi, stored: Manifest, change: Manifest, *, status: bool = False) -> None:
    call = api.patch_namespaced_custom_object_status if status else api.patch_namespaced_custom_object
    await call(
        GROUP,
        VERSION,
        NAMESPACE,
        "taskinstances",
        stored["metadata"]["name"],
        change,
        _content_type="application/merge-patch+json",
    )


async def test_the_spec_of_an_env_build_cannot_be_changed(api: CustomObjectsApi) -> None:
    created = await create(api, {**an_env_build(), "metadata": {"generateName": "crd-test-"}}, dry=False)
    name = created["metadata"]["name"]
    try:
        with pytest.raises(ApiException) as caught:
            await api.patch_namespaced_custom_object(
                GROUP,
                VERSION,
                NAMESPACE,
                "envbuilds",
                name,
                {"spec": {"budget": {"rounds": 9}}},
                _content_type="application/merge-patch+json",
            )
        assert "spec is immutable: create another EnvBuild instead" in caught.value.body
    finally:
        await api.delete_namespaced_custom_object(GROUP, VERSION, NAMESPACE, "envbuilds", name)


A_STATUS = {
    "phase": "Validated",
    "verdict": "fail2pass",
    "strategy": "recipe",
    "round": 2,
    "duration": "1m3s",
    "tests": {"failToPass": 3, "passToPass": 7},
    "testsUnknown": "unreadable",
    "note": "SetsUnknown",
    "image": {"name": "registry.example.org/acme/adder:acme--adder-7", "digest": DIGEST},
    "conditions": [
        {
            "type": kind,
            "status": "True",
            "reason": "Fail2Pass",
            "message": "",
            "observedGeneration": 1,
            "lastTransitionTime": "2024-01-01T00:00:00Z",
        }
        for kind in ("Ready", "Validated")
    ],
}


async def test_kubectl_get_shows_the_status_in_columns(api: CustomObjectsApi, stored: Manifest) -> None:
    await patch(api, stored, {"status": A_STATUS}, status=True)
    name = stored["metadata"]["name"]
    header, row = kubectl("get", "ti", name, "-n", NAMESPACE, "-o", "wide").splitlines()
    assert " ".join(header.split()) == (
        "NAME REPO PHASE VERDICT F2P ENV ROUND AGE NOTE TESTS-UNKNOWN IMAGE REASON DURATION"
    )
    assert re.sub(r"\d+s(?= +SetsUnknown)", "AGE", row).split() == [
        name,
        "acme/adder",
        "Validated",
        "fail2pass",
        "3",
        "recipe",
        "2",
        "AGE",
        "SetsUnknown",
        "unreadable",
        "registry.example.org/acme/adder:acme--adder-7",
        "Fail2Pass",
        "1m3s",
    ]
    assert "IMAGE" not in kubectl("get", "ti", name, "-n", NAMESPACE)


async def test_kubectl_waits_for_conditions_and_selects_by_fields(
    api: CustomObjectsApi, stored: Manifest
) -> None:
    await patch(api, stored, {"status": A_STATUS}, status=True)
    name = stored["metadata"]["name"]
    for condition in ("Ready", "Validated"):
        kubectl("wait", f"--for=condition={condition}", f"ti/{name}", "-n", NAMESPACE, "--timeout=10s")
    fields = "status.phase=Validated,status.verdict=fail2pass,spec.repo=acme/adder"
    assert name in kubectl(
        "get", "swe", "-n", NAMESPACE, "--field-selector", "spec.repo=acme/adder", "-o", "name"
    )
    assert name in kubectl("get", "ti", "-n", NAMESPACE, "--field-selector", fields, "-o", "name")
    assert name not in kubectl(
        "get", "ti", "-n", NAMESPACE, "--field-selector", "status.phase=Failed", "-o", "name"
    )


async def test_a_condition_type_cannot_occur_twice(api: CustomObjectsApi, stored: Manifest) -> None:
    twice = [A_STATUS["conditions"][0]] * 2  # type: ignore[index]
    with pytest.raises(ApiException) as caught:
        await patch(api, stored, {"status": {**A_STATUS, "conditions": twice}}, status=True)
    assert "Duplicate value" in caught.value.body


async def test_kubectl_explain_describes_a_field(api: CustomObjectsApi) -> None:
    assert "The reference fix, without tests" in kubectl("explain", "ti.spec.goldPatch")
