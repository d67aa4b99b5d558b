"""`python benchmarks/verdicts [NAME …]`: recall and precision of error2pass on labelled cases.

Each case is a small tree with a test patch, a fix, and the verdict and the sets of tests that are right for it
(`tests/verdict_cases`). Its three stages run in plain folders, with the recipe's own command, real pytest and the real
runner, which is built with Go; the product's grading then decides. A NAME selects the cases whose names contain it.

Columns: label, verdict, codes of base, before and after, name.
"""

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

CHECKOUT = Path(__file__).parents[2]
sys.path[:0] = [str(CHECKOUT / "operator"), str(CHECKOUT / "tests")]

from swefoundry.grading.verdict import Verdict  # noqa: E402
from verdict_cases import LABELLED_CASES  # noqa: E402
from verdict_cases.case_runner import CaseOutcome, evaluate  # noqa: E402
from verdict_cases.labelled_case import LabelledCase  # noqa: E402

Graded = tuple[LabelledCase, CaseOutcome]


def main() -> None:
    """Evaluate the selected cases one after the other and print the results."""
    options = _options()
    cases = [
        case
        for case in LABELLED_CASES
        if not options.names or any(name in case.name for name in options.names)
    ]
    graded: list[Graded] = []
    with tempfile.TemporaryDirectory() as scratch:
        Path(scratch).chmod(0o755)
        binary = Path(scratch) / "runner"
        subprocess.run(["make", "-s", "-C", CHECKOUT / "images" / "runner", f"OUTPUT={binary}"], check=True)
        for number, case in enumerate(cases):
            folder = Path(scratch) / str(number)
            folder.mkdir()
            graded.append((case, evaluate(case, binary, folder)))
            print("\n".join(_lines(*graded[-1])), flush=True)
    print(summary(graded))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", metavar="NAME")
    return parser.parse_args()


def _lines(case: LabelledCase, outcome: CaseOutcome) -> list[str]:
    right = outcome.verdict is case.verdict and outcome.sets == case.sets
    codes = " ".join(f"{code:2}" for code in outcome.codes)
    lines = [
        f"{'right' if right else 'WRONG'}  {case.verdict:12} {outcome.verdict:12} {codes}  {case.name}",
        *(f"       {problem}" for problem in outcome.problems),
    ]
    labelled, found = case.sets.by_name(), outcome.sets.by_name()
    for name in sorted({*labelled, *found}):
        expected, got = labelled.get(name, ()), found.get(name, ())
        if expected != got:
            lines.append(f"       {name}: {', '.join(got) or '-'}; labelled: {', '.join(expected) or '-'}")
    return lines


def summary(graded: Sequence[Graded]) -> str:
    """Counts of right verdicts and sets, and recall and precision of error2pass."""
    labelled = {case.name for case, _ in graded if case.verdict is Verdict.ERROR2PASS}
    found = {case.name for case, outcome in graded if outcome.verdict is Verdict.ERROR2PASS}
    hits = len(labelled & found)
    verdicts = sum(outcome.verdict is case.verdict for case, outcome in graded)
    sets = sum(outcome.sets == case.sets for case, outcome in graded)
    return (
        f"{len(graded)} cases: {verdicts} verdicts and {sets} collections of sets are right\n"
        f"error2pass: recall {_ratio(hits, len(labelled))}, precision {_ratio(hits, len(found))}"
    )


def _ratio(part: int, whole: int) -> str:
    return f"{part / whole:.2f} ({part} of {whole})" if whole else "- (none)"


if __name__ == "__main__":
    main()
