"""The first pass over a source: bounded, sorted, the same every time."""

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from swefoundry.contracts.facts import FileFact
from swefoundry.programs.agent.repo.readme_sections import telling_parts
from swefoundry.programs.agent.repo.repo_summary import LIMIT, brief
from unit.programs.agent.cases import a_tree, facts

MARKDOWN = (
    "# calc\n\nAdds.\n\n## Installing\n\npip install calc\n\n```\n# no heading\n```\n\n## Licence\n\nFree.\n"
)
REST = (
    "calc\n====\n\nAdds.\n\nRunning the tests\n-----------------\n\nRun tox.\n\nLicence\n-------\n\nFree.\n"
)


def test_the_brief_has_names_manifests_workflows_guides_and_dockerfiles(tmp_path: Path) -> None:
    files = {"docker/Dockerfile": "FROM python:3.8\n", "README.md": MARKDOWN, "setup.py": "setup()\n"}
    ci = [FileFact(path=".github/workflows/ci.yml", sha256="0" * 64, text="python-version: 3.9")]
    said = brief(facts(files, ci=ci, test_imports=["pytest", "yaml"]), a_tree(tmp_path, files))
    order = [
        'Test files that must run: "tests/test_calc.py"',
        'Modules that the tests import: "pytest", "yaml"',
        '"setup.py"\nsetup()',
        "python-version: 3.9",
        "pip install calc",
        "FROM python:3.8",
    ]
    places = [said.find(part) for part in order]
    assert places == sorted(places) and -1 not in places
    assert "Free." not in said


def test_the_same_source_gives_the_same_brief(tmp_path: Path) -> None:
    assert brief(facts(), a_tree(tmp_path / "a")) == brief(facts(), a_tree(tmp_path / "b"))


def test_what_does_not_fit_is_named(tmp_path: Path) -> None:
    many = [
        FileFact(path=f"requirements{n}.txt", sha256="0" * 64, text=f"dep{n}\n" * 1500) for n in range(20)
    ]
    said = brief(facts(manifests=many), a_tree(tmp_path))
    assert len(said) < LIMIT * 1.2
    assert "more characters)" in said
    assert 'Not shown for want of room: "requirements' in said


def test_locks_are_shown_last_and_by_their_head(tmp_path: Path) -> None:
    lock = FileFact(path="poetry.lock", sha256="0" * 64, text="[[package]]\n" * 1000)
    said = brief(facts(manifests=[lock, *facts().manifests]), a_tree(tmp_path))
    assert said.find('"poetry.lock"') > said.find('"tox.ini"')
    assert said.count("[[package]]") < 50


def test_sections_on_installing_and_testing_are_found_in_markdown_and_rest() -> None:
    assert telling_parts(MARKDOWN, 999) == "## Installing\n\npip install calc\n\n```\n# no heading\n```"
    assert telling_parts(REST, 999) == "Running the tests\n-----------------\n\nRun tox."


@given(st.text(alphabet="#=-\n `abtest install", max_size=300), st.integers(0, 50))
def test_any_guide_has_telling_parts_within_the_limit(text: str, limit: int) -> None:
    assert len(telling_parts(text, limit)) <= limit
