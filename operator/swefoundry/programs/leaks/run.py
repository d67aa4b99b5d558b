"""A search for leaks from spec to result: terms, base tree, layers, findings."""

import asyncio
import json
import time
from collections import Counter
from pathlib import Path

from swefoundry.archives.archive_errors import ArchiveRejected
from swefoundry.contracts.exit_codes import ExitCode
from swefoundry.contracts.intake import PatchName
from swefoundry.contracts.leaks import FINDINGS_FILE, LeakFinding, LeaksResult, LeaksSpec
from swefoundry.errors import NotFound, SwefoundryError
from swefoundry.oci.artifacts import push_artifact
from swefoundry.oci.registry_client import RegistryClient
from swefoundry.oci.source_store import InvalidSource, fetch_source
from swefoundry.programs.infrastructure_result import MAX_MESSAGE_CHARACTERS, infrastructure_result
from swefoundry.programs.leaks.base_tree import BaseTree, read_base_tree
from swefoundry.programs.leaks.findings import findings, statement_finding
from swefoundry.programs.leaks.image_layers import PACKED_BYTES, image_layers
from swefoundry.programs.leaks.patch_terms import read_terms
from swefoundry.programs.leaks.scan import Scan

FINDINGS_IN_RESULT = 4
"""All of them are in the evidence; a termination message has 4096 bytes."""
_PATCH_BYTES = 64 << 20
_STATEMENT_BYTES = 1 << 20
_UNREAD_CHARACTERS = 400


async def run_leaks(spec: LeaksSpec, registry: RegistryClient, folder: Path) -> LeaksResult:
    """The result of a search in an empty folder; errors are results, too."""
    try:
        return await _run_leaks(spec, registry, folder)
    except (InvalidSource, ArchiveRejected) as error:
        message = str(error)[:MAX_MESSAGE_CHARACTERS]
        return LeaksResult(nonce=spec.nonce, code=ExitCode.SOURCE_MISMATCH, message=message)
    except (SwefoundryError, OSError) as error:
        return infrastructure_result(LeaksResult, spec.nonce, error)


async def _run_leaks(spec: LeaksSpec, registry: RegistryClient, folder: Path) -> LeaksResult:
    deadline = time.monotonic() + spec.seconds
    base = await _base_tree(spec, registry, folder)
    scan = Scan(base, deadline)
    if "gold" not in spec.patches:
        # Taken in by a release that did not keep the patches: nothing was searched for.
        scan.unread.append("the gold patch")
    await _read_layers(spec, registry, folder, scan)
    statement = await _statement(spec, registry, scan)
    found = [*statement_finding(statement, base.terms), *await asyncio.to_thread(findings, scan)]
    return LeaksResult(
        nonce=spec.nonce,
        code=ExitCode.OK,
        findings=found[:FINDINGS_IN_RESULT],
        counts=dict(Counter(each.kind for each in found if not each.of_tools)),
        of_tools=sum(each.of_tools for each in found),
        unread="; ".join(scan.unread)[:_UNREAD_CHARACTERS],
        layers=scan.layers,
        bytes=scan.unpacked_bytes,
        evidence=await _store(spec, registry, scan, found),
    )


async def _base_tree(spec: LeaksSpec, registry: RegistryClient, folder: Path) -> BaseTree:
    repo, archive = spec.place.repository, folder / "source.tar.gz"
    await fetch_source(registry, repo, spec.source, archive)
    patches: dict[PatchName, bytes] = {
        name: await registry.get_blob(repo, digest, _PATCH_BYTES) for name, digest in spec.patches.items()
    }
    terms = await asyncio.to_thread(read_terms, patches)
    base = await asyncio.to_thread(read_base_tree, archive, terms, spec.project, spec.versions)
    archive.unlink()
    return base


async def _read_layers(spec: LeaksSpec, registry: RegistryClient, folder: Path, scan: Scan) -> None:
    repo, archive = spec.place.repository, folder / "layer"
    for layer in await image_layers(registry, repo, spec.image):
        if layer.size > PACKED_BYTES:
            scan.skip(
                layer, f"it has {layer.size >> 20} MiB, more than the {PACKED_BYTES >> 20} that are read"
            )
            continue
        await registry.get_blob_to(repo, layer.digest, archive)
        await asyncio.to_thread(scan.read_layer, layer, archive)
        archive.unlink()


async def _statement(spec: LeaksSpec, registry: RegistryClient, scan: Scan) -> bytes:
    if spec.statement is None:
        return b""
    try:
        if spec.statement.blob is not None:
            return await registry.get_blob(spec.place.repository, spec.statement.blob, _STATEMENT_BYTES)
        return await asyncio.to_thread(Path(spec.statement.path or "").read_bytes)
    except (NotFound, FileNotFoundError):
        scan.unread.append(spec.statement.named or "the problem statement")
        return b""


async def _store(spec: LeaksSpec, registry: RegistryClient, scan: Scan, found: list[LeakFinding]) -> str:
    content = {
        "image": spec.image,
        "layers": scan.layers,
        "bytes": scan.unpacked_bytes,
        "unread": scan.unread,
        "searched": [{"kind": term.kind, "patch": term.patch, "line": term.line} for term in scan.base.terms],
        "findings": [each.to_json_dict() for each in found],
    }
    data = json.dumps(content, sort_keys=True, indent=1).encode()
    return await push_artifact(
        registry, spec.place.repository, "leaks", {FINDINGS_FILE: data}, subject=spec.image
    )
