"""`swefoundry lint` on real files."""

import json
from pathlib import Path

import yaml

from swefoundry.cli.datasets.instance import InstanceSettings, render_instance
from unit.cli.conftest import Run
from unit.cli.test_cli_instances import an_instance

GOOD = render_instance(an_instance(), InstanceSettings()).objects[0]


def bad(**spec: object) -> dict[str, object]:
    return {**GOOD, "spec": {**GOOD["spec"], **spec}}


def test_good_manifests_of_every_file_kind(run: Run, tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(yaml.safe_dump_all([GOOD, GOOD]))
    (tmp_path / "b.json").write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": [GOOD]}))
    (tmp_path / "c.jsonl").write_text(json.dumps(GOOD) + "\n\n")
    done = run("lint", tmp_path, "-o", "json")
    assert done.exit_code == 0, done.output
    assert len(json.loads(done.stdout)["made"]) == 4


def test_each_problem_names_file_object_and_field(run: Run, tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(yaml.safe_dump_all([GOOD, bad(repo="calc", mistake=1)]))
    done = run("lint", tmp_path / "a.yaml", "-o", "json")
    assert done.exit_code == 1
    found = json.loads(done.stdout)["bad"]
    assert {(each["place"], each["name"]) for each in found} == {(f"{tmp_path}/a.yaml#2", "octo--calc-7")}
    assert sorted(each["reason"].partition(":")[0] for each in found) == ["spec.mistake", "spec.repo"]


def test_objects_of_other_kinds_are_skipped(run: Run, tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n")
    done = run("lint", tmp_path / "a.yaml")
    assert done.exit_code == 0


def test_files_that_cannot_be_read_or_parsed_are_named(run: Run, tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("a: [")
    (tmp_path / "b.yaml").write_text("- 1\n")
    done = run("lint", tmp_path / "a.yaml", tmp_path / "b.yaml", tmp_path / "missing.yaml")
    assert done.exit_code == 1
    assert all(f"{name}.yaml" in done.stderr for name in ("a", "b", "missing"))
