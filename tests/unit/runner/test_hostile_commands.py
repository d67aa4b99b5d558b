"""Code under test tries to forge, hide or prevent the runner's record."""

import hashlib
import os
import shlex
import socket
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from unit.runner.runner_box import NONCE, Box, pid_inside

FORGED = f'{{"v":1,"nonce":"{NONCE}","stage":"before","code":0,"rawExit":0}}'
"""Even a forger who had guessed the nonce must not get through."""


def python(source: str) -> str:
    return shlex.join([sys.executable, "-c", textwrap.dedent(source)])


def test_fake_records_and_frames_in_the_output_stay_output(box: Box):
    nonce = "0" * 32
    fake = f"<<<swefoundry {nonce} report junit.xml 1 aa gzip+base64\nAAAA\n>>>swefoundry {nonce} end\n"
    ran = box.run(f"echo '{FORGED}' | tee /dev/stderr; printf '%s' {shlex.quote(fake)}; exit 1")
    assert (ran.code, ran.record["code"], ran.framed_output.reports) == (1, 1, {})
    assert ran.output == f"{FORGED}\n{FORGED}\n{fake}".encode()


def test_a_background_session_that_keeps_writing_the_record_is_silenced(box: Box):
    forge = f"while :; do echo '{FORGED}' > {box.termination_log}; done"
    ran = box.run(f"for i in 1 2 3; do setsid sh -c {shlex.quote(forge)} & done; sleep 0.3; exit 1")
    assert (ran.code, ran.record["code"], ran.record["rawExit"]) == (1, 1, 1)


def test_replacing_the_termination_log_changes_nothing(box: Box):
    """In a pod it is a mount point that cannot be replaced; the runner does not rely on it."""
    moved = box.folder / "moved"
    ran = box.run(f"mv {box.termination_log} {moved}; ln -s /etc/hostname {box.termination_log}; exit 1")
    assert '"code":1' in moved.read_text()
    assert ran.code == 1


def test_no_signal_from_inside_reaches_the_runner(box: Box):
    ran = box.run(
        python(
            """
            import os
            for number in range(1, 65):
                for _ in range(20):
                    try:
                        os.kill(1, number)
                    except OSError:
                        pass
            import time; time.sleep(0.5)
            print("alive")
            raise SystemExit(3)
            """
        )
    )
    assert (ran.code, ran.record["rawExit"], ran.output) == (1, 3, b"alive\n")


def test_no_signal_from_inside_reaches_the_runner_while_it_handles_another(box: Box):
    ran = box.run(
        python(
            """
            import os, signal
            for _ in range(3000):
                os.kill(1, signal.SIGPIPE)
                os.kill(1, signal.SIGALRM)
            print("alive")
            raise SystemExit(3)
            """
        )
    )
    assert (ran.code, ran.record["rawExit"], ran.output) == (1, 3, b"alive\n")


def test_a_signal_from_inside_the_container_does_not_count_as_a_stop(box: Box):
    ran = box.run(
        python(
            """
            import ctypes, struct
            libc = ctypes.CDLL(None, use_errno=True)
            for code in (0, -1, -6, 0x80):           # SI_USER, SI_QUEUE, SI_TKILL, SI_KERNEL
                info = struct.pack("<iiiiii104x", 15, 0, code, 0, 0, 0)
                print(libc.syscall(129, 1, 15, info))  # rt_sigqueueinfo
            import time; time.sleep(0.5)
            raise SystemExit(3)
            """
        )
    )
    assert (ran.code, ran.record["rawExit"]) == (1, 3)
    assert ran.output.split() == [b"-1", b"0", b"-1", b"-1"]


def test_the_runner_cannot_be_read_or_traced(box: Box):
    ran = box.run(
        python(
            """
            import ctypes, os
            for name in ("environ", "maps", "mem", "auxv", "io"):
                try:
                    print("got", name, open("/proc/1/" + name, "rb").read(1))
                except OSError as error:
                    print(type(error).__name__)
            for name in ("fd/1", "fd/3", "root", "cwd", "exe"):
                try:
                    print("got", name, os.readlink("/proc/1/" + name))
                except OSError as error:
                    print(type(error).__name__)
            libc = ctypes.CDLL(None, use_errno=True)
            runner = libc.syscall(434, 1, 0)  # pidfd_open
            print(libc.ptrace(16, 1, 0, 0), libc.ptrace(0x4206, 1, 0, 0), libc.syscall(438, runner, 1, 0))
            """
        )
    )
    assert ran.output.decode().splitlines() == ["PermissionError"] * 10 + ["-1 -1 -1"]


def test_a_daemon_that_holds_the_output_open_does_not_delay_the_end(box: Box):
    daemon = """
        import os, time
        if os.fork(): os._exit(0)
        os.setsid()
        if os.fork(): os._exit(0)
        for number in range(1, 32):
            try:
                import signal; signal.signal(number, signal.SIG_IGN)
            except OSError: pass
        print("daemon", flush=True)
        open("ready", "w").close()
        time.sleep(600)
        """
    ran = box.run(f"{python(daemon)}; until [ -e ready ]; do sleep 0.05; done; exit 1")
    assert (ran.code, ran.output) == (1, b"daemon\n")


def test_orphans_are_reaped_while_the_command_runs(box: Box):
    count = "grep -ls 'State:.Z' /proc/[0-9]*/status | wc -l"
    ran = box.run(
        f"for i in $(seq 50); do (true &) ; done; until [ $({count}) = 0 ]; do sleep 0.05; done; echo none"
    )
    assert (ran.code, ran.output) == (0, b"none\n")


def test_much_output_is_capped_in_bounded_memory(box: Box):
    ran = box.run("yes 0123456789abcde | head -c 200000000; grep VmHWM /proc/1/status; exit 1")
    *_, last = ran.output.splitlines()
    all_of_it = b"0123456789abcde\n" * 12_500_000 + last + b"\n"
    found = ran.record["outputBytes"], ran.record["outputSha256"], ran.record["outputTruncated"]
    assert found == (len(all_of_it), hashlib.sha256(all_of_it).hexdigest(), True)
    gap = f"[swefoundry: {len(all_of_it) - (1 << 20)} bytes of output left out here]\n".encode()
    assert ran.output == all_of_it[: 1 << 19] + gap + all_of_it[-(1 << 19) :]
    assert int(last.split()[1]) < 32_000, "KiB"


def test_a_fork_bomb_ends_with_its_time_limit(box: Box):
    with cgroup("pids", "pids.max", "200") as group:
        ran = box.run(
            "bomb() { bomb | bomb & }; bomb; while :; do :; done", around=joining(group), timeout_seconds=2
        )
    assert (ran.code, ran.record["code"]) == (22, 22)


def test_a_child_killed_for_memory_is_counted_although_the_command_passes(box: Box):
    allocation = python("x = bytearray(400 << 20)")
    with cgroup("memory", "memory.limit_in_bytes", str(100 << 20)) as group:
        ran = box.run(f"{allocation} || true; echo went on", around=joining(group))
    assert ran.output.endswith(b"went on\n")
    assert (ran.code, ran.record["rawExit"], ran.record["oomKills"]) == (0, 0, 1)


class cgroup:  # noqa: N801 - reads like a function
    """A cgroup (v1) of our own below the test's, or a skip where there is none to be had."""

    def __init__(self, controller: str, limit: str, value: str) -> None:
        lines = Path("/proc/self/cgroup").read_text().splitlines()
        own = next((line.split(":", 2)[2] for line in lines if line.split(":")[1] == controller), None)
        if own is None:
            pytest.skip("no cgroup v1 controller for " + controller)
        self.path = Path(f"/sys/fs/cgroup/{controller}{own}") / f"runner-test-{os.getpid()}"
        self.limit, self.value = limit, value

    def __enter__(self) -> Path:
        try:
            self.path.mkdir()
            (self.path / self.limit).write_text(self.value)
        except OSError as error:
            pytest.skip(f"no cgroup of our own: {error}")
        return self.path

    def __exit__(self, *_: object) -> None:
        while (self.path / "cgroup.procs").read_text():
            time.sleep(0.05)
        self.path.rmdir()


def joining(group: Path) -> list[str]:
    return ["sh", "-c", f'echo $$ > {group}/cgroup.procs && exec "$@"', "sh"]


def test_taking_away_the_runners_limits_leaves_no_record_rather_than_a_forged_one(box: Box):
    ran = box.run(
        f"echo '{FORGED}' > {box.termination_log};"
        + python("import resource as r; r.prlimit(1, r.RLIMIT_FSIZE, (0, 0)); raise SystemExit(1)")
    )
    assert (ran.code, ran.message) == (91, "")


@pytest.mark.parametrize("init", [True, False], ids=["as PID 1", "as any process"])
def test_reports_that_are_traps_do_not_stop_the_runner(box: Box, init):
    ran = box.run(
        "mkfifo a.xml; ln -s /dev/zero b.xml; ln -s /proc/1/environ c.xml; mkdir d.xml; truncate -s 3G e.xml;"
        "printf '<testsuite>' > f.xml; yes '<x>' | head -c 1000000 > g.xml; touch \"$(printf 'h\\n<<< .xml')\"; exit 1",
        init=init,
        reports=["*.xml"],
    )
    assert (ran.code, ran.record["tests"]) == (21, None)
    assert sorted(ran.framed_output.reports) == ["f.xml", "g.xml", "h%0A%3C%3C%3C%20.xml"]
    assert "a.xml: is not a regular file" in ran.record["reportNote"]


def test_a_log_reader_that_goes_away_does_not_stop_the_record(box: Box):
    process = box.start(box.write_spec("echo one; sleep 1; yes | head -c 3000000; exit 1"))
    assert process.stdout is not None
    process.stdout.readline()
    process.stdout.close()
    assert process.wait(timeout=60) == 1
    assert '"code":1' in box.termination_log.read_text()


def test_outside_a_namespace_of_its_own_only_descendants_are_killed(box: Box):
    other_process = subprocess.Popen(["sleep", "600"])
    ours = [f"sleep {number}.{os.getpid()}" for number in (601, 602)]
    try:
        command = f"setsid {ours[0]} & (setsid sh -c '{ours[1]}; true' &) ; sleep 0.3; exit 1"
        ran = box.run(command, init=False)
        assert (ran.code, other_process.poll()) == (1, None)
        assert not set(ours) & set(commands_running())
    finally:
        other_process.kill()
        other_process.wait()


def commands_running() -> Iterator[str]:
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            yield (folder / "cmdline").read_text().replace("\0", " ").strip()
        except OSError:
            continue


# The network probe.


def listener():
    server = socket.create_server(("127.0.0.1", 0), backlog=0)
    return server, f"127.0.0.1:{server.getsockname()[1]}"


def test_an_address_that_answers_means_open(box: Box):
    server, address = listener()
    with server:
        assert box.run("true", canary=[address]).record["network"] == "open"


def test_an_address_that_refuses_means_open(box: Box):
    server, address = listener()
    server.close()
    assert box.run("true", canary=[address]).record["network"] == "open"


def test_an_address_that_stays_silent_means_denied(box: Box):
    """A full queue of unaccepted connections drops further ones, as a policy does."""
    server, address = listener()
    waiting = []
    for _ in range(4):
        client = socket.socket()
        client.setblocking(False)
        client.connect_ex(server.getsockname())
        waiting.append(client)
    assert box.run("true", canary=[address]).record["network"] == "denied"
    for one in (server, *waiting):
        one.close()


def test_no_route_means_denied(box: Box):
    ran = box.run("true", around=["unshare", "--net"], canary=["192.0.2.1:80", "[2001:db8::1]:80"])
    assert ran.record["network"] == "denied"


def test_a_network_that_opens_late_is_noticed(box: Box):
    """Some plugins drop a new pod's packets until they know it: one early attempt would call that closed."""
    process = box.start(
        box.write_spec("echo started; sleep 12", canary=["127.0.0.1:9"]), around=["unshare", "--net"]
    )
    assert process.stdout is not None
    process.stdout.readline()
    network = f"--net=/proc/{pid_inside(process)}/ns/net"
    subprocess.run(["nsenter", network, "ip", "link", "set", "lo", "up"], check=True)
    assert box.finish(process).record["network"] == "open"


def test_no_canary_means_unprobed(box: Box):
    assert box.run("true").record["network"] == "unprobed"


def test_stopping_wins_even_while_the_command_floods_the_runner_with_signals(box: Box):
    signal_loop = python("import os\nprint('go', flush=True)\nwhile True: os.kill(1, 15)")
    process = box.start(box.write_spec(signal_loop))
    assert process.stdout is not None
    process.stdout.readline()
    pid = str(pid_inside(process))
    while process.poll() is None:
        subprocess.run(["kill", "-TERM", pid], check=False)
        time.sleep(0.05)
    assert box.finish(process).code == 143
