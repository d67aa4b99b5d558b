"""`swefoundry import` on real files."""

import asyncio
import json
from pathlib import Path

import pytest
import yaml

from simulated.api_server import ApiServer
from swefoundry.api.validation import manifest
from swefoundry.oci.registry_client import RegistryClient
from unit.cli.conftest import Run
from unit.cli.dataset_rows import PATCH, TEST_PATCH, classic_row, factory_row, long_file, write_json_lines
from unit.oci import registry_server


def test_good_rows_become_files_and_bad_ones_are_named_with_line_and_reason(run: Run, tmp_path: Path) -> None:
    file = write_json_lines(
        tmp_path / "rows.jsonl",
        classic_row(),
        "{not json",
        classic_row(instance_id="octo__calc-8", test_patch=""),
        "",
        factory_row(instance_id="octo__calc-9"),
        "[1, 2]",
        classic_row(),
    )
    done = run("import", file, "--out", tmp_path / "out", "-o", "json")
    assert done.exit_code == 1
    result = json.loads(done.stdout)
    assert [Path(path).name for path in result["made"]] == ["octo--calc-7.yaml", "octo--calc-9.yaml"]
    assert [(bad["place"], bad["name"]) for bad in result["bad"]] == [
        ("rows.jsonl, line 2", ""),
        ("rows.jsonl, line 3", "octo__calc-8"),
        ("rows.jsonl, line 6", ""),
        ("rows.jsonl, line 7", "octo__calc-7"),
    ]


def test_what_is_written_passes_lint_and_has_the_patches_byte_for_byte(run: Run, tmp_path: Path) -> None:
    crlf = PATCH.replace("\n", "\r\n")
    done = run("import", write_json_lines(tmp_path / "r.jsonl", classic_row(patch=crlf)), "--out", tmp_path)
    assert done.exit_code == 0
    (task,) = yaml.safe_load_all((tmp_path / "octo--calc-7.yaml").read_bytes())
    assert manifest.manifest_problems(task) == []
    assert task["spec"]["goldPatch"]["inline"] == crlf
    assert task["spec"]["testPatch"]["inline"] == TEST_PATCH
    assert task["spec"]["createdAt"] == "2023-06-01T12:00:00Z"
    kept = json.loads(task["metadata"]["annotations"]["swefoundry.dev/row"])
    assert kept["environment_setup_commit"] == "b" * 40
    assert kept["FAIL_TO_PASS"] == ["tests/test_calc.py::test_add"]


def test_without_a_target_the_manifests_are_printed(run: Run, tmp_path: Path) -> None:
    done = run("import", write_json_lines(tmp_path / "r.jsonl", classic_row()), "-n", "lab")
    (task,) = yaml.safe_load_all(done.stdout)
    assert task["metadata"]["namespace"] == "lab"


TWO = [classic_row(problem_statement="a\u2028b"), classic_row(instance_id="octo__calc-8")]


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(json.dumps(TWO), id="a list"),
        pytest.param(json.dumps(TWO, indent=2), id="an indented list"),
        pytest.param(json.dumps({row["instance_id"]: row for row in TWO}), id="a map"),
        pytest.param(json.dumps({row["instance_id"]: row for row in TWO}, indent=2), id="an indented map"),
        pytest.param("\n".join(map(json.dumps, TWO)), id="lines"),
        pytest.param("\ufeff" + "\n".join(map(json.dumps, TWO)), id="lines with a BOM"),
        pytest.param(
            "\r\n".join(json.dumps(row, ensure_ascii=False) for row in TWO),
            id="lines with a line separator in a text",
        ),
    ],
)
def test_rows_are_found_in_every_kind_of_json_file(run: Run, tmp_path: Path, content: str) -> None:
    (tmp_path / "rows.json").write_text(content, encoding="utf-8")
    done = run("import", tmp_path / "rows.json", "--out", tmp_path / "out")
    assert done.exit_code == 0, done.output
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "octo--calc-7.yaml",
        "octo--calc-8.yaml",
    ]


def test_a_single_row_over_several_lines_is_one_row(run: Run, tmp_path: Path) -> None:
    (tmp_path / "row.json").write_text(json.dumps(classic_row(), indent=1))
    assert run("import", tmp_path / "row.json", "--out", tmp_path / "out").exit_code == 0


def test_a_parquet_file_is_rejected(run: Run, tmp_path: Path) -> None:
    (tmp_path / "rows.parquet").write_bytes(b"PAR1\x15\x04")
    done = run("import", tmp_path / "rows.parquet", "--out", tmp_path / "out")
    assert done.exit_code == 1


def test_bytes_that_are_not_utf8_reject_one_row_only(run: Run, tmp_path: Path) -> None:
    (tmp_path / "r.jsonl").write_bytes(b'{"repo": "\xff"}\n' + json.dumps(classic_row()).encode())
    done = run("import", tmp_path / "r.jsonl", "--out", tmp_path / "out")
    assert done.exit_code == 1
    assert "r.jsonl, line 1: " in done.stderr
    assert (tmp_path / "out" / "octo--calc-7.yaml").is_file()


def test_apply_sends_config_maps_first_and_reports_what_the_cluster_refused(
    run: Run, tmp_path: Path, api: ApiServer
) -> None:
    api.forced_errors["PATCH taskinstances/octo--calc-8"] = (422, "spec.goldPatch is immutable")
    rows = [classic_row(patch=PATCH + "x" * 70_000 + "\n"), classic_row(instance_id="octo__calc-8")]
    done = run("import", write_json_lines(tmp_path / "r.jsonl", *rows), "--apply", "-o", "json")
    assert done.exit_code == 1
    assert list(api.objects) == [
        ("configmaps", "default", "octo--calc-7-gold"),
        ("taskinstances", "default", "octo--calc-7"),
    ]
    result = json.loads(done.stdout)
    assert result["made"] == ["taskinstance/octo--calc-7"]
    assert "spec.goldPatch is immutable" in result["bad"][0]["reason"]


def test_the_namespace_is_the_contexts_by_default(run: Run, tmp_path: Path, api: ApiServer) -> None:
    file = write_json_lines(tmp_path / "r.jsonl", classic_row())
    run("import", file, "--apply", "--context", "there")
    run("import", file, "--apply", "-n", "mine")
    assert [namespace for _, namespace, _ in api.objects] == ["research", "mine"]


def test_an_unreachable_cluster_is_exit_code_3(run: Run, tmp_path: Path) -> None:
    done = run("import", write_json_lines(tmp_path / "r.jsonl", classic_row()), "--apply")
    assert done.exit_code == 3


def test_a_template_applies_to_all(run: Run, tmp_path: Path) -> None:
    template = tmp_path / "template.yaml"
    template.write_text("spec: {validation: {repeats: 2}, budget: {rounds: 3}}")
    run(
        "import",
        write_json_lines(tmp_path / "r.jsonl", classic_row()),
        "--template",
        template,
        "--out",
        tmp_path,
    )
    (task,) = yaml.safe_load_all((tmp_path / "octo--calc-7.yaml").read_bytes())
    assert (task["spec"]["validation"], task["spec"]["budget"]) == ({"repeats": 2}, {"rounds": 3})


def test_strategies_win_over_the_templates_and_the_experiment_becomes_a_label(
    run: Run, tmp_path: Path
) -> None:
    template = tmp_path / "template.yaml"
    template.write_text("spec: {environment: {strategies: [recipe], overrides: {aptPackages: [git]}}}")
    file = write_json_lines(tmp_path / "r.jsonl", classic_row())
    flags = ("--template", template, "--strategies", "reuse, agents", "--experiment", "no-recipe")
    done = run("import", file, *flags, "--out", tmp_path)
    assert done.exit_code == 0, done.output
    (task,) = yaml.safe_load_all((tmp_path / "octo--calc-7.yaml").read_bytes())
    assert task["metadata"]["labels"] == {"swefoundry.dev/experiment": "no-recipe"}
    assert task["spec"]["environment"] == {
        "strategies": ["reuse", "agents"],
        "overrides": {"aptPackages": ["git"]},
    }


@pytest.mark.parametrize(
    "flags",
    [("--strategies", "reuse,magic"), ("--strategies", "reuse,reuse"), ("--experiment", "a b")],
    ids=" ".join,
)
def test_wrong_strategies_and_experiments_are_wrong_usage(
    run: Run, tmp_path: Path, flags: tuple[str, str]
) -> None:
    done = run("import", write_json_lines(tmp_path / "r.jsonl", classic_row()), *flags)
    assert done.exit_code == 2, done.output


def test_a_template_that_sets_a_rows_own_fields_is_wrong_usage(run: Run, tmp_path: Path) -> None:
    template = tmp_path / "template.yaml"
    template.write_text("spec: {repo: a/b}")
    done = run("import", write_json_lines(tmp_path / "r.jsonl", classic_row()), "--template", template)
    assert done.exit_code == 2


def test_a_row_of_another_format_than_the_option_says_is_rejected(run: Run, tmp_path: Path) -> None:
    done = run("import", write_json_lines(tmp_path / "r.jsonl", classic_row()), "--format", "swe-factory")
    assert done.exit_code == 1


@pytest.mark.parametrize(
    ("options", "url"),
    [
        (("--source-template", "https://forge.example/{repo}.git"), "https://forge.example/octo/calc.git"),
        (("--source-template", "http://mirror.example/{owner}~{name}"), "http://mirror.example/octo~calc"),
        (("--git-base", "https://forge.example/git/"), "https://forge.example/git/octo/calc.git"),
    ],
)
def test_rows_without_a_source_get_that_of_the_template(
    run: Run, tmp_path: Path, options: tuple[str, ...], url: str
) -> None:
    own = {"git": {"url": "https://own.example/a.git"}}
    rows = [classic_row(), classic_row(instance_id="octo__calc-8", source=own)]
    done = run("import", write_json_lines(tmp_path / "r.jsonl", *rows), *options)
    sources = [task["spec"]["source"] for task in yaml.safe_load_all(done.stdout)]
    assert sources == [{"git": {"url": url}}, own], done.output


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            ("--source-template", "https://forge.example/calc.git"),
            "is the same for all rows: put {repo} where",
        ),
        (
            ("--source-template", "https://forge.example/{repo}/{sha}"),
            "has braces besides {repo}, {owner}, {name}",
        ),
        (("--source-template", "git@forge.example:{repo}.git"), "is not a URL of a source"),
        (("--git-base", "forge.example"), "is not a URL of a source"),
        (("--git-base", "https://a.example", "--source-template", "https://a.example/{repo}"), "not both"),
    ],
)
def test_a_wrong_template_is_wrong_usage_and_not_a_fault_of_every_row(
    run: Run, tmp_path: Path, options: tuple[str, ...], message: str
) -> None:
    done = run("import", write_json_lines(tmp_path / "r.jsonl", classic_row()), *options)
    assert (done.exit_code, message in " ".join(done.output.replace("│", " ").split())) == (2, True), (
        done.output
    )


SAME = "its FAIL_TO_PASS is empty, so any patch would resolve it; the validation measures its own"


def test_remarks_that_are_the_same_are_printed_once_with_the_first_row(run: Run, tmp_path: Path) -> None:
    rows = [classic_row(instance_id=f"octo__calc-{number}", FAIL_TO_PASS="[]") for number in range(3)]
    file = write_json_lines(tmp_path / "r.jsonl", *rows)
    done = run("import", file, "--out", tmp_path / "out", "-o", "json")
    assert done.stderr == f"3 instances, such as r.jsonl, line 1 (octo__calc-0): {SAME}\n"
    assert json.loads(done.stdout)["remarks"] == [
        f"r.jsonl, line {number + 1} (octo__calc-{number}): {SAME}" for number in range(3)
    ]
    assert run("import", file, "--out", tmp_path / "out", "--verbose").stderr.count(SAME) == 3


def test_long_patches_go_to_the_registry_where_one_is_given(
    run: Run, tmp_path: Path, server: registry_server.Server
) -> None:
    file = write_json_lines(tmp_path / "r.jsonl", classic_row(patch=long_file(1_000)))
    done = run("import", file, "--registry", server.host, "--insecure")
    (task,) = yaml.safe_load_all(done.stdout)
    digest = task["spec"]["goldPatch"]["artifact"]

    async def read() -> bytes:
        async with RegistryClient(server.host, insecure=True) as registry:
            return await registry.get_blob("swefoundry/tasks/octo/calc", digest, 1 << 20)

    assert asyncio.run(read()).decode() == long_file(1_000)


RUST = """diff --git a/src/lib.rs b/src/lib.rs
--- a/src/lib.rs
+++ b/src/lib.rs
@@ -1,3 +1,3 @@
 pub fn add(a: i32, b: i32) -> i32 {
-    a - b
+    a + b
 }
"""
RUST_TESTS = """@@ -21,3 +21,3 @@ mod tests {
     fn adds() {
-        assert_eq!(add(1, 0), 1);
+        assert_eq!(add(1, 1), 2);
     }
"""


def test_tests_within_rust_files_are_the_test_patch_of_a_row_that_has_none(run: Run, tmp_path: Path) -> None:
    row = classic_row(patch=RUST + RUST_TESTS, test_patch="", language="rust")
    done = run("import", write_json_lines(tmp_path / "r.jsonl", row), "--out", tmp_path, "--verbose")
    assert done.exit_code == 0
    assert "the hunks of #[cfg(test)] modules in its patch are taken for it" in done.stderr
    (task,) = yaml.safe_load_all((tmp_path / "octo--calc-7.yaml").read_bytes())
    assert task["spec"]["goldPatch"]["inline"] == RUST
    assert task["spec"]["testPatch"]["inline"] == RUST[: RUST.index("@@")] + RUST_TESTS


@pytest.mark.parametrize(
    ("patch", "reason"),
    [
        (RUST, "test_patch: is empty. Without hidden tests nothing can fail before the fix."),
        (
            RUST.replace("+1,3 @@\n", "+1,3 @@ mod tests {\n"),
            "test_patch: is empty. Without hidden tests nothing can fail before the fix."
            " patch: the hunk in line 4 changes a module of tests and other code",
        ),
    ],
    ids=["without tests", "with both in a hunk"],
)
def test_a_row_whose_tests_cannot_be_separated_from_the_fix_is_named(
    run: Run, tmp_path: Path, patch: str, reason: str
) -> None:
    row = classic_row(patch=patch, test_patch="")
    done = run("import", write_json_lines(tmp_path / "r.jsonl", row), "--out", tmp_path, "-o", "json")
    assert [bad["reason"] for bad in json.loads(done.stdout)["bad"]] == [reason]
