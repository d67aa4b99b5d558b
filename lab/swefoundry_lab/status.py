"""Show the state of the lab's programs and nodes, and its addresses."""

from datetime import UTC, datetime, timedelta

from rich.console import Console
from rich.table import Table

from swefoundry_lab import api, daemons
from swefoundry_lab.layout import REGISTRY_HOST, REGISTRY_PORT, Lab

HEARTBEAT = timedelta(seconds=20)
"""A node with an older heartbeat counts as lost; the controllers mark it after 16 s."""


def show(lab: Lab, console: Console) -> bool:
    """Print a table of programs and one of nodes; return whether all of them are running."""
    names = daemons.recorded_daemons(lab)
    if not names:
        console.print(f"The lab is not running. Its folder is {lab.root}.")
        return False
    programs, running = _programs(lab, names)
    console.print(programs)
    nodes, ready = _nodes(lab, sorted(n.removeprefix("kubelet-") for n in names if n.startswith("kubelet-")))
    console.print(nodes)
    console.print(
        f"registry  {REGISTRY_HOST}:{REGISTRY_PORT} in the cluster, 127.0.0.1:{REGISTRY_PORT} outside"
    )
    console.print(f"folder    {lab.root}")
    console.print(f'use it    export KUBECONFIG={lab.kubeconfig} PATH="{lab.bin}:$PATH"')
    return running and ready


def _programs(lab: Lab, names: list[str]) -> tuple[Table, bool]:
    table = Table("program", "state", "pid", "since", box=None, pad_edge=False)
    all_running = True
    for name in names:
        record = daemons.read_record(lab, name)
        if record is not None and daemons.is_alive(record):
            since = daemons.started_at(record).astimezone().strftime("%H:%M:%S")
            table.add_row(name, "[green]running[/]", str(record.pid), since)
        else:
            all_running = False
            table.add_row(name, "[red]not running[/]", "", f"see {daemons.log_file(lab, name)}")
    return table, all_running


def _nodes(lab: Lab, names: list[str]) -> tuple[Table, bool]:
    table = Table("node", "state", box=None, pad_edge=False)
    with api.connect(lab) as client:
        states = {name: api.is_node_ready(client, name, datetime.now(UTC) - HEARTBEAT) for name in names}
    for name, ready in states.items():
        table.add_row(name, "[green]Ready[/]" if ready else "[red]not Ready[/]")
    return table, bool(states) and all(states.values())
