"""The recipe for Rust."""

import subprocess
import tomllib
from datetime import UTC, datetime
from pathlib import Path

import pytest

from swefoundry.contracts.facts import Facts, FileFact
from swefoundry.contracts.round_outcome import RoundOutcome
from swefoundry.dockerfile.policy import violations
from swefoundry.drafts import next_proposal
from swefoundry.drafts.proposal import StrategyInput
from swefoundry.drafts.recipes.rust.cargo_draft import LEAVE_OUT_OUTER_PATHS
from unit.drafts.recipe_inputs import all_rounds, ended, proposed

BASES = ["rust:1.95", "rust:1.75", "rust:1.56"]
CARGO_TOML = '[package]\nname = "thing"\nversion = "1.0.0"\nedition = "2021"\n'


def an_input(
    manifests: dict[str, str] | None = None,
    *,
    created: str | None = "2022-07-02",
    bases: list[str] | None = None,
    **more: object,
) -> StrategyInput:
    files = {"Cargo.toml": CARGO_TOML} if manifests is None else manifests
    fields: dict[str, object] = {"languages": {"rust": 9}, "test_files": ["tests/api.rs"]}
    listed = [FileFact(path=path, sha256="0" * 64, text=text) for path, text in files.items()]
    return StrategyInput(
        facts=Facts(manifests=listed, **(fields | more)),
        created_at=datetime.fromisoformat(created).replace(tzinfo=UTC) if created else None,
        base_images={"rust": BASES if bases is None else bases},
    )


def labels(inputs: StrategyInput) -> list[str]:
    """Return the labels of all rounds, where none teaches anything."""
    return [each.label for each in all_rounds(inputs, RoundOutcome.STEP_FAILED, [""]).past_rounds]


def test_dependencies_are_those_of_the_day_and_the_tests_have_no_registry() -> None:
    dockerfile = proposed(an_input()).draft.dockerfile
    assert dockerfile == (
        "FROM rust:1.95\n"
        "ENV CARGO_INCREMENTAL=0 CARGO_PROFILE_DEV_DEBUG=0 CARGO_TERM_COLOR=never"
        ' CARGO_BUILD_RUSTFLAGS="--cap-lints=warn"\n'
        "COPY . /testbed\n"
        "WORKDIR /testbed\n"
        "RUN RUSTC_BOOTSTRAP=1 cargo -Zunstable-options generate-lockfile --publish-time 2022-07-03T00:00:00Z"
        " && cargo fetch\n"
        "RUN { cargo test --offline --no-run --no-fail-fast --tests || true; }\n"
        'RUN chmod -R a+rwX "${CARGO_HOME:-/root/.cargo}"\n'
        "ENV CARGO_NET_OFFLINE=true\n"
    )
    assert violations(dockerfile, []) == []


def test_a_lock_file_is_kept_and_later_dependencies_are_downloaded_too_because_the_fix_may_need_them() -> (
    None
):
    dockerfile = proposed(an_input(root_entries=["Cargo.lock", "Cargo.toml"])).draft.dockerfile
    assert (
        "RUN cargo fetch\n"
        "RUN cp /testbed/Cargo.lock /tmp/locked && RUSTC_BOOTSTRAP=1 cargo -Zunstable-options generate-lockfile"
        " --publish-time 2022-07-03T00:00:00Z && cargo fetch && mv /tmp/locked /testbed/Cargo.lock\n"
    ) in dockerfile
    assert violations(dockerfile, []) == []


def test_without_a_day_the_newest_dependencies_are_downloaded_beside_the_locked_ones_if_they_can() -> None:
    draft = proposed(an_input(bases=["rust:1.85"], root_entries=["Cargo.lock", "Cargo.toml"])).draft
    assert (
        "RUN cargo fetch\n"
        "RUN cp /testbed/Cargo.lock /tmp/locked"
        " && if ! { CARGO_RESOLVER_INCOMPATIBLE_RUST_VERSIONS=fallback cargo generate-lockfile && cargo fetch; }; then"
        " echo 'not all of the newest dependencies could be downloaded'; fi"
        " && mv /tmp/locked /testbed/Cargo.lock\n"
    ) in draft.dockerfile
    assert violations(draft.dockerfile, []) == []


def test_dependencies_that_only_the_fix_asks_for_are_downloaded() -> None:
    before = '[dependencies]\nserde = "1"\nsyn = "1"\n[target."cfg(unix)".dependencies]\nlibc = "0.2"\n'
    after = (
        '[target."cfg(unix)".dependencies]\nlibc = "0.2.170"\n'
        '[dependencies]\nserde = {package = "serde_core", version = "1"}\nsyn = "1"\n'
        'bytes = {version = "1.5", optional = true, features = ["std"]}\n'
        'own = {path = "own"}\n[dev-dependencies]\nquickcheck = "1"\n'
    )
    fixed = [FileFact(path="Cargo.toml", sha256="0" * 64, text=CARGO_TOML + after)]
    draft = proposed(an_input({"Cargo.toml": CARGO_TOML + before}, fixed_manifests=fixed)).draft
    assert (
        "RUN mkdir /tmp/added && cd /tmp/added && touch lib.rs && printf '%s\\n' '[package]' \\\n"
        "  'name = \"added\"' \\\n"
        "  'version = \"0.0.0\"' \\\n"
        "  '[lib]' \\\n"
        "  'path = \"lib.rs\"' \\\n"
        "  '[dependencies]' \\\n"
        '  \'bytes = {version = "1.5", features = ["std"]}\' \\\n'
        "  'libc = \"0.2.170\"' \\\n"
        "  'quickcheck = \"1\"' \\\n"
        '  \'serde = {version = "1", package = "serde_core"}\' > Cargo.toml \\\n'
        " && RUSTC_BOOTSTRAP=1 cargo -Zunstable-options generate-lockfile --publish-time 2022-07-03T00:00:00Z"
        " && cargo fetch && rm -r /tmp/added\n"
        "COPY . /testbed\n"
    ) in draft.dockerfile
    assert violations(draft.dockerfile, []) == []


def test_the_tests_before_the_fix_have_the_dependencies_that_its_manifest_gives_them() -> None:
    before = '[dependencies]\nmemchr = "2"\n[dev-dependencies]\nrand = "0.6"\nsame = "1"\n'
    after = (
        '[dependencies]\nmemchr = "3"\n[dev-dependencies]\nrand = "0.8"\nsame = "1"\nhere = {path = "../here"}\n'
        'qc = {version = "1", package = "quickcheck", features = ["a", "b"], default-features = false}\n'
        '"--config" = "1"\nline = "1\\nFROM other"\noption = {version = "1", features = ["a b"]}\n'
    )
    fixed = [FileFact(path="Cargo.toml", sha256="0" * 64, text=CARGO_TOML + after)]
    draft = proposed(an_input({"Cargo.toml": CARGO_TOML + before}, fixed_manifests=fixed)).draft
    steps = [line for line in draft.dockerfile.splitlines() if "cargo add" in line]
    refused = " || echo 'cargo could not add this dependency of the tests'; }"
    add = "RUN { CARGO_RESOLVER_INCOMPATIBLE_RUST_VERSIONS=fallback cargo add --quiet --dev "
    assert steps == [
        f"{add}quickcheck@1 --rename qc --features a,b --no-default-features{refused}",
        f"{add}rand@0.8{refused}",
    ]
    assert draft.dockerfile.index("cargo add") > draft.dockerfile.index("WORKDIR /testbed")
    assert draft.dockerfile.rindex("cargo add") < draft.dockerfile.rindex("generate-lockfile")


def test_without_a_day_dependencies_of_the_fix_fit_the_release_of_rust() -> None:
    after = [FileFact(path="Cargo.toml", sha256="0" * 64, text=CARGO_TOML + '[dependencies]\nidna = "1"\n')]
    draft = proposed(an_input(bases=["rust:1.85"], fixed_manifests=after)).draft
    assert (
        "  'idna = \"1\"' > Cargo.toml \\\n"
        " && CARGO_RESOLVER_INCOMPATIBLE_RUST_VERSIONS=fallback cargo fetch && rm -r /tmp/added\n"
    ) in draft.dockerfile
    assert violations(draft.dockerfile, []) == []


def test_the_newest_release_is_first_then_that_of_the_change_then_the_others_then_no_date() -> None:
    dated = "rust 1.95, dependencies as of 2022-07-03"
    assert labels(an_input()) == [dated, "rust 1.56", "rust 1.75", "rust 1.95"]
    locked = labels(an_input(root_entries=["Cargo.lock"]))
    assert locked == [
        "rust 1.95",
        "rust 1.56, locked and newest dependencies",
        "rust 1.75, locked and newest dependencies",
        "rust 1.95, locked and newest dependencies",
    ]
    assert labels(an_input(created=None)) == ["rust 1.95", "rust 1.75", "rust 1.56"]


@pytest.mark.parametrize(
    "manifests",
    [
        {"Cargo.toml": CARGO_TOML + 'rust-version = "1.60"\n'},
        {"Cargo.toml": '[workspace.package]\nrust-version = "1.60.1"\n'},
        {"Cargo.toml": CARGO_TOML, "rust-toolchain": "1.60.0\n"},
        {"Cargo.toml": CARGO_TOML, "rust-toolchain.toml": '[toolchain]\nchannel = "1.60"\n'},
    ],
)
def test_releases_older_than_the_source_asks_for_are_not_tried(manifests: dict[str, str]) -> None:
    assert labels(an_input(manifests, created=None)) == ["rust 1.95", "rust 1.75"]


def test_rustup_does_not_download_the_toolchain_that_the_source_pins() -> None:
    files = {"Cargo.toml": CARGO_TOML, "rust-toolchain": "nightly\n"}
    assert "ENV RUSTUP_TOOLCHAIN=$RUST_VERSION\n" in proposed(an_input(files)).draft.dockerfile


@pytest.mark.parametrize(
    ("message", "label"),
    [
        ("error: linker `cc` not found", "rust 1.95, with gcc, libc6-dev"),
        ("The system library `openssl` required by crate `openssl-sys` was not found.",
         "rust 1.95, with libssl-dev, pkg-config"),
        ("error: target `all` in package `thing` requires the features: `std`, `serde`",
         "rust 1.95, features serde std"),
        ("note: the item is gated behind the `serde` feature", "rust 1.95, features serde"),
        ("error[E0282]: type annotations needed for `Box<_>`", "rust 1.75, locked and newest dependencies"),
    ],
)  # fmt: skip
def test_a_failure_becomes_a_constraint_of_the_next_draft(message: str, label: str) -> None:
    inputs = an_input(bases=["rust:1.75", "rust:1.95"], root_entries=["Cargo.lock"])
    for outcome in (RoundOutcome.STEP_FAILED, RoundOutcome.NO_RESULT):
        assert proposed(ended(inputs, outcome, message)).label == label


def test_files_of_tests_are_run_by_their_targets_where_the_patch_changes_no_test_file() -> None:
    files = ["tests/ui/b.stderr", "tests/ui/a.stderr", "tests/ui/a.rs", "tests/data/x y.txt"]
    command = proposed(an_input(test_files=[], test_support_files=files)).draft.test_command
    assert "for f in {files} 'tests/data/x y.txt' tests/ui/a.rs; do" in command
    assert "for f in {files}; do" in proposed(an_input(test_support_files=files)).draft.test_command


def test_lints_are_warnings_where_the_compiler_is_later_than_the_change_or_the_source_denies_them() -> None:
    capped = 'CARGO_BUILD_RUSTFLAGS="--cap-lints=warn"'
    assert capped in proposed(an_input(created="2022-07-02", bases=["rust:1.85"])).draft.dockerfile
    later = an_input(created="2025-07-02", bases=["rust:1.85"])
    assert capped not in proposed(later).draft.dockerfile
    log = "  = note: `#[deny(unused_imports)]` implied by `#[deny(warnings)]`"
    following = proposed(ended(later, RoundOutcome.NO_RESULT, log))
    assert (following.label, capped in following.draft.dockerfile) == ("rust 1.85, lints as warnings", True)


@pytest.mark.parametrize(
    "message",
    [
        "error: package `a v2.0.0` cannot be built because it requires rustc 1.60 or newer",
        "error: `let...else` statements are unstable",
    ],
)
def test_a_release_that_dependencies_call_too_old_is_followed_by_one_that_is_not(message: str) -> None:
    inputs = an_input(bases=[*BASES, "rust:1.58"], created="2022-01-02", root_entries=["Cargo.lock"])
    first = ended(inputs, RoundOutcome.STEP_FAILED, "")
    assert (proposed(first).label, proposed(ended(first, RoundOutcome.STEP_FAILED, message)).label) == (
        "rust 1.56, locked and newest dependencies",
        "rust 1.75, locked and newest dependencies",
    )


def test_features_are_those_of_the_build_and_of_the_tests() -> None:
    log = "note: the item is gated behind the `serde` feature"
    draft = proposed(ended(an_input(), RoundOutcome.AFTER_FAILED, log)).draft
    assert "cargo test --offline --no-run --no-fail-fast --tests --features serde" in draft.dockerfile
    assert "cargo test --no-fail-fast --features serde $select" in draft.test_command


def test_each_package_with_a_test_file_is_compiled_in_its_folder() -> None:
    manifests = {"Cargo.toml": "[workspace]\n", "crates/a/Cargo.toml": CARGO_TOML, "b/Cargo.toml": CARGO_TOML}
    files = ["crates/a/tests/x.rs", "crates/a/src/tests.rs", "b/tests/y.rs"]
    dockerfile = proposed(an_input(manifests, test_files=files)).draft.dockerfile
    assert [line for line in dockerfile.splitlines() if "--no-run" in line] == [
        "RUN cd b && { cargo test --offline --no-run --no-fail-fast --tests || true; }",
        "RUN cd crates/a && { cargo test --offline --no-run --no-fail-fast --tests || true; }",
    ]


def test_a_source_without_a_manifest_above_its_tests_has_no_recipe() -> None:
    assert next_proposal(["recipe"], an_input({"other/Cargo.toml": CARGO_TOML})) is None


def test_a_test_that_wants_to_be_denied_something_is_tried_as_an_ordinary_user() -> None:
    log = "expected: permission denied\nFAILED tests/api.rs::denied\n== 1 failed, 0 errors, 3 passed =="
    tried = proposed(ended(an_input(), RoundOutcome.AFTER_FAILED, log))
    assert tried.draft.run_as_user == 1000


def test_tests_that_fail_in_every_release_are_tolerated() -> None:
    log = "FAILED tests/api.rs::dns\n== 1 failed, 0 errors, 30 passed =="
    inputs = ended(ended(an_input(), RoundOutcome.AFTER_FAILED, log), RoundOutcome.AFTER_FAILED, log)
    assert proposed(inputs).draft.tolerated_failures == ["tests/api.rs::dns"]


def test_examples_are_compiled_for_a_test_that_does_not_find_the_program_of_one() -> None:
    inputs = an_input(root_entries=["Cargo.toml", "examples/"])
    log = "thread 'starts' panicked at tests/it.rs:4:8:\ncalled `unwrap()` on: No such file or directory"
    found = proposed(ended(inputs, RoundOutcome.AFTER_FAILED, log))
    assert found.label == "rust 1.95, dependencies as of 2022-07-03, with its examples"
    assert "RUN if ! cargo build --offline --examples; then" in found.draft.dockerfile
    assert violations(found.draft.dockerfile, []) == []
    assert "{ cargo build --quiet --examples; cargo test " in found.draft.test_command
    without = proposed(ended(an_input(), RoundOutcome.AFTER_FAILED, log))
    assert "--examples" not in without.draft.dockerfile


OUTER_PATHS = """
[dependencies]
a = { version = "0.1", path = "../a" }
b = { path="../b", version = "0.2" }
inner = { path = "inner", version = "0.3" }
[dev-dependencies.c]
path = "../c"
version = "0.4"
"""


def test_dependencies_beside_the_source_come_from_the_registry(tmp_path: Path) -> None:
    draft = proposed(an_input({"Cargo.toml": CARGO_TOML + OUTER_PATHS})).draft
    assert f"WORKDIR /testbed\nRUN {LEAVE_OUT_OUTER_PATHS}\n" in draft.dockerfile
    assert violations(draft.dockerfile, []) == []
    assert f"\n{LEAVE_OUT_OUTER_PATHS}\nlist=" in draft.test_command
    (tmp_path / "Cargo.toml").write_text(OUTER_PATHS)
    subprocess.run(["/bin/sh", "-c", LEAVE_OUT_OUTER_PATHS], cwd=tmp_path, check=True)
    assert tomllib.loads((tmp_path / "Cargo.toml").read_text()) == {
        "dependencies": {
            "a": {"version": "0.1"},
            "b": {"version": "0.2"},
            "inner": {"path": "inner", "version": "0.3"},
        },
        "dev-dependencies": {"c": {"version": "0.4"}},
    }
