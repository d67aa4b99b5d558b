"""Inputs of the recipe, and rounds that end as a test needs."""

from datetime import UTC, datetime

from swefoundry.contracts.draft import Overrides
from swefoundry.contracts.facts import Facts, FileFact
from swefoundry.contracts.round_outcome import RoundOutcome
from swefoundry.drafts import next_proposal
from swefoundry.drafts.proposal import Proposal, StrategyInput, TriedRound

BASES = ["python:3.11-slim", "python:3.9-slim", "python:3.13-slim"]
SETUP_PY = "from setuptools import setup\nsetup(name='thing', version='1.0', packages=['thing'], install_requires=[])\n"


def facts(manifests: dict[str, str] | None = None, **more: object) -> Facts:
    files = {"setup.py": SETUP_PY} if manifests is None else manifests
    fields: dict[str, object] = {
        "languages": {"python": 9},
        "test_files": ["tests/test_thing.py"],
        "root_entries": ["setup.py", "tests/", "thing/"],
        "package_dirs": ["thing"],
    }
    listed = [FileFact(path=path, sha256="0" * 64, text=text) for path, text in files.items()]
    return Facts(manifests=listed, **(fields | more))


def an_input(
    manifests: dict[str, str] | None = None,
    *,
    created: str | None = "2023-06-01",
    bases: list[str] | None = None,
    overrides: Overrides | None = None,
    **more: object,
) -> StrategyInput:
    return StrategyInput(
        facts=facts(manifests, **more),
        created_at=datetime.fromisoformat(created).replace(tzinfo=UTC) if created else None,
        base_images={"python": BASES if bases is None else bases},
        overrides=overrides,
    )


def proposed(inputs: StrategyInput) -> Proposal:
    proposal = next_proposal(["fixed", "recipe"], inputs)
    assert proposal is not None
    return proposal


def ended(inputs: StrategyInput, outcome: RoundOutcome, message: str = "") -> StrategyInput:
    """Return the input after its next proposal was tried."""
    proposal = proposed(inputs)
    tried = TriedRound(
        strategy=proposal.strategy,
        label=proposal.label,
        draft=proposal.draft,
        outcome=outcome,
        message=message,
    )
    return inputs.model_copy(update={"past_rounds": (*inputs.past_rounds, tried)})


def all_rounds(inputs: StrategyInput, outcome: RoundOutcome, messages: list[str]) -> StrategyInput:
    """Return the input after all proposals were tried with one outcome and the messages in turn."""
    for number in range(100):
        if next_proposal(["recipe"], inputs) is None:
            return inputs
        inputs = ended(inputs, outcome, messages[number % len(messages)])
    raise AssertionError("the proposals do not end")


def next_dockerfile(inputs: StrategyInput, outcome: RoundOutcome, message: str) -> str:
    return proposed(ended(inputs, outcome, message)).draft.dockerfile


def next_command(inputs: StrategyInput, outcome: RoundOutcome, message: str) -> str:
    return proposed(ended(inputs, outcome, message)).draft.test_command


def requirements(dockerfile: str) -> list[str]:
    """Return what the dependency layer (the second `uv pip install`) lists."""
    step = dockerfile.split("RUN uv pip install")[2].split("\nCOPY")[0].split("\nRUN")[0]
    return [line.strip(" \\'") for line in step.splitlines()[1:]]
