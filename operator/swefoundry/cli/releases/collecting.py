"""One pair of releases as an instance: OLD's archive is the source, the way to NEW is fix and tests."""

import asyncio
import re
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from packaging.version import Version

from swefoundry.cli.datasets.instance import Instance
from swefoundry.cli.releases.describing import problem_statement, repository
from swefoundry.cli.releases.index import Index, NoRelease, SourceArchive
from swefoundry.cli.releases.pairs import Pair
from swefoundry.cli.releases.release_trees import Patches, split_patches
from swefoundry.cli.releases.splitting import Part
from swefoundry.cli.releases.unpacking import unpack


class NoInstance(Exception):
    """The pair is no candidate; the message says why."""


@dataclass(frozen=True)
class Trees:
    """Both releases, unpacked."""

    old: Path
    new: Path


async def collect_pair(pair: Pair, index: Index, part_of: Callable[[str], Part]) -> Instance:
    """Fetch, unpack, compare, split."""
    archives = await index.archives(pair.package)
    old, new = _pick(pair, pair.old, archives), _pick(pair, pair.new, archives)
    (old_path, old_sha256), (new_path, _) = await index.fetch(old), await index.fetch(new)
    with tempfile.TemporaryDirectory(prefix="swefoundry-") as scratch:
        work = Path(scratch)
        trees = Trees(
            await asyncio.to_thread(unpack, old_path, work / "old"),
            await asyncio.to_thread(unpack, new_path, work / "new"),
        )
        patches = await split_patches(trees.old, trees.new, work / "git", part_of)
        _check(pair, patches)
        return await asyncio.to_thread(
            _instance, pair, trees, patches, {"url": old.url, "sha256": old_sha256}, new.uploaded
        )


def _pick(pair: Pair, version: str, archives: dict[Version, SourceArchive]) -> SourceArchive:
    found = archives.get(Version(version))
    if found is None:
        known = ", ".join(str(each) for each in sorted(archives)[-5:])
        raise NoRelease(
            f"{pair.package} {version} has no source archive in the index. Latest that do: {known}."
        )
    return found


def _check(pair: Pair, patches: Patches) -> None:
    if not patches.tests:
        raise NoInstance(
            f"no test file differs between {pair.old} and {pair.new}. Is --test-glob right for it?"
        )
    if not patches.gold:
        raise NoInstance(f"nothing but tests differs between {pair.old} and {pair.new}")


def _instance(
    pair: Pair, trees: Trees, patches: Patches, archive: dict[str, object], uploaded: datetime | None
) -> Instance:
    repo = pair.repo or repository(trees.new, pair.package)
    identity = f"{repo.partition('/')[0]}__{pair.package}-{pair.new}"
    return Instance(
        instance_id=re.sub(r"[^A-Za-z0-9_.-]", "-", identity),
        repo=repo,
        source={"archive": {**archive, "stripComponents": 1}},
        gold=patches.gold,
        tests=patches.tests,
        problem=problem_statement(pair.package, pair.new, trees.old, trees.new),
        created_at=(uploaded or _newest(trees.new)).replace(microsecond=0),
        version=pair.old,
        language="python",
        extra={"package": pair.package, "releases": [pair.old, pair.new]},
    )


def _newest(root: Path) -> datetime:
    """When the archive was packed, for indexes that do not say when it was uploaded."""
    times = [path.stat().st_mtime for path in root.rglob("*") if path.is_file()]
    return datetime.fromtimestamp(max(times, default=0), UTC)
