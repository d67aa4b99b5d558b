"""A checkout from spec to result: fetch both trees, compare, push the layer."""

import asyncio
from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from swefoundry.archives.archive_errors import ArchiveRejected
from swefoundry.contracts.checkout import CheckoutResult, CheckoutSpec
from swefoundry.contracts.digests import Layer
from swefoundry.contracts.exit_codes import ExitCode
from swefoundry.errors import SwefoundryError
from swefoundry.oci.artifacts import ArtifactLayer, push_layers
from swefoundry.oci.content import OCI_LAYER
from swefoundry.oci.registry_client import RegistryClient
from swefoundry.oci.source_store import InvalidSource, fetch_source
from swefoundry.programs.checkout.layer import TreeChanges, WrittenLayer, compare_trees, write_layer
from swefoundry.programs.checkout.source_tree import UnusableSource, read_tree
from swefoundry.programs.infrastructure_result import MAX_MESSAGE_CHARACTERS, infrastructure_result


async def run_checkout(spec: CheckoutSpec, registry: RegistryClient, folder: Path) -> CheckoutResult:
    """The result of a checkout in an empty folder; errors are results, too."""
    try:
        return await _run_checkout(spec, registry, folder)
    except (InvalidSource, UnusableSource, ArchiveRejected) as error:
        message = str(error)[:MAX_MESSAGE_CHARACTERS]
        return CheckoutResult(nonce=spec.nonce, code=ExitCode.SOURCE_MISMATCH, message=message)
    except (SwefoundryError, OSError) as error:
        return infrastructure_result(CheckoutResult, spec.nonce, error)


async def _run_checkout(spec: CheckoutSpec, registry: RegistryClient, folder: Path) -> CheckoutResult:
    repo = spec.place.repository
    old, new, target = folder / "parent.tar.gz", folder / "source.tar.gz", folder / "layer.tar.gz"
    # Both are waited for, also when one fails: a download that goes on writes into a folder that is deleted by then.
    for error in await asyncio.gather(
        fetch_source(registry, repo, spec.parent, old),
        fetch_source(registry, repo, spec.source, new),
        return_exceptions=True,
    ):
        if error is not None:
            raise error
    changes, written = await asyncio.to_thread(_write_difference, old, new, target)
    digest, size = await registry.put_blob_file(repo, target)
    await push_layers(registry, repo, "checkout", [ArtifactLayer("layer.tar.gz", OCI_LAYER, digest, size)])
    return CheckoutResult(
        nonce=spec.nonce,
        code=ExitCode.OK,
        layer=Layer(digest=digest, size=size, diff_id=written.diff_id),
        added=changes.added,
        changed=changes.changed,
        removed=changes.deleted,
        stale=spec.watched is None or any(matches_any(path, spec.watched) for path in changes.files),
        bytes=written.bytes,
    )


def _write_difference(old: Path, new: Path, target: Path) -> tuple[TreeChanges, WrittenLayer]:
    tree = read_tree(new)
    changes = compare_trees(read_tree(old), tree)
    return changes, write_layer(changes, tree, new, target)


def matches_any(path: bytes, globs: Sequence[str]) -> bool:
    """Whether a path, or for a glob without a slash its name, matches one of the globs."""
    whole = path.decode("utf-8", "surrogateescape")
    name = whole.rpartition("/")[2]
    return any(fnmatchcase(whole if "/" in glob else name, glob) for glob in globs)
