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
from unit.programs.intake.repositories import Edit, git, writing

BYTES = bytes(range(256)) * 40


def nothing(root: Path) -> None:
    pass


def removing(*names: str) -> Edit:
    def edit(root: Path) -> None:
        for name in names:
            (root / name).unlink()

    return edit


def renaming(old: str, new: str, content: bytes | None = None) -> Edit:
    def edit(root: Path) -> None:
        (root / new).parent.mkdir(parents=True, exist_ok=True)
        (root / old).rename(root / new)
        if content is not None:
            (root / new).write_bytes(content)

    return edit


def linking(name: str, target: str) -> Edit:
    def edit(root: Path) -> None:
        (root / name).unlink(missing_ok=True)
        (root / name).symlink_to(target)

    return edit


def mode(name: str, bits: int) -> Edit:
    return lambda root: (root / name).chmod(bits)


def both(*edits: Edit) -> Edit:
    def edit(root: Path) -> None:
        for one in edits:
            one(root)

    return edit


@dataclass(frozen=True)
class IntakeCase:
    base: Edit
    tests: Edit
    gold: Edit


TEXT = b"one\ntwo\nthree\nfour\nfive\nsix\nseven\neight\n"
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


# Refusals


async def refused(
    harness: IntakeHarness, patch: bytes, base: Edit = nothing, *, gold: bool = True
) -> tuple[int, str]:
    repository = harness.repository()
    commit = repository.commit(both(writing({"a.py": TEXT * 9, "dir/b": TEXT}), base))
    patches = (None, patch) if gold else (patch, None)
    record = await harness.run_intake(harness.origin(repository, commit), *patches)
    assert record.layers == {}
    return record.code, record.message


def rewritten(harness: IntakeHarness) -> bytes:
    """A patch with two good hunks and one whose context is not there."""
    other = harness.repository()
    content = (TEXT * 9).splitlines(keepends=True)
    old = other.commit(writing({"a.py": b"".join([*content[:60], b"elsewhere\n", *content[61:]])}))
    content[2], content[30], content[63] = b"x\n", b"y\n", b"z\n"
    new = other.commit(writing({"a.py": b"".join([*content[:60], b"elsewhere\n", *content[61:]])}))
    return other.diff(old, new)


async def test_a_gold_patch_that_does_not_apply_is_named_with_file_and_hunk(harness: IntakeHarness) -> None:
    assert await refused(harness, rewritten(harness)) == (
        11,
        "the gold patch does not apply: a.py, hunk 3 of 3 at line 61: patch failed: a.py:61; "
        "a.py: patch does not apply. "
        "It is applied after the test patch: was it made against spec.baseCommit, and does it leave the files of "
        "the test patch alone?",
    )


async def test_a_test_patch_that_does_not_apply_has_a_code_of_its_own(harness: IntakeHarness) -> None:
    code, message = await refused(harness, rewritten(harness), gold=False)
    assert (code, message[:31]) == (10, "the test patch does not apply: ")


def added(path: str, content: bytes = b"x") -> bytes:
    return b"diff --git a/%b b/%b\nnew file mode 100644\n--- /dev/null\n+++ b/%b\n@@ -0,0 +1 @@\n+%b\n" % (
        path.encode(),
        path.encode(),
        path.encode(),
        content,
    )


@pytest.mark.parametrize(
    ("patch", "reason"),
    [
        (b"", "is empty"),
        (b" \n\n", "is empty"),
        (b"not a patch at all\n", "it is not a unified diff"),
        (added("a.py"), "a.py: already exists in index"),
        (added("new.py").replace(b"@@ -0,0 +1 @@", b"@@ -0,0 +1,9 @@"), "corrupt patch at line"),
        (added(".git/hooks/post-checkout"), "invalid path '.git/hooks/post-checkout'"),
        (added("dir/.GIT/config"), "invalid path 'dir/.GIT/config'"),
        (added("../outside"), "invalid path '../outside'"),
        (added("/etc/cron.d/x"), "invalid path '/etc/cron.d/x'"),
        (added("dir/.wh.b"), "dir/.wh.b: names that start with .wh. cannot be stored"),
        (added(".wh..wh..opq"), "names that start with .wh. cannot be stored"),
        (added("outside/x"), "beyond a symbolic link"),
    ],
    ids=lambda value: str(value)[:40],
)
async def test_a_bad_patch_is_refused_in_gits_words(
    patch: bytes, reason: str, harness: IntakeHarness
) -> None:
    code, message = await refused(harness, patch, linking("outside", "/tmp"))
    assert code == 11
    assert reason in message


async def test_a_patch_may_not_write_through_a_link_of_its_own(
    harness: IntakeHarness, tmp_path: Path
) -> None:
    link = f"diff --git a/l b/l\nnew file mode 120000\n--- /dev/null\n+++ b/l\n@@ -0,0 +1 @@\n+{tmp_path}\n"
    link += "\\ No newline at end of file\n"
    code, _ = await refused(harness, link.encode() + added("l/escaped"))
    assert code == 11
    assert not (tmp_path / "escaped").exists()


async def test_a_patch_that_is_not_in_the_registry_is_named(harness: IntakeHarness) -> None:
    repository = harness.repository()
    commit = repository.commit(writing({"a": b""}))
    spec = IntakeSpec(
        nonce="n",
        place=RegistryLocation(registry=harness.registry.host, insecure=True, repository=harness.repo),
        origin=harness.origin(repository, commit),
        test_patch=PatchSource(blob="sha256:" + "0" * 64, named="spec.testPatch.artifact: blob 0"),
    )
    record = await run_intake_to_result(
        spec, harness.registry, harness.workspace(), progress=lambda line: None
    )
    remediation = "create it, and re-create this object if it has already failed"
    assert (record.code, record.message) == (
        14,
        f"spec.testPatch.artifact: blob 0 does not exist; {remediation}",
    )


async def test_a_mounted_patch_that_is_not_there_is_called_as_in_the_manifest(harness: IntakeHarness) -> None:
    repository = harness.repository()
    commit = repository.commit(writing({"a": b""}))
    spec = IntakeSpec(
        nonce="n",
        place=RegistryLocation(registry=harness.registry.host, insecure=True, repository=harness.repo),
        origin=harness.origin(repository, commit),
        gold_patch=PatchSource(
            path="/nowhere/patch", named="spec.goldPatch.configMapRef: ConfigMap x, key y"
        ),
    )
    record = await run_intake_to_result(
        spec, harness.registry, harness.workspace(), progress=lambda line: None
    )
    reason = (
        "spec.goldPatch.configMapRef: ConfigMap x, key y does not exist; "
        "create it, and re-create this object if it has already failed"
    )
    assert (record.code, record.message) == (14, reason)
