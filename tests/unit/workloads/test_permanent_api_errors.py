"""A permanent error of the API or the registry is shown on the object, not only in the operator's log."""

from builders import NOW, a_task
from swefoundry import errors
from swefoundry.api import reasons
from swefoundry.api.conditions import READY, reason_of
from swefoundry.controllers.finish import with_api_error_as_wait
from swefoundry.controllers.steps import RunWork
from swefoundry.controllers.taskinstance.observe import Observation
from swefoundry.controllers.taskinstance.status import report
from swefoundry.settings import Settings
from swefoundry.workloads.decide import Wait

QUOTA = errors.ApiRefused("pods is forbidden: exceeded quota: small")


def test_a_permanent_api_error_is_shown_as_a_wait():
    assert with_api_error_as_wait([], QUOTA) == [
        Wait("refused", "ApiRefused", "pods is forbidden: exceeded quota: small")
    ]


def test_an_error_with_a_reason_is_shown_by_it():
    error = errors.PermanentError("spec.podTemplate.labels: not allowed", reasons.MISCONFIGURED)
    assert with_api_error_as_wait([], error) == [
        Wait("refused", "Misconfigured", "spec.podTemplate.labels: not allowed")
    ]


def test_a_transient_error_is_not_shown():
    assert with_api_error_as_wait([], errors.ApiUnavailable("busy")) == []
    assert with_api_error_as_wait([], None) == []


def test_the_condition_shows_the_refusal():
    observed = Observation(a_task(), (), None, Settings(), NOW)
    status = report(observed, RunWork(()), with_api_error_as_wait([], QUOTA))
    assert reason_of(status.conditions, READY) == (
        "Intake",
        "refused: ApiRefused (pods is forbidden: exceeded quota: small)",
    )
