"""`swefoundry why NAME`: the page about one TaskInstance."""

import asyncio
import json
from collections.abc import Mapping
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.text import Text

from swefoundry.cli import clients, options
from swefoundry.cli import console as screen
from swefoundry.cli.evidence_reader import pull_evidence_files, task_repository
from swefoundry.cli.views.explanation import Explanation, RegistryEvidence, build_explanation
from swefoundry.cli.views.page import PageSection
from swefoundry.errors import NotFound, SwefoundryError
from swefoundry.kube.api_client import KubeClient
from swefoundry.kube.resources import BUILDS, TASKS
from swefoundry.text.log_excerpt import log_excerpt

EXPLAINED_STAGES = ("before", "after")
"""Stages whose logs tell why; `base` is only there to compare."""


def why(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of the TaskInstance.")],
    namespace: options.Namespace = "",
    context: options.Context = None,
    registry: options.RegistryHost = "",
    insecure: options.Insecure = False,
    prefix: options.Prefix = options.DEFAULT_PREFIX,
    output: screen.OutputOption = screen.OutputFormat.TABLE,
) -> None:
    """Tell what was tried for one TaskInstance, what failed, the telling lines, and what to do next."""
    place = clients.ClusterTarget(clients.resolve_namespace(namespace, context=context), context)
    story = asyncio.run(_explain(name, place, clients.RegistryTarget(registry, insecure, prefix)))
    if output is screen.OutputFormat.JSON:
        return screen.print_json(story.to_json_dict())
    print_explanation(story, screen.stdout())
    return None


async def _explain(name: str, place: clients.ClusterTarget, store: clients.RegistryTarget) -> Explanation:
    async with clients.open_cluster(place) as kube:
        task = await kube.get(TASKS, place.namespace, name)
        build = await _get_env_build(kube, task)
    return build_explanation(task, build, await _fetch_evidence(task, store))


async def _get_env_build(kube: KubeClient, task: Mapping[str, Any]) -> dict[str, Any] | None:
    name = (task.get("status") or {}).get("envBuild")
    try:
        return await kube.get(BUILDS, task["metadata"]["namespace"], name) if name else None
    except NotFound:
        return None


async def _fetch_evidence(task: Mapping[str, Any], store: clients.RegistryTarget) -> RegistryEvidence:
    """The telling lines of evaluations that did not pass, and the sets of the verdict; what fails is a note."""
    status = task.get("status") or {}
    wanted = [
        each
        for each in status.get("evaluations") or []
        if each.get("evidence") and each.get("code") != 0 and each["stage"] in EXPLAINED_STAGES
    ]
    if not wanted and not status.get("evidence"):
        return RegistryEvidence()
    host, repository = task_repository(task, store)
    logs: dict[str, str] = {}
    try:
        async with clients.open_registry(store, host) as opened:
            for each in wanted:
                files = await pull_evidence_files(opened, repository, each["evidence"])
                log = files.get("output.log", b"").decode(errors="replace")
                logs[f"{each['stage']} #{each['repeat']}"] = log_excerpt(log)
            tests: dict[str, list[str]] = {}
            if status.get("evidence"):
                files = await pull_evidence_files(opened, repository, status["evidence"])
                tests = json.loads(files["verdict.json"])["tests"]
    except SwefoundryError as error:
        hint = "" if store.host else " Give --registry if this machine reaches it under another name."
        return RegistryEvidence(note=f"{error}.{hint}")
    return RegistryEvidence(logs, tests)


def print_explanation(story: Explanation, console: Console) -> None:
    """The page on a terminal, a pipe or a file."""
    console.print(Text(screen.strip_control_chars(story.name), style="bold"))
    console.print(Text(screen.strip_control_chars(story.headline)))
    for section in story.sections:
        _print_section(section, console)
    console.print(_heading("What to do"))
    console.print(Text(story.remediation))


def _print_section(section: PageSection, console: Console) -> None:
    console.print(_heading(section.title))
    if section.rows:
        console.print(screen.table(section.columns, section.rows))
    for line in section.lines:
        console.print(Text(screen.strip_control_chars(line)))
    for where, text in section.logs:
        console.print(Text(f"\n{where}:", style="bold"))
        for line in screen.strip_control_chars(text).splitlines():
            console.print(Text(f"  {line}"))


def _heading(title: str) -> Text:
    return Text(f"\n── {title}", style="bold cyan")
