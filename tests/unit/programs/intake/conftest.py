from collections.abc import Iterator
from pathlib import Path

import pytest

from swefoundry.oci.registry_client import RegistryClient
from unit.programs.intake import git_server
from unit.programs.intake.intake_harness import IntakeHarness


@pytest.fixture(scope="session")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[git_server.Server]:
    with git_server.serving(tmp_path_factory.mktemp("hub")) as running:
        yield running


@pytest.fixture
def harness(hub: git_server.Server, registry: RegistryClient, tmp_path: Path) -> IntakeHarness:
    return IntakeHarness(hub, registry, tmp_path)
