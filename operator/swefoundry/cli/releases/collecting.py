"""Collection of one pair of releases: OLD's archive is the source, the changes to NEW are fix and tests."""

import asyncio
import re
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from pathlib import Path

from swefoundry.cli.datasets.instance import Instance
from swefoundry.cli.releases.describing import problem_statement, repository_name
from swefoundry.cli.releases.index import ComposedArchive, PackageIndex
from swefoundry.cli.releases.pairs import ReleasePair
from swefoundry.cli.releases.release_trees import Patches, split_patches
from swefoundry.cli.releases.source_upload import SourceUpload
from swefoundry.cli.releases.splitting import ChangePart
from swefoundry.cli.releases.unpacking import unpack_release
from swefoundry.patches.patch_parser import parse_patch

_LONGEST_UPLOAD = timedelta(days=180)
"""A release is uploaded within days; its newest file is the one that has its version."""

_EARLIEST_RELEASE = datetime(2009, 1, 1, tzinfo=UTC)
"""npm's fixed time is of 1985, those of cargo are of 2006 and before; npm's index is of 2010."""

_MIDNIGHT = time(tzinfo=UTC)
"""Of the other fixed times, such as 2020-02-02 of hatch and 2010-01-01 of Bazel."""


class PairRejected(Exception):
    """The pair cannot become an instance; the message says why."""


@dataclass(frozen=True)
class ReleaseTrees:
    """Both releases, unpacked."""

    old: Path
    new: Path


async def collect_pair(
    pair: ReleasePair,
    index: PackageIndex,
    part_of: Callable[[str], ChangePart],
    upload: SourceUpload | None = None,
) -> Instance:
    """Fetch and unpack both releases, and split their differences into gold and test patch.

    ``upload`` stores a source that has no URL; without it, such a pair is rejected.
    """
    old, new = await index.archive(pair.package, pair.old), await index.archive(pair.package, pair.new)
    if isinstance(old, ComposedArchive) and upload is None:
        raise PairRejected(
            f"{pair.package} has its source in several files, which are stored in the registry as one: give --registry"
        )
    (old_path, old_sha256), (new_path, _) = await index.fetch(old), await index.fetch(new)
    with tempfile.TemporaryDirectory(prefix="swefoundry-") as scratch:
        work = Path(scratch)
        trees = ReleaseTrees(
            await asyncio.to_thread(unpack_release, old_path, work / "old") / pair.folder_below(pair.old),
            await asyncio.to_thread(unpack_release, new_path, work / "new") / pair.folder_below(pair.new),
        )
        patches = await split_patches(trees.old, trees.new, work / "git", part_of)
        _check(pair, patches)
        instance = await asyncio.to_thread(_instance, pair, trees, patches, new.uploaded)
        if isinstance(old, ComposedArchive) and upload is not None:
            digest = await upload(trees.old, instance.repo, pair.old)
            return replace(instance, source={"artifact": {"digest": digest}})
        archive = {"url": old.url, "sha256": old_sha256, "stripComponents": pair.leading_folders}
        return replace(instance, source={"archive": archive})


def _check(pair: ReleasePair, patches: Patches) -> None:
    if not patches.tests:
        raise PairRejected(f"no test file differs between {pair.old} and {pair.new}. Check --test-glob.")
    if all(each.deletes for each in parse_patch(patches.tests).files):
        raise PairRejected(f"{pair.new} has no test files that it adds or changes: it only deletes some.")
    if not patches.gold:
        raise PairRejected(f"only tests differ between {pair.old} and {pair.new}")


def _instance(
    pair: ReleasePair, trees: ReleaseTrees, patches: Patches, uploaded: datetime | None
) -> Instance:
    """The instance, but for its source."""
    repo = pair.repo or pair.repo_in_name or repository_name(trees.new, pair.short_name)
    identity = f"{repo.partition('/')[0]}__{pair.short_name}-{pair.new}"
    return Instance(
        instance_id=re.sub(r"[^A-Za-z0-9_.-]", "-", identity),
        repo=repo,
        gold=patches.gold,
        tests=patches.tests,
        problem=problem_statement(pair.short_name, pair.new, trees.old, trees.new),
        created_at=release_time(uploaded, trees.new).replace(microsecond=0),
        version=pair.old,
        language=pair.language,
        extra={"package": pair.package, "releases": [pair.old, pair.new]},
    )


def release_time(uploaded: datetime | None, root: Path) -> datetime:
    """When a release was made: when the index says, or its newest file where the index does not say or is a mirror's.

    Mirrors give the time at which they fetched a release, years later. Some tools that pack give all files a fixed
    time, which says nothing.
    """
    times = (path.stat().st_mtime for path in root.rglob("*") if path.is_file())
    newest = datetime.fromtimestamp(max(times, default=0), UTC)
    if uploaded is None:
        return newest
    known = newest > _EARLIEST_RELEASE and newest.timetz() != _MIDNIGHT
    return newest if known and newest < uploaded - _LONGEST_UPLOAD else uploaded
