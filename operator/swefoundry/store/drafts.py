"""How is a draft stored? An artifact with one file; known by the digest of the file's blob."""

from swefoundry.domain.drafts import Draft
from swefoundry.domain.layers import Digest
from swefoundry.store.artifacts import push_file
from swefoundry.store.registry import Registry

DRAFT_FILE = "draft.json"


async def push_draft(registry: Registry, repo: str, draft: Draft) -> Digest:
    """Store a draft; equal drafts have equal digests."""
    return await push_file(registry, repo, "draft", DRAFT_FILE, draft.stored())
