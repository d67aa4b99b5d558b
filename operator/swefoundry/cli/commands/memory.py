"""`swefoundry memory list` and `memory export`: the proven environments of a registry."""

import asyncio
from typing import IO, Annotated

import typer
from rich.text import Text

from swefoundry.cli import clients, console, options
from swefoundry.cli.datasets.memory_lines import MemoryLine
from swefoundry.cli.output_file import open_output
from swefoundry.cli.summary import RunSummary
from swefoundry.cli.task_repositories import task_repository_paths
from swefoundry.cli.views.memory_table import MEMORY_COLUMNS, environment_cells, environment_json
from swefoundry.contracts.draft import Draft
from swefoundry.drafts.proven_environment import EnvironmentRecord, ProvenEnvironment
from swefoundry.errors import PermanentError
from swefoundry.oci.proven_index import list_environments, reuse_outcomes
from swefoundry.oci.registry_client import RegistryClient

STORED_DRAFT_LIMIT_BYTES = 1 << 20

Repos = Annotated[
    list[str] | None,
    typer.Argument(metavar="OWNER/NAME", help="Repositories to show; default: all that the registry lists."),
]


def list_memory(
    repos: Repos = None,
    registry: options.RegistryRequired = "",
    insecure: options.Insecure = False,
    prefix: options.Prefix = options.DEFAULT_PREFIX,
    output: console.OutputOption = console.OutputFormat.TABLE,
) -> None:
    """List the proven environments that later commits of a repository may reuse, and how often reuse succeeded."""
    target = required_registry(registry, insecure, prefix)
    environments = asyncio.run(_list_environments(target, repos or []))
    if output is console.OutputFormat.JSON:
        console.print_json([environment_json(environment) for environment in environments])
    elif environments:
        console.stdout().print(console.table(MEMORY_COLUMNS, map(environment_cells, environments)))
    else:
        console.stdout().print(Text("No proven environments here."))


def export_memory(
    repos: Repos = None,
    out: options.OutFile = None,
    registry: options.RegistryRequired = "",
    insecure: options.Insecure = False,
    prefix: options.Prefix = options.DEFAULT_PREFIX,
    output: console.OutputOption = console.OutputFormat.TABLE,
) -> None:
    """Write proven environments, with their drafts and how reuse went, as JSON lines. Images are not exported."""
    source, summary = required_registry(registry, insecure, prefix), RunSummary()
    with open_output(out) as file:
        asyncio.run(_export_lines(source, repos or [], file, summary))
    quiet = out is None or str(out) == "-"
    raise typer.Exit(summary.print_summary("environment", output, quiet))


def required_registry(registry: str, insecure: bool, prefix: str) -> clients.RegistryTarget:
    """Target for the options. Its host is required: there is no image name to take it from."""
    if not registry:
        raise typer.BadParameter("a host[:port] is required", param_hint="--registry")
    return clients.RegistryTarget(registry, insecure, prefix)


async def _list_environments(target: clients.RegistryTarget, repos: list[str]) -> list[ProvenEnvironment]:
    async with clients.open_registry(target) as registry:
        paths = await task_repository_paths(registry, target, repos)
        environments = [each for path in paths for each in await list_environments(registry, path, {})]
    return sorted(environments, key=_sort_key)


def _sort_key(environment: ProvenEnvironment) -> tuple[str, bool, str, str]:
    known = environment.known
    return known.repo, environment.reference, known.version or "", known.image


async def _export_lines(
    source: clients.RegistryTarget, repos: list[str], file: IO[str], summary: RunSummary
) -> None:
    async with clients.open_registry(source) as registry:
        for path in await task_repository_paths(registry, source, repos):
            tags = await registry.list_tags(path)
            for environment in await list_environments(registry, path, {}):
                known = environment.known
                name = f"{known.repo}@{known.image}"
                try:
                    line = await _memory_line(registry, path, known, tags)
                except (PermanentError, ValueError) as error:
                    summary.reject(path, f"its draft cannot be read: {error}", name)
                    continue
                file.write(line.to_line() + "\n")
                summary.succeeded.append(name)


async def _memory_line(
    registry: RegistryClient, path: str, known: EnvironmentRecord, tags: list[str]
) -> MemoryLine:
    text = await registry.get_blob(path, known.draft, STORED_DRAFT_LIMIT_BYTES)
    draft = Draft.model_validate_json(text)
    return MemoryLine(known=known, draft=draft, trials=reuse_outcomes(tags, known.image))
