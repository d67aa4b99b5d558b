"""Read both patches of an intake from the registry or from mounted files."""

import asyncio
from pathlib import Path

from swefoundry.contracts.exit_codes import ExitCode
from swefoundry.contracts.intake import GitOrigin, IntakeSpec, PatchName, PatchSource
from swefoundry.contracts.stages import Stage
from swefoundry.errors import NotFound
from swefoundry.oci.registry_client import RegistryClient
from swefoundry.patches.rules import both_add, submodule_refusal
from swefoundry.programs.intake.intake_errors import IntakeRejected, missing_source
from swefoundry.programs.intake.limits import PATCH_BYTES
from swefoundry.programs.intake.patches import ReadPatch, read_patch


async def read_patches(spec: IntakeSpec, registry: RegistryClient) -> dict[Stage, ReadPatch | None]:
    """The patch that makes each stage of the one before it, in their order; None where the spec has none."""
    repo = spec.place.repository
    test = await _read("test", ExitCode.TEST_PATCH_REFUSED, spec.test_patch, repo, registry)
    gold = await _read("gold", ExitCode.GOLD_PATCH_REFUSED, spec.gold_patch, repo, registry)
    if test and gold and (message := both_add(test.parsed, gold.parsed)) is not None:
        raise IntakeRejected(gold.code, f"the gold patch does not apply after the test patch: {message}")
    submodules = isinstance(spec.origin, GitOrigin) and spec.origin.submodules
    for patch in filter(None, (test, gold)):
        if (message := submodule_refusal(patch.parsed, submodules)) is not None:
            raise IntakeRejected(ExitCode.SUBMODULES_REQUIRED, f"the {patch.name} patch {message}")
    return {Stage.BEFORE: test, Stage.AFTER: gold}


async def _read(
    name: PatchName, code: ExitCode, location: PatchSource | None, repo: str, registry: RegistryClient
) -> ReadPatch | None:
    if location is None:
        return None
    try:
        if location.blob is not None:
            data = await registry.get_blob(repo, location.blob, PATCH_BYTES)
        elif location.path is not None:
            data = await asyncio.to_thread(Path(location.path).read_bytes)
        else:
            raise IntakeRejected(code, f"the spec does not say where the {name} patch is")
    except (NotFound, FileNotFoundError) as error:
        raise missing_source(location.named or f"the {name} patch") from error
    return await asyncio.to_thread(read_patch, name, code, data)
