"""`swefoundry memory list` and `memory export`: which proven environments does a registry remember?"""

import asyncio
from pathlib import Path
from typing import IO, Annotated

import typer
from rich.text import Text

from swefoundry.cli import clients, console, options
from swefoundry.cli.commands.export import open_output
from swefoundry.cli.datasets.memory_lines import MemoryLine
from swefoundry.cli.summary import RunSummary
from swefoundry.contracts.draft import Draft
from swefoundry.drafts.proven_environment import (
    MAX_SURPLUS_REFUSALS,
    EnvironmentRecord,
    ProvenEnvironment,
    ReuseStats,
)
from swefoundry.errors import NotFound, PermanentError, RegistryRefused
from swefoundry.oci.proven_index import list_environments, reuse_outcomes
from swefoundry.oci.registry_client import RegistryClient

MEMORY_COLUMNS = ("repo", "version", "date", "by", "image", "reused", "refused", "state", "from")
DRAFT_LIMIT_BYTES = 1 << 20
BUILD_CACHE_SUFFIX = "/cache"
"""Ending of the repositories that hold layers of builds alone."""

Repos = Annotated[
    list[str] | None,
    typer.Argument(metavar="OWNER/NAME", help="Only these; default: all that the registry lists."),
]


def list_memory(
    repos: Repos = None,
    registry: options.RegistryRequired = "",
    insecure: options.Insecure = False,
    prefix: options.Prefix = options.DEFAULT_PREFIX,
    output: console.OutputOption = console.OutputFormat.TABLE,
) -> None:
    """List the proven environments that the next commits of a repository may reuse, and how reuse went so far."""
    found = asyncio.run(_list_environments(required_registry(registry, insecure, prefix), repos or []))
    if output is console.OutputFormat.JSON:
        return console.print_json([_to_json_dict(each) for each in found])
    console.stdout().print(
        console.table(MEMORY_COLUMNS, map(_row_cells, found))
        if found
        else Text("Nothing is remembered here.")
    )
    return None


def export_memory(
    repos: Repos = None,
    out: Annotated[Path | None, typer.Option("--out", help="File to write; default: stdout.")] = None,
    registry: options.RegistryRequired = "",
    insecure: options.Insecure = False,
    prefix: options.Prefix = options.DEFAULT_PREFIX,
    output: console.OutputOption = console.OutputFormat.TABLE,
) -> None:
    """Write what is remembered to a file of JSON lines: entries, their drafts, how reuse went. Images stay."""
    store, outcome = required_registry(registry, insecure, prefix), RunSummary()
    with open_output(out) as target:
        asyncio.run(_export_lines(store, repos or [], target, outcome))
    quiet = out is None or str(out) == "-"
    raise typer.Exit(outcome.print_summary("environment", output, quiet))


def required_registry(registry: str, insecure: bool, prefix: str) -> clients.RegistryTarget:
    """The registry that the options name: here there is no image whose name could say it."""
    if not registry:
        raise typer.BadParameter("which registry? Give its host[:port]", param_hint="--registry")
    return clients.RegistryTarget(registry, insecure, prefix)


async def _list_environments(target: clients.RegistryTarget, repos: list[str]) -> list[ProvenEnvironment]:
    async with clients.open_registry(target) as opened:
        paths = await _repository_paths(opened, target, repos)
        found = [each for path in paths for each in await list_environments(opened, path, {})]
    return sorted(
        found, key=lambda each: (each.known.repo, each.reference, each.known.version or "", each.known.image)
    )


async def _repository_paths(
    registry: RegistryClient, target: clients.RegistryTarget, repos: list[str]
) -> list[str]:
    """Of the repositories named, else of all task repositories."""
    if repos:
        return [target.repository(repo) for repo in repos]
    try:
        listed = await registry.list_repositories()
    except (NotFound, RegistryRefused) as error:
        raise PermanentError(
            f"{target.host} does not list its repositories; name those that you mean: {error}"
        ) from error
    start = target.prefix.strip("/") + "/"
    return sorted(path for path in listed if path.startswith(start) and not path.endswith(BUILD_CACHE_SUFFIX))


async def _export_lines(
    registry: clients.RegistryTarget, repos: list[str], target: IO[str], outcome: RunSummary
) -> None:
    async with clients.open_registry(registry) as opened:
        for path in await _repository_paths(opened, registry, repos):
            tags = await opened.list_tags(path)
            for each in await list_environments(opened, path, {}):
                name = f"{each.known.repo}@{each.known.image}"
                try:
                    line = await _memory_line(opened, path, each.known, tags)
                except (PermanentError, ValueError) as error:
                    outcome.reject(path, f"its draft cannot be read: {error}", name)
                    continue
                target.write(line.to_line() + "\n")
                outcome.succeeded.append(name)


async def _memory_line(
    registry: RegistryClient, path: str, known: EnvironmentRecord, tags: list[str]
) -> MemoryLine:
    text = await registry.get_blob(path, known.draft, DRAFT_LIMIT_BYTES)
    draft = Draft.model_validate_json(text)
    return MemoryLine(known=known, draft=draft, trials=reuse_outcomes(tags, known.image))


def reuse_state(trials: ReuseStats, reference: bool) -> str:
    """What the strategy `reuse` makes of it."""
    surplus = trials.refused - trials.accepted
    if reference:
        return "reference"
    return (
        "usable"
        if surplus < MAX_SURPLUS_REFUSALS
        else "last resort"
        if surplus == MAX_SURPLUS_REFUSALS
        else "demoted"
    )


def _row_cells(each: ProvenEnvironment) -> tuple[object, ...]:
    known = each.known
    return (
        known.repo,
        known.version,
        known.created_at.date() if known.created_at else "",
        known.strategy,
        known.image[: len("sha256:") + 12],
        each.trials.accepted,
        each.trials.refused,
        reuse_state(each.trials, each.reference),
        known.env_build,
    )


def _to_json_dict(each: ProvenEnvironment) -> dict[str, object]:
    return {
        **each.known.to_json_dict(),
        "trials": each.trials.to_json_dict(),
        "state": reuse_state(each.trials, each.reference),
    }
