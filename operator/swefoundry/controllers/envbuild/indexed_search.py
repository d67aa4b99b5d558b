"""What other EnvBuilds need to know of one: its group, how far its search is, and which images did for it. Pure.

Read from the raw object, because an index follows every change of the cache.
"""

from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from swefoundry.contracts.digests import Digest
from swefoundry.contracts.round_outcome import ACCEPTED_OUTCOMES, RoundOutcome
from swefoundry.drafts.environment_group import EnvironmentGroup

UNFIT_OUTCOMES = frozenset(
    {
        RoundOutcome.CHECKOUT_FAILED,
        RoundOutcome.STEP_FAILED,
        RoundOutcome.NOT_RUNNABLE,
        RoundOutcome.NO_RESULT,
        RoundOutcome.SOURCE_SHADOWED,
    }
)
"""Outcomes of a reuse that make the image the cause. Tests that fail after the fix may be the row's fault, and a row
that is wrong must not keep the image from the others.
"""


@dataclass(frozen=True)
class IndexedSearch:
    """One EnvBuild in the index."""

    uid: str
    repo: str
    rank: tuple[str, str, str]
    """Time of creation, namespace and name: a total order."""
    group: EnvironmentGroup | None = None
    """None before its facts were read."""
    ended: bool = False
    begun: bool = False
    """It has begun to write drafts of its own."""
    failed_drafts: int = 0
    """Drafts of its own that were not accepted."""
    unbuilt: bool = False
    """Its round has no image yet, so it uses a build place, or needs one."""
    awaits_place: bool = False
    """No pod of that round runs yet."""
    tries: Digest | None = None
    """The proven image that it tries now."""
    built: Digest | None = None
    """The accepted image that was built for it."""
    trials: tuple[tuple[Digest, bool], ...] = ()
    """Images that were accepted for it, and those that do not fit, with False."""

    @property
    def leads(self) -> bool:
        """Whether others may wait for its image."""
        return self.begun and not self.ended


def index_search(body: dict[str, Any]) -> IndexedSearch:
    """The part of an EnvBuild that is indexed."""
    meta, status = body["metadata"], body.get("status", {})
    rounds = status.get("rounds", ())
    own = [item for item in rounds if "parent" not in item]
    opened = rounds[-1] if rounds and "outcome" not in rounds[-1] else {}
    ended = "finishedAt" in status or "deletionTimestamp" in meta
    unbuilt = bool(opened) and "image" not in opened and not ended
    return IndexedSearch(
        uid=meta["uid"],
        repo=str(body.get("spec", {}).get("repo", "")),
        rank=(meta["creationTimestamp"], meta["namespace"], meta["name"]),
        group=_group(status),
        ended=ended,
        begun=bool(own) or bool(status.get("agents", {}).get("draftsRequested")),
        failed_drafts=sum("outcome" in item and not _accepted(item) for item in own),
        unbuilt=unbuilt,
        awaits_place=unbuilt and not status.get("running"),
        tries=None if ended else opened.get("parent", {}).get("image"),
        built=next((item.get("image") for item in own if _accepted(item)), None),
        trials=tuple(_trials(rounds)),
    )


def _group(status: dict[str, Any]) -> EnvironmentGroup | None:
    try:
        return EnvironmentGroup.model_validate(status["environmentGroup"])
    except (KeyError, ValidationError):  # not written yet; of another release
        return None


def _trials(rounds: Any) -> list[tuple[Digest, bool]]:
    trials = []
    for item in rounds:
        image = item.get("parent", {}).get("image") or item.get("image")
        if image and _accepted(item):
            trials.append((image, True))
        elif "parent" in item and item.get("outcome") in UNFIT_OUTCOMES:
            trials.append((item["parent"]["image"], False))
    return trials


def _accepted(item: dict[str, Any]) -> bool:
    return item.get("outcome") in ACCEPTED_OUTCOMES
