"""Harness for intakes: a repository, patches, a spec, and the stages that an intake leaves in the registry."""

import gzip
import itertools
import json
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from swefoundry.contracts.digests import Layer
from swefoundry.contracts.intake import GitOrigin, IntakeResult, IntakeSpec, Origin, PatchSource
from swefoundry.contracts.registry_location import RegistryLocation
from swefoundry.contracts.stages import Stage
from swefoundry.oci.content import digest_of
from swefoundry.oci.deterministic_tar import RegularFile, TarNode
from swefoundry.oci.registry_client import RegistryClient
from swefoundry.programs.intake.intake_result import run_intake_to_result
from swefoundry.programs.intake.limits import RetryPolicy
from swefoundry.programs.intake.workspace import Workspace
from unit.oci import layer_rules
from unit.programs.intake.git_server import Server
from unit.programs.intake.repositories import Repository

RUNNER = b"\x7fELF a runner"
CLOCK_LIBRARY = b"\x7fELF a library"
QUICK = RetryPolicy(attempts=3, first_pause_seconds=0.01)
_numbers = itertools.count()


@dataclass
class IntakeHarness:
    hub: Server
    registry: RegistryClient
    folder: Path
    repo: str = field(default_factory=lambda: f"tasks/owner/name{next(_numbers)}")

    def repository(self, name: str = "") -> Repository:
        name = name or f"repository{next(_numbers)}"
        return Repository.start(self.folder / name, self.hub.root / f"{name}.git")

    def origin(self, repository: Repository, commit: str, **fields: Any) -> GitOrigin:
        name = repository.served.relative_to(self.hub.root)
        return GitOrigin(url=f"{self.hub.url}/{name}", commit=commit, **fields)

    async def run_intake(
        self,
        origin: Origin,
        test: bytes | None = None,
        gold: bytes | None = None,
        version: str | None = None,
        mutants: bool | None = None,
        later_clock: bool | None = None,
    ) -> IntakeResult:
        spec = IntakeSpec(
            nonce="n",
            place=RegistryLocation(registry=self.registry.host, insecure=True, repository=self.repo),
            origin=origin,
            test_patch=await self._patch(test),
            gold_patch=await self._patch(gold),
            version=version,
            mutants=mutants,
            later_clock=later_clock,
        )
        return await run_intake_to_result(spec, self.registry, self.workspace(), progress=lambda line: None)

    def workspace(self) -> Workspace:
        folder = self.folder / f"work{next(_numbers)}"
        folder.mkdir()
        runner = self.folder / "runner"
        runner.write_bytes(RUNNER)
        library = self.folder / "libfaketime.so.1"
        library.write_bytes(CLOCK_LIBRARY)
        return Workspace(folder, runner, QUICK, library)

    async def _patch(self, patch: bytes | None) -> PatchSource | None:
        return None if patch is None else PatchSource(blob=await self.registry.put_blob(self.repo, patch))

    async def source(self, record: IntakeResult) -> bytes:
        assert record.source is not None, record
        manifest = await self.registry.get_manifest(self.repo, record.source)
        [layer] = manifest.content["layers"]
        return await self.registry.get_blob(self.repo, layer["digest"], 1 << 30)

    async def unpacked(self, record: IntakeResult, target: Path) -> Path:
        """The clean tree on disk again."""
        packed = self.folder / f"source{next(_numbers)}.tar.gz"
        packed.write_bytes(await self.source(record))
        with tarfile.open(packed) as tar:
            tar.extractall(target, filter="fully_trusted")
        return target

    async def stage(self, record: IntakeResult, stage: Stage) -> Mapping[bytes, TarNode]:
        """What an evaluation of the stage sees under /testbed, .git left out: the image's tree and the layer on it."""
        assert record.code == 0, record.message
        return await self.tree_with(record, record.layers[stage])

    async def tree_with(self, record: IntakeResult, layer: Layer) -> Mapping[bytes, TarNode]:
        """The same with the layer of a stage or of a mutant."""
        image = {
            b"testbed/" + path: node
            for path, node, _ in layer_rules.entries(await self.source(record))
            if path != b".git" and not path.startswith(b".git/")
        }
        data = await self.registry.get_blob(self.repo, layer.digest, layer.size)
        assert digest_of(gzip.decompress(data)) == layer.diff_id
        tree = layer_rules.apply(data, image)
        assert tree[b".swefoundry/runner"] == RegularFile(RUNNER, executable=True)
        return layer_rules.files_of(tree, b"testbed")

    async def facts(self, record: IntakeResult) -> dict[str, Any]:
        assert record.facts is not None, record
        facts: dict[str, Any] = json.loads(await self.registry.get_blob(self.repo, record.facts, 8 << 20))
        return facts
