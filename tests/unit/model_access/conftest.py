import uuid
from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio

from swefoundry.store.registry import Registry
from unit.store import registry_server


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[registry_server.Server]:
    if registry_server.program() is None:
        pytest.skip(registry_server.MISSING)
    with registry_server.serving(tmp_path_factory.mktemp("registry")) as running:
        yield running


@pytest_asyncio.fixture
async def registry(server: registry_server.Server) -> AsyncIterator[Registry]:
    async with Registry(server.host, insecure=True) as opened:
        yield opened


@pytest.fixture
def conversation() -> str:
    """A conversation of this test alone: turns of others are not found."""
    return str(uuid.uuid4())
