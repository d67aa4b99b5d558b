"""Status of a TaskInstance that waits for a place of a pod."""

import pytest

from builders import IMAGE, NOW, PREPARED, a_build, a_queued, a_task
from swefoundry.api import conditions
from swefoundry.api.types import Attempt
from swefoundry.controllers.steps import RunWork
from swefoundry.controllers.taskinstance.observe import Observation
from swefoundry.controllers.taskinstance.status import report
from swefoundry.controllers.taskinstance.steps import WaitForEnvBuild
from swefoundry.settings import Settings
from swefoundry.workloads.lifecycle import PodStarted

GO_ON = RunWork(())
READY = {"prepared": PREPARED, "image": IMAGE}


def after(status, *results, step=GO_ON, build=None):
    return report(Observation(a_task(status), (), build, Settings(), NOW), step, results)


def message(status):
    return conditions.reason_of(status.conditions, conditions.READY)[1]


def test_a_task_that_waits_for_a_place_and_runs_nothing_is_queued_with_its_position():
    status = after(None, a_queued("intake"))
    assert (status.phase, *conditions.reason_of(status.conditions, conditions.RECONCILING)) == (
        "Queued",
        "Queued",
        "intake: Queued (12th of 340 waiting for an intake place)",
    )


def test_a_task_that_runs_one_pod_and_waits_for_the_place_of_another_is_not_queued():
    started = PodStarted(Attempt(work="before-0", number=0, pod="pod", uid="u"))
    status = after(READY, started, a_queued("after-0"), a_queued("base-0", 13))
    assert (status.phase, message(status)) == (
        "Validating",
        "after-0, base-0: Queued (12th of 340 waiting for an evaluation place)",
    )


def test_a_task_whose_envbuild_is_queued_is_queued():
    build = a_build({"phase": "Queued"})
    assert after(None, step=WaitForEnvBuild(), build=build).phase == "Queued"


@pytest.mark.parametrize(
    ("number", "shown"), [(11, "12th of 340"), (4, "12th of 340"), (3, "3rd of 9"), (20, "12th of 340")]
)
def test_a_position_is_written_again_when_it_has_come_down_to_a_quarter(number, shown):
    first = after(None, a_queued("intake"))
    later = after(first.to_json_dict(), a_queued("intake", number, 9))
    assert message(later) == f"intake: Queued ({shown} waiting for an intake place)"


def test_a_task_says_that_older_pods_have_no_node_yet():
    status = after(None, a_queued("intake", 1, 2, unplaced=True))
    place = "1st of 2 waiting for an intake place; older ones have no node yet"
    assert message(status) == f"intake: Queued ({place})"
