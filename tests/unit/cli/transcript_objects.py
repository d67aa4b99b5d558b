"""Transcripts and EnvBuilds with them, for the commands that only read."""

from typing import Any

from swefoundry.contracts.models import Usage
from swefoundry.contracts.transcript import ToolCallRecord, Transcript, TranscriptMessage, Turn
from unit.cli.task_objects import Json

DOCKERFILE = "FROM python:3.11-slim\nCOPY . /testbed\nRUN pip install ."


def a_transcript() -> Transcript:
    """Two rounds: an explorer who reads a file, a Dockerfile, and an analyst after a failure."""
    exploring = Turn(
        number=1,
        round=0,
        role="explorer",
        model="small",
        request=[
            TranscriptMessage(role="system", text="You are the Repository Explorer of swefoundry."),
            TranscriptMessage(role="user", text="\n".join(f"line {n}" for n in range(100))),
        ],
        reply=TranscriptMessage(
            role="assistant", calls=[ToolCallRecord(id="c1", name="read", arguments='{"path": "setup.py"}')]
        ),
        usage=Usage(turns=1, input_tokens=1200, cached_tokens=1000, output_tokens=30, micro_usd=420),
    )
    drafting = Turn(
        number=2,
        round=0,
        role="environment",
        model="small",
        request=[TranscriptMessage(role="tool", text="\x1b]0;owned\x07[bold]setup()", call_id="c1")],
        reply=TranscriptMessage(
            role="assistant", text=f'{{"dockerfile": {DOCKERFILE!r}, "sure": true}}'.replace("'", '"')
        ),
        usage=Usage(turns=1, input_tokens=2000, output_tokens=300, micro_usd=1_000_000),
        stored=True,
    )
    analysing = Turn(
        number=3,
        round=1,
        role="analyst",
        model="large",
        reply=TranscriptMessage(role="assistant", text="Add libxml2-dev."),
        usage=Usage(turns=1, input_tokens=500, output_tokens=10, micro_usd=90),
        note="asked again: the answer was not JSON",
    )
    return Transcript(conversation="uid-b", turns=[exploring, drafting, analysing])


def an_env_build(name: str = "octo--calc-7", **status: Any) -> Json:
    """An EnvBuild as the API gives it."""
    return {
        "apiVersion": "swefoundry.dev/v1alpha1",
        "kind": "EnvBuild",
        "metadata": {"name": name, "namespace": "default", "uid": f"uid-{name}"},
        "spec": {"repo": "octo/calc"},
        "status": status,
    }
