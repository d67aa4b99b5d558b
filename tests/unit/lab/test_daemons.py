"""A pid file leads to the process it was written for, or to none."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from swefoundry_lab import daemons
from swefoundry_lab.daemons import Daemon, DaemonRecord
from swefoundry_lab.layout import Lab


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    lab = Lab(tmp_path)
    lab.prepare()
    return lab


END_MAIN_THREAD = """
import ctypes, os, threading

threading.Thread(target=input).start()
ctypes.CDLL(None).syscall(60, 0)  # exit, of this thread alone
"""


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    yield process
    process.kill()
    process.communicate()


def record_of(pid: int) -> DaemonRecord:
    ticks = daemons.started_ticks(pid)
    assert ticks is not None
    return DaemonRecord(pid, ticks, daemons.boot_id(), "as configured")


def write(lab: Lab, name: str, record: DaemonRecord) -> None:
    (lab.run / f"{name}.pid").write_text(json.dumps(asdict(record)))


def test_a_running_process_is_alive(sleeper: subprocess.Popen[bytes]) -> None:
    assert daemons.is_alive(record_of(sleeper.pid))


def test_a_pid_that_was_given_to_another_process_is_not_ours(sleeper: subprocess.Popen[bytes]) -> None:
    record = record_of(sleeper.pid)
    assert not daemons.is_alive(replace(record, started_ticks=record.started_ticks - 1))


def test_a_pid_from_before_the_machine_was_restarted_is_not_ours(sleeper: subprocess.Popen[bytes]) -> None:
    assert not daemons.is_alive(replace(record_of(sleeper.pid), boot="another"))


def test_a_process_that_ended_but_was_not_collected_is_not_alive(sleeper: subprocess.Popen[bytes]) -> None:
    record = record_of(sleeper.pid)
    sleeper.kill()
    os.waitid(os.P_PID, sleeper.pid, os.WEXITED | os.WNOWAIT)
    assert not daemons.is_alive(record)


def test_a_process_of_which_a_thread_has_not_ended_is_alive_because_its_sockets_are_still_open() -> None:
    process = subprocess.Popen([sys.executable, "-c", END_MAIN_THREAD], stdin=subprocess.PIPE)
    stat = Path(f"/proc/{process.pid}/stat")
    while ") Z " not in stat.read_text():
        time.sleep(0.01)
    record = record_of(process.pid)
    process.kill()
    process.communicate()
    assert not daemons.is_alive(record)


def test_stop_ends_the_recorded_process(lab: Lab, sleeper: subprocess.Popen[bytes]) -> None:
    write(lab, "sleeper", record_of(sleeper.pid))
    daemons.stop(lab, "sleeper")
    assert not daemons.is_alive(record_of(os.getpid())) or daemons.read_record(lab, "sleeper") is None
    assert daemons.started_ticks(sleeper.pid) is None


def test_stop_leaves_a_process_alone_that_merely_has_the_pid(
    lab: Lab, sleeper: subprocess.Popen[bytes]
) -> None:
    write(lab, "sleeper", replace(record_of(sleeper.pid), started_ticks=1))
    daemons.stop(lab, "sleeper")
    assert daemons.started_ticks(sleeper.pid) is not None
    assert daemons.recorded_daemons(lab) == []


@pytest.mark.parametrize("content", ["", "{", "[]", '{"pid": 1}'])
def test_a_broken_pid_file_says_nothing(lab: Lab, content: str) -> None:
    (lab.run / "etcd.pid").write_text(content)
    assert daemons.read_record(lab, "etcd") is None


def test_a_changed_configuration_changes_the_fingerprint(tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.write_text("a")
    daemon = Daemon("etcd", ("etcd",), reads=(config,))
    first = daemon.fingerprint()
    assert daemon.fingerprint() == first
    config.write_text("b")
    assert daemon.fingerprint() != first


def test_the_end_of_a_log_is_what_is_shown(lab: Lab) -> None:
    daemons.log_file(lab, "etcd").write_text("\n".join(f"line {n}" for n in range(100)))
    assert daemons.log_excerpt(lab, "etcd").splitlines()[0] == "line 85"
    assert daemons.log_excerpt(lab, "other") == "(it wrote no log)"
