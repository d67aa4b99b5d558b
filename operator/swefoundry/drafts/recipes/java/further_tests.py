"""Test classes that run beside those of the test patch: they use what the patch changes, for Maven and Gradle alike."""

import re
import shlex
from collections.abc import Iterable
from pathlib import PurePosixPath

from swefoundry.contracts.facts import Facts
from swefoundry.drafts.recipes.java.java_project import is_of_module

_TEST_CLASS = "@([A-Za-z]*Test|TestFactory)([^A-Za-z]|$)|extends +[A-Za-z]*TestCase"
"""A line of every class with a test, of any JUnit."""


def further_tests_command(facts: Facts, folders: Iterable[str]) -> str:
    """Return a command that prints the files of such classes in modules, not abstract ones; empty for none.

    Those are classes that extend changed base classes of tests. Where the patch changes no test class at all, those
    that use a changed helper in any way; where it changes nothing but data of tests, every class with a test.
    """
    has_tests, helpers = _has_test_files(facts), _helper_classes(facts)
    names = "|".join(filter(_is_base_class, helpers) if has_tests else helpers)
    has_data_alone = not has_tests and not helpers and _has_tests_of_classes(facts)
    if not names and not has_data_alone:
        return ""
    before = "extends[[:space:]]+" if has_tests else "(^|[^A-Za-z0-9_])"
    pattern = f"{before}({names})([^A-Za-z0-9_]|$)" if names else _TEST_CLASS
    return (
        f" $(find {shlex.join(folders)} -path '*/src/test/*' \\( -name '*Test*.java' -o -name '*IT.java' \\)"
        f" -exec grep -lE {shlex.quote(pattern)} {{}} +"
        " | xargs -r grep -LE '^(public +)?abstract +class' | sed 's|^\\./||')"
    )


def has_other_tests_alone(facts: Facts) -> bool:
    """Whether what the patch changes is of no class's tests, such as projects that maven-invoker-plugin builds."""
    return bool(facts.test_files or facts.test_support_files) and not _has_tests_of_classes(facts)


def _has_tests_of_classes(facts: Facts) -> bool:
    """Whether the patch changes a Java file, or anything where Maven and Gradle have tests of classes."""
    files = filter(is_of_module, [*facts.test_files, *facts.test_support_files])
    return any(path.endswith(".java") or "/src/test/" in f"/{path}" for path in files)


def _has_test_files(facts: Facts) -> bool:
    return any(path.endswith(".java") for path in facts.test_files if is_of_module(path))


def _helper_classes(facts: Facts) -> list[str]:
    """Return the names of the classes of test support that the patch changes."""
    files = [PurePosixPath(path) for path in facts.test_support_files if is_of_module(path)]
    return sorted(path.stem for path in files if path.suffix == ".java" and path.stem.isidentifier())


def _is_base_class(name: str) -> bool:
    """Whether tests extend a class, by its name: it may have tests of its own."""
    return re.match(r"Abstract|Base", name) is not None or "Test" in name
