"""The agent program as a process: after any end the next one resumes and pays for no turn twice."""

from pathlib import Path

import pytest

import scripted
from swefoundry.contracts.exit_codes import ExitCode
from swefoundry.contracts.models import Model
from swefoundry.oci.registry_client import RegistryClient
from unit.programs.agent.agent_inputs import a_draft
from unit.programs.agent.agent_program import (
    COMPLETE_FIRST_DRAFT,
    COMPLETE_REPORT,
    start_agent,
)
from unit.programs.agent.seeded_repository import SeededRepository

LOOKING = {"calls": [{"name": "read", "arguments": {"path": "setup.py"}}]}


SCRIPT: scripted.Json = {
    "rules": [
        {"name": "explores", "when": {"role": "explorer"}, "then": [LOOKING, {"json": COMPLETE_REPORT}]},
        {"name": "builds", "when": {"role": "environment"}, "then": {"json": COMPLETE_FIRST_DRAFT}},
    ]
}
TURNS = 3


async def test_pods_that_get_sigterm_in_every_turn_pay_for_each_turn_once(
    registry: RegistryClient, tmp_path: Path
) -> None:
    seeded, gate = SeededRepository(registry), scripted.RequestGate()
    async with scripted.serve(SCRIPT, gate=gate) as endpoint:
        spec = await seeded.agent_spec(ladder=[Model(name="any", base_url=endpoint.base_url)])
        for turn in range(1, TURNS + 1):
            pod = await start_agent(spec, tmp_path / f"pod{turn}")
            request = await gate.next_request()
            pod.terminate()
            request.release()
            ended = await pod.wait()
            # After the last answer there is nothing left that could be interrupted.
            assert ended.exit_code == ExitCode.INFRASTRUCTURE or (turn, ended.exit_code) == (
                TURNS,
                ExitCode.OK,
            ), ended.output
            assert ended.record is not None and ended.record.usage.turns == turn
        last = await (await start_agent(spec, tmp_path / "last")).wait()
        report = endpoint.request_report()
    assert last.record is not None and last.exit_code == ExitCode.OK, last.output
    assert await seeded.draft(last.record.draft) == a_draft()
    assert (report["count"], report["answered_twice"], report["unmatched"]) == (TURNS, [], [])
    recorded = await seeded.transcript(last.record.transcript)
    assert [turn.stored for turn in recorded.turns] == [True] * TURNS


async def test_a_pod_that_is_lost_between_turns_loses_no_paid_response(
    registry: RegistryClient, tmp_path: Path
) -> None:
    seeded, gate = SeededRepository(registry), scripted.RequestGate()
    async with scripted.serve(SCRIPT, gate=gate) as endpoint:
        spec = await seeded.agent_spec(ladder=[Model(name="any", base_url=endpoint.base_url)])
        pod = await start_agent(spec, tmp_path / "lost")
        for _ in range(2):
            (await gate.next_request()).release()
        await gate.next_request()  # two answers are stored; the third is in progress and never comes
        pod.kill()
        assert (await pod.wait()).record is None
        pod = await start_agent(spec, tmp_path / "last")
        (await gate.next_request()).release()
        last = await pod.wait()
        report = endpoint.request_report()
    assert last.exit_code == ExitCode.OK, last.output
    assert (report["answered"], report["answered_twice"]) == (TURNS, [])


@pytest.mark.parametrize("spec", ["", "{}", "[]"])
async def test_a_spec_that_cannot_be_parsed_is_an_invalid_spec(tmp_path: Path, spec: str) -> None:
    ended = await (await start_agent(spec, tmp_path / "pod")).wait()
    assert ended.record is not None
    assert (ended.exit_code, ended.record.code, ended.record.nonce) == (90, 90, "")
