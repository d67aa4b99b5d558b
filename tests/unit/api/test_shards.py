"""Shards: the bucket of a repository, and that each object has exactly one shard."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulated.api_server import selects
from swefoundry.api import labels
from swefoundry.api.shards import BUCKET_VALUES, BUCKETS, Shard, bucket_label, bucket_of

COUNTS = st.integers(1, BUCKETS)
REPOS = st.text(st.characters(codec="utf-8"), max_size=60)


@pytest.mark.parametrize(
    ("repo", "bucket"),
    [("owner/name", "62"), ("pallets/click", "36"), ("django/django", "31"), ("", "20")],
)
def test_the_bucket_of_a_repository_is_the_same_in_every_process_and_release(repo: str, bucket: str) -> None:
    assert bucket_of(repo) == bucket


@given(REPOS)
def test_every_repository_has_a_bucket_that_exists(repo: str) -> None:
    assert bucket_of(repo) in BUCKET_VALUES


def test_repositories_spread_over_all_buckets() -> None:
    found = [bucket_of(f"owner/name-{number}") for number in range(64 * BUCKETS)]
    sizes = [found.count(bucket) for bucket in BUCKET_VALUES]
    assert sum(sizes) == 64 * BUCKETS and min(sizes) > 32 and max(sizes) < 96


def shards(count: int) -> list[Shard]:
    return [Shard(index, count) for index in range(count)]


@given(COUNTS, st.one_of(st.none(), st.sampled_from(BUCKET_VALUES), st.sampled_from(["", "64", "x", "-1"])))
def test_the_selectors_of_all_shards_together_match_each_object_once(count: int, value: str | None) -> None:
    tags = {} if value is None else {labels.BUCKET: value}
    matching = [shard for shard in shards(count) if selects(shard.selector, tags)]
    owner = int(value) % count if value in BUCKET_VALUES else 0
    assert matching == [Shard(owner, count)]


@given(COUNTS, REPOS)
def test_exactly_one_shard_owns_a_bucket_and_its_selector_matches_what_it_makes(
    count: int, repo: str
) -> None:
    (owner,) = [shard for shard in shards(count) if shard.owns(bucket_of(repo))]
    assert selects(owner.selector, owner.bucket_labels(repo))


def test_without_shards_nothing_is_selected_and_nothing_labelled() -> None:
    assert (Shard().selector, Shard().bucket_labels("owner/name")) == ("", {})


@given(COUNTS, st.integers(0, 10**12))
def test_the_parts_of_a_limit_add_up_to_it_and_differ_by_one_at_most(count: int, limit: int) -> None:
    parts = [shard.part_of(limit) for shard in shards(count)]
    assert sum(parts) == limit and max(parts) - min(parts) <= 1


@pytest.mark.parametrize(
    ("metadata", "bucket"),
    [
        ({}, None),
        ({"labels": {"app": "x"}}, None),
        ({"labels": {labels.BUCKET: "64"}}, None),
        ({"labels": {labels.BUCKET: "07"}}, None),
        ({"labels": {labels.BUCKET: "7"}}, "7"),
    ],
)
def test_a_bucket_that_does_not_exist_is_none(metadata: dict[str, object], bucket: str | None) -> None:
    assert bucket_label({"metadata": metadata}) == bucket
