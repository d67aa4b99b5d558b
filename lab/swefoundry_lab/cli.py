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
    help="A real Kubernetes cluster on this machine, for trials and tests.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
node_app = typer.Typer(
    help="Kill, start and remove single nodes, to see what happens then.", no_args_is_help=True
)
app.add_typer(node_app, name="node")
app.add_typer(images_app, name="images")
console = Console(highlight=False, soft_wrap=True)


@app.command()
def up(
    nodes: Annotated[int, typer.Option(min=1, max=2, help="How many nodes to bring up.")] = 1,
) -> None:
    """Bring the lab up, or what of it is missing."""
    from swefoundry_lab.up import up as bring_up

    if os.environ.get("SWEFOUNDRY_CLUSTER") == "current":
        console.print(f"Using the current context [bold]{current_context()}[/]; the lab is not touched.")
        return
    lab, steps = Lab.from_environment(), Steps(console)
    with exclusive(lab):
        bring_up(lab, steps, nodes)
    console.print(f"The lab is up ({steps.total()}). To use it:")
    console.print(f'  export KUBECONFIG={lab.kubeconfig} PATH="{lab.bin}:$PATH"')


@app.command()
def down() -> None:
    """Stop the lab; leave no process, mount, interface or firewall rule behind. Data and caches stay."""
    from swefoundry_lab.down import down as bring_down

    lab, steps = Lab.from_environment(), Steps(console)
    with exclusive(lab):
        bring_down(lab, steps)


@app.command()
def reset() -> None:
    """Like down, and forget the cluster: its objects, pods and pulled images. Programs and registry stay."""
    from swefoundry_lab.down import delete_state
    from swefoundry_lab.down import down as bring_down

    lab, steps = Lab.from_environment(), Steps(console)
    with exclusive(lab):
        bring_down(lab, steps)
        delete_state(lab, steps)


@app.command()
def status() -> None:
    """Show what runs. Ends with code 1 when the lab is not fully up."""
    from swefoundry_lab.status import show

    prerequisites.require_root()
    raise typer.Exit(0 if show(Lab.from_environment(), console) else 1)


@app.command()
def install(
    sets: Annotated[
        list[str], typer.Option("--set", help="More values for the chart, as helm takes them.")
    ] = [],  # noqa: B006
) -> None:
    """Install or upgrade swefoundry on the lab: its images, its namespaces, its chart."""
    from swefoundry_lab.install import install as put_on

    put_on(Lab.from_environment(), Steps(console), tuple(sets))


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
    """Kill a node's kubelet and containerd without warning. Its containers go on running."""
    from swefoundry_lab.faults import kill_node

    kill_node(Lab.from_environment(), name)


@node_app.command("start")
def node_start(name: Annotated[str, typer.Argument(help="lab-1 or lab-2")]) -> None:
    """Start what of a node is not running."""
    from swefoundry_lab.faults import start_node

    start_node(Lab.from_environment(), Steps(console), name)


@node_app.command("remove")
def node_remove(name: Annotated[str, typer.Argument(help="lab-2")]) -> None:
    """Take a further node away, as if `up` had never made it."""
    from swefoundry_lab.faults import remove_node

    lab = Lab.from_environment()
    with exclusive(lab):
        remove_node(lab, name)


def current_context() -> str:
    """The name of the kubeconfig's current context."""
    from kubernetes import config

    try:
        _, active = config.list_kube_config_contexts()  # type: ignore[no-untyped-call]
    except config.ConfigException as error:
        raise LabError(f"SWEFOUNDRY_CLUSTER=current, but there is no current context: {error}") from error
    return str(active["name"])


@contextmanager
def exclusive(lab: Lab) -> Iterator[None]:
    """One command at a time changes the lab; a second one waits its turn."""
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
    """Run a command; what goes wrong is a sentence, not a stack trace."""
    try:
        app()
    except LabError as error:
        console.print(Text(str(error), style="red"))  # as it is: it may hold brackets that look like markup
        sys.exit(1)
