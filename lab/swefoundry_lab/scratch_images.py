"""Pushes pause and CoreDNS to the lab's registry as images of one file each, without a builder.

The package `images` builds the base images with a whole file system.
"""

import gzip
import hashlib
import io
import json
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from swefoundry_lab.command import run
from swefoundry_lab.errors import LabError
from swefoundry_lab.layout import REGISTRY_PORT, SOURCES, Lab
from swefoundry_lab.versions import read_versions

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"


@dataclass(frozen=True)
class ScratchImage:
    """An image with one static program only."""

    repository: str
    tag: str
    program: Path
    user: str = "65532:65532"


def build_pause(lab: Lab) -> ScratchImage:
    """Compile pause if its source is newer than the program."""
    source, program = SOURCES / "pause" / "pause.c", lab.bin / "pause"
    if not program.exists() or program.stat().st_mtime < source.stat().st_mtime:
        run(["gcc", "-Os", "-static", "-s", "-o", program, source])
    return ScratchImage("swefoundry-lab/pause", "1", program)


def coredns_image(lab: Lab) -> ScratchImage:
    """The image of the lab's build of CoreDNS."""
    return ScratchImage("swefoundry-lab/coredns", read_versions().go["coredns"].version, lab.bin / "coredns")


def ensure_pushed(image: ScratchImage) -> bool:
    """Push an image unless the registry has the same content under its tag; return whether it was pushed."""
    with httpx.Client(base_url=f"http://127.0.0.1:{REGISTRY_PORT}", trust_env=False, timeout=60) as registry:
        layer = _layer(image.program) if _changed(registry, image) else b""
        if not layer:
            return False
        config = json.dumps(_config(image, layer)).encode()
        manifest = {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": _descriptor(CONFIG, config),
            "layers": [_descriptor(LAYER, layer)],
            "annotations": {"swefoundry.dev/program": _stamp(image.program)},
        }
        for blob in (layer, config):
            _push_blob(registry, image.repository, blob)
        url = f"/v2/{image.repository}/manifests/{image.tag}"
        _require(registry.put(url, content=json.dumps(manifest), headers={"Content-Type": MANIFEST}))
    return True


def _changed(registry: httpx.Client, image: ScratchImage) -> bool:
    response = registry.get(f"/v2/{image.repository}/manifests/{image.tag}", headers={"Accept": MANIFEST})
    if response.status_code != httpx.codes.OK:
        return True
    return bool(response.json().get("annotations", {}).get("swefoundry.dev/program") != _stamp(image.program))


def _stamp(program: Path) -> str:
    """Size and time of a program, which are faster to compare than a hash of 70 MB."""
    status = program.stat()
    return f"{status.st_size}-{status.st_mtime_ns}"


def _layer(program: Path) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        entry = archive.gettarinfo(program, arcname=program.name)
        entry.mode, entry.uid, entry.gid, entry.uname, entry.gname, entry.mtime = 0o755, 0, 0, "", "", 0
        with program.open("rb") as content:
            archive.addfile(entry, content)
    return gzip.compress(packed.getvalue(), compresslevel=3, mtime=0)


def _config(image: ScratchImage, layer: bytes) -> dict[str, Any]:
    return {
        "architecture": "amd64",
        "os": "linux",
        "config": {"Entrypoint": [f"/{image.program.name}"], "User": image.user},
        "rootfs": {"type": "layers", "diff_ids": [_digest(gzip.decompress(layer))]},
    }


def _descriptor(media_type: str, content: bytes) -> dict[str, Any]:
    return {"mediaType": media_type, "digest": _digest(content), "size": len(content)}


def _digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def _push_blob(registry: httpx.Client, repository: str, blob: bytes) -> None:
    upload = _require(registry.post(f"/v2/{repository}/blobs/uploads/"))
    location = httpx.URL(upload.headers["Location"]).copy_merge_params({"digest": _digest(blob)})
    _require(registry.put(location.raw_path.decode(), content=blob))


def _require(response: httpx.Response) -> httpx.Response:
    if response.is_success:
        return response
    raise LabError(
        f"The registry refused {response.request.url.path}: {response.status_code} {response.text[:200]}"
    )
