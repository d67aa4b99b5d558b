"""Store a draft as an artifact with one file, identified by the digest of the file's blob."""

from swefoundry.contracts.digests import Digest
from swefoundry.contracts.draft import Draft
from swefoundry.oci.artifacts import push_file
from swefoundry.oci.registry_client import RegistryClient

DRAFT_FILE = "draft.json"


async def push_draft(registry: RegistryClient, repo: str, draft: Draft) -> Digest:
    """Store a draft and return its digest; equal drafts have equal digests."""
    return await push_file(registry, repo, "draft", DRAFT_FILE, draft.to_bytes())
