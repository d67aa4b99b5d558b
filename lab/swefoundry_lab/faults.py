"""Kill, start and remove nodes, for tests of failures."""

from swefoundry_lab import daemons
from swefoundry_lab.down import remove_node as stop_and_remove_node
from swefoundry_lab.errors import LabError
from swefoundry_lab.layout import Lab
from swefoundry_lab.node import Node
from swefoundry_lab.steps import Steps
from swefoundry_lab.up import add_node
from swefoundry_lab.up import start_node as start_programs


def node_named(lab: Lab, name: str) -> Node:
    """A node that was started before."""
    nodes = [Node(number, lab.address) for number in (1, 2)]
    started = [node for node in nodes if daemons.read_record(lab, f"kubelet-{node.name}")]
    for node in started:
        if node.name == name:
            return node
    names = ", ".join(node.name for node in started) or "none"
    raise LabError(f"There is no node {name} in the lab; its nodes are: {names}.")


def kill_node(lab: Lab, name: str) -> None:
    """Kill a node's kubelet and containerd. As with a lost network connection, its containers continue to run."""
    node = node_named(lab, name)
    for program in ("kubelet", "containerd"):
        daemons.kill(lab, f"{program}-{node.name}")


def remove_node(lab: Lab, name: str) -> None:
    """Remove the second node."""
    node = node_named(lab, name)
    if node.number == 1:
        raise LabError("The first node is the machine itself and cannot be removed; stop the lab instead.")
    stop_and_remove_node(lab, node)


def start_node(lab: Lab, steps: Steps, name: str) -> None:
    """Start the node's programs that are not running, and wait until the node is Ready."""
    node = node_named(lab, name)
    if node.number == 1:
        start_programs(lab, steps, node)
    else:
        add_node(lab, steps, node)
