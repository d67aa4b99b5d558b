"""Push an image from its layout to the lab's registry. Only what is missing is sent."""

import http.client
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO
from urllib.parse import urlsplit

from swefoundry_lab.errors import LabError
from swefoundry_lab.images.layout import MANIFEST, Layout

TIMEOUT_SECONDS = 60


@dataclass(frozen=True)
class Registry:
    """A registry that speaks plain HTTP at `address`, as the lab's own does on loopback."""

    address: str

    def digest(self, name: str) -> str | None:
        """The digest of the manifest of `repository:tag`; None when there is none."""
        repository, tag = name.rsplit(":", 1)
        with self._connected() as line:
            target = f"/v2/{repository}/manifests/{tag}"
            found, headers, _ = _exchange(line, "HEAD", target, {"Accept": MANIFEST})
        return headers["Docker-Content-Digest"] if found == 200 else None

    def tag(self, name: str, tag: str) -> None:
        """Give an image of the registry another tag."""
        repository, known = name.rsplit(":", 1)
        with self._connected() as line:
            target = f"/v2/{repository}/manifests"
            manifest = _exchange(line, "GET", f"{target}/{known}", {"Accept": MANIFEST})
            _expect(manifest, 200, f"manifest of {name}")
            answer = _exchange(line, "PUT", f"{target}/{tag}", {"Content-Type": MANIFEST}, manifest[2])
            _expect(answer, 201, f"tag {tag} of {repository}")

    def publish(self, layout: Layout, names: tuple[str, ...]) -> bool:
        """Make every name stand for this image. Says whether anything had to be sent."""
        missing = [name for name in names if self.digest(name) != layout.digest]
        for name in missing:
            self._push(layout, name)
        return bool(missing)

    def _push(self, layout: Layout, name: str) -> None:
        repository, tag = name.rsplit(":", 1)
        with self._connected() as line:
            for digest in layout.blobs:
                _send_blob(line, layout, repository, digest)
            body, headers = layout.blob(layout.digest).read_bytes(), {"Content-Type": MANIFEST}
            answer = _exchange(line, "PUT", f"/v2/{repository}/manifests/{tag}", headers, body)
            _expect(answer, 201, f"manifest of {name}")

    @contextmanager
    def _connected(self) -> Iterator[http.client.HTTPConnection]:
        line = http.client.HTTPConnection(self.address, timeout=TIMEOUT_SECONDS)
        try:
            yield line
        except OSError as error:
            raise LabError(f"The registry at {self.address} does not answer: {error}") from error
        finally:
            line.close()


Answer = tuple[int, dict[str, str], bytes]


def _send_blob(line: http.client.HTTPConnection, layout: Layout, repository: str, digest: str) -> None:
    if _exchange(line, "HEAD", f"/v2/{repository}/blobs/{digest}")[0] == 200:
        return
    started = _exchange(line, "POST", f"/v2/{repository}/blobs/uploads/")
    _expect(started, 202, f"upload to {repository}")
    upload = urlsplit(started[1]["Location"])
    path = layout.blob(digest)
    headers = {"Content-Type": "application/octet-stream", "Content-Length": str(path.stat().st_size)}
    with path.open("rb") as content:
        target = f"{upload.path}?{upload.query}&digest={digest}"
        _expect(_exchange(line, "PUT", target, headers, content), 201, f"blob {digest} of {repository}")


def _exchange(
    line: http.client.HTTPConnection,
    method: str,
    target: str,
    headers: dict[str, str] | None = None,
    body: bytes | IO[bytes] | None = None,
) -> Answer:
    line.request(method, target, body=body, headers=headers or {})
    answer = line.getresponse()
    return answer.status, dict(answer.getheaders()), answer.read()


def _expect(answer: Answer, status: int, what: str) -> None:
    if answer[0] != status:
        text = answer[2][:500].decode(errors="replace")
        raise LabError(f"The registry refused the {what} with {answer[0]}: {text}")
