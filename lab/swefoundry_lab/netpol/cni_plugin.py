"""A CNI plugin that delays the start of a pod until the firewall knows its address.

Without it, a pod's first packets are dropped until its address is in the status of the API server and in the firewall:
for a second on a busy machine, and for five more seconds if a dropped packet was a DNS query.

It runs once per pod with a bare interpreter, so it imports only the standard library. Without an answer it lets the pod
start; the pod's packets are then dropped until its address is known.
"""

import json
import os
import socket
import sys
from pathlib import Path

TIMEOUT_SECONDS = 3
"""Longer than any measured registration; shorter than the kubelet's time limit for CNI."""


def register_pod(sockets: list[Path], uid: str, address: str) -> None:
    """Send a pod's address to netpol of every node and wait until it is in force."""
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
    """Register the pod with the result of the previous plugins, and print that result unchanged."""
    network = json.load(sys.stdin)
    arguments = dict(pair.split("=", 1) for pair in os.environ.get("CNI_ARGS", "").split(";") if "=" in pair)
    result = network["prevResult"]
    address = result["ips"][0]["address"].split("/")[0]
    sockets = sorted(Path(network["sockets"]).glob("*/netpol.sock"))
    register_pod(sockets, arguments.get("K8S_POD_UID", ""), address)
    json.dump(result, sys.stdout)


if __name__ == "__main__":
    main()
