"""Git sources: exactly one commit comes in, nothing else; and every way in which a host may say no is named."""

import base64
import subprocess
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from loopback import Response
from swefoundry.contracts.intake import ArtifactOrigin, GitOrigin, IntakeResult
from swefoundry.programs.intake.intake_errors import HostUnavailable
from swefoundry.programs.intake.remotes import Remote, classify_git_error, pause_in_trace
from unit.oci import registry_server
from unit.programs.intake import git_server
from unit.programs.intake.intake_harness import IntakeHarness
from unit.programs.intake.repositories import Repository, git, writing

NOBODY = "0123456789abcdef0123456789abcdef01234567"


def a_history(repository: Repository) -> list[str]:
    return [repository.commit(writing({"a.py": b"%d\n" % n, f"secret of {n}": b"%d" % n})) for n in range(4)]


async def test_the_clean_tree_has_one_commit_no_remote_and_no_other_object(
    harness: IntakeHarness, tmp_path: Path
) -> None:
    repository = harness.repository()
    commits = a_history(repository)
    git(repository.root, "tag", "v1.0", commits[0])
    git(repository.root, "tag", "v2.0", commits[3])
    record = await harness.run_intake(harness.origin(repository, commits[1]))
    root = await harness.unpacked(record, tmp_path / "clean")
    assert git(root, "rev-list", "--all", "--count").split() == [b"1"]
    assert git(root, "for-each-ref", "--format=%(refname)").decode().split() == [
        "refs/heads/main",
        "refs/tags/v1.0",
    ]
    assert git(root, "remote") == git(root, "reflog") == git(root, "status", "--porcelain") == b""
    assert git(root, "fsck", "--strict", "--unreachable", "--dangling") == b""
    known = git(root, "cat-file", "--batch-all-objects", "--batch-check=%(objecttype)").decode().split()
    assert sorted(known) == ["blob", "blob", "blob", "commit", "tag", "tree"]
    assert git(root, "rev-parse", "HEAD^{tree}") == git(
        repository.root, "rev-parse", f"{commits[1]}^{{tree}}"
    )
    assert sorted(path.name for path in (root / ".git").iterdir()) == [
        "HEAD",
        "config",
        "index",
        "objects",
        "refs",
    ]


async def test_two_fetches_of_one_commit_make_the_same_commit(harness: IntakeHarness, tmp_path: Path) -> None:
    repository = harness.repository()
    commit = a_history(repository)[1]
    roots = [
        await harness.unpacked(await harness.run_intake(harness.origin(repository, commit)), tmp_path / name)
        for name in ("one", "two")
    ]
    heads = {git(root, "rev-parse", "HEAD") for root in roots}
    assert len(heads) == 1


@pytest.mark.parametrize("old", [False, True], ids=["any commit may be asked for", "branches and tags only"])
async def test_the_nearest_tag_is_made_anew(harness: IntakeHarness, tmp_path: Path, old: bool) -> None:
    repository = harness.repository()
    commits = a_history(repository)
    for name, commit in (
        ("v0.9", commits[0]),
        ("v1.0-rc1", commits[1]),
        ("latest", commits[2]),
        ("v2", commits[3]),
    ):
        git(repository.root, "tag", name, commit)
    if old:
        harness.hub.old.add(repository.served.stem)
    record = await harness.run_intake(harness.origin(repository, commits[2]))
    root = await harness.unpacked(record, tmp_path / "clean")
    assert (
        git(root, "describe").strip()
        == git(root, "describe", "--tags", "--long").strip().split(b"-0-g")[0]
        == b"v1.0-rc1"
    )
    assert (await harness.facts(record))["versionTag"] == "v1.0-rc1"
    assert (await harness.facts(record))["commit"] == commits[2]


async def test_a_repository_without_tags_gets_none(harness: IntakeHarness) -> None:
    repository = harness.repository()
    record = await harness.run_intake(harness.origin(repository, a_history(repository)[2]))
    assert "versionTag" not in await harness.facts(record)


async def test_a_commit_that_no_branch_leads_to_is_found_where_the_server_allows_it(
    harness: IntakeHarness,
) -> None:
    repository = harness.repository()
    commits = a_history(repository)
    git(repository.root, "reset", "-q", "--hard", commits[0])
    assert (await harness.run_intake(harness.origin(repository, commits[3]))).code == 0


async def test_submodules_are_left_alone(harness: IntakeHarness, tmp_path: Path) -> None:
    repository = harness.repository()
    modules = b'[submodule "m"]\n\tpath = m\n\turl = http://127.0.0.1:1/nowhere.git\n'
    writing({".gitmodules": modules, "a": b""})(repository.root)
    git(repository.root, "add", "-A")
    git(repository.root, "update-index", "--add", "--cacheinfo", f"160000,{NOBODY},m")
    git(repository.root, "commit", "-q", "-m", "with a submodule")
    commit = git(repository.root, "rev-parse", "HEAD").decode().strip()
    record = await harness.run_intake(harness.origin(repository, commit))
    root = await harness.unpacked(record, tmp_path / "clean")
    assert sorted(path.name for path in root.iterdir()) == [".git", ".gitmodules", "a", "m"]


async def test_an_unknown_commit_is_named(harness: IntakeHarness) -> None:
    repository = harness.repository()
    a_history(repository)
    for old in (False, True):
        if old:
            harness.hub.old.add(repository.served.stem)
        record = await harness.run_intake(harness.origin(repository, NOBODY))
        assert (record.code, record.message) == (
            12,
            f"{harness.hub.url}/{repository.served.name} has no commit {NOBODY}: check spec.baseCommit",
        )


@pytest.mark.parametrize("commit", ["main", "0123abc", "", "--upload-pack=touch x", NOBODY.upper()])
async def test_only_full_commit_ids_are_fetched(harness: IntakeHarness, commit: str) -> None:
    record = await harness.run_intake(GitOrigin(url=f"{harness.hub.url}/x.git", commit=commit))
    assert (record.code, record.message) == (
        12,
        f"{commit!r} is not a full commit id (40 hexadecimal digits)",
    )


async def test_a_tree_is_no_commit(harness: IntakeHarness) -> None:
    repository = harness.repository()
    a_history(repository)
    tree = git(repository.root, "rev-parse", "HEAD^{tree}").decode().strip()
    record = await harness.run_intake(harness.origin(repository, tree))
    assert record.code == 12
    assert tree in record.message


async def test_a_missing_repository_is_named(harness: IntakeHarness) -> None:
    record = await harness.run_intake(GitOrigin(url=f"{harness.hub.url}/none.git", commit=NOBODY))
    assert (record.code, record.message) == (
        13,
        f"there is no git repository at {harness.hub.url}/none.git: check the URL, or whether it needs a token",
    )


async def test_a_host_that_is_down_says_nothing_about_the_row(harness: IntakeHarness) -> None:
    host = f"127.0.0.1:{registry_server.refusing_port()}"
    record = await harness.run_intake(GitOrigin(url=f"http://{host}/x.git", commit=NOBODY))
    assert (record.code, record.host) == (19, host)
    assert record.message.startswith(f"http://{host}/x.git did not answer: ")


async def test_a_host_that_stays_busy_is_named(harness: IntakeHarness) -> None:
    repository = harness.repository()
    commit = a_history(repository)[0]
    harness.hub.failures[repository.served.stem] = 4
    record = await harness.run_intake(harness.origin(repository, commit))
    assert (record.code, record.host) == (19, urlsplit(harness.hub.url).netloc)
    assert record.message.endswith("The requested URL returned error: 503")


@pytest.mark.parametrize(
    ("status", "says"), [(429, "limits the rate of requests"), (503, "asks to wait"), (403, "asks to wait")]
)
async def test_a_host_that_names_its_pause_gets_it(harness: IntakeHarness, status: int, says: str) -> None:
    repository = harness.repository()
    origin = harness.origin(repository, a_history(repository)[0])
    headers = {"Retry-After": "120", "Content-Type": "text/plain"}
    harness.hub.answers[repository.served.stem] = Response(status, b"come back later\n", headers)
    harness.hub.failures[repository.served.stem] = 4
    record = await harness.run_intake(origin)
    assert record == IntakeResult(
        nonce=record.nonce,
        code=19,
        message=f"{origin.url} {says}: come back later unable to access '{origin.url}/': The requested URL returned "
        f"error: {status}",
        host=urlsplit(harness.hub.url).netloc,
        retry_after_seconds=120.0,
    )
    assert harness.hub.failures[repository.served.stem] == 3


def test_the_pause_of_the_last_answer_counts() -> None:
    line = "07:49:33.803374 http.c:684              <= Recv header: {}\n"
    answers = ["Retry-After: 1", "HTTP/2 429", "retry-after: 60", "content-type: text/plain"]
    assert pause_in_trace("".join(line.format(answer) for answer in answers)) == 60
    assert pause_in_trace(line.format("Server: retry-after: 5") + "=> Send header: Retry-After: 5\n") is None


LIMITED = """remote: You have exceeded a secondary rate limit.
remote: Please wait a few minutes before you try again.
fatal: unable to access 'https://git.example/r.git/': The requested URL returned error: 403
"""
"""What git writes when a forge answers 403 with a text."""


@pytest.mark.parametrize(
    "stderr",
    [
        LIMITED,
        "fatal: unable to access 'https://git.example/r.git/': The requested URL returned error: 429\n",
        "fatal: unable to access 'https://git.example/r.git/': Could not resolve host: git.example\n",
        "error: RPC failed; curl 56 Recv failure: Connection reset by peer\nfatal: early EOF\n",
        "fatal: unable to access 'https://git.example/r.git/': Operation too slow\n",
    ],
    ids=["a secondary rate limit", "a rate limit", "no name", "a reset", "a timeout"],
)
def test_answers_that_are_not_about_the_row_are_the_hosts(stderr: str) -> None:
    error = classify_git_error(stderr, Remote("https://git.example/r.git"), NOBODY)
    assert isinstance(error, HostUnavailable)
    assert error.host == "git.example"


def test_the_hosts_own_words_are_kept() -> None:
    error = classify_git_error(LIMITED, Remote("https://git.example/r.git"), NOBODY)
    assert str(error) == (
        "https://git.example/r.git limits the rate of requests: You have exceeded a secondary rate limit. Please wait "
        "a few minutes before you try again. unable to access 'https://git.example/r.git/': The requested URL returned "
        "error: 403"
    )


async def test_a_host_that_recovers_is_used(harness: IntakeHarness) -> None:
    repository = harness.repository()
    commit = a_history(repository)[0]
    harness.hub.failures[repository.served.stem] = 2
    assert (await harness.run_intake(harness.origin(repository, commit))).code == 0


@pytest.mark.parametrize(
    "url", ["file:///etc", "ssh://git@127.0.0.1/x", "ext::sh -c id", "/etc/passwd", "http://"]
)
async def test_only_http_urls_are_fetched(harness: IntakeHarness, url: str) -> None:
    record = await harness.run_intake(GitOrigin(url=url, commit=NOBODY))
    assert (record.code, "only these are fetched" in record.message) == (13, True)


# Private repositories


@pytest.fixture
def private(harness: IntakeHarness) -> tuple[Repository, str]:
    repository = Repository.start(
        harness.folder / "work", harness.hub.root / f"private/{harness.folder.name}.git"
    )
    return repository, a_history(repository)[1]


def token(folder: Path, text: str) -> str:
    path = folder / "token"
    path.write_text(text)
    return str(path)


async def test_a_token_opens_a_private_repository(
    harness: IntakeHarness, private: tuple[Repository, str], tmp_path: Path
) -> None:
    repository, commit = private
    git(repository.root, "tag", "v1", commit)
    record = await harness.run_intake(
        harness.origin(repository, commit, token_file=token(tmp_path, "the-token\n"))
    )
    assert record.code == 0
    assert (await harness.facts(record))["versionTag"] == "v1"
    assert b"the-token" not in await harness.source(record)
    root = await harness.unpacked(record, tmp_path / "clean")
    everything = b"".join(path.read_bytes() for path in root.rglob("*") if path.is_file())
    assert b"the-token" not in everything
    assert b"Basic" not in everything


async def test_the_user_of_the_url_goes_with_the_token(
    harness: IntakeHarness, private: tuple[Repository, str], tmp_path: Path
) -> None:
    repository, commit = private
    url = harness.origin(repository, commit).url.replace("http://", "http://lab:old@")
    harness.hub.headers.clear()
    record = await harness.run_intake(GitOrigin(url=url, commit=commit, token_file=token(tmp_path, "t")))
    assert record.code == 13
    assert "old" not in record.message
    credentials = harness.hub.headers[0]["Authorization"].removeprefix("Basic ")
    assert base64.b64decode(credentials) == b"lab:t"


@pytest.mark.parametrize(
    ("secret", "remediation"),
    [(None, "name a secret with a token"), ("wrong", "the git token was rejected: renew the secret")],
)
async def test_a_refused_login_says_what_to_do(
    harness: IntakeHarness,
    private: tuple[Repository, str],
    tmp_path: Path,
    secret: str | None,
    remediation: str,
) -> None:
    repository, commit = private
    file = token(tmp_path, secret) if secret else None
    record = await harness.run_intake(harness.origin(repository, commit, token_file=file))
    assert (record.code, remediation in record.message) == (13, True), record.message
    assert "wrong" not in record.message


async def test_a_token_that_is_not_mounted_is_named(
    harness: IntakeHarness, private: tuple[Repository, str]
) -> None:
    repository, commit = private
    origin = harness.origin(repository, commit, token_file="/nowhere/token", token_named="Secret x, key y")
    record = await harness.run_intake(origin)
    message = "Secret x, key y does not exist; create it, and the work goes on by itself"
    assert (record.code, record.message) == (14, message)


# Sources that an earlier intake left


async def test_a_stored_source_gives_the_same_stages_as_the_first_time(harness: IntakeHarness) -> None:
    repository = harness.repository()
    base, after = (
        repository.commit(writing({"a.py": b"1\n"})),
        repository.commit(writing({"a.py": b"2\n", "b": b""})),
    )
    git(repository.root, "tag", "v1", base)
    patch = repository.diff(base, after)
    first = await harness.run_intake(harness.origin(repository, base), None, patch)
    assert first.source is not None
    again = await harness.run_intake(ArtifactOrigin(digest=first.source), None, patch)
    assert (again.source, again.layers) == (first.source, first.layers)
    assert (await harness.facts(again))["versionTag"] == "v1"


async def test_a_source_that_is_not_there_is_named(harness: IntakeHarness) -> None:
    await harness.registry.put_blob(harness.repo, b"so that the repository exists")
    missing = "sha256:" + "0" * 64
    record = await harness.run_intake(ArtifactOrigin(digest=missing))
    assert (record.code, record.message) == (12, f"the source {missing} is not in {harness.repo}")


def test_the_test_server_asks_for_logins(hub: git_server.Server) -> None:
    done = subprocess.run(
        ["git", "-c", "credential.helper=", "ls-remote", f"{hub.url}/private/x.git"],
        env={"GIT_TERMINAL_PROMPT": "0", "PATH": "/usr/bin:/bin"},
        capture_output=True,
        check=False,
    )
    assert b"could not read Username" in done.stderr
