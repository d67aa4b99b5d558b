"""The operator that is measured: this checkout's program, the installed release's settings, a namespace of its own.

Nobody else's work takes its places, and its memory, CPU time and start can be read from /proc.
"""

import asyncio
import contextlib
import json
import os
import re
import signal
import socket
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Self
from urllib.request import urlopen

from cluster.commands import kubectl

ROOT = Path(__file__).parents[2]
LINE = re.compile(r"^(\w+?)(?:\{(.*)\})? ([0-9.e+-]+)$")
Sample = Counter[tuple[str, str]]


def installed_settings(release: str, namespace: str) -> dict[str, str]:
    """The environment of the installed operator, changed where a process outside of the cluster must differ."""
    deployment = json.loads(kubectl("get", "deployment", release, "-n", release, "-o", "json"))
    container = deployment["spec"]["template"]["spec"]["containers"][0]
    given = {item["name"]: item["value"] for item in container["env"] if item.get("value")}
    found = {name: value for name, value in given.items() if name.startswith("SWEFOUNDRY_")}
    node = json.loads(kubectl("get", "nodes", "-o", "json"))["items"][0]["status"]["addresses"][0]["address"]
    api = json.loads(kubectl("get", "service", "kubernetes", "-n", "default", "-o", "json"))["spec"][
        "clusterIP"
    ]
    named = found["SWEFOUNDRY_REGISTRY_PUSH"]
    # Its name is known to pods only, its address also to this machine.
    address = f"{node}:{named.rpartition(':')[2]}"
    return found | {
        "SWEFOUNDRY_NAMESPACES": namespace,
        "SWEFOUNDRY_REGISTRY_PUSH": address,
        "SWEFOUNDRY_BUILD_MIRRORS": found.get("SWEFOUNDRY_BUILD_MIRRORS", "{}").replace(named, address),
        "SWEFOUNDRY_CANARY": f"{api}:443",
        "SWEFOUNDRY_SERVICE_ACCOUNT": "",
        "SWEFOUNDRY_CA_CONFIG_MAP": "",
    }


@dataclass
class OperatorProcess:
    """A running operator."""

    process: asyncio.subprocess.Process
    health: str
    scraped: str
    log: IO[bytes]
    started: float

    @classmethod
    async def start(cls, settings: dict[str, str], log: Path) -> Self:
        health, scraped = free_ports(2)
        environment = {
            **os.environ,
            **settings,
            "SWEFOUNDRY_HEALTH_PORT": str(health),
            "SWEFOUNDRY_METRICS_PORT": str(scraped),
            "PYTHONPATH": str(ROOT / "operator"),
        }
        stream = log.open("ab")
        began = time.monotonic()
        wrapped = [sys.executable, "-m", "swefoundry"]
        if os.environ.get("BENCH_PROFILE"):
            wrapped[1:1] = ["-m", "cProfile", "-o", os.environ["BENCH_PROFILE"]]
        process = await asyncio.create_subprocess_exec(
            *wrapped, env=environment, stdout=stream, stderr=stream
        )
        here = "http://127.0.0.1"
        return cls(process, f"{here}:{health}/healthz", f"{here}:{scraped}/metrics", stream, began)

    async def ready(self, tasks: int, seconds: float = 120) -> float:
        """Wait until every TaskInstance was looked at once and the probe is content; seconds since the start."""
        async with asyncio.timeout(seconds):
            while not await asyncio.to_thread(self._settled, tasks):
                assert self.process.returncode is None, f"the operator ended; see {self.log.name}"
                await asyncio.sleep(0.1)
        return time.monotonic() - self.started

    def _settled(self, tasks: int) -> bool:
        try:
            with urlopen(self.health, timeout=10) as answer:
                answer.read()
            sample = self.metrics()
        except OSError:
            return False
        looked_at = total(sample, "swefoundry_reconcile_total", 'kind="TaskInstance"')
        return looked_at >= tasks and total(sample, "swefoundry_workqueue_depth") == 0

    def metrics(self) -> Sample:
        with urlopen(self.scraped, timeout=10) as answer:
            lines = answer.read().decode().splitlines()
        found = (LINE.match(line) for line in lines)
        return Counter({(m[1], m[2] or ""): float(m[3]) for m in found if m})  # type: ignore[misc]

    def cpu_seconds(self) -> float:
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    async def calm(self, tasks: int = 0) -> None:
        """Wait until what has come in is dealt with: kopf lists everything once more after we are ready."""
        for _ in range(60):
            listed = total(self.metrics(), "swefoundry_watch_events_total", 'kind="TaskInstance"')
            before = self.cpu_seconds()
            await asyncio.sleep(2)
            if listed >= tasks and self.cpu_seconds() - before < 0.05:
                return

    def resident_mib(self) -> tuple[float, float]:
        """Now, and at most so far."""
        text = Path(f"/proc/{self.process.pid}/status").read_text()
        now, most = (int(re.search(rf"{name}:\s+(\d+)", text)[1]) for name in ("VmRSS", "VmHWM"))  # type: ignore[index]
        return now / 1024, most / 1024

    async def stop(self) -> None:
        if self.process.returncode is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                await asyncio.wait_for(self.process.wait(), 30)
            except TimeoutError:
                self.process.kill()
                await self.process.wait()
        self.log.close()


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on now."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [item.getsockname()[1] for item in sockets]


def total(sample: Sample, name: str, *wanted: str) -> float:
    """The sum over all labels that contain ``wanted``."""
    return sum(
        value
        for (found, labels), value in sample.items()
        if found == name and all(w in labels for w in wanted)
    )
