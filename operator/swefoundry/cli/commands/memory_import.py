"""`swefoundry memory import`: what another registry remembers, so that a new cluster starts warm."""

import asyncio
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import typer

from swefoundry.cli import clients, console, options
from swefoundry.cli.commands.memory import store_of
from swefoundry.cli.datasets.memory_lines import BadLine, Line, read_lines
from swefoundry.cli.summary import Outcome
from swefoundry.contracts.digests import Digest
from swefoundry.drafts.proven_environment import Known
from swefoundry.errors import GiveUp, NotFound
from swefoundry.oci.content import digest_tag
from swefoundry.oci.copying import Repository, copy_manifest
from swefoundry.oci.proven_index import record_trial, remember
from swefoundry.oci.registry_client import Registry

REFERENCE = (
    "{missing} not in the registry: only its draft is kept, as a reference for recipes and agents. "
    "With --copy-from the image comes along."
)


def import_(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="Of `memory export`.")],
    copy_from: Annotated[
        str, typer.Option("--copy-from", help="host[:port] of a registry to copy missing images from.")
    ] = "",
    copy_insecure: Annotated[
        bool, typer.Option("--copy-from-insecure", help="Plain HTTP to that registry.")
    ] = False,
    copy_prefix: Annotated[
        str, typer.Option("--copy-from-prefix", help="Path of the task repositories in it.")
    ] = options.DEFAULT_PREFIX,
    registry: options.Remembering = "",
    insecure: options.Insecure = False,
    prefix: options.Prefix = options.DEFAULT_PREFIX,
    output: console.OutputOption = console.Format.TABLE,
) -> None:
    """Remember in this registry what was exported from another. Repeating it changes nothing.

    An entry whose image and source tree are in the registry, or were copied, is reused like one of its own. Of the
    others the draft is kept, as a reference. A bad line is told with its reason; the good ones go on.
    """
    target = store_of(registry, insecure, prefix)
    source = clients.Store(copy_from, copy_insecure, copy_prefix)
    arrival = Arrival(target, source)
    asyncio.run(_run(file, arrival))
    raise typer.Exit(arrival.outcome.show("environment", output))


@dataclass(frozen=True)
class Arrival:
    """Where the entries go, where images come from, and how it went."""

    target: clients.Store
    source: clients.Store
    """Without a host: nothing is copied."""
    outcome: Outcome = field(default_factory=Outcome)


async def _run(file: Path, arrival: Arrival) -> None:
    async with AsyncExitStack() as stack:
        target = await stack.enter_async_context(clients.registry(arrival.target))
        source = None
        if arrival.source.host:
            source = await stack.enter_async_context(clients.registry(arrival.source))
        for place, line in read_lines(file):
            if isinstance(line, BadLine):
                arrival.outcome.refuse(place, line.reason, line.name)
                continue
            try:
                await _remember(place, line, arrival, target, source)
            except GiveUp as error:
                arrival.outcome.refuse(place, str(error), line.known.repo)


async def _remember(
    place: str, line: Line, arrival: Arrival, target: Registry, source: Registry | None
) -> None:
    known = line.known
    here = Repository(target, arrival.target.repository(known.repo))
    there = Repository(source, arrival.source.repository(known.repo)) if source else None
    missing = await _still_missing(known, here, there)
    await remember(target, here.path, known, line.draft, reference=bool(missing))
    for build, accepted in line.trials.items():
        await record_trial(target, here.path, known.image, build, accepted)
    name = f"{known.repo}@{known.image}"
    if missing:
        arrival.outcome.note(f"{place} ({name}): {REFERENCE.format(missing=missing)}")
    arrival.outcome.good.append(f"{name}: {'reference' if missing else 'usable'}")


async def _still_missing(known: Known, here: Repository, there: Repository | None) -> str:
    """What is not in the registry, in words, after all that can be copied was."""
    missing = []
    for what, digest in (("image", known.image), ("source", known.source)):
        if not await _arrived(digest, what, here, there):
            missing.append(f"its {what} {digest}")
    return f"{' and '.join(missing)} {'are' if len(missing) > 1 else 'is'}" if missing else ""


async def _arrived(digest: Digest, what: str, here: Repository, there: Repository | None) -> bool:
    if await here.has(digest):
        return True
    if there is None:
        return False
    try:
        await copy_manifest(there, here, digest, digest_tag(digest, what))
    except NotFound:
        return False
    return True
