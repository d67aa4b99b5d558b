"""The targets that the Rust recipe's command runs, with a `cargo` that has no compiler."""

import json
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from swefoundry.drafts.evaluation_command import expand_files
from swefoundry.drafts.recipes.rust.cargo_log import log_constraints
from swefoundry.drafts.recipes.rust.cargo_test_command import CARGO_REPORT, cargo_test_command
from swefoundry.grading.report_parser import read_reports

CARGO = """#!/bin/sh
case $1 in
  metadata) cat "$METADATA" ;;
  test) echo "running 1 test"; echo "test called_with::$(echo "$@" | tr ' ' '_') ... ok"
    echo "test result: ok. 1 passed; 0 failed; 0 ignored; 0 measured" ;;
esac
"""
FILES = {
    "Cargo.toml": "",
    "src/lib.rs": "",
    "src/parser/tests.rs": "",
    "tests/api.rs": "mod common;\n",
    "tests/plain.rs": "",
    "tests/common/mod.rs": "",
    "tests/deep/main.rs": "",
    "tests/deep/part.rs": "",
    "crates/tool/Cargo.toml": "",
    "crates/tool/src/main.rs": "",
    "crates/tool/tests/named.rs": "",
    "crates/flat/Cargo.toml": "",
    "crates/flat/lib.rs": "",
    "crates/flat/part.rs": "",
}
NAMES = {
    "tests/api.rs": "api",
    "tests/plain.rs": "plain",
    "tests/deep/main.rs": "deep",
    "crates/tool/tests/named.rs": "other-name",
}


@pytest.fixture
def source(tmp_path: Path) -> Path:
    root = tmp_path / "source"
    for name, text in FILES.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    targets = [
        {"kind": ["test"], "crate_types": ["bin"], "name": name, "src_path": str(root / path), "test": True}
        for path, name in NAMES.items()
    ]
    libraries = [
        {"kind": [kind, "rlib"], "name": "thing", "src_path": str(root / path), "test": True}
        for kind, path in (("lib", "src/lib.rs"), ("cdylib", "crates/flat/lib.rs"))
    ]
    metadata = {"packages": [{"name": "thing", "targets": [*libraries, *targets]}]}
    (tmp_path / "metadata.json").write_text(json.dumps(metadata, separators=(",", ":")))
    program = tmp_path / "bin" / "cargo"
    program.parent.mkdir()
    program.write_text(CARGO)
    program.chmod(0o755)
    return root


def environment(source: Path) -> dict[str, str]:
    path = f"{source.parent / 'bin'}:{os.environ['PATH']}"
    return {"PATH": path, "METADATA": str(source.parent / "metadata.json")}


def run(source: Path, *files: str, more: Sequence[str] = ()) -> tuple[int, list[str]]:
    """Return the exit code, and the ids in the report."""
    command = expand_files(cargo_test_command("", more), files).replace("/testbed", str(source))
    ended = subprocess.run(
        ["/bin/sh", "-c", command], env=environment(source), capture_output=True, check=False
    )
    return ended.returncode, sorted(read_reports({"r": (source / CARGO_REPORT).read_bytes()}).statuses)


@pytest.mark.parametrize(
    ("file", "target", "options"),
    [
        ("tests/plain.rs", "tests/plain.rs", "--test plain"),
        ("tests/deep/part.rs", "tests/deep/main.rs", "--test deep"),
        ("tests/common/mod.rs", "tests/api.rs", "--test api"),
        ("src/parser/tests.rs", "src/lib.rs", "--lib"),
        ("crates/tool/src/tests.rs", "crates/tool/src/main.rs", "--bins"),
        ("crates/tool/tests/named.rs", "crates/tool/tests/named.rs", "--test other-name"),
        ("crates/flat/lib.rs", "crates/flat/lib.rs", "--lib"),
        ("crates/flat/part.rs", "crates/flat/lib.rs", "--lib"),
    ],
)
def test_a_file_is_run_by_the_target_that_has_it(source: Path, file: str, target: str, options: str) -> None:
    called = f"{target}::called_with::test --no-fail-fast {options}".replace(" ", "_")
    assert run(source, file) == (0, [called])


def test_a_module_that_no_target_declares_runs_all_targets_of_its_package(source: Path) -> None:
    code, ids = run(source, "tests/macros/mod.rs")
    assert (code, [each.partition("::")[0] for each in ids]) == (
        0,
        ["tests/api.rs", "tests/deep/main.rs", "tests/plain.rs"],
    )


def test_without_a_test_file_the_targets_that_may_read_the_other_files_run(source: Path) -> None:
    assert run(source, more=["tests/deep/expected text.stderr"]) == (
        0,
        ["tests/deep/main.rs::called_with::test_--no-fail-fast_--test_deep"],
    )


def test_files_of_one_target_run_it_once(source: Path) -> None:
    code, ids = run(source, "tests/api.rs", "tests/common/mod.rs")
    assert (code, len(ids)) == (0, 1)


def test_files_without_a_target_could_not_run(source: Path) -> None:
    (source.parent / "metadata.json").write_text("{}")
    assert run(source, "tests/api.rs") == (3, [])


def test_features_without_which_no_test_is_compiled_are_named_as_cargo_names_those_of_a_target(
    source: Path,
) -> None:
    (source / "tests" / "plain.rs").write_text(
        '#![cfg(all(feature = "alloc", feature="std"))]\n#[cfg(not(feature = "small"))]\n#[test]\n'
    )
    cargo = source.parent / "bin" / "cargo"
    cargo.write_text(CARGO.replace("running 1 test", "running 0 tests").replace("test called", "none called"))
    command = expand_files(cargo_test_command(""), ["tests/plain.rs"]).replace("/testbed", str(source))
    ended = subprocess.run(
        ["/bin/sh", "-c", command], env=environment(source), capture_output=True, check=False
    )
    assert ended.returncode == 0
    assert log_constraints(ended.stdout.decode()).features == {"alloc", "std"}


def test_a_target_is_compiled_again_for_files_that_its_macros_find_in_a_folder(source: Path) -> None:
    for name in ("tests/api.rs", "tests/plain.rs", "src/lib.rs"):
        os.utime(source / name, (0, 0))
    run(source, "tests/common/mod.rs", "src/parser/tests.rs")
    times = {
        name: (source / name).stat().st_mtime > 0 for name in ("tests/api.rs", "tests/plain.rs", "src/lib.rs")
    }
    assert times == {"tests/api.rs": True, "tests/plain.rs": False, "src/lib.rs": False}
