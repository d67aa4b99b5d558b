"""The command line: which scripts it accepts, and that its log has no secret."""

import os
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from swefoundry.api.codegen.crds import ROOT
from unit.oci.registry_server import free_port

COMMAND = [sys.executable, "-m", "scripted_model"]
SCRIPT = "models: {small: {}}\nrules: [{name: hello, then: {text: hello}}]\n"


def environment() -> dict[str, str]:
    return {
        **os.environ,
        "PYTHONPATH": str(ROOT / "images/scripted-model"),
        "PYTHONUNBUFFERED": "1",
        "COLUMNS": "200",
    }


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *arguments], env=environment(), capture_output=True, text=True, timeout=300, check=False
    )


@pytest.mark.parametrize("command", ["", "serve", "record", "check"])
def test_every_command_has_help(command: str) -> None:
    ended = run(*command.split(), "--help")
    assert (ended.returncode, "Usage: scripted-model" in ended.stdout) == (0, True)


def test_a_valid_script_is_accepted(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(SCRIPT)
    assert run("check", str(tmp_path)).stdout == "a: 1 rules, models small\n"


def test_an_invalid_script_gives_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("rules: [{name: x}]")
    for command in (["check", str(tmp_path)], ["serve", "--script", str(tmp_path / "a.yaml")]):
        ended = run(*command)
        assert (ended.returncode, ended.stderr) == (1, "Error: a.yaml: rules.0.then: Field required.\n")
    assert run("check", str(tmp_path / "none.yaml")).stderr.endswith(
        "cannot be read: No such file or directory.\n"
    )


def test_it_serves_a_folder_and_logs_requests_without_keys(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(SCRIPT)
    (tmp_path / "key").write_text("secret-key\n")
    port = free_port()
    command = [
        *COMMAND,
        "serve",
        "--script",
        str(tmp_path),
        "--port",
        str(port),
        "--key-file",
        str(tmp_path / "key"),
    ]
    with subprocess.Popen(command, env=environment(), stdout=subprocess.PIPE, text=True) as serving:
        try:
            wait_for(f"http://127.0.0.1:{port}/healthz")
            body = {
                "model": "small",
                "messages": [{"role": "system", "content": "You are the Test Analyst of swefoundry."}],
            }
            for key in ("secret-key", "wrong-key"):
                httpx.post(
                    f"http://127.0.0.1:{port}/v1/chat/completions",
                    json=body,
                    headers={"Authorization": f"Bearer {key}"},
                )
        finally:
            serving.terminate()
            log, _ = serving.communicate(timeout=120)
    assert (
        "#1 analyst asks small, turn 0: 200, 13 tokens; rule `a: hello`\na request with a wrong key\n" in log
    )
    assert "secret-key" not in log and "wrong-key" not in log.replace("with a wrong key", "")


def wait_for(url: str) -> None:
    for _ in range(300):
        try:
            assert httpx.get(url, timeout=5).status_code == 200
            return
        except httpx.TransportError:
            time.sleep(0.1)
    raise AssertionError(f"{url} does not answer")
