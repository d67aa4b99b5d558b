"""Requirements that a manifest binds to a place are never asked from the package index by their bare name."""

import pytest

from swefoundry.contracts.draft import Overrides
from swefoundry.contracts.round_outcome import RoundOutcome
from swefoundry.drafts.recipes.python.bound_names import BoundName, bound_requirement
from unit.drafts.recipe_inputs import an_input, next_dockerfile, proposed

PROJECT = '[project]\nname = "thing"\nversion = "1"\n'
UV = PROJECT + 'dependencies = ["acme-keys"]\n[tool.uv.sources]\nacme-keys = '
POETRY = '[tool.poetry]\nname = "thing"\n[tool.poetry.dependencies]\nacme-keys = '


def index_names(dockerfile: str) -> set[str]:
    """Return the names in the steps before the source is copied, without the list of excluded ones."""
    steps = dockerfile.split("COPY . /testbed")[0].splitlines()
    listed = [line for line in steps if line.startswith("    ")]
    return {line.strip(" \\'").split("=")[0].split("<")[0].split(">")[0] for line in listed}


def draft_with(manifests: dict[str, str], **fields: object) -> str:
    return proposed(an_input(manifests, **fields)).draft.dockerfile


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("fork @ git+https://git.example.org/acme/fork.git@abc", BoundName("fork", "git")),
        ("Acme_Fork[x]@git+ssh://git@host/fork ; python_version > '3'", BoundName("acme-fork", "git")),
        ("core @ file:///srv/core", BoundName("core", "path")),
        ("core @ file:./packages/core", BoundName("core", "path", "packages/core")),
        ("core @ {root:uri}/packages/core", BoundName("core", "path", "packages/core")),
        ("-e file:///${PROJECT_ROOT}/core#egg=core", BoundName("core", "path", "core")),
        ("core @ https://host/core-1.0.tar.gz", BoundName("core", "url")),
        ("-e ./packages/core", BoundName("", "path", "packages/core")),
        ("-e git+https://host/acme/keys.git@main#egg=acme-keys", BoundName("acme-keys", "git")),
        ("git+https://host/acme/keys.git@main", BoundName("keys", "git")),
        ("https://host/files/acme_keys-1.0-py3-none-any.whl", BoundName("acme-keys", "url")),
        (
            "./wheels/acme_keys-1.0-py3-none-any.whl",
            BoundName("acme-keys", "path", "wheels/acme_keys-1.0-py3-none-any.whl"),
        ),
        ("requests>=2 ; python_version > '3'", None),
        ("requests[socks]==2.0", None),
    ],
)
def test_a_requirement_with_a_place_is_recognized(line: str, expected: BoundName | None) -> None:
    assert bound_requirement(line) == expected


@pytest.mark.parametrize(
    ("manifests", "words"),
    [
        pytest.param({"pyproject.toml": UV + '{git = "https://h/k.git"}\n'}, "acme-keys (git)", id="uv, git"),
        pytest.param({"pyproject.toml": UV + '{path = "../k"}\n'}, "acme-keys (path)", id="uv, path"),
        pytest.param(
            {"pyproject.toml": UV + "{workspace = true}\n"}, "acme-keys (workspace)", id="uv, workspace"
        ),
        pytest.param({"pyproject.toml": UV + '{url = "https://h/k.zip"}\n'}, "acme-keys (url)", id="uv, URL"),
        pytest.param(
            {"pyproject.toml": UV + '[{index = "corp", marker = "x"}]\n'},
            "acme-keys (index corp)",
            id="uv, index with a marker",
        ),
        pytest.param(
            {"pyproject.toml": POETRY + '{git = "https://h/k.git"}\n'}, "acme-keys (git)", id="poetry, git"
        ),
        pytest.param({"pyproject.toml": POETRY + '{path = "../k"}\n'}, "acme-keys (path)", id="poetry, path"),
        pytest.param(
            {"pyproject.toml": POETRY + '{version = "^1", source = "corp"}\n'},
            "acme-keys (index corp)",
            id="poetry, source",
        ),
        pytest.param(
            {
                "pyproject.toml": PROJECT
                + 'dependencies = ["acme-keys"]\n[[tool.pdm.source]]\nname = "corp"\n'
                'url = "https://pypi.corp.example/simple"\ninclude_packages = ["acme-keys"]\n'
            },
            "acme-keys (index corp)",
            id="pdm, source",
        ),
        pytest.param(
            {
                "pyproject.toml": PROJECT
                + '[tool.hatch.envs.default]\ndependencies = ["acme-keys @ {root:uri}/k"]'
            },
            "acme-keys (path)",
            id="hatch, context",
        ),
        pytest.param(
            {
                "requirements.txt": "--extra-index-url https://pypi.corp.example/simple\nacme-keys==1\nrequests\n"
            },
            "acme-keys (index)",
            id="a requirement file with a further index",
        ),
        pytest.param(
            {
                "requirements.txt": "-r base.txt\n",
                "base.txt": "-i https://pypi.corp.example/simple\nacme-keys\n",
            },
            "acme-keys (index)",
            id="an included file with another index",
        ),
        pytest.param(
            {"requirements.txt": "--find-links https://files.example.org/\nacme-keys\n"},
            "acme-keys (index)",
            id="a requirement file with links",
        ),
        pytest.param(
            {"Pipfile": '[packages]\nacme-keys = {git = "https://h/k.git"}\nrequests = "*"\n'},
            "acme-keys (git)",
            id="pipenv, git",
        ),
        pytest.param(
            {
                "Pipfile": '[[source]]\nname = "corp"\nurl = "https://pypi.corp.example/simple"\n'
                '[packages]\nacme-keys = "*"\n'
            },
            "acme-keys (index)",
            id="pipenv, first source",
        ),
        pytest.param(
            {
                "setup.cfg": "[metadata]\nname=x\n[options]\ninstall_requires =\n  acme-keys @ git+https://h/k.git\n"
            },
            "acme-keys (git)",
            id="setup.cfg",
        ),
    ],
)
def test_bound_names_are_left_out_and_named(manifests: dict[str, str], words: str) -> None:
    proposal = proposed(an_input(manifests))
    assert "acme-keys" not in index_names(proposal.draft.dockerfile)
    assert proposal.label.endswith(f", without {words}")
    assert f"# not asked from the package index: {words}\n" in proposal.draft.dockerfile
    assert "--excludes /opt/excludes.txt" in proposal.draft.dockerfile


def test_well_known_names_of_a_file_with_a_further_index_are_asked() -> None:
    text = "--extra-index-url https://wheels.example.org/cpu\nnumpy==1.26\nacme-keys\n"
    assert index_names(draft_with({"requirements.txt": text})) >= {"numpy"}


@pytest.mark.parametrize(
    "url", [f"https://{'.'.join(('pypi', 'org'))}/simple", "https://mirrors.example.org/pypi/simple"]
)
def test_the_public_index_and_its_mirrors_bind_nothing(url: str) -> None:
    assert "acme-keys" in index_names(draft_with({"requirements.txt": f"-i {url}\nacme-keys\n"}))


def test_a_missing_module_of_a_bound_name_is_not_asked_either() -> None:
    inputs = an_input({"requirements.txt": "acme-keys @ git+https://host/keys.git\n"})
    for module in ("acme_keys", "keys"):
        log = f"E   ModuleNotFoundError: No module named '{module}'"
        assert index_names(next_dockerfile(inputs, RoundOutcome.NO_RESULT, log)) == {"pytest", "setuptools"}


@pytest.mark.parametrize("allowed", ["acme-keys", "Acme_Keys", "*"])
def test_the_user_may_allow_a_bound_name(allowed: str) -> None:
    overrides = Overrides(index_requirements=[allowed])
    proposal = proposed(an_input({"pyproject.toml": UV + '{index = "corp"}\n'}, overrides=overrides))
    assert "acme-keys" in index_names(proposal.draft.dockerfile)
    assert "without" not in proposal.label


def test_urls_are_not_repeated_because_they_may_contain_passwords() -> None:
    text = "acme-keys @ git+https://user:hunter2@git.example.org/keys.git\n"
    proposal = proposed(an_input({"requirements.txt": text}))
    assert "hunter2" not in proposal.label + proposal.draft.dockerfile


def test_hatchling_refuses_urls_so_the_project_goes_on_pythonpath() -> None:
    text = '[build-system]\nrequires = ["hatchling"]\nbuild-backend = "hatchling.build"\n' + PROJECT
    urls = 'dependencies = ["fork @ git+https://host/fork"]\n'
    assert draft_with({"pyproject.toml": text + urls}).endswith("ENV PYTHONPATH=/testbed\n")
    allowed = urls + "[tool.hatch.metadata]\nallow-direct-references = true\n"
    assert draft_with({"pyproject.toml": text + allowed}).endswith("-e .\n")
