"""Fixtures: a reconcile context, a simulated API server, and the shared registry with content."""

from collections.abc import AsyncIterator

import pytest_asyncio

from simulated.api_server import ApiServer, running_api_server
from simulated.seeded_registry import RegistryProxy, SeededRegistry, running_proxy, seed_registry
from simulated.stepping_operator import make_context
from swefoundry.controllers.envbuild.search_coordination import EnvBuildContext
from swefoundry.oci.registry_client import RegistryClient


@pytest_asyncio.fixture(scope="session")
async def seeded(registry_host: str) -> SeededRegistry:
    async with RegistryClient(registry_host, insecure=True) as registry:
        return await seed_registry(registry)


@pytest_asyncio.fixture(scope="session")
async def proxy(registry_host: str) -> AsyncIterator[RegistryProxy]:
    async with running_proxy(registry_host) as running:
        yield running


@pytest_asyncio.fixture
async def context(server: ApiServer, registry_host: str) -> AsyncIterator[EnvBuildContext]:
    async with RegistryClient(registry_host, insecure=True) as registry:
        context = make_context(server, registry)
        yield context
        await context.kube.close()


@pytest_asyncio.fixture
async def server() -> AsyncIterator[ApiServer]:
    async with running_api_server() as running:
        yield running
