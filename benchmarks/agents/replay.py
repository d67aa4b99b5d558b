"""Replays rows: real agent programs and a real model server with recorded answers; builds and evaluations are recorded.

The agents are a process, as in a pod, and may be those of another checkout: the spec in the environment, the artifacts
in the registry and the record have the same form since f3b3550.
"""

import asyncio
import json
import os
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rows import End, Row

import scripted
from swefoundry.contracts.agent import AgentResult, AgentSpec, PastRound
from swefoundry.contracts.draft import Draft
from swefoundry.contracts.models import Model
from swefoundry.contracts.registry_location import RegistryLocation
from swefoundry.contracts.round_outcome import ACCEPTED_OUTCOMES
from swefoundry.oci.artifacts import push_artifact
from swefoundry.oci.deterministic_tar import TREE_MTIME, RegularFile, pack_nodes
from swefoundry.oci.registry_client import RegistryClient
from swefoundry.oci.source_store import SOURCE_FILE
from swefoundry.programs.intake.fact_collector import collect_facts, encode_facts, with_test_facts

MAX_ROUNDS = 6
ROLES = ("explorer", "environment", "tests", "analyst")
BASE_IMAGES = ["python:3.11-slim", "node:16", "node:8", "debian:bookworm-slim"]
MAX_DRAFT_BYTES = 1 << 20


@dataclass
class Replay:
    """What one row took."""

    row: str
    outcomes: list[str] = field(default_factory=list)
    ended: str = ""
    """The agents' message when they ended without a draft."""
    turns: dict[str, int] = field(default_factory=Counter)
    tokens: dict[str, int] = field(default_factory=Counter)
    """Input tokens by role, as the scripted server counts them: characters divided by four."""

    @property
    def solved(self) -> bool:
        """Whether the last draft was accepted."""
        return bool(self.outcomes) and self.outcomes[-1] in ACCEPTED_OUTCOMES


@dataclass(frozen=True)
class Agents:
    """The agents of a checkout."""

    root: Path
    module: str
    omitted: frozenset[str] = frozenset()
    """Fields of answers that these agents do not know."""

    async def run(self, spec: AgentSpec, folder: Path) -> AgentResult:
        """Run the program as a pod does; the folder exists and is empty."""
        log = folder / "termination-log"
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", self.module),
            env={
                "PATH": os.environ["PATH"],
                "PYTHONPATH": str(self.root / "operator"),
                "SWEFOUNDRY_WORKDIR": str(folder),
                "SWEFOUNDRY_TERMINATION_LOG": str(log),
                "SWEFOUNDRY_AGENT": spec.to_json(),
            },
            stdout=asyncio.subprocess.DEVNULL,
        )
        await process.wait()
        return AgentResult.model_validate_json(log.read_bytes())

    @classmethod
    def of(cls, root: Path, omitted: frozenset[str]) -> "Agents":
        """The agents of a checkout; their program was moved once."""
        moved = (root / "operator/swefoundry/programs/agent").exists()
        return cls(root, "swefoundry.programs.agent" if moved else "swefoundry.agents", omitted)

    def known_answers(self, script: dict[str, Any]) -> dict[str, Any]:
        """The script without the omitted fields."""
        return json.loads(json.dumps(script), object_hook=self._known)

    def _known(self, value: dict[str, Any]) -> dict[str, Any]:
        return {name: item for name, item in value.items() if name not in self.omitted}


async def replay(row: Row, agents: Agents, registry: RegistryClient, folder: Path) -> Replay:
    """Run a row to its end."""
    result = Replay(row.name)
    async with scripted.serve(agents.known_answers(row.script)) as model:
        spec = await _first_spec(row, registry, model.base_url, "missing_images" not in agents.omitted)
        for number in range(MAX_ROUNDS):
            record = await agents.run(spec, Path(tempfile.mkdtemp(dir=folder)))
            if record.draft is None:
                result.ended = record.message
                break
            draft_bytes = await registry.get_blob(spec.place.repository, record.draft, MAX_DRAFT_BYTES)
            end = row.end_of(Draft.model_validate_json(draft_bytes))
            result.outcomes.append(end.outcome)
            if result.solved:
                break
            past = await _past_round(number, record, end, spec.place.repository, registry)
            spec = spec.model_copy(update={"rounds": [*spec.rounds, past], "state": record.state})
        _count(model, result)
    return result


async def _first_spec(row: Row, registry: RegistryClient, base_url: str, look_up_images: bool) -> AgentSpec:
    repo = f"replayed/{row.name}"
    tree, changed = dict(row.files), row.files | row.tests
    facts = collect_facts(sorted(tree), lambda path: tree[path].encode(), None, None)
    facts = with_test_facts(facts, row.tests, set(tree), set(changed), lambda path: changed[path].encode())
    archive, _ = pack_nodes(
        [(name.encode(), RegularFile(text.encode())) for name, text in sorted(tree.items())], TREE_MTIME
    )
    return AgentSpec(
        nonce="replay",
        place=RegistryLocation(registry=registry.host, insecure=True, repository=repo),
        conversation=f"replay-{row.name}",
        repo=row.repo,
        source=await push_artifact(registry, repo, "source", {SOURCE_FILE: archive}),
        facts=await registry.put_blob(repo, encode_facts(facts)),
        language=row.language,
        created_at=row.created_at,
        ladder=[
            Model(name=name, base_url=base_url) for name in row.script.get("models", {"scripted-small": {}})
        ],
        base_images=BASE_IMAGES,
        missing_images=row.missing_images if look_up_images else None,
    )


async def _past_round(
    number: int, record: AgentResult, end: End, repo: str, registry: RegistryClient
) -> PastRound:
    return PastRound(
        number=number,
        strategy="agents",
        draft=record.draft or "",
        outcome=end.outcome,
        message=end.message,
        build_log=await registry.put_blob(repo, end.build_log.encode()) if end.build_log else None,
        probes={stage: await _evidence(stage, end, repo, registry) for stage in end.codes},
        codes=end.codes,
    )


async def _evidence(stage: str, end: End, repo: str, registry: RegistryClient) -> str:
    files = {"output.log": end.logs.get(stage, "").encode(), "record.json": b"{}"}
    if stage in end.reports:
        files["reports/report.xml"] = end.reports[stage].encode()
    return await push_artifact(registry, repo, "evaluation", files)


def _count(model: scripted.LocalModel, result: Replay) -> None:
    report = model.request_report()
    if report["unmatched"]:
        raise SystemExit(f"{result.row}: {report['unmatched'][0]}")
    for entry in model.server.request_log.entries:
        if entry.status == 200 and entry.request is not None:
            result.turns[entry.role or ""] += 1
            result.tokens[entry.role or ""] += entry.request.prompt_tokens
