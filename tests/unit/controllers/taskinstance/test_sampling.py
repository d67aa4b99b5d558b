"""Which evaluations a TaskInstance still needs."""

from typing import Any

from builders import IMAGE, NOW, PREPARED, a_build, a_task, digest
from swefoundry.contracts.stages import Stage
from swefoundry.controllers.taskinstance.observe import Observation
from swefoundry.controllers.taskinstance.sampling import judged_probes, missing_evaluations
from swefoundry.settings import Settings

FAILS, PASSES, ALSO_FAILS = ("1" * 64, 1), ("0" * 64, 0), ("2" * 64, 1)
HashAndCode = tuple[str | None, int | None]


def an_evaluation(stage: str, outcome: HashAndCode, **fields: Any) -> dict[str, Any]:
    outcomes, code = outcome
    return {"stage": stage, "code": code, "outcomes": outcomes, **fields}


def a_round(number: int = 1, image: str = IMAGE["digest"], **probes: HashAndCode) -> dict[str, Any]:
    return {
        "number": number,
        "strategy": "fixed",
        "draft": digest("d"),
        "image": image,
        "probes": [an_evaluation(stage, outcome) for stage, outcome in probes.items()],
    }


def observed(
    before: list[HashAndCode], after: list[HashAndCode], *rounds: dict[str, Any], **validation: int
) -> Observation:
    """A task whose `base` has ended, with these evaluations of the other stages."""
    evaluations = [an_evaluation("base", PASSES, repeat=0)]
    for stage, outcomes in (("before", before), ("after", after)):
        evaluations += [an_evaluation(stage, each, repeat=number) for number, each in enumerate(outcomes)]
    build = a_build({"draft": digest("d"), "image": IMAGE["digest"], "rounds": list(rounds)})
    status = {"prepared": PREPARED, "image": IMAGE, "evaluations": evaluations}
    return Observation(a_task(status, validation=validation), (), build, Settings(), NOW)


def missing(*arguments: Any, **validation: int) -> list[str]:
    return [str(work) for work in missing_evaluations(observed(*arguments, **validation))]


def test_one_pair_is_enough_when_it_agrees_with_the_probe():
    assert missing([FAILS], [PASSES], a_round(before=FAILS, after=PASSES)) == []


def test_another_pair_follows_a_disagreement_with_the_probe():
    assert missing([FAILS], [ALSO_FAILS], a_round(before=FAILS, after=PASSES)) == ["before-1", "after-1"]


def test_a_pair_that_has_begun_is_completed_first():
    probes = a_round(before=FAILS, after=PASSES)
    assert missing([FAILS, FAILS], [ALSO_FAILS], probes) == ["after-1"]


def test_repeats_is_the_limit():
    flips = [PASSES, ALSO_FAILS, FAILS]
    assert missing([FAILS] * 3, flips, repeats=3) == []
    assert missing([FAILS] * 3, flips, repeats=4) == ["before-3", "after-3"]


def test_min_repeats_are_run_although_all_agree():
    assert missing([FAILS], [PASSES], minRepeats=3) == ["before-1", "after-1", "before-2", "after-2"]
    assert missing([FAILS] * 3, [PASSES] * 3, minRepeats=3) == []


def test_only_probes_of_the_judged_image_are_samples():
    other = a_round(1, digest("9"), before=PASSES, after=ALSO_FAILS)
    judged = a_round(2, before=FAILS, after=PASSES)
    assert missing([FAILS], [PASSES], other, judged, a_round(3, digest("8"), after=FAILS)) == []
    view = observed([], [], other, judged)
    assert [probe.stage for probe in judged_probes(view)] == [Stage.BEFORE, Stage.AFTER]


def test_a_probe_that_a_fault_ended_is_no_sample():
    assert missing([FAILS], [PASSES], a_round(before=FAILS, after=(None, None))) == []


def test_without_the_env_build_there_are_no_probes():
    view = observed([FAILS], [PASSES])
    without_build = Observation(view.task, (), None, view.settings, view.now)
    assert (judged_probes(without_build), missing_evaluations(without_build)) == ([], [])
