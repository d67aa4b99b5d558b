"""URLs of submodules, resolved as git does; what is neither http nor https, nor has such a form, is refused."""

import pytest

from swefoundry.programs.intake.intake_errors import IntakeRejected
from swefoundry.programs.intake.submodule_urls import parse_gitmodules, resolve_url, submodule_remote

BASE = "https://user@host.example/owner/project.git"


@pytest.mark.parametrize(
    ("url", "resolved"),
    [
        ("../helper", "https://host.example/owner/helper"),
        ("../../other/helper.git", "https://host.example/other/helper.git"),
        ("./helper", "https://host.example/owner/project.git/helper"),
        ("https://elsewhere.example/a/b.git", "https://elsewhere.example/a/b.git"),
        ("git://host.example/a/b.git", "https://host.example/a/b.git"),
        ("ssh://git@host.example:22/a/b.git", "https://host.example/a/b.git"),
        ("git@host.example:a/b.git", "https://host.example/a/b.git"),
    ],
)
def test_a_url_is_resolved(url: str, resolved: str) -> None:
    assert resolve_url(BASE, url) == resolved


@pytest.mark.parametrize(
    "url",
    [
        "",
        "file:///etc",
        "/etc",
        "a/b",
        "ext::sh -c id",
        "-x",
        "../../../../x",
        "a\nb",
        "https://h/" + "x" * 3000,
    ],
)
def test_any_other_url_is_refused(url: str) -> None:
    with pytest.raises(IntakeRejected):
        resolve_url(BASE, url)


def test_the_token_goes_to_repositories_of_the_same_owner_alone() -> None:
    helper = submodule_remote(BASE, "https://host.example/owner/helper", "secret")
    assert (helper.url, helper.has_login) == ("https://host.example/owner/helper", True)
    for other in (
        "https://host.example/other/helper",
        "https://evil.example/owner/helper",
        "http://host.example/owner/x",
    ):
        assert not submodule_remote(BASE, other, "secret").has_login


def test_gitmodules_are_parsed_by_path() -> None:
    listing = b"submodule.a.b.path\nlib/x/\0submodule.a.b.url\n../x\0submodule.c.path\ny\0core.editor\nvi\0"
    assert parse_gitmodules(listing) == {b"lib/x": "../x"}
