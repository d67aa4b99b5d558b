"""Reuse of environments whose build tool decides by file times what to compile: cargo and Maven.

::

    v1   solved by the recipe
    v2   two of its files differ: one as its commit has it, one by its fix     reuses v1's image

The image has the compiled files of v1, the checkout brings the files of v2, and a stage those of the fix.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from cluster.commands import ON_LAB, REGISTRY, swefoundry
from cluster.sample_instances import (
    NAMESPACE,
    Files,
    Json,
    a_task,
    apply,
    delete,
    get,
    make_repository,
    unique,
    wait_until_finished,
)

pytestmark = [
    pytest.mark.cluster,
    pytest.mark.skipif(not ON_LAB, reason="serves its repository from the lab's git server"),
]

MAX_SECONDS = 1800
SMALL = {"cpu": "200m", "memory": "1Gi", "ephemeralStorage": "2Gi"}
VERSIONS = (1, 2)

CRATE = '[package]\nname = "{}"\nversion = "0.1.0"\nedition = "2021"\n'
POM = """\
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>org.acme</groupId>
  <artifactId>thing</artifactId>
  <version>1.0</version>
  <properties>
    <maven.compiler.source>8</maven.compiler.source>
    <maven.compiler.target>8</maven.compiler.target>
    <project.build.sourceEncoding>UTF-8</project.build.sourceEncoding>
  </properties>
  <dependencies>
    <dependency>
      <groupId>junit</groupId><artifactId>junit</artifactId><version>4.13.2</version><scope>test</scope>
    </dependency>
  </dependencies>
</project>
"""
MAIN, TESTS = "src/main/java/org/acme", "src/test/java/org/acme"


def cargo_sources(version: int, answer: int) -> Files:
    return {
        "Cargo.toml": '[workspace]\nmembers = ["steady", "thing"]\nresolver = "2"\n',
        "steady/Cargo.toml": CRATE.format("steady"),
        "steady/src/lib.rs": "pub fn forty() -> i32 {\n    40\n}\n",
        "thing/Cargo.toml": CRATE.format("thing") + '\n[dependencies]\nsteady = { path = "../steady" }\n',
        "thing/src/lib.rs": "pub mod generation;\n\npub fn answer() -> i32 {\n"
        f"    steady::forty() + {answer - 40}\n}}\n",
        "thing/src/generation.rs": f"pub fn generation() -> i32 {{\n    {version}\n}}\n",
    }


def cargo_tests(version: int) -> Files:
    return {
        "thing/tests/thing.rs": "#[test]\nfn generation_is_that_of_this_commit() {\n"
        f"    assert_eq!(thing::generation::generation(), {version});\n}}\n\n"
        "#[test]\nfn answer() {\n    assert_eq!(thing::answer(), 42);\n}\n"
    }


def maven_sources(version: int, answer: int) -> Files:
    def a_class(name: str, value: int) -> str:
        return f"package org.acme;\n\npublic class {name} {{\n    public static int of() {{ return {value}; }}\n}}\n"

    return {
        "pom.xml": POM,
        f"{MAIN}/Answer.java": a_class("Answer", answer),
        f"{MAIN}/Generation.java": a_class("Generation", version),
    }


def maven_tests(version: int) -> Files:
    return {
        f"{TESTS}/ThingTest.java": "package org.acme;\n\nimport static org.junit.Assert.assertEquals;\n\n"
        "import org.junit.Test;\n\npublic class ThingTest {\n"
        f"    @Test public void generation() {{ assertEquals({version}, Generation.of()); }}\n"
        "    @Test public void answer() { assertEquals(42, Answer.of()); }\n}\n"
    }


@dataclass(frozen=True)
class Project:
    """A project of one build tool, with the tests that its rows must have."""

    sources: Callable[[int, int], Files]
    tests: Callable[[int], Files]
    turned: str
    kept: str


PROJECTS = {
    "cargo": Project(
        cargo_sources,
        cargo_tests,
        "thing/tests/thing.rs::answer",
        "thing/tests/thing.rs::generation_is_that_of_this_commit",
    ),
    "maven": Project(
        maven_sources, maven_tests, "org.acme.ThingTest::answer", "org.acme.ThingTest::generation"
    ),
}


def a_version(tool: str, repo: str, version: int, strategies: list[str]) -> Json:
    project = PROJECTS[tool]
    name = f"{repo}-v{version}"
    wrong, right = project.sources(version, 41), project.sources(version, 42)
    task = a_task(
        name,
        make_repository(name, wrong, project.tests(version), right),
        repo=f"lab/{repo}",
        version=f"1.{version}",
        createdAt="2024-06-01T00:00:00Z",
        environment={"strategies": strategies},
        validation={"timeoutSeconds": 600, "resources": SMALL},
    )
    task["metadata"]["labels"] = {"test.swefoundry.dev/reuse": name}
    return task


@pytest.fixture(scope="module")
def reused() -> Iterator[dict[str, str]]:
    """The names of the second versions by build tool; all have ended."""
    repos = {tool: unique(tool) for tool in PROJECTS}
    apply(*(a_version(tool, repo, 1, ["recipe"]) for tool, repo in repos.items()))
    for repo in repos.values():
        assert wait_until_finished(f"{repo}-v1", MAX_SECONDS).get("verdict") == "fail2pass"
    apply(*(a_version(tool, repo, 2, ["reuse"]) for tool, repo in repos.items()))
    names = {tool: f"{repo}-v2" for tool, repo in repos.items()}
    for name in names.values():
        wait_until_finished(name, MAX_SECONDS)
    yield names
    delete(*(f"{repo}-v{version}" for repo in repos.values() for version in VERSIONS))


@pytest.mark.parametrize("tool", PROJECTS)
def test_files_of_another_commit_and_of_the_fix_are_compiled_in_a_reused_image(
    reused: dict[str, str], tool: str
) -> None:
    name = reused[tool]
    rounds: list[Json] = get("eb", name)["status"]["rounds"]
    assert [(item["strategy"], item["outcome"]) for item in rounds] == [("reuse", "Accepted")]
    selector = f"test.swefoundry.dev/reuse={name}"
    row = json.loads(swefoundry("export", "--selector", selector, "-n", NAMESPACE, *REGISTRY))
    lists = [json.loads(row[key]) for key in ("FAIL_TO_PASS", "PASS_TO_PASS")]
    assert (get("ti", name)["status"]["verdict"], *lists) == (
        "fail2pass",
        [PROJECTS[tool].turned],
        [PROJECTS[tool].kept],
    )


@pytest.mark.parametrize("stage", ["before", "after"])
def test_cargo_compiles_nothing_else(reused: dict[str, str], stage: str) -> None:
    log = swefoundry("logs", reused["cargo"], stage, "-n", NAMESPACE, *REGISTRY)
    compiled = [line.split()[1] for line in log.splitlines() if line.lstrip().startswith("Compiling ")]
    assert compiled == ["thing"]
