"""Pushes an image from its layout to the lab's registry; blobs that exist are not sent again."""

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
    """A registry with plain HTTP at `address`, as the lab's registry on loopback."""

    address: str

    def digest(self, name: str) -> str | None:
        """The digest of the manifest of `repository:tag`; None if it does not exist."""
        repository, tag = name.rsplit(":", 1)
        with self._connected() as connection:
            target = f"/v2/{repository}/manifests/{tag}"
            status, headers, _ = _exchange(connection, "HEAD", target, {"Accept": MANIFEST})
        return headers["Docker-Content-Digest"] if status == 200 else None

    def tag(self, name: str, tag: str) -> None:
        """Add a tag to an image in the registry."""
        repository, existing = name.rsplit(":", 1)
        with self._connected() as connection:
            target = f"/v2/{repository}/manifests"
            manifest = _exchange(connection, "GET", f"{target}/{existing}", {"Accept": MANIFEST})
            _expect(manifest, 200, f"manifest of {name}")
            response = _exchange(
                connection, "PUT", f"{target}/{tag}", {"Content-Type": MANIFEST}, manifest[2]
            )
            _expect(response, 201, f"tag {tag} of {repository}")

    def publish(self, layout: Layout, names: tuple[str, ...]) -> bool:
        """Push the image under all names; return whether one was missing."""
        missing = [name for name in names if self.digest(name) != layout.digest]
        for name in missing:
            self._push(layout, name)
        return bool(missing)

    def _push(self, layout: Layout, name: str) -> None:
        repository, tag = name.rsplit(":", 1)
        with self._connected() as connection:
            for digest in layout.blobs:
                _send_blob(connection, layout, repository, digest)
            body, headers = layout.blob(layout.digest).read_bytes(), {"Content-Type": MANIFEST}
            response = _exchange(connection, "PUT", f"/v2/{repository}/manifests/{tag}", headers, body)
            _expect(response, 201, f"manifest of {name}")

    @contextmanager
    def _connected(self) -> Iterator[http.client.HTTPConnection]:
        connection = http.client.HTTPConnection(self.address, timeout=TIMEOUT_SECONDS)
        try:
            yield connection
        except OSError as error:
            raise LabError(f"The registry at {self.address} does not answer: {error}") from error
        finally:
            connection.close()


Response = tuple[int, dict[str, str], bytes]


def _send_blob(connection: http.client.HTTPConnection, layout: Layout, repository: str, digest: str) -> None:
    if _exchange(connection, "HEAD", f"/v2/{repository}/blobs/{digest}")[0] == 200:
        return
    response = _exchange(connection, "POST", f"/v2/{repository}/blobs/uploads/")
    _expect(response, 202, f"upload to {repository}")
    upload = urlsplit(response[1]["Location"])
    path = layout.blob(digest)
    headers = {"Content-Type": "application/octet-stream", "Content-Length": str(path.stat().st_size)}
    with path.open("rb") as content:
        target = f"{upload.path}?{upload.query}&digest={digest}"
        _expect(_exchange(connection, "PUT", target, headers, content), 201, f"blob {digest} of {repository}")


def _exchange(
    connection: http.client.HTTPConnection,
    method: str,
    target: str,
    headers: dict[str, str] | None = None,
    body: bytes | IO[bytes] | None = None,
) -> Response:
    connection.request(method, target, body=body, headers=headers or {})
    response = connection.getresponse()
    return response.status, dict(response.getheaders()), response.read()


def _expect(response: Response, status: int, what: str) -> None:
    if response[0] != status:
        text = response[2][:500].decode(errors="replace")
        raise LabError(f"The registry refused the {what} with {response[0]}: {text}")
