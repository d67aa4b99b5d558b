"""Command line of the lab."""

import fcntl
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from swefoundry_lab import prerequisites
from swefoundry_lab.errors import LabError
from swefoundry_lab.images.cli import app as images_app
from swefoundry_lab.layout import Lab
from swefoundry_lab.steps import Steps

app = typer.Typer(
    help="A Kubernetes cluster on this machine, for trials and tests.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
node_app = typer.Typer(
    help="Kill, start and remove single nodes, to test failures of nodes.", no_args_is_help=True
)
app.add_typer(node_app, name="node")
app.add_typer(images_app, name="images")
console = Console(highlight=False, soft_wrap=True)


@app.command()
def up(
    nodes: Annotated[int, typer.Option(min=1, max=2, help="Number of nodes.")] = 1,
) -> None:
    """Start the lab, or those of its programs that are not running."""
    from swefoundry_lab.up import up as start_lab

    if os.environ.get("SWEFOUNDRY_CLUSTER") == "current":
        console.print(f"Using the current context [bold]{current_context()}[/]; the lab is not started.")
        return
    lab, steps = Lab.from_environment(), Steps(console)
    with exclusive(lab):
        start_lab(lab, steps, nodes)
    console.print(f"The lab is running ({steps.total()}). To use it:")
    console.print(f'  export KUBECONFIG={lab.kubeconfig} PATH="{lab.bin}:$PATH"')


@app.command()
def down() -> None:
    """Stop the lab, and remove its processes, mounts, interfaces and firewall rules. Data and caches are kept."""
    from swefoundry_lab.down import down as stop_lab

    lab, steps = Lab.from_environment(), Steps(console)
    with exclusive(lab):
        stop_lab(lab, steps)


@app.command()
def reset() -> None:
    """Stop the lab and delete the cluster's objects, pods and pulled images. Programs and registry are kept."""
    from swefoundry_lab.down import delete_state
    from swefoundry_lab.down import down as stop_lab

    lab, steps = Lab.from_environment(), Steps(console)
    with exclusive(lab):
        stop_lab(lab, steps)
        delete_state(lab, steps)


@app.command()
def status() -> None:
    """Show the programs and nodes. The exit code is 1 unless all of them are running."""
    from swefoundry_lab.status import show

    prerequisites.require_root()
    raise typer.Exit(0 if show(Lab.from_environment(), console) else 1)


@app.command()
def install(
    sets: Annotated[
        list[str], typer.Option("--set", help="More values for the chart, in the syntax of helm.")
    ] = [],  # noqa: B006
) -> None:
    """Install or upgrade swefoundry on the lab: images, namespaces and chart."""
    from swefoundry_lab.install import install as install_release

    install_release(Lab.from_environment(), Steps(console), tuple(sets))


@app.command("run")
def run_out_of_cluster(
    release: Annotated[str, typer.Option(help="Name of the installed Deployment.")] = "swefoundry",
    namespace: Annotated[str, typer.Option(help="Its namespace.")] = "swefoundry",
) -> None:
    """Run this checkout's operator on this machine in place of the installed one; restart it when a file changes."""
    from swefoundry_lab.out_of_cluster import run_operator

    run_operator(release, namespace, console)


@node_app.command("kill")
def node_kill(name: Annotated[str, typer.Argument(help="lab-1 or lab-2")]) -> None:
    """Kill a node's kubelet and containerd. Its containers continue to run."""
    from swefoundry_lab.faults import kill_node

    kill_node(Lab.from_environment(), name)


@node_app.command("start")
def node_start(name: Annotated[str, typer.Argument(help="lab-1 or lab-2")]) -> None:
    """Start the programs of a node that are not running."""
    from swefoundry_lab.faults import start_node

    start_node(Lab.from_environment(), Steps(console), name)


@node_app.command("remove")
def node_remove(name: Annotated[str, typer.Argument(help="lab-2")]) -> None:
    """Remove the second node completely."""
    from swefoundry_lab.faults import remove_node

    lab = Lab.from_environment()
    with exclusive(lab):
        remove_node(lab, name)


def current_context() -> str:
    """Name of the kubeconfig's current context."""
    from kubernetes import config

    try:
        _, active = config.list_kube_config_contexts()  # type: ignore[no-untyped-call]
    except config.ConfigException as error:
        raise LabError(f"SWEFOUNDRY_CLUSTER=current, but there is no current context: {error}") from error
    return str(active["name"])


@contextmanager
def exclusive(lab: Lab) -> Iterator[None]:
    """Lock the lab, so that only one command at a time changes it; a second command waits."""
    prerequisites.require_root()
    prerequisites.require_only_lab(lab)
    lab.prepare()
    with (lab.root / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            console.print("Another lab command is running; waiting for it to end.")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def main() -> None:
    """Run a command; print the message of a LabError without a traceback."""
    try:
        app()
    except LabError as error:
        console.print(
            Text(str(error), style="red")
        )  # as Text, because brackets in the message could be read as markup
        sys.exit(1)
