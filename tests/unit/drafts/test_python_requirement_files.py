"""Requirements as people write them: chains, cycles, constraints, hashes, continuation lines, own extras."""

import pytest

from unit.drafts.recipe_inputs import an_input, proposed, requirements

SETUP = "from setuptools import setup\nsetup(name='x', install_requires=[])\n"
PROJECT = '[project]\nname = "x"\n[project.optional-dependencies]\n'


def layer(manifests: dict[str, str]) -> list[str]:
    return requirements(proposed(an_input(manifests)).draft.dockerfile)


def constraints(manifests: dict[str, str]) -> str:
    steps = proposed(an_input(manifests)).draft.dockerfile.splitlines()
    return next((line for line in steps if line.endswith("> /opt/constraints.txt")), "")


@pytest.mark.parametrize(
    ("manifests", "expected"),
    [
        pytest.param(
            {"requirements.txt": "-r reqs/a.txt\n", "reqs/a.txt": "-r b.txt\n-r ../c.txt\na\n"}
            | {"reqs/b.txt": "b\n", "c.txt": "c\n-r requirements.txt\n"},
            ["a", "b", "c", "pytest"],
            id="a chain with a cycle, relative to the file that includes",
        ),
        pytest.param(
            {"requirements.txt": "-r gone.txt\n--requirement=gone.txt\na\n"}, ["a", "pytest"], id="missing"
        ),
        pytest.param(
            {"requirements.txt": "a==1.0 \\\n    --hash=sha256:00 \\\n    --hash=sha256:11\nb\n"},
            ["a==1.0", "b", "pytest"],
            id="hashes on continuation lines",
        ),
        pytest.param(
            {"requirements.txt": "a==1.0 \\\r\n  --hash=sha256:00\r\nb>=1, \\\r\n  <2\r\n"},
            ["a==1.0", "b<2,>=1", "pytest"],
            id="lines that end as on Windows",
        ),
        pytest.param(
            {"requirements.txt": "a ; python_version < '3' # old\n# b\n--pre\n--no-binary :all:\nc#d\n"},
            ['a; python_version < "3"', "pytest"],
            id="markers, comments and options",
        ),
        pytest.param(
            {"setup.py": SETUP.replace("[])", "[], extras_require={'test': ['a', 'x[b]'], 'b': ['b']})")},
            ["a", "b", "pytest"],
            id="own extras in setup.py",
        ),
        pytest.param(
            {
                "pyproject.toml": PROJECT
                + 'test = ["X[all]"]\nall = ["x[a,b]"]\na = ["a"]\nb = ["b", "x[all]"]\n'
            },
            ["a", "b", "pytest"],
            id="own extras in a circle, in another spelling",
        ),
        pytest.param(
            {
                "pyproject.toml": PROJECT
                + "test = [\"x[a] ; python_version < '3.9'\"]\na = [\"a ; os_name == 'nt'\"]\n"
            },
            ['a; os_name == "nt" and python_version < "3.9"', "pytest"],
            id="markers of own extras",
        ),
        pytest.param(
            {"pyproject.toml": PROJECT + 'web_app = ["a"]\n', "requirements-test.txt": "-e .[web-app]\nb\n"},
            ["a", "b", "pytest"],
            id="own extras in a requirement file",
        ),
        pytest.param(
            {"pyproject.toml": PROJECT + 'words = ["a"]\n', "tox.ini": "[testenv]\nextras = words\n"},
            ["a", "pytest"],
            id="own extras in tox.ini",
        ),
        pytest.param(
            {
                "pyproject.toml": PROJECT
                + 'a = ["a"]\n[dependency-groups]\nTest = [{include-group = "More_x"}]\n'
                'more-x = ["x[a]", {include-group = "last"}]\nlast = ["l", {include-group = "test"}]\n'
            },
            ["a", "l", "pytest"],
            id="groups that include each other and own extras",
        ),
        pytest.param(
            {
                "pyproject.toml": '[tool.poetry]\nname = "x"\n[tool.poetry.extras]\na = ["a"]\n'
                '[tool.poetry.dependencies]\na = {version = "^1", optional = true}\n'
                '[tool.poetry.group.test.dependencies]\nx = {version = "*", extras = ["a"]}\n'
            },
            ["a<2,>=1", "pytest"],
            id="own extras of poetry",
        ),
    ],
)
def test_requirements_are_read_as_people_write_them(manifests: dict[str, str], expected: list[str]) -> None:
    assert layer(manifests) == expected


def test_constraints_bound_what_others_require() -> None:
    manifests = {"requirements.txt": "-c limits/all.txt\na\n", "limits/all.txt": "-r more.txt\nb<2\n"}
    manifests["limits/more.txt"] = "c==1 --hash=sha256:00\nd\n"
    assert layer(manifests) == ["a", "pytest"]
    assert constraints(manifests) == "RUN printf '%s\\n' 'b<2' c==1 > /opt/constraints.txt"
    dockerfile = proposed(an_input(manifests)).draft.dockerfile
    assert "uv pip install --no-cache --constraints /opt/constraints.txt --exclude-newer" in dockerfile


def test_constraints_of_uv_count_too() -> None:
    text = '[project]\nname = "x"\n[tool.uv]\nconstraint-dependencies = ["b<2"]\n'
    assert constraints({"pyproject.toml": text}) == "RUN printf '%s\\n' 'b<2' > /opt/constraints.txt"
