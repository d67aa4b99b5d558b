"""What a container used, read from the files of its control group; the runner's Go tests read the same fixtures."""

from pathlib import Path

import pytest

from swefoundry.contracts.measured import MeasuredResources
from swefoundry.programs.resource_usage import container_usage, measured_in

CGROUPS = Path(__file__).parents[2] / "fixtures" / "cgroups"
EVERYTHING = MeasuredResources(
    cpu_seconds=48.913,
    peak_memory_bytes=221249536,
    written_bytes=45056,
    peak_processes=14,
    throttled_seconds=1.25,
)


@pytest.mark.parametrize(
    ("group", "used"),
    [
        ("v1", EVERYTHING),
        ("v2", EVERYTHING),
        ("v2-old", MeasuredResources(cpu_seconds=48.913)),
        ("missing", MeasuredResources()),
    ],
)
def test_use_is_read_from_both_kinds_of_control_group_and_absent_numbers_stay_absent(
    group: str, used: MeasuredResources
) -> None:
    assert measured_in(CGROUPS / group) == used


def test_outside_a_container_nothing_is_measured() -> None:
    assert container_usage() is None
