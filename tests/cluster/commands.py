"""kubectl, helm and swefoundry run against the lab, or against the current context with SWEFOUNDRY_CLUSTER=current."""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

LAB = Path(os.environ.get("SWEFOUNDRY_LAB_DIR", Path.home() / ".cache/swefoundry-lab"))
ON_LAB = os.environ.get("SWEFOUNDRY_CLUSTER") != "current"
KUBECONFIG = os.environ.get("KUBECONFIG") or (str(LAB / "kubeconfig") if ON_LAB else None)
"""None uses the client's default."""
REGISTRY = ("--registry", "127.0.0.1:5000", "--insecure")
"""Options of swefoundry for the lab's registry."""
UNANSWERED = (
    "Unable to connect to the server",
    "The connection to the server",
    "TLS handshake timeout",
    "http2: client connection lost",
    "etcdserver: ",
    "unexpected EOF",
    "was unable to return a response in the time allotted",
    "currently unable to handle the request",
)
"""What kubectl prints when an API server on a busy machine did not answer."""


def kubectl(*arguments: str, stdin: str = "", may_fail: bool = False) -> str:
    """Output of kubectl. A non-zero exit fails the test with its error output, unless `may_fail`.

    It is run again when the API server did not answer.
    """
    result = _run("kubectl", arguments, stdin)
    for pause in () if may_fail else (1, 5, 15):
        if result.returncode == 0 or not any(text in result.stderr for text in UNANSWERED):
            break
        time.sleep(pause)
        result = _run("kubectl", arguments, stdin)
    return _output(result, may_fail)


def helm(*arguments: str) -> str:
    """Output of helm. A non-zero exit fails the test with its error output."""
    return _output(_run("helm", arguments))


def swefoundry(*arguments: str, may_fail: bool = False) -> str:
    """Output of the swefoundry command line. A non-zero exit fails the test, unless `may_fail`."""
    return _output(_run("swefoundry", arguments), may_fail)


def path_of(program: str) -> str:
    """Path of the program: next to this Python, in PATH, or in the lab's folder."""
    search_path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
    return shutil.which(program, path=search_path) or str(LAB / "bin" / program)


def environment() -> dict[str, str]:
    """Environment variables for these programs, with the kubeconfig."""
    return {**os.environ, **({"KUBECONFIG": KUBECONFIG} if KUBECONFIG else {})}


def _run(program: str, arguments: tuple[str, ...], stdin: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [path_of(program), *arguments],
        input=stdin,
        capture_output=True,
        text=True,
        timeout=1800,
        check=False,
        env=environment(),
    )


def _output(result: subprocess.CompletedProcess[str], may_fail: bool = False) -> str:
    assert may_fail or result.returncode == 0, result.stderr + result.stdout
    return result.stdout
