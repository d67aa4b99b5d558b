"""A CNI plugin that lets a pod start only when the firewall knows its address.

Without it, an unknown pod's first packets are dropped until the kubelet has told the API server its address and the
enforcer has heard of it: a second on a busy machine, and then five more when the lost packet was a DNS question.

Runs once per pod with a bare interpreter, so it imports the standard library alone. When nobody answers it lets the
pod start all the same: it is dropped until it is known, which is the safe side.
"""

import json
import os
import socket
import sys
from pathlib import Path

TIMEOUT_SECONDS = 3
"""Longer than any classification seen; shorter than the kubelet's time limit for CNI."""


def register_pod(sockets: list[Path], uid: str, address: str) -> None:
    """Tell every node's enforcer whose address this is and wait until each has it in force."""
    message = json.dumps({"uid": uid, "address": address}).encode() + b"\n"
    for path in sockets:
        with socket.socket(socket.AF_UNIX) as channel:
            channel.settimeout(TIMEOUT_SECONDS)
            try:
                channel.connect(str(path))
                channel.sendall(message)
                channel.recv(16)
            except OSError as error:
                print(f"{path}: {error}", file=sys.stderr)


def main() -> None:
    """Take the result of the plugins before this one, introduce the pod, and hand the result on unchanged."""
    network = json.load(sys.stdin)
    arguments = dict(pair.split("=", 1) for pair in os.environ.get("CNI_ARGS", "").split(";") if "=" in pair)
    result = network["prevResult"]
    address = result["ips"][0]["address"].split("/")[0]
    sockets = sorted(Path(network["sockets"]).glob("*/netpol.sock"))
    register_pod(sockets, arguments.get("K8S_POD_UID", ""), address)
    json.dump(result, sys.stdout)


if __name__ == "__main__":
    main()
