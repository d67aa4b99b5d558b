"""Fixtures: a world around the registry that all tests share, with content in it."""

from collections.abc import AsyncIterator

import pytest_asyncio

from simulated.api_server import ApiServer, serving
from simulated.seeded_registry import Front, Shelf, filled, fronting
from simulated.stepping_operator import a_world
from swefoundry.oci.registry_client import Registry
from swefoundry.workloads.context import ReconcileContext


@pytest_asyncio.fixture(scope="session")
async def shelf(registry_host: str) -> Shelf:
    async with Registry(registry_host, insecure=True) as registry:
        return await filled(registry)


@pytest_asyncio.fixture(scope="session")
async def front(registry_host: str) -> AsyncIterator[Front]:
    async with fronting(registry_host) as running:
        yield running


@pytest_asyncio.fixture
async def context(server: ApiServer, registry_host: str) -> AsyncIterator[ReconcileContext]:
    async with Registry(registry_host, insecure=True) as registry:
        made = a_world(server, registry)
        yield made
        await made.kube.close()


@pytest_asyncio.fixture
async def server() -> AsyncIterator[ApiServer]:
    async with serving() as running:
        yield running
