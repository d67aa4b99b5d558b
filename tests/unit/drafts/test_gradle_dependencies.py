"""What build files of Gradle ask for, and how the build and the tests get what only the fix's ask for."""

from datetime import UTC, datetime

import pytest

from swefoundry.contracts.facts import Facts, FileFact
from swefoundry.dockerfile.policy import violations
from swefoundry.drafts.proposal import StrategyInput
from swefoundry.drafts.recipes.java.gradle_requests import CATALOG, requested_dependencies
from unit.drafts.recipe_inputs import proposed

BUILD, PROPERTIES = "build.gradle", "gradle.properties"
TEST = "core/src/test/java/org/acme/SumTest.java"


def requested(text: str, **others: str) -> list[str]:
    """Return `configuration coordinates` of a build file; others by the names of their files."""
    files = {BUILD: text, PROPERTIES: others.get("properties", ""), CATALOG: others.get("catalog", "")}
    found = requested_dependencies(files, [BUILD])
    return sorted(f"{each.configuration} {each.coordinates}" for each in found)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("dependencies { testImplementation 'junit:junit:4.13' }", ["testImplementation junit:junit:4.13"]),
        ('api("org.acme:sum:1.0")', ["api org.acme:sum:1.0"]),
        ("compile 'org.acme:sum:1.0:linux@zip'", ["compile org.acme:sum:1.0:linux@zip"]),
        ("testCompile 'org.acme:sum'", ["testCompile org.acme:sum"]),
        (
            "testCompile group: 'org.acme', name: 'sum', version: '1.0'",
            ["testCompile org.acme:sum:1.0"],
        ),
        (
            'runtimeOnly(group = "org.acme", name = "sum", version = "1.0")',
            ["runtimeOnly org.acme:sum:1.0"],
        ),
        (
            "testImplementation(\n  'org.acme:sum:1.0', // of numbers\n  'org.acme:mean:1.1'\n)",
            ["testImplementation org.acme:mean:1.1", "testImplementation org.acme:sum:1.0"],
        ),
        (
            "compile 'org.acme:sum:1.0',\n        'org.acme:mean:1.1'\n",
            ["compile org.acme:mean:1.1", "compile org.acme:sum:1.0"],
        ),
        (
            "testRuntimeOnly('org.acme:sum:1.0') { exclude group: 'org.old' }",
            ["testRuntimeOnly org.acme:sum:1.0"],
        ),
    ],
)
def test_dependencies_of_a_build_file(text: str, expected: list[str]) -> None:
    assert requested(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "implementation project(':core')",
        "implementation platform('org.acme:bom:1.0')",
        "testImplementation enforcedPlatform('org.acme:bom:1.0')",
        "// implementation 'org.acme:sum:1.0'",
        "/* implementation 'org.acme:sum:1.0' */",
        "implementation files('libs/sum.jar')",
        "implementation 'org.acme:sum:' + latest()",
        'implementation "org.acme:sum:$unknownVersion"',
        "id 'org.acme.compile' version '1.0'",
        "implementation 'org.acme:sum:1.0\n\nEOF'",
    ],
)
def test_what_is_no_dependency_or_cannot_be_read_is_left_out(text: str) -> None:
    assert requested(text) == []


@pytest.mark.parametrize(
    "definition",
    [
        "ext.sumVersion = '1.0'",
        "def sumVersion = '1.0'",
        'val sumVersion = "1.0"',
        "ext { set('sumVersion', '1.0') }",
        'extra["sumVersion"] = "1.0"',
        'val sumVersion by extra("1.0")',
        "ext.versions = [mean: '1.1', sumVersion: '1.0']",
    ],
)
@pytest.mark.parametrize(
    "use",
    [
        'api "org.acme:sum:$sumVersion"',
        'api("org.acme:sum:${sumVersion}")',
        'api "org.acme:sum:${versions.sumVersion}"',
        "api 'org.acme:sum:' + sumVersion",
    ],
)
def test_versions_are_values_of_the_file(definition: str, use: str) -> None:
    assert requested(f"{definition}\n{use}\n") == ["api org.acme:sum:1.0"]


def test_versions_are_values_of_gradle_properties() -> None:
    found = requested('api "org.acme:sum:${sumVersion}"', properties="# numbers\nsumVersion=1.0\n")
    assert found == ["api org.acme:sum:1.0"]


CATALOG_TEXT = """
[versions]
acme = "1.0"
[libraries]
sum = "org.acme:sum:1.0"
acme-mean = {module = "org.acme:mean", version.ref = "acme"}
acme_least = {group = "org.acme", name = "least", version = "1.2"}
[bundles]
numbers = ["sum", "acme-mean"]
"""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("api libs.sum", ["api org.acme:sum:1.0"]),
        ("api(libs.acme.mean)", ["api org.acme:mean:1.0"]),
        ("api(libs.acme.least.get())", ["api org.acme:least:1.2"]),
        ("api(libs.bundles.numbers)", ["api org.acme:mean:1.0", "api org.acme:sum:1.0"]),
        ("api libs.other", []),
    ],
)
def test_names_of_a_version_catalog(text: str, expected: list[str]) -> None:
    assert requested(text, catalog=CATALOG_TEXT) == expected


@pytest.mark.parametrize("text", ["[libraries", "libraries = 1", "[libraries]\nsum = 1"])
def test_a_catalog_that_is_none_has_no_names(text: str) -> None:
    assert requested("api libs.sum", catalog=text) == []


def an_input(before: dict[str, str], after: dict[str, str], **facts: list[str]) -> StrategyInput:
    def files(texts: dict[str, str]) -> list[FileFact]:
        return [FileFact(path=path, sha256="0" * 64, text=text) for path, text in texts.items()]

    return StrategyInput(
        facts=Facts(
            manifests=files({BUILD: "", "core/build.gradle": ""} | before),
            fixed_manifests=files(after),
            languages={"java": 9},
            **({"test_files": [TEST]} | facts),
        ),
        created_at=datetime(2023, 3, 1, tzinfo=UTC),
        base_images={"java": ["gradle:8-jdk17"]},
    )


def test_what_only_the_fix_asks_for_is_downloaded_and_that_of_tests_is_there_before() -> None:
    before = {"core/build.gradle": "dependencies { api 'org.acme:sum:1.0' }"}
    after = {
        "core/build.gradle": "dependencies {\n api 'org.acme:sum:1.1'\n testImplementation 'org.acme:same:2.0'\n}",
        "other/build.gradle": "dependencies { api 'org.acme:elsewhere:1.0' }",
    }
    dockerfile = proposed(an_input(before, after)).draft.dockerfile
    assert (
        "RUN cat > /gradle/added.txt <<'EOF'\n"
        "core\tapi\torg.acme:sum:1.1\n"
        "core\ttestImplementation\torg.acme:same:2.0\n"
        "EOF\n"
        "RUN cat > /gradle/init.d/added.gradle <<'EOF'\n"
    ) in dockerfile
    assert dockerfile.endswith(
        "RUN if ! { $GRADLE -p core testClasses downloadAdded; }; then \\\n"
        " sed -i '/\\ttest/d' /gradle/added.txt && { $GRADLE -p core testClasses downloadAdded; }"
        ' || echo "not all that the fix asks for is there"; fi\n'
        "RUN chmod -R a+rwX /gradle\n"
    )
    assert violations(dockerfile, []) == []


def test_a_fix_that_adds_nothing_has_no_further_steps() -> None:
    same = {"core/build.gradle": "dependencies { api 'org.acme:sum:1.0' }"}
    assert "added" not in proposed(an_input(same, same)).draft.dockerfile


def test_a_patch_that_changes_data_of_tests_alone_runs_every_class_of_their_module() -> None:
    data = "core/src/test/resources/sums.txt"
    command = proposed(an_input({}, {}, test_files=[], test_support_files=[data])).draft.test_command
    assert " $(find core -path '*/src/test/*' " in command
