from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio

from swefoundry.store.registry import Registry
from unit.store import registry_server


@pytest.fixture(scope="session")
def registry_host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    if registry_server.program() is None:
        pytest.skip(registry_server.MISSING)
    with registry_server.serving(tmp_path_factory.mktemp("registry")) as running:
        yield running.host


@pytest_asyncio.fixture
async def registry(registry_host: str) -> AsyncIterator[Registry]:
    async with Registry(registry_host, insecure=True) as opened:
        yield opened
