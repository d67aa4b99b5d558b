"""The real agents with the sample script give the expected drafts, when rounds have the outcomes of a cluster."""

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
"""RoundEnd and message of each round except the last, by sample."""
ROLES = {
    "jsonpick": {"environment", "analyst"},
    "rpn": {"explorer", "environment", "tests", "analyst"},
}
"""Who is asked: a recipe has a draft for `jsonpick`, so the explorer is not, and its first commands stay."""
CLAIMED = {"jsonpick": None, "rpn": True}
"""What the Test Manager says of its command; in the last round of `jsonpick`, only the Dockerfile changes."""


def prepare_sample(name: str, served: Path, url: str = "http://git.lab:8418/demo") -> dict[str, Any]:
    spec = importlib.util.spec_from_file_location("prepare", SAMPLES / "prepare.py")
    assert spec and spec.loader
    program = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(program)
    return dict(program.prepared(name, served, url))


@dataclass
class AgentRounds:
    """Runs agents round by round as the operator does, without a cluster."""

    harness: IntakeHarness
    location: RegistryLocation
    source: str
    facts: str
    repo: str
    base_url: str
    native: bool = True
    """Whether the settings of the models have tools and schemas."""
    rounds: list[PastRound] = field(default_factory=list)
    records: list[AgentResult] = field(default_factory=list)

    async def run_round(self) -> Draft:
        """Run one agent pod's program; return its draft."""
        last = self.records[-1] if self.records else None
        spec = AgentSpec(
            nonce="n",
            place=self.location,
            conversation="0b0c1f2e-0000-4000-8000-000000000001",
            repo=self.repo,
            source=self.source,
            facts=self.facts,
            rounds=self.rounds,
            base_images=["python:3.11-slim"],
            state=last.state if last else None,
            ladder=[
                Model(name=name, base_url=self.base_url, tools=self.native, json_schema=self.native)
                for name in MODELS
            ],
        )
        folder = self.harness.folder / f"pod{len(self.records)}"
        folder.mkdir()
        self.records.append(
            await run_agent(spec, self.harness.registry, folder, without_pauses, progress=print)
        )
        record = self.records[-1]
        assert record.code == ExitCode.OK, record.message
        assert record.draft is not None
        text = await self.harness.registry.get_blob(self.location.repository, record.draft, 1 << 20)
        return Draft.model_validate_json(text)

    def end_round(self, outcome: RoundEnd) -> None:
        """Record the outcome of the last draft's round."""
        round_outcome, message = outcome
        assert self.records[-1].draft is not None
        self.rounds.append(
            PastRound(
                number=len(self.rounds) + 1,
                strategy="agents",
                draft=self.records[-1].draft,
                outcome=round_outcome,
                message=message,
            )
        )


def without_pauses(spec: AgentSpec, registry: Any) -> Any:
    async def no_pause(seconds: float) -> None:
        """Return at once."""

    return open_model_client(spec, registry, hooks=Hooks(sleep=no_pause))


async def start_rounds(
    name: str, harness: IntakeHarness, base_url: str
) -> tuple[AgentRounds, dict[str, Any]]:
    manifest = prepare_sample(name, harness.hub.root / "demo", f"{harness.hub.url}/demo")
    spec = manifest["spec"]
    origin = GitOrigin(url=spec["source"]["git"]["url"], commit=spec["baseCommit"])
    record = await harness.run_intake(
        origin, spec["testPatch"]["inline"].encode(), spec["goldPatch"]["inline"].encode()
    )
    assert record.source and record.facts, record.message
    location = RegistryLocation(registry=harness.registry.host, insecure=True, repository=harness.repo)
    return AgentRounds(harness, location, record.source, record.facts, spec["repo"], base_url), manifest


ENDPOINTS = {
    "with tools and schemas": (True, True),
    "without, as the settings say": (False, False),
    "without, unlike the settings": (True, False),
}
"""Whether the settings say that the models support tools and schemas, and whether they do."""


@pytest.mark.parametrize("name", ROUND_ENDS)
@pytest.mark.parametrize(("configured", "supported"), ENDPOINTS.values(), ids=ENDPOINTS)
async def test_each_round_gives_another_draft_and_the_last_one_is_complete(
    name: str, configured: bool, supported: bool, harness: IntakeHarness
) -> None:
    script = yaml.safe_load((SAMPLES / "script.yaml").read_text())
    script["models"] = {key: {"tools": supported, "json_schema": supported} for key in MODELS}
    async with scripted.serve(script) as model:
        agents, manifest = await start_rounds(name, harness, model.base_url)
        agents.native = configured
        drafts = []
        for outcome in ROUND_ENDS[name]:
            drafts.append(await agents.run_round())
            agents.end_round(outcome)
        drafts.append(await agents.run_round())
        report = model.request_report(bodies=True)
    assert (report["unmatched"], report["answered_twice"]) == ([], [])
    assert {line["role"] for line in report["requests"]} == ROLES[name]
    assert len({draft.digest() for draft in drafts}) == len(drafts)
    sent = json.dumps([line["body"] for line in report["requests"]])
    assert manifest["spec"]["problemStatement"]["inline"] not in sent
    assert (agents.records[-1].claimed, agents.records[-1].rung) == (CLAIMED[name], 0)


def test_every_rule_of_the_script_is_used_by_a_sample() -> None:
    rules = yaml.safe_load((SAMPLES / "script.yaml").read_text())["rules"]
    assert {rule["when"]["repo"] for rule in rules} == {f"demo/{name}" for name in ROUND_ENDS}


@pytest.mark.parametrize("name", ROUND_ENDS)
def test_prepared_instances_are_valid_and_deterministic(name: str, tmp_path: Path) -> None:
    first, second = prepare_sample(name, tmp_path), prepare_sample(name, tmp_path)
    assert manifest_problems(first) == []
    assert first == second
    assert first["metadata"]["labels"] == {"swefoundry.dev/demo": "agents"}
