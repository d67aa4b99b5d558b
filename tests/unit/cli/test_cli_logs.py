"""`swefoundry logs`: the log of one piece of work, in a pod that runs or in the registry."""

import asyncio

import pytest

from simulated.api_server import ApiServer
from swefoundry.cli.log_sources import LogChoice, LogSource, LogStage, choose_log, log_sources
from swefoundry.errors import NotFound
from swefoundry.oci.artifacts import push_file
from swefoundry.oci.registry_client import RegistryClient
from unit.cli.conftest import Run
from unit.cli.push_artifacts import push_files
from unit.cli.task_objects import Json, task
from unit.oci import registry_server

NAME = "octo--calc-7"
REPOSITORY = "swefoundry/tasks/octo/calc"
NONCE = "0f" * 16


def push_build_log(host: str, text: bytes) -> str:
    async def pushed() -> str:
        async with RegistryClient(host, insecure=True) as registry:
            return await push_file(registry, REPOSITORY, "build-log", "build.log", text)

    return asyncio.run(pushed())


def running(work: str, pod: str) -> Json:
    return {"work": work, "number": 0, "pod": pod, "uid": f"uid-{pod}"}


@pytest.fixture
def host(api: ApiServer, server: registry_server.Server) -> str:
    """An instance in its matrix: one build failed, one was probed, `before` has ended and `after` runs."""
    build_log = push_build_log(server.host, b"STEP 3: pip install\nERROR: no wheel\n")
    probe, before = (
        push_files(server.host, REPOSITORY, "evaluation", {"output.log": text})
        for text in (b"probe of after\n", b"matrix of before\n")
    )
    rounds = [
        {"number": 1, "outcome": "StepFailed", "evidence": build_log},
        {"number": 2, "outcome": "Accepted", "probes": [{"stage": "after", "code": 0, "evidence": probe}]},
    ]
    status = {
        "envBuild": NAME,
        "evaluations": [{"stage": "before", "repeat": 0, "code": 1, "evidence": before}],
        "running": [running("after-0", "pod-after")],
    }
    api.put("taskinstances", task(NAME, status=status))
    api.put("envbuilds", {"metadata": {"name": NAME}, "status": {"rounds": rounds}})
    pod = {"metadata": {"name": "pod-after", "annotations": {"swefoundry.dev/nonce": NONCE}}}
    uid = api.put("pods", pod)["metadata"]["uid"]
    api.logs[uid] = f"collected 3 items\ntest_ü PASSED\n<<<swefoundry {NONCE} report a.xml\n".encode()
    return server.host


@pytest.mark.parametrize("options", [(), ("after",), ("--follow",), ("after", "-f")])
def test_without_a_stage_the_log_of_the_running_pod_is_printed_without_the_runners_frames(
    run: Run, host: str, options: tuple[str, ...]
) -> None:
    done = run("logs", NAME, *options)
    assert (done.exit_code, done.stdout) == (0, "collected 3 items\ntest_ü PASSED\n"), done.output


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (("before",), "matrix of before\n"),
        (("build",), "STEP 3: pip install\nERROR: no wheel\n"),
        (("--round", "2"), "probe of after\n"),
        (("after", "--round", "2"), "probe of after\n"),
    ],
)
def test_a_log_of_ended_work_comes_from_the_registry(
    run: Run, host: str, options: tuple[str, ...], expected: str
) -> None:
    done = run("logs", NAME, *options, "--registry", host, "--insecure")
    assert (done.exit_code, done.stdout) == (0, expected), done.output


def test_the_list_has_every_log(run: Run, host: str) -> None:
    rows = [line.split()[:5] for line in run("logs", NAME, "--list").stdout.splitlines()[1:]]
    assert [row[:4] for row in rows] == [
        ["build", "1", "0", "StepFailed"],
        ["after", "2", "0", "code"],
        ["before", "0", "code", "1"],
        ["after", "0", "running", "pod-after"],
    ]


def test_a_log_that_is_not_there_says_which_are(run: Run, host: str) -> None:
    done = run("logs", NAME, "agent")
    assert done.exit_code == 6
    assert (
        "there is no such log; there are: round 1, build, round 2, after, before #0, after #0" in done.output
    )


def test_the_matrix_is_preferred_to_probes_and_after_to_before() -> None:
    probe = {"stage": "after", "code": 0, "evidence": "probe"}
    matrix = [
        {"stage": stage, "repeat": 0, "code": 0, "evidence": stage} for stage in ("base", "before", "after")
    ]
    build = {"status": {"rounds": [{"number": 1, "probes": [probe]}]}}
    sources = log_sources({"status": {"evaluations": matrix}}, build)
    assert choose_log(sources, LogChoice()).evidence == "after"
    assert choose_log(sources[:3], LogChoice()).evidence == "before"
    assert choose_log(sources[:1], LogChoice()).evidence == "probe"


def test_an_attempt_that_waits_to_be_repeated_has_no_log() -> None:
    planned = {"work": "intake", "number": 1, "pod": "", "notBefore": "2026-01-01T12:00:00Z"}
    sources = log_sources({"status": {"running": [planned]}}, None)
    with pytest.raises(NotFound, match="none: nothing has started"):
        choose_log(sources, LogChoice())


def test_work_of_the_environment_search_counts_rounds_from_1() -> None:
    works = [
        running("agent-0", "a"),
        running("build-1", "b"),
        running("before-1", "c"),
        running("intake", "d"),
    ]
    assert log_sources({}, {"status": {"running": works}}) == [
        LogSource(LogStage.AGENT, 1, pod="a"),
        LogSource(LogStage.BUILD, 2, pod="b"),
        LogSource(LogStage.BEFORE, 2, pod="c"),
        LogSource(LogStage.INTAKE, None, pod="d"),
    ]
