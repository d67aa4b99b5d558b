"""A build step that blocks until the test opens a gate, so that no test depends on build times."""

import asyncio
import uuid
from dataclasses import dataclass, field

from swefoundry.oci.content import digest_of
from swefoundry.oci.registry_client import RegistryClient

REGISTRY_HOST = "127.0.0.1:5000"
"""Address of the lab's registry on this machine; pods use registry.lab:5000."""

REPOSITORY = "swefoundry-tests/gates"


@dataclass(frozen=True)
class BuildGate:
    """A blob that does not exist in the lab's registry yet. Build pods reach the registry, and busybox has wget."""

    content: bytes = field(default_factory=lambda: uuid.uuid4().bytes)

    @property
    def step(self) -> str:
        """A Dockerfile step that polls until the blob exists."""
        blob = f"http://registry.lab:5000/v2/{REPOSITORY}/blobs/{digest_of(self.content)}"
        return f"RUN until wget -q -O /dev/null {blob}; do sleep 1; done\n"

    def open(self) -> None:
        """Upload the blob, so that all waiting builds continue."""
        asyncio.run(self._open())

    async def _open(self) -> None:
        async with RegistryClient(REGISTRY_HOST, insecure=True) as registry:
            await registry.put_blob(REPOSITORY, self.content)
