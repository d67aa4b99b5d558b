"""What the summary keeps of manifests, says of lockfiles, and adds of scripts that scripts call."""

import json
from pathlib import Path

import pytest

from swefoundry.contracts.facts import FileFact
from swefoundry.programs.agent.repo.called_files import called_files, runner_configuration
from swefoundry.programs.agent.repo.lock_facts import lock_facts
from swefoundry.programs.agent.repo.manifest_text import environment_part, without_badges
from swefoundry.programs.agent.repo.repo_summary import summarize_repo
from unit.programs.agent.agent_inputs import a_facts, a_tree

PACKAGE = {
    "name": "calc",
    "contributors": ["A", "B"],
    "keywords": ["math"],
    "scripts": {"test": "nps test", "lint": "sh scripts/lint.sh", "build": "node tools/build"},
    "devDependencies": {"mocha": "^3.0.0", "chai": "github:a/chai"},
}


def a_file(path: str, text: str) -> FileFact:
    return FileFact(path=path, sha256="0" * 64, text=text)


MANIFESTS = {
    "package.json": (
        json.dumps({"name": "calc", "author": "A", "scripts": {"test": "mocha"}}),
        '{\n "name": "calc",\n "scripts": {\n  "test": "mocha"\n }\n}',
    ),
    "package.json of another kind": ("[1]", "[1]"),
    "broken/package.json": ("{", "{"),
    "pyproject.toml": (
        '[project]\nname = "calc"\ndescription = """\nAdds.\n"""\n'
        'authors = [\n  {name = "A"},\n]\nkeywords = ["math"]\nclassifiers = [\n'
        '  "License :: OSI Approved",\n  "Programming Language :: Python :: 3.8",\n]\n\n\n\n'
        '[tool.black]\nline-length = 100\n\n[tool.pytest.ini_options]\naddopts = "-q"\n',
        '[project]\nname = "calc"\nclassifiers = [\n  "Programming Language :: Python :: 3.8",\n]\n\n'
        '[tool.pytest.ini_options]\naddopts = "-q"',
    ),
    "Cargo.toml": (
        '[package]\nname = "calc"\nauthors = ["A"]\n[badges]\nci = {}\n[dependencies]\nlibc = "1"\n',
        '[package]\nname = "calc"\n[dependencies]\nlibc = "1"',
    ),
    "PKG-INFO": (
        "Name: calc\nDescription: # calc\n        Adds.\nClassifier: License :: OSI Approved\n\n# calc\nAdds.\n",
        "Name: calc\nClassifier: License :: OSI Approved",
    ),
    "pom.xml": (
        "<project><!-- licence --><developers><developer/></developers><artifactId>a</artifactId></project>",
        "<project><artifactId>a</artifactId></project>",
    ),
    "go.mod": ("module calc\n\ngo 1.21\n", "module calc\n\ngo 1.21"),
}


@pytest.mark.parametrize(("path", "texts"), MANIFESTS.items(), ids=MANIFESTS)
def test_a_manifest_is_shown_without_people_and_keywords(path: str, texts: tuple[str, str]) -> None:
    assert environment_part(path, texts[0]) == texts[1]


def test_badges_are_left_out_of_a_readme() -> None:
    badge = "[![ci](https://ci.example/b.svg)](https://ci.example)"
    assert without_badges(f"# calc {badge}\n![x](https://a.example/x.png)\nRun `make`.") == (
        "# calc \n\nRun `make`."
    )


LOCKS = {
    "package-lock.json": (
        {
            "lockfileVersion": 2,
            "packages": {
                "": {"devDependencies": {"mocha": "^2.0.0", "chai": "github:a/chai"}},
                "node_modules/mocha": {"version": "2.1.0"},
                "node_modules/chai": {"resolved": "git+ssh://git@github.com/a/chai.git#1"},
            },
        },
        "npm, lockfileVersion 2; 2 packages; from git: chai; not in step with the manifest: mocha",
    ),
    "yarn.lock": (
        'chai@github:a/chai:\n  version "1"\n\n"mocha@^3.0.0", mocha@^3.1.0:\n  version "3.2.0"\n',
        "yarn 1; 2 packages; from git: chai; in step with the manifest",
    ),
    "pnpm-lock.yaml": (
        "lockfileVersion: '6.0'\n\npackages:\n\n  /mocha@3.0.0:\n    dev: true\n",
        "pnpm, lockfileVersion 6.0; 1 packages",
    ),
    "poetry.lock": (
        '[[package]]\nname = "a"\n\n[[package]]\nname = "b"\n\n[package.source]\ntype = "git"\n\n'
        '[metadata]\nlock-version = "1.1"\n',
        "poetry, version 1.1; 2 packages; from git: b",
    ),
    "Cargo.lock": (
        'version = 3\n\n[[package]]\nname = "a"\nsource = "git+https://a.example/a"\n',
        "cargo, version 3; 1 packages; from git: a",
    ),
    "go.sum": ("a.example/a v1.0.0 h1:x=\na.example/a v1.0.0/go.mod h1:y=\n", "go.sum; 1 packages"),
    "Gemfile.lock": (
        "GIT\n  remote: https://a.example/a\n  specs:\n    a (1.0)\n\nBUNDLED WITH\n   2.3.1\n",
        "Bundler 2.3.1; 1 packages; from git: https://a.example/a",
    ),
}


@pytest.mark.parametrize(("path", "lock"), LOCKS.items(), ids=LOCKS)
def test_a_lockfile_is_one_line(path: str, lock: tuple[object, str]) -> None:
    text = lock[0] if isinstance(lock[0], str) else json.dumps(lock[0])
    found = lock_facts(path, text, json.dumps(PACKAGE))
    assert found is not None and found.described == lock[1]


def test_a_lockfile_of_an_unknown_or_broken_format_has_no_facts() -> None:
    assert (lock_facts("flake.lock", "{}"), lock_facts("package-lock.json", "{")) == (None, None)


def test_scripts_lead_to_the_files_that_they_call() -> None:
    paths = ["package-scripts.js", "scripts/lint.sh", "tools/build.js", "ci/run.sh", "README.md", "lib/a.js"]
    ci = [a_file(".travis.yml", "script:\n  - ./ci/run.sh --all\n  - browserify lib/a.js\n")]
    called = called_files([a_file("package.json", json.dumps(PACKAGE))], ci, paths)
    assert called == ["package-scripts.js", "scripts/lint.sh", "tools/build.js", "ci/run.sh"]


def test_runner_configuration_is_found_by_name() -> None:
    paths = [
        "test/mocha.opts",
        "a/node_modules/b/.mocharc.js",
        "jest.config.ts",
        ".cargo/config.toml",
        "jest.md",
    ]
    assert runner_configuration(paths) == ["jest.config.ts", ".cargo/config.toml", "test/mocha.opts"]


def test_the_summary_shows_each_file_once_and_no_secret_that_is_cut_in_two(tmp_path: Path) -> None:
    token = "npm_" + "a" * 36
    files = {
        "package.json": json.dumps(PACKAGE),
        "package-scripts.js": "module.exports = {};\n",
        "test/mocha.opts": f"{'x' * 1984} {token}\n",
        "test/new.js": "",
    }
    facts = a_facts(
        manifests=[a_file("package.json", files["package.json"])],
        test_files=["test/new.js", "test/old.js"],
        new_test_files=["test/new.js"],
        new_test_heads=[a_file("test/new.js", "const assert = require('assert')\n")],
        test_support_files=["test/data.json"],
        test_imports=[],
    )
    summary = summarize_repo(facts, a_tree(tmp_path, files))
    assert [
        summary.count(part) for part in ("module.exports", "require('assert')", "contributors", "npm_a")
    ] == [
        1,
        1,
        0,
        0,
    ]
    assert 'Test files that must run, changed by the test patch: "test/old.js"\n' in summary
    assert 'Test files that must run, new: "test/new.js"\n' in summary
    assert 'Support files of the test patch, which are not in {files}: "test/data.json"\n' in summary


def test_manifests_of_samples_come_last(tmp_path: Path) -> None:
    manifests = [a_file("examples/package.json", "{}"), a_file("package.json", '{"name": "calc"}')]
    summary = summarize_repo(a_facts(manifests=manifests), a_tree(tmp_path, {"Dockerfile": "FROM scratch\n"}))
    places = [
        summary.index(f'"{path}"\n') for path in ("package.json", "Dockerfile", "examples/package.json")
    ]
    assert places == sorted(places)
