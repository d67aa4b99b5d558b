"""Which test files a stage runs."""

from swefoundry.contracts.facts import Facts
from swefoundry.contracts.stages import Stage

OLD, NEW = "tests/test_old.py", "tests/test_new.py"


def test_base_runs_the_test_files_that_exist_without_the_test_patch() -> None:
    facts = Facts(test_files=[NEW, OLD], new_test_files=[NEW])
    assert {stage: facts.test_files_in(stage) for stage in Stage} == {
        Stage.BASE: [OLD],
        Stage.BEFORE: [NEW, OLD],
        Stage.AFTER: [NEW, OLD],
    }


def test_base_names_new_test_files_when_there_are_no_others() -> None:
    # An empty list would run the whole suite.
    assert Facts(test_files=[NEW], new_test_files=[NEW]).test_files_in(Stage.BASE) == [NEW]
