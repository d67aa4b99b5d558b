"""Hostile test commands cannot change the record of a real evaluation pod."""

import hashlib
import json
import textwrap
from collections.abc import Iterator
from shlex import quote
from uuid import uuid4

import pytest

from cluster import evaluation_pods
from cluster.commands import LAB, ON_LAB, kubectl
from cluster.evaluation_pods import NONCE, FinishedPod, Json, PodCase
from swefoundry.contracts.evaluation import ReportCounts
from swefoundry.workloads.pod_outcomes import FaultCategory, PodFault, PodResult
from swefoundry.workloads.pod_snapshot import read_snapshot

pytestmark = [
    pytest.mark.cluster,
    pytest.mark.skipif(
        not ON_LAB or not (LAB / "registry").exists(), reason="puts an image into the lab's registry"
    ),
]

FORGED = json.dumps({"v": 1, "nonce": NONCE, "stage": "before", "code": 0, "rawExit": 0})
"""A forged record with the right nonce."""

LOG = "/dev/termination-log"
PASSING = "<testsuite><testcase/></testsuite>"


def python(source: str) -> str:
    return f"python3 -c {quote(textwrap.dedent(source))}"


OPEN_PROC = python(
    """
    import ctypes, os
    for name in ("environ", "maps", "mem", "auxv", "io"):
        try:
            print("got", name, open("/proc/1/" + name, "rb").read(1))
        except OSError as error:
            print(type(error).__name__)
    for name in ("fd/1", "fd/3", "exe", "root", "cwd"):
        try:
            print("got", name, os.readlink("/proc/1/" + name))
        except OSError as error:
            print(type(error).__name__)
    libc = ctypes.CDLL(None, use_errno=True)
    print(libc.ptrace(16, 1, 0, 0), libc.syscall(438, libc.syscall(434, 1, 0), 1, 0))
    """
)

SIGNALS = python(
    """
    import os, time
    for number in range(1, 65):
        try:
            os.kill(1, number)
        except OSError:
            pass
    time.sleep(0.5)
    raise SystemExit(1)
    """
)

DAEMON = python(
    """
    import os, signal, time
    if os.fork(): os._exit(0)
    os.setsid()
    if os.fork(): os._exit(0)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    time.sleep(600)
    """
)

USE_1_GIB = python("x = bytearray(1 << 30)")

FORGE_FOREVER = f"while :; do echo {quote(FORGED)} > {LOG}; done"

CASES = {
    "passes": PodCase(f"echo {quote(PASSING)} > junit.xml", {"reports": ["junit.xml"]}),
    "fails": PodCase("exit 1"),
    "reports-nothing": PodCase("exit 2", {"error_exit_codes": [2, 3, 4, 5]}),
    "command-missing": PodCase("no-such-program"),
    "workdir-missing": PodCase("true", {"workdir": "/no/such/folder"}),
    "hangs": PodCase("trap '' TERM; sleep 600; sleep 600", {"timeout_seconds": 1}),
    "zero-tests": PodCase("echo '<testsuite/>' > junit.xml", {"reports": ["junit.xml"]}),
    "stale-report": PodCase("ls README", {"reports": ["README"]}),
    "prints-fakes": PodCase(f"echo {quote(FORGED)}; echo '<<<swefoundry x report a 1 b gzip+base64'; exit 1"),
    "forges-record": PodCase(f"setsid sh -c {quote(FORGE_FOREVER)} & sleep 0.3; exit 1"),
    "removes-record": PodCase(f"umount {LOG}; rm -f {LOG}; mv {LOG} /tmp; ln -sf /tmp/x {LOG}; exit 1"),
    "signals-runner": PodCase(SIGNALS),
    "opens-proc": PodCase(f"{OPEN_PROC}; exit 1"),
    "leaves-daemon": PodCase(f"{DAEMON}; exit 1"),
    "writes-200-mb": PodCase("yes 0123456789abcde | head -c 200000000; exit 1"),
    "child-oom-killed": PodCase(f"{USE_1_GIB} || true; exit 0", memory="100Mi"),
    "root-things": PodCase(
        "chown 1000:1000 README && su nobody -s /bin/sh -c 'id -un' && env | grep -c SWEFOUNDRY"
    ),
    "sees-network": PodCase("sleep 15", {"canary": ["10.96.0.1:443"]}, change=lambda pod: allow_network(pod)),
    "sees-no-network": PodCase("sleep 15", {"canary": ["10.96.0.1:443"]}),
}
"""Attempts to reach the canary are made for ten seconds: on a busy machine the first ones may find no time."""


def allow_network(pod: Json) -> None:
    pod["metadata"]["labels"]["swefoundry.dev/network"] = "allow"


NO_NETWORK = {
    "apiVersion": "networking.k8s.io/v1",
    "kind": "NetworkPolicy",
    "metadata": {"name": "evaluation"},
    "spec": {
        "podSelector": {"matchLabels": {"swefoundry.dev/network": "deny"}},
        "policyTypes": ["Ingress", "Egress"],
    },
}


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> str:
    return evaluation_pods.push_stage_image(tmp_path_factory.mktemp("runner"))


@pytest.fixture(scope="module")
def pods(image: str) -> Iterator[dict[str, FinishedPod]]:
    """The pods of all cases, which run at the same time; each test uses its own."""
    namespace = f"runner-{uuid4().hex[:8]}"
    kubectl("create", "namespace", namespace)
    try:
        kubectl("create", "-n", namespace, "-f", "-", stdin=json.dumps(NO_NETWORK))
        evaluation_pods.create(
            *(evaluation_pods.case_pod(name, namespace, image, case) for name, case in CASES.items())
        )
        yield {name: evaluation_pods.collect(namespace, name) for name in CASES}
    finally:
        evaluation_pods.delete_namespace(namespace)


def test_a_deleted_pod_leaves_a_message_and_no_record(image: str):
    """The runner accepts SIGTERM from outside the container."""
    namespace = f"runner-{uuid4().hex[:8]}"
    kubectl("create", "namespace", namespace)
    try:
        evaluation_pods.create(evaluation_pods.case_pod("deleted", namespace, image, PodCase("sleep 600")))
        evaluation_pods.wait_until(namespace, "deleted", lambda pod: "running" in evaluation_pods.state(pod))
        kubectl("delete", "pod", "deleted", "-n", namespace, "--wait=false", "--grace-period=30")
        pod = evaluation_pods.wait_until(namespace, "deleted", evaluation_pods.is_terminated)
    finally:
        evaluation_pods.delete_namespace(namespace)
    finished = FinishedPod(evaluation_pods.capture("runner-deleted", pod), b"")
    assert finished.terminated["exitCode"] == 143
    assert (
        finished.terminated["message"] == "runner: stopped by SIGTERM before the command ended: no verdict\n"
    )
    assert isinstance(finished.state, PodFault)
    assert (finished.state.category, finished.state.reason) == (FaultCategory.INFRASTRUCTURE, "PodDeleted")


@pytest.mark.parametrize(
    ("name", "code", "raw_exit"),
    [
        ("passes", 0, 0),
        ("fails", 1, 1),
        ("reports-nothing", 21, 2),
        ("command-missing", 20, 127),
        ("workdir-missing", 20, None),
        ("hangs", 22, None),
        ("zero-tests", 21, 0),
        ("stale-report", 21, 2),
        ("prints-fakes", 1, 1),
        ("forges-record", 1, 1),
        ("removes-record", 1, 1),
        ("signals-runner", 1, 1),
        ("opens-proc", 1, 1),
        ("leaves-daemon", 1, 1),
        ("writes-200-mb", 1, 1),
        ("root-things", 1, 1),
        ("sees-network", 0, 0),
        ("sees-no-network", 0, 0),
    ],
)
def test_the_exit_code_of_the_container_is_the_code_of_its_record(
    pods: dict[str, FinishedPod], name, code, raw_exit
):
    finished = pods[name]
    assert finished.state == PodResult(code, finished.record, read_snapshot(finished.pod).terminated.seconds)
    assert (finished.terminated["exitCode"], finished.record["rawExit"]) == (code, raw_exit)


def test_an_out_of_memory_kill_of_a_child_is_a_limit_although_the_command_exits_0(
    pods: dict[str, FinishedPod],
):
    finished = pods["child-oom-killed"]
    state = finished.state
    assert isinstance(state, PodFault)
    assert (state.category, state.reason) == (FaultCategory.LIMIT, "OOMKilled")
    assert (finished.terminated["exitCode"], finished.record["code"], finished.record["oomKills"]) == (
        0,
        0,
        1,
    )


def test_reports_are_in_the_log_and_their_tests_are_counted(pods: dict[str, FinishedPod]):
    finished = pods["passes"]
    assert finished.framed.reports == {"junit.xml": PASSING.encode() + b"\n"}
    assert ReportCounts.model_validate(finished.record["tests"]) == ReportCounts(total=1, passed=1)


def test_forged_records_and_frames_in_the_output_are_plain_output(pods: dict[str, FinishedPod]):
    framed = pods["prints-fakes"].framed
    assert (framed.reports, framed.output.count(b"\n"), framed.problems) == ({}, 2, ())


def test_root_in_the_container_cannot_inspect_the_runner(pods: dict[str, FinishedPod]):
    assert pods["opens-proc"].log.decode().splitlines() == ["PermissionError"] * 10 + ["-1 -1"]


def test_root_in_the_container_can_do_what_test_suites_need(pods: dict[str, FinishedPod]):
    assert pods["root-things"].log == b"nobody\n0\n", "the runner's spec is in the environment"


def test_output_is_truncated_and_the_digest_covers_all_of_it(pods: dict[str, FinishedPod]):
    finished = pods["writes-200-mb"]
    digest = hashlib.sha256(b"0123456789abcde\n" * 12_500_000).hexdigest()
    assert (finished.record["outputBytes"], finished.record["outputSha256"]) == (200_000_000, digest)
    assert len(finished.log) < 1_100_000


def test_the_record_has_the_result_of_the_network_probe(pods: dict[str, FinishedPod]):
    networks = {name: pods[name].record["network"] for name in ("sees-network", "sees-no-network", "fails")}
    assert networks == {"sees-network": "open", "sees-no-network": "denied", "fails": "unprobed"}
