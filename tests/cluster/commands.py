"""kubectl, helm and swefoundry run against the lab, or against the current context with SWEFOUNDRY_CLUSTER=current."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

LAB = Path(os.environ.get("SWEFOUNDRY_LAB_DIR", Path.home() / ".cache/swefoundry-lab"))
ON_LAB = os.environ.get("SWEFOUNDRY_CLUSTER") != "current"
KUBECONFIG = os.environ.get("KUBECONFIG") or (str(LAB / "kubeconfig") if ON_LAB else None)
"""None uses the client's default."""


def kubectl(*arguments: str, stdin: str = "", may_fail: bool = False) -> str:
    """Output of kubectl. A non-zero exit fails the test with its error output, unless `may_fail`."""
    return _run("kubectl", arguments, stdin, may_fail)


def helm(*arguments: str) -> str:
    """Output of helm. A non-zero exit fails the test with its error output."""
    return _run("helm", arguments)


def swefoundry(*arguments: str, may_fail: bool = False) -> str:
    """Output of the swefoundry command line. A non-zero exit fails the test, unless `may_fail`."""
    return _run("swefoundry", arguments, may_fail=may_fail)


def path_of(program: str) -> str:
    """Path of the program: next to this Python, in PATH, or in the lab's folder."""
    search_path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
    return shutil.which(program, path=search_path) or str(LAB / "bin" / program)


def environment() -> dict[str, str]:
    """Environment variables for these programs, with the kubeconfig."""
    return {**os.environ, **({"KUBECONFIG": KUBECONFIG} if KUBECONFIG else {})}


def _run(program: str, arguments: tuple[str, ...], stdin: str = "", may_fail: bool = False) -> str:
    result = subprocess.run(
        [path_of(program), *arguments],
        input=stdin,
        capture_output=True,
        text=True,
        timeout=1800,
        check=False,
        env=environment(),
    )
    assert may_fail or result.returncode == 0, result.stderr + result.stdout
    return result.stdout
