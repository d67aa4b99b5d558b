"""The frame of programs in pods: every one leaves a record and exits with its code, whatever its spec is."""

import json
from importlib import import_module
from pathlib import Path

import pytest

from swefoundry.contracts.agent import AGENT_SPEC_VARIABLE, AgentResult
from swefoundry.contracts.build import BUILD_SPEC_VARIABLE, BuildResult
from swefoundry.contracts.checkout import CHECKOUT_SPEC_VARIABLE, CheckoutResult, CheckoutSpec
from swefoundry.contracts.intake import INTAKE_SPEC_VARIABLE, IntakeResult
from swefoundry.contracts.leaks import LEAKS_SPEC_VARIABLE, LeaksResult
from swefoundry.contracts.termination_record import Cut, truncate_to_fit
from swefoundry.programs.frame import PodProgram, run_program, work_folder
from unit.pod_programs import RunningProgram

PROGRAMS = {
    "intake": (INTAKE_SPEC_VARIABLE, IntakeResult),
    "checkout": (CHECKOUT_SPEC_VARIABLE, CheckoutResult),
    "leaks": (LEAKS_SPEC_VARIABLE, LeaksResult),
    "build": (BUILD_SPEC_VARIABLE, BuildResult),
    "agent": (AGENT_SPEC_VARIABLE, AgentResult),
}
SPEC = json.dumps(
    {
        "nonce": "n",
        "place": {"registry": "r", "repository": "x"},
        "parent": "sha256:" + "1" * 64,
        "source": "sha256:" + "2" * 64,
    }
)


@pytest.mark.parametrize("spec", ["", "[]", json.dumps({"nonce": "x"})])
@pytest.mark.parametrize("name", PROGRAMS)
async def test_a_spec_that_cannot_be_read_leaves_a_record(tmp_path: Path, name: str, spec: str) -> None:
    variable, result = PROGRAMS[name]
    program = await RunningProgram.start(f"swefoundry.programs.{name}", result, tmp_path, **{variable: spec})
    ended = await program.wait()
    assert ended.record is not None, ended.output
    assert (ended.exit_code, ended.record.code, ended.record.nonce) == (90, 90, "")
    assert ended.record.message.startswith(f"{variable} is not a valid {name} spec")


def test_the_record_of_a_spec_that_cannot_be_read_names_each_wrong_field(
    record: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPEC", json.dumps(json.loads(SPEC) | {"parent": "latest", "nonce": 1}))
    run_program(a_program(CheckoutResult(nonce="n", code=0)))
    assert CheckoutResult.model_validate_json(record.read_bytes()).message == (
        "SPEC is not a valid checkout spec: nonce: Input should be a valid string; "
        "parent: String should match pattern '^sha256:[0-9a-f]{64}$'"
    )


@pytest.fixture
def record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SWEFOUNDRY_TERMINATION_LOG", str(tmp_path / "record"))
    monkeypatch.setenv("SPEC", SPEC)
    return tmp_path / "record"


def a_program(result: CheckoutResult) -> PodProgram[CheckoutSpec, CheckoutResult]:
    async def run(spec: CheckoutSpec) -> CheckoutResult:
        assert spec.nonce == "n"
        return result

    return PodProgram("checkout", "SPEC", CheckoutSpec, CheckoutResult, run, summary=lambda _: "all well")


def test_the_result_is_the_record_and_its_code_the_exit_code(
    record: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    result = CheckoutResult(nonce="n", code=12, message="not there")
    assert run_program(a_program(result)) == 12
    assert CheckoutResult.model_validate_json(record.read_bytes()) == result
    assert capsys.readouterr().out == "checkout ends with 12: not there\n"


def test_a_result_without_a_message_is_summarised(record: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run_program(a_program(CheckoutResult(nonce="n", code=0)))
    assert capsys.readouterr().out == "checkout ends with 0: all well\n"


def test_what_the_program_starts_does_not_inherit_the_spec(
    record: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_program(a_program(CheckoutResult(nonce="n", code=0)))
    assert run_program(a_program(CheckoutResult(nonce="n", code=0))) == 90


def test_the_work_folder_is_deleted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SWEFOUNDRY_WORKDIR", str(tmp_path))
    with work_folder() as folder:
        (folder / "a").write_text("x")
        assert folder.parent == tmp_path
    assert list(tmp_path.iterdir()) == []


def test_texts_of_a_record_are_cut_in_order() -> None:
    result = BuildResult(nonce="n", code=42, message="m" * 3000, step="s" * 3000, tail="t" * 3000)
    cut = json.loads(truncate_to_fit(result, Cut("step"), Cut("message")))
    assert (cut["tail"], len(cut["message"]) < 1500, cut.get("step")) == ("t" * 3000, True, "")


@pytest.mark.parametrize("name", PROGRAMS)
def test_every_program_has_an_entry_point_without_arguments(name: str) -> None:
    assert callable(import_module(f"swefoundry.programs.{name}.__main__").main)
