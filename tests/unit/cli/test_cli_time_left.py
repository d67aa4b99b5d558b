"""`swefoundry status` estimates when a batch has ended, from what its instances measured."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from simulated.api_server import ApiServer
from swefoundry.cli.views.progress import batch_progress
from swefoundry.cli.views.progress_table import format_time_left, progress_line
from swefoundry.cli.views.time_left import InstanceWork, instance_work, seconds_left
from unit.cli.conftest import Run
from unit.cli.task_objects import Json, task, validated_status

BEGIN = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)
INTAKE = {"work": "intake", "number": 0, "pod": "a-intake-0-x", "seconds": 10}


def minutes(number: float) -> datetime:
    return BEGIN + timedelta(minutes=number)


def evaluations(*seconds: float) -> list[Json]:
    return [{"stage": "before", "repeat": number, "seconds": each} for number, each in enumerate(seconds)]


def a_validated(start: str = "2026-01-01T12:00:00Z", end: str = "2026-01-01T12:05:00Z") -> Json:
    """Status of an instance with pods of 10, 90 and 100 seconds."""
    return validated_status(
        startedAt=start,
        finishedAt=end,
        prepared={"source": "sha256:0"},
        attempts=[INTAKE],
        environmentSeconds=90,
        evaluations=evaluations(30, 30, 40),
    )


def finished(repository: str = "octo/calc", seconds: float = 100, end: float = 5) -> InstanceWork:
    """An instance all of whose stages took so long."""
    return InstanceWork(repository, BEGIN, BEGIN, minutes(end), passed=(seconds,) * 3)


def untouched(repository: str = "octo/calc", created: datetime = BEGIN) -> InstanceWork:
    return InstanceWork(repository, created)


def test_a_status_says_which_stages_have_ended_and_what_they_took() -> None:
    in_search = {
        "startedAt": "2026-01-01T12:00:00Z",
        "prepared": {"source": "sha256:0"},
        "attempts": [INTAKE],
    }
    ready = in_search | {"environmentSeconds": 90, "evaluations": evaluations(30)}
    ended = InstanceWork("octo/calc", BEGIN, BEGIN, minutes(5), passed=(10, 90, 100))
    assert instance_work(task("a", a_validated())) == ended
    assert instance_work(task("a", ready)) == InstanceWork("octo/calc", BEGIN, BEGIN, None, (10, 90), 30)
    assert instance_work(task("a", in_search)) == InstanceWork("octo/calc", BEGIN, BEGIN, None, (10,))
    assert instance_work(task("a")) == untouched()


def test_what_a_status_does_not_have_is_not_measured() -> None:
    status = validated_status(prepared={"source": "sha256:0"}, finishedAt="2026-01-01T12:05:00Z")
    assert instance_work(task("a", status)).passed == (None, None)


def test_time_left_is_the_work_left_over_the_rate_so_far_and_the_longest_instance() -> None:
    # 600 s of pods in 300 s: two places. 900 s are left.
    works = [finished(), finished(), *[untouched()] * 3]
    assert seconds_left(works, minutes(5)) == pytest.approx(900 / 2 + 300 / 2)


def test_a_stage_takes_what_it_took_in_the_same_repository_and_else_in_the_batch() -> None:
    works = [finished("octo/calc", 100), finished("octo/slow", 300), untouched("octo/slow")]
    assert seconds_left(works, minutes(20)) == pytest.approx(900 + 900 / 2)
    assert seconds_left([*works, untouched("octo/new")], minutes(20)) == pytest.approx(900 + 600 + 900 / 2)


def test_what_an_instance_has_done_is_not_left() -> None:
    working = InstanceWork("octo/calc", BEGIN, BEGIN, None, passed=(100, 100), current=60)
    rate = (300 + 3 * 260) / 300
    assert seconds_left([finished(), *[working] * 3], minutes(5)) == pytest.approx(3 * 40 / rate + 40 / 2)


def test_one_long_instance_does_not_end_sooner_because_places_are_free() -> None:
    works = [*[finished()] * 20, untouched()]
    assert seconds_left(works, minutes(5)) == pytest.approx(300 / 20 + 300 / 2)


def test_an_older_batch_does_not_count_in_the_rate() -> None:
    yesterday = BEGIN - timedelta(days=1)
    older = InstanceWork("octo/calc", yesterday, yesterday, yesterday + timedelta(minutes=5), (100,) * 3)
    stuck = InstanceWork("octo/calc", yesterday, yesterday, None, (100, 100), 100)
    works = [finished(), finished(), *[untouched()] * 3]
    expected = seconds_left(works, minutes(5))
    assert seconds_left([*works, *[older] * 10, stuck], minutes(5)) == pytest.approx(expected, rel=0.01)


@pytest.mark.parametrize(
    "works",
    [
        pytest.param([], id="nothing is there"),
        pytest.param([finished()], id="all have ended"),
        pytest.param([untouched()], id="nothing has been measured"),
        pytest.param(
            [InstanceWork("octo/calc", BEGIN, BEGIN, None, (10, 90)), untouched()], id="no matrix has ended"
        ),
        pytest.param(
            [InstanceWork("octo/calc", BEGIN, BEGIN, minutes(1), (None, None, None)), untouched()],
            id="a release before measured nothing",
        ),
    ],
)
def test_without_ground_there_is_no_estimate(works: list[InstanceWork]) -> None:
    assert seconds_left(works, minutes(5)) is None


def test_suspended_instances_are_not_waited_for() -> None:
    bodies = [task("a", a_validated()), task("b", {"phase": "Suspended"})]
    assert batch_progress(bodies, minutes(5)).seconds_left is None
    assert batch_progress([*bodies, task("c")], minutes(5)).seconds_left == 400


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "less than a minute"),
        (29, "less than a minute"),
        (70, "about 1 min"),
        (9 * 60, "about 9 min"),
        (14 * 60 + 20, "about 15 min"),
        (43 * 60, "about 45 min"),
        (100 * 60, "about 1.5 h"),
        (7 * 3600 + 60, "about 7 h"),
        (60 * 3600, "about 2.5 days"),
    ],
)
def test_an_estimate_is_rounded_to_the_precision_that_it_has(seconds: float, text: str) -> None:
    assert format_time_left(seconds) == text


def test_the_page_the_line_and_the_json_have_it(run: Run, api: ApiServer) -> None:
    bodies = [task("a", a_validated()), task("b")]
    assert progress_line(batch_progress(bodies, minutes(5))) == (
        "1 of 2 finished, about 7 min left: 1 Pending, 1 Validated"
    )
    for body in bodies:
        api.put("taskinstances", body)
    # By now this batch has run for months.
    assert "1  of 2, about " in run("status").stdout
    assert json.loads(run("status", "-o", "json").stdout)["seconds_left"] > 0
    assert json.loads(run("status", "a", "-o", "json").stdout)["seconds_left"] is None
