"""`swefoundry memory list` and `memory export`: which proven environments does a registry remember?"""

import asyncio
from pathlib import Path
from typing import IO, Annotated

import typer
from rich.text import Text

from swefoundry.cli import clients, console, options
from swefoundry.cli.commands.export import opened_output
from swefoundry.cli.datasets.memory_lines import Line
from swefoundry.cli.summary import Outcome
from swefoundry.contracts.draft import Draft
from swefoundry.drafts.proven_environment import DEMOTED, Known, Proven, Trials
from swefoundry.errors import GiveUp, NotFound, RegistryRefused
from swefoundry.oci.proven_index import recall, trials_of
from swefoundry.oci.registry_client import Registry

COLUMNS = ("repo", "version", "date", "by", "image", "reused", "refused", "state", "from")
DRAFT_LIMIT_BYTES = 1 << 20
CACHE = "/cache"
"""Ending of the repositories that hold layers of builds alone."""

Repos = Annotated[
    list[str] | None,
    typer.Argument(metavar="OWNER/NAME", help="Only these; default: all that the registry lists."),
]


def list_(
    repos: Repos = None,
    registry: options.Remembering = "",
    insecure: options.Insecure = False,
    prefix: options.Prefix = options.DEFAULT_PREFIX,
    output: console.OutputOption = console.Format.TABLE,
) -> None:
    """List the proven environments that the next commits of a repository may reuse, and how reuse went so far."""
    found = asyncio.run(_all(store_of(registry, insecure, prefix), repos or []))
    if output is console.Format.JSON:
        return console.print_json([_wire(each) for each in found])
    console.stdout().print(
        console.table(COLUMNS, map(_cells, found)) if found else Text("Nothing is remembered here.")
    )
    return None


def export_(
    repos: Repos = None,
    out: Annotated[Path | None, typer.Option("--out", help="File to write; default: stdout.")] = None,
    registry: options.Remembering = "",
    insecure: options.Insecure = False,
    prefix: options.Prefix = options.DEFAULT_PREFIX,
    output: console.OutputOption = console.Format.TABLE,
) -> None:
    """Write what is remembered to a file of JSON lines: entries, their drafts, how reuse went. Images stay."""
    store, outcome = store_of(registry, insecure, prefix), Outcome()
    with opened_output(out) as target:
        asyncio.run(_export(store, repos or [], target, outcome))
    quiet = out is None or str(out) == "-"
    raise typer.Exit(outcome.show("environment", output, quiet))


def store_of(registry: str, insecure: bool, prefix: str) -> clients.Store:
    """The registry that the options name: here there is no image whose name could say it."""
    if not registry:
        raise typer.BadParameter("which registry? Give its host[:port]", param_hint="--registry")
    return clients.Store(registry, insecure, prefix)


async def _all(store: clients.Store, repos: list[str]) -> list[Proven]:
    async with clients.registry(store) as opened:
        paths = await _paths(opened, store, repos)
        found = [each for path in paths for each in await recall(opened, path, {})]
    return sorted(
        found, key=lambda each: (each.known.repo, each.reference, each.known.version or "", each.known.image)
    )


async def _paths(registry: Registry, store: clients.Store, repos: list[str]) -> list[str]:
    """Of the repositories named, else of all task repositories."""
    if repos:
        return [store.repository(repo) for repo in repos]
    try:
        listed = await registry.list_repositories()
    except (NotFound, RegistryRefused) as error:
        raise GiveUp(
            f"{store.host} does not list its repositories; name those that you mean: {error}"
        ) from error
    start = store.prefix.strip("/") + "/"
    return sorted(path for path in listed if path.startswith(start) and not path.endswith(CACHE))


async def _export(store: clients.Store, repos: list[str], target: IO[str], outcome: Outcome) -> None:
    async with clients.registry(store) as opened:
        for path in await _paths(opened, store, repos):
            tags = await opened.list_tags(path)
            for each in await recall(opened, path, {}):
                name = f"{each.known.repo}@{each.known.image}"
                try:
                    line = await _line(opened, path, each.known, tags)
                except (GiveUp, ValueError) as error:
                    outcome.refuse(path, f"its draft cannot be read: {error}", name)
                    continue
                target.write(line.text() + "\n")
                outcome.good.append(name)


async def _line(registry: Registry, path: str, known: Known, tags: list[str]) -> Line:
    text = await registry.get_blob(path, known.draft, DRAFT_LIMIT_BYTES)
    draft = Draft.model_validate_json(text)
    return Line(known=known, draft=draft, trials=trials_of(tags, known.image))


def state(trials: Trials, reference: bool) -> str:
    """What the strategy `reuse` makes of it."""
    surplus = trials.refused - trials.accepted
    if reference:
        return "reference"
    return "usable" if surplus < DEMOTED else "last resort" if surplus == DEMOTED else "demoted"


def _cells(each: Proven) -> tuple[object, ...]:
    known = each.known
    return (
        known.repo,
        known.version,
        known.created_at.date() if known.created_at else "",
        known.strategy,
        known.image[: len("sha256:") + 12],
        each.trials.accepted,
        each.trials.refused,
        state(each.trials, each.reference),
        known.env_build,
    )


def _wire(each: Proven) -> dict[str, object]:
    return {**each.known.wire(), "trials": each.trials.wire(), "state": state(each.trials, each.reference)}
