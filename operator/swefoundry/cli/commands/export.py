"""`swefoundry export`: validated instances as a data set."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import IO, Annotated, Any

import typer

from swefoundry.api.labels import EXPERIMENT
from swefoundry.cli import clients, console, options
from swefoundry.cli.datasets.instance import ROW_ANNOTATION, ROW_CONFIG_MAP_ANNOTATION
from swefoundry.cli.datasets.rows.exported import (
    NotExportable,
    ValidatedInstance,
    swe_bench_row,
    swe_factory_status,
)
from swefoundry.cli.evidence_reader import TextReader, pull_evidence_files, task_repository
from swefoundry.cli.summary import RunSummary
from swefoundry.cli.views.progress import FINISHED_PHASES
from swefoundry.contracts.facts import Facts
from swefoundry.errors import NotFound, PermanentError
from swefoundry.grading.verdict_bundle import VERDICT_FILE, VerdictBundle
from swefoundry.kube.api_client import KubeClient
from swefoundry.kube.resources import BUILDS, TASKS
from swefoundry.oci.registry_client import RegistryClient

CONCURRENT_ROWS = 8
FACTS_LIMIT_BYTES = 64 << 20


class ExportFormat(StrEnum):
    SWE_BENCH = "swe-bench"
    SWE_FACTORY_STATUS = "swe-factory-status"


def export(
    export_format: Annotated[
        ExportFormat, typer.Option("--format", help="What is written.")
    ] = ExportFormat.SWE_BENCH,
    out: Annotated[Path | None, typer.Option("--out", help="File to write; default: stdout.")] = None,
    verdict: Annotated[
        list[str] | None,
        typer.Option("--verdict", help="Verdicts that become rows; repeat it. Default: fail2pass."),
    ] = None,
    allow_empty: Annotated[
        bool, typer.Option("--allow-empty", help="Also rows for which no single test is known.")
    ] = False,
    selector: Annotated[str, typer.Option("--selector", "-l", help="Label selector.")] = "",
    namespace: options.Namespace = "",
    all_namespaces: options.AllNamespaces = False,
    context: options.Context = None,
    registry: options.RegistryHost = "",
    insecure: options.Insecure = False,
    prefix: options.Prefix = options.DEFAULT_PREFIX,
) -> None:
    """Write the validated instances as SWE-bench rows (JSON lines), or all verdicts as SWE-Factory's status file.

    The sets of tests come from the verdict bundles in the registry; rows name the image and the evidence by digest.
    """
    place = clients.ClusterTarget(clients.resolve_namespace(namespace, all_namespaces, context), context)
    wanted = ExportRun(
        store=clients.RegistryTarget(registry, insecure, prefix),
        verdicts=frozenset(verdict or ["fail2pass"]),
        allow_empty=allow_empty,
    )
    with open_output(out) as target:
        asyncio.run(_export(place, selector, wanted, export_format, target))
    raise typer.Exit(wanted.outcome.print_summary("row", console.OutputFormat.TABLE))


@dataclass(frozen=True)
class ExportRun:
    """What becomes a row, and how the export went."""

    store: clients.RegistryTarget
    verdicts: frozenset[str]
    allow_empty: bool
    outcome: RunSummary = field(default_factory=RunSummary)


@contextmanager
def open_output(out: Path | None) -> Iterator[IO[str]]:
    """The file, replaced only when all went well; or stdout."""
    if out is None or str(out) == "-":
        yield sys.stdout
        return
    out.parent.mkdir(parents=True, exist_ok=True)
    part = out.with_name(f".{out.name}.part")
    with part.open("w", encoding="utf-8", newline="\n") as target:
        yield target
    part.replace(out)


async def _export(
    place: clients.ClusterTarget, selector: str, run: ExportRun, export_format: ExportFormat, target: IO[str]
) -> None:
    async with clients.open_cluster(place) as kube:
        tasks = [body async for body in kube.list(TASKS, place.namespace, selector)]
        tasks.sort(key=lambda body: (body["metadata"]["namespace"], body["metadata"]["name"]))
        if export_format is ExportFormat.SWE_FACTORY_STATUS:
            json.dump(_swe_factory_file(tasks, run.outcome), target, indent=2)
            target.write("\n")
            return
        async for name, row in _export_rows(kube, tasks, run):
            # ASCII, because a bare U+2028 or half a character breaks many a reader of JSON lines.
            target.write(json.dumps(row, ensure_ascii=True) + "\n")
            run.outcome.succeeded.append(name)


def _swe_factory_file(tasks: Iterable[dict[str, Any]], outcome: RunSummary) -> dict[str, Any]:
    listed: list[tuple[str, str | None]] = []
    waiting = 0
    for task in tasks:
        status = task.get("status") or {}
        if status.get("phase") not in FINISHED_PHASES:
            waiting += 1
            continue
        listed.append((task["spec"]["instanceId"], status.get("verdict")))
        outcome.succeeded.append(task["metadata"]["name"])
    if waiting:
        outcome.add_note(f"{waiting} have not finished and are not in the file")
    return swe_factory_status(listed)


async def _export_rows(
    kube: KubeClient, tasks: Iterable[dict[str, Any]], run: ExportRun
) -> AsyncIterator[tuple[str, dict[str, Any]]]:
    chosen = [task for task in tasks if (task.get("status") or {}).get("verdict") in run.verdicts]
    async with AsyncExitStack() as stack:
        reader = RowReader(kube, run, stack)
        for start in range(0, len(chosen), CONCURRENT_ROWS):
            batch = chosen[start : start + CONCURRENT_ROWS]
            for task, row in zip(batch, await asyncio.gather(*map(reader.row, batch)), strict=True):
                if row is not None:
                    yield task["metadata"]["name"], row


class RowReader:
    """Reads what rows are made of; keeps one connection per registry."""

    def __init__(self, kube: KubeClient, run: ExportRun, stack: AsyncExitStack) -> None:
        self._kube = kube
        self._wanted = run
        self._stack = stack
        self._registries: dict[str, RegistryClient] = {}
        self._opening = asyncio.Lock()

    async def row(self, task: dict[str, Any]) -> dict[str, Any] | None:
        """The row; ``None`` for one that was refused."""
        name = task["metadata"]["name"]
        try:
            return swe_bench_row(await self._read_validated(task), self._wanted.allow_empty)
        except (NotExportable, NotFound, PermanentError, KeyError, ValueError) as error:
            self._wanted.outcome.reject(name, str(error) or type(error).__name__, task["spec"]["instanceId"])
            return None

    async def _read_validated(self, task: dict[str, Any]) -> ValidatedInstance:
        spec, status = task["spec"], task["status"]
        host, repository = task_repository(task, self._wanted.store)
        registry = await self._open_registry(host)
        texts = TextReader(self._kube, registry, repository, task["metadata"]["namespace"])
        if not status.get("evidence"):
            raise NotExportable("it has no verdict bundle")
        files = await pull_evidence_files(registry, repository, status["evidence"])
        return ValidatedInstance(
            spec=spec,
            bundle=VerdictBundle.model_validate_json(files[VERDICT_FILE]),
            evidence=status["evidence"],
            gold=await texts.read(spec["goldPatch"]),
            tests=await texts.read(spec["testPatch"]),
            problem=(await texts.read(spec.get("problemStatement"))).decode(errors="replace"),
            base_commit=""
            if spec.get("baseCommit")
            else await _clean_tree_commit(registry, repository, status),
            extra=await _kept_columns(task, texts),
            experiment=(task["metadata"].get("labels") or {}).get(EXPERIMENT, ""),
            build_status=await self._env_build_status(task),
        )

    async def _env_build_status(self, task: dict[str, Any]) -> dict[str, Any]:
        """Status of the EnvBuild; of one that is gone the task still knows the strategy."""
        known = {"strategy": task["status"].get("strategy")}
        name = task["status"].get("envBuild")
        try:
            found = await self._kube.get(BUILDS, task["metadata"]["namespace"], name) if name else {}
        except NotFound:
            return known
        return known | (found.get("status") or {})

    async def _open_registry(self, host: str) -> RegistryClient:
        async with self._opening:
            if host not in self._registries:
                opened = clients.open_registry(self._wanted.store, host)
                self._registries[host] = await self._stack.enter_async_context(opened)
        return self._registries[host]


async def _clean_tree_commit(registry: RegistryClient, repository: str, status: dict[str, Any]) -> str:
    """The clean tree's one commit, for sources that are archives; empty for what older versions took in."""
    digest = (status.get("prepared") or {}).get("facts")
    if not digest:
        return ""
    facts = Facts.model_validate_json(await registry.get_blob(repository, digest, FACTS_LIMIT_BYTES))
    return facts.commit or ""


async def _kept_columns(task: dict[str, Any], texts: TextReader) -> dict[str, Any]:
    annotations = task["metadata"].get("annotations") or {}
    if ROW_ANNOTATION in annotations:
        found = json.loads(annotations[ROW_ANNOTATION])
    elif ROW_CONFIG_MAP_ANNOTATION in annotations:
        found = json.loads(await texts.read_config_map(annotations[ROW_CONFIG_MAP_ANNOTATION], "row.json"))
    else:
        found = {}
    return found if isinstance(found, dict) else {}
