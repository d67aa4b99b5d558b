"""Levels of the language that only the fix's POM has: its tests may be written for them."""

import pytest

from unit.drafts.recipe_inputs import proposed
from unit.drafts.test_java_recipe import a_pom, an_input, properties


@pytest.mark.parametrize(
    ("before", "after", "label", "option"),
    [
        ({"javaVersion": "8"}, {"javaVersion": "11"}, "java 11, compiled for 11", "-DjavaVersion=11"),
        ({"jdk": "1.8"}, {"jdk": "17"}, "java 17, compiled for 17", "-Djdk=17"),
        (
            {"maven__compiler__release": "8"},
            {"maven__compiler__release": "11"},
            "java 11, compiled for 11",
            "-Dmaven.compiler.release=11",
        ),
        ({"javaVersion": "6"}, {"javaVersion": "7"}, "java 11, compiled for 7", "-DjavaVersion=7"),
        (
            {"source__version": "8"},
            {"source__version": "11"},
            "java 11, compiled for 11",
            "-Dsource.version=11",
        ),
    ],
)
def test_a_level_that_the_fix_raises_counts_before_it_too(
    before: dict[str, str], after: dict[str, str], label: str, option: str
) -> None:
    inputs = an_input({"pom.xml": a_pom(properties(**before))}, fixed={"pom.xml": a_pom(properties(**after))})
    proposal = proposed(inputs)
    assert (proposal.label, f" {option} " in proposal.draft.dockerfile.replace('"', " ")) == (label, True)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"javaVersion": "11"}, {"javaVersion": "8"}),
        ({"javaVersion": "8"}, {}),
        ({}, {"javaVersion": "11"}),
        ({"revision": "8"}, {"revision": "11"}),
        ({"commons__release__version": "1.9.0"}, {"commons__release__version": "1.10.0"}),
        ({"javafx__version": "17"}, {"javafx__version": "21"}),
        ({"javaVersion": "${outer}"}, {"javaVersion": "11"}),
    ],
)
def test_other_changes_of_properties_change_no_level(before: dict[str, str], after: dict[str, str]) -> None:
    inputs = an_input({"pom.xml": a_pom(properties(**before))}, fixed={"pom.xml": a_pom(properties(**after))})
    assert proposed(inputs).label == "java 11"
