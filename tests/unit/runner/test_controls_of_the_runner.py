"""What controls vary: the real runner changes the order of pytest's tests, and the CPUs of the command."""

import sys
import time
from pathlib import Path

import pytest

from unit.runner.runner_box import Box, RunnerExit

PYTEST = f"{sys.executable} -m pytest -p no:cacheprovider -v --junitxml=junit.xml"
FILES = ("test_a.py", "test_b.py", "test_c.py")
TESTS = "\n".join(
    ["class TestX:"]
    + [f"    def test_{n}(self): pass" for n in range(4)]
    + [f"def test_{n}(): pass" for n in range(4)]
)


@pytest.fixture
def box(runner_binary: Path, tmp_path: Path) -> Box:
    box = Box(runner_binary, tmp_path)
    box.workdir.mkdir()
    for name in FILES:
        (box.workdir / name).write_text(TESTS)
    return box


def order(ran: RunnerExit) -> list[str]:
    """Ids in the order in which they ran."""
    lines = ran.output.decode().splitlines()
    return [line.split(" ")[0] for line in lines if " PASSED" in line]


def run(box: Box, seed: int | None = None, command: str = PYTEST) -> RunnerExit:
    return box.run(command, reports=["junit.xml"], shuffle_seed=seed)


def test_a_seed_gives_one_order_and_another_seed_another(box: Box):
    collected, once, again, other = (run(box, seed) for seed in (None, 7, 7, 8))
    assert (len(order(collected)), "shuffled" in collected.record) == (24, False)
    assert once.record["shuffled"] and once.code == 0
    assert order(once) == order(again)
    assert sorted(order(once)) == sorted(order(other)) == sorted(order(collected))
    assert len({tuple(order(ran)) for ran in (collected, once, other)}) == 3


def test_tests_of_one_file_and_of_one_class_stay_together(box: Box):
    ids = order(run(box, 7))
    for parts in (1, 2):
        groups = ["::".join(each.split("::")[:parts]) for each in ids if each.count("::") >= parts]
        changes = [group for at, group in enumerate(groups) if at == 0 or groups[at - 1] != group]
        assert len(changes) == len(set(changes))


def test_another_runner_is_not_shuffled(box: Box):
    ran = run(box, 7, "echo '<testsuite><testcase name=\"a\"/></testsuite>' > junit.xml")
    assert ran.code == 0 and "shuffled" not in ran.record


@pytest.mark.parametrize("cpus", [1, 1024])
def test_the_command_may_use_as_many_cpus_as_the_spec_says_and_the_machine_has(box: Box, cpus: int):
    ran = box.run("nproc", cpus=cpus)
    assert int(ran.output) == ran.record["cpus"] <= cpus
    assert (ran.record["cpus"] == 1) == (cpus == 1)


def test_without_a_limit_the_record_names_no_cpus(box: Box):
    assert "cpus" not in box.run("nproc").record


def test_without_a_library_of_its_own_the_command_runs_with_the_real_clock(box: Box):
    ran = box.run("date +%s; env | grep -c FAKETIME", later_clock=True)
    shown, variables = ran.output.split()
    assert abs(int(shown) - time.time()) < 24 * 3600
    assert (variables, "laterClock" in ran.record) == (b"0", False)
