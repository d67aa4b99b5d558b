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
from swefoundry.cli.datasets.instance import ROW, ROW_CONFIG_MAP
from swefoundry.cli.datasets.rows.exported import Unfit, Validated, factory_status, swe_bench_row
from swefoundry.cli.evidence_reader import Texts, evaluation_files, store_of_task
from swefoundry.cli.summary import Outcome
from swefoundry.cli.views.progress import FINISHED
from swefoundry.contracts.facts import Facts
from swefoundry.errors import GiveUp, NotFound
from swefoundry.grading.verdict_bundle import FILE_NAME, VerdictBundle
from swefoundry.kube.api_client import Kube
from swefoundry.kube.resources import BUILDS, TASKS
from swefoundry.oci.registry_client import Registry

AT_ONCE = 8
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
    place = clients.Place(clients.namespace_of(namespace, all_namespaces, context), context)
    wanted = Export(
        store=clients.Store(registry, insecure, prefix),
        verdicts=frozenset(verdict or ["fail2pass"]),
        allow_empty=allow_empty,
    )
    with opened_output(out) as target:
        asyncio.run(_run(place, selector, wanted, export_format, target))
    raise typer.Exit(wanted.outcome.show("row", console.Format.TABLE))


@dataclass(frozen=True)
class Export:
    """What becomes a row, and how the export went."""

    store: clients.Store
    verdicts: frozenset[str]
    allow_empty: bool
    outcome: Outcome = field(default_factory=Outcome)


@contextmanager
def opened_output(out: Path | None) -> Iterator[IO[str]]:
    """The file, replaced only when all went well; or stdout."""
    if out is None or str(out) == "-":
        yield sys.stdout
        return
    out.parent.mkdir(parents=True, exist_ok=True)
    part = out.with_name(f".{out.name}.part")
    with part.open("w", encoding="utf-8", newline="\n") as target:
        yield target
    part.replace(out)


async def _run(
    place: clients.Place, selector: str, wanted: Export, export_format: ExportFormat, target: IO[str]
) -> None:
    async with clients.cluster(place) as kube:
        tasks = [body async for body in kube.list(TASKS, place.namespace, selector)]
        tasks.sort(key=lambda body: (body["metadata"]["namespace"], body["metadata"]["name"]))
        if export_format is ExportFormat.SWE_FACTORY_STATUS:
            json.dump(_status(tasks, wanted.outcome), target, indent=2)
            target.write("\n")
            return
        async for name, row in _rows(kube, tasks, wanted):
            # ASCII, because a bare U+2028 or half a character breaks many a reader of JSON lines.
            target.write(json.dumps(row, ensure_ascii=True) + "\n")
            wanted.outcome.good.append(name)


def _status(tasks: Iterable[dict[str, Any]], outcome: Outcome) -> dict[str, Any]:
    listed: list[tuple[str, str | None]] = []
    waiting = 0
    for task in tasks:
        status = task.get("status") or {}
        if status.get("phase") not in FINISHED:
            waiting += 1
            continue
        listed.append((task["spec"]["instanceId"], status.get("verdict")))
        outcome.good.append(task["metadata"]["name"])
    if waiting:
        outcome.note(f"{waiting} have not finished and are not in the file")
    return factory_status(listed)


async def _rows(
    kube: Kube, tasks: Iterable[dict[str, Any]], wanted: Export
) -> AsyncIterator[tuple[str, dict[str, Any]]]:
    chosen = [task for task in tasks if (task.get("status") or {}).get("verdict") in wanted.verdicts]
    async with AsyncExitStack() as stack:
        reader = Reader(kube, wanted, stack)
        for start in range(0, len(chosen), AT_ONCE):
            batch = chosen[start : start + AT_ONCE]
            for task, row in zip(batch, await asyncio.gather(*map(reader.row, batch)), strict=True):
                if row is not None:
                    yield task["metadata"]["name"], row


class Reader:
    """Reads what rows are made of; keeps one connection per registry."""

    def __init__(self, kube: Kube, wanted: Export, stack: AsyncExitStack) -> None:
        self._kube = kube
        self._wanted = wanted
        self._stack = stack
        self._registries: dict[str, Registry] = {}
        self._opening = asyncio.Lock()

    async def row(self, task: dict[str, Any]) -> dict[str, Any] | None:
        """The row; ``None`` for one that was refused."""
        name = task["metadata"]["name"]
        try:
            return swe_bench_row(await self._validated(task), self._wanted.allow_empty)
        except (Unfit, NotFound, GiveUp, KeyError, ValueError) as error:
            self._wanted.outcome.refuse(name, str(error) or type(error).__name__, task["spec"]["instanceId"])
            return None

    async def _validated(self, task: dict[str, Any]) -> Validated:
        spec, status = task["spec"], task["status"]
        host, repository = store_of_task(task, self._wanted.store)
        registry = await self._registry(host)
        texts = Texts(self._kube, registry, repository, task["metadata"]["namespace"])
        if not status.get("evidence"):
            raise Unfit("it has no verdict bundle")
        files = await evaluation_files(registry, repository, status["evidence"])
        return Validated(
            spec=spec,
            bundle=VerdictBundle.model_validate_json(files[FILE_NAME]),
            evidence=status["evidence"],
            gold=await texts.read(spec["goldPatch"]),
            tests=await texts.read(spec["testPatch"]),
            problem=(await texts.read(spec.get("problemStatement"))).decode(errors="replace"),
            base_commit="" if spec.get("baseCommit") else await _commit(registry, repository, status),
            extra=await _kept_columns(task, texts),
            experiment=(task["metadata"].get("labels") or {}).get(EXPERIMENT, ""),
            made=await self._made(task),
        )

    async def _made(self, task: dict[str, Any]) -> dict[str, Any]:
        """Status of the EnvBuild; of one that is gone the task still knows the strategy."""
        known = {"strategy": task["status"].get("strategy")}
        name = task["status"].get("envBuild")
        try:
            found = await self._kube.get(BUILDS, task["metadata"]["namespace"], name) if name else {}
        except NotFound:
            return known
        return known | (found.get("status") or {})

    async def _registry(self, host: str) -> Registry:
        async with self._opening:
            if host not in self._registries:
                opened = clients.registry(self._wanted.store, host)
                self._registries[host] = await self._stack.enter_async_context(opened)
        return self._registries[host]


async def _commit(registry: Registry, repository: str, status: dict[str, Any]) -> str:
    """The clean tree's one commit, for sources that are archives; empty for what older versions took in."""
    digest = (status.get("prepared") or {}).get("facts")
    if not digest:
        return ""
    facts = Facts.model_validate_json(await registry.get_blob(repository, digest, FACTS_LIMIT_BYTES))
    return facts.commit or ""


async def _kept_columns(task: dict[str, Any], texts: Texts) -> dict[str, Any]:
    annotations = task["metadata"].get("annotations") or {}
    if ROW in annotations:
        found = json.loads(annotations[ROW])
    elif ROW_CONFIG_MAP in annotations:
        found = json.loads(await texts.config_map(annotations[ROW_CONFIG_MAP], "row.json"))
    else:
        found = {}
    return found if isinstance(found, dict) else {}
