"""Make a node fail in tests, and bring it back."""

from swefoundry_lab import daemons
from swefoundry_lab.down import remove_node as take_away
from swefoundry_lab.errors import LabError
from swefoundry_lab.layout import Lab
from swefoundry_lab.node import Node
from swefoundry_lab.steps import Steps
from swefoundry_lab.up import add_node
from swefoundry_lab.up import start_node as start_programs


def node_named(lab: Lab, name: str) -> Node:
    """A node that was started at least once."""
    nodes = [Node(number, lab.address) for number in (1, 2)]
    known = [node for node in nodes if daemons.read_record(lab, f"kubelet-{node.name}")]
    for node in known:
        if node.name == name:
            return node
    names = ", ".join(node.name for node in known) or "none"
    raise LabError(f"There is no node {name} in the lab; started were: {names}.")


def kill_node(lab: Lab, name: str) -> None:
    """What a lost machine looks like to the cluster: nobody reports any more. Its processes run on, as they would."""
    node = node_named(lab, name)
    for program in ("kubelet", "containerd"):
        daemons.kill(lab, f"{program}-{node.name}")


def remove_node(lab: Lab, name: str) -> None:
    """Take a further node away for good."""
    node = node_named(lab, name)
    if node.number == 1:
        raise LabError("The first node is the machine itself; stop the lab to be rid of it.")
    take_away(lab, node)


def start_node(lab: Lab, steps: Steps, name: str) -> None:
    """Start the programs that do not run and wait until the node is Ready."""
    node = node_named(lab, name)
    if node.number == 1:
        start_programs(lab, steps, node)
    else:
        add_node(lab, steps, node)
