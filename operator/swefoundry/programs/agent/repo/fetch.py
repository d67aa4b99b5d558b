"""Where is the source that agents read? Fetched from the registry and unpacked into the pod's own folder.

Agents only read it and nothing of it is run. Files come first and links last, so nothing is written through a link;
``.git`` is left out, because the clean tree's one commit says nothing.
"""

import asyncio
import os
import shutil
import tarfile
import zlib
from pathlib import Path

from swefoundry.contracts.digests import Digest
from swefoundry.oci.registry_client import RegistryClient
from swefoundry.oci.source_store import SOURCE_FILE, InvalidSource, fetch_source

UNPACKED_BYTES = 4 << 30
"""As for intakes, which made the tree."""
UNPACKED_FILES = 500_000


async def fetch_tree(registry: RegistryClient, repository: str, source: Digest, folder: Path) -> Path:
    """The tree's folder; everything in it may be hostile, links included."""
    archive, root = folder / SOURCE_FILE, folder / "source"
    await fetch_source(registry, repository, source, archive)
    try:
        await asyncio.to_thread(unpack, archive, root)
    except (tarfile.TarError, zlib.error, EOFError, ValueError) as error:
        raise InvalidSource(f"the source {source} cannot be unpacked: {error}") from error
    archive.unlink()
    return root


def unpack(archive: Path, root: Path, limit: int = UNPACKED_BYTES) -> None:
    """Unpack regular files, then symbolic links; anything else is left out, what leads out refuses the archive."""
    root.mkdir(parents=True)
    links: dict[Path, str] = {}
    written = 0
    with tarfile.open(archive, "r|gz", errors="surrogateescape") as tar:
        for number, member in enumerate(tar):
            if number >= UNPACKED_FILES:
                raise InvalidSource(f"the source has more than {UNPACKED_FILES} members")
            path = _member_path(root, member.name)
            if path is None:
                continue
            written += member.size
            if written > limit:
                raise InvalidSource(f"the source unpacks to more than {limit >> 20} MiB")
            _extract_member(tar, member, path, links)
    for path, target in links.items():
        # A link below a link would be made wherever the upper one leads.
        if links.keys().isdisjoint(path.parents) and not os.path.lexists(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            os.symlink(target, path)


def _member_path(root: Path, name: str) -> Path | None:
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if name.startswith("/") or ".." in parts or "\0" in name:
        raise InvalidSource(f"the source's {name!r} leads out of it")
    return root.joinpath(*parts) if parts and parts[0] != ".git" else None


def _extract_member(
    tar: tarfile.TarFile, member: tarfile.TarInfo, path: Path, links: dict[Path, str]
) -> None:
    if member.isdir():
        path.mkdir(parents=True, exist_ok=True)
    elif member.issym():
        links[path] = member.linkname
    elif member.isreg():
        path.parent.mkdir(parents=True, exist_ok=True)
        content = tar.extractfile(member)
        if content is None:
            raise InvalidSource(f"the source's {member.name!r} has no content")
        with content, path.open("wb") as handle:
            shutil.copyfileobj(content, handle)
