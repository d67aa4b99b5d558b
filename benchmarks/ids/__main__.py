"""`python benchmarks/ids [PACKAGE …]`: test ids of reports that select exactly one test when they are given to pytest.

The tests of real packages (packages.tsv) and of a generated tree with ids that are hard to write down run with the
recipe's command. Their ids are read from the report as the product reads them; then a sample of them is given to pytest
one by one. An id is right when exactly that test runs. Packages come from the package index with the ordinary client,
are installed in virtual environments below a scratch folder, and their archives are cached outside the checkout.

Options: --sample N (40), --seed N (1), --scratch DIR (a temporary folder), --generated (only the generated tree), --all
(print all ids that are not exact, instead of five per tree).
"""

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent / "recipes"), str(HERE.parents[1] / "operator")]

from archives import UV, release  # noqa: E402
from hard_ids import CONFIGURATIONS, write_hard_tree  # noqa: E402
from id_selection import Selection, TreeUnderTest, kinds, sample  # noqa: E402

SHOWN = 5
"""Ids of one tree that are printed, of those that are not exact."""


def main() -> None:
    """Select the ids of all trees and print how many are exact."""
    options = _options()
    exact = total = 0
    with tempfile.TemporaryDirectory() as scratch:
        for name, tree, size in _trees(options, Path(options.scratch or scratch)):
            ids = tree.ids()
            selections = [tree.select(test) for test in sample(ids, size, options.seed)]
            print(_report(name, ids, selections, options.all), flush=True)
            exact += sum(each.is_exact for each in selections)
            total += len(selections)
    print(f"{exact} of {total} ids select exactly one test ({exact / max(total, 1):.4f})")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", metavar="PACKAGE")
    parser.add_argument("--sample", type=int, default=40)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--scratch")
    parser.add_argument("--generated", action="store_true")
    parser.add_argument("--all", action="store_true")
    return parser.parse_args()


def _trees(options: argparse.Namespace, scratch: Path) -> Iterator[tuple[str, TreeUnderTest, int]]:
    """Name, tree and size of the sample; every id of the generated tree is selected in its first configuration."""
    if not options.names:
        for name, settings in CONFIGURATIONS.items():
            folder = scratch / f"generated-{name.replace(' ', '-')}"
            write_hard_tree(folder, settings)
            size = sys.maxsize if name == "default" else options.sample
            yield f"generated, {name}", TreeUnderTest(folder, Path(sys.executable)), size
    if options.generated:
        return
    for line in (HERE / "packages.tsv").read_text().splitlines():
        package, version, further = line.split("\t")
        if not package.startswith("#") and (not options.names or package in options.names):
            yield f"{package} {version}", _package(package, version, further.split(), scratch), options.sample


def _package(package: str, version: str, further: Sequence[str], scratch: Path) -> TreeUnderTest:
    """The source tree of a release, installed with pytest."""
    folder, environment = scratch / f"{package}-{version}", scratch / f"{package}-{version}.venv"
    python = environment / "bin" / "python"
    if not python.exists():
        release(package, version).unpack(folder)
        subprocess.run([UV, "venv", "-q", "--python", sys.executable, str(environment)], check=True)
        install = [UV, "pip", "install", "-q", "--python", str(python)]
        subprocess.run([*install, "-e", str(folder), "pytest", *further], check=True)
    return TreeUnderTest(folder, python)


def _report(name: str, ids: Sequence[str], selections: Sequence[Selection], show_all: bool) -> str:
    wrong = [each for each in selections if not each.is_exact]
    lines = [
        f"{name}: {len(selections) - len(wrong)} of {len(selections)} exact; {len(ids)} ids, {kinds(ids)}"
    ]
    for each in wrong if show_all else wrong[:SHOWN]:
        ran = f"{len(each.ran)} ran: {', '.join(each.ran[:2])}" if each.ran else _last_line(each.output)
        lines.append(f"    {each.test!r:.200}\n        {ran:.300}")
    return "\n".join(lines)


def _last_line(output: str) -> str:
    errors = [line for line in output.splitlines() if line.startswith("ERROR")]
    return errors[-1] if errors else output.strip().rpartition("\n")[2]


if __name__ == "__main__":
    main()
