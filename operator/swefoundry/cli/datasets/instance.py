"""An instance that was imported or collected, and the Kubernetes objects that represent it.

The size of a text decides where it is stored. Patches over 4 KiB go to the registry, as blobs that the object names by
digest, so that `kubectl describe` stays readable. Other texts, and all patches where no registry is given, stay in the
cluster. `kubectl apply` keeps a second copy of an object in an annotation of at most 256 KiB, so inline texts share a
budget::

    <= 64 KiB and within the budget   inline
    <= 1 MiB                          ConfigMap <name>-gold, <name>-tests, <name>-problem, <name>-row
"""

import base64
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from swefoundry.api.labels import API_VERSION, GROUP
from swefoundry.api.taskinstance import INLINE_LIMIT
from swefoundry.api.validation import manifest

CONFIG_MAP_LIMIT_BYTES = 1 << 20
"""Limit of the API server for one ConfigMap."""
INLINE_BUDGET_BYTES = 120_000
"""Limit for all inline texts of one object together, as JSON."""
READABLE_BYTES = 4096
"""Largest patch in an object, where there is a registry, and largest annotation: `kubectl describe` shows it whole."""

ROW_ANNOTATION = f"{GROUP}/row"
"""Annotation with the data set's columns that the spec has no field for, as JSON; `export` restores them."""
ROW_CONFIG_MAP_ANNOTATION = f"{GROUP}/row-config-map"
"""Annotation with the name of the ConfigMap that holds these columns when they are long."""
INSTANCE_LABEL = f"{GROUP}/instance"
"""Label of an instance's ConfigMaps; the value is the instance's name."""


@dataclass(frozen=True)
class Instance:
    """Content of a data set's row or of a pair of releases."""

    instance_id: str
    repo: str
    gold: bytes
    tests: bytes
    problem: str = ""
    base_commit: str | None = None
    source: Mapping[str, object] | None = None
    """As in the spec; None for the git source that follows from ``repo``."""
    created_at: datetime | None = None
    version: str | None = None
    language: str | None = None
    extra: Mapping[str, object] = field(default_factory=dict)
    """Columns without a field in the spec."""


@dataclass(frozen=True)
class InstanceSettings:
    """Settings that all instances of one run share."""

    namespace: str | None = None
    allow_blobs: bool = False
    """Whether there is a registry for long patches."""
    spec: Mapping[str, object] = field(default_factory=dict)
    """environment, validation, budget, suspend and ttlSecondsAfterFinished, from a template."""
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class RenderedInstance:
    """Objects of one instance, and patches that must be pushed to the registry before they are applied."""

    name: str
    repo: str
    objects: tuple[dict[str, Any], ...]
    """ConfigMaps, then the TaskInstance."""
    blobs: tuple[bytes, ...] = ()
    long_patches: int = 0
    """Patches in the object that would be in the registry if one were given."""


class InstanceRejected(Exception):
    """The row cannot become an instance; the message says why."""


def object_name(instance_id: str) -> str:
    """Valid object name for an instance id: ``pallets--click-2622`` for ``pallets__click-2622``."""
    name = re.sub(r"[^a-z0-9.]", "-", instance_id.lower())
    name = re.sub(r"-*\.[-.]*", ".", name).strip("-.")
    return name or "x-" + hashlib.sha256(instance_id.encode()).hexdigest()[:8]


def long_patch_warnings(rendered: RenderedInstance) -> list[str]:
    """Warning about an object that is hard to read, and how to have it otherwise."""
    if not rendered.long_patches:
        return []
    return ["its object holds patches over 4 KiB; with --registry they are stored there"]


def render_instance(instance: Instance, settings: InstanceSettings, name: str = "") -> RenderedInstance:
    """Objects of an instance, checked as `swefoundry lint` does."""
    writer = _InstanceRenderer(name or object_name(instance.instance_id), settings)
    spec: dict[str, Any] = {"instanceId": instance.instance_id, "repo": instance.repo}
    if instance.base_commit:
        spec["baseCommit"] = instance.base_commit
    if instance.source:
        spec["source"] = dict(instance.source)
    if instance.created_at:
        spec["createdAt"] = instance.created_at.isoformat().replace("+00:00", "Z")
    spec |= {key: value for key in ("version", "language") if (value := getattr(instance, key))}
    spec["goldPatch"] = writer.patch("gold", instance.gold)
    spec["testPatch"] = writer.patch("tests", instance.tests)
    if instance.problem:
        spec["problemStatement"] = writer.problem(instance.problem)
    annotations = writer.row_annotations(instance.extra)
    task = writer.task({**spec, **settings.spec}, annotations)
    problems = manifest.manifest_problems(task)
    if problems:
        raise InstanceRejected("; ".join(problems))
    objects = (*writer.config_maps, task)
    return RenderedInstance(writer.name, instance.repo, objects, tuple(writer.blobs), writer.long_patches)


class _InstanceRenderer:
    """Places texts inline, in ConfigMaps or in the registry, in the order of the calls."""

    def __init__(self, name: str, settings: InstanceSettings) -> None:
        self.name = name
        self.config_maps: list[dict[str, Any]] = []
        self.blobs: list[bytes] = []
        self.long_patches = 0
        self._settings = settings
        self._budget = INLINE_BUDGET_BYTES

    def patch(self, what: str, content: bytes) -> dict[str, object]:
        if len(content) > READABLE_BYTES and self._settings.allow_blobs:
            self.blobs.append(content)
            return {"artifact": "sha256:" + hashlib.sha256(content).hexdigest()}
        text = _utf8_or_none(content)
        if text is not None and self._fits(text):
            self.long_patches += len(content) > READABLE_BYTES
            return {"inline": text}
        if len(content) <= CONFIG_MAP_LIMIT_BYTES:
            return {"configMapRef": self._config_map(what, f"{what}.patch", content)}
        raise InstanceRejected(
            f"the {what} patch has {len(content)} bytes, more than a ConfigMap holds (1 MiB). "
            "Give --registry to store it there."
        )

    def problem(self, text: str) -> dict[str, object]:
        if self._fits(text):
            return {"inline": text}
        content = text.encode("utf-8", "replace")
        if len(content) > CONFIG_MAP_LIMIT_BYTES:
            raise InstanceRejected(
                f"the problem statement has {len(content)} bytes, more than a ConfigMap holds (1 MiB)"
            )
        return {"configMapRef": self._config_map("problem", "problem.md", content)}

    def row_annotations(self, extra: Mapping[str, object]) -> dict[str, str]:
        if not extra:
            return {}
        text = json.dumps(extra, default=str)
        if len(text) <= READABLE_BYTES:
            return {ROW_ANNOTATION: text}
        if len(text) > CONFIG_MAP_LIMIT_BYTES:
            raise InstanceRejected(
                f"its other columns have {len(text)} bytes, more than a ConfigMap holds (1 MiB)"
            )
        self._config_map("row", "row.json", text.encode())
        return {ROW_CONFIG_MAP_ANNOTATION: f"{self.name}-row"}

    def task(self, spec: dict[str, Any], annotations: dict[str, str]) -> dict[str, Any]:
        metadata = self._metadata(self.name)
        if self._settings.labels:
            metadata["labels"] = dict(self._settings.labels)
        if annotations:
            metadata["annotations"] = annotations
        return {"apiVersion": API_VERSION, "kind": "TaskInstance", "metadata": metadata, "spec": spec}

    def _fits(self, text: str) -> bool:
        weight = len(json.dumps(text, ensure_ascii=False).encode("utf-8", "replace"))
        if not text or len(text) > INLINE_LIMIT or weight > self._budget:
            return False
        self._budget -= weight
        return True

    def _config_map(self, suffix: str, key: str, content: bytes) -> dict[str, object]:
        metadata = self._metadata(f"{self.name}-{suffix}")
        if len(self.name) <= 63:
            metadata["labels"] = {INSTANCE_LABEL: self.name}
        text = _utf8_or_none(content)
        data: dict[str, Any] = (
            {"binaryData": {key: base64.b64encode(content).decode()}}
            if text is None
            else {"data": {key: text}}
        )
        self.config_maps.append({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, **data})
        return {"name": metadata["name"], "key": key}

    def _metadata(self, name: str) -> dict[str, Any]:
        namespace = self._settings.namespace
        return {"name": name, "namespace": namespace} if namespace else {"name": name}


def _utf8_or_none(content: bytes) -> str | None:
    """The text; None when it cannot be in a JSON or YAML string, as with NUL and invalid UTF-8."""
    try:
        text = content.decode()
    except UnicodeDecodeError:
        return None
    return None if "\0" in text else text
