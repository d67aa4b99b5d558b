"""The lab's base images behave like the official images of the same names."""

import json
import re
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from uuid import uuid4

import pytest

from cluster.commands import LAB, ON_LAB, kubectl
from cluster.sample_instances import A_SHARE, TIMEOUT_SECONDS

pytestmark = [
    pytest.mark.cluster,
    pytest.mark.skipif(not ON_LAB or not (LAB / "registry").exists(), reason="tests the lab's own images"),
]

ABOUT_PYTHON = r"""
set -eu
echo "version=$(python3 --version)"
echo "python=$(which python)"
echo "pip=$(which pip)"
echo "prefix=$(python -c 'import sys; print(sys.prefix)')"
echo "packages=$(python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')"
echo "pip_is_in=$(pip --version | cut -d' ' -f4)"
echo "headers=$(test -f "$(python -c 'import sysconfig; print(sysconfig.get_path("include"))')/Python.h" && echo yes)"
echo "externally_managed=$(find /usr -name EXTERNALLY-MANAGED)"
echo "compiler_or_git=$(which gcc git || true)"
python -m venv /tmp/venv
echo "venv_pip=$(/tmp/venv/bin/pip --version | cut -d' ' -f4)"
PIP_CERT=/etc/ssl/certs/ca-certificates.crt pip install --quiet --no-compile --root-user-action=ignore iniconfig
echo "installed=$(python -c 'import iniconfig; print(iniconfig.__file__)')"
echo "modules=$(python -c 'import ssl, sqlite3, lzma, bz2, ctypes, curses, readline, dbm.ndbm, zoneinfo; print("all")')"
"""

ABOUT_DEBIAN = r"""
set -eu
echo "suite=$(. /etc/os-release && echo "$VERSION_CODENAME")"
apt-get update -qq
apt-get install -y -qq --no-install-recommends hello >/dev/null 2>&1
echo "installed=$(LC_ALL=C hello)"
"""


@pytest.fixture(scope="module")
def namespace() -> Iterator[str]:
    name = f"images-{uuid4().hex[:6]}"
    kubectl("create", "namespace", name)
    yield name
    kubectl("delete", "namespace", name, "--wait=false")


SCRIPTS = {
    **{f"python:{version}-slim": ABOUT_PYTHON for version in ("3.9", "3.11", "3.13")},
    **{f"debian:{suite}-slim": ABOUT_DEBIAN for suite in ("bookworm", "trixie")},
    "busybox:stable": "echo applets=$(busybox --list | grep -cE '^(sh|wget|awk)$')",
}

Facts = dict[str, Future[dict[str, str]]]


@pytest.fixture(scope="module")
def facts(namespace: str) -> Iterator[Facts]:
    """Facts printed by a script in each image; all images run at the same time."""
    with ThreadPoolExecutor(len(SCRIPTS)) as pool:
        yield {image: pool.submit(print_facts, namespace, image, script) for image, script in SCRIPTS.items()}


def print_facts(namespace: str, image: str, script: str) -> dict[str, str]:
    """Run a script in a pod of the image; return the `name=value` lines that it prints."""
    name = image.translate(str.maketrans(":.", "--"))
    container = {"name": "main", "image": image, "command": ["sh", "-c", script], "resources": A_SHARE}
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name},
        "spec": {"restartPolicy": "Never", "terminationGracePeriodSeconds": 0, "containers": [container]},
    }
    kubectl("apply", "-n", namespace, "-f", "-", stdin=json.dumps(pod))
    exit_code = "jsonpath={.status.containerStatuses[0].state.terminated.exitCode}"
    kubectl("wait", "-n", namespace, f"pod/{name}", f"--timeout={TIMEOUT_SECONDS}s", "--for", exit_code)
    log = kubectl("logs", "-n", namespace, name)
    code = kubectl("get", "pod", "-n", namespace, name, "-o", exit_code)
    assert code == "0", log
    # Warnings of pip about a connection that it made again hold the character, too.
    return dict(re.findall(r"^([a-z_]+)=(.*)$", log, re.MULTILINE))


def python_facts(version: str) -> dict[str, str]:
    packages = f"/usr/local/lib/python{version}/site-packages"
    venv = f"/tmp/venv/lib/python{version}/site-packages"
    return {
        "python": "/usr/local/bin/python",
        "pip": "/usr/local/bin/pip",
        "prefix": "/usr/local",
        "packages": packages,
        "pip_is_in": f"{packages}/pip",
        "headers": "yes",
        "externally_managed": "",
        "compiler_or_git": "",
        "venv_pip": f"{venv}/pip",
        "installed": f"{packages}/iniconfig/__init__.py",
        "modules": "all",
    }


@pytest.mark.parametrize("version", ["3.9", "3.11", "3.13"])
def test_a_python_image_has_one_python_under_usr_local_that_pip_and_venv_use(
    facts: Facts, version: str
) -> None:
    found = dict(facts[f"python:{version}-slim"].result())
    assert found.pop("version").startswith(f"Python {version}.")
    assert found == python_facts(version)


@pytest.mark.parametrize("suite", ["bookworm", "trixie"])
def test_a_debian_image_installs_packages_of_its_own_suite(facts: Facts, suite: str) -> None:
    assert facts[f"debian:{suite}-slim"].result() == {"suite": suite, "installed": "Hello, world!"}


def test_the_busybox_image_has_a_shell_with_applets(facts: Facts) -> None:
    assert facts["busybox:stable"].result() == {"applets": "3"}
