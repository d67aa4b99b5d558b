"""Sources are fetched from a mirror; what is recorded, and every message, keeps the URL of the manifest."""

import base64

import pytest

from swefoundry.contracts.git_mirrors import mirror_of
from swefoundry.contracts.intake import GitOrigin, IntakeSpec
from swefoundry.contracts.registry_location import RegistryLocation
from unit.programs.intake.intake_harness import IntakeHarness
from unit.programs.intake.repositories import writing
from unit.programs.intake.test_submodules import commit_index, link, modules

GITHUB = "https://github.com/"
NOBODY = "0123456789abcdef0123456789abcdef01234567"


@pytest.mark.parametrize(
    ("url", "mirror"),
    [
        ("https://github.com/owner/name.git", "https://git.example.org/github/owner/name.git"),
        ("https://user@github.com/owner/name", "https://git.example.org/github/owner/name"),
        ("https://github.com/large/name.git", "http://near/name.git"),
        ("https://github.com.example.org/owner/name.git", None),
        ("http://github.com/owner/name.git", None),
        ("https://gitlab.com/owner/name.git", None),
    ],
    ids=[
        "its prefix is replaced",
        "the user is left out",
        "the longest prefix counts",
        "another host that begins alike",
        "another scheme",
        "another host",
    ],
)
def test_the_mirror_of_a_url(url: str, mirror: str | None) -> None:
    mirrors = {
        "https://github.com": "https://git.example.org/github/",
        "https://github.com/large/": "http://near",
    }
    assert mirror_of(url, mirrors) == mirror


def test_an_intake_without_mirrors_has_no_such_field() -> None:
    spec = IntakeSpec(
        nonce="n",
        place=RegistryLocation(registry="r", repository="x"),
        origin=GitOrigin(url=f"{GITHUB}owner/name.git", commit=NOBODY),
    )
    assert "mirrors" not in spec.to_json()


async def test_a_source_is_fetched_from_its_mirror(harness: IntakeHarness) -> None:
    repository = harness.repository()
    commit = repository.commit(writing({"a.py": b"1\n"}))
    origin = GitOrigin(
        url=f"{GITHUB}{repository.served.name}", commit=commit, mirrors={GITHUB: f"{harness.hub.url}/"}
    )
    assert (await harness.run_intake(origin)).code == 0


async def test_submodules_are_fetched_from_theirs(harness: IntakeHarness) -> None:
    helper, repository = harness.repository(), harness.repository()
    commit = helper.commit(writing({"helper.py": b"V = 1\n"}))
    writing({".gitmodules": modules("helper", f"git://example.net/them/{helper.served.name}")})(
        repository.root
    )
    link(repository, "helper", commit)
    origin = GitOrigin(
        url=f"{GITHUB}{repository.served.name}",
        commit=commit_index(repository, ".gitmodules"),
        submodules=True,
        mirrors={GITHUB: harness.hub.url, "https://example.net/them": harness.hub.url},
    )
    record = await harness.run_intake(origin)
    assert (record.code, record.message) == (0, "")


async def test_the_token_of_a_private_source_goes_to_the_mirror(harness: IntakeHarness) -> None:
    token = harness.folder / "token"
    token.write_text("secret")
    repository = harness.repository()
    commit = repository.commit(writing({"a.py": b"1\n"}))
    harness.hub.headers.clear()
    url = f"{GITHUB}{repository.served.name}"
    await harness.run_intake(
        GitOrigin(url=url, commit=commit, token_file=str(token), mirrors={GITHUB: harness.hub.url})
    )
    login = "Basic " + base64.b64encode(b"x-access-token:secret").decode()
    assert {headers.get("Authorization") for headers in harness.hub.headers} == {login}


async def test_a_repository_that_the_mirror_lacks_is_named_by_both_urls(harness: IntakeHarness) -> None:
    record = await harness.run_intake(
        GitOrigin(url=f"{GITHUB}owner/none.git", commit=NOBODY, mirrors={GITHUB: harness.hub.url})
    )
    assert (record.code, record.message) == (
        13,
        f"there is no git repository at {GITHUB}owner/none.git (fetched from the mirror "
        f"{harness.hub.url}/owner/none.git): check the URL, or whether it needs a token",
    )


async def test_a_mirror_that_is_away_is_the_host_that_is_waited_for(harness: IntakeHarness) -> None:
    mirrors = {GITHUB: "http://127.0.0.1:9/github/"}
    record = await harness.run_intake(
        GitOrigin(url=f"{GITHUB}owner/name.git", commit=NOBODY, mirrors=mirrors)
    )
    assert (record.code, record.host) == (19, "127.0.0.1:9")
    assert record.message.startswith(
        f"http://127.0.0.1:9/github/owner/name.git (mirror of {GITHUB}owner/name.git) did not answer: "
    )
