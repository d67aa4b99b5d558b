"""The history of pods as etcd has it: complete, whatever API servers and watches of theirs go through."""

import asyncio
import base64
from collections import Counter
from dataclasses import dataclass, field

import aiohttp

from control_plane.api_client import AWAY, Json, json_lines

PAUSE_SECONDS = 0.2


@dataclass
class PodCreations:
    """How often a pod of each name was created in a namespace."""

    etcd_url: str
    namespace: str
    by_name: Counter[str] = field(default_factory=Counter)
    _next_revision: int = 1

    async def follow(self) -> None:
        """Follow the history until cancelled, across restarts of etcd."""
        async with aiohttp.ClientSession(self.etcd_url, read_bufsize=1 << 20) as session:
            while True:
                try:
                    await self._follow(session)
                except AWAY:
                    await asyncio.sleep(PAUSE_SECONDS)

    async def _follow(self, session: aiohttp.ClientSession) -> None:
        prefix = f"/registry/pods/{self.namespace}/"
        request = {
            "key": _encoded(prefix),
            "range_end": _encoded(prefix[:-1] + chr(ord("/") + 1)),
            "start_revision": self._next_revision,
        }
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=10)
        async with session.post("/v3/watch", json={"create_request": request}, timeout=timeout) as response:
            async for line in json_lines(response):
                result = line.get("result", {})
                assert "compact_revision" not in result, f"a part of the history was missed: {result}"
                for event in result.get("events", []):
                    self._observe(event["kv"])

    def _observe(self, entry: Json) -> None:
        self._next_revision = int(entry["mod_revision"]) + 1
        if entry.get("version") == "1":
            self.by_name[base64.b64decode(entry["key"]).decode().rpartition("/")[2]] += 1


async def compact(etcd_url: str) -> None:
    """Make a new revision and forget all before it, as etcd's compaction does.

    The new one is of no object, so that no watch of objects can have seen it.
    """
    async with aiohttp.ClientSession(etcd_url) as session:
        body = {"key": _encoded("/a-key-of-no-object"), "value": _encoded("")}
        async with session.post("/v3/kv/put", json=body) as response:
            revision = (await response.json())["header"]["revision"]
        async with session.post("/v3/kv/compaction", json={"revision": revision}) as response:
            response.raise_for_status()


def _encoded(key: str) -> str:
    return base64.b64encode(key.encode()).decode()
