"""Run git on hostile input: with no configuration but ours, no hooks, no prompts, and a time limit.

Settings travel in the environment (GIT_CONFIG_COUNT), so that a token is in no argument list. A
repository's own configuration file is the other way in: repositories that we did not make get a new one
(see ``programs.intake.cleantree``). https://git-scm.com/docs/git-config#Documentation/git-config.txt-GITCONFIGCOUNT
"""

import asyncio
import os
import signal
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from swefoundry.errors import PermanentError

LOCAL_SECONDS = 900
"""git commands on the local disk: a tree of some gigabytes is packed in minutes."""

GitSetting = tuple[str, str]

HARDENED_SETTINGS: tuple[GitSetting, ...] = (
    ("core.hooksPath", "/dev/null"),
    ("core.fsmonitor", "false"),
    ("core.autocrlf", "false"),
    ("core.logAllRefUpdates", "false"),
    ("credential.helper", ""),
    ("fetch.recurseSubmodules", "false"),
    ("submodule.recurse", "false"),
    ("gc.auto", "0"),
    ("maintenance.auto", "false"),
    ("protocol.allow", "never"),
    ("protocol.http.allow", "always"),
    ("protocol.https.allow", "always"),
    # A connection slower than 1 kB/s for a minute is dead.
    ("http.lowSpeedLimit", "1000"),
    ("http.lowSpeedTime", "60"),
    # Everything here is thrown away after an accident, and loose objects are packed soon.
    ("core.fsync", "none"),
    ("core.looseCompression", "0"),
    # The same objects must make the same pack: no threads that race, no deltas that depend on them.
    ("pack.threads", "1"),
    ("pack.window", "0"),
    ("pack.writeReverseIndex", "false"),
    ("repack.updateServerInfo", "false"),
    ("repack.writeBitmaps", "false"),
)

_INHERITED = (
    "PATH",
    "http_proxy",
    "https_proxy",
    "HTTPS_PROXY",
    "all_proxy",
    "ALL_PROXY",
    "no_proxy",
    "NO_PROXY",
    "GIT_SSL_CAINFO",
    "SSL_CERT_FILE",
)

_FIXED = {
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_ATTR_NOSYSTEM": "1",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_ALLOW_PROTOCOL": "http:https",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_OPTIONAL_LOCKS": "0",
    "LC_ALL": "C",
    "TZ": "UTC",
}


class GitFailed(PermanentError):
    """git ended with an error; ``stderr`` is what it wrote to standard error."""

    def __init__(self, command: str, stderr: str) -> None:
        super().__init__(f"git {command} failed: {stderr.strip()[:1000]}")
        self.stderr = stderr


class GitTimeLimit(PermanentError):
    """git did not end within its time."""


@dataclass(frozen=True)
class Git:
    """git in one folder. Of our own environment it gets the path, proxies and certificates alone."""

    folder: Path
    settings: tuple[GitSetting, ...] = ()
    environment: Mapping[str, str] | None = None
    """Further variables, such as GIT_DIR."""

    async def run(self, *arguments: str, stdin: bytes = b"", seconds: float = LOCAL_SECONDS) -> bytes:
        """Standard output of a command that succeeded."""
        process = await asyncio.create_subprocess_exec(
            "git",
            *arguments,
            cwd=self.folder,
            env=self._environment(),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,
        )
        try:
            out, err = await asyncio.wait_for(process.communicate(stdin), seconds)
        except TimeoutError as error:
            raise GitTimeLimit(f"git {arguments[0]} did not end within {seconds:g} seconds") from error
        finally:
            await _kill_group(process)
        if process.returncode != 0:
            raise GitFailed(arguments[0], err.decode("utf-8", "replace"))
        return out

    async def line(self, *arguments: str) -> str:
        """The output of a command that prints one line."""
        return (await self.run(*arguments)).decode("utf-8", "replace").strip()

    def _environment(self) -> dict[str, str]:
        settings = (*HARDENED_SETTINGS, *self.settings)
        environment = {name: os.environ[name] for name in _INHERITED if name in os.environ}
        environment |= _FIXED | {"HOME": str(self.folder), "GIT_CONFIG_COUNT": str(len(settings))}
        for number, (key, value) in enumerate(settings):
            environment |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
        return environment | dict(self.environment or {})


async def _kill_group(process: asyncio.subprocess.Process) -> None:
    """Kill git and its helpers (git-remote-https), which are in its session."""
    if process.returncode is None:
        os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
