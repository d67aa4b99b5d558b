"""Reuse of environments of a package with a C extension: which commits reuse an image, and when C is compiled again.

::

    v1   solved by the recipe, whose second draft adds the missing compiler
    v2   its C differs, its fix is in Python      reuses v1's image, compiles the extension in a build pod
    v3   its C is that of v1                      reuses v1's image without a build pod
    v4   its fix is in C                          built like v1, compiled again before the tests
"""

import re
from collections.abc import Iterator
from string import Template

import pytest

from cluster.commands import ON_LAB
from cluster.sample_instances import (
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
VERSIONS = (1, 2, 3, 4)
SMALL = {"cpu": "50m", "memory": "512Mi", "ephemeralStorage": "1Gi"}

SETUP = """\
from setuptools import Extension, setup

setup(name="thing", version="1.0", packages=["thing"], ext_modules=[Extension("thing._native", ["thing/_native.c"])])
"""
PYTHON = """\
# version $version
from thing._native import generation, native_answer


def answer():
    return $answer
"""
NATIVE = Template("""\
#include <Python.h>

static PyObject *generation(PyObject *self, PyObject *args) { return PyLong_FromLong($generation); }
static PyObject *native_answer(PyObject *self, PyObject *args) { return PyLong_FromLong($answer); }
static PyMethodDef methods[] = {
    {"generation", generation, METH_NOARGS, ""}, {"native_answer", native_answer, METH_NOARGS, ""}, {0}};
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "_native", 0, -1, methods};
PyMODINIT_FUNC PyInit__native(void) { return PyModule_Create(&module); }
""")
TESTS = """\
import thing


def test_the_extension_is_that_of_this_commit():
    assert thing.generation() == $generation


def test_answer():
    assert thing.$function() == 42
"""


def instance(repo: str, version: int, strategies: list[str]) -> Json:
    generation, in_c = (2 if version == 2 else 1), version == 4

    def sources(answer: int) -> Files:
        python = Template(PYTHON).substitute(version=version, answer=41 if in_c else answer)
        native = NATIVE.substitute(generation=generation, answer=answer if in_c else 41)
        return {"thing/__init__.py": python, "thing/_native.c": native}

    function = "native_answer" if in_c else "answer"
    tests = Template(TESTS).substitute(generation=generation, function=function)
    files = {"setup.py": SETUP, **sources(41)}
    name = f"{repo}-v{version}"
    repository = make_repository(name, files, {"tests/test_thing.py": tests}, sources(42))
    return a_task(
        name,
        repository,
        repo=f"lab/{repo}",
        version=f"1.{version}",
        createdAt="2024-06-01T00:00:00Z",
        environment={"strategies": strategies},
        validation={"timeoutSeconds": 120, "resources": SMALL},
    )


def build_of(name: str) -> Json:
    status: Json = get("eb", name)["status"]
    return status


def rounds(name: str) -> list[tuple[str, str]]:
    return [(item["strategy"], item["outcome"]) for item in build_of(name)["rounds"]]


def works(name: str) -> set[str]:
    return {item["work"].partition("-")[0] for item in build_of(name)["attempts"]}


@pytest.fixture(scope="module")
def repo() -> str:
    return unique("compiled")


@pytest.fixture(scope="module")
def verdicts(repo) -> Iterator[dict[int, str]]:
    """Verdicts by version. The first version is solved before the others, which run at the same time."""
    names = {version: f"{repo}-v{version}" for version in VERSIONS}
    apply(instance(repo, 1, ["reuse", "recipe"]))
    statuses = {1: wait_until_finished(names[1], MAX_SECONDS)}
    apply(*(instance(repo, version, ["reuse"]) for version in (2, 3)), instance(repo, 4, ["reuse", "recipe"]))
    statuses |= {version: wait_until_finished(names[version], MAX_SECONDS) for version in (2, 3, 4)}
    yield {version: status.get("verdict", str(status)[:2000]) for version, status in statuses.items()}
    delete(*names.values())


def test_every_commit_is_validated(verdicts):
    assert verdicts == dict.fromkeys(VERSIONS, "fail2pass")


def test_the_first_version_is_solved_by_the_second_draft_of_the_recipe(verdicts, repo):
    assert rounds(f"{repo}-v1") == [("recipe", "StepFailed"), ("recipe", "Accepted")]


def test_a_version_with_other_c_files_reuses_the_image_and_compiles_without_agents(verdicts, repo):
    assert rounds(f"{repo}-v2") == [("reuse", "Accepted")]
    assert works(f"{repo}-v2") >= {"checkout", "build"}
    [round_] = build_of(f"{repo}-v2")["rounds"]
    assert round_["parent"]["image"] == build_of(f"{repo}-v1")["image"]
    assert "agents" not in build_of(f"{repo}-v2")


def test_a_version_with_the_same_c_files_reuses_the_image_without_a_build_pod(verdicts, repo):
    assert rounds(f"{repo}-v3") == [("reuse", "Accepted")]
    assert "build" not in works(f"{repo}-v3")


def test_a_version_with_a_fix_in_c_is_built_like_the_first_and_compiled_before_its_tests(verdicts, repo):
    assert rounds(f"{repo}-v4") == [
        ("reuse", "AfterFailed"),
        ("recipe", "AfterFailed"),
        ("recipe", "Accepted"),
    ]
    # The label names the nearest version that was finished by then: all have the first version's image.
    _, first, last = (item["label"] for item in build_of(f"{repo}-v4")["rounds"])
    assert re.search(r", as 1\.[123] was built$", first)
    assert re.search(r", compiled again before the tests, as 1\.[123] was built$", last)
