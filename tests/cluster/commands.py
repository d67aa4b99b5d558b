"""kubectl and helm against the cluster under test: the lab's, or the current context's when that is asked for."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

LAB = Path(os.environ.get("SWEFOUNDRY_LAB_DIR", Path.home() / ".cache/swefoundry-lab"))
ON_LAB = os.environ.get("SWEFOUNDRY_CLUSTER") != "current"
KUBECONFIG = os.environ.get("KUBECONFIG") or (str(LAB / "kubeconfig") if ON_LAB else None)
"""None: the client's own default."""


def kubectl(*arguments: str, stdin: str = "", fails: bool = False) -> str:
    """What kubectl prints; its complaint when it fails unasked."""
    return _run("kubectl", arguments, stdin, fails)


def helm(*arguments: str) -> str:
    """What helm prints; its complaint when it fails."""
    return _run("helm", arguments)


def swefoundry(*arguments: str) -> str:
    """What our own command line prints; its complaint when it fails."""
    return _run("swefoundry", arguments)


def path_of(program: str) -> str:
    """Where the program is: beside this Python, on the path, or the lab's."""
    places = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
    return shutil.which(program, path=places) or str(LAB / "bin" / program)


def environment() -> dict[str, str]:
    """What these programs are told of the cluster."""
    return {**os.environ, **({"KUBECONFIG": KUBECONFIG} if KUBECONFIG else {})}


def _run(program: str, arguments: tuple[str, ...], stdin: str = "", fails: bool = False) -> str:
    ended = subprocess.run(
        [path_of(program), *arguments],
        input=stdin,
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
        env=environment(),
    )
    assert fails or ended.returncode == 0, ended.stderr + ended.stdout
    return ended.stdout
