"""The operator dies, again and again, and is asked to stop: nobody who reads the results can tell."""

import random
import time

import pytest

from cluster.commands import kubectl
from cluster.faults import (
    OPERATOR_NAMESPACE,
    VERDICTS,
    PodsSeen,
    an_instance,
    forget_operator_pod,
    kill_operator,
    lab_only,
    name_of,
    operator_container,
    operator_is_ready,
    reaches,
    settle,
    watched,
)
from cluster.instances import apply

pytestmark = [pytest.mark.cluster, lab_only]

KILLS = 30
RESTARTED_BY_ITS_KUBELET = frozenset({3, 17})
"""Kills after which the kubelet starts the container again; after the others a new pod comes, which is quicker."""

DURING_ITS_START = 3
"""Every third kill strikes at once; the others strike after the operator got to work."""

LONGEST_LIFE_SECONDS = 4.0


def only_first_attempts(seen: PodsSeen, names: dict[str, str]) -> bool:
    """A pod goes on while nobody looks: no attempt is lost with the operator."""
    return all(attempt.endswith("/0") for name in names for attempt in seen.attempts_of(name))


def test_thirty_kills_at_random_moments_change_no_verdict_and_start_no_pod_twice():
    moments = random.Random(20260101)
    cases = [*VERDICTS, "fail2pass", "fail2pass"]
    expected: dict[str, str] = {}
    with watched() as seen:
        for number in range(KILLS):
            if number % (KILLS // len(cases)) == 0:  # so that some instance is at each stage all the time
                case = cases[len(expected)]
                task = an_instance(case, "sleep 2; sh check.sh")
                expected[name_of(task)] = case
                apply(task)
            container = operator_container(working=number % DURING_ITS_START > 0)
            time.sleep(moments.uniform(0, LONGEST_LIFE_SECONDS))
            kill_operator(container)
            if number not in RESTARTED_BY_ITS_KUBELET:
                forget_operator_pod()
            operator_container(other_than=container)
        operator_is_ready()
        settle(seen, expected)
        assert only_first_attempts(seen, expected)


def test_a_rollout_in_the_middle_is_graceful():
    task = an_instance("fail2pass", "sleep 5; sh check.sh")
    expected = {name_of(task): "fail2pass"}
    with watched() as seen:
        apply(task)
        reaches(name_of(task), "evaluation")
        kubectl("rollout", "restart", "deploy/swefoundry", "-n", OPERATOR_NAMESPACE)
        operator_is_ready()
        settle(seen, expected)
        assert only_first_attempts(seen, expected)
