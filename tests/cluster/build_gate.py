"""Builds that wait until the test lets them go on, however fast or slow the machine is."""

import asyncio
import uuid
from dataclasses import dataclass, field

from swefoundry.oci.content import digest_of
from swefoundry.oci.registry_client import RegistryClient

REGISTRY_HOST = "127.0.0.1:5000"
"""The lab's registry as this machine reaches it; pods call it registry.lab:5000."""

REPOSITORY = "swefoundry-tests/gates"


@dataclass(frozen=True)
class BuildGate:
    """A blob of the lab's registry that is not there yet: builds reach the registry, and busybox has wget."""

    content: bytes = field(default_factory=lambda: uuid.uuid4().bytes)

    @property
    def step(self) -> str:
        """A step of a Dockerfile that ends when the gate is open."""
        blob = f"http://registry.lab:5000/v2/{REPOSITORY}/blobs/{digest_of(self.content)}"
        return f"RUN until wget -q -O /dev/null {blob}; do sleep 1; done\n"

    def open(self) -> None:
        """Let all builds through."""
        asyncio.run(self._open())

    async def _open(self) -> None:
        async with RegistryClient(REGISTRY_HOST, insecure=True) as registry:
            await registry.put_blob(REPOSITORY, self.content)
