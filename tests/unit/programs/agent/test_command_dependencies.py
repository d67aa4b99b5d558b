"""Which changes of a Dockerfile concern the commands that were written for it."""

import pytest

from swefoundry.programs.agent.command_dependencies import change_concerns_commands
from unit.programs.agent.agent_inputs import DOCKERFILE, a_draft, dockerfile_with

BASE = "FROM python:3.11-slim"
UNCONCERNED = {
    "a system package is added": dockerfile_with("RUN apt-get install -y libxml2-dev"),
    "a variable is set": dockerfile_with("ENV TZ=America/New_York"),
    "another version of the same base image": DOCKERFILE.replace("3.11", "3.7"),
    "a comment names the runner": dockerfile_with("# pytest needs this"),
    "a package is installed in the same step as the runner": DOCKERFILE.replace("pytest", "pytest lxml"),
}
CONCERNED = {
    "another version of the runner": DOCKERFILE.replace("pytest", "pytest==3.6"),
    "the runner is no longer installed": DOCKERFILE.replace("RUN pip install pytest\n", ""),
    "another base image": DOCKERFILE.replace(BASE, "FROM debian:12"),
    "another folder": DOCKERFILE.replace("WORKDIR /testbed", "WORKDIR /testbed/src"),
    "another path of programs": dockerfile_with("ENV PATH=/opt/bin:$PATH"),
    "another user": dockerfile_with("USER nobody"),
}


@pytest.mark.parametrize("dockerfile", UNCONCERNED.values(), ids=UNCONCERNED)
def test_the_commands_stay_when(dockerfile: str) -> None:
    assert not change_concerns_commands(a_draft(), dockerfile)


@pytest.mark.parametrize("dockerfile", CONCERNED.values(), ids=CONCERNED)
def test_the_commands_are_looked_at_again_when(dockerfile: str) -> None:
    assert change_concerns_commands(a_draft(), dockerfile)


def test_a_version_that_the_command_names_concerns_it() -> None:
    draft = a_draft(command="python3.11 -m pytest {files}")
    assert change_concerns_commands(draft, DOCKERFILE.replace("3.11", "3.7"))


def test_a_rebuild_command_counts_as_well() -> None:
    draft = a_draft(rebuild_command="cmake --build .")
    assert change_concerns_commands(draft, dockerfile_with("RUN apt-get install -y cmake"))
