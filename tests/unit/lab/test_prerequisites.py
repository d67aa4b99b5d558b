"""What is missing or in the way is said in one sentence each."""

import os
import socket
from pathlib import Path

import pytest

from swefoundry_lab.errors import LabError
from swefoundry_lab.layout import Lab
from swefoundry_lab.prerequisites import disk_problems, port_problems, require_root


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    return Lab(tmp_path / "not" / "made" / "yet")


def test_a_port_in_use_is_named_with_who_uses_it(lab: Lab) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        (problem,) = port_problems(lab, {port: "etcd", 1: "registry"})
    assert problem.startswith(f"Port {port} (for etcd) is in use by ")
    assert f"(pid {os.getpid()}); stop it first." in problem


def test_free_ports_are_no_problem(lab: Lab) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    assert list(port_problems(lab, {port: "etcd"})) == []


def test_a_small_disk_is_named_with_what_is_needed(lab: Lab) -> None:
    (problem,) = disk_problems(lab, wanted_gb=10**9)
    assert "GB free; the lab needs 1000000000. Set SWEFOUNDRY_LAB_DIR to a larger disk." in problem


def test_a_large_disk_is_no_problem(lab: Lab) -> None:
    assert list(disk_problems(lab, wanted_gb=0)) == []


def test_a_user_who_is_not_root_gets_an_error() -> None:
    require_root(user=0)
    with pytest.raises(LabError, match=r"^The lab needs root \(.*\)\. Try again with sudo\.$"):
        require_root(user=1000)
