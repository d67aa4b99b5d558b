"""Reader of everything that an exported row is made of: specs, verdict bundles, patches, facts."""

import asyncio
import json
from contextlib import AsyncExitStack
from typing import Any

from swefoundry.api.labels import EXPERIMENT
from swefoundry.cli.api_objects import KubernetesObject, status_of
from swefoundry.cli.clients import RegistryTarget, open_registry
from swefoundry.cli.datasets.instance import ROW_ANNOTATION, ROW_CONFIG_MAP_ANNOTATION
from swefoundry.cli.datasets.rows.exported import NotExportable, ValidatedInstance
from swefoundry.cli.evidence_reader import TextReader, pull_evidence_files, task_repository
from swefoundry.contracts.facts import Facts
from swefoundry.errors import NotFound
from swefoundry.grading.verdict_bundle import VERDICT_FILE, VerdictBundle
from swefoundry.kube.api_client import KubeClient
from swefoundry.kube.resources import BUILDS
from swefoundry.oci.content import digest_of
from swefoundry.oci.registry_client import RegistryClient
from swefoundry.patches.completion import complete_patch

STORED_FACTS_LIMIT_BYTES = 64 << 20


class RowReader:
    """Reads validated instances; keeps one client per registry until the stack is closed."""

    def __init__(self, kube: KubeClient, target: RegistryTarget, stack: AsyncExitStack) -> None:
        self._kube = kube
        self._target = target
        self._stack = stack
        self._registries: dict[str, RegistryClient] = {}
        self._opening = asyncio.Lock()

    async def read(self, task: KubernetesObject) -> ValidatedInstance:
        """Everything that the row of a TaskInstance is made of."""
        spec, status, metadata = task["spec"], status_of(task), task["metadata"]
        if not status.get("evidence"):
            raise NotExportable("it has no verdict bundle")
        host, repository = task_repository(task, self._target)
        registry = await self._open_registry(host)
        texts = TextReader(self._kube, registry, repository, metadata["namespace"])
        files = await pull_evidence_files(registry, repository, status["evidence"])
        commit = spec.get("baseCommit") or await _clean_tree_commit(registry, repository, status)
        return ValidatedInstance(
            spec=spec,
            bundle=VerdictBundle.model_validate_json(files[VERDICT_FILE]),
            evidence=status["evidence"],
            gold=judged_patch("gold", await texts.read(spec["goldPatch"]), status),
            tests=judged_patch("test", await texts.read(spec["testPatch"]), status),
            problem=(await texts.read(spec.get("problemStatement"))).decode(errors="replace"),
            base_commit=commit,
            extra=await _kept_columns(task, texts),
            experiment=(metadata.get("labels") or {}).get(EXPERIMENT, ""),
            build_status=await self._env_build_status(task),
        )

    async def _env_build_status(self, task: KubernetesObject) -> dict[str, Any]:
        """Status of the EnvBuild; when that was deleted, the strategy from the task's own status."""
        status = status_of(task)
        known = {"strategy": status.get("strategy")}
        name = status.get("envBuild")
        if not name:
            return known
        try:
            build = await self._kube.get(BUILDS, task["metadata"]["namespace"], name)
        except NotFound:
            return known
        return {**known, **status_of(build)}

    async def _open_registry(self, host: str) -> RegistryClient:
        async with self._opening:
            if host not in self._registries:
                registry = open_registry(self._target, host)
                self._registries[host] = await self._stack.enter_async_context(registry)
        return self._registries[host]


def judged_patch(name: str, content: bytes, status: KubernetesObject) -> bytes:
    """The patch as intake applied it: completed as there, and refused when the object names another one by now."""
    applied = ((status.get("prepared") or {}).get("patches") or {}).get(name)
    if applied in (None, digest_of(content)):
        return content
    completed = complete_patch(content).content
    if digest_of(completed) != applied:
        raise NotExportable(
            f"its {name} patch is not the one that was judged ({applied}): the ConfigMap was changed since. "
            "Restore it, or re-create the object."
        )
    return completed


async def _clean_tree_commit(registry: RegistryClient, repository: str, status: KubernetesObject) -> str:
    """Commit of the clean tree, for sources that are archives; empty when an older version did the intake."""
    digest = (status.get("prepared") or {}).get("facts")
    if not digest:
        return ""
    facts = Facts.model_validate_json(await registry.get_blob(repository, digest, STORED_FACTS_LIMIT_BYTES))
    return facts.commit or ""


async def _kept_columns(task: KubernetesObject, texts: TextReader) -> dict[str, Any]:
    """Columns of the imported row that the spec has no field for."""
    annotations = task["metadata"].get("annotations") or {}
    if ROW_ANNOTATION in annotations:
        columns = json.loads(annotations[ROW_ANNOTATION])
    elif ROW_CONFIG_MAP_ANNOTATION in annotations:
        columns = json.loads(await texts.read_config_map(annotations[ROW_CONFIG_MAP_ANNOTATION], "row.json"))
    else:
        columns = {}
    return columns if isinstance(columns, dict) else {}
