"""The operator dies, again and again: nobody who reads the results can tell."""

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
    operator_is_ready,
    recorded_pods,
    replace_operator_pod,
)
from cluster.sample_instances import apply

pytestmark = [pytest.mark.cluster, lab_only]

KILLS = 30
RESTARTED_BY_ITS_KUBELET = frozenset({3, 17})
"""Kills after which the kubelet starts the container again; after the others a new pod comes, which is quicker."""

DURING_ITS_START = 2
"""Every second kill strikes at once; the others strike after the operator got to work."""

LONGEST_LIFE_SECONDS = 2.5


def test_thirty_kills_at_random_moments_change_no_verdict_and_start_no_pod_twice():
    moments = random.Random(20260101)
    cases = [*UNDISTURBED_VERDICTS, "fail2pass", "fail2pass"]
    expected: dict[str, str] = {}
    with recorded_pods() as seen:
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
                replace_operator_pod()
            operator_container(other_than=container)
        operator_is_ready()
        assert_undisturbed_verdicts(seen, expected)
        assert all(seen.numbers_of(name) == {"0"} for name in expected)  # pods go on while nobody looks
