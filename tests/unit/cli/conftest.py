from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from simulated.api_server import ApiServer
from simulated.background_server import background_api_server
from swefoundry.cli.app import app
from unit.oci import registry_server

Run = Callable[..., Result]


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No test may touch the user's cluster, registry or credentials."""
    for name in ("REGISTRY", "REGISTRY_INSECURE", "REGISTRY_PREFIX", "NAMESPACE"):
        monkeypatch.delenv(f"SWEFOUNDRY_{name}", raising=False)
    use_kubeconfig(monkeypatch, tmp_path / "no-kubeconfig")
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "no-docker"))
    monkeypatch.setenv("COLUMNS", "200")


@pytest.fixture
def run() -> Run:
    """The program, as a user types it."""
    return lambda *words: CliRunner().invoke(app, [str(word) for word in words])


@pytest.fixture
def api(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ApiServer]:
    """A Kubernetes API server that answers lists in pages of two."""
    kubeconfig = tmp_path / "kubeconfig"
    with background_api_server(kubeconfig) as server:
        server.page = 2
        use_kubeconfig(monkeypatch, kubeconfig)
        yield server


@pytest.fixture
def server(tmp_path: Path) -> Iterator[registry_server.Server]:
    folder = tmp_path / "registry"
    folder.mkdir()
    with registry_server.serving(folder) as running:
        yield running


def use_kubeconfig(monkeypatch: pytest.MonkeyPatch, path: Path) -> None:
    """The client library looks at the variable when it is imported, and never again."""
    monkeypatch.setenv("KUBECONFIG", str(path))
    monkeypatch.setattr("kubernetes.aio.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION", str(path))
