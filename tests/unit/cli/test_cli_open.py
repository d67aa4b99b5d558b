"""`swefoundry open`: a shell in an image of an instance, in a pod that is gone afterwards."""

import asyncio
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from simulated.api_server import ApiServer
from swefoundry.cli.operator_pods import pod_settings
from swefoundry.oci.registry_client import RegistryClient
from swefoundry.oci.stage_images import compose_stage
from swefoundry.settings import Settings
from unit.cli.conftest import Run
from unit.cli.task_objects import Json, finished_status, task
from unit.cli.test_cli_doctor import operator
from unit.oci import registry_server
from unit.oci.test_stages import REPO, a_layer, a_task_image

NAME = "stages--task-1"
RUNNING = {"phase": "Running", "containerStatuses": [{"state": {"running": {}}}]}


@pytest.fixture
def kubectl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Put a kubectl on the PATH that writes its arguments to a file and then runs a script."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")

    def write(script: str) -> Path:
        program, arguments = folder / "kubectl", tmp_path / "arguments"
        program.write_text(f'#!/bin/sh\necho "$@" > {arguments}\n{script}\n')
        program.chmod(0o755)
        return arguments

    return write


@pytest.fixture
def stage_image(api: ApiServer, server: registry_server.Server) -> str:
    """Digest of the stage image of an instance with an image, whose pods run as soon as somebody looks."""
    digest, layer, composed = asyncio.run(_pushed_image(server.host))
    status = {
        "image": {"name": "elsewhere/stages/task:one", "digest": digest},
        "prepared": {"layers": {"before": layer}},
    }
    api.put(
        "taskinstances", task(NAME, status=status, repo="task", podTemplate={"nodeSelector": {"zone": "b"}})
    )
    api.put(
        "pods",
        operator(
            NAMESPACES="default",
            REGISTRY_PREFIX="stages",
            RUNTIME_CLASS="gvisor",
            NAMESPACE_POD_TEMPLATES='{"default": {"runtimeClassName": "kata"}}',
        ),
    )
    start_pods(api, RUNNING)
    return composed


async def _pushed_image(host: str) -> tuple[str, Json, str]:
    async with RegistryClient(host, insecure=True) as registry:
        image, layer = await a_task_image(registry), await a_layer(registry)
        composed = await compose_stage(registry, REPO, image, layer)
        return image, layer.to_json_dict(), composed


def start_pods(api: ApiServer, status: Json) -> None:
    async def hook(line: str) -> None:
        for key in list(api.objects) if line.startswith("GET pods/") else ():
            if key[0] == "pods" and key[1] == "default":
                api.set_status(key, status)

    api.request_hook = hook


def test_a_command_runs_in_the_stage_image_and_its_exit_code_is_returned(
    run: Run, api: ApiServer, server: registry_server.Server, kubectl: Callable[[str], Path], stage_image: str
) -> None:
    arguments = kubectl("exit 7")
    done = run("open", NAME, "--registry", server.host, "--insecure", "--", "pytest", "-x")
    assert done.exit_code == 7, done.output
    (pod,) = api.created
    name = pod["metadata"]["name"]
    assert arguments.read_text() == f"exec -n default {name} -c testbed -i -- pytest -x\n"
    assert pod["spec"]["containers"][0]["image"] == f"r.example/stages/task@{stage_image}"
    assert (pod["spec"]["runtimeClassName"], pod["spec"]["nodeSelector"]) == ("kata", {"zone": "b"})
    assert [body["metadata"]["name"] for body in api.bodies("pods")] == ["swefoundry-1"]


def test_without_a_command_there_is_a_shell(
    run: Run, server: registry_server.Server, kubectl: Callable[[str], Path], stage_image: str
) -> None:
    arguments = kubectl("exit 0")
    assert run("open", NAME, "--registry", server.host, "--insecure", "--for", "30m").exit_code == 0
    assert "-- sh -c command -v bash >/dev/null && exec bash || exec sh" in arguments.read_text()


@pytest.fixture
def interruptible() -> Iterator[None]:
    """As at a terminal: a shell lets what it starts in the background ignore interrupts, and pytest's children, too."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
def test_an_interrupt_deletes_the_pod(
    run: Run, api: ApiServer, server: registry_server.Server, kubectl: Callable[[str], Path], stage_image: str
) -> None:
    kubectl("kill -INT $PPID; sleep 60")
    done = run("open", NAME, "--registry", server.host, "--insecure")
    assert (done.exit_code, len(api.created), len(api.bodies("pods"))) == (130, 1, 1), done.output


def test_a_pod_that_ends_by_itself_is_an_error(
    run: Run, api: ApiServer, server: registry_server.Server, kubectl: Callable[[str], Path], stage_image: str
) -> None:
    kubectl("exit 0")
    terminated = {"exitCode": 128, "reason": "StartError", "message": "exec: sleep: not found"}
    start_pods(api, {"phase": "Failed", "containerStatuses": [{"state": {"terminated": terminated}}]})
    done = run("open", NAME, "--registry", server.host, "--insecure")
    assert done.exit_code == 5
    assert "ended before it could be used: StartError, exit code 128 exec: sleep: not found" in done.output
    assert len(api.bodies("pods")) == 1


BUILT = {"rounds": [{"number": 1}, {"number": 2, "image": "sha256:" + "b" * 64}]}


@pytest.mark.parametrize(
    ("status", "build", "options", "message"),
    [
        ({}, {}, (), f"it is Pending; `swefoundry status {NAME} --watch` shows when there is one"),
        ({"phase": "Suspended"}, {}, (), "it is Suspended; set spec.suspend to false"),
        (
            finished_status("Failed", None, "SourceUnreachable", "gone"),
            {},
            (),
            f"it is Failed (SourceUnreachable); `swefoundry why {NAME}` shows why",
        ),
        (
            finished_status("Failed", None, "EnvironmentNotFound", "all rounds failed"),
            BUILT,
            (),
            "--round opens the image of a round that was not accepted (2)",
        ),
        ({}, BUILT, ("--round", "1"), "round 1 has no image; rounds with one: 2"),
    ],
)
def test_without_an_image_it_says_why_and_what_to_do(
    run: Run,
    api: ApiServer,
    kubectl: Callable[[str], Path],
    status: Json,
    build: Json,
    options: tuple[str, ...],
    message: str,
) -> None:
    kubectl("exit 0")
    api.put("taskinstances", task(NAME, status=status | {"envBuild": NAME}))
    api.put("envbuilds", {"metadata": {"name": NAME}, "status": build})
    done = run("open", NAME, *options)
    assert (done.exit_code, message in " ".join(done.output.split())) == (6, True), done.output


def test_without_an_operator_no_pod_is_started_because_its_sandbox_is_not_known(
    run: Run, api: ApiServer, kubectl: Callable[[str], Path], stage_image: str
) -> None:
    kubectl("exit 0")
    api.objects.pop(("pods", "swefoundry", "swefoundry-1"))
    done = run("open", NAME)
    assert done.exit_code == 6
    assert "no operator that watches the namespace default was found" in done.output
    assert api.created == []


def test_settings_are_the_operators_and_never_those_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SWEFOUNDRY_REGISTRY_PREFIX", "mine")
    found = pod_settings(
        {"SWEFOUNDRY_TASK_USER_NAMESPACES": "false", "SWEFOUNDRY_REGISTRY_PULL": "r.example"}
    )
    assert found.registry_prefix == Settings.model_fields["registry_prefix"].default
    assert (found.task_user_namespaces, found.pull_host) == (False, "r.example")


@pytest.mark.parametrize("text", ["", "0s", "3x", "25h", "-1h"])
def test_a_wrong_duration_is_wrong_usage(run: Run, text: str) -> None:
    done = run("open", NAME, f"--for={text}")
    assert (done.exit_code, "such as 1h, 30m or 1h30m" in " ".join(done.output.split())) == (2, True)
