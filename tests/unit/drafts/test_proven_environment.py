"""Which proven environments are tried first, and which not at all."""

from datetime import UTC, datetime

import pytest

from builders import digest
from swefoundry.drafts.proven_environment import (
    EnvironmentRecord,
    Parent,
    ProvenEnvironment,
    ReuseStats,
    nearest_environments,
    with_built_images,
)

DAY = datetime(2023, 6, 1, tzinfo=UTC)


def known(letter, version=None, created=None, **fields):
    return EnvironmentRecord(
        repo="owner/name",
        image=digest(letter),
        source=digest(letter),
        draft=digest("d"),
        version=version,
        created_at=created,
        **fields,
    )


def proven(letter, version=None, created=None, refused=0, accepted=0, **fields):
    trials = ReuseStats(accepted=accepted, refused=refused)
    return ProvenEnvironment(known=known(letter, version, created, **fields), trials=trials)


def ranked(*entries, fingerprint="", version=None, created=None, k=10):
    return [item.known.image[-1] for item in nearest_environments(entries, fingerprint, version, created, k)]


def test_the_nearest_version_comes_first_in_both_directions():
    entries = [proven("a", "8.0.0"), proven("b", "8.1.4"), proven("c", "8.1.2"), proven("e", "9.0")]
    assert ranked(*entries, version="8.1.3") == ["b", "c", "a", "e"]
    assert ranked(*entries, version="8.9") == ["b", "c", "a", "e"]
    assert ranked(proven("a", "9.5"), proven("b", "9.0"), version="8.9") == ["b", "a"]


def test_the_same_needs_come_before_a_nearer_version():
    entries = [proven("a", "8.1.3", fingerprint="other"), proven("b", "7.0", fingerprint="same")]
    assert ranked(*entries, version="8.1.3", fingerprint="same") == ["b", "a"]
    assert ranked(*entries, version="8.1.3") == ["a", "b"]


def test_dates_decide_where_versions_do_not():
    entries = [
        proven("a", created=DAY.replace(day=20)),
        proven("b", created=DAY.replace(month=5, day=30)),
        proven("c", "8.1", created=DAY.replace(year=2020)),
    ]
    assert ranked(*entries, version="8.1", created=DAY) == ["c", "b", "a"]
    assert ranked(*entries, created=DAY) == ["b", "a", "c"]
    environments = [proven("a", "8.1", DAY.replace(year=2022)), proven("b", "8.1", DAY.replace(month=7))]
    assert ranked(*environments, version="8.1", created=DAY) == ["b", "a"]


@pytest.mark.parametrize("spelled", ["v8.1", "release-8.1", "8.1.x", "8.1-beta!", "name 8.1"])
def test_versions_are_read_however_they_are_spelled(spelled):
    assert ranked(proven("a", "7.0"), proven("b", spelled), version="8.1.1") == ["b", "a"]


@pytest.mark.parametrize("spelled", [None, "", "latest", "main"])
def test_what_is_not_a_version_is_not_an_error(spelled):
    assert ranked(proven("a", spelled), proven("b", "1.0"), version="2.0") == ["b", "a"]
    assert ranked(proven("a", spelled), proven("b", "1.0"), version=spelled) == ["a", "b"]


def test_ties_do_not_depend_on_the_order_of_the_records():
    entries = [proven(letter, "1.0") for letter in "abc"]
    assert ranked(*entries, version="1.0") == ranked(*reversed(entries), version="1.0") == ["a", "b", "c"]


def test_no_more_than_k_are_tried():
    assert ranked(*(proven(letter, "1.0") for letter in "abc"), k=2) == ["a", "b"]
    assert ranked(proven("a"), k=0) == []


@pytest.mark.parametrize(
    ("refused", "accepted", "expected"),
    [(2, 0, ["a", "b"]), (3, 0, ["b", "a"]), (4, 1, ["b", "a"]), (3, 1, ["a", "b"]), (4, 0, ["b"])],
    ids=["two refusals", "three", "four and one success", "three and one success", "four"],
)
def test_an_environment_that_fails_reuses_is_tried_last_and_then_not_at_all(refused, accepted, expected):
    entries = [proven("a", "1.0", refused=refused, accepted=accepted), proven("b", "5.0")]
    assert ranked(*entries, version="1.0") == expected


def test_images_composed_of_one_built_image_are_one_environment_known_by_its_nearest():
    entries = with_built_images(
        [known("a", "8.0"), known("b", "8.4", parent=digest("a")), known("c", "8.9", parent=digest("b"))]
    )
    [found] = nearest_environments(entries, "", "8.5", None, 2)
    assert found.known.version == "8.4"
    assert found.parent == Parent(image=digest("a"), source=digest("a"))


def test_an_image_whose_parent_has_no_record_is_its_own_environment():
    [found] = with_built_images([known("b", parent=digest("a"))])
    assert found.parent == Parent(image=digest("b"), source=digest("b"))


def test_records_that_name_each_other_as_parents_do_not_loop():
    found = with_built_images([known("a", parent=digest("b")), known("b", parent=digest("a"))])
    assert [item.parent.image for item in found] == [digest("b"), digest("a")]


def test_what_is_only_a_reference_comes_after_all_that_can_be_reused():
    reference = proven("a", "8.1").model_copy(update={"reference": True})
    assert ranked(reference, proven("b", "1.0"), version="8.1") == ["b", "a"]
