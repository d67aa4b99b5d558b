"""The script leads the real agents to environments for the prepared repositories, when rounds end as in a cluster."""

import importlib.util
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

import scripted
from swefoundry.api.codegen.crds import ROOT
from swefoundry.api.validation.manifest import manifest_problems
from swefoundry.contracts.agent import AgentResult, AgentSpec, PastRound
from swefoundry.contracts.draft import Draft
from swefoundry.contracts.exit_codes import ExitCode
from swefoundry.contracts.intake import GitOrigin
from swefoundry.contracts.models import Model
from swefoundry.contracts.registry_location import RegistryLocation
from swefoundry.contracts.round_outcome import RoundOutcome
from swefoundry.programs.agent.llm.hooks import Hooks
from swefoundry.programs.agent.llm.open_client import open_model_client
from swefoundry.programs.agent.run import run_agent
from unit.programs.intake.intake_harness import IntakeHarness

SAMPLES = ROOT / "samples/agents"
MODELS = ("scripted-small", "scripted-large")

RoundEnd = tuple[RoundOutcome, str]
ROUND_ENDS: dict[str, Sequence[RoundEnd]] = {
    "jsonpick": [
        (RoundOutcome.AFTER_FAILED, "E   FileNotFoundError: [Errno 2] No such file or directory: 'jq'"),
    ],
    "rpn": [
        (RoundOutcome.STEP_FAILED, "./dev: 12: cc: not found"),
        (RoundOutcome.NO_RESULT, "make: *** No rule to make target 'check'.  Stop."),
    ],
}
"""How each round but the last ends."""


def prepared(name: str, served: Path, url: str = "http://git.lab:8418/demo") -> dict[str, Any]:
    found = importlib.util.spec_from_file_location("prepare", SAMPLES / "prepare.py")
    assert found and found.loader
    program = importlib.util.module_from_spec(found)
    found.loader.exec_module(program)
    return dict(program.prepared(name, served, url))


@dataclass
class Loop:
    """What the operator does between two agent pods, without a cluster."""

    harness: IntakeHarness
    place: RegistryLocation
    source: str
    facts: str
    repo: str
    base_url: str
    native: bool = True
    """Whether the models are known to take tools and schemas."""
    rounds: list[PastRound] = field(default_factory=list)
    records: list[AgentResult] = field(default_factory=list)

    async def turn(self) -> Draft:
        """One agent pod; its draft."""
        last = self.records[-1] if self.records else None
        spec = AgentSpec(
            nonce="n",
            place=self.place,
            conversation="0b0c1f2e-0000-4000-8000-000000000001",
            repo=self.repo,
            source=self.source,
            facts=self.facts,
            rounds=self.rounds,
            state=last.state if last else None,
            ladder=[
                Model(name=name, base_url=self.base_url, tools=self.native, json_schema=self.native)
                for name in MODELS
            ],
        )
        folder = self.harness.folder / f"pod{len(self.records)}"
        folder.mkdir()
        self.records.append(await run_agent(spec, self.harness.registry, folder, at_once, progress=print))
        record = self.records[-1]
        assert record.code == ExitCode.OK, record.message
        assert record.draft is not None
        text = await self.harness.registry.get_blob(self.place.repository, record.draft, 1 << 20)
        return Draft.model_validate_json(text)

    def ended(self, end: RoundEnd) -> None:
        """The draft was built and tried, and this came of it."""
        outcome, message = end
        assert self.records[-1].draft is not None
        self.rounds.append(
            PastRound(
                number=len(self.rounds) + 1,
                strategy="agents",
                draft=self.records[-1].draft,
                outcome=outcome,
                message=message,
            )
        )


def at_once(spec: AgentSpec, registry: Any) -> Any:
    async def no_pause(seconds: float) -> None:
        """Tests wait for nothing."""

    return open_model_client(spec, registry, hooks=Hooks(sleep=no_pause))


async def a_loop(name: str, harness: IntakeHarness, base_url: str) -> tuple[Loop, dict[str, Any]]:
    manifest = prepared(name, harness.hub.root / "demo", f"{harness.hub.url}/demo")
    spec = manifest["spec"]
    origin = GitOrigin(url=spec["source"]["git"]["url"], commit=spec["baseCommit"])
    record = await harness.run_intake(
        origin, spec["testPatch"]["inline"].encode(), spec["goldPatch"]["inline"].encode()
    )
    assert record.source and record.facts, record.message
    place = RegistryLocation(registry=harness.registry.host, insecure=True, repository=harness.repo)
    return Loop(harness, place, record.source, record.facts, spec["repo"], base_url), manifest


ENDPOINTS = {
    "with tools and schemas": (True, True),
    "known to be without": (False, False),
    "found to be without": (True, False),
}
"""What the settings say that the models can do, and what they can."""


@pytest.mark.parametrize("name", ROUND_ENDS)
@pytest.mark.parametrize(("declared", "able"), ENDPOINTS.values(), ids=ENDPOINTS)
async def test_the_script_leads_from_failure_to_a_draft_that_works(
    name: str, declared: bool, able: bool, harness: IntakeHarness
) -> None:
    script = yaml.safe_load((SAMPLES / "script.yaml").read_text())
    script["models"] = {key: {"tools": able, "json_schema": able} for key in MODELS}
    async with scripted.serve(script) as model:
        loop, manifest = await a_loop(name, harness, model.base_url)
        loop.native = declared
        drafts = []
        for end in ROUND_ENDS[name]:
            drafts.append(await loop.turn())
            loop.ended(end)
        drafts.append(await loop.turn())
        report = model.request_report(bodies=True)
    assert (report["unmatched"], report["answered_twice"]) == ([], [])
    assert {line["role"] for line in report["requests"]} == {"explorer", "environment", "tests", "analyst"}
    assert len({draft.digest() for draft in drafts}) == len(drafts)
    sent = json.dumps([line["body"] for line in report["requests"]])
    assert manifest["spec"]["problemStatement"]["inline"] not in sent
    assert (loop.records[-1].claimed, loop.records[-1].rung) == (True, 0)


def test_every_rule_of_the_script_is_used_by_a_sample() -> None:
    rules = yaml.safe_load((SAMPLES / "script.yaml").read_text())["rules"]
    assert {rule["when"]["repo"] for rule in rules} == {f"demo/{name}" for name in ROUND_ENDS}


@pytest.mark.parametrize("name", ROUND_ENDS)
def test_prepared_instances_are_good_and_always_the_same(name: str, tmp_path: Path) -> None:
    first, again = prepared(name, tmp_path), prepared(name, tmp_path)
    assert manifest_problems(first) == []
    assert first == again
    assert first["metadata"]["labels"] == {"swefoundry.dev/demo": "agents"}
