"""`swefoundry retry`: which instances are started again."""

import pytest

from simulated.api_server import ApiServer
from swefoundry.api import labels
from unit.cli.conftest import Run
from unit.cli.task_objects import finished_status, task, validated_status


@pytest.fixture(autouse=True)
def instances(api: ApiServer) -> None:
    api.put("taskinstances", task("lost", finished_status("Failed", None, "InfrastructureFault", "nodes")))
    api.put("taskinstances", task("spent", finished_status("Failed", None, "BudgetSpent", "tokens")))
    api.put("taskinstances", task("valid", validated_status()))
    api.put("taskinstances", task("working", {"phase": "Intake"}))


def retried(api: ApiServer) -> set[str]:
    """Names of the instances that carry the annotation."""
    metas = [body["metadata"] for body in api.bodies("taskinstances")]
    return {meta["name"] for meta in metas if meta.get("annotations", {}).get(labels.RETRY)}


def test_a_failed_instance_is_annotated(run: Run, api: ApiServer) -> None:
    done = run("retry", "lost")
    assert (done.exit_code, done.stdout) == (0, "default/lost: retried after InfrastructureFault\n")
    assert retried(api) == {"lost"}


def test_each_retry_has_a_value_of_its_own(run: Run, api: ApiServer) -> None:
    values = set()
    for _ in range(3):
        run("retry", "lost")
        values.add(api.get(("taskinstances", "default", "lost"))["metadata"]["annotations"][labels.RETRY])
    assert len(values) == 3


@pytest.mark.parametrize(
    ("name", "why"), [("valid", "the verdict is fail2pass"), ("working", "it has not ended")]
)
def test_an_instance_without_a_failure_has_nothing_to_retry(
    run: Run, api: ApiServer, name: str, why: str
) -> None:
    done = run("retry", name)
    assert (done.exit_code, done.stderr) == (1, f"default/{name}: nothing to retry: {why}\n")
    assert retried(api) == set()


def test_a_reason_chooses_among_all(run: Run, api: ApiServer) -> None:
    assert run("retry", "--reason", "BudgetSpent", "-A").exit_code == 0
    assert retried(api) == {"spent"}


def test_without_a_choice_nothing_is_retried(run: Run, api: ApiServer) -> None:
    assert run("retry").exit_code == 2
    assert retried(api) == set()
