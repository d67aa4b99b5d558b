"""The lab's git server is what git sources are fetched from in tests: real git against the real server."""

import subprocess
import threading
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path

import pytest

from swefoundry_lab.gitserver import Server


def git(*arguments: str, cwd: Path | None = None) -> str:
    command = ["git", "-c", "user.name=a", "-c", "user.email=a@b", "-c", "credential.helper=", *arguments]
    done = subprocess.run(command, cwd=cwd, check=False, capture_output=True, text=True, env={
        "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_TERMINAL_PROMPT": "0",
        "PATH": "/usr/local/bin:/usr/bin:/bin",
    })  # fmt: skip
    if done.returncode:
        raise AssertionError(done.stderr)
    return done.stdout.strip()


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """A repository with two commits and a tag."""
    folder = tmp_path / "work"
    git("init", "-q", "-b", "main", str(folder))
    (folder / "a.txt").write_text("one\n")
    git("add", ".", cwd=folder)
    git("commit", "-qm", "one", cwd=folder)
    git("tag", "v1", cwd=folder)
    (folder / "a.txt").write_text("two\n")
    git("commit", "-qam", "two", cwd=folder)
    return folder


@pytest.fixture
def url(tmp_path: Path, work: Path) -> Iterator[str]:
    served = tmp_path / "served"
    git("clone", "-q", "--bare", str(work), str(served / "a.git"))
    git("clone", "-q", "--bare", str(work), str(served / "private" / "b.git"))
    server = Server(("127.0.0.1", 0), served)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


def test_a_repository_is_cloned_with_its_tags(url: str, tmp_path: Path) -> None:
    git("clone", "-q", f"{url}/a.git", str(tmp_path / "clone"))
    assert (tmp_path / "clone" / "a.txt").read_text() == "two\n"
    assert git("tag", cwd=tmp_path / "clone") == "v1"


def test_one_commit_is_fetched_by_its_id_alone(url: str, work: Path, tmp_path: Path) -> None:
    first = git("rev-parse", "v1", cwd=work)
    git("init", "-q", str(tmp_path / "shallow"))
    git("fetch", "-q", "--depth=1", f"{url}/a.git", first, cwd=tmp_path / "shallow")
    assert git("rev-parse", "FETCH_HEAD", cwd=tmp_path / "shallow") == first


def test_a_request_of_unknown_length_is_understood(url: str) -> None:
    line = HTTPConnection(url.removeprefix("http://"))
    head = {"Content-Type": "application/x-git-upload-pack-request", "Transfer-Encoding": "chunked"}
    line.request("POST", "/a.git/git-upload-pack", iter([b"00", b"00"]), head, encode_chunked=True)
    answer = line.getresponse()
    assert (answer.status, answer.read()) == (200, b"")


def test_nothing_can_be_pushed(url: str, work: Path) -> None:
    with pytest.raises(AssertionError, match="403"):
        git("push", f"{url}/a.git", "HEAD:refs/heads/new", cwd=work)


def test_a_private_repository_wants_the_password(url: str) -> None:
    with pytest.raises(AssertionError, match="could not read Username"):
        git("ls-remote", f"{url}/private/b.git")
    with pytest.raises(AssertionError, match="Authentication failed"):
        git("ls-remote", f"{url.replace('//', '//lab:wrong@')}/private/b.git")
    assert "refs/tags/v1" in git("ls-remote", f"{url.replace('//', '//lab:lab@')}/private/b.git")


def test_a_missing_repository_is_not_found(url: str) -> None:
    with pytest.raises(AssertionError, match="not found"):
        git("ls-remote", f"{url}/missing.git")
