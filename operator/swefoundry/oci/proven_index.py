"""Store and list proven environments in the registry, by tags that are only added.

::

    env-<image, 32 hex>                                  one proven environment; its record is an annotation
    draft-<image, 32 hex>                                the same, imported without its image: a reference
    trial-<image, 16 hex>-<EnvBuild UID, 12 hex>-ok|no   one reuse of it, and whether the probe accepted it

Nothing is read, changed and written back, so EnvBuilds that end at the same moment lose nothing of each other; writing
the same again changes nothing. Reading takes one listing of tags and, for each environment not yet cached, one
manifest.
"""

import asyncio
import re
from collections.abc import Iterable, Mapping, MutableMapping

from pydantic import ValidationError

from swefoundry.contracts.digests import Digest
from swefoundry.contracts.draft import Draft
from swefoundry.drafts.proven_environment import (
    EnvironmentRecord,
    ProvenEnvironment,
    ReuseStats,
    with_built_images,
)
from swefoundry.errors import NotFound
from swefoundry.oci.artifacts import push_artifact
from swefoundry.oci.draft_store import DRAFT_FILE
from swefoundry.oci.registry_client import RegistryClient

ENVIRONMENT_KIND = "environment"
TRIAL_KIND = "trial"
RECORD_ANNOTATION = "dev.swefoundry.known"
"""Annotation with the record: it takes one request to read, where a blob would take two."""
TRIAL_ANNOTATION = "dev.swefoundry.trial"
CONCURRENT_READS = 16
"""Most records that are read at the same time."""

_ENV, _DRAFT = "env-", "draft-"
_TRIAL = re.compile(r"trial-([0-9a-f]{16})-([0-9A-Za-z]{1,12})-(ok|no)")

RecordCache = MutableMapping[tuple[str, str], EnvironmentRecord | None]
"""Records by repository and tag, cached because they never change; None for one that cannot be read."""


async def push_environment_record(
    registry: RegistryClient, repo: str, known: EnvironmentRecord, draft: Draft, reference: bool = False
) -> Digest:
    """Store a proven environment.

    The first record of an image stays. ``reference``: its image is not in this registry.
    """
    tag = draft_tag(known.image) if reference else env_tag(known.image)
    try:
        return (await registry.get_manifest(repo, tag)).digest
    except NotFound:
        record = {RECORD_ANNOTATION: known.to_json()}
        return await push_artifact(
            registry, repo, ENVIRONMENT_KIND, {DRAFT_FILE: draft.to_bytes()}, tag=tag, annotations=record
        )


async def record_trial(registry: RegistryClient, repo: str, image: Digest, uid: str, accepted: bool) -> None:
    """Store whether the EnvBuild with ``uid`` accepted an image; storing it again changes nothing."""
    tag = trial_tag(image, uid, accepted)
    # Each with content of its own: registries are not safe against one content pushed twice at the same moment.
    await push_artifact(registry, repo, TRIAL_KIND, {}, tag=tag, annotations={TRIAL_ANNOTATION: tag})


async def list_environments(
    registry: RegistryClient, repo: str, cache: RecordCache
) -> list[ProvenEnvironment]:
    """Return every environment that was proven for a repository, with the results of its reuses."""
    tags = await registry.list_tags(repo)
    record_tags = _record_tags(tags)
    missing = [tag for tag in record_tags if (repo, tag) not in cache]
    for start in range(0, len(missing), CONCURRENT_READS):
        some = missing[start : start + CONCURRENT_READS]
        records = await asyncio.gather(*(_read_record(registry, repo, tag) for tag in some))
        cache.update({(repo, tag): known for tag, known in zip(some, records, strict=True)})
    stats = reuse_stats_by_image(tags)
    here = [known for tag in record_tags if tag.startswith(_ENV) and (known := cache[repo, tag]) is not None]
    away = [
        known for tag in record_tags if tag.startswith(_DRAFT) and (known := cache[repo, tag]) is not None
    ]
    return [
        item.model_copy(update={"trials": stats.get(_short(item.parent.image), ReuseStats())})
        for item in (
            *with_built_images(here),
            *(ProvenEnvironment(known=known, reference=True) for known in away),
        )
    ]


def _record_tags(tags: Iterable[str]) -> list[str]:
    """Return the tags of all records; a reference whose image was added later no longer counts."""
    listed = set(tags)
    here = {tag for tag in listed if tag.startswith(_ENV)}
    away = {tag for tag in listed if tag.startswith(_DRAFT) and _ENV + tag.removeprefix(_DRAFT) not in here}
    return [*sorted(here), *sorted(away)]


async def _read_record(registry: RegistryClient, repo: str, tag: str) -> EnvironmentRecord | None:
    try:
        manifest = await registry.get_manifest(repo, tag)
        return EnvironmentRecord.model_validate_json(
            manifest.content.get("annotations", {}).get(RECORD_ANNOTATION, "")
        )
    except (NotFound, ValidationError):  # removed meanwhile; or written by somebody else
        return None


def reuse_outcomes(tags: Iterable[str], image: Digest) -> dict[str, bool]:
    """Return, by EnvBuild (12 hex digits of its UID), whether its probe accepted the image."""
    trials = [match for tag in tags if (match := _TRIAL.fullmatch(tag)) and match[1] == _short(image)]
    return {each[2]: any(other[2] == each[2] and other[3] == "ok" for other in trials) for each in trials}


def reuse_stats_by_image(tags: Iterable[str]) -> Mapping[str, ReuseStats]:
    """Return how often each image (16 hex digits) was reused; an EnvBuild with both results counts as accepted."""
    accepted_by_trial: dict[tuple[str, str], bool] = {}
    for tag in tags:
        match = _TRIAL.fullmatch(tag)
        if match:
            key = (match[1], match[2])
            accepted_by_trial[key] = accepted_by_trial.get(key, False) or match[3] == "ok"
    counted: dict[str, ReuseStats] = {}
    for (image, _), accepted in accepted_by_trial.items():
        old = counted.get(image, ReuseStats())
        counted[image] = ReuseStats(accepted=old.accepted + accepted, refused=old.refused + (not accepted))
    return counted


def env_tag(image: Digest) -> str:
    """Return the tag of an image's record."""
    return f"{_ENV}{_hex(image)[:32]}"


def draft_tag(image: Digest) -> str:
    """Return the tag of the record of an image that is not in this registry."""
    return f"{_DRAFT}{_hex(image)[:32]}"


def trial_tag(image: Digest, uid: str, accepted: bool) -> str:
    """Return the tag of one reuse of an image."""
    return f"trial-{_short(image)}-{uid.replace('-', '')[:12]}-{'ok' if accepted else 'no'}"


def _short(image: Digest) -> str:
    return _hex(image)[:16]


def _hex(image: Digest) -> str:
    return image.removeprefix("sha256:")
