"""The state read from the statuses of real build pods, captured from those of tests/cluster/test_image_builds.py."""

import json
from datetime import timedelta
from pathlib import Path

import pytest

from swefoundry.contracts.build import BuildResult
from swefoundry.contracts.exit_codes import ExitCode
from swefoundry.workloads.pod_outcomes import FaultCategory, PodFault, PodResult, PodState
from swefoundry.workloads.pod_snapshot import read_snapshot
from swefoundry.workloads.pod_status import GracePeriods, read_pod

CAPTURED = Path(__file__).parents[3] / "fixtures/pods/build"

RESULTS = {
    "good": ExitCode.OK,
    "syntax": ExitCode.DOCKERFILE_INVALID,
    "base": ExitCode.BASE_IMAGE_MISSING,
    "step": ExitCode.STEP_FAILED,
    "slow": ExitCode.BUILD_TIME_LIMIT,
    "policy": ExitCode.POLICY_REFUSED,
}
FAULTS = {
    "memory": (FaultCategory.LIMIT, "OOMKilled"),
    "disk": (FaultCategory.LIMIT, "EphemeralStorageExceeded"),
    "deleted": (FaultCategory.INFRASTRUCTURE, "PodDeleted"),
}


def state_of(name: str) -> PodState:
    result = read_snapshot(json.loads((CAPTURED / f"{name}.json").read_text()))
    return read_pod(result, result.created + timedelta(minutes=5), GracePeriods())


@pytest.mark.parametrize("name", RESULTS)
def test_a_build_with_a_record_is_a_result(name: str) -> None:
    result = state_of(name)
    assert isinstance(result, PodResult)
    assert (result.code, BuildResult.model_validate(result.record).code) == (RESULTS[name], RESULTS[name])


@pytest.mark.parametrize("name", FAULTS)
def test_a_build_that_was_cut_short_is_none(name: str) -> None:
    result = state_of(name)
    assert isinstance(result, PodFault)
    assert (result.category, result.reason) == FAULTS[name]


def test_every_capture_has_an_expectation() -> None:
    assert {path.stem for path in CAPTURED.iterdir()} == RESULTS.keys() | FAULTS.keys()
