"""The policy: what each rule refuses, and what it leaves alone."""

import pytest

from golden_files import assert_golden
from swefoundry.dockerfile.image_names import is_allowed, normalized
from swefoundry.dockerfile.policy import DOCKERFILE_LIMIT_BYTES, RULES, violations

TOP = "FROM python:3.11-slim\n"
END = "COPY . /testbed\n"


def rules_broken(dockerfile: str, allowed_bases: tuple[str, ...] = ()) -> list[tuple[int, str]]:
    return [(each.line, each.rule.value) for each in violations(dockerfile, allowed_bases)]


GOOD = {
    "plain": TOP + END,
    "source copied into the working directory": TOP + "WORKDIR /testbed\nCOPY . .\n",
    "slashes": TOP + "WORKDIR /\nCOPY ./ ./testbed/\n",
    "working directory in steps": TOP + "WORKDIR /\nWORKDIR testbed\nCOPY --chown=a:b . ./\n",
    "json form": TOP + 'COPY [".", "/testbed"]\n',
    "local ADD": TOP + "ADD . /testbed\n",
    "lower case and continuation": "from python:3.11-slim\ncopy . \\\n /testbed\n",
    "target in a variable": TOP + "ARG ROOT=/testbed\nENV APP=$ROOT\nWORKDIR $APP\nCOPY . ${APP}\n",
    "several stages": f"FROM gcc AS build\nCOPY . /src\nRUN make\n{TOP}COPY --from=build /src /testbed\n",
    "source in the parent stage": f"FROM python:3 AS base\n{END}FROM base\nRUN pip install -e /testbed\n",
    "base in an argument": "ARG TAG=3.11\nFROM python:${TAG}-slim\n" + END,
    "base argument with a default in place": "FROM ${BASE:-python}:3\n" + END,
    "platform variable": "FROM --platform=$BUILDPLATFORM python:3\n" + END,
    "heredoc with set -e": TOP + END + "RUN <<EOF\nset -eux\npip install .\ntrue\nEOF\n",
    "heredoc with a shebang": TOP + END + "RUN <<EOF\n#!/bin/bash -e\npip install .\ntrue\nEOF\n",
    "one-line heredoc": TOP + END + "RUN <<EOF\npip install .\nEOF\n",
    "cache mount": TOP + END + "RUN --mount=type=cache,target=/root/.cache pip install -e /testbed\n",
    "mount from a stage": f"FROM gcc AS tools\nRUN make\n{TOP}{END}RUN --mount=from=tools,target=/t cp /t/x /x\n",
    "a fallback that can fail": TOP + END + "RUN pip install -e .[test] || pip install -e .\n",
    "ignoring what is no install": TOP + END + "RUN apt-get update && rm -f x || true\n",
    "git itself": TOP + END + "RUN apt-get install -y git && git config --global user.name x && git status\n",
    "a dependency from a repository": TOP + END + "RUN pip install git+https://example.org/a/b@1.0\n",
    "a comment about cloning": TOP + END + "# git clone is not used\nRUN <<E\n# git clone x\necho\nE\n",
    "an entrypoint, which is ignored": TOP + END + 'ENTRYPOINT ["python"]\n',
    "downloading in a step": TOP + END + "RUN curl -fsSLO https://example.org/tool.tar.gz\n",
}

BAD = {
    "no source": (TOP + "RUN pip install x\n", [(1, "source")]),
    "source elsewhere": (TOP + "COPY . /app\n", [(1, "source")]),
    "part of the source": (TOP + "COPY src /testbed\n", [(1, "source")]),
    "source with holes": (TOP + "COPY --exclude=tests . /testbed\n", [(1, "source")]),
    "source in a stage that is left": (f"FROM a AS one\n{END}FROM b\nRUN x\n", [(3, "source")]),
    "stage without the source": (
        "FROM a AS one\nRUN x\nFROM b\nCOPY --from=one /x /testbed\n",
        [(3, "source")],
    ),
    "clone": (TOP + END + "RUN cd /x && git clone https://example.org/a/b\n", [(3, "clone")]),
    "clone with options": (TOP + END + "RUN git -C /x -c a=b clone --depth 1 u\n", [(3, "clone")]),
    "clone in a nested shell": (TOP + END + 'RUN bash -c "git clone u"\n', [(3, "clone")]),
    "clone in a heredoc": (TOP + END + "RUN <<EOF\nset -e\ngit fetch origin main\nEOF\n", [(3, "clone")]),
    "clone over lines": (TOP + END + "RUN git \\\n  clone u\n", [(3, "clone")]),
    "clone in exec form": (TOP + END + 'RUN ["git", "clone", "u"]\n', [(3, "clone")]),
    "clone by other tools": (
        TOP + END + "RUN gh repo clone a/b\nRUN hg clone x\n",
        [(3, "clone"), (4, "clone")],
    ),
    "remote ADD": (TOP + END + "ADD https://example.org/x.tar.gz /x\n", [(3, "remote-add")]),
    "repository ADD": (TOP + END + "ADD git@example.org:a/b.git /x\n", [(3, "remote-add")]),
    "bare repository ADD": (TOP + END + "ADD example.org/a/b.git#v1 /x\n", [(3, "remote-add")]),
    "remote ADD in a variable": (TOP + END + "ARG U=http://x\nADD $U /x\n", [(4, "remote-add")]),
    "|| true": (TOP + END + "RUN pip install -e . || true\n", [(3, "hidden-failure")]),
    "|| :": (TOP + END + "RUN apt-get -y -q install gcc ||:\n", [(3, "hidden-failure")]),
    "|| echo": (TOP + END + "RUN pip3 install x || echo failed\n", [(3, "hidden-failure")]),
    "; true": (TOP + END + "RUN npm ci; true\n", [(3, "hidden-failure")]),
    "|| true in brackets": (TOP + END + "RUN (uv pip install x || true) && ls\n", [(3, "hidden-failure")]),
    "|| true before more": (TOP + END + "RUN poetry install || true && ls\n", [(3, "hidden-failure")]),
    "heredoc that runs on": (TOP + END + "RUN <<EOF\npip install .\nls\nEOF\n", [(3, "hidden-failure")]),
    "insecure step": (TOP + END + "RUN --security=insecure x\n", [(3, "privilege")]),
    "ssh agent": (TOP + END + "RUN --mount=type=ssh x\n", [(3, "privilege")]),
    "unset base": ("ARG BASE\nFROM $BASE\n" + END, [(2, "base")]),
    "base from disk": ("FROM oci-archive:/x.tar\n" + END, [(1, "base")]),
    "no instruction": ("# nothing\n", [(1, "syntax")]),
    "no FROM": ("RUN x\n", [(1, "syntax")]),
    "unknown instruction": (TOP + "RUNN x\n" + END, [(2, "syntax")]),
    "open heredoc": (TOP + END + "RUN <<EOF\nx\n", [(3, "syntax")]),
    "too long": (TOP + END + "#" * DOCKERFILE_LIMIT_BYTES, [(1, "size")]),
    "too long when it is sent": (TOP + END + '"' * (DOCKERFILE_LIMIT_BYTES - 100), [(1, "size")]),
}


@pytest.mark.parametrize("name", GOOD)
def test_a_good_dockerfile_has_no_complaints(name: str) -> None:
    assert violations(GOOD[name], []) == []


@pytest.mark.parametrize("name", BAD)
def test_a_bad_dockerfile_is_refused_by_its_rule_at_its_line(name: str) -> None:
    dockerfile, expected = BAD[name]
    assert rules_broken(dockerfile) == expected


@pytest.mark.parametrize("name", BAD)
def test_a_complaint_is_a_sentence_that_names_the_line(name: str) -> None:
    for each in violations(BAD[name][0], ()):
        assert each.message.startswith(f"Line {each.line}: ")
        assert each.message.endswith(".")


PYTHON_ONLY = ("python:*", "registry.lab:5000/bases/*")


def test_images_outside_the_list_are_refused_wherever_they_are_named() -> None:
    dockerfile = (
        "FROM docker.io/library/python:3.11-slim AS one\nFROM one\nCOPY --from=evil/image:1 /x /x\n"
        "COPY --from=one /x /x\nCOPY --from=0 /y /y\nRUN --mount=type=bind,from=debian,target=/d ls\n"
        "FROM scratch\nFROM ubuntu\nCOPY . /testbed\nCOPY --from=registry.lab:5000/bases/x /a /b\n"
    )
    assert rules_broken(dockerfile, PYTHON_ONLY) == [(3, "base"), (6, "base"), (8, "base")]


@pytest.mark.parametrize(
    ("name", "long"),
    [
        ("python", "docker.io/library/python:latest"),
        ("python:3", "docker.io/library/python:3"),
        ("bitnami/redis", "docker.io/bitnami/redis:latest"),
        ("index.docker.io/python", "docker.io/library/python:latest"),
        ("docker://ghcr.io/a/b:1", "ghcr.io/a/b:1"),
        ("localhost/a", "localhost/a:latest"),
        ("host:5000/a", "host:5000/a:latest"),
        ("python@sha256:ab", "docker.io/library/python@sha256:ab"),
        ("python:3@sha256:ab", "docker.io/library/python:3@sha256:ab"),
    ],
)
def test_names_have_one_long_form(name: str, long: str) -> None:
    assert normalized(name) == long


@pytest.mark.parametrize(
    ("name", "pattern", "fits"),
    [
        ("docker.io/library/python:3.11-slim", "python:3.*", True),
        ("python:3.11", "python", True),
        ("python@sha256:ab", "python", True),
        ("python@sha256:ab", "python:*", False),
        ("pythonx:3", "python:*", False),
        ("evil/python:3", "python:*", False),
        ("evil.example/library/python:3", "docker.io/library/*", False),
        ("ghcr.io/a/b:1", "ghcr.io/*", True),
        ("anything/at:all", "*", True),
        ("redis", "bitnami/*", False),
    ],
)
def test_patterns_are_compared_in_the_long_form(name: str, pattern: str, fits: bool) -> None:
    assert is_allowed(name, [pattern]) is fits


def test_the_wording_of_complaints() -> None:
    dockerfiles = {name: (text, ()) for name, (text, _) in BAD.items()}
    outside = {"a base that is not allowed": ("FROM ubuntu\n" + END, PYTHON_ONLY)}
    lines = [
        f"{name}: {each.rule.value}: {each.message}"
        for name, (text, bases) in (dockerfiles | outside).items()
        for each in violations(text, bases)
    ]
    assert_golden("dockerfile-policy.txt", "".join(f"{line}\n" for line in lines))


@pytest.mark.timeout(60)
@pytest.mark.parametrize("words", ["pip x ", "git -c a ", "apt a ", "|| true ", "$A${B:-", "<<A "])
def test_the_longest_dockerfile_does_not_tie_the_operator_up(words: str) -> None:
    violations(TOP + END + "RUN " + words * ((DOCKERFILE_LIMIT_BYTES - 100) // len(words)), PYTHON_ONLY)


def test_the_order_of_the_rules_is_known() -> None:
    assert [rule.__name__ for rule in RULES] == [
        "bases_are_allowed",
        "source_is_copied",
        "nothing_is_cloned",
        "nothing_remote_is_added",
        "failures_are_not_hidden",
        "heredocs_stop_at_failures",
        "nothing_is_privileged",
    ]


COMPOSED = "registry.lab:5000/swefoundry/tasks/a/b@sha256:" + "1" * 64


def test_a_rebuild_begins_with_the_composed_image_which_has_the_source_already() -> None:
    rebuild = f"FROM {COMPOSED}\nRUN cd /testbed && make\n"
    assert violations(rebuild, PYTHON_ONLY, COMPOSED) == []
    assert [each.rule.value for each in violations(rebuild, PYTHON_ONLY)] == ["base", "source"]
    other = rebuild.replace("1" * 64, "2" * 64)
    assert [each.rule.value for each in violations(other, PYTHON_ONLY, COMPOSED)] == ["base", "source"]


def test_a_rebuild_command_keeps_the_other_rules() -> None:
    rebuild = f"FROM {COMPOSED}\nRUN cd /testbed && git clone https://x/y && make || true\n"
    assert {each.rule.value for each in violations(rebuild, [], COMPOSED)} == {"clone", "hidden-failure"}
