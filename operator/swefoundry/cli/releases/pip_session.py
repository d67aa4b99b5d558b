"""Program that fetches for :mod:`index` with pip's session, in a separate process.

The index, mirrors, credentials, proxies and certificates are those that pip is configured with, and no code of a
package is run (``pip download`` would run its build backend to read its metadata). pip has no stable
programming interface; the three calls used here have not changed since pip 20, and the separate process keeps them out
of our program. ``pyproject.toml`` allows the range that the tests were run with; SWEFOUNDRY_TEST_PIP tries another one.

One JSON object per line in and out: ``{"page": NAME}`` or ``{"file": URL, "to": PATH, "limit": BYTES}``.
"""

import contextlib
import hashlib
import importlib
import json
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any
from urllib.parse import unquote, urldefrag, urljoin

ACCEPT = "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.1"


class AnchorParser(HTMLParser):
    """Reads the links of a page in the HTML form of the simple API."""

    def __init__(self, base: str) -> None:
        super().__init__()
        self.files: list[dict[str, Any]] = []
        self._base = base

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        href = dict(attrs).get("href")
        if tag != "a" or not href:
            return
        url, fragment = urldefrag(urljoin(self._base, href))
        kind, _, value = fragment.partition("=")
        hashes = {kind: value} if value else {}
        self.files.append({"filename": unquote(url.rpartition("/")[2]), "url": url, "hashes": hashes})


class Fetcher:
    """Answers jobs with pip's session."""

    def __init__(self, session: Any, indexes: list[str]) -> None:
        self._session = session
        self._indexes = indexes

    def answer(self, job: dict[str, Any]) -> dict[str, Any]:
        if "page" in job:
            return self._page(job["page"])
        return self._file(job["file"], job["to"], job["limit"])

    def _page(self, name: str) -> dict[str, Any]:
        for index in self._indexes:
            response = self._session.get(f"{index.rstrip('/')}/{name}/", headers={"Accept": ACCEPT})
            if response.status_code == 404:
                continue
            response.raise_for_status()
            return {"files": list(_files(response))}
        return {"missing": f"no package {name} in the index that pip uses"}

    def _file(self, url: str, to: str, limit: int) -> dict[str, Any]:
        response = self._session.get(url, headers={"Accept-Encoding": "identity"}, stream=True)
        if response.status_code == 404:
            return {"missing": f"{url} does not exist"}
        response.raise_for_status()
        digest, size = hashlib.sha256(), 0
        with open(to, "wb") as target:
            for part in response.iter_content(1 << 16):
                size += len(part)
                if size > limit:
                    return {"missing": f"{url} has more than {limit} bytes"}
                digest.update(part)
                target.write(part)
        return {"sha256": digest.hexdigest(), "size": size}


def _files(response: Any) -> Iterator[dict[str, Any]]:
    if "json" not in response.headers.get("Content-Type", ""):
        anchors = AnchorParser(response.url)
        anchors.feed(response.text)
        yield from anchors.files
        return
    for file in response.json()["files"]:
        fields = {key: file.get(key) for key in ("filename", "hashes", "upload-time")}
        yield {**fields, "url": urljoin(response.url, file["url"])}


def serve() -> None:
    """Read jobs from stdin and write answers to stdout, line by line."""
    command = importlib.import_module("pip._internal.commands").create_command("download")
    options, _ = command.parse_args([])
    with command.main_context(), contextlib.redirect_stdout(sys.stderr):
        session = command.get_default_session(options)
        fetcher = Fetcher(session, [options.index_url, *options.extra_index_urls])
        network = importlib.import_module("pip._vendor.requests").RequestException
        # Newer sessions raise pip's own errors in place of those of requests.
        pip_error = importlib.import_module("pip._internal.exceptions").PipError
        for line in sys.stdin:
            try:
                answer = fetcher.answer(json.loads(line))
            except (network, pip_error, OSError, ValueError, KeyError) as error:
                answer = {"error": f"{type(error).__name__}: {getattr(error, 'message', '') or error}"}
            sys.__stdout__.write(json.dumps(answer) + "\n")  # type: ignore[union-attr]
            sys.__stdout__.flush()  # type: ignore[union-attr]


if __name__ == "__main__":
    serve()
