"""Tests that pass by chance: they are dropped by name, and a row stays valid by the tests that always turn.

The chances are chosen so that no assertion fails by chance in more than one of a million runs.
"""

import asyncio
import json
from collections.abc import Iterator

import pytest

from cluster.build_pods import HOST
from cluster.commands import ON_LAB
from cluster.sample_instances import (
    TINY_DOCKERFILE,
    Json,
    a_task,
    apply,
    condition,
    delete,
    make_shell_repository,
    unique,
    wait_until_finished,
)
from swefoundry.contracts.stages import PROBE
from swefoundry.grading.verdict_bundle import VERDICT_FILE, VerdictBundle
from swefoundry.oci.artifacts import pull_artifact
from swefoundry.oci.registry_client import RegistryClient
from swefoundry.workloads.evaluation.evidence import EVIDENCE_LIMIT_BYTES, STATUSES_FILE

pytestmark = [
    pytest.mark.cluster,
    pytest.mark.skipif(not ON_LAB, reason="reads evidence from the lab's registry"),
]

FUNCTIONS = """n=0
chance() { [ $(($(od -An -N2 -tu2 /dev/urandom) % 100)) -lt "$1" ]; }
pass() { echo "<testcase name='$1'/>"; }
skip() { echo "<testcase name='$1'><skipped/></testcase>"; }
fail() { n=1; echo "<testcase name='$1'><failure/></testcase>"; }
"""
MANY = (
    FUNCTIONS
    + """{ echo '<testsuite>'
if [ "$(sh answer.sh)" = 42 ]; then pass fix; else fail fix; fi
for p in $(seq 5 5 95); do if chance $p; then pass "skips-$p"; else skip "skips-$p"; fi; done
for t in $(seq 4); do if chance 95; then pass "fails-$t"; else fail "fails-$t"; fi; done
echo '</testsuite>'; } > junit.xml
exit $n
"""
)
"""A test fails in all six samples of `after`, and the row with it, with 4 * 0.05^6 = 6e-8; the first two samples of
both stages agree with 4e-8.
"""
ONE = (
    FUNCTIONS
    + """{ echo '<testsuite>'; if chance 50; then pass luck; else fail luck; fi; echo '</testsuite>'; } > junit.xml
exit $n
"""
)
"""It fails in ten samples of `before` and passes in ten of `after` with 0.25^10 = 9.5e-7."""


def a_row(name: str, tests: str, least: int) -> Json:
    draft = {"dockerfile": TINY_DOCKERFILE, "testCommand": "sh check.sh", "reports": ["junit.xml"]}
    task = a_task(name, make_shell_repository(name, tests={"check.sh": tests}), environment={"draft": draft})
    task["spec"]["validation"] |= {"minRepeats": least, "repeats": max(least, 5)}
    return task


@pytest.fixture(scope="module")
def statuses() -> Iterator[dict[str, Json]]:
    names = {"many": unique("unstable-many"), "one": unique("unstable-one")}
    apply(a_row(names["many"], MANY, 1), a_row(names["one"], ONE, 9))
    yield {case: wait_until_finished(name) for case, name in names.items()}
    delete(*names.values())


async def _read_samples(status: Json) -> tuple[VerdictBundle, dict[str, list[dict[str, str]]]]:
    """The verdict bundle, and by stage the statuses of the tests in each sample."""
    repository = status["image"]["name"].partition("/")[2].rpartition(":")[0]
    async with RegistryClient(HOST, insecure=True) as registry:

        async def read(digest: str, file: str) -> bytes:
            files = await pull_artifact(registry, repository, digest, EVIDENCE_LIMIT_BYTES, only=(file,))
            return files[file]

        bundle = VerdictBundle.model_validate_json(await read(status["evidence"], VERDICT_FILE))
        samples: dict[str, list[dict[str, str]]] = {stage.value: [] for stage in PROBE}
        for item in (*bundle.probes, *bundle.matrix):
            if item.stage in PROBE and item.evidence:
                found = json.loads(await read(item.evidence, STATUSES_FILE))["statuses"]
                samples[item.stage.value].append(found)
    return bundle, samples


def test_a_row_of_many_unstable_tests_is_valid_by_its_stable_one(statuses: dict[str, Json]):
    status = statuses["many"]
    assert status["verdict"] == "fail2pass", json.dumps(status, indent=1)
    bundle, samples = asyncio.run(_read_samples(status))
    disagreeing = {
        test
        for runs in samples.values()
        for test in set().union(*runs)
        if len({run.get(test) for run in runs}) > 1
    }
    listed = {name: set(tests) for name, tests in bundle.tests.items() if name != "UNSTABLE"}
    assert "fix" in listed["FAIL_TO_PASS"]
    assert set(bundle.tests["UNSTABLE"]) == disagreeing
    assert [name for name, tests in listed.items() if tests & disagreeing] == []
    assert status["tests"]["unstable"] == len(disagreeing)
    assert "unstable and in no other set" in condition(status, "Ready")["message"]


def test_more_is_run_while_samples_disagree(statuses: dict[str, Json]):
    repeats = [(item["stage"], item["repeat"]) for item in statuses["many"]["evaluations"]]
    pairs = [(stage, repeat) for repeat in range(5) for stage in ("before", "after")]
    assert repeats == [("base", 0), *pairs]


def test_a_row_of_which_only_an_unstable_test_turns_is_never_valid(statuses: dict[str, Json]):
    status = statuses["one"]
    assert (status["phase"], status["tests"]["failToPass"]) == ("Rejected", 0), json.dumps(status, indent=1)
