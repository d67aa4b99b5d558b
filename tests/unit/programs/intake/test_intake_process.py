"""The program as a pod runs it: a spec in the environment, a record in the termination log, an exit code."""

import json
from pathlib import Path
from typing import Any

from swefoundry.contracts.intake import IntakeResult, IntakeSpec, PatchSource
from swefoundry.contracts.registry_location import RegistryLocation
from unit.oci import registry_server
from unit.pod_programs import ProgramEnd, RunningProgram
from unit.programs.intake.intake_harness import RUNNER, IntakeHarness
from unit.programs.intake.repositories import writing


async def run(tmp_path: Path, spec: str, **environment: str) -> ProgramEnd[IntakeResult]:
    runner = tmp_path / "runner"
    runner.write_bytes(RUNNER)
    variables = {"SWEFOUNDRY_INTAKE": spec, "SWEFOUNDRY_RUNNER": str(runner)} | environment
    program = await RunningProgram.start("swefoundry.programs.intake", IntakeResult, tmp_path, **variables)
    ended = await program.wait()
    assert list((tmp_path / "work").iterdir()) == []
    return ended


def a_spec(harness: IntakeHarness, **fields: Any) -> str:
    place = RegistryLocation(registry=harness.registry.host, insecure=True, repository=harness.repo)
    return IntakeSpec.model_validate({"nonce": "abc", "place": place, **fields}).model_dump_json(
        by_alias=True
    )


async def test_an_intake_ends_with_its_record_and_code(harness: IntakeHarness, tmp_path: Path) -> None:
    repository = harness.repository()
    base, after = repository.commit(writing({"a.py": b"1\n"})), repository.commit(writing({"a.py": b"2\n"}))
    patch = PatchSource(blob=await harness.registry.put_blob(harness.repo, repository.diff(base, after)))
    ended = await run(tmp_path, a_spec(harness, origin=harness.origin(repository, base), gold_patch=patch))
    assert (ended.exit_code, ended.record.code, ended.record.nonce) == (0, 0, "abc"), ended.output
    in_process = await harness.run_intake(
        harness.origin(repository, base), None, repository.diff(base, after)
    )
    assert ended.record == in_process.model_copy(update={"nonce": "abc"})


async def test_a_refused_patch_is_the_exit_code(harness: IntakeHarness, tmp_path: Path) -> None:
    repository = harness.repository()
    base = repository.commit(writing({"a.py": b"1\n"}))
    patch = PatchSource(blob=await harness.registry.put_blob(harness.repo, b"nonsense"))
    ended = await run(tmp_path, a_spec(harness, origin=harness.origin(repository, base), test_patch=patch))
    assert (ended.exit_code, ended.record.code) == (10, 10)
    assert ended.record.message in ended.output


async def test_a_spec_that_cannot_be_read_is_our_own_defect(tmp_path: Path) -> None:
    for spec in ("", "{}", "[]", json.dumps({"nonce": "x"})):
        ended = await run(tmp_path, spec)
        assert (ended.exit_code, ended.record.code, ended.record.nonce) == (90, 90, "")


async def test_a_registry_that_is_down_is_no_fault_of_the_row(harness: IntakeHarness, tmp_path: Path) -> None:
    repository = harness.repository()
    base = repository.commit(writing({"a.py": b"1\n"}))
    host = f"127.0.0.1:{registry_server.refusing_port()}"
    place = RegistryLocation(registry=host, insecure=True, repository="x")
    ended = await run(tmp_path, a_spec(harness, origin=harness.origin(repository, base), place=place))
    assert (ended.exit_code, ended.record.code) == (30, 30)
    assert host in ended.record.message


async def test_a_missing_runner_is_no_fault_of_the_row(harness: IntakeHarness, tmp_path: Path) -> None:
    repository = harness.repository()
    spec = a_spec(harness, origin=harness.origin(repository, repository.commit(writing({"a": b""}))))
    ended = await run(tmp_path, spec, SWEFOUNDRY_RUNNER="/nowhere/runner")
    assert (ended.exit_code, "/nowhere/runner" in ended.record.message) == (30, True)


async def test_the_users_own_git_configuration_does_not_count(harness: IntakeHarness, tmp_path: Path) -> None:
    repository = harness.repository()
    spec = a_spec(harness, origin=harness.origin(repository, repository.commit(writing({"a": b"\n"}))))
    (tmp_path / ".gitconfig").write_text(
        "[core]\n\tautocrlf = true\n\thooksPath = /nowhere\n[protocol]\n\tallow = never\n"
    )
    with_config = await run(
        tmp_path,
        spec,
        HOME=str(tmp_path),
        GIT_DIR="/nowhere",
        GIT_CONFIG_GLOBAL=str(tmp_path / ".gitconfig"),
    )
    assert with_config.record == (await run(tmp_path, spec)).record
    assert with_config.exit_code == 0
