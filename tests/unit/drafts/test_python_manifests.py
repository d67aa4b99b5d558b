"""Each build system's way to say what a project and its tests need ends up in the dependency layer."""

import pytest

from swefoundry.contracts.facts import FileFact
from swefoundry.drafts.recipes.python import pyproject
from unit.drafts.recipe_inputs import an_input, proposed, requirements


def layer(manifests: dict[str, str], **more: object) -> list[str]:
    return requirements(proposed(an_input(manifests, **more)).draft.dockerfile)


def install(manifests: dict[str, str], **more: object) -> str:
    return proposed(an_input(manifests, **more)).draft.dockerfile.split("COPY . /testbed\n")[1]


SETUP = "from setuptools import setup\n"


@pytest.mark.parametrize(
    ("manifests", "expected"),
    [
        pytest.param(
            {
                "pyproject.toml": '[project]\nname="x"\ndependencies=["a>=1"]\n'
                '[project.optional-dependencies]\ntest=["b", "x[http]"]\nhttp=["h"]\n'
            },
            ["a>=1", "b", "h", "pytest"],
            id="PEP 621 with an extra for tests that names another extra",
        ),
        pytest.param(
            {
                "pyproject.toml": '[project]\nname="x"\ndependencies=["a"]\n[dependency-groups]\n'
                'tests=["b", {include-group="more"}]\nmore=["c"]\ndocs=["d"]\n'
            },
            ["a", "b", "c", "pytest"],
            id="PEP 735 with an included group",
        ),
        pytest.param(
            {
                "pyproject.toml": '[tool.poetry]\nname="x"\nversion="1"\n[tool.poetry.dependencies]\npython="^3.8"\n'
                'a="^1.2"\nb={version="~0.3", extras=["e"]}\nc={version="*", python="<3.9"}\n'
                '[tool.poetry.dev-dependencies]\nd="1.0"\n[tool.poetry.group.test.dependencies]\ne=">=2"\n'
            },
            ["a<2,>=1.2", "b[e]<0.4,>=0.3", 'c; python_full_version < "3.9"', "e>=2", "pytest"],
            id="poetry with a group for tests",
        ),
        pytest.param(
            {
                "pyproject.toml": '[tool.poetry]\nname="x"\n[tool.poetry.dependencies]\na="*"\n'
                '[tool.poetry.dev-dependencies]\npytest="5.2"\nblack="*"\nd="^0.0.3"\n'
            },
            ["a", "d<0.0.4,>=0.0.3", "pytest"],
            id="poetry's old dev-dependencies without their linters, pytest unpinned",
        ),
        pytest.param(
            {
                "pyproject.toml": '[tool.flit.metadata]\nmodule="x"\nrequires=["a"]\n'
                '[tool.flit.metadata.requires-extra]\ntest=["b"]\ndoc=["c"]\n'
            },
            ["a", "b", "pytest"],
            id="flit's old metadata",
        ),
        pytest.param(
            {"pyproject.toml": '[project]\nname="x"\n[tool.pdm.dev-dependencies]\ntest=["b"]\n'},
            ["b", "pytest"],
            id="pdm",
        ),
        pytest.param(
            {"pyproject.toml": '[project]\nname="x"\n[tool.hatch.envs.default]\ndependencies=["b"]\n'},
            ["b", "pytest"],
            id="hatch",
        ),
        pytest.param(
            {
                "setup.cfg": "[metadata]\nname=x\n[options]\ninstall_requires=\n  a>=1  # why\n"
                "  b; python_version<'3'\n"
                "[options.extras_require]\ntesting=\n  c\ndocs=\n  d\n",
                "setup.py": SETUP + "setup()",
            },
            ["a>=1", 'b; python_version < "3"', "c", "pytest"],
            id="setup.cfg",
        ),
        pytest.param(
            {
                "setup.py": SETUP + "needs = ['a']\nneeds += ['b>=2']\ntests = ['c'] + ['d']\n"
                "setup(name='x', install_requires=needs, tests_require=tests, extras_require={'test': ['e']})"
            },
            ["a", "b>=2", "c", "d", "e", "pytest"],
            id="setup.py with names for its lists",
        ),
        pytest.param(
            {"setup.py": "print 'python 2'\n", "requirements.txt": "a==1.0\n# no\n-e .\ngit+https://x/y\n"},
            ["a==1.0", "pytest"],
            id="setup.py that Python 3 cannot read, with requirements.txt",
        ),
        pytest.param(
            {
                "setup.py": SETUP + "setup(name='x')",
                "requirements-test.txt": "-r more.txt\nb\npytest==2.8\nflake8\n",
                "more.txt": "c --hash=sha256:00\n",
                "docs/requirements.txt": "d\n",
            },
            ["b", "c", "pytest"],
            id="requirement files that include others",
        ),
        pytest.param(
            {
                "setup.py": SETUP + "setup(name='x')",
                "tox.ini": "[testenv]\ndeps =\n  b\n  py27: mock\n  -r{toxinidir}/r.txt\n  coverage\n",
                "r.txt": "c",
            },
            ["b", "c", "pytest"],
            id="tox.ini",
        ),
        pytest.param(
            {"pyproject.toml": '[project]\nname="x"\ndependencies=["a @ git+https://host/a", "b<2,>=1"]\n'},
            ["b<2,>=1", "pytest"],
            id="a requirement with a place of its own is left out",
        ),
        pytest.param({"pyproject.toml": "broken ["}, ["pytest"], id="a manifest that cannot be read"),
        pytest.param({}, ["pytest"], id="no manifest at all"),
    ],
)
def test_requirements_are_found(manifests, expected):
    assert layer(manifests) == expected


def test_groups_for_developers_count_where_no_manifest_has_groups_for_tests():
    text = '[project]\nname="x"\n[project.optional-dependencies]\ndev=["b", "sphinx", "mypy"]\n'
    assert layer({"pyproject.toml": text}) == ["b", "pytest"]


def test_a_developers_tool_stays_when_the_tests_import_it():
    text = '[project]\nname="x"\n[project.optional-dependencies]\ntest=["sphinx", "mypy"]\n'
    assert layer({"pyproject.toml": text}, test_imports=["sphinx"]) == ["pytest", "sphinx"]


def test_what_the_tests_import_and_ask_for_is_there_from_the_start():
    found = layer(
        {"setup.py": SETUP + "setup(name='x')"},
        test_imports=["yaml", "dateutil", "os", "x", "helpers"],
        test_parameters=["mocker", "tmp_path"],
        test_markers=["asyncio", "parametrize"],
    )
    assert found == ["pytest", "pytest-asyncio", "pytest-mock", "python-dateutil", "pyyaml"]


def test_plugins_that_the_configuration_of_pytest_needs_are_requirements():
    text = '[project]\nname="x"\n[tool.pytest.ini_options]\nasyncio_mode="auto"\nminversion="7.1"\n'
    assert layer({"pyproject.toml": text}) == ["pytest>=7.1", "pytest-asyncio"]


def test_the_project_is_never_its_own_requirement():
    assert layer({"setup.py": SETUP + "setup(name='My.Thing', tests_require=['my-thing[x]', 'b'])"}) == [
        "b",
        "pytest",
    ]


def test_requirements_that_are_all_known_are_not_resolved_again_after_the_checkout():
    assert install({"setup.py": SETUP + "setup(name='x', install_requires=['a'])"}) == (
        "WORKDIR /testbed\nRUN uv pip install --no-cache --no-build-isolation --no-deps -e .\n"
    )


def test_computed_requirements_are_resolved_after_the_checkout_as_of_the_same_day():
    assert install({"setup.py": SETUP + "setup(name='x', install_requires=read())"}) == (
        "WORKDIR /testbed\n"
        "RUN uv pip install --no-cache --no-build-isolation --exclude-newer 2023-07-16 -e .\n"
    )


def test_a_version_from_git_is_set_because_slim_images_have_no_git():
    text = '[build-system]\nrequires=["setuptools>=61","setuptools_scm"]\nbuild-backend="setuptools.build_meta"\n'
    text += '[project]\nname="x"\ndynamic=["version"]\n'
    step = install({"pyproject.toml": text}, version_tag="v1.4.2")
    assert "RUN SETUPTOOLS_SCM_PRETEND_VERSION=1.4.2 uv pip install " in step


def test_a_source_without_manifest_is_put_on_pythonpath():
    assert (
        install({}, package_dirs=["src/thing"]) == "WORKDIR /testbed\nENV PYTHONPATH=/testbed:/testbed/src\n"
    )


def test_a_build_by_old_poetry_is_not_run_because_it_cannot_install_editable():
    text = '[build-system]\nrequires=["poetry>=0.12"]\nbuild-backend="poetry.masonry.api"\n[tool.poetry]\nname="x"\n'
    assert install({"pyproject.toml": text}) == "WORKDIR /testbed\nENV PYTHONPATH=/testbed\n"


def tools(manifests: dict[str, str]) -> str:
    return proposed(an_input(manifests)).draft.dockerfile.split("RUN uv pip install")[1]


def test_modern_backends_build_in_an_environment_of_their_own():
    text = '[build-system]\nrequires=["poetry-core>=1.0.0"]\nbuild-backend="poetry.core.masonry.api"\n'
    text += '[tool.poetry]\nname="x"\n[tool.poetry.dependencies]\npython="*"\n'
    assert "poetry-core" not in proposed(an_input({"pyproject.toml": text})).draft.dockerfile
    assert install({"pyproject.toml": text}).endswith("RUN uv pip install --no-cache --no-deps -e .\n")


def test_setuptools_stays_below_the_releases_that_refuse_old_files_unless_the_project_asks_for_them():
    assert "'setuptools>=64,<71'" in tools({"setup.py": SETUP + "setup(name='x')"})
    new = '[build-system]\nrequires=["setuptools>=77"]\n[project]\nname="x"\n'
    assert "'setuptools>=77'" in tools({"pyproject.toml": new})


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("^1.2.3", ">=1.2.3,<2"),
        ("^0.2.3", ">=0.2.3,<0.3"),
        ("^0.0.3", ">=0.0.3,<0.0.4"),
        ("~1.2", ">=1.2,<1.3"),
        ("~1", ">=1,<2"),
        ("1.4", "==1.4"),
        ("*", ""),
        (">=1, <3", ">=1,<3"),
        ("^2.7 || ^3.4", ">=2.7,<3"),
        ("~=1.4", "~=1.4"),
    ],
)
def test_poetrys_versions_become_standard_ones(written, meant):
    text = f'[tool.poetry]\nname="x"\n[tool.poetry.dependencies]\na="{written}"\n'
    assert pyproject.declared(text).runtime == ("a" + meant,)


def test_a_marker_on_a_line_of_its_own_is_not_a_requirement():
    cfg = "[options.extras_require]\ntesting =\n  b >= 1; \\\n  # slow\n  python_implementation != 'PyPy'\n"
    assert layer({"setup.cfg": cfg, "setup.py": SETUP + "setup(name='x')"}) == ["b", "pytest"]


def test_modules_of_the_source_are_not_searched_in_the_index():
    found = layer({"setup.py": SETUP + "setup(name='vcrpy')"}, test_imports=["vcr"], package_dirs=["vcr"])
    assert found == ["pytest"]


NOXFILE = """
import nox
@nox.session(python=["3.11"])
def tests(session):
    session.install("-r", "requirements/base.txt", "b>=1", "-e", ".")
    session.install(".[http]")
    session.run("pytest")
@nox.session
def docs(session):
    session.install("sphinx-theme")
"""


def test_what_a_noxfile_installs_for_tests_counts_where_no_manifest_mentions_tests():
    manifests = {"setup.py": SETUP + "setup(name='x')", "noxfile.py": NOXFILE, "requirements/base.txt": "c\n"}
    assert layer(manifests) == ["b>=1", "c", "pytest"]


def test_what_ci_installs_counts_where_no_manifest_mentions_tests():
    workflow = "steps:\n  - run: python -m pip install -U pip\n  - run: pip install 'b[x]' c==1.0 && pytest\n"
    ci = [FileFact(path=".github/workflows/tests.yml", sha256="0" * 64, text=workflow)]
    manifest = {"setup.py": SETUP + "setup(name='x')"}
    assert layer(manifest, ci=ci) == ["b[x]", "c==1.0", "pytest"]
    assert layer(manifest | {"requirements-test.txt": "d"}, ci=ci) == ["d", "pytest"]


def test_the_metadata_of_a_release_archive_is_not_a_requirement_file():
    manifests = {
        "setup.py": SETUP + "setup(name='pytest-x')",
        "pytest-x.egg-info/requires.txt": "b\n\n[docs]\nc\n",
    }
    assert layer(manifests) == ["pytest"]
