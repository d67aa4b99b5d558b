"""The package as images install it: every file of the source, and a command for each program of a pod."""

import configparser
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "operator"
PROGRAMS = ("intake", "checkout", "leaks", "build", "agent")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    folder = tmp_path_factory.mktemp("wheel")
    options = ("--quiet", "--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir", str(folder))
    source = tmp_path_factory.mktemp("source")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    shutil.copytree(SOURCE, source / "operator", ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
    subprocess.run([sys.executable, "-m", "pip", "wheel", *options, str(source)], check=True)
    [path] = folder.iterdir()
    return zipfile.ZipFile(path)


def test_every_file_of_the_source_is_in_the_package(wheel: zipfile.ZipFile) -> None:
    files = {
        path.relative_to(SOURCE).as_posix()
        for path in (SOURCE / "swefoundry").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert files - set(wheel.namelist()) == set()


def test_every_program_of_a_pod_is_a_command(wheel: zipfile.ZipFile) -> None:
    [name] = [name for name in wheel.namelist() if name.endswith("entry_points.txt")]
    entry_points = configparser.ConfigParser()
    entry_points.read_string(wheel.read(name).decode())
    commands = dict(entry_points["console_scripts"])
    assert {
        f"swefoundry-{program}": f"swefoundry.programs.{program}.__main__:main" for program in PROGRAMS
    } == {name: commands[name] for name in (f"swefoundry-{program}" for program in PROGRAMS)}


def test_pods_start_these_commands() -> None:
    text = "\n".join(path.read_text() for path in (SOURCE / "swefoundry" / "workloads").rglob("*.py"))
    assert [program for program in PROGRAMS if f'"swefoundry-{program}"' not in text] == []
