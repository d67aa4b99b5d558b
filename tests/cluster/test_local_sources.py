"""Projects in folders of a monorepo, and requirements that no public index has: the tested source is the tree.

Each repository has requirements that must not be asked from the package index; the fix is in a project of the tree.
"""

from collections.abc import Iterator

import pytest

from cluster.sample_instances import (
    Json,
    SampleRepository,
    a_task,
    apply,
    delete,
    get,
    make_repository,
    unique,
    wait_until_finished,
)

pytestmark = pytest.mark.cluster

HATCHLING = '[build-system]\nrequires = ["hatchling"]\nbuild-backend = "hatchling.build"\n'
SMALL = {"cpu": "50m", "memory": "256Mi", "ephemeralStorage": "2Gi"}
MAX_SECONDS = 1800

MODULE = "packages/inflection/src/inflection/__init__.py"
UNDERSCORE = (
    'def underscore(word):\n    return "".join("{}" + c.lower() if c.isupper() else c for c in word)\n'
)
WORKSPACE = '[tool.uv.workspace]\nmembers = ["packages/*"]\n'

BOUND = f"""{HATCHLING}[project]
name = "thing"
version = "1.0"
dependencies = ["acme-internal-core", "acme-internal-keys", "acme-internal-fork @ git+https://git.example.org/fork.git"]
[tool.uv.sources]
acme-internal-core = {{workspace = true}}
acme-internal-keys = {{index = "corp"}}
{WORKSPACE}[[tool.uv.index]]
name = "corp"
url = "https://pypi.corp.example/simple"
"""


def monorepo(name: str) -> SampleRepository:
    """A package of a workspace that has the name of a published distribution, whose releases are other code."""
    package = f'{HATCHLING}[project]\nname = "inflection"\nversion = "0.5.0"\n'
    files = {
        "pyproject.toml": WORKSPACE,
        "packages/inflection/pyproject.toml": package,
        MODULE: UNDERSCORE.format("-"),
    }
    test = "from inflection import underscore\n\n\ndef test_words():\n    assert underscore('aB') == 'a_b'\n"
    tests = {"packages/inflection/tests/test_words.py": test}
    return make_repository(name, files, tests, {MODULE: UNDERSCORE.format("_")})


def bound_names(name: str) -> SampleRepository:
    """A project with a workspace member, a git URL and a name of a private index among its requirements."""
    core = "packages/core/src/acme_internal_core/__init__.py"
    files = {
        "pyproject.toml": BOUND,
        "packages/core/pyproject.toml": '[project]\nname = "acme-internal-core"\nversion = "1.0"\n',
        core: "def two():\n    return 1\n",
        "thing/__init__.py": "from acme_internal_core import two\n\n\ndef four():\n    return two() * 2\n",
    }
    tests = {"tests/test_four.py": "from thing import four\n\n\ndef test_four():\n    assert four() == 4\n"}
    return make_repository(name, files, tests, {core: "def two():\n    return 2\n"})


def shadowed(name: str) -> SampleRepository:
    """A project in src/, of which the image has another copy among the interpreter's own packages."""
    package = '[project]\nname = "thing"\nversion = "1.0"\n'
    files = {"pyproject.toml": package, "src/thing/__init__.py": "answer = 41\n"}
    tests = {"tests/test_thing.py": "from thing import answer\n\nassert answer == 42\n"}
    return make_repository(name, files, tests, {"src/thing/__init__.py": "answer = 42\n"})


COPIED = """FROM python:3.11-slim
COPY . /testbed
WORKDIR /testbed
RUN cp -r src/thing "$(python -c 'import site; print(site.getsitepackages()[0])')"
"""


@pytest.fixture(scope="module")
def statuses() -> Iterator[dict[str, Json]]:
    """Status of the EnvBuild and the verdict, by kind of repository; both are solved at the same time."""
    kinds = {"monorepo": monorepo, "bound": bound_names}
    names = {kind: unique(kind) for kind in kinds}
    apply(
        *(
            a_task(
                names[kind],
                make(names[kind]),
                createdAt="2025-01-01T00:00:00Z",
                environment={"strategies": ["recipe"]},
                validation={"timeoutSeconds": 120, "resources": SMALL},
            )
            for kind, make in kinds.items()
        )
    )
    found = {kind: wait_until_finished(name, MAX_SECONDS) for kind, name in names.items()}
    yield {
        kind: get("eb", name)["status"] | {"verdict": found[kind].get("verdict")}
        for kind, name in names.items()
    }
    delete(*names.values())


def rounds(status: Json) -> list[tuple[str, str]]:
    return [(item["strategy"], item["outcome"]) for item in status["rounds"]]


@pytest.mark.parametrize("kind", ["monorepo", "bound"])
def test_the_first_draft_tests_the_source_of_the_tree(statuses: dict[str, Json], kind: str) -> None:
    assert (statuses[kind]["verdict"], rounds(statuses[kind])) == ("fail2pass", [("recipe", "Accepted")])


def test_an_image_that_imports_another_copy_of_the_source_is_rejected() -> None:
    name = unique("shadowed")
    draft = {"dockerfile": COPIED, "testCommand": "python {files}"}
    apply(a_task(name, shadowed(name), environment={"draft": draft, "strategies": ["fixed"]}))
    wait_until_finished(name, MAX_SECONDS)
    [round_] = get("eb", name)["status"]["rounds"]
    assert round_["outcome"] == "SourceShadowed"
    assert "SourceShadowed: thing is imported from /usr/local/lib/python3.11/" in round_["message"]
    delete(name)


def test_requirements_that_are_left_out_are_named(statuses: dict[str, Json]) -> None:
    [round_] = statuses["bound"]["rounds"]
    words = "without acme-internal-fork (git), acme-internal-keys (index corp)"
    assert round_["label"].endswith(words)
