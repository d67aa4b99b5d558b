"""The project nearest above the tests is installed from its folder, with the projects of the tree that it needs."""

import pytest

from swefoundry.contracts.round_outcome import RoundOutcome
from unit.drafts.recipe_inputs import an_input, next_dockerfile, proposed, requirements

HATCHLING = '[build-system]\nrequires = ["hatchling"]\nbuild-backend = "hatchling.build"\n'
WORKSPACE = {"pyproject.toml": '[tool.uv.workspace]\nmembers = ["packages/*"]\n'}


def project(name: str, *needs: str, build: str = HATCHLING) -> str:
    return f'{build}[project]\nname = "{name}"\nversion = "1"\ndependencies = {list(needs)}\n'


def dockerfile(manifests: dict[str, str], tests: list[str], **fields: object) -> str:
    return proposed(
        an_input(manifests, test_files=tests, root_entries=[], package_dirs=[], **fields)
    ).draft.dockerfile


def installed(text: str) -> list[str]:
    return [line.rsplit(" -e ")[1] for line in text.splitlines() if " -e " in line]


@pytest.mark.parametrize(
    ("manifests", "tests", "expected"),
    [
        pytest.param(
            WORKSPACE | {"packages/core/pyproject.toml": project("core")},
            ["packages/core/tests/test_a.py"],
            ["./packages/core"],
            id="one package of a workspace",
        ),
        pytest.param(
            {"pyproject.toml": project("top"), "a/b/c/pyproject.toml": project("deep")},
            ["a/b/c/tests/unit/test_a.py"],
            ["./a/b/c"],
            id="a project in a deep folder below another one",
        ),
        pytest.param(
            {"pyproject.toml": project("top"), "a/pyproject.toml": project("a")},
            ["tests/test_a.py", "tests/test_b.py", "a/tests/test_c.py"],
            ["."],
            id="most test files decide",
        ),
        pytest.param(
            {"pyproject.toml": project("top"), "tests/pyproject.toml": project("fixture")},
            ["tests/test_a.py"],
            ["."],
            id="a manifest in the folder of tests is no project",
        ),
        pytest.param(
            {"pyproject.toml": project("top"), "pkg/tool/pyproject.toml": "[tool.black]\n"},
            ["pkg/tool/test_a.py"],
            ["."],
            id="a manifest for tools alone is no project",
        ),
        pytest.param(
            {"libs/x/setup.py": "from setuptools import setup\nsetup(name='x', install_requires=[])\n"},
            ["libs/x/tests/test_a.py"],
            ["./libs/x"],
            id="setup.py",
        ),
        pytest.param(
            WORKSPACE
            | {
                "p/web/pyproject.toml": project("web", "acme.core>=1"),
                "p/core/pyproject.toml": project("Acme_Core", "base"),
            }
            | {"p/base/pyproject.toml": project("base"), "p/other/pyproject.toml": project("other")},
            ["p/web/tests/test_a.py"],
            ["./p/base", "./p/core", "./p/web"],
            id="the projects of the tree that it needs",
        ),
        pytest.param(
            {
                "packages/core/pyproject.toml": project("core"),
                "requirements-test.txt": "-e ./packages/core\n",
            },
            ["tests/test_a.py"],
            ["./packages/core"],
            id="a path in a requirement file",
        ),
    ],
)
def test_projects_are_installed_from_the_tree(
    manifests: dict[str, str], tests: list[str], expected: list[str]
) -> None:
    assert installed(dockerfile(manifests, tests)) == expected


def test_what_the_tree_has_is_not_asked_from_the_index() -> None:
    manifests = {
        "a/pyproject.toml": project("a", "acme.core", "six"),
        "c/pyproject.toml": project("acme_core", "attrs"),
    }
    text = dockerfile(manifests, ["a/tests/test_a.py"])
    assert requirements(text) == ["attrs", "pytest", "six"]
    assert "RUN printf '%s\\n' acme-core > /opt/excludes.txt\n" in text


def test_tests_at_the_root_bring_the_projects_that_they_import() -> None:
    manifests = WORKSPACE | {"packages/core/pyproject.toml": project("acme-core", "attrs")}
    text = dockerfile(
        manifests,
        ["tests/test_a.py"],
        test_imports=["acme_core"],
        python_modules=["packages/core/src/acme_core"],
    )
    assert (requirements(text), installed(text)) == (["attrs", "pytest"], ["./packages/core"])


def test_a_module_without_a_manifest_goes_on_pythonpath() -> None:
    text = dockerfile(
        {"backend/requirements.txt": "flask\n"},
        ["backend/tests/test_a.py"],
        test_imports=["app"],
        python_modules=["backend/app.py"],
    )
    assert requirements(text) == ["flask", "pytest"]
    assert text.endswith("ENV PYTHONPATH=/testbed/backend\n")


def test_a_missing_module_that_the_tree_has_anywhere_is_put_on_pythonpath() -> None:
    inputs = an_input(python_modules=["tools/lib/acme_words.py"])
    text = next_dockerfile(
        inputs, RoundOutcome.NO_RESULT, "E   ModuleNotFoundError: No module named 'acme_words'"
    )
    assert requirements(text) == ["pytest"]
    assert text.endswith("ENV PYTHONPATH=/testbed:/testbed/src:/testbed/tools/lib\n")


def test_a_nested_project_is_on_pythonpath_as_if_its_tests_were_started_there() -> None:
    text = dockerfile({"a/pyproject.toml": project("a")}, ["a/tests/test_a.py"])
    assert text.endswith("-e ./a\nENV PYTHONPATH=/testbed/a\n")


def test_the_configuration_of_pytest_is_the_nearest_one() -> None:
    manifests = {
        "pyproject.toml": '[tool.pytest.ini_options]\naddopts = "--cov"\n',
        "a/pytest.ini": "[pytest]\n",
    }
    inputs = an_input(manifests | {"a/setup.py": ""}, test_files=["a/tests/test_a.py"])
    assert "addopts" not in proposed(inputs).draft.test_command


def test_the_root_of_a_workspace_declares_for_the_tests_of_its_projects() -> None:
    root = WORKSPACE["pyproject.toml"] + '[dependency-groups]\ntest = ["hypothesis"]\n'
    text = dockerfile({"pyproject.toml": root, "a/pyproject.toml": project("a")}, ["a/tests/test_a.py"])
    assert requirements(text) == ["hypothesis", "pytest"]
