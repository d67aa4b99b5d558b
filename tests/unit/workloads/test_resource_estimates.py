"""Requests that are estimated from what earlier pods used."""

from itertools import pairwise

import pytest
from pydantic import ValidationError

from builders import NONCE, digest
from swefoundry.api import labels
from swefoundry.api.types import Validation
from swefoundry.contracts.build import BuildSpec
from swefoundry.contracts.draft import Draft
from swefoundry.contracts.evaluation import EvaluationSpec
from swefoundry.contracts.measured import MeasuredResources
from swefoundry.contracts.registry_location import RegistryLocation
from swefoundry.settings import Settings, describe_errors
from swefoundry.workloads.attempt import AttemptRef, Owner, Role
from swefoundry.workloads.build.pod import BuildSize, build_pod
from swefoundry.workloads.evaluation.pod import EvaluationRun, evaluation_pod
from swefoundry.workloads.resource_estimates import (
    PeakUse,
    Requests,
    amount,
    estimate,
    first_guess,
    known_memory_factor,
)
from swefoundry.workloads.usage_history import OBJECTS_PER_REPOSITORY, UsageHistory, UsageSample

SETTINGS = Settings()
MOST = Requests("1", "2Gi")
MIB = 1 << 20


@pytest.mark.parametrize(
    ("millicpu", "mebibytes", "requests"),
    [
        (0, 1, ("100m", "128Mi")),
        (83, 102, ("100m", "128Mi")),
        (84, 103, ("250m", "256Mi")),
        (209, 300, ("350m", "512Mi")),
        (400, 819, ("500m", "1Gi")),
        (500, 819, ("750m", "1Gi")),
        (3000, 1640, ("1", "2Gi")),
        (None, 300, ("1", "512Mi")),
        (250, None, ("350m", "2Gi")),
    ],
)
def test_use_with_headroom_is_rounded_up_to_a_class_below_what_is_allowed(
    millicpu: int | None, mebibytes: int | None, requests: tuple[str, str]
) -> None:
    use = PeakUse(millicpu, None if mebibytes is None else mebibytes * MIB)
    assert estimate(use, MOST, SETTINGS) == Requests(*requests)


@pytest.mark.parametrize(("request_", "next_class"), list(pairwise([100, 250, 350, 500, 750, 1000])))
def test_a_suite_that_is_held_back_at_its_request_rises_by_a_class(request_: int, next_class: int) -> None:
    found = estimate(PeakUse(request_, 1), MOST, SETTINGS)
    assert 1000 * amount(found.cpu) == next_class


def test_clusters_with_large_nodes_may_allow_more_cpus() -> None:
    use = PeakUse(1100, 3000 * MIB)
    assert estimate(use, Requests("4", "16Gi"), SETTINGS) == Requests("2", "4Gi")
    assert estimate(PeakUse(9000, 1), Requests("16", "16Gi"), SETTINGS) == Requests("4", "128Mi")


def test_the_first_guess_is_small_and_within_the_limit() -> None:
    assert first_guess(MOST, SETTINGS) == Requests("250m", "512Mi")
    assert first_guess(Requests("100m", "256Mi"), SETTINGS) == Requests("100m", "256Mi")


@pytest.mark.parametrize(
    ("quantity", "number"),
    [("250m", 0.25), ("0.5", 0.5), ("2", 2), ("1500M", 1_500_000_000), ("2Gi", 2 << 30), ("1k", 1000)],
)
def test_quantities_are_numbers(quantity: str, number: float) -> None:
    assert amount(quantity) == number


def test_a_setting_that_is_no_quantity_is_refused_by_name() -> None:
    with pytest.raises(ValidationError) as refused:
        Settings(evaluation_cpu="one")
    assert describe_errors(refused.value).startswith("SWEFOUNDRY_EVALUATION_CPU: String should match pattern")


def test_use_is_cpu_time_over_the_time_that_a_pod_holds_its_requests() -> None:
    assert PeakUse.of(MeasuredResources(cpu_seconds=5, peak_memory_bytes=7), 15.0) == PeakUse(250, 7)
    assert PeakUse.of(MeasuredResources(cpu_seconds=1), 1) == PeakUse(167, None)
    assert PeakUse.of(MeasuredResources(peak_memory_bytes=7), 15.0) == PeakUse(None, 7)


def test_memory_above_the_limit_was_used_after_a_memory_kill_and_counts_for_the_next_pods() -> None:
    used = [None, PeakUse(1, None), PeakUse(1, 256 * MIB), PeakUse(1, 257 * MIB)]
    assert [known_memory_factor(use, "256Mi") for use in used] == [1, 1, 1, 2]


REF = AttemptRef(Owner("EnvBuild", "here", "one", "0" * 8), Role.EVALUATION, "before-0", 0, NONCE)


def size_of_evaluation(
    use: PeakUse | None = None, factor: int = 1, full: bool = False, **resources: str
) -> tuple[object, str | None]:
    """CPU request, memory request and memory limit, and the annotation of an estimated CPU."""
    spec = EvaluationSpec(nonce=NONCE, stage="before", command="true", timeout_seconds=60)
    validation = Validation.model_validate({"resources": resources})
    run = EvaluationRun("image", spec, validation, use, memory_factor=factor, full_requests=full)
    return _size(evaluation_pod(REF, run, SETTINGS))


def _size(pod: dict) -> tuple[object, str | None]:
    resources = pod["spec"]["containers"][0]["resources"]
    requests = resources["requests"]
    size = (requests["cpu"], requests["memory"], resources["limits"]["memory"])
    return size, pod["metadata"]["annotations"].get(labels.ESTIMATED_CPU)


USED = PeakUse(100, 150 * MIB)


def test_an_evaluation_requests_what_was_measured_and_keeps_its_limit() -> None:
    assert size_of_evaluation() == (("250m", "512Mi", "2Gi"), "250m")
    assert size_of_evaluation(USED) == (("250m", "256Mi", "2Gi"), "250m")
    assert size_of_evaluation(PeakUse(900, 1900 * MIB)) == (("1", "2Gi", "2Gi"), None)


def test_a_cpu_that_a_person_wrote_is_requested_as_it_is() -> None:
    assert size_of_evaluation(USED, cpu="3", memory="200Mi") == (("3", "200Mi", "200Mi"), None)
    assert size_of_evaluation(full=True, cpu="50m") == (("50m", "2Gi", "2Gi"), None)


def test_nothing_is_estimated_after_a_memory_kill_an_eviction_or_a_time_limit() -> None:
    assert size_of_evaluation(USED, factor=2) == (("1", "4Gi", "4Gi"), None)
    assert size_of_evaluation(USED, full=True) == (("1", "2Gi", "2Gi"), None)


def size_of_build(size: BuildSize) -> tuple[object, str | None]:
    spec = BuildSpec(
        nonce=NONCE,
        place=RegistryLocation(registry="r", repository="x"),
        source=digest("a"),
        draft=Draft(dockerfile="FROM a", test_command="true"),
        tag="t",
        time_limit_seconds=60,
    )
    return _size(build_pod(REF, spec, SETTINGS, size))


def test_a_build_requests_what_builds_of_its_repository_used_never_more_than_the_settings() -> None:
    assert size_of_build(BuildSize()) == (("1", "4Gi", "4Gi"), None)
    assert size_of_build(BuildSize(use=USED)) == (("250m", "256Mi", "4Gi"), "250m")
    assert size_of_build(BuildSize(use=PeakUse(3000, 9 << 30))) == (("1", "4Gi", "4Gi"), None)
    assert size_of_build(BuildSize(memory_factor=2, use=USED)) == (("1", "8Gi", "8Gi"), None)
    assert size_of_build(BuildSize(full_requests=True, use=USED)) == (("1", "4Gi", "4Gi"), None)


def evaluated(image: str, millicpu: int, mebibytes: int | None = 1) -> UsageSample:
    memory = None if mebibytes is None else mebibytes * MIB
    return UsageSample(Role.EVALUATION, PeakUse(millicpu, memory), digest(image))


def test_the_highest_use_of_an_image_counts_whoever_ran_it() -> None:
    history = UsageHistory()
    assert history.of_image("repo", digest("a")) is None
    history.learn("repo", "one", [evaluated("a", 100, 30), evaluated("a", 300, 10), evaluated("b", 900)])
    history.learn("repo", "two", [evaluated("a", 200, None)])
    assert history.of_image("repo", digest("a")) == PeakUse(300, 30 * MIB)
    assert history.of_image("other", digest("a")) is None


def test_a_repository_has_the_use_that_nine_of_ten_objects_stay_within() -> None:
    history = UsageHistory()
    for number in range(20):
        history.learn("repo", str(number), [evaluated("a", number), evaluated("b", 0)])
    assert history.of_repository("repo", Role.EVALUATION) == PeakUse(17, MIB)
    assert history.of_repository("repo", Role.BUILD) is None
    assert history.of_repository("other", Role.EVALUATION) is None


def test_learning_the_same_again_changes_nothing_and_old_objects_are_forgotten() -> None:
    history = UsageHistory()
    for _ in range(2):
        history.learn("repo", "heavy", [UsageSample(Role.BUILD, PeakUse(900, None))])
    assert history.of_repository("repo", Role.BUILD) == PeakUse(900, None)
    for number in range(OBJECTS_PER_REPOSITORY):
        history.learn("repo", str(number), [UsageSample(Role.BUILD, PeakUse(1, None))])
    assert history.of_repository("repo", Role.BUILD) == PeakUse(1, None)
