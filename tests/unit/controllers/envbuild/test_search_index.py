"""The index of searches: groups, and how images did in each; always equal to a scan of the cache."""

import random

import pytest

from builders import digest
from swefoundry.controllers.envbuild.indexed_search import UNFIT_OUTCOMES
from swefoundry.controllers.envbuild.search_index import SearchIndex
from swefoundry.drafts.environment_group import EnvironmentGroup
from swefoundry.kube.cache import Cache
from unit.controllers.envbuild.search_builders import (
    IMAGE,
    NEW,
    OLD,
    a_round,
    a_search,
    a_trial,
    body_of,
    failed,
    key_of,
    put,
)

REPO = "owner/name"
NEW_GROUP, OLD_GROUP = (EnvironmentGroup.model_validate(group) for group in (NEW, OLD))
OUTCOMES = ("Accepted", "NoResult", "AfterFailed", None)


def ignore(old, new):
    """No subscriber."""


@pytest.fixture
def cache():
    return Cache()


@pytest.fixture
def index(cache):
    return SearchIndex(cache, ignore)


def join(index, name, group=NEW_GROUP):
    return index.assign_group(key_of(name), f"uid-of-{name}", group)


def test_an_instance_joins_the_group_that_another_has_founded(cache, index):
    for name in ("one", "two"):
        put(cache, name)
    later = NEW_GROUP.model_copy(update={"created_at": NEW_GROUP.created_at.replace(year=2024)})
    assert [join(index, "one"), join(index, "two", later)] == [NEW_GROUP, NEW_GROUP]


def test_groups_of_ended_searches_and_of_no_other_repository_are_joined(cache, index):
    later = NEW_GROUP.model_copy(update={"created_at": NEW_GROUP.created_at.replace(year=2024)})
    put(cache, "old", status=a_search(NEW, ended=True))
    put(cache, "young")
    put(cache, "other", repo="owner/other")
    assert [join(index, "young", later), join(index, "other", later)] == [NEW_GROUP, later]


def test_a_group_that_was_assigned_is_kept_until_the_status_has_it(cache, index):
    put(cache, "one")
    join(index, "one")
    put(cache, "one", status={"rounds": [a_round()]}, version=2)
    assert index.group(key_of("one")) == NEW_GROUP
    put(cache, "one", status=a_search(OLD, a_round()), version=3)
    assert join(index, "one") == OLD_GROUP


@pytest.mark.parametrize("outcome", sorted(UNFIT_OUTCOMES))
def test_an_image_that_did_not_fit_one_of_a_group_is_unfit_for_the_group_alone(cache, index, outcome):
    put(cache, "one", status=a_search(NEW, a_trial(outcome)))
    assert (index.unfit_images(REPO, NEW_GROUP), index.unfit_images(REPO, OLD_GROUP)) == ({IMAGE}, set())


@pytest.mark.parametrize("outcome", ["AfterFailed", "BothPassed", "TimeLimit", "Infrastructure", None])
def test_a_trial_that_may_have_failed_by_its_row_says_nothing_about_the_image(cache, index, outcome):
    put(cache, "one", status=a_search(NEW, a_trial(outcome)))
    assert index.unfit_images(REPO, NEW_GROUP) == set()


@pytest.mark.parametrize(
    "accepted",
    [a_trial("Accepted"), a_round(image=IMAGE, outcome="Accepted")],
    ids=["reused", "built"],
)
def test_an_image_that_was_accepted_for_one_of_the_group_is_not_unfit(cache, index, accepted):
    put(cache, "one", status=a_search(NEW, a_trial("NoResult")))
    put(cache, "two", status=a_search(NEW, accepted))
    assert (index.unfit_images(REPO, NEW_GROUP), index.was_accepted(REPO, IMAGE, NEW_GROUP)) == (set(), True)


def test_a_deleted_search_is_forgotten(cache, index):
    put(cache, "one", status=a_search(NEW, a_trial("NoResult"), a_round()))
    cache.drop(key_of("one"))
    assert (index.unfit_images(REPO, NEW_GROUP), dict(index.leaders(REPO))) == (set(), {})


def test_an_invalid_group_of_another_release_is_no_group(cache, index):
    cache.put(body_of("one", status={"environmentGroup": {"layout": "x" * 99}}))
    assert index.group(key_of("one")) is None


def shown(index):
    """Everything that an index answers."""
    groups = (NEW_GROUP, OLD_GROUP)
    images = [digest(letter) for letter in "abc"]
    return (
        [index.unfit_images(REPO, group) for group in groups],
        [index.was_accepted(REPO, image, group) for image in images for group in groups],
        [index.built_for(REPO, image) for image in images],
        [dict(index.trying(REPO, image)) for image in images],
        dict(index.leaders(REPO)),
        index.awaiting_place,
        [index.group(key_of(name)) for name in "vwxyz"],
    )


def random_status(chance, name):
    image = digest("abc"["vwxyz".index(name) % 3])
    rounds = [a_trial(chance.choice(OUTCOMES[:3]), digest(chance.choice("abc"))) for _ in range(2)]
    rounds += failed(chance.randint(0, 2))
    last = chance.choice([a_round(), a_trial(), a_round(outcome="StepFailed")])
    if name in "vwx" and chance.random() < 0.5:
        last = a_round(image=image, outcome="Accepted")
    return a_search(chance.choice([NEW, OLD]), *rounds, last, ended=chance.random() < 0.3)


@pytest.mark.parametrize("seed", range(20))
def test_the_index_equals_a_scan_of_the_cache(seed):
    chance, cache = random.Random(seed), Cache()
    index = SearchIndex(cache, ignore)
    for version in range(60):
        name = chance.choice("vwxyz")
        if chance.random() < 0.2:
            cache.drop(key_of(name))
        else:
            put(cache, name, status=random_status(chance, name), version=version + 1)
    fresh = Cache()
    scanned = SearchIndex(fresh, ignore)
    for body in cache.bodies("EnvBuild"):
        fresh.put(body)
    assert shown(index) == shown(scanned)


def test_an_object_whose_spec_is_invalid_is_indexed_without_a_repository(cache, index):
    cache.put(body_of("one") | {"spec": {}})
    assert index.group(key_of("one")) is None
