"""The operator is killed repeatedly: no result changes."""

import random
import time

import pytest

from cluster.fault_injection import (
    UNDISTURBED_VERDICTS,
    an_instance,
    assert_undisturbed_verdicts,
    kill_operator,
    lab_only,
    name_of,
    operator_container,
    recorded_pods,
    replace_operator_pod,
    wait_for_operator,
)
from cluster.sample_instances import apply

pytestmark = [pytest.mark.cluster, pytest.mark.alone, lab_only]

KILLS = 30
RESTARTED_BY_KUBELET = frozenset({3, 17})
"""Kills after which the kubelet restarts the container; after the others the pod is replaced, which is quicker."""

KILLS_DURING_START = 2
"""Every second kill happens during the operator's start, the others when it is ready."""

MAX_LIFETIME_SECONDS = 2.5


def test_thirty_kills_at_random_moments_change_no_verdict_and_start_no_pod_twice():
    rng = random.Random(20260101)
    cases = [*UNDISTURBED_VERDICTS, "fail2pass", "fail2pass"]
    expected: dict[str, str] = {}
    with recorded_pods() as recorder:
        for number in range(KILLS):
            if number % (KILLS // len(cases)) == 0:  # so that there is always an instance at each stage
                case = cases[len(expected)]
                task = an_instance(case, "sleep 2; sh check.sh")
                expected[name_of(task)] = case
                apply(task)
            container = operator_container(ready=number % KILLS_DURING_START > 0)
            time.sleep(rng.uniform(0, MAX_LIFETIME_SECONDS))
            kill_operator(container)
            if number not in RESTARTED_BY_KUBELET:
                replace_operator_pod()
            operator_container(other_than=container)
        wait_for_operator()
        assert_undisturbed_verdicts(recorder, expected)
        assert all(
            recorder.numbers_of(name) == {"0"} for name in expected
        )  # pods continue while the operator is down
