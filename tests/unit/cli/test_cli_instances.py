"""From an instance to the objects that stand for it."""

import base64
import hashlib
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swefoundry.api.validation import manifest
from swefoundry.cli.datasets.instance import (
    Instance,
    InstanceRejected,
    InstanceSettings,
    long_patch_warnings,
    object_name,
    render_instance,
)
from unit.cli.dataset_rows import PATCH, TEST_PATCH

DNS = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")


def an_instance(**fields: object) -> Instance:
    given_fields: dict[str, object] = {
        "instance_id": "octo__calc-7",
        "repo": "octo/calc",
        "base_commit": "a" * 40,
        "gold": PATCH.encode(),
        "tests": TEST_PATCH.encode(),
    }
    return Instance(**(given_fields | fields))  # type: ignore[arg-type]


def a_patch(size: int, letter: str = "x") -> bytes:
    return PATCH.encode() + (letter * 99 + "\n").encode() * (size // 100)


def test_a_small_instance_is_one_object() -> None:
    rendered = render_instance(an_instance(version="8.10", problem="It subtracts."), InstanceSettings())
    assert rendered.objects == (
        {
            "apiVersion": "swefoundry.dev/v1alpha1",
            "kind": "TaskInstance",
            "metadata": {"name": "octo--calc-7"},
            "spec": {
                "instanceId": "octo__calc-7",
                "repo": "octo/calc",
                "baseCommit": "a" * 40,
                "version": "8.10",
                "goldPatch": {"inline": PATCH},
                "testPatch": {"inline": TEST_PATCH},
                "problemStatement": {"inline": "It subtracts."},
            },
        },
    )


def test_a_patch_over_64_kib_becomes_a_config_map_of_the_same_bytes() -> None:
    gold = a_patch(70_000)
    config_map, task = render_instance(an_instance(gold=gold), InstanceSettings(namespace="lab")).objects
    assert config_map["metadata"] == {
        "name": "octo--calc-7-gold",
        "namespace": "lab",
        "labels": {"swefoundry.dev/instance": "octo--calc-7"},
    }
    assert config_map["data"] == {"gold.patch": gold.decode()}
    assert task["spec"]["goldPatch"] == {"configMapRef": {"name": "octo--calc-7-gold", "key": "gold.patch"}}


def test_a_patch_that_is_not_utf8_becomes_binary_data() -> None:
    gold = PATCH.encode() + b"+caf\xe9\n"
    config_map, _ = render_instance(an_instance(gold=gold), InstanceSettings()).objects
    assert base64.b64decode(config_map["binaryData"]["gold.patch"]) == gold


def test_with_a_registry_a_patch_over_4_kib_is_stored_there_and_the_object_has_its_digest() -> None:
    gold, tests = a_patch(4_096), PATCH.encode()
    rendered = render_instance(an_instance(gold=gold, tests=tests), InstanceSettings(allow_blobs=True))
    digest = "sha256:" + hashlib.sha256(gold).hexdigest()
    assert rendered.blobs == (gold,)
    (task,) = rendered.objects
    assert task["spec"]["goldPatch"] == {"artifact": digest}
    assert task["spec"]["testPatch"] == {"inline": PATCH}
    assert long_patch_warnings(rendered) == []


def test_without_a_registry_a_patch_over_4_kib_stays_in_the_object_with_a_warning() -> None:
    rendered = render_instance(an_instance(gold=a_patch(4_096)), InstanceSettings())
    assert "inline" in rendered.objects[0]["spec"]["goldPatch"]
    assert long_patch_warnings(rendered) == [
        "its object holds patches over 4 KiB; with --registry they are stored there"
    ]
    assert long_patch_warnings(render_instance(an_instance(), InstanceSettings())) == []


def test_a_patch_over_1_mib_needs_a_registry() -> None:
    with pytest.raises(InstanceRejected, match=r"more than a ConfigMap holds.*--registry"):
        render_instance(an_instance(gold=a_patch(1_100_000)), InstanceSettings())


def test_texts_that_together_are_too_long_for_kubectl_apply_are_not_all_inline() -> None:
    rendered = render_instance(
        an_instance(gold=a_patch(60_000), tests=a_patch(60_000, "y"), problem="z" * 60_000),
        InstanceSettings(),
    )
    kinds = [body["kind"] for body in rendered.objects]
    assert kinds == ["ConfigMap", "ConfigMap", "TaskInstance"]
    assert "inline" in rendered.objects[-1]["spec"]["goldPatch"]


def test_other_columns_travel_as_an_annotation_or_when_long_as_a_config_map() -> None:
    short = render_instance(an_instance(extra={"pull_number": 7}), InstanceSettings()).objects
    assert short[0]["metadata"]["annotations"] == {"swefoundry.dev/row": '{"pull_number": 7}'}
    config_map, task = render_instance(
        an_instance(extra={"hints_text": "h" * 5_000}), InstanceSettings()
    ).objects
    assert config_map["metadata"]["name"] == "octo--calc-7-row"
    assert task["metadata"]["annotations"] == {"swefoundry.dev/row-config-map": "octo--calc-7-row"}


def test_a_template_gives_the_shared_part_of_the_spec() -> None:
    (task,) = render_instance(an_instance(), InstanceSettings(spec={"validation": {"repeats": 3}})).objects
    assert task["spec"]["validation"] == {"repeats": 3}


def test_what_lint_refuses_is_refused_here() -> None:
    with pytest.raises(InstanceRejected, match="repo"):
        render_instance(an_instance(repo="calc"), InstanceSettings())


def test_every_object_passes_lint() -> None:
    rendered = render_instance(
        an_instance(gold=a_patch(70_000), extra={"a": 1}, problem="p"), InstanceSettings()
    )
    assert manifest.manifest_problems(rendered.objects[-1]) == []


def test_names_are_what_kubernetes_takes() -> None:
    assert object_name("pallets__click-2622") == "pallets--click-2622"
    assert object_name("Octo__Calc_-1.2.0") == "octo--calc--1.2.0"
    assert object_name("a_.-_b") == "a.b"


@given(st.from_regex(r"[A-Za-z0-9_.-]{1,200}", fullmatch=True))
def test_every_instance_id_gives_a_valid_name(instance_id: str) -> None:
    assert DNS.fullmatch(object_name(instance_id))
