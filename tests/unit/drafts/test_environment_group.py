"""Which instances of a repository probably share an environment."""

from datetime import UTC, datetime

import pytest

from swefoundry.contracts.facts import Facts
from swefoundry.drafts.environment_group import (
    EnvironmentGroup,
    choose_group,
    found_group,
    likely_share,
    source_layout,
)


def a_group(year=2023, layout="flat", fingerprint=None, month=6):
    created = datetime(year, month, 1, tzinfo=UTC) if year else None
    return EnvironmentGroup(layout=layout, created_at=created, fingerprint=fingerprint)


@pytest.mark.parametrize(
    ("one", "other", "shared"),
    [
        (a_group(2023), a_group(2021, month=7), True),
        (a_group(2021, month=7), a_group(2023), True),
        (a_group(2023), a_group(2021, month=5), False),
        (a_group(layout="src"), a_group(layout="flat"), False),
        (a_group(2023, fingerprint="f"), a_group(2015, fingerprint="f"), True),
        (a_group(layout="src", fingerprint="f"), a_group(layout="flat", fingerprint="f"), True),
        (a_group(2023, fingerprint="f"), a_group(2015, fingerprint="g"), False),
        (a_group(None), a_group(2015), True),
        (a_group(layout=None), a_group(layout="src"), True),
    ],
    ids=[
        "two years later",
        "two years earlier",
        "more than two years",
        "another layout",
        "the same manifests of another era",
        "the same manifests in another layout",
        "other manifests of another era",
        "a date that is not known",
        "a layout that is not known",
    ],
)
def test_an_environment_is_probably_shared(one, other, shared):
    assert likely_share(one, other) is shared


def test_the_nearest_known_group_is_joined():
    known = [a_group(2020), a_group(2022), a_group(2023, layout="src")]
    assert choose_group(a_group(2021, month=12), known) == a_group(2022)


def test_the_same_manifests_count_more_than_the_date():
    known = [a_group(2022), a_group(2020, fingerprint="f")]
    assert choose_group(a_group(2022, fingerprint="f"), known) == a_group(2020, fingerprint="f")


def test_an_instance_that_is_near_no_known_group_founds_one():
    own = a_group(2016)
    assert choose_group(own, [a_group(2020), a_group(2023)]) == own


def test_the_order_of_the_known_groups_does_not_matter():
    known = [a_group(2020), a_group(2022), a_group(2021, fingerprint="f")]
    own = a_group(2021)
    assert {choose_group(own, order) for order in (known, known[::-1])} == {a_group(2021, fingerprint="f")}


@pytest.mark.parametrize(
    ("folders", "layout"),
    [
        (["src/pkg", "tests"], "src"),
        (["lib/pkg"], "lib"),
        (["pkg", "tests"], "flat"),
        (["src"], "flat"),
        ([], "flat"),
    ],
    ids=["src with tests at the root", "lib", "flat", "a package that is named src", "no package"],
)
def test_the_layout_of_a_tree(folders, layout):
    assert source_layout(folders) == layout


def test_a_group_is_founded_from_the_facts_of_an_intake():
    facts = Facts(package_dirs=["src/pkg"], fingerprint="f" * 64)
    created = datetime(2023, 6, 1, tzinfo=UTC)
    assert found_group(facts, created) == a_group(2023, "src", "f" * 64)


@pytest.mark.parametrize(
    ("group", "text"),
    [
        (a_group(2023, "src"), "layout src, about 2023-06"),
        (a_group(None), "layout flat"),
        (EnvironmentGroup(), "date not known"),
    ],
    ids=["dated", "undated", "nothing known"],
)
def test_a_group_is_named_by_layout_and_era(group, text):
    assert str(group) == text
