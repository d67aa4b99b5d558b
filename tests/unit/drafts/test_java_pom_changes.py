"""How a pom.xml gets the dependencies of tests that only the fix's has, in a real process."""

import shutil
import subprocess
from pathlib import Path

import pytest

from swefoundry.drafts.recipes.java import test_dependencies
from swefoundry.drafts.recipes.java.test_dependencies import (
    ADD_DEPENDENCIES,
    AddedDependency,
    add_dependencies_command,
)
from unit.drafts.test_java_test_dependencies import (
    BLANKS,
    EXTENSION,
    IO,
    JUNIT,
    JUPITER,
    NEWER,
    TESTNG,
    dependencies,
    managed,
)

POMS = {
    "beside others": (
        f"<project>\n  <dependencies>\n    {JUNIT}\n  </dependencies>\n</project>\n",
        f"<project>\n  <dependencies>\n    {JUNIT}\n  {IO}</dependencies>\n</project>\n",
    ),
    "in an empty list": (
        "<project><dependencies /></project>",
        f"<project><dependencies>{IO}</dependencies></project>",
    ),
    "without a list": (
        '<?xml version="1.0"?>\n<project xmlns="x">\n</project>\n',
        f'<?xml version="1.0"?>\n<project xmlns="x">\n<dependencies>{IO}</dependencies></project>\n',
    ),
    "not in lists of plugins, profiles and the management": (
        f"<project>{managed(IO)}<build><plugins><plugin>{dependencies(IO)}</plugin></plugins></build>"
        f"<profiles><profile>{dependencies(IO)}</profile></profiles></project>",
        f"<project>{managed(IO)}<build><plugins><plugin>{dependencies(IO)}</plugin></plugins></build>"
        f"<profiles><profile>{dependencies(IO)}</profile></profiles>{dependencies(IO)}</project>",
    ),
    "not by what stands in comments": (
        f"<project><!-- <dependencies>{IO}</dependencies> --><description><![CDATA[</project>]]></description>"
        f"<dependencies>{JUNIT}</dependencies></project>",
        f"<project><!-- <dependencies>{IO}</dependencies> --><description><![CDATA[</project>]]></description>"
        f"<dependencies>{JUNIT}{IO}</dependencies></project>",
    ),
    "not again": (f"<project>{dependencies(IO)}</project>", f"<project>{dependencies(IO)}</project>"),
    "not again in another version, with blanks": (
        f"<project>{dependencies(BLANKS)}</project>",
        f"<project>{dependencies(BLANKS)}</project>",
    ),
    "beside another kind of the same": (
        "<project><dependencies><dependency><artifactId>commons-io</artifactId><type>test-jar</type></dependency>"
        "</dependencies></project>",
        "<project><dependencies><dependency><artifactId>commons-io</artifactId><type>test-jar</type></dependency>"
        f"{IO}</dependencies></project>",
    ),
}


@pytest.mark.skipif(shutil.which("awk") is None, reason="needs awk")
@pytest.mark.parametrize(
    ("pom", "expected"),
    [
        (
            f"<project> {dependencies('<!-- x --> ', IO, BLANKS, JUNIT)}{managed(BLANKS)}</project>",
            f"<project> {dependencies('<!-- x --> ', IO, NEWER, JUNIT)}{managed(BLANKS)}</project>",
        ),
        (
            f"<project>{managed(BLANKS)}</project>",
            f"<project>{managed(BLANKS)}{dependencies(NEWER)}</project>",
        ),
    ],
    ids=["in its place", "beside an inherited one"],
)
def test_a_changed_one_takes_the_place_of_that_of_the_pom(tmp_path: Path, pom: str, expected: str) -> None:
    (tmp_path / "program").write_text(ADD_DEPENDENCIES)
    (tmp_path / "list").write_text(f".\tcommons-io:jar:\t{NEWER}\tchanged\n")
    (tmp_path / "pom.xml").write_text(pom.replace(IO, IO.replace("commons-io", "other")))
    command = ["awk", "-v", "list=list", "-v", "folder=.", "-f", "program", "pom.xml"]
    found = subprocess.run(command, capture_output=True, text=True, check=True, cwd=tmp_path)
    assert (found.stdout, found.stderr) == (expected.replace(IO, IO.replace("commons-io", "other")), "")


@pytest.mark.skipif(shutil.which("awk") is None, reason="needs awk")
@pytest.mark.parametrize(("pom", "expected"), POMS.values(), ids=POMS)
def test_a_pom_gets_what_it_lacks(tmp_path: Path, pom: str, expected: str) -> None:
    (tmp_path / "program").write_text(ADD_DEPENDENCIES)
    (tmp_path / "list").write_text(f"core\tcommons-io:jar:\t{IO}\nother\tx:jar:\t<x/>\n")
    (tmp_path / "pom.xml").write_text(pom)
    command = ["awk", "-v", "list=list", "-v", "folder=core", "-f", "program", "pom.xml"]
    found = subprocess.run(command, capture_output=True, text=True, check=True, cwd=tmp_path)
    assert (found.stdout, found.stderr) == (expected, "")


def run_command(folder: Path, changes: list[AddedDependency]) -> None:
    """Run the command that the tests run, with the program and its list in the folder."""
    command = add_dependencies_command(changes, where_used=True)
    for path, here in (
        (test_dependencies.LIST, "list"),
        ("/tmp/", "./new-"),
        (test_dependencies.PROGRAM, "program"),
    ):
        command = command.replace(path, here)
    subprocess.run(["sh", "-c", command], cwd=folder, check=True)


@pytest.mark.skipif(shutil.which("awk") is None, reason="needs awk")
@pytest.mark.parametrize(
    ("imported", "brought"),
    [("org.junit.jupiter.api.Test", [IO, JUPITER, EXTENSION]), ("org.junit.Test", [IO])],
    ids=["tests of JUnit 5", "tests of JUnit 4"],
)
def test_junit_5_is_added_where_a_test_uses_it_because_surefire_runs_no_test_of_junit_4_beside_it(
    tmp_path: Path, imported: str, brought: list[str]
) -> None:
    """As plexus-io 3.4.2, whose tests moved to JUnit 5: those of 3.4.1 did not run in `base`."""
    entries = [IO, JUPITER, EXTENSION]
    (tmp_path / "list").write_text(
        "".join(f".\t{each.split('artifactId>')[1][:-2]}:jar:\t{each}\n" for each in entries)
    )
    (tmp_path / "program").write_text(ADD_DEPENDENCIES)
    (tmp_path / "pom.xml").write_text("<project></project>")
    (tmp_path / "ThingTest.java").write_text(f"import {imported};\n")
    run_command(tmp_path, [AddedDependency(".", "x", each) for each in entries])
    assert (tmp_path / "pom.xml").read_text() == f"<project>{dependencies(*brought)}</project>"


@pytest.mark.skipif(shutil.which("awk") is None, reason="needs awk")
@pytest.mark.parametrize(
    ("imports", "left"),
    [
        (["org.junit.jupiter.api.Test"], [IO, JUPITER]),
        (["org.junit.jupiter.api.Test", "org.testng.annotations.Test"], [IO, TESTNG, JUPITER]),
        (["org.testng.annotations.Test"], [IO, TESTNG]),
    ],
    ids=["tests of JUnit 5", "tests of both", "tests of TestNG"],
)
def test_testng_is_taken_out_where_no_test_uses_it_because_surefire_runs_its_tests_alone(
    tmp_path: Path, imports: list[str], left: list[str]
) -> None:
    """As build-helper-maven-plugin 3.4.0, whose tests moved to JUnit 5: none ran before the fix."""
    changes = [AddedDependency(".", "junit-jupiter:jar:", JUPITER), AddedDependency(".", "testng:jar:", "")]
    (tmp_path / "list").write_text("".join(f"{each.line}\n" for each in changes))
    (tmp_path / "program").write_text(ADD_DEPENDENCIES)
    (tmp_path / "pom.xml").write_text(f"<project>{dependencies(IO, TESTNG)}</project>")
    for number, name in enumerate(imports):
        (tmp_path / f"Thing{number}Test.java").write_text(f"import {name};\n")
    run_command(tmp_path, changes)
    assert (tmp_path / "pom.xml").read_text() == f"<project>{dependencies(*left)}</project>"
