"""Collection of many pairs of releases: several at a time, in the order of the requests."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from swefoundry.cli.datasets.instance import (
    Instance,
    InstanceRejected,
    InstanceSettings,
    RenderedInstance,
    long_patch_warnings,
    render_instance,
)
from swefoundry.cli.releases import pairs
from swefoundry.cli.releases.collecting import PairRejected, collect_pair
from swefoundry.cli.releases.index import NoRelease, PackageIndex
from swefoundry.cli.releases.release_trees import ReleaseDiffFailed
from swefoundry.cli.releases.source_upload import SourceUpload
from swefoundry.cli.releases.splitting import DEFAULT_GLOBS, GENERATED_BY_LANGUAGE, path_classifier
from swefoundry.cli.releases.unpacking import BadArchive
from swefoundry.cli.summary import RunSummary
from swefoundry.errors import PackageIndexUnavailable

REJECTIONS = (PairRejected, NoRelease, BadArchive, ReleaseDiffFailed, InstanceRejected)
MAX_OUTAGES_BEFORE_SUCCESS = 3
"""Failures of the index, without a single success, after which the collection ends."""
CONCURRENT_PAIRS = 3
"""Pairs at a time: one downloads while others are unpacked and compared."""


@dataclass(frozen=True)
class PairRequest:
    """A pair, and the place in which the user named it."""

    pair: pairs.ReleasePair
    place: str


@dataclass(frozen=True)
class Collection:
    """Pairs to collect, and the result so far."""

    requests: list[PairRequest]
    settings: InstanceSettings
    test_globs: tuple[str, ...]
    """Empty: those of the pair's language."""
    summary: RunSummary
    names: dict[str, str] = field(default_factory=dict)
    """Object names so far, and the pairs that have them."""
    outages: list[PackageIndexUnavailable] = field(default_factory=list)
    """Failures of the index. One failed download does not end the collection; an unreachable index does."""

    def reject(self, request: PairRequest, reason: str) -> None:
        self.summary.reject(request.place, reason, str(request.pair))

    def record_outage(self, request: PairRequest, error: PackageIndexUnavailable) -> None:
        """Reject the pair; raise the error when the index seems to be down."""
        self.outages.append(error)
        self.reject(request, str(error))
        if len(self.outages) >= MAX_OUTAGES_BEFORE_SUCCESS and not self.summary.succeeded:
            raise error

    def render(self, request: PairRequest, instance: Instance) -> RenderedInstance | None:
        """Objects of a collected instance; None for one that was rejected."""
        try:
            rendered = render_instance(instance, self.settings)
        except InstanceRejected as error:
            self.reject(request, str(error))
            return None
        if other := self.names.get(rendered.name):
            self.reject(request, f"its name {rendered.name} is already taken by {other}")
            return None
        self.names[rendered.name] = str(request.pair)
        for warning in long_patch_warnings(rendered):
            self.summary.add_item_note(str(request.pair), warning)
        return rendered


def pair_requests(pair_texts: Iterable[str], file: Path | None, summary: RunSummary) -> list[PairRequest]:
    """Pairs of the arguments, then of the file; texts that are no pairs are reported to the summary."""
    listed = [(text, text) for text in pair_texts]
    if file is not None:
        numbered = pairs.pair_lines(file.read_text(encoding="utf-8").splitlines())
        listed += [(f"{file.name}, line {number}", text) for number, text in numbered]
    requests = []
    for place, text in listed:
        try:
            requests.append(PairRequest(pairs.parse_pair(text), place))
        except pairs.BadPair as error:
            summary.reject(place, str(error))
    return requests


async def collect_instances(
    collection: Collection, indexes: Mapping[str, PackageIndex], upload: SourceUpload | None = None
) -> AsyncIterator[tuple[PairRequest, Instance | None]]:
    """Every pair in the order of the requests, from the index of its language; None for one that was rejected."""
    semaphore = asyncio.Semaphore(CONCURRENT_PAIRS)

    async def collect(request: PairRequest) -> Instance | None:
        async with semaphore:
            try:
                language = request.pair.language
                globs = collection.test_globs or DEFAULT_GLOBS[language]
                part_of = path_classifier(globs, GENERATED_BY_LANGUAGE[language])
                return await collect_pair(request.pair, indexes[language], part_of, upload)
            except REJECTIONS as error:
                collection.reject(request, str(error))
            except PackageIndexUnavailable as error:
                collection.record_outage(request, error)
            return None

    tasks = [asyncio.create_task(collect(request)) for request in collection.requests]
    try:
        for request, task in zip(collection.requests, tasks, strict=True):
            yield request, await task
    except PackageIndexUnavailable:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        raise
