"""Make a clean tree of each kind of origin, and store it in the registry."""

import asyncio
from dataclasses import dataclass, field
from pathlib import Path

from swefoundry.archives.archive_errors import ArchiveRejected
from swefoundry.archives.archive_limits import FOREIGN_LIMITS
from swefoundry.archives.archive_policy import SOURCE_POLICY, ExtractPolicy
from swefoundry.archives.extract import extract
from swefoundry.contracts.digests import Digest
from swefoundry.contracts.intake import ArchiveOrigin, ArtifactOrigin, GitOrigin, IntakeSpec
from swefoundry.oci.deterministic_tar import pack_folder
from swefoundry.oci.registry_client import RegistryClient
from swefoundry.oci.source_store import SOURCE_FILE, InvalidSource, fetch_source, push_source
from swefoundry.programs.intake.cleantree import (
    CleanTree,
    TreeAddition,
    from_commit,
    from_folder,
    from_source,
)
from swefoundry.programs.intake.commits import fetch_commit, read_token
from swefoundry.programs.intake.download import download_archive
from swefoundry.programs.intake.intake_errors import source_mismatch
from swefoundry.programs.intake.lfs import LfsFetcher, pointers_of
from swefoundry.programs.intake.remotes import remote
from swefoundry.programs.intake.submodules import SubmoduleFetcher, gitlinks
from swefoundry.programs.intake.unfetched import UnfetchedContent
from swefoundry.programs.intake.workspace import Workspace, remove


@dataclass(frozen=True)
class FurtherContent:
    """What fetches content that a commit names only; None where the manifest does not ask for it."""

    submodules: SubmoduleFetcher | None = None
    lfs: LfsFetcher | None = None

    @property
    def additions(self) -> list[TreeAddition]:
        """Git LFS first: pointers of submodules are on another server, and stay."""
        return [
            *([self.lfs.fetch_all] if self.lfs else []),
            *([self.submodules.embed_all] if self.submodules else []),
        ]


@dataclass(frozen=True)
class StoredSource:
    """A clean tree on disk and in the registry."""

    tree: CleanTree
    digest: Digest
    commit: str
    """The one that was fetched from git; for archives the clean tree's own."""
    further: FurtherContent = field(default_factory=FurtherContent)
    unfetched: UnfetchedContent = field(default_factory=UnfetchedContent)


async def prepare_source(spec: IntakeSpec, registry: RegistryClient, workspace: Workspace) -> StoredSource:
    """Fetch the spec's origin, make the clean tree, and store it."""
    match spec.origin:
        case GitOrigin() as origin:
            fetched = await fetch_commit(origin, workspace.folder, workspace.retry)
            further = await _further_content(origin, workspace)
            root = workspace.folder / "tree"
            tree = await from_commit(fetched.git, fetched.commit, root, fetched.tag, further.additions)
            await asyncio.to_thread(remove, fetched.git.folder)
            digest = await _store_tree(tree, spec, registry, workspace)
            return StoredSource(tree, digest, origin.commit, further, await _unfetched(tree))
        case ArchiveOrigin() as origin:
            archive = workspace.folder / "archive"
            await download_archive(origin, archive, workspace.retry)
            await asyncio.to_thread(
                extract_download, archive, workspace.folder / "tree", origin.strip_components
            )
            await asyncio.to_thread(remove, archive)
            tree = await from_folder(workspace.folder / "tree", spec.version)
            digest = await _store_tree(tree, spec, registry, workspace)
            return StoredSource(tree, digest, tree.commit, unfetched=await _unfetched(tree))
        case ArtifactOrigin(digest=digest):
            tree = await _unpack_stored(digest, spec.place.repository, registry, workspace.folder)
            return StoredSource(tree, digest, tree.commit, unfetched=await _unfetched(tree))


async def _further_content(origin: GitOrigin, workspace: Workspace) -> FurtherContent:
    token, folder, retry = await read_token(origin), workspace.folder, workspace.retry
    return FurtherContent(
        SubmoduleFetcher(origin.url, token, folder, retry, origin.mirrors) if origin.submodules else None,
        LfsFetcher(remote(origin.url, token, origin.mirrors), folder, retry) if origin.lfs else None,
    )


async def _unfetched(tree: CleanTree) -> UnfetchedContent:
    return UnfetchedContent(
        frozenset(await gitlinks(tree.git, "HEAD")), frozenset(await pointers_of(tree.git, "HEAD"))
    )


async def _store_tree(
    tree: CleanTree, spec: IntakeSpec, registry: RegistryClient, workspace: Workspace
) -> Digest:
    packed = workspace.folder / SOURCE_FILE
    await asyncio.to_thread(pack_folder, tree.root, packed)
    digest = await push_source(registry, spec.place.repository, packed)
    await asyncio.to_thread(remove, packed)
    return digest


async def _unpack_stored(digest: Digest, repo: str, registry: RegistryClient, folder: Path) -> CleanTree:
    packed = folder / SOURCE_FILE
    try:
        await fetch_source(registry, repo, digest, packed)
    except InvalidSource as error:
        raise source_mismatch(str(error)) from error
    await asyncio.to_thread(extract_source, packed, folder / "tree")
    await asyncio.to_thread(remove, packed)
    return await from_source(folder / "tree")


def extract_download(archive: Path, root: Path, strip_components: int) -> None:
    """Extract an archive of somebody else's; .git folders in it are left out, because the clean tree gets its own."""
    try:
        extract(archive, root, ExtractPolicy(FOREIGN_LIMITS, strip_components=strip_components))
    except ArchiveRejected as error:
        raise source_mismatch(str(error)) from error


def extract_source(archive: Path, root: Path) -> None:
    """Extract a clean tree of our own with its .git; its links are as git had them and may lead anywhere."""
    try:
        extract(archive, root, SOURCE_POLICY)
    except ArchiveRejected as error:
        raise source_mismatch(f"the source artifact is no clean tree: {error}") from error
