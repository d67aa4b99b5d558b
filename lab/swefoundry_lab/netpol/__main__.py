"""Watch pods, namespaces and policies, and keep the node's firewall in step with them."""

import argparse
import asyncio
import json
import logging
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
import yaml

from swefoundry_lab.netpol import nftables
from swefoundry_lab.netpol.objects import read_pod, read_policy
from swefoundry_lab.netpol.rules import Cluster, Verdicts, judge

log = logging.getLogger("netpol")

# Ended pods are of no interest, and leaving them out keeps the watch small: an ended pod arrives as DELETED.
KINDS: Mapping[str, tuple[str, str]] = {
    "pods": ("/api/v1/pods", "status.phase!=Succeeded,status.phase!=Failed"),
    "namespaces": ("/api/v1/namespaces", ""),
    "policies": ("/apis/networking.k8s.io/v1/networkpolicies", ""),
}
RETRY_SECONDS = 0.5


class Picture:
    """The objects as last seen, and a flag that says when they changed."""

    def __init__(self) -> None:
        self.objects: dict[str, dict[str, Any]] = {}
        self.changed = asyncio.Event()

    def replace(self, kind: str, items: list[dict[str, Any]]) -> None:
        self.objects[kind] = {item["metadata"]["uid"]: item for item in items}
        self.changed.set()

    def update(self, kind: str, event: dict[str, Any]) -> None:
        item = event["object"]
        if event["type"] == "DELETED":
            self.objects[kind].pop(item["metadata"]["uid"], None)
        else:
            self.objects[kind][item["metadata"]["uid"]] = item
        self.changed.set()

    @property
    def complete(self) -> bool:
        """Before every kind was listed once, a pod could be taken for one without policies."""
        return set(self.objects) == set(KINDS)

    def cluster(self) -> Cluster:
        pods = (read_pod(raw) for raw in self.objects["pods"].values())
        namespaces = self.objects["namespaces"].values()
        return Cluster(
            pods=tuple(pod for pod in pods if pod is not None),
            policies=tuple(read_policy(raw) for raw in self.objects["policies"].values()),
            namespaces={n["metadata"]["name"]: n["metadata"].get("labels") or {} for n in namespaces},
        )


async def follow(api: httpx.AsyncClient, kind: str, picture: Picture) -> None:
    """Keep one kind of the picture current, for ever."""
    while True:
        try:
            await _list_and_watch(api, kind, picture)
        except (httpx.HTTPError, ValueError, KeyError) as error:
            log.warning("watch of %s: %r; again in %s s", kind, error, RETRY_SECONDS)
            await asyncio.sleep(RETRY_SECONDS)


async def _list_and_watch(api: httpx.AsyncClient, kind: str, picture: Picture) -> None:
    path, fields = KINDS[kind]
    answer = await api.get(path, params={"fieldSelector": fields})
    listed = answer.raise_for_status().json()
    picture.replace(kind, listed["items"])
    version = listed["metadata"]["resourceVersion"]
    query = {"fieldSelector": fields, "watch": "1", "resourceVersion": version, "timeoutSeconds": "600"}
    async with api.stream("GET", path, params=query) as stream:
        async for line in stream.raise_for_status().aiter_lines():
            event = json.loads(line)
            if event["type"] == "ERROR":  # too old a version: list again
                return
            picture.update(kind, event)


async def enforce(picture: Picture) -> None:
    """Apply each change of the picture, all of it in one transaction."""
    applied = Verdicts()
    while True:
        await picture.changed.wait()
        picture.changed.clear()
        if not picture.complete:
            continue
        wanted = judge(picture.cluster())
        if wanted != applied:
            await load(nftables.changes(applied, wanted))
            applied = wanted


async def load(text: str) -> None:
    """Give a text to nft. A refusal ends the program: it is started again and begins from an empty table."""
    nft = await asyncio.create_subprocess_exec(
        "nft", "-f", "-", stdin=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    _, complaint = await nft.communicate(text.encode())
    if nft.returncode != 0:
        raise RuntimeError(f"nft refused:\n{complaint.decode()}\n{text}")


def connect(kubeconfig: Path) -> httpx.AsyncClient:
    """A client with the certificate that the kubeconfig names."""
    content = yaml.safe_load(kubeconfig.read_text())
    cluster, user = content["clusters"][0]["cluster"], content["users"][0]["user"]
    context = ssl.create_default_context(cafile=cluster["certificate-authority"])
    context.load_cert_chain(user["client-certificate"], user["client-key"])
    # A watch is silent for as long as nothing happens; the server ends it after ten minutes.
    timeout = httpx.Timeout(10, read=660)
    return httpx.AsyncClient(base_url=cluster["server"], verify=context, timeout=timeout, trust_env=False)


async def main() -> None:
    """Start with every pod dropped, then let through what the policies let through."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kubeconfig", type=Path, required=True)
    parser.add_argument("--pods", required=True, help="the range of all pod addresses")
    parser.add_argument("--gateway", action="append", required=True, help="an address in it that is a node's")
    arguments = parser.parse_args()
    await load(nftables.skeleton(arguments.pods, tuple(arguments.gateway)))
    picture = Picture()
    async with connect(arguments.kubeconfig) as api, asyncio.TaskGroup() as tasks:
        for kind in KINDS:
            tasks.create_task(follow(api, kind, picture))
        tasks.create_task(enforce(picture))


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    asyncio.run(main())
