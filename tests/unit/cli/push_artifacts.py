"""Puts artifacts into a test's registry, as the operator would."""

import asyncio

from swefoundry.oci.artifacts import push_artifact
from swefoundry.oci.registry_client import RegistryClient


def push_files(host: str, repository: str, kind: str, files: dict[str, bytes]) -> str:
    async def pushed() -> str:
        async with RegistryClient(host, insecure=True) as registry:
            return await push_artifact(registry, repository, kind, files)

    return asyncio.run(pushed())
