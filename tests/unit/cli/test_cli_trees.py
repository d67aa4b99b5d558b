"""Gold and test patch from two folders: git applies them, and the result is NEW."""

import os
import subprocess
from pathlib import Path

import pytest

from swefoundry.cli.releases.release_trees import Patches, split_patches
from swefoundry.cli.releases.splitting import path_classifier

Tree = dict[str, bytes]

OLD: Tree = {
    "src/calc.py": b"def add(a, b):\n    return a - b\n",
    "src/gone.py": b"x = 1\n",
    "src/crlf.py": b"a = 1\r\nb = 2\r\n",
    "src/no_end.py": b"a = 1",
    "src/logo.png": bytes(range(256)),
    "script.sh": b"#!/bin/sh\n",
    "tests/test_calc.py": b"def test_old():\n    pass\n",
    "tests/data.bin": b"\x00\x01",
    "PKG-INFO": b"Version: 1\n",
    ".gitattributes": b"* text=auto\n*.py text eol=lf\n*.png -diff\n",
    ".gitignore": b"build/\n",
    "swap": b"a file\n",
}

NEW: Tree = {
    "src/calc.py": b"def add(a, b):\n    return a + b\n",
    "src/crlf.py": b"a = 1\r\nb = 3\r\n",
    "src/no_end.py": b"a = 2",
    "src/logo.png": bytes(reversed(range(256))),
    "script.sh": b"#!/bin/sh\n",
    "src/caf\u00e9 latin.py": "s = 'caf\u00e9'\n".encode("latin-1"),
    "build/ignored.py": b"kept = True\n",
    "tests/test_calc.py": b"def test_new():\n    pass\n",
    "tests/data.bin": b"\x00\x02",
    "PKG-INFO": b"Version: 2\n",
    ".gitattributes": b"* text=auto\n*.py text eol=lf\n*.png -diff\n",
    ".gitignore": b"build/\n",
    "swap/inner.py": b"a folder\n",
}


def write(root: Path, tree: Tree) -> Path:
    for name, content in tree.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return root


def read(root: Path) -> Tree:
    return {
        str(path.relative_to(root)): path.read_bytes()
        for path in root.rglob("*")
        if path.is_file() and ".git" not in path.relative_to(root).parts
    }


def apply(root: Path, patch: bytes) -> None:
    """As strictly as an intake pod does."""
    subprocess.run(["git", "-c", "core.autocrlf=false", "init", "-q"], cwd=root, check=True)
    done = subprocess.run(["git", "apply", "--binary", "-"], cwd=root, input=patch, capture_output=True)
    assert done.returncode == 0, done.stderr.decode()


async def split(tmp_path: Path, old: Tree = OLD, new: Tree = NEW) -> Patches:
    folders = write(tmp_path / "old", old), write(tmp_path / "new", new)
    return await split_patches(*folders, tmp_path / "git", path_classifier())


async def test_both_patches_applied_make_the_new_release_but_for_generated_files(tmp_path: Path) -> None:
    patches = await split(tmp_path)
    work = write(tmp_path / "work", OLD)
    apply(work, patches.tests)
    assert read(work) == {**OLD, **{name: NEW[name] for name in ("tests/test_calc.py", "tests/data.bin")}}
    apply(work, patches.gold)
    assert read(work) == {**NEW, "PKG-INFO": OLD["PKG-INFO"]}


async def test_a_file_that_differs_in_line_ends_alone_is_no_change(tmp_path: Path) -> None:
    old = {"src/a.py": b"a = 1\r\n", "tests/test_a.py": b"assert a\r\n", "tests/test_b.py": b"b = 1\r\n"}
    new = {"src/a.py": b"a = 1\n", "tests/test_a.py": b"assert a\n", "tests/test_b.py": b"b = 2\n"}
    patches = await split(tmp_path, old, new)
    assert (patches.gold, patches.tests.count(b"diff --git")) == (b"", 1)
    assert b"+++ b/tests/test_b.py\n" in patches.tests


async def test_modes_and_links_are_part_of_the_patch(tmp_path: Path) -> None:
    old, new = (
        write(tmp_path / "old", {"a.sh": b"#!/bin/sh\n"}),
        write(tmp_path / "new", {"a.sh": b"#!/bin/sh\n"}),
    )
    (new / "a.sh").chmod(0o755)
    (new / "link").symlink_to("a.sh")
    patches = await split_patches(old, new, tmp_path / "git", path_classifier())
    apply(old, patches.gold)
    assert os.access(old / "a.sh", os.X_OK)
    assert os.readlink(old / "link") == "a.sh"


CODE = b"pub fn add(a: u8, b: u8) -> u8 {\n    a - b\n}\n\npub fn one() -> u8 {\n    1\n}\n"
FIXED = CODE.replace(b"a - b", b"a + b")


def a_module(name: bytes, body: bytes) -> bytes:
    return (
        b"#[cfg(test)]\n#[allow(unused)]\nmod "
        + name
        + b" {\n    #[test]\n    fn adds() {\n"
        + body
        + b"    }\n}\n"
    )


OLD_TESTS = a_module(b"tests", b"        assert_eq!(super::add(1, 0), 1);\n")
NEW_TESTS = a_module(b"tests", b"        assert_eq!(super::add(1, 1), 2);\n")


async def check_split_of_rust_file(tmp_path: Path, old: bytes, new: bytes, with_tests: bytes) -> None:
    """The test patch makes the old file the one with the new tests, and the gold patch makes that the new one."""
    patches = await split(tmp_path, {"src/lib.rs": old}, {"src/lib.rs": new})
    work = write(tmp_path / "work", {"src/lib.rs": old})
    if patches.tests:
        apply(work, patches.tests)
    assert read(work) == {"src/lib.rs": with_tests}
    apply(work, patches.gold)
    assert read(work) == {"src/lib.rs": new}


@pytest.mark.parametrize(
    ("old", "new", "with_tests"),
    [
        pytest.param(
            CODE + b"\n" + OLD_TESTS,
            FIXED + b"\n" + NEW_TESTS,
            CODE + b"\n" + NEW_TESTS,
            id="a changed module",
        ),
        pytest.param(CODE, FIXED + b"\n" + NEW_TESTS, CODE + b"\n" + NEW_TESTS, id="a new module at the end"),
        pytest.param(
            OLD_TESTS + b"\n" + CODE,
            NEW_TESTS + b"\n" + FIXED,
            NEW_TESTS + b"\n" + CODE,
            id="a module at the top",
        ),
        pytest.param(CODE, NEW_TESTS + b"\n" + FIXED, CODE, id="a new module elsewhere stays in the fix"),
        pytest.param(
            CODE + b"\n" + OLD_TESTS, FIXED + b"\n" + OLD_TESTS, CODE + b"\n" + OLD_TESTS, id="equal modules"
        ),
        pytest.param(CODE + b"\n" + OLD_TESTS, FIXED, CODE + b"\n", id="a module that is gone"),
        pytest.param(
            CODE + b"\n#[cfg(test)]\nmod tests;\n",
            FIXED + b"\n#[cfg(test)]\nmod other;\n",
            CODE + b"\n#[cfg(test)]\nmod tests;\n",
            id="a declaration is no module",
        ),
    ],
)
async def test_test_modules_of_rust_files_belong_to_the_test_patch(
    tmp_path: Path, old: bytes, new: bytes, with_tests: bytes
) -> None:
    await check_split_of_rust_file(tmp_path, old, new, with_tests)


def a_test(value: bytes) -> bytes:
    return b"#[test]\nfn adds() {\n    assert_eq!(add(1, 0), " + value + b");\n}\n"


TEXTS = b'#[cfg(test)]\nconst TEXTS: &[&str] = &[\n    "a",\n];\n'
DOCTEST = b'#[cfg(test)]\ndoc_comment::doctest!("../README.md");\n'
END = b"\npub fn two() -> u8 {\n    2\n}\n"


@pytest.mark.parametrize(
    ("old", "new", "with_tests"),
    [
        pytest.param(
            CODE + a_test(b"1") + END,
            FIXED + a_test(b"2") + END,
            CODE + a_test(b"2") + END,
            id="a changed function",
        ),
        pytest.param(
            CODE + a_test(b"1") + END,
            FIXED + TEXTS + b"\n" + a_test(b"TEXTS.len()") + END,
            CODE + TEXTS + b"\n" + a_test(b"TEXTS.len()") + END,
            id="a new constant of tests",
        ),
        pytest.param(
            CODE + a_test(b"1") + END,
            b"#![no_std]\n#[cfg(test)]\n#[macro_use]\nextern crate std;\n" + FIXED + a_test(b"2") + END,
            CODE + a_test(b"2") + END,
            id="a changed function; the standard library stays with the fix",
        ),
        pytest.param(
            CODE + TEXTS + b"\n" + END,
            FIXED + a_test(b"2") + b"\n" + OLD_TESTS + END,
            CODE + a_test(b"2") + b"\n" + END,
            id="a new function instead of a constant; a new module in the middle stays in the fix",
        ),
        pytest.param(
            CODE + b"\n" + END,
            DOCTEST + b"\n" + FIXED + END,
            DOCTEST + b"\n" + CODE + b"\n" + END,
            id="an item of one line, after which code follows",
        ),
        pytest.param(
            CODE + a_test(b"1") + b"\n" + OLD_TESTS,
            FIXED + a_test(b"2") + b"\n" + NEW_TESTS,
            CODE + a_test(b"2") + b"\n" + NEW_TESTS,
            id="a function and a module",
        ),
        pytest.param(
            b"pub fn add() {\n    1\n}\n",
            b"pub fn add() {\n    2\n" + a_test(b"1") + b"}\n",
            b"pub fn add() {\n    1\n}\n",
            id="a function within another stays in the fix",
        ),
        pytest.param(
            CODE + a_test(b"1") + END,
            FIXED + a_test(b"1") + END.replace(b"2", b"3"),
            CODE + a_test(b"1") + END,
            id="an equal function",
        ),
    ],
)
async def test_test_functions_beside_the_code_of_rust_files_belong_to_the_test_patch(
    tmp_path: Path, old: bytes, new: bytes, with_tests: bytes
) -> None:
    await check_split_of_rust_file(tmp_path, old, new, with_tests)


async def test_equal_trees_give_empty_patches(tmp_path: Path) -> None:
    assert await split(tmp_path, OLD, OLD) == Patches(gold=b"", tests=b"")


async def test_the_users_git_configuration_does_not_matter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tmp_path / "gitconfig"
    config.write_text("[diff]\n noprefix = true\n external = /bin/false\n[core]\n autocrlf = true\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(config))
    monkeypatch.setenv("GIT_DIR", "/nowhere")
    assert b"diff --git a/src/calc.py b/src/calc.py" in (await split(tmp_path)).gold
