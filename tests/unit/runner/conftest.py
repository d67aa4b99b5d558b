"""One build of the runner for all tests of this folder, and a fresh box for each."""

import shutil
import subprocess
from pathlib import Path

import pytest

from unit.runner.runner_box import Box

SOURCE = Path(__file__).parents[3] / "images" / "runner"


@pytest.fixture(scope="session")
def runner_source() -> Path:
    if shutil.which("go") is None:
        pytest.skip("no Go on PATH")
    return SOURCE


@pytest.fixture(scope="session")
def runner_binary(runner_source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    binary = tmp_path_factory.mktemp("runner") / "runner"
    subprocess.run(["make", "-s", "-C", runner_source, f"OUTPUT={binary}"], check=True)
    return binary


@pytest.fixture
def box(runner_binary: Path, tmp_path: Path) -> Box:
    tmp_path.chmod(0o755)
    return Box(runner_binary, tmp_path)
