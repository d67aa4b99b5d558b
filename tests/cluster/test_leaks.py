"""The control `Leaks`: an image that holds the fix is named and kept out of the export, and exported on request."""

import json
from collections.abc import Iterator

import pytest

from cluster.commands import ON_LAB, REGISTRY, swefoundry
from cluster.sample_instances import (
    NAMESPACE,
    TINY_DOCKERFILE,
    Json,
    a_task,
    apply,
    delete,
    make_shell_repository,
    unique,
    wait_until_finished,
)

pytestmark = [
    pytest.mark.cluster,
    pytest.mark.skipif(not ON_LAB, reason="serves its repository from the lab's git server"),
]

LINE = 'echo "42 is the answer to the ultimate question of life, the universe and everything" >/dev/null'
FIX = {"answer.sh": f"{LINE}\necho 42\n"}
LEAK = f"RUN echo '{LINE}' >/todo.txt\nRUN rm /todo.txt\n"
LABEL = "swefoundry.dev/leaks"


def an_instance(name: str, label: str, dockerfile: str) -> Json:
    task = a_task(name, make_shell_repository(name, fix=FIX))
    task["metadata"]["labels"] = {LABEL: label}
    task["spec"]["environment"]["draft"]["dockerfile"] = dockerfile
    return task


@pytest.fixture(scope="module")
def label() -> Iterator[str]:
    """Two instances, a clean one and one whose image holds the fix in a layer that a later one hides."""
    label = unique("leaks")
    clean, leaking = f"{label}-clean", f"{label}-leaking"
    apply(an_instance(clean, label, TINY_DOCKERFILE), an_instance(leaking, label, TINY_DOCKERFILE + LEAK))
    yield label
    delete(clean, leaking)


def leaks_of(name: str) -> Json:
    status = wait_until_finished(name)
    assert status["verdict"] == "fail2pass", status
    [found] = [each for each in status["controls"] if each["name"] == "Leaks"]
    assert isinstance(found, dict)
    return found


def test_a_clean_image_passes(label: str) -> None:
    found = leaks_of(f"{label}-clean")
    assert (found["result"], found["message"].endswith("layers searched")) == ("Passed", True), found


def test_a_fix_in_the_image_is_named_with_its_path_and_layer(label: str) -> None:
    found = leaks_of(f"{label}-leaking")
    assert found["result"] == "Failed", found
    assert found["message"].startswith("LeakFound: PatchLines todo.txt in layer "), found
    assert "hidden by layer" in found["message"]
    page = swefoundry("why", f"{label}-leaking", "-n", NAMESPACE, *REGISTRY)
    assert "todo.txt" in page


def exported(label: str, *options: str) -> list[str]:
    selector = ("--selector", f"{LABEL}={label}", "-n", NAMESPACE, "--allow-empty")
    rows = swefoundry("export", *selector, *REGISTRY, *options, may_fail=True)
    return [json.loads(line)["instance_id"] for line in rows.splitlines()]


def test_an_image_with_leaks_is_exported_on_request_only(label: str) -> None:
    leaks_of(f"{label}-clean")
    leaks_of(f"{label}-leaking")
    assert exported(label) == [f"{label}-clean"]
    assert exported(label, "--include-leaks") == [f"{label}-clean", f"{label}-leaking"]
