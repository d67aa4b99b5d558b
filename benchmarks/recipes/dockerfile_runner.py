"""A Dockerfile of the recipe, carried out in plain folders: no root, no registry, no container.

The interpreter of the base image is one of this machine's; /opt and /testbed become folders of a scratch place by text
substitution; PATH has no compiler and no git until a step installs them, as in a slim image.
"""

import os
import re
import shutil
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path

from archives import CACHE

_HIDDEN = re.compile(
    r"^(.*-)?(gcc|g\+\+|cc|c\+\+|cpp|clang|git|hg|svn|make|cmake|rustc|cargo|python|pip|pytest|uv|pg_config|xml2-config"
    r"|xslt-config|mysql_config)([-.\d].*|3.*)?$"
)


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    log: str


def interpreter(base: str) -> Path:
    """A virtualenv that plays /usr/local of the base image."""
    version = re.search(r"python:(\d+\.\d+)", base)[1]
    place = CACHE / "bases" / version
    if not (place / "bin" / "pip").exists():
        found = shutil.which(f"python{version}")
        newest = sorted(Path.home().glob(f".pyenv/versions/{version}.*/bin/python"))
        subprocess.run([str(newest[-1]) if newest else found, "-m", "venv", str(place)], check=True)
    return place


def plain_programs() -> Path:
    """/usr/bin without what a slim image does not have."""
    place = CACHE / "plain-bin"
    if not place.exists():
        place.mkdir(parents=True)
        for folder in ("/bin", "/usr/bin"):
            for entry in Path(folder).iterdir():
                if not _HIDDEN.match(entry.name) and not (place / entry.name).exists():
                    (place / entry.name).symlink_to(entry)
    return place


class Machine:
    """One scratch place: /opt and /testbed of one image."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.env: dict[str, str] = {}
        self.before = ""
        """PATH of the stage before."""

    def build(self, dockerfile: str, tree: Path) -> Ended:
        """Carry out the steps; the first that fails ends it."""
        shutil.rmtree(self.place, ignore_errors=True)
        (self.place / "opt").mkdir(parents=True)
        log = ""
        for step in re.sub(r"\\\n\s*", "", dockerfile).splitlines():
            ended = self._step(step, tree)
            log += f"STEP {step}\n{ended.log}"
            if ended.code:
                return Ended(ended.code, log)
        return Ended(0, log)

    def _step(self, step: str, tree: Path) -> Ended:
        word, rest = step.split(" ", 1)
        if word == "FROM":
            self.before = self.env.get("PATH", "")
            path = f"{interpreter(rest.split()[0])}/bin:{plain_programs()}"
            keep = {
                key: value
                for key, value in os.environ.items()
                if re.search("CERT|CA_|SSL|INDEX|HOME|PROXY", key)
            }
            self.env = {**keep, "PATH": path, "UV_PYTHON_DOWNLOADS": "never", "LANG": "C.UTF-8"}
        elif word == "ENV":
            for name, value in re.findall(r"(\w+)=(\S+)", rest):
                self.env[name] = self._placed(value).replace("$PATH", self.env["PATH"])
        elif word == "COPY" and "--from=tools" in rest:
            # uv of the stage before, which ran in the virtualenv that plays its base image
            (self.place / "bin").mkdir()
            shutil.copy(shutil.which("uv", path=self.before), self.place / "bin" / "uv")
            self.env["PATH"] += f":{self.place}/bin"
        elif word == "COPY":
            shutil.copytree(tree, self.place / "testbed", symlinks=True)
        elif word == "RUN":
            return self._run(rest)
        return Ended(0, "")

    def _run(self, command: str) -> Ended:
        if command.startswith("apt-get"):
            self.env["PATH"] += ":/usr/bin"
            return Ended(0, "")
        # the cache of this machine instead of none: the same packages, faster
        return self.run(command.replace("--no-cache ", ""), 600, self.place)

    def _placed(self, text: str) -> str:
        return text.replace("/testbed", f"{self.place}/testbed").replace("/opt/", f"{self.place}/opt/")

    def test(self, command: str, files: list[str], seconds: int = 150) -> Ended:
        """Run the test command as an evaluation pod would: no network beyond this machine's, a time limit."""
        line = command.replace("{files}", " ".join(f"'{file}'" for file in files))
        report = self.place / "testbed" / ".swefoundry-report.xml"
        report.unlink(missing_ok=True)
        return self.run(
            f"unshare --net sh -c {_quoted('ip link set lo up; ' + line)}", seconds, self.place / "testbed"
        )

    def run(self, command: str, seconds: int, folder: Path) -> Ended:
        """A shell command in its own process group."""
        where = self.place / "testbed" if (self.place / "testbed").exists() else folder
        process = subprocess.Popen(
            ["/bin/sh", "-c", self._placed(command)],
            cwd=where,
            env=self.env,
            text=True,
            errors="replace",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            log, _ = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            log, _ = process.communicate()
            return Ended(-1, log)
        return Ended(process.returncode, log.replace(str(self.place), ""))


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\"'\"'") + "'"
