"""`swefoundry export`: rows that other programs read, and nothing lost on the way through."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from simulated.api_server import ApiServer
from swefoundry.api.labels import EXPERIMENT
from swefoundry.cli.datasets.rows.exported import (
    ExportPolicy,
    NotExportable,
    ValidatedInstance,
    swe_bench_row,
    swe_factory_status,
)
from swefoundry.contracts.controls import ControlName, ControlOutcome, ControlResult
from swefoundry.contracts.facts import Facts
from swefoundry.contracts.stages import Stage
from swefoundry.grading.verdict_bundle import VerdictBundle
from swefoundry.oci.content import digest_of
from unit.cli.conftest import Run
from unit.cli.dataset_rows import PATCH, TEST_PATCH, classic_row, factory_row, long_file, write_json_lines
from unit.cli.push_artifacts import push_files
from unit.cli.task_objects import Json, digest, finished_status, task, validated_status
from unit.cli.transcript_objects import an_env_build
from unit.oci import registry_server

REPOSITORY = "swefoundry/tasks/octo/calc"
IMAGE = {"name": f"registry.lab:5000/{REPOSITORY}:default.octo--calc-7", "digest": digest("b")}


def a_bundle(**fields: Any) -> VerdictBundle:
    tests = {"FAIL_TO_PASS": ["t::b"], "NONE_TO_PASS": ["t::a"], "PASS_TO_PASS": ["t::c"]}
    defaults = {
        "instance_id": "octo__calc-7",
        "verdict": "fail2pass",
        "image": f"{IMAGE['name']}@{IMAGE['digest']}",
        "tests": tests,
        "stages": {Stage.AFTER: digest("d")},
    }
    return VerdictBundle(**(defaults | fields))


def found(**fields: Any) -> ValidatedInstance:
    defaults = {
        "spec": task()["spec"],
        "bundle": a_bundle(),
        "evidence": digest("e"),
        "gold": PATCH.encode(),
        "tests": TEST_PATCH.encode(),
        "problem": "It subtracts.",
    }
    return ValidatedInstance(**(defaults | fields))


def test_a_row_has_the_classic_columns_and_ours() -> None:
    assert swe_bench_row(found(extra={"hints_text": "look at add()", "pull_number": 7})) == {
        "repo": "octo/calc",
        "instance_id": "octo__calc-7",
        "base_commit": "a" * 40,
        "patch": PATCH,
        "test_patch": TEST_PATCH,
        "problem_statement": "It subtracts.",
        "hints_text": "look at add()",
        "created_at": "",
        "version": "",
        "FAIL_TO_PASS": '["t::a", "t::b"]',
        "PASS_TO_PASS": '["t::c"]',
        "environment_setup_commit": None,
        "pull_number": 7,
        "image": f"{IMAGE['name']}@{IMAGE['digest']}",
        "stage_images": {"after": digest("d")},
        "evidence": digest("e"),
        "verdict": "fail2pass",
    }


def test_a_row_says_which_experiment_strategy_and_parent_it_is_of_and_what_models_were_used() -> None:
    status = {
        "strategy": "reuse",
        "image": digest("b"),
        "rounds": [
            {"strategy": "reuse", "image": digest("9"), "parent": {"image": digest("8")}},
            {"strategy": "reuse", "image": digest("b"), "parent": {"image": digest("7")}},
        ],
        "usage": {"turns": 2, "inputTokens": 10, "outputTokens": 3, "microUsd": 45},
    }
    row = swe_bench_row(found(experiment="warm", build_status=status))
    assert {name: row[name] for name in ("experiment", "strategy", "reused_from", "llm_usage")} == {
        "experiment": "warm",
        "strategy": "reuse",
        "reused_from": digest("7"),
        "llm_usage": {
            "turns": 2,
            "input_tokens": 10,
            "cached_tokens": 0,
            "output_tokens": 3,
            "usd": 0.000045,
        },
    }


def test_a_row_says_as_which_user_its_tests_ran_unless_that_was_root() -> None:
    assert "run_as_user" not in swe_bench_row(found())
    bundle = found().bundle.model_copy(update={"run_as_user": 1000})
    assert swe_bench_row(found(bundle=bundle))["run_as_user"] == 1000


def test_a_row_says_that_its_tests_depend_on_the_date() -> None:
    assert "date_dependent" not in swe_bench_row(found())
    bundle = found().bundle.model_copy(update={"date_dependent": True})
    assert swe_bench_row(found(bundle=bundle))["date_dependent"] is True


CONTROLS = [
    ControlResult(name=ControlName.NULL_PATCH, result="Passed"),
    ControlResult(name=ControlName.BASE_TESTS, result="Failed", message="1 test (t::a) failed in `base`"),
]


def test_a_row_says_how_its_controls_ended() -> None:
    row = swe_bench_row(found(bundle=a_bundle(controls=CONTROLS), extra={"controls": {"Other": "Passed"}}))
    assert row["controls"] == {"NullPatch": "Passed", "BaseTests": "Failed"}


@pytest.mark.parametrize(("percent", "exported"), [(None, None), (0, 0.0), (66, 0.66), (100, 1.0)])
def test_a_row_has_the_test_strength_as_a_fraction(percent: int | None, exported: float | None) -> None:
    bundle = found().bundle.model_copy(update={"test_strength": percent})
    row = swe_bench_row(found(bundle=bundle, extra={"test_strength": "imported"}))
    assert row.get("test_strength") == exported


@pytest.mark.parametrize(
    ("required", "message"),
    [
        (ControlName.BASE_TESTS, "the control BaseTests is Failed: 1 test (t::a) failed in `base`"),
        (
            ControlName.REVERSED_GOLD,
            "the control ReversedGold was not run; name it in spec.validation.controls",
        ),
    ],
)
def test_a_row_without_a_required_control_is_rejected_by_name(required: ControlName, message: str) -> None:
    policy = ExportPolicy(require_controls=[ControlName.NULL_PATCH, required])
    with pytest.raises(NotExportable) as rejected:
        swe_bench_row(found(bundle=a_bundle(controls=CONTROLS)), policy)
    assert str(rejected.value) == message


LEAK = ControlResult(name=ControlName.LEAKS, result="Failed", message="LeakFound: PatchLines a in layer 3")


def test_a_row_whose_image_shows_the_solution_is_rejected_unless_it_is_asked_for() -> None:
    leaking = found(bundle=a_bundle(controls=[LEAK]))
    with pytest.raises(NotExportable) as rejected:
        swe_bench_row(leaking)
    assert str(rejected.value) == f"{LEAK.message}. Give --include-leaks to export the row anyway"
    assert swe_bench_row(leaking, ExportPolicy(include_leaks=True))["controls"] == {"Leaks": "Failed"}


@pytest.mark.parametrize("result", ["Passed", "Unknown"])
def test_a_row_whose_image_shows_nothing_as_far_as_is_known_is_exported(result: ControlOutcome) -> None:
    unknown = ControlResult(name=ControlName.LEAKS, result=result)
    assert swe_bench_row(found(bundle=a_bundle(controls=[unknown])))["controls"] == {"Leaks": result}


def test_the_command_names_rows_with_leaks_and_includes_them_when_asked(
    run: Run, api: ApiServer, server: registry_server.Server, tmp_path: Path
) -> None:
    put_validated(api, server.host, task(), controls=[LEAK])
    options = ("--registry", server.host, "--insecure", "--out", str(tmp_path / "rows.jsonl"))
    done = run("export", *options)
    assert "octo--calc-7 (octo__calc-7): LeakFound: PatchLines a in layer 3" in done.output
    assert ("0 rows, 1 rejected" in done.output, (tmp_path / "rows.jsonl").read_text()) == (True, "")
    assert "1 row, 0 rejected" in run("export", "--include-leaks", *options).output


def test_what_another_run_measured_is_not_passed_on() -> None:
    before = {"llm_usage": {"usd": 3}, "reused_from": digest("7"), "experiment": "old", "license_name": "MIT"}
    row = swe_bench_row(found(extra=before, build_status={"strategy": "recipe"}))
    assert row["strategy"] == "recipe" and row["license_name"] == "MIT"
    assert not {"llm_usage", "reused_from", "experiment"} & row.keys()


def test_an_empty_fail_to_pass_is_exported_only_on_request() -> None:
    bundle = a_bundle(tests={"PASS_TO_PASS": ["t::c"]})
    with pytest.raises(NotExportable):
        swe_bench_row(found(bundle=bundle))
    assert swe_bench_row(found(bundle=bundle), ExportPolicy(allow_empty=True))["FAIL_TO_PASS"] == "[]"


def test_a_patch_that_is_not_utf8_travels_as_base64_besides() -> None:
    row = swe_bench_row(found(gold=b"+caf\xe9\n"))
    assert (row["patch"], row["patch_base64"]) == ("+caf\ufffd\n", "K2NhZukK")


def test_swe_factorys_status_file_counts_only_true_fail2pass_as_valid() -> None:
    verdicts = [("b", "fail2pass"), ("a", "fail2pass"), ("c", "error2pass"), ("d", "pass2pass"), ("e", None)]
    assert swe_factory_status(verdicts) == {
        "total": 5,
        "categories": {
            "fail2pass": ["a", "b"],
            "fail2fail": [],
            "pass2pass": ["d"],
            "pass2fail": [],
            "error": ["c", "e"],
        },
        "swefoundry": {"error2pass": ["c"]},
    }


def put_validated(api: ApiServer, host: str, body: Json, **bundle: Any) -> Json:
    """Store an instance as the operator leaves it when it is valid."""
    content = json.dumps(a_bundle(**bundle).to_json_dict()).encode()
    evidence = push_files(host, REPOSITORY, "verdict", {"verdict.json": content})
    status = validated_status(image=IMAGE, evidence=evidence)
    return api.put("taskinstances", body | {"status": status})


def imported(run: Run, api: ApiServer, tmp_path: Path, row: Json) -> Json:
    """The TaskInstance that `import --apply` makes of a row."""
    done = run("import", write_json_lines(tmp_path / "in.jsonl", row), "--apply")
    assert done.exit_code == 0, done.output
    return api.one("taskinstances")


@pytest.mark.parametrize(
    "row",
    [
        pytest.param(classic_row(hints_text="h", difficulty="easy", license_name="MIT"), id="a classic row"),
        pytest.param(factory_row(language="python", dockerfile="FROM x"), id="a SWE-Factory row"),
        pytest.param(
            classic_row(patch=PATCH.replace("\n", "\r\n"), problem_statement="a\u2028b\r\n"), id="CRLF"
        ),
        pytest.param(
            classic_row(patch=PATCH + long_file(20_000), hints_text="h" * 20_000), id="in ConfigMaps"
        ),
    ],
)
def test_what_was_imported_comes_back_out(
    run: Run, api: ApiServer, tmp_path: Path, server: registry_server.Server, row: Json
) -> None:
    put_validated(api, server.host, imported(run, api, tmp_path, row))
    done = run("export", "--out", tmp_path / "out.jsonl", "--registry", server.host, "--insecure")
    assert done.exit_code == 0, done.output
    (line,) = (tmp_path / "out.jsonl").read_bytes().splitlines()
    exported = json.loads(line)
    computed = {"FAIL_TO_PASS", "PASS_TO_PASS"}
    assert {key: exported[key] for key in row if key not in computed} == {
        key: row[key] for key in row if key not in computed
    }
    assert exported["FAIL_TO_PASS"] == '["t::a", "t::b"]'


def test_what_was_exported_can_be_imported_again(
    run: Run, api: ApiServer, tmp_path: Path, server: registry_server.Server
) -> None:
    archive = {"url": "https://index.example/calc-1.0.tar.gz", "sha256": "e" * 64, "stripComponents": 1}
    body = task(
        source={"archive": archive}, createdAt="2023-06-01T12:00:00Z", language="python", version="8.10"
    )
    del body["spec"]["baseCommit"]
    put_validated(api, server.host, body)
    assert (
        run("export", "--out", tmp_path / "o.jsonl", "--registry", server.host, "--insecure").exit_code == 0
    )
    done = run("import", tmp_path / "o.jsonl", "--out", tmp_path / "again")
    assert done.exit_code == 0, done.output
    (again,) = yaml.safe_load_all((tmp_path / "again" / "octo--calc-7.yaml").read_text())
    again["spec"].pop("problemStatement", None)
    assert again["spec"] == body["spec"]


def test_the_base_commit_of_an_archive_is_the_one_that_its_clean_tree_has(
    run: Run, api: ApiServer, server: registry_server.Server
) -> None:
    body = task(source={"archive": {"url": "https://index.example/calc-1.0.tar.gz", "sha256": "e" * 64}})
    del body["spec"]["baseCommit"]
    facts = Facts(commit="c" * 40).model_dump_json(by_alias=True).encode()
    push_files(server.host, REPOSITORY, "intake", {"facts.json": facts})
    stored = put_validated(api, server.host, body)
    stored["status"]["prepared"] = {"source": digest("1"), "facts": digest_of(facts)}
    (line,) = run("export", "--registry", server.host, "--insecure").stdout.splitlines()
    assert json.loads(line)["base_commit"] == "c" * 40


def test_a_patch_in_the_registry_comes_back_out(
    run: Run, api: ApiServer, tmp_path: Path, server: registry_server.Server
) -> None:
    row = classic_row(patch=PATCH + long_file(240_000))
    flags = ("--registry", server.host, "--insecure")
    done = run("import", write_json_lines(tmp_path / "in.jsonl", row), "--apply", *flags)
    assert done.exit_code == 0, done.output
    body = api.one("taskinstances")
    assert body["spec"]["goldPatch"].keys() == {"artifact"}
    put_validated(api, server.host, body)
    (line,) = run("export", *flags).stdout.splitlines()
    assert json.loads(line)["patch"] == row["patch"]


def put_judged(api: ApiServer, host: str, body: Json, gold: bytes) -> None:
    """A valid instance whose gold patch was applied as ``gold``."""
    stored = put_validated(api, host, body)
    stored["status"]["prepared"] = {"patches": {"gold": digest_of(gold)}}


def test_the_patch_that_was_judged_is_exported(
    run: Run, api: ApiServer, tmp_path: Path, server: registry_server.Server
) -> None:
    whole = PATCH.replace("+1,2 @@", "+1,3 @@").replace("-1,2 ", "-1,3 ") + " \n"
    body = imported(run, api, tmp_path, classic_row())
    body["spec"]["goldPatch"] = {"inline": whole.rstrip()}
    put_judged(api, server.host, body, whole.encode())
    (line,) = run("export", "--registry", server.host, "--insecure").stdout.splitlines()
    assert json.loads(line)["patch"] == whole


def test_a_patch_that_was_changed_after_it_was_judged_is_not_exported(
    run: Run, api: ApiServer, tmp_path: Path, server: registry_server.Server
) -> None:
    put_judged(api, server.host, imported(run, api, tmp_path, classic_row()), b"another patch\n")
    done = run("export", "--registry", server.host, "--insecure")
    assert (done.exit_code, done.stdout) == (1, "")
    assert "its gold patch is not the one that was judged" in " ".join(done.stderr.split())


def test_only_validated_instances_become_rows_and_bad_ones_are_named(
    run: Run, api: ApiServer, tmp_path: Path, server: registry_server.Server
) -> None:
    put_validated(api, server.host, task("a"))
    put_validated(api, server.host, task("b"), tests={})
    lost = validated_status(image=IMAGE, evidence=digest("f"))
    api.put("taskinstances", task("c", lost))
    api.put("taskinstances", task("d", finished_status("Rejected", "pass2pass", "Pass2Pass", "")))
    api.put("taskinstances", task("e"))
    done = run("export", "--registry", server.host, "--insecure")
    assert done.exit_code == 1
    assert [json.loads(line)["instance_id"] for line in done.stdout.splitlines()] == ["a"]
    assert "b (b): " in done.stderr
    assert "c (c): " in done.stderr


def test_the_export_reads_the_env_build_as_far_as_there_is_one(
    run: Run, api: ApiServer, server: registry_server.Server
) -> None:
    for name in ("a", "b"):
        body = task(name)
        body["metadata"]["labels"] = {EXPERIMENT: "warm"}
        stored = put_validated(api, server.host, body)
        stored["status"] |= {"envBuild": name, "strategy": "reuse"}
    api.put("envbuilds", an_env_build("a", strategy="agents", usage={"turns": 1, "microUsd": 5}))
    done = run("export", "--registry", server.host, "--insecure")
    assert done.exit_code == 0, done.output
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert [
        (row["experiment"], row.get("strategy"), row.get("llm_usage", {}).get("usd")) for row in rows
    ] == [
        ("warm", "agents", 0.000005),
        ("warm", "reuse", None),
    ]


def test_the_status_file_lists_all_that_have_finished(run: Run, api: ApiServer, tmp_path: Path) -> None:
    api.put("taskinstances", task("a", validated_status()))
    api.put("taskinstances", task("b", finished_status("Failed", None, "SourceMismatch", "")))
    api.put("taskinstances", task("c"))
    done = run("export", "--format", "swe-factory-status", "--out", tmp_path / "fail2pass_status.json")
    assert done.exit_code == 0
    content = json.loads((tmp_path / "fail2pass_status.json").read_text())
    assert (content["total"], content["categories"]["fail2pass"], content["categories"]["error"]) == (
        2,
        ["a"],
        ["b"],
    )


def test_the_command_requires_controls_by_name(
    run: Run, api: ApiServer, server: registry_server.Server, tmp_path: Path
) -> None:
    put_validated(api, server.host, task(), controls=CONTROLS)
    done = run(
        "export", "--require-control", "BaseTests", "--registry", server.host, "--insecure",
        "--out", str(tmp_path / "rows.jsonl"),
    )  # fmt: skip
    assert "octo--calc-7 (octo__calc-7): the control BaseTests is Failed" in done.output
    assert (tmp_path / "rows.jsonl").read_text() == ""
