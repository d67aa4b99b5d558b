"""`swefoundry memory import`: proven environments of another registry, so that a new cluster can reuse them."""

import asyncio
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import typer

from swefoundry.cli import clients, console, options
from swefoundry.cli.commands.memory import required_registry
from swefoundry.cli.datasets.memory_lines import MemoryLine, RejectedLine, read_lines
from swefoundry.cli.summary import RunSummary
from swefoundry.contracts.digests import Digest
from swefoundry.drafts.proven_environment import EnvironmentRecord
from swefoundry.errors import NotFound, PermanentError
from swefoundry.oci.content import digest_tag
from swefoundry.oci.copying import Repository, copy_manifest
from swefoundry.oci.proven_index import push_environment_record, record_trial
from swefoundry.oci.registry_client import RegistryClient

REFERENCE_ONLY = (
    "{missing} not in the registry: only its draft is kept, as a reference for recipes and agents. "
    "Give --copy-from to copy images."
)


def import_memory(
    file: Annotated[
        Path, typer.Argument(exists=True, dir_okay=False, help="File that `memory export` wrote.")
    ],
    copy_from: Annotated[
        str, typer.Option("--copy-from", help="host[:port] of a registry to copy missing images from.")
    ] = "",
    copy_insecure: Annotated[
        bool, typer.Option("--copy-from-insecure", help="Use plain HTTP to that registry.")
    ] = False,
    copy_prefix: Annotated[
        str, typer.Option("--copy-from-prefix", help="Path of the task repositories in that registry.")
    ] = options.DEFAULT_PREFIX,
    registry: options.RegistryRequired = "",
    insecure: options.Insecure = False,
    prefix: options.Prefix = options.DEFAULT_PREFIX,
    output: console.OutputOption = console.OutputFormat.TABLE,
) -> None:
    """Add exported environments to this registry. Repeating the command changes nothing.

    An environment whose image and source tree are in the registry, or were copied, can be reused. Of the others only
    the draft is kept, as a reference. A bad line is reported with the reason; the others are imported.
    """
    target = required_registry(registry, insecure, prefix)
    source = clients.RegistryTarget(copy_from, copy_insecure, copy_prefix)
    run = MemoryImport(target, source)
    asyncio.run(_import_lines(file, run))
    raise typer.Exit(run.summary.print_summary("environment", output))


@dataclass(frozen=True)
class MemoryImport:
    """Registry to add to, registry to copy from, and the result so far."""

    target: clients.RegistryTarget
    source: clients.RegistryTarget
    """Without a host nothing is copied."""
    summary: RunSummary = field(default_factory=RunSummary)


async def _import_lines(file: Path, run: MemoryImport) -> None:
    async with AsyncExitStack() as stack:
        target = await stack.enter_async_context(clients.open_registry(run.target))
        source = None
        if run.source.host:
            source = await stack.enter_async_context(clients.open_registry(run.source))
        for place, line in read_lines(file):
            if isinstance(line, RejectedLine):
                run.summary.reject(place, line.reason, line.name)
                continue
            try:
                await _import_line(place, line, run, target, source)
            except PermanentError as error:
                run.summary.reject(place, str(error), line.known.repo)


async def _import_line(
    place: str, line: MemoryLine, run: MemoryImport, target: RegistryClient, source: RegistryClient | None
) -> None:
    known = line.known
    here = Repository(target, run.target.repository(known.repo))
    there = Repository(source, run.source.repository(known.repo)) if source else None
    missing = await _missing_contents(known, here, there)
    await push_environment_record(target, here.path, known, line.draft, reference=bool(missing))
    for build, accepted in line.trials.items():
        await record_trial(target, here.path, known.image, build, accepted)
    name = f"{known.repo}@{known.image}"
    if missing:
        run.summary.add_note(f"{place} ({name}): {REFERENCE_ONLY.format(missing=missing)}")
    run.summary.succeeded.append(f"{name}: {'reference' if missing else 'usable'}")


async def _missing_contents(known: EnvironmentRecord, here: Repository, there: Repository | None) -> str:
    """What is still missing in the registry after copying, as the subject of a sentence; empty for nothing."""
    missing = []
    for what, digest in (("image", known.image), ("source", known.source)):
        if not await _is_present_or_copied(digest, what, here, there):
            missing.append(f"its {what} {digest}")
    return f"{' and '.join(missing)} {'are' if len(missing) > 1 else 'is'}" if missing else ""


async def _is_present_or_copied(
    digest: Digest, what: str, here: Repository, there: Repository | None
) -> bool:
    if await here.has(digest):
        return True
    if there is None:
        return False
    try:
        await copy_manifest(there, here, digest, digest_tag(digest, what))
    except NotFound:
        return False
    return True
