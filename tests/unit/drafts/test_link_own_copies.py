"""Later releases of the project among the packages that its test tools bring: in real processes and in Dockerfiles."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from swefoundry.drafts.recipes.node import image_programs
from unit.drafts.test_node_recipe import MANIFEST, an_input, install_steps

PROGRAM = Path(image_programs.__file__).with_name("link-own-copies.js")
NODE = shutil.which("node") or ""

needs_node = pytest.mark.skipif(not NODE, reason="needs Node")


def a_package(folder: Path, version: str) -> None:
    folder.mkdir(parents=True)
    (folder / "package.json").write_text(json.dumps({"version": version}))


def ran(root: Path, *own: str) -> str:
    command = [NODE, str(PROGRAM), *own]
    return subprocess.run(command, capture_output=True, text=True, check=True, cwd=root).stdout


def links(root: Path) -> dict[str, str]:
    """Return all links below a folder, with what they point to."""
    found = (each for each in root.rglob("*") if each.is_symlink())
    return {str(each.relative_to(root)): os.readlink(each) for each in found}


@needs_node
@pytest.mark.parametrize(
    ("version", "own", "replaced"),
    [
        ("1.11.0", "1.10.3", True),
        ("1.10.3", "1.10.3", False),
        ("1.9.9", "1.10.3", False),
        ("0.0.8", "1.2.0", False),
        ("2.0.0", "2.0.0-beta.1", True),
        ("2.0.0-beta.2", "2.0.0-beta.1", True),
        ("2.0.0-beta.1", "2.0.0-beta.1", False),
        ("2.0.0-beta.1", "2.0.0", False),
        ("2.0.0+build.7", "2.0.0", False),
        ("1.0.0", "", True),
        ("next", "1.0.0", True),
    ],
)
def test_a_copy_is_replaced_when_it_may_be_later_than_the_project(
    tmp_path: Path, version: str, own: str, replaced: bool
) -> None:
    a_package(tmp_path / "node_modules/calc", version)
    ran(tmp_path, "calc", own, "/testbed")
    assert links(tmp_path) == ({"node_modules/calc": "/testbed"} if replaced else {})


@needs_node
def test_copies_are_found_at_every_depth_and_of_each_package_of_the_source(tmp_path: Path) -> None:
    for folder, version in {
        "tape/node_modules/calc": "2.0.0",
        "@o/tool/node_modules/@o/calc": "5.0.0",
        ".pnpm/calc@2.0.0/node_modules/calc": "2.0.0",
        "tape/lib/calc": "2.0.0",
        "calculator": "2.0.0",
    }.items():
        a_package(tmp_path / "node_modules" / folder, version)
    (tmp_path / "node_modules/calc").symlink_to(".pnpm/calc@2.0.0/node_modules/calc")
    printed = ran(tmp_path, "calc", "1.0.0", "/testbed", "@o/calc", "4.0.0", "/testbed/packages/calc")
    assert links(tmp_path / "node_modules") == {
        "calc": ".pnpm/calc@2.0.0/node_modules/calc",
        "tape/node_modules/calc": "/testbed",
        ".pnpm/calc@2.0.0/node_modules/calc": "/testbed",
        "@o/tool/node_modules/@o/calc": "/testbed/packages/calc",
    }
    assert sorted(printed.splitlines()) == [
        "node_modules/.pnpm/calc@2.0.0/node_modules/calc: release 2.0.0 of the source's own package"
        " replaced by a link to /testbed",
        "node_modules/@o/tool/node_modules/@o/calc: release 5.0.0 of the source's own package"
        " replaced by a link to /testbed/packages/calc",
        "node_modules/tape/node_modules/calc: release 2.0.0 of the source's own package"
        " replaced by a link to /testbed",
    ]


@needs_node
def test_a_project_without_packages_needs_nothing(tmp_path: Path) -> None:
    assert ran(tmp_path, "calc", "1.0.0", "/testbed") == ""


def test_copies_are_replaced_in_the_step_that_installs_them_so_that_no_layer_has_them() -> None:
    steps = install_steps(an_input({"package.json": MANIFEST | {"version": "1.2.0-beta.1+2"}}))
    assert (
        " \\\n && node /usr/local/lib/link-own-copies.js calc 1.2.0-beta.1+2 /testbed\nCOPY . /testbed\n"
        in steps
    )


@pytest.mark.parametrize("version", ["1.2.0 beta", "1.0.0\nUSER root", "$(id)", "", None])
def test_a_text_that_is_no_version_stays_out_of_the_dockerfile(version: str | None) -> None:
    steps = install_steps(an_input({"package.json": MANIFEST | {"version": version}}))
    assert " && node /usr/local/lib/link-own-copies.js calc '' /testbed\n" in steps


@pytest.mark.parametrize("name", ["", "calc; rm -rf /", "$(id)"])
def test_a_project_without_the_name_of_a_package_has_no_copies(name: str) -> None:
    assert "link-own-copies" not in install_steps(an_input({"package.json": MANIFEST | {"name": name}}))


def test_a_lock_file_has_only_releases_of_before_the_fix() -> None:
    locked = {"package.json": MANIFEST, "package-lock.json": '{"lockfileVersion": 2}'}
    assert "link-own-copies" not in install_steps(an_input(locked))
