"""Managers get the tools of the row's language, what builds add and reach, and no other language's habits."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from swefoundry.contracts.agent import BuildAccess
from swefoundry.contracts.draft import Draft
from swefoundry.contracts.facts import Facts, FileFact
from swefoundry.drafts.recipes import LANGUAGES
from swefoundry.programs.agent.answers import CommandDraft
from swefoundry.programs.agent.command_rules import command_problem
from swefoundry.programs.agent.inputs import untried_recipe_draft
from swefoundry.programs.agent.language_guides import (
    LANGUAGE_GUIDES,
    ExampleCommand,
    kept_output,
    language_of_row,
)
from swefoundry.programs.agent.roles.tests import assemble_draft
from unit.programs.agent.agent_inputs import DOCKERFILE, a_facts, agent_inputs, an_agent_spec
from unit.programs.agent.test_workflow import FIRST, WorkflowRun

EXAMPLES = {
    f"{language}, {each.runner}": each
    for language, guide in LANGUAGE_GUIDES.items()
    for each in guide.examples
}


def test_each_language_with_a_recipe_has_a_guide() -> None:
    assert set(LANGUAGE_GUIDES) == {each.name for each in LANGUAGES}


@pytest.mark.parametrize("example", EXAMPLES.values(), ids=EXAMPLES)
def test_each_example_is_a_command_that_the_rules_accept(example: ExampleCommand) -> None:
    assert command_problem(example.test_command, requires_files=True) == ""
    draft = Draft(
        dockerfile=DOCKERFILE,
        test_command=example.test_command,
        reports=list(example.reports),
        error_exit_codes=list(example.error_exit_codes),
    )
    assert draft.reports


def test_output_is_kept_as_a_report_with_the_exit_code_of_the_runner() -> None:
    assert kept_output("ava --tap", "report.tap") == (
        "bash -o pipefail -c 'ava --tap \"$@\" | tee report.tap' bash {files}"
    )


ROWS = {
    "the row's own": ("Rust", ["tests/test_calc.py"], "rust"),
    "that of the test files": (None, ["test/a.js"], "javascript"),
    "that of the source": (None, [], "python"),
    "one without a recipe": ("COBOL", [], "cobol"),
}


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_the_language_of_a_row_is(row: tuple[str | None, list[str], str]) -> None:
    assert language_of_row(row[0], a_facts(test_files=row[1])) == row[2]


def test_dates_name_the_day_after_the_commit() -> None:
    assert "--before=2020-03-01` " in LANGUAGE_GUIDES["javascript"].dated("2020-03-01")
    assert "--before=DAY` " in LANGUAGE_GUIDES["javascript"].dated("")


async def opening_of(folder: Path, language: str, access: BuildAccess | None = None) -> str:
    """The first message of the Environment Manager for a row of a language."""
    created_at = datetime(2020, 2, 29, 22, tzinfo=UTC)
    spec = an_agent_spec(language=language, created_at=created_at, build_access=access)
    run = WorkflowRun(agent_inputs(folder, spec=spec), FIRST)
    await run.draft()
    return run.opening("environment")


EXPECTED = {
    "python": ("--exclude-newer 2020-03-01", "--junitxml=report.xml {files}"),
    "javascript": ("--before=2020-03-01", "--reporters=/opt/reporters/node_modules/jest-junit"),
    "typescript": ("npm install --prefix /opt/reporters jest-junit", "mocha --reporter tap"),
    "java": ("one short test class", "**/surefire-reports/TEST-*.xml, exit codes for errors 3."),
    "go": ("go test -vet=off -run '^$' ./...", "go test -json"),
    "rust": ("--publish-time 2020-03-01T00:00:00Z", "cargo test --no-fail-fast"),
}


@pytest.mark.parametrize("language", EXPECTED)
async def test_the_first_draft_is_written_with_reports_dates_and_exit_codes_of_the_language_known(
    tmp_path: Path, language: str
) -> None:
    opening = await opening_of(tmp_path, language)
    assert EXPECTED[language][0] in opening and EXPECTED[language][1] in opening
    titles = [guide.title for guide in set(LANGUAGE_GUIDES.values())]
    shown = [title for title in titles if f"\n\n# {title}\n" in opening]
    assert shown == [LANGUAGE_GUIDES[language].title]


async def test_a_language_without_a_guide_gets_none(tmp_path: Path) -> None:
    opening = await opening_of(tmp_path, "cobol")
    assert "nothing is cut off at the date of the commit.\n" in opening
    assert "Commands with reports" not in opening


ACCESS = {
    "nothing is set": (
        None,
        [
            "do not set or override them: SOURCE_DATE_EPOCH.",
            "of other addresses it is not known, so do without them.",
        ],
    ),
    "all is set": (
        BuildAccess(
            variables={"LANG": "", "PIP_INDEX_URL": "index.example"},
            certificates=True,
            hosts=["index.example", "deb.example"],
        ),
        [
            "SOURCE_DATE_EPOCH, SSL_CERT_FILE, ",
            ", JAVA_TOOL_OPTIONS, LANG, PIP_INDEX_URL (index.example).",
            "Those for certificates name a bundle that this network needs.",
            "Builds reach these hosts and no others: index.example, deb.example\n",
        ],
    ),
}


@pytest.mark.parametrize("access", ACCESS.values(), ids=ACCESS)
async def test_the_environment_manager_knows_what_builds_add_and_reach_where(
    tmp_path: Path, access: tuple[BuildAccess | None, list[str]]
) -> None:
    opening = await opening_of(tmp_path, "python", access[0])
    assert [part for part in access[1] if part not in opening] == []


def test_an_answer_without_exit_codes_has_those_of_pytest_for_pytest_alone() -> None:
    commands = ["pytest {files}", "mocha {files}"]
    drafts = [assemble_draft(CommandDraft(test_command=each), DOCKERFILE) for each in commands]
    none = assemble_draft(CommandDraft(test_command="pytest {files}", error_exit_codes=[]), DOCKERFILE)
    assert [each.could_not_run_codes for each in (*drafts, none)] == [[2, 3, 4, 5], [], []]


def a_source(manifest: str, text: str, test_file: str) -> Facts:
    file = FileFact(path=manifest, sha256="0" * 64, text=text)
    return a_facts(manifests=[file], test_files=[test_file], languages={}, root_entries=[manifest])


POM = "<project><groupId>a</groupId><artifactId>calc</artifactId><version>1</version></project>"
SOURCES = {
    "python": (
        a_source("setup.py", "from setuptools import setup\nsetup(name='calc')\n", "test_calc.py"),
        "python:3.11",
    ),
    "javascript": (a_source("package.json", '{"devDependencies": {"mocha": "*"}}', "test/a.js"), "node:20"),
    "java": (a_source("pom.xml", POM, "src/test/java/ATest.java"), "maven:3.9-eclipse-temurin-17"),
    "go": (a_source("go.mod", "module calc\n\ngo 1.21\n", "a_test.go"), "golang:1.26"),
    "rust": (
        a_source("Cargo.toml", '[package]\nname = "calc"\nversion = "1.0.0"\n', "tests/a.rs"),
        "rust:1.95",
    ),
}


@pytest.mark.parametrize("source", SOURCES.values(), ids=SOURCES)
def test_the_recipe_of_each_language_gives_agents_a_start(source: tuple[Facts, str]) -> None:
    created = untried_recipe_draft(an_agent_spec(base_images=[source[1]]), source[0])
    assert created is not None
    assert created.draft.dockerfile.startswith(f"FROM {source[1]}\n") and created.label


def test_a_go_source_of_before_modules_gives_a_start_named_after_its_repository() -> None:
    facts = a_facts(manifests=[], test_files=["a_test.go"], languages={"go": 2}, root_entries=["a_test.go"])
    created = untried_recipe_draft(an_agent_spec(base_images=["golang:1.26"]), facts)
    assert created is not None and "github.com/octo/calc" in created.draft.dockerfile


async def test_agents_learn_why_a_recipe_has_no_draft(tmp_path: Path) -> None:
    manifest = FileFact(path="package.json", sha256="0" * 64, text='{"scripts": {"test": "karma start"}}')
    facts = a_facts(manifests=[manifest], test_files=["test/a.js"], root_entries=["package.json"])
    run = WorkflowRun(agent_inputs(tmp_path, facts=facts), FIRST)
    await run.draft()
    reason = run.opening("environment").partition("has none for this source: ")[2]
    assert "karma" in reason.splitlines()[0]
    assert 'Language: "javascript"\n' in run.opening("environment")


RUNNERS = {
    "one that the manifest names": ('{"devDependencies": {"mocha": "*", "jest-junit": "*"}}', ["mocha"]),
    "with the build that it has": (
        '{"scripts": {"build": "tsc"}, "devDependencies": {"ava": "*"}}',
        ["ava", "sources that are compiled first"],
    ),
    "node's own": ('{"scripts": {"test": "node --test"}}', ["node:test, Node 20 and later"]),
    "all where none is named": ("{}", [each.runner for each in LANGUAGE_GUIDES["javascript"].examples]),
}


@pytest.mark.parametrize("manifest", RUNNERS.values(), ids=RUNNERS)
def test_the_examples_are_those_of_the_runner(manifest: tuple[str, list[str]]) -> None:
    file = FileFact(path="package.json", sha256="0" * 64, text=manifest[0])
    shown = LANGUAGE_GUIDES["javascript"].fitting_examples(a_facts(manifests=[file]))
    assert [each.runner for each in shown] == manifest[1]
