"""Runs a Dockerfile of the recipe in folders of this machine, without root, registry or container.

The base image's interpreter is one of this machine. Text substitution replaces /opt and /testbed by folders of a
scratch folder. PATH has no compiler and no git until a step installs them, as in a slim image.
"""

import os
import re
import shutil
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path

from archives import CACHE

_NOT_IN_SLIM_IMAGES = re.compile(
    r"^(.*-)?(gcc|g\+\+|cc|c\+\+|cpp|clang|git|hg|svn|make|cmake|rustc|cargo|python|pip|pytest|uv|pg_config|xml2-config"
    r"|xslt-config|mysql_config)([-.\d].*|3.*)?$"
)


@dataclass(frozen=True)
class CommandResult:
    """Exit code and output of a command; the code is -1 after a time-out."""

    code: int
    log: str


def interpreter(base: str) -> Path:
    """A virtualenv that stands for /usr/local of the base image."""
    version = re.search(r"python:(\d+\.\d+)", base)[1]
    folder = CACHE / "bases" / version
    if not (folder / "bin" / "pip").exists():
        system_python = shutil.which(f"python{version}")
        pyenv_pythons = sorted(Path.home().glob(f".pyenv/versions/{version}.*/bin/python"))
        python = str(pyenv_pythons[-1]) if pyenv_pythons else system_python
        subprocess.run([python, "-m", "venv", str(folder)], check=True)
    return folder


def slim_programs() -> Path:
    """Links to the programs of /bin and /usr/bin that a slim image has."""
    target = CACHE / "plain-bin"
    if not target.exists():
        target.mkdir(parents=True)
        for folder in ("/bin", "/usr/bin"):
            for entry in Path(folder).iterdir():
                if not _NOT_IN_SLIM_IMAGES.match(entry.name) and not (target / entry.name).exists():
                    (target / entry.name).symlink_to(entry)
    return target


class DockerfileRunner:
    """A scratch folder with /opt and /testbed of one image."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.env: dict[str, str] = {}
        self.previous_path = ""
        """PATH of the previous stage."""

    def build(self, dockerfile: str, tree: Path) -> CommandResult:
        """Run the steps until one fails."""
        shutil.rmtree(self.folder, ignore_errors=True)
        (self.folder / "opt").mkdir(parents=True)
        log = ""
        for step in re.sub(r"\\\n\s*", "", dockerfile).splitlines():
            result = self._step(step, tree)
            log += f"STEP {step}\n{result.log}"
            if result.code:
                return CommandResult(result.code, log)
        return CommandResult(0, log)

    def _step(self, step: str, tree: Path) -> CommandResult:
        instruction, rest = step.split(" ", 1)
        if instruction == "FROM":
            self.previous_path = self.env.get("PATH", "")
            path = f"{interpreter(rest.split()[0])}/bin:{slim_programs()}"
            inherited = {
                key: value
                for key, value in os.environ.items()
                if re.search("CERT|CA_|SSL|INDEX|HOME|PROXY", key)
            }
            self.env = {**inherited, "PATH": path, "UV_PYTHON_DOWNLOADS": "never", "LANG": "C.UTF-8"}
        elif instruction == "ENV":
            for name, value in re.findall(r"(\w+)=(\S+)", rest):
                self.env[name] = self._in_folder(value).replace("$PATH", self.env["PATH"])
        elif instruction == "COPY" and "--from=tools" in rest:
            # uv of the previous stage, which ran in the virtualenv that stands for its base image
            (self.folder / "bin").mkdir()
            shutil.copy(shutil.which("uv", path=self.previous_path), self.folder / "bin" / "uv")
            self.env["PATH"] += f":{self.folder}/bin"
        elif instruction == "COPY":
            shutil.copytree(tree, self.folder / "testbed", symlinks=True)
        elif instruction == "RUN":
            return self._run(rest)
        return CommandResult(0, "")

    def _run(self, command: str) -> CommandResult:
        if command.startswith("apt-get"):
            self.env["PATH"] += ":/usr/bin"
            return CommandResult(0, "")
        # with this machine's cache: the same packages, installed faster
        return self.run(command.replace("--no-cache ", ""), 600, self.folder)

    def _in_folder(self, text: str) -> str:
        return text.replace("/testbed", f"{self.folder}/testbed").replace("/opt/", f"{self.folder}/opt/")

    def test(self, command: str, files: list[str], seconds: int = 150) -> CommandResult:
        """Run the test command as in an evaluation pod, with loopback only and a time limit."""
        line = command.replace("{files}", " ".join(f"'{file}'" for file in files))
        report = self.folder / "testbed" / ".swefoundry-report.xml"
        report.unlink(missing_ok=True)
        return self.run(
            f"unshare --net sh -c {_quoted('ip link set lo up; ' + line)}", seconds, self.folder / "testbed"
        )

    def run(self, command: str, seconds: int, folder: Path) -> CommandResult:
        """Run a shell command in its own process group."""
        workdir = self.folder / "testbed" if (self.folder / "testbed").exists() else folder
        process = subprocess.Popen(
            ["/bin/sh", "-c", self._in_folder(command)],
            cwd=workdir,
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
            return CommandResult(-1, log)
        return CommandResult(process.returncode, log.replace(str(self.folder), ""))


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\"'\"'") + "'"
