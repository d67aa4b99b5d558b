"""How simulated pods end: a good instance, one that is rejected, or a fault of the cluster, by a seed."""

import asyncio
import random
from dataclasses import dataclass, field, replace

from control_plane.api_client import Json
from simulated.kubelet import FAULTS, ContainerEnd, nonce_of, spec_of
from simulated.scripted_pods import FAIL2PASS, ScriptedPods
from simulated.seeded_registry import SeededRegistry, seed_registry
from swefoundry.api import labels
from swefoundry.oci.registry_client import RegistryClient

MEASURED = {"cpuSeconds": 1.2, "peakMemoryBytes": 180 << 20, "writtenBytes": 1 << 20, "peakProcesses": 4}


@dataclass
class Outcomes:
    """The script of the simulated kubelet. An intake leaves its results in the registry, as a real one does."""

    registry: RegistryClient
    faults: float
    """Share of pods that a fault of the cluster ends."""
    rejected: float
    """Share of instances whose tests fail with the fix, too."""
    _limit: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(4))
    """Of intakes that write at a time: here one process writes for all of them."""
    _seeded: dict[str, SeededRegistry] = field(default_factory=dict)
    """By instance."""

    async def __call__(self, pod: Json) -> ContainerEnd:
        tags = pod["metadata"]["labels"]
        instance = tags[labels.OWNER]
        if random.Random(pod["metadata"]["name"]).random() < self.faults:
            return FAULTS["evicted"]
        if tags[labels.ROLE] == "intake":
            repository = spec_of(pod)["place"]["repository"]
            async with self._limit:
                self._seeded[instance] = await seed_registry(self.registry, repository, instance)
        # In a thread, because it packs a report as the runner does.
        end = await asyncio.to_thread(self._script(instance), pod)
        return replace(end, log=f"run {nonce_of(pod)[:8]}\n".encode() + end.log)

    def rejects(self, instance: str) -> bool:
        """Whether the instance's tests fail with the fix, too."""
        return random.Random(instance).random() < self.rejected

    def _script(self, instance: str) -> ScriptedPods:
        codes = FAIL2PASS | ({"after": 1} if self.rejects(instance) else {})
        return ScriptedPods(self._seeded[instance], exit_codes=codes, measured=MEASURED)
