"""The stages that an intake makes are what git checks out: each kind of change, against a real registry."""

import os
import random
from dataclasses import dataclass
from pathlib import Path

import pytest

from swefoundry.contracts.intake import IntakeSpec, PatchSource
from swefoundry.contracts.registry_location import RegistryLocation
from swefoundry.contracts.stages import Stage
from swefoundry.oci.content import digest_of
from swefoundry.programs.intake.intake_result import run_intake_to_result
from unit.oci.collecting import bare, named
from unit.oci.layer_rules import entries
from unit.programs.intake.intake_harness import IntakeHarness
from unit.programs.intake.repositories import (
    TEXT,
    Edit,
    both,
    git,
    linking,
    mode,
    nothing,
    removing,
    renaming,
    writing,
)

BYTES = bytes(range(256)) * 40


@dataclass(frozen=True)
class IntakeCase:
    base: Edit
    tests: Edit
    gold: Edit


LARGE = b"".join(b"line %d of a very large data file\n" % n for n in range(150_000))


def random_bytes(seed: int, size: int) -> bytes:
    return random.Random(seed).randbytes(size)


CASES: dict[str, IntakeCase] = {
    "text files are changed and added": IntakeCase(
        writing({"a.py": TEXT, "d/b.py": TEXT}),
        writing({"tests/test_a.py": TEXT}),
        writing({"a.py": TEXT.replace(b"two", b"2"), "d/b.py": TEXT + b"nine\n"}),
    ),
    "binary files are changed and added": IntakeCase(
        writing({"a.bin": BYTES}), writing({"t.bin": random_bytes(1, 9999)}), writing({"a.bin": BYTES[::-1]})
    ),
    "files are renamed, one with a change": IntakeCase(
        writing({"a.py": TEXT, "b.py": TEXT + b"b\n"}),
        renaming("a.py", "moved/a.py"),
        renaming("b.py", "moved/c.py", TEXT + b"changed\n"),
    ),
    "files are removed": IntakeCase(writing({"a": TEXT, "b": BYTES, "c": b""}), removing("c"), removing("a")),
    "a folder vanishes and comes back": IntakeCase(
        writing({"d/e/a": TEXT, "d/e/b": BYTES, "x": b""}),
        removing("d/e/a", "d/e/b"),
        writing({"d/e/c": b"c"}),
    ),
    "modes change": IntakeCase(
        both(writing({"run.sh": TEXT, "b.sh": TEXT}), mode("b.sh", 0o755)),
        mode("run.sh", 0o755),
        mode("b.sh", 0o644),
    ),
    "mode and content change together": IntakeCase(
        writing({"run.sh": TEXT}), nothing, both(writing({"run.sh": TEXT + b"x\n"}), mode("run.sh", 0o755))
    ),
    "links are added, turned and removed": IntakeCase(
        both(writing({"a": TEXT}), linking("turned", "a"), linking("gone", "a")),
        linking("added", "../outside"),
        both(linking("turned", "/etc/hostname"), removing("gone")),
    ),
    "a file becomes a link and a link a file": IntakeCase(
        both(writing({"file": TEXT, "b": b"b"}), linking("link", "b")),
        linking("file", "b"),
        both(removing("link"), writing({"link": TEXT})),
    ),
    "a file becomes a folder and a folder a file": IntakeCase(
        writing({"file": TEXT, "folder/a": TEXT, "folder/b/c": TEXT}),
        both(removing("file"), writing({"file/inside": TEXT})),
        both(
            removing("folder/a", "folder/b/c"),
            lambda r: os.removedirs(r / "folder/b"),
            writing({"folder": TEXT}),
        ),
    ),
    "a link to a folder becomes a folder": IntakeCase(
        both(writing({"real/a": TEXT}), linking("d", "real")),
        nothing,
        both(removing("d"), writing({"d/a": b"other\n"})),
    ),
    "lines end with CRLF": IntakeCase(
        writing({"a.txt": TEXT.replace(b"\n", b"\r\n"), "mixed": b"a\r\nb\nc\r\n"}),
        writing({"t.txt": b"t\r\nu\r\n"}),
        writing({"a.txt": TEXT.replace(b"\n", b"\r\n").replace(b"five", b"5"), "mixed": b"a\nb\r\nc\r\n"}),
    ),
    "attributes ask for CRLF": IntakeCase(
        writing({".gitattributes": b"*.bat text eol=crlf\n*.txt text=auto\n", "a.bat": TEXT, "b.txt": TEXT}),
        writing({"t.bat": TEXT}),
        writing({"a.bat": TEXT.replace(b"five", b"5").replace(b"\n", b"\r\n")}),
    ),
    "the last line has no newline": IntakeCase(
        writing({"a": b"one\ntwo", "b": b"one\ntwo\n"}),
        writing({"t": b"t"}),
        writing({"a": b"one\ntwo\n", "b": b"one\n2"}),
    ),
    "names are not ASCII and have spaces": IntakeCase(
        writing({"ein Übel/ж.py": TEXT, "a b c.py": TEXT}),
        writing({"tests/test ünï – x.py": TEXT}),
        both(writing({"ein Übel/ж.py": TEXT + b"x\n"}), renaming("a b c.py", "日本/a\tb\"c'.py")),
    ),
    "empty files are added and filled": IntakeCase(
        writing({"a": b""}), writing({"pkg/__init__.py": b""}), writing({"a": b"full\n"})
    ),
    "an ignored file is added": IntakeCase(
        writing({".gitignore": b"*.log\nbuild/\n", "a": b""}),
        writing({"build/t.log": TEXT}),
        writing({"x.log": b"x\n"}),
    ),
    "whitespace that git would complain about": IntakeCase(
        writing({"a": b"a  \n\t \n\n\n"}),
        writing({"t": b"  \n\t\n \t x   \n\n\n"}),
        writing({"a": b"a \n\t \n\n\n\n"}),
    ),
    "a patch of five megabytes": IntakeCase(
        writing({"a": LARGE}),
        writing({"data.txt": LARGE.replace(b"1", b"one")}),
        writing({"a": LARGE[: 1 << 20]}),
    ),
    "nothing but names and dates in other alphabets": IntakeCase(
        writing({"a": "naïve\n".encode("latin-1"), "b": "日本\n".encode("utf-16")}),
        nothing,
        writing({"a": "naïveté\n".encode("latin-1"), "b": "日本語\n".encode("utf-16")}),
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
async def test_every_stage_is_what_git_checks_out(
    case: IntakeCase, harness: IntakeHarness, tmp_path: Path
) -> None:
    repository = harness.repository()
    base, before, after = (repository.commit(edit) for edit in (case.base, case.tests, case.gold))
    patches = repository.diff(base, before) or None, repository.diff(before, after)
    record = await harness.run_intake(harness.origin(repository, base), *patches)
    for stage, commit in ((Stage.BASE, base), (Stage.BEFORE, before), (Stage.AFTER, after)):
        assert await harness.stage(record, stage) == repository.checkout(commit, tmp_path / stage)
    assert record.gold_difference == ""


async def test_everything_that_an_intake_was_given_and_leaves_is_named_by_a_tagged_manifest(
    harness: IntakeHarness,
) -> None:
    repository = harness.repository()
    base, before, after = (repository.commit(writing({"a": text})) for text in (b"1\n", b"2\n", b"3\n"))
    patches = repository.diff(base, before), repository.diff(before, after)
    record = await harness.run_intake(harness.origin(repository, base), *patches)
    blobs = named(record.to_json_dict()) - {record.source} | set(map(digest_of, patches))
    assert len(blobs) == 6
    assert await bare(harness.registry, harness.repo, blobs) == set()


async def test_a_patch_may_touch_a_file_twice(harness: IntakeHarness, tmp_path: Path) -> None:
    repository = harness.repository()
    commits = [
        repository.commit(writing({"a": TEXT.replace(old, new)}))
        for old, new in ((b"", b""), (b"two", b"2"), (b"two", b"II"))
    ]
    twice = repository.diff(commits[0], commits[1]) + repository.diff(commits[1], commits[2])
    record = await harness.run_intake(harness.origin(repository, commits[0]), None, twice)
    assert await harness.stage(record, Stage.AFTER) == repository.checkout(commits[2], tmp_path / "truth")
    assert record.gold_difference == ""


async def test_a_plain_unified_diff_applies_too(harness: IntakeHarness, tmp_path: Path) -> None:
    repository = harness.repository()
    base, after = (
        repository.commit(writing({"a": TEXT})),
        repository.commit(writing({"a": TEXT.replace(b"two", b"2")})),
    )
    lines = repository.diff(base, after).splitlines(keepends=True)
    plain = b"".join(line for line in lines if not line.startswith((b"diff ", b"index ")))
    record = await harness.run_intake(harness.origin(repository, base), None, plain)
    assert await harness.stage(record, Stage.AFTER) == repository.checkout(after, tmp_path / "truth")


@pytest.mark.parametrize("cut", [b"\n", b"\n\n"])
async def test_a_patch_that_lost_its_last_newline_applies(
    cut: bytes, harness: IntakeHarness, tmp_path: Path
) -> None:
    repository = harness.repository()
    base, after = repository.commit(writing({"a": TEXT})), repository.commit(writing({"a": b"x\n" + TEXT}))
    patch = repository.diff(base, after).removesuffix(b"\n") + cut.removeprefix(b"\n")
    record = await harness.run_intake(harness.origin(repository, base), None, patch)
    assert await harness.stage(record, Stage.AFTER) == repository.checkout(after, tmp_path / "truth")


async def test_a_patch_may_be_a_mounted_file(harness: IntakeHarness, tmp_path: Path) -> None:
    repository = harness.repository()
    base, after = repository.commit(writing({"a": TEXT})), repository.commit(writing({"b": TEXT}))
    mounted = tmp_path / "gold patch"
    mounted.write_bytes(repository.diff(base, after))
    spec = IntakeSpec(
        nonce="n",
        place=RegistryLocation(registry=harness.registry.host, insecure=True, repository=harness.repo),
        origin=harness.origin(repository, base),
        gold_patch=PatchSource(path=str(mounted)),
    )
    record = await run_intake_to_result(
        spec, harness.registry, harness.workspace(), progress=lambda line: None
    )
    assert await harness.stage(record, Stage.AFTER) == repository.checkout(after, tmp_path / "truth")


async def test_without_patches_all_stages_are_the_base(harness: IntakeHarness) -> None:
    repository = harness.repository()
    record = await harness.run_intake(harness.origin(repository, repository.commit(writing({"a": TEXT}))))
    assert record.layers[Stage.BASE] == record.layers[Stage.BEFORE] == record.layers[Stage.AFTER]


async def test_the_same_input_gives_the_same_digests(harness: IntakeHarness) -> None:
    repository = harness.repository()
    base, before, after = (
        repository.commit(edit)
        for edit in (writing({"a": TEXT, "b/c": BYTES}), writing({"test_a.py": TEXT}), writing({"a": b"x\n"}))
    )
    git(repository.root, "tag", "v1.0", base)
    patches = repository.diff(base, before), repository.diff(before, after)
    first = await harness.run_intake(harness.origin(repository, base), *patches)
    # Another history and other packs around the same commit.
    git(repository.root, "repack", "-a", "-d", "-f", "--depth=1")
    git(repository.root, "-c", "core.compression=1", "repack", "-a", "-d", "-F")
    assert first == await harness.run_intake(harness.origin(repository, base), *patches)


async def test_the_layer_of_the_after_stage_holds_changed_files_only(harness: IntakeHarness) -> None:
    repository = harness.repository()
    base = repository.commit(writing({f"f{n}": BYTES for n in range(50)}))
    before, after = repository.commit(writing({"t.py": TEXT})), repository.commit(writing({"f7": b"x"}))
    record = await harness.run_intake(
        harness.origin(repository, base), repository.diff(base, before), repository.diff(before, after)
    )
    layer = record.layers[Stage.AFTER]
    data = await harness.registry.get_blob(harness.repo, layer.digest, layer.size)
    assert [name for name, *_ in entries(data)] == [
        b".swefoundry",
        b".swefoundry/runner",
        b"testbed/f7",
        b"testbed/t.py",
    ]
