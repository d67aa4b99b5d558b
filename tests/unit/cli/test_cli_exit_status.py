"""How the program ends."""

import json

import pytest

from swefoundry import errors
from swefoundry.cli.app import EPILOG
from swefoundry.cli.exit_status import ExitStatus, exit_status_for
from unit.cli.conftest import Run


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.ApiUnavailable("x"), 3),
        (errors.NoCluster("x"), 3),
        (errors.RegistryUnavailable("x"), 4),
        (errors.PackageIndexUnavailable("x"), 4),
        (errors.ApiRefused("x"), 5),
        (errors.RegistryRefused("x"), 5),
        (errors.ApiConflict("x"), 5),
        (errors.NotFound("x"), 6),
        (errors.PermanentError("x"), 5),
    ],
)
def test_each_error_has_its_exit_code(error: errors.SwefoundryError, code: int) -> None:
    assert exit_status_for(error) == code


def test_help_lists_every_exit_code(run: Run) -> None:
    assert run("--help").exit_code == 0
    assert all(str(int(code)) in EPILOG for code in ExitStatus if code is not ExitStatus.INTERRUPTED)


def test_wrong_usage_is_exit_code_2(run: Run) -> None:
    assert run("nonsense").exit_code == 2
    assert run("import", "/does/not/exist").exit_code == 2


def test_every_command_explains_itself(run: Run) -> None:
    for words in (
        ("lint",),
        ("import",),
        ("collect", "releases"),
        ("status",),
        ("why",),
        ("export",),
        ("version",),
    ):
        done = run(*words, "--help")
        assert done.exit_code == 0
        assert "Usage:" in done.output


def test_version(run: Run) -> None:
    assert run("version").stdout.startswith("swefoundry ")
    assert json.loads(run("version", "-o", "json").stdout)["api"] == "swefoundry.dev/v1alpha1"
