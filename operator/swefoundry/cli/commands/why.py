"""`swefoundry why NAME`: a page that explains the state of one TaskInstance."""

import asyncio
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from swefoundry.cli import clients, console, options
from swefoundry.cli.api_objects import KubernetesObject, status_of
from swefoundry.cli.evidence_reader import pull_evidence_files, read_env_build, task_repository
from swefoundry.cli.views.explanation import Explanation, RegistryEvidence, build_explanation
from swefoundry.cli.views.page import print_heading, print_section
from swefoundry.contracts.evaluation import OUTPUT_FILE
from swefoundry.errors import SwefoundryError
from swefoundry.grading.verdict_bundle import VERDICT_FILE, VerdictBundle
from swefoundry.kube.resources import TASKS
from swefoundry.oci.registry_client import RegistryClient
from swefoundry.text.log_excerpt import log_excerpt

EXPLAINED_STAGES = ("before", "after")
"""Stages whose logs explain a verdict; `base` is only there to compare."""
TOLERATED = "tolerated failures"


def why(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of the TaskInstance.")],
    namespace: options.Namespace = "",
    context: options.Context = None,
    registry: options.RegistryHost = "",
    insecure: options.Insecure = False,
    prefix: options.Prefix = options.DEFAULT_PREFIX,
    output: console.OutputOption = console.OutputFormat.TABLE,
) -> None:
    """Explain one TaskInstance: what was tried, what failed, log excerpts, and what to do next."""
    cluster = clients.cluster_target(namespace, context)
    target = clients.RegistryTarget(registry, insecure, prefix)
    explanation = asyncio.run(_explain(name, cluster, target))
    if output is console.OutputFormat.JSON:
        console.print_json(explanation.to_json_dict())
    else:
        print_explanation(explanation, console.stdout())


async def _explain(name: str, cluster: clients.ClusterTarget, target: clients.RegistryTarget) -> Explanation:
    async with clients.open_cluster(cluster) as kube:
        task = await kube.get(TASKS, cluster.namespace, name)
        build = await read_env_build(kube, task)
    return build_explanation(task, build, await _fetch_evidence(task, target))


async def _fetch_evidence(task: KubernetesObject, target: clients.RegistryTarget) -> RegistryEvidence:
    """Log excerpts of the evaluations that did not pass, and the verdict's sets of tests; a note on failure."""
    status = status_of(task)
    unsuccessful = [
        evaluation
        for evaluation in status.get("evaluations") or []
        if evaluation.get("evidence")
        and evaluation.get("code") != 0
        and evaluation["stage"] in EXPLAINED_STAGES
    ]
    if not unsuccessful and not status.get("evidence"):
        return RegistryEvidence()
    host, repository = task_repository(task, target)
    try:
        async with clients.open_registry(target, host) as registry:
            logs = {
                f"{evaluation['stage']} #{evaluation['repeat']}": await _log_excerpt(
                    registry, repository, evaluation["evidence"]
                )
                for evaluation in unsuccessful
            }
            tests = await _sets_of_tests(registry, repository, status.get("evidence"))
    except SwefoundryError as error:
        hint = "" if target.host else " Give --registry if this machine reaches it under another name."
        return RegistryEvidence(note=f"{error}.{hint}")
    return RegistryEvidence(logs, tests)


async def _log_excerpt(registry: RegistryClient, repository: str, evidence: str) -> str:
    files = await pull_evidence_files(registry, repository, evidence)
    return log_excerpt(files.get(OUTPUT_FILE, b"").decode(errors="replace"))


async def _sets_of_tests(
    registry: RegistryClient, repository: str, evidence: str | None
) -> dict[str, list[str]]:
    if not evidence:
        return {}
    files = await pull_evidence_files(registry, repository, evidence)
    bundle = VerdictBundle.model_validate_json(files[VERDICT_FILE])
    tolerated = {TOLERATED: bundle.tolerated_failures} if bundle.tolerated_failures else {}
    return bundle.tests | tolerated


def print_explanation(explanation: Explanation, terminal: Console) -> None:
    """Print the page on a terminal, a pipe or a file."""
    terminal.print(Text(console.strip_control_chars(explanation.name), style="bold"))
    terminal.print(Text(console.strip_control_chars(explanation.headline)))
    for section in explanation.sections:
        print_section(section, terminal)
    print_heading("What to do", terminal)
    terminal.print(Text(explanation.remediation))
