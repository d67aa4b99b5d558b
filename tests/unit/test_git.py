"""The git runner: what git gets of our environment, and how long it may run."""

import asyncio
import time
from pathlib import Path

import pytest

from swefoundry.git import Git, GitFailed, GitTimeLimit


@pytest.fixture
def repository(tmp_path: Path) -> Git:
    asyncio.run(Git(tmp_path).run("init", "-q"))
    return Git(tmp_path)


async def test_configuration_of_the_user_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home/.gitconfig").write_text("[user]\n\tname = somebody\n")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "user.name")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", "somebody")
    with pytest.raises(GitFailed):
        await Git(tmp_path).run("config", "user.name")


async def test_variables_of_our_own_are_not_inherited(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SWEFOUNDRY_SECRET", "key")
    monkeypatch.setenv("GIT_DIR", "/elsewhere")
    git = Git(tmp_path, (("alias.environment", "!env"),), {"EXTRA": "1"})
    names = {line.partition(b"=")[0] for line in (await git.run("environment")).splitlines()}
    assert b"EXTRA" in names
    assert not names & {b"SWEFOUNDRY_SECRET", b"GIT_DIR"}


async def test_a_command_and_its_helpers_end_at_the_time_limit(tmp_path: Path) -> None:
    git = Git(tmp_path, (("alias.slow", "!sleep 60"),))
    started = time.monotonic()
    with pytest.raises(GitTimeLimit, match=r"git slow did not end within 0\.2 seconds"):
        await git.run("slow", seconds=0.2)
    assert time.monotonic() - started < 50


def test_an_error_carries_what_git_wrote(repository: Git) -> None:
    with pytest.raises(GitFailed, match="git rev-parse failed") as caught:
        asyncio.run(repository.run("rev-parse", "--verify", "HEAD"))
    assert "HEAD" in caught.value.stderr or "revision" in caught.value.stderr
