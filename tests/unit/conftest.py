"""Unit tests see no settings of the person who runs them; the ban on real models stays. A real registry serves all that
want one: each test has repositories of its own in it.
"""

import os
from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio

from swefoundry.oci.registry_client import RegistryClient
from unit.oci import registry_server

for name in [name for name in os.environ if name.startswith("SWEFOUNDRY_")]:
    if name != "SWEFOUNDRY_NO_REAL_MODELS":
        del os.environ[name]


@pytest.fixture(scope="session")
def shared_registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[registry_server.Server]:
    with registry_server.serving(tmp_path_factory.mktemp("registry")) as running:
        yield running


@pytest.fixture(scope="session")
def registry_host(shared_registry: registry_server.Server) -> str:
    return shared_registry.host


@pytest_asyncio.fixture
async def registry(registry_host: str) -> AsyncIterator[RegistryClient]:
    async with RegistryClient(registry_host, insecure=True) as client:
        yield client
