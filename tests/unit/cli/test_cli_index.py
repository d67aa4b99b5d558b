"""`collect releases` against an index of our own over HTTP, in both forms of the simple API, through pip's session."""

import hashlib
import json
import os
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

import loopback
from loopback import Request, Response
from unit.cli.conftest import Run
from unit.cli.test_cli_archives import tar
from unit.cli.test_cli_collect import FILES
from unit.oci.registry_server import refusing_port

ROOT = Path(__file__).parents[3]
Pages = dict[str, tuple[str, bytes]]
SIMPLE = "application/vnd.pypi.simple.v1+json"


@contextmanager
def serving(pages: Pages) -> Iterator[str]:
    def answer(request: Request) -> Response:
        kind, content = pages.get(request.target, ("text/plain", b""))
        return Response(200 if request.target in pages else 404, content, {"Content-Type": kind})

    with loopback.serving(answer) as host:
        yield f"http://{host}"


@pytest.fixture
def archives(tmp_path: Path) -> dict[str, bytes]:
    archives = {}
    for version, files in FILES.items():
        path = tar(
            tmp_path / f"calc-{version}.tar.gz",
            {f"calc-{version}/{name}": data for name, data in files.items()},
        )
        archives[f"calc-{version}.tar.gz"] = path.read_bytes()
    return archives


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def json_page(archives: dict[str, bytes]) -> Pages:
    files = [
        {
            "filename": name,
            "url": f"../../files/{name}",
            "hashes": {"sha256": sha256(content)},
            "upload-time": "2023-06-01T12:00:00Z",
        }
        for name, content in archives.items()
    ]
    page = json.dumps({"meta": {"api-version": "1.1"}, "name": "calc", "files": files})
    return {"/simple/calc/": (SIMPLE, page.encode()), **downloads(archives)}


def html_page(archives: dict[str, bytes]) -> Pages:
    links = (
        f'<a href="../../files/{name}#sha256={sha256(content)}">{name}</a>'
        for name, content in archives.items()
    )
    page = f"<!DOCTYPE html><html><body>{'<br/>'.join(links)}</body></html>"
    return {"/simple/calc/": ("text/html", page.encode()), **downloads(archives)}


def downloads(archives: dict[str, bytes]) -> Pages:
    return {f"/files/{name}": ("application/gzip", content) for name, content in archives.items()}


def use_index(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", f"{url}/simple")
    monkeypatch.setenv("PIP_RETRIES", "0")
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    if other_pip := os.environ.get("SWEFOUNDRY_TEST_PIP"):
        # A folder that `pip install --target FOLDER pip==23.0` made.
        monkeypatch.setenv("PYTHONPATH", other_pip)


def test_the_pip_that_is_used_is_of_the_range_that_was_tried() -> None:
    requirements = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    [allowed] = [requirement for requirement in map(Requirement, requirements) if requirement.name == "pip"]
    assert allowed.specifier == SpecifierSet(">=23,<27")
    assert allowed.specifier.contains(metadata.version("pip"))


@pytest.mark.parametrize("page", [json_page, html_page], ids=["as JSON", "as HTML"])
def test_a_pair_is_collected_from_the_index_that_pip_is_configured_with(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, archives: dict[str, bytes], page: object
) -> None:
    pages = page(archives)  # type: ignore[operator]
    with serving(pages) as url:
        use_index(monkeypatch, url)
        done = run(
            "collect", "releases", "Calc:1.0..1.1", "--out", tmp_path / "out", "--cache", tmp_path / "cache"
        )
        assert done.exit_code == 0, done.output
        for name in archives:  # what is in the cache is not fetched again
            pages.pop(f"/files/{name}")
        again = run("collect", "releases", "calc:1.0..1.1", "--cache", tmp_path / "cache")
    assert again.exit_code == 0, again.output
    (task,) = yaml.safe_load_all((tmp_path / "out" / "octo--Calc-1.1.yaml".lower()).read_text())
    assert task["spec"]["source"]["archive"] == {
        "url": f"{url}/files/calc-1.0.tar.gz",
        "sha256": sha256(archives["calc-1.0.tar.gz"]),
        "stripComponents": 1,
    }


def test_good_pairs_are_collected_when_others_are_rejected(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, archives: dict[str, bytes]
) -> None:
    pairs = tmp_path / "pairs.txt"
    pairs.write_text(
        "other:1.0..1.1\ncalc:1.1..1.2\ncalc:1.0..1.1 repo=our/fork  # the good one\ncalc:1.0..1.1 repo=our/fork\n"
    )
    with serving(json_page(archives)) as url:
        use_index(monkeypatch, url)
        done = run(
            "collect",
            "releases",
            "--file",
            pairs,
            "--out",
            tmp_path / "out",
            "--cache",
            tmp_path,
            "-o",
            "json",
        )
    assert done.exit_code == 1
    result = json.loads(done.stdout)
    assert [Path(path).name for path in result["made"]] == ["our--calc-1.1.yaml"]
    assert [(bad["place"], bad["name"]) for bad in result["bad"]] == [
        ("pairs.txt, line 1", "other:1.0..1.1"),
        ("pairs.txt, line 2", "calc:1.1..1.2"),
        ("pairs.txt, line 4", "calc:1.0..1.1"),
    ]


def test_a_damaged_archive_is_not_used_and_the_other_pairs_are_collected(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, archives: dict[str, bytes]
) -> None:
    pages = json_page(archives)
    pages["/files/calc-1.0.tar.gz"] = ("application/gzip", b"damaged")
    with serving(pages) as url:
        use_index(monkeypatch, url)
        words = ("collect", "releases", "calc:1.0..1.1", "calc:1.1..1.3", "--cache", tmp_path / "cache")
        done = run(*words, "--out", tmp_path / "out")
    assert done.exit_code == 4
    assert "calc:1.0..1.1): calc-1.0.tar.gz " in done.stderr
    kept = {path.name for path in (tmp_path / "cache").rglob("*") if path.is_file()}
    assert kept == {"calc-1.1.tar.gz", "calc-1.3.tar.gz"}


def test_an_index_that_does_not_answer_is_exit_code_4(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_index(monkeypatch, f"http://127.0.0.1:{refusing_port()}")
    done = run("collect", "releases", "calc:1.0..1.1", "--cache", tmp_path / "cache")
    assert done.exit_code == 4
