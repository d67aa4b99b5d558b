"""The operator as a process of this checkout: its health, its metrics, and what /proc says of it."""

import asyncio
import contextlib
import os
import re
import secrets
import signal
import socket
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Self
from urllib.request import urlopen

ROOT = Path(__file__).parents[2]
LINE = re.compile(r"^(\w+?)(?:\{(.*)\})? ([0-9.e+-]+)$")
Sample = Counter[tuple[str, str]]
SERVER_PORTS = range(20_000, 30_000)
"""Linux gives connections ports from 32768 on, and Kubernetes gives services those from 30000 on."""


@dataclass
class OperatorProcess:
    """A running operator."""

    process: asyncio.subprocess.Process
    health_url: str
    metrics_url: str
    log: IO[bytes]
    started: float

    @classmethod
    async def start(cls, settings: dict[str, str], log: Path) -> Self:
        health_port, metrics_port = free_ports(2)
        environment = {
            **os.environ,
            **settings,
            "SWEFOUNDRY_HEALTH_PORT": str(health_port),
            "SWEFOUNDRY_METRICS_PORT": str(metrics_port),
            "PYTHONPATH": str(ROOT / "operator"),
        }
        stream = log.open("ab")
        started = time.monotonic()
        command = [sys.executable, "-m", "swefoundry"]
        if os.environ.get("BENCH_PROFILE"):
            command[1:1] = ["-m", "cProfile", "-o", os.environ["BENCH_PROFILE"]]
        process = await asyncio.create_subprocess_exec(
            *command, env=environment, stdout=stream, stderr=stream
        )
        host = "http://127.0.0.1"
        return cls(
            process, f"{host}:{health_port}/healthz", f"{host}:{metrics_port}/metrics", stream, started
        )

    async def wait_until_ready(self, tasks: int, seconds: float = 120) -> float:
        """Wait until /healthz answers and every one of so many TaskInstances was reconciled once, with nothing left to
        do; with 0, in the middle of a batch, there always is. Return the seconds since start.
        """
        async with asyncio.timeout(seconds):
            while not await asyncio.to_thread(self._is_ready, tasks):
                assert self.process.returncode is None, f"the operator ended; see {self.log.name}"
                await asyncio.sleep(0.1)
        return time.monotonic() - self.started

    def _is_ready(self, tasks: int) -> bool:
        try:
            with urlopen(self.health_url, timeout=10) as response:
                response.read()
            sample = self.metrics()
        except OSError:
            return False
        reconciled = total(sample, "swefoundry_reconcile_total", 'kind="TaskInstance"')
        return not tasks or (reconciled >= tasks and total(sample, "swefoundry_workqueue_depth") == 0)

    def metrics(self) -> Sample:
        with urlopen(self.metrics_url, timeout=10) as response:
            lines = response.read().decode().splitlines()
        matches = (LINE.match(line) for line in lines)
        return Counter({(m[1], m[2] or ""): float(m[3]) for m in matches if m})  # type: ignore[misc]

    def cpu_seconds(self) -> float:
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    async def wait_until_idle(self) -> None:
        """Wait until all events are handled."""
        for _ in range(60):
            before = self.cpu_seconds()
            await asyncio.sleep(2)
            if self.cpu_seconds() - before < 0.05:
                return

    def resident_mib(self) -> tuple[float, float]:
        """Current and peak resident memory."""
        text = Path(f"/proc/{self.process.pid}/status").read_text()
        current, peak = (int(re.search(rf"{name}:\s+(\d+)", text)[1]) for name in ("VmRSS", "VmHWM"))  # type: ignore[index]
        return current / 1024, peak / 1024

    async def kill(self) -> None:
        """End it as a crash does."""
        self.process.kill()
        await self.process.wait()

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
    """Ports on which no program listens, below those that the system gives to connections.

    While a server is down, a connection could else take the port that it starts on again.
    """
    with contextlib.ExitStack() as stack:
        return [_listening(stack).getsockname()[1] for _ in range(count)]


def _listening(stack: contextlib.ExitStack) -> socket.socket:
    while True:
        address = ("127.0.0.1", SERVER_PORTS.start + secrets.randbelow(len(SERVER_PORTS)))
        with contextlib.suppress(OSError):
            return stack.enter_context(socket.create_server(address))


def total(sample: Sample, name: str, *labels: str) -> float:
    """Sum of a metric over all series that have these labels."""
    return sum(
        value
        for (metric, series_labels), value in sample.items()
        if metric == name and all(label in series_labels for label in labels)
    )
