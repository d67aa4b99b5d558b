"""Watches pods, namespaces and policies, and applies their changes to the node's firewall."""

import argparse
import asyncio
import json
import logging
import ssl
from dataclasses import dataclass
from pathlib import Path

import httpx
import yaml

from swefoundry_lab.netpol import nftables
from swefoundry_lab.netpol.rules import Verdicts, compute_verdicts
from swefoundry_lab.netpol.state import KINDS, ClusterState

log = logging.getLogger("netpol")
RETRY_SECONDS = 0.5


class RulesetRefused(Exception):
    """nft could not load a ruleset; the message has its error output and the ruleset."""


@dataclass(frozen=True)
class Settings:
    """Options of the command line."""

    kubeconfig: Path
    pods: str
    gateway: str
    socket: Path


async def watch_kind(api: httpx.AsyncClient, kind: str, state: ClusterState) -> None:
    """Watch one kind and update its objects in the state; never returns."""
    while True:
        try:
            await _list_and_watch(api, kind, state)
        except (httpx.HTTPError, ValueError, KeyError) as error:
            log.warning("watch of %s failed: %r; retry in %s s", kind, error, RETRY_SECONDS)
            await asyncio.sleep(RETRY_SECONDS)


async def _list_and_watch(api: httpx.AsyncClient, kind: str, state: ClusterState) -> None:
    path, fields = KINDS[kind]
    response = await api.get(path, params={"fieldSelector": fields})
    body = response.raise_for_status().json()
    state.replace(kind, body["items"])
    version = body["metadata"]["resourceVersion"]
    query = {"fieldSelector": fields, "watch": "1", "resourceVersion": version, "timeoutSeconds": "600"}
    async with api.stream("GET", path, params=query) as stream:
        async for line in stream.raise_for_status().aiter_lines():
            event = json.loads(line)
            if event["type"] == "ERROR":  # the resource version is too old: list again
                return
            state.update(kind, event)


async def enforce(state: ClusterState, empty_table: str) -> None:
    """Apply each change of the state in one transaction."""
    while True:
        await state.changed.wait()
        state.changed.clear()
        if not state.complete:
            continue
        verdicts = compute_verdicts(state.cluster())
        try:
            if verdicts != state.in_force:
                await apply_ruleset(nftables.changes(state.in_force, verdicts))
        except RulesetRefused:  # the table differs from the expected one: write it again completely
            log.exception("the ruleset was refused; writing the whole table")
            await apply_ruleset(empty_table + nftables.changes(Verdicts(), verdicts))
        await state.mark_applied(verdicts)


async def apply_ruleset(text: str) -> None:
    """Load a ruleset with nft."""
    nft = await asyncio.create_subprocess_exec(
        "nft", "-f", "-", stdin=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    _, stderr = await nft.communicate(text.encode())
    if nft.returncode != 0:
        raise RulesetRefused(f"{stderr.decode()}\n{text}")


async def serve_registrations(state: ClusterState, path: Path) -> None:
    """Answer the CNI plugin when the address of a new pod is in force."""

    async def register(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            pod = json.loads(await reader.readline())
            await state.register_address(pod["uid"], pod["address"])
            writer.write(b"known\n")
            await writer.drain()
        except (ValueError, KeyError, ConnectionError) as error:
            log.warning("registration failed: %r", error)
        finally:
            writer.close()

    async with await asyncio.start_unix_server(register, path) as server:
        await server.serve_forever()


def connect(kubeconfig: Path) -> httpx.AsyncClient:
    """A client with the certificate of the kubeconfig."""
    content = yaml.safe_load(kubeconfig.read_text())
    cluster, user = content["clusters"][0]["cluster"], content["users"][0]["user"]
    context = ssl.create_default_context(cafile=cluster["certificate-authority"])
    context.load_cert_chain(user["client-certificate"], user["client-key"])
    # A watch sends nothing while nothing changes; the server ends it after ten minutes.
    timeout = httpx.Timeout(10, read=660)
    return httpx.AsyncClient(base_url=cluster["server"], verify=context, timeout=timeout, trust_env=False)


async def main(settings: Settings) -> None:
    """Load an empty table, which drops packets of all pods, then apply the policies."""
    empty_table = nftables.skeleton(settings.pods, settings.gateway)
    await apply_ruleset(empty_table)
    state = ClusterState()
    async with connect(settings.kubeconfig) as api, asyncio.TaskGroup() as tasks:
        for kind in KINDS:
            tasks.create_task(watch_kind(api, kind, state))
        tasks.create_task(enforce(state, empty_table))
        tasks.create_task(serve_registrations(state, settings.socket))


def read_command_line() -> Settings:
    """Parse the options, which the lab sets."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kubeconfig", type=Path, required=True)
    parser.add_argument("--pods", required=True, help="range of all pod addresses")
    parser.add_argument("--gateway", required=True, help="address of the node in that range")
    parser.add_argument(
        "--socket", type=Path, required=True, help="socket on which the CNI plugin registers pods"
    )
    settings = Settings(**vars(parser.parse_args()))
    settings.socket.unlink(missing_ok=True)  # left by a run that was killed
    return settings


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    asyncio.run(main(read_command_line()))
