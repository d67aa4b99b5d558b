"""Inputs of an agent run: a small repository, specs, drafts and past attempts."""

from collections.abc import Mapping
from pathlib import Path

from swefoundry.contracts.agent import AgentSpec, PastRound
from swefoundry.contracts.draft import PYTEST_ERROR_CODES, Draft
from swefoundry.contracts.facts import Facts, FileFact
from swefoundry.contracts.models import Model
from swefoundry.contracts.registry_location import RegistryLocation
from swefoundry.contracts.round_outcome import RoundOutcome
from swefoundry.programs.agent.inputs import AgentInputs, PastAttempt
from swefoundry.programs.agent.repo.repo_summary import summarize_repo
from swefoundry.programs.agent.repo.tree import RepoTree

DIGEST = "sha256:" + "0" * 64
DOCKERFILE = "FROM python:3.11-slim\nRUN pip install pytest\nCOPY . /testbed\nWORKDIR /testbed\n"
COMMAND = "python -m pytest -q --junitxml=report.xml {files}"
FILES: Mapping[str, str] = {
    "setup.py": "from setuptools import setup\nsetup(name='calc', version='1.0')\n",
    "calc/__init__.py": "def add(a, b):\n    return a + b\n",
    "tests/test_calc.py": "from calc import add\n",
    "README.md": "# calc\n\nAdds.\n\n## Testing\n\nRun `pytest`.\n",
    "tox.ini": "[testenv]\ncommands = pytest\n",
}

REPORT = {"language": "python", "language_version": "3.11", "test_command": "pytest {files}"}
ENVIRONMENT = {"dockerfile": DOCKERFILE, "note": "pytest on 3.11"}
TESTS = {
    "test_command": COMMAND,
    "reports": ["report.xml"],
    "error_exit_codes": [2, 3, 4, 5],
    "claimed": True,
}
FIRST_DRAFT = ENVIRONMENT | TESTS
"""What the Environment Manager answers when it writes the first draft."""


def dockerfile_with(line: str) -> str:
    """The default Dockerfile with one more step."""
    return DOCKERFILE.replace("COPY .", f"{line}\nCOPY .")


def a_tree(folder: Path, files: Mapping[str, str | bytes] = FILES) -> RepoTree:
    root = folder / "tree"
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    root.mkdir(exist_ok=True)
    return RepoTree(root)


def a_facts(files: Mapping[str, str] = FILES, **more: object) -> Facts:
    listed = [
        FileFact(path=path, sha256="0" * 64, text=text)
        for path, text in files.items()
        if path in ("setup.py", "tox.ini", "poetry.lock")
    ]
    fields: dict[str, object] = {
        "languages": {"python": 3},
        "manifests": listed,
        "test_files": ["tests/test_calc.py"],
        "root_entries": ["README.md", "calc/", "setup.py", "tests/", "tox.ini"],
    }
    return Facts(**(fields | more))


def an_agent_spec(**more: object) -> AgentSpec:
    fields: dict[str, object] = {
        "nonce": "n",
        "place": RegistryLocation(registry="registry.example:5000", repository="tasks/octo/calc"),
        "conversation": "0b0c1f2e-0000-4000-8000-000000000001",
        "repo": "octo/calc",
        "source": DIGEST,
        "facts": DIGEST,
        "ladder": [Model(name="small")],
        "base_images": ["python:3.11-slim"],
    }
    return AgentSpec(**(fields | more))


def a_draft(dockerfile: str = DOCKERFILE, command: str = COMMAND, **more: object) -> Draft:
    fields = {"reports": ["report.xml"], "error_exit_codes": list(PYTEST_ERROR_CODES)} | more
    return Draft(dockerfile=dockerfile, test_command=command, **fields)


def a_past_attempt(
    number: int,
    outcome: RoundOutcome,
    message: str = "",
    draft: Draft | None = None,
    strategy: str = "agents",
) -> PastAttempt:
    past = PastRound(number=number, strategy=strategy, draft=DIGEST, outcome=outcome, message=message)
    return PastAttempt(past, draft or a_draft())


def agent_inputs(
    folder: Path, *attempts: PastAttempt, spec: AgentSpec | None = None, **more: object
) -> AgentInputs:
    tree, facts = a_tree(folder), a_facts()
    fields: dict[str, object] = {
        "facts": facts,
        "tree": tree,
        "repo_summary": summarize_repo(facts, tree),
        "attempts": attempts,
    }
    return AgentInputs(spec=spec or an_agent_spec(), **(fields | more))
