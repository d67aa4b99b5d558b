"""`swefoundry retry`: start the work of TaskInstances again that ended without a verdict."""

import asyncio
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from swefoundry.api import labels
from swefoundry.cli import clients, console, options
from swefoundry.cli.api_objects import namespaced_name, status_of
from swefoundry.cli.commands.status import TaskQuery
from swefoundry.cli.exit_status import ExitStatus
from swefoundry.cli.views.progress import leading_condition
from swefoundry.kube.resources import TASKS


def retry(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="NAME", help="TaskInstances to start again.")
    ] = None,
    selector: options.Selector = "",
    reason: Annotated[
        str,
        typer.Option("--reason", help="Only those that ended for this reason, such as InfrastructureFault."),
    ] = "",
    namespace: options.Namespace = "",
    all_namespaces: options.AllNamespaces = False,
    context: options.Context = None,
) -> None:
    """Start TaskInstances again that ended without a verdict; what is proven already is kept."""
    if not (names or selector or reason):
        raise typer.BadParameter("name TaskInstances, or choose them with --selector or --reason")
    target = clients.cluster_target(namespace, context, all_namespaces)
    query = TaskQuery(target, selector, frozenset(names or ()))
    refused = asyncio.run(_retry(query, reason))
    raise typer.Exit(ExitStatus.SOME_REJECTED if refused and names else ExitStatus.OK)


async def _retry(query: TaskQuery, reason: str) -> int:
    """Annotate what failed; the number of those with nothing to retry."""
    value, refused = datetime.now(UTC).isoformat(timespec="microseconds"), 0
    async with clients.open_cluster(query.target) as kube:
        for body in sorted(await query.list(kube), key=namespaced_name):
            ended, nothing = _why_it_ended(body)
            if reason and ended != reason:
                continue
            namespace, name = namespaced_name(body)
            if nothing:
                refused += 1
                console.print_note(f"{namespace}/{name}: {nothing}")
                continue
            change = {"metadata": {"annotations": {labels.RETRY: value}}}
            await kube.patch(TASKS, namespace, name, change)
            typer.echo(f"{namespace}/{name}: retried after {ended}")
    return refused


def _why_it_ended(body: dict[str, Any]) -> tuple[str, str]:
    """The reason of the end, and why there is nothing to retry."""
    status = status_of(body)
    reason, _ = leading_condition(status.get("conditions") or ())
    if status.get("verdict"):
        return reason, f"nothing to retry: the verdict is {status['verdict']}"
    return reason, "" if status.get("phase") == "Failed" else "nothing to retry: it has not ended"
