"""The summary of a source tree: limited, sorted, equal every time."""

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from swefoundry.contracts.facts import FileFact
from swefoundry.programs.agent.repo.readme_sections import setup_sections
from swefoundry.programs.agent.repo.repo_summary import SUMMARY_CHARACTERS, summarize_repo
from unit.programs.agent.agent_inputs import a_facts, a_tree

MARKDOWN = (
    "# calc\n\nAdds.\n\n## Installing\n\npip install calc\n\n```\n# no heading\n```\n\n## Licence\n\nFree.\n"
)
REST = (
    "calc\n====\n\nAdds.\n\nRunning the tests\n-----------------\n\nRun tox.\n\nLicence\n-------\n\nFree.\n"
)


def test_the_summary_has_names_manifests_workflows_readmes_and_dockerfiles(tmp_path: Path) -> None:
    files = {"docker/Dockerfile": "FROM python:3.8\n", "README.md": MARKDOWN, "setup.py": "setup()\n"}
    ci = [FileFact(path=".github/workflows/ci.yml", sha256="0" * 64, text="python-version: 3.9")]
    summary = summarize_repo(a_facts(files, ci=ci, test_imports=["pytest", "yaml"]), a_tree(tmp_path, files))
    order = [
        'Test files that must run, changed by the test patch: "tests/test_calc.py"',
        'Modules that the tests import: "pytest", "yaml"',
        '"setup.py"\nsetup()',
        "python-version: 3.9",
        "pip install calc",
        "FROM python:3.8",
    ]
    places = [summary.find(part) for part in order]
    assert places == sorted(places) and -1 not in places
    assert "Free." not in summary


def test_the_same_source_gives_the_same_summary(tmp_path: Path) -> None:
    assert summarize_repo(a_facts(), a_tree(tmp_path / "a")) == summarize_repo(
        a_facts(), a_tree(tmp_path / "b")
    )


def test_what_does_not_fit_is_named(tmp_path: Path) -> None:
    many = [
        FileFact(path=f"requirements{n}.txt", sha256="0" * 64, text=f"dep{n}\n" * 1500) for n in range(20)
    ]
    summary = summarize_repo(a_facts(manifests=many), a_tree(tmp_path))
    assert len(summary) < SUMMARY_CHARACTERS * 1.2
    assert "more characters)" in summary
    assert 'Not shown, because the summary is full: "requirements' in summary


def test_a_lockfile_is_a_line_among_the_facts(tmp_path: Path) -> None:
    lock = FileFact(path="poetry.lock", sha256="0" * 64, text="[[package]]\n" * 1000)
    summary = summarize_repo(a_facts(manifests=[lock, *a_facts().manifests]), a_tree(tmp_path))
    assert 'Lockfiles: "poetry.lock (poetry; 1000 packages)"' in summary
    assert "[[package]]" not in summary


def test_setup_sections_are_found_in_markdown_and_rest() -> None:
    assert setup_sections(MARKDOWN, 999) == "## Installing\n\npip install calc\n\n```\n# no heading\n```"
    assert setup_sections(REST, 999) == "Running the tests\n-----------------\n\nRun tox."


@given(st.text(alphabet="#=-\n `abtest install", max_size=300), st.integers(0, 50))
def test_setup_sections_of_any_readme_are_within_the_limit(text: str, limit: int) -> None:
    assert len(setup_sections(text, limit)) <= limit
