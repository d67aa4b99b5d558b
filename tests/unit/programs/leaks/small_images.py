"""Images of a few files, built from a small tree, and what is found in them."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from swefoundry.contracts.intake import PatchName
from swefoundry.contracts.leaks import LeakFinding
from swefoundry.oci.content import digest_of
from swefoundry.oci.deterministic_tar import RegularFile
from swefoundry.programs.leaks.base_tree import BaseTree, read_base_tree
from swefoundry.programs.leaks.findings import findings
from swefoundry.programs.leaks.image_layers import ImageLayer
from swefoundry.programs.leaks.patch_terms import read_terms
from swefoundry.programs.leaks.scan import Scan
from unit.archives.archive_writers import Entry, tar
from unit.programs.checkout.archive_files import source_archive

COMMIT = "c" * 40
GIT_HEAD = b"ref: refs/heads/main\n"
BRANCH = COMMIT.encode() + b"\n"

BASE = {
    "pyproject.toml": b'[project]\nname = "calc-kit"\nversion = "1.4.0"\n',
    "calc/__init__.py": b"def mean(values):\n    return sum(values) / len(values)\n",
    "tests/test_calc.py": b"def test_mean_of_two_numbers():\n    assert mean([1, 3]) == 2\n",
    "LICENSE": b"You may do with this as you like.\n" * 20,
    ".git/HEAD": GIT_HEAD,
    ".git/refs/heads/main": BRANCH,
    ".git/objects/pack/pack-1.pack": b"PACK of the clean tree",
}

FIX = b'    if not values: raise EmptySequence("the mean of no values is undefined")\n'
SECOND = b"    weights = normalized_weights(values, keep_order=True)\n"
THIRD = b"    total = weighted_total_of(values, weights)\n"
NEW_TEST = b"def test_mean_of_nothing_raises_empty_sequence():\n"

GOLD = (
    b"diff --git a/calc/__init__.py b/calc/__init__.py\n"
    b"--- a/calc/__init__.py\n+++ b/calc/__init__.py\n@@ -1,2 +1,5 @@\n"
    b" def mean(values):\n+" + FIX + b"+" + SECOND + b"+" + THIRD + b"     return sum(values) / len(values)\n"
    b"diff --git a/calc/weighted_sequences.py b/calc/weighted_sequences.py\n"
    b"new file mode 100644\n--- /dev/null\n+++ b/calc/weighted_sequences.py\n@@ -0,0 +1 @@\n+x = 1\n"
)
TEST = (
    b"diff --git a/tests/test_calc.py b/tests/test_calc.py\n"
    b"--- a/tests/test_calc.py\n+++ b/tests/test_calc.py\n@@ -2,1 +2,3 @@\n"
    b"     assert mean([1, 3]) == 2\n+" + NEW_TEST + b"+    mean([])\n"
)
PATCHES: Mapping[PatchName, bytes] = {"gold": GOLD, "test": TEST}


def layer_digest(number: int) -> str:
    return digest_of(b"layer %d" % number)


@dataclass
class Searched:
    """Findings, and what could not be read."""

    found: list[LeakFinding]
    unread: list[str] = field(default_factory=list)

    @property
    def places(self) -> list[tuple[str, str, int, int | None]]:
        """Kind, path, layer and what hides it, of every leak."""
        return [
            (each.kind.value, each.path, each.layer, each.hidden_by)
            for each in self.found
            if not each.of_tools
        ]

    @property
    def of_tools(self) -> list[tuple[str, str]]:
        return [(each.kind.value, each.path) for each in self.found if each.of_tools]


def base_tree(
    folder: Path,
    files: Mapping[str, bytes] | None = None,
    patches: Mapping[PatchName, bytes] | None = None,
    versions: Sequence[str] = (),
) -> BaseTree:
    tree = {path.encode(): RegularFile(content) for path, content in (BASE | dict(files or {})).items()}
    archive = source_archive(folder / "source.tar.gz", tree)
    return read_base_tree(archive, read_terms(patches or PATCHES), "python-calc", versions)


def search(
    folder: Path, *layers: Sequence[Entry] | bytes, base: BaseTree | None = None, seconds: float = 60
) -> Searched:
    """Search an image: the first layer is the lowest."""
    scan = Scan(base or base_tree(folder), time.monotonic() + seconds)
    for number in range(len(layers), 0, -1):
        content = layers[number - 1]
        archive = folder / "layer"
        archive.write_bytes(content if isinstance(content, bytes) else tar(*content))
        scan.read_layer(ImageLayer(number, layer_digest(number), archive.stat().st_size), archive)
    return Searched(findings(scan), scan.unread)
