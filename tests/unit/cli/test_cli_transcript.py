"""`swefoundry transcript`: the conversation with the models, for people."""

import asyncio
import json

import pytest

from simulated.api_server import ApiServer
from swefoundry.contracts.transcript import Transcript
from swefoundry.oci.registry_client import RegistryClient
from swefoundry.programs.agent.state import store_transcript
from unit.cli.conftest import Run
from unit.cli.task_objects import Json, digest, task
from unit.cli.transcript_objects import a_transcript, an_env_build
from unit.oci import registry_server

REPOSITORY = "swefoundry/tasks/octo/calc"
FLAGS = ("--insecure", "--registry")


def push_transcript(host: str) -> str:
    """Store the transcript as an agent pod does when it ends."""

    async def stored() -> str:
        async with RegistryClient(host, insecure=True) as registry:
            return await store_transcript(registry, REPOSITORY, a_transcript())

    return asyncio.run(stored())


@pytest.fixture
def host(api: ApiServer, server: registry_server.Server) -> str:
    """A registry with a transcript, and the TaskInstance and the EnvBuild that lead to it."""
    stored = push_transcript(server.host)
    api.put("taskinstances", task(status={"phase": "Preparing", "envBuild": "built"}))
    api.put("envbuilds", an_env_build("built", phase="Building", agents={"transcript": stored}))
    return server.host


def test_the_chat_has_roles_models_calls_answers_and_what_they_cost(run: Run, host: str) -> None:
    done = run("transcript", "octo--calc-7", *FLAGS, host)
    assert done.exit_code == 0, done.output
    for expected in (
        "octo--calc-7: 3 turns, 3,700 tokens in (1,000 cached), 340 out, $1.00",
        "round 1 ─",
        "#1 explorer  small  1,200 tokens in (1,000 cached), 30 out, $0.00042\n",
        '│ → read {"path": "setup.py"}',
        "#2 environment  small  2,000 tokens in, 300 out, $1.00  paid for earlier",
        "│ dockerfile:\n  │     FROM python:3.11-slim\n  │     COPY . /testbed\n",
        "│ sure: true",
        "round 1 ─",
        "asked again: the answer was not JSON",
        "│ Add libxml2-dev.",
    ):
        assert expected in done.stdout


def test_long_messages_are_shortened_without_full(run: Run, host: str) -> None:
    short = run("transcript", "octo--calc-7", *FLAGS, host).stdout
    assert "line 23\n" in short and "line 50\n" not in short and "line 99\n" in short
    assert "line 50\n" in run("transcript", "octo--calc-7", "--full", *FLAGS, host).stdout


def test_control_characters_of_repositories_and_models_are_not_printed(run: Run, host: str) -> None:
    shown = run("transcript", "octo--calc-7", *FLAGS, host).stdout
    assert "\x1b" not in shown and "\x07" not in shown
    assert "[bold]setup()" in shown


def test_a_role_and_a_round_narrow_it_down(run: Run, host: str) -> None:
    printed = json.loads(
        run("transcript", "octo--calc-7", "--role", "explorer", "-o", "json", *FLAGS, host).stdout
    )
    assert [turn["number"] for turn in printed["turns"]] == [1]
    shown = run("transcript", "octo--calc-7", "--round", "2", *FLAGS, host).stdout
    assert "1 of 3 turns" in shown and "#3 analyst" in shown and "#1" not in shown


def test_the_json_is_the_transcript_and_an_env_build_may_be_named(run: Run, host: str) -> None:
    done = run("transcript", "built", "-o", "json", *FLAGS, host)
    assert Transcript.model_validate_json(done.stdout) == a_transcript()


def test_the_registry_is_the_images_where_there_is_one(
    run: Run, api: ApiServer, server: registry_server.Server, host: str
) -> None:
    status = api.objects["envbuilds", "default", "built"]["status"]
    status["imageName"] = f"{server.host}/{REPOSITORY}:default.octo--calc-7"
    assert run("transcript", "built", "--insecure").exit_code == 0


WITHOUT_TRANSCRIPT: list[tuple[str, Json | None, Json | None]] = [
    ("no object", None, None),
    ("a task in intake", task(status={"phase": "Intake"}), None),
    (
        "a recipe that was enough",
        task(status={"envBuild": "built"}),
        an_env_build("built", phase="Ready", rounds=[{"strategy": "recipe"}]),
    ),
    (
        "agents during their first draft",
        task(status={"envBuild": "built"}),
        an_env_build("built", phase="Drafting", agents={"draftsRequested": 1, "drafting": 1}),
    ),
    (
        "agents without budget",
        task(status={"envBuild": "built"}),
        an_env_build(
            "built", phase="Failed", agents={"endReason": "BudgetSpent", "message": "no money is left"}
        ),
    ),
]


@pytest.mark.parametrize(
    ("instance", "build"),
    [case[1:] for case in WITHOUT_TRANSCRIPT],
    ids=[case[0] for case in WITHOUT_TRANSCRIPT],
)
def test_where_no_model_was_asked_the_exit_code_is_6(
    run: Run, api: ApiServer, instance: Json | None, build: Json | None
) -> None:
    put_all(api, instance, build)
    done = run("transcript", "octo--calc-7")
    assert done.exit_code == 6, done.output


def put_all(api: ApiServer, instance: Json | None, build: Json | None) -> None:
    for plural, body in (("taskinstances", instance), ("envbuilds", build)):
        if body:
            api.put(plural, body)


def test_without_an_image_the_registry_has_to_be_named(run: Run, api: ApiServer) -> None:
    api.put("envbuilds", an_env_build(agents={"transcript": digest("c")}))
    done = run("transcript", "octo--calc-7")
    assert done.exit_code == 5
    assert f"{REPOSITORY}@{digest('c')}" in done.stderr
