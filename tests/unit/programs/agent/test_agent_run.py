"""One agent run from spec to result with a real registry: what it reads, what it stores, how it ends."""

import asyncio
import itertools
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swefoundry.contracts.agent import AgentResult, AgentSpec
from swefoundry.contracts.exit_codes import ExitCode
from swefoundry.contracts.models import Usage
from swefoundry.contracts.registry_location import RegistryLocation
from swefoundry.contracts.round_outcome import RoundOutcome
from swefoundry.contracts.termination_record import truncate_to_fit
from swefoundry.oci.registry_client import RegistryClient
from swefoundry.programs.agent.agent_exit import (
    AgentExit,
    BudgetSpent,
    Interrupted,
    MalformedAnswers,
    ModelRefused,
    ModelUnavailable,
    RepeatedDrafts,
)
from swefoundry.programs.agent.entrypoint import AGENT_RESULT_CUTS
from swefoundry.programs.agent.llm.messages import Reply, Request
from swefoundry.programs.agent.run import OpenModelClient, run_agent
from unit.oci import registry_server
from unit.oci.collecting import bare
from unit.programs.agent.agent_inputs import DIGEST, FIRST_DRAFT, REPORT, TESTS, a_draft, dockerfile_with
from unit.programs.agent.scripted_model_client import (
    ONE_TURN,
    ScriptedAnswer,
    ScriptedModelClient,
    tool_calls,
)
from unit.programs.agent.seeded_repository import SeededRepository

FIRST: dict[str, list[ScriptedAnswer]] = {
    "explorer": [REPORT],
    "environment": [FIRST_DRAFT],
}
YAML = dockerfile_with("RUN pip install pyyaml")
LATER: dict[str, list[ScriptedAnswer]] = {
    "analyst": [{"reason": "yaml is missing", "route": "environment", "instructions": "Install pyyaml."}],
    "environment": [{"dockerfile": YAML, "note": "pyyaml"}],
    "tests": [TESTS],
}
_numbers = itertools.count()


def open_with(client: ScriptedModelClient) -> OpenModelClient:
    @asynccontextmanager
    async def open_client(spec: AgentSpec, registry: RegistryClient) -> AsyncIterator[ScriptedModelClient]:
        yield client

    return open_client


async def run(
    spec: AgentSpec, registry: RegistryClient, client: ScriptedModelClient, tmp_path: Path
) -> AgentResult:
    folder = tmp_path / f"pod{next(_numbers)}"
    folder.mkdir()
    return await run_agent(spec, registry, folder, open_with(client), progress=lambda line: None)


@pytest.fixture
def seeded(registry: RegistryClient) -> SeededRepository:
    return SeededRepository(registry)


async def test_the_result_names_draft_state_and_transcript(seeded: SeededRepository, tmp_path: Path) -> None:
    client = ScriptedModelClient(FIRST)
    record = await run(await seeded.agent_spec(), seeded.registry, client, tmp_path)
    assert record.model_copy(update={"draft": None, "state": None, "transcript": None}) == AgentResult(
        nonce="n",
        code=ExitCode.OK,
        label="small, first draft: pytest on 3.11",
        claimed=True,
        usage=Usage(turns=2, input_tokens=20, output_tokens=10, micro_usd=14),
    )
    assert await seeded.draft(record.draft) == a_draft()
    assert await bare(seeded.registry, seeded.repo, [record.draft or "none"]) == set()
    stored_transcript = await seeded.transcript(record.transcript)
    assert [(turn.number, turn.round, turn.role) for turn in stored_transcript.turns] == [
        (1, 0, "explorer"),
        (2, 0, "environment"),
    ]
    state = await seeded.state(record.state)
    assert (state.draft, state.transcript, state.rung) == (a_draft(), record.transcript, 0)


async def test_the_next_pod_uses_the_state_of_the_last_one(seeded: SeededRepository, tmp_path: Path) -> None:
    first = await run(await seeded.agent_spec(), seeded.registry, ScriptedModelClient(FIRST), tmp_path)
    after = await seeded.evidence("collecting\n" * 100 + "ModuleNotFoundError: No module named 'yaml'\n")
    past = await seeded.past_round(
        0, RoundOutcome.AFTER_FAILED, a_draft(), probes={"before": DIGEST, "after": after}, codes={"after": 1}
    )
    client = ScriptedModelClient(LATER)
    record = await run(await seeded.agent_spec(past, state=first.state), seeded.registry, client, tmp_path)
    assert (record.code, await seeded.draft(record.draft)) == (ExitCode.OK, a_draft(YAML))
    opening = client.requests[0].messages[1].text
    assert "No module named 'yaml'" in opening and '"language":"python"' in opening
    stored_transcript = await seeded.transcript(record.transcript)
    assert [(turn.number, turn.round) for turn in stored_transcript.turns] == [
        (1, 0),
        (2, 0),
        (3, 1),
        (4, 1),
    ]
    state = await seeded.state(record.state)
    assert [each.guidance.instructions for each in state.advised] == ["Install pyyaml."]
    assert len(state.written) == 2 and len(state.signatures) == 1


async def test_the_analyst_sees_an_excerpt_of_the_build_log(seeded: SeededRepository, tmp_path: Path) -> None:
    log = "noise\n" * 5000 + "fatal error: libxml/tree.h: No such file or directory\n" + "more\n" * 5000
    blob = await seeded.registry.put_blob(seeded.repo, log.encode())
    past = await seeded.past_round(
        0, RoundOutcome.STEP_FAILED, a_draft(), build_log=blob, message="RUN pip failed"
    )
    client = ScriptedModelClient(LATER)
    await run(await seeded.agent_spec(past), seeded.registry, client, tmp_path)
    opening = client.requests[0].messages[1].text
    assert "libxml/tree.h" in opening and opening.count("noise") < 10


async def test_missing_evidence_does_not_end_the_run(seeded: SeededRepository, tmp_path: Path) -> None:
    past = await seeded.past_round(
        0, RoundOutcome.AFTER_FAILED, a_draft(), probes={"after": DIGEST}, message="why"
    )
    record = await run(await seeded.agent_spec(past), seeded.registry, ScriptedModelClient(LATER), tmp_path)
    assert record.code == ExitCode.OK


async def test_equal_specs_make_equal_requests(seeded: SeededRepository, tmp_path: Path) -> None:
    tool_call: list[ScriptedAnswer] = [
        tool_calls(("list", {"depth": 3}), ("grep", {"pattern": "pytest"})),
        REPORT,
    ]
    one, two = (ScriptedModelClient(FIRST | {"explorer": tool_call}) for _ in range(2))
    for client in (one, two):
        await run(await seeded.agent_spec(), seeded.registry, client, tmp_path)
    assert one.requests == two.requests


STOPS = [
    (BudgetSpent("spec.budget.llmUsd is spent"), ExitCode.BUDGET_SPENT),
    (ModelUnavailable("503"), ExitCode.MODEL_UNAVAILABLE),
    (ModelRefused("401"), ExitCode.MODEL_REFUSED),
    (RepeatedDrafts("again"), ExitCode.REPEATED),
    (MalformedAnswers("garbage"), ExitCode.MALFORMED),
    (Interrupted("SIGTERM"), ExitCode.INFRASTRUCTURE),
]


@pytest.mark.parametrize(("stop", "code"), STOPS, ids=[type(case[0]).__name__ for case in STOPS])
async def test_every_agent_exit_has_its_code_and_the_transcript_is_kept(
    seeded: SeededRepository, tmp_path: Path, stop: AgentExit, code: ExitCode
) -> None:
    before = await run(await seeded.agent_spec(), seeded.registry, ScriptedModelClient(FIRST), tmp_path)
    past = await seeded.past_round(0, RoundOutcome.AFTER_FAILED, a_draft(), message="why")
    spec = await seeded.agent_spec(past, state=before.state)
    record = await run(spec, seeded.registry, ScriptedModelClient(LATER | {"environment": [stop]}), tmp_path)
    assert (record.code, record.message, record.draft) == (code, str(stop), None)
    assert record.usage == ONE_TURN
    assert len((await seeded.transcript(record.transcript)).turns) == 3
    # The pod that follows asks what this one asked, and so finds the answers.
    assert record.state == before.state


async def test_giving_up_is_the_analysts_reason(seeded: SeededRepository, tmp_path: Path) -> None:
    past = await seeded.past_round(0, RoundOutcome.AFTER_FAILED, a_draft())
    lines: dict[str, list[ScriptedAnswer]] = {
        "analyst": [{"give_up": True, "reason": "It needs a GPU; get one."}]
    }
    record = await run(await seeded.agent_spec(past), seeded.registry, ScriptedModelClient(lines), tmp_path)
    assert (record.code, record.message) == (ExitCode.GAVE_UP, "It needs a GPU; get one.")


async def test_an_unavailable_registry_is_an_infrastructure_failure(
    seeded: SeededRepository, tmp_path: Path
) -> None:
    spec = await seeded.agent_spec()
    away = RegistryLocation(
        registry=f"127.0.0.1:{registry_server.refusing_port()}", insecure=True, repository="x"
    )
    async with RegistryClient(away.registry, insecure=True, retry_seconds=0.1) as registry:
        record = await run(
            spec.model_copy(update={"place": away}), registry, ScriptedModelClient(FIRST), tmp_path
        )
    assert (record.code, away.registry in record.message) == (ExitCode.INFRASTRUCTURE, True)


async def test_facts_that_cannot_be_parsed_are_an_invalid_spec(
    seeded: SeededRepository, tmp_path: Path
) -> None:
    spec = await seeded.agent_spec(facts=await seeded.registry.put_blob(seeded.repo, b"[]"))
    assert (await run(spec, seeded.registry, ScriptedModelClient({}), tmp_path)).code == ExitCode.INVALID_SPEC


class Silent(ScriptedModelClient):
    """Never answers."""

    async def ask(self, request: Request) -> Reply:
        await asyncio.Event().wait()
        return await super().ask(request)


async def test_the_time_limit_names_the_setting_that_raises_it(
    seeded: SeededRepository, tmp_path: Path
) -> None:
    spec = await seeded.agent_spec(time_limit_seconds=0)
    record = await run(spec, seeded.registry, Silent({}), tmp_path)
    assert (record.code, "agent_seconds" in record.message) == (ExitCode.TIME_LIMIT, True)


@given(st.text(max_size=6000), st.text(max_size=300), st.integers(0, 10**15))
def test_every_result_fits_into_a_termination_message(message: str, label: str, tokens: int) -> None:
    record = AgentResult(
        nonce="n" * 32,
        code=53,
        message=message,
        label=label,
        draft=DIGEST,
        state=DIGEST,
        transcript=DIGEST,
        usage=Usage(turns=tokens, input_tokens=tokens, output_tokens=tokens, micro_usd=tokens),
    )
    stored_transcript = truncate_to_fit(record, *AGENT_RESULT_CUTS)
    assert len(stored_transcript) <= 4096
    kept = AgentResult.model_validate_json(stored_transcript)
    assert message.encode("utf-8", "replace").decode().startswith(kept.message)
    assert json.loads(stored_transcript)["code"] == 53
