"""How is an image kept on disk? As an OCI image layout: blobs by digest, and an index that names one manifest."""

import hashlib
import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from swefoundry_lab.images.layer import Layer

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"


@dataclass(frozen=True)
class Layout:
    """A folder with one image in it."""

    path: Path

    @property
    def complete(self) -> bool:
        return (self.path / "index.json").is_file()

    @property
    def digest(self) -> str:
        """The digest of the image's manifest."""
        index = json.loads((self.path / "index.json").read_text())
        return str(index["manifests"][0]["digest"])

    @property
    def manifest(self) -> dict[str, Any]:
        manifest: dict[str, Any] = json.loads(self.blob(self.digest).read_text())
        return manifest

    @property
    def blobs(self) -> list[str]:
        """The digests that a registry must have before it takes the manifest."""
        manifest = self.manifest
        return [manifest["config"]["digest"], *(layer["digest"] for layer in manifest["layers"])]

    @property
    def size(self) -> int:
        """How many bytes somebody who has nothing of it pulls."""
        return sum(self.blob(digest).stat().st_size for digest in self.blobs)

    def blob(self, digest: str) -> Path:
        return self.path / "blobs" / digest.replace(":", "/")


def write_layout(path: Path, layer: Layer, config: dict[str, Any]) -> Layout:
    """An image of one layer. The layer's file is moved into the layout."""
    layout = Layout(path)
    layout.blob("sha256:0").parent.mkdir(parents=True, exist_ok=True)
    shutil.move(layer.path, layout.blob(layer.digest))
    image = {
        "architecture": "amd64",
        "os": "linux",
        "config": config,
        "rootfs": {"type": "layers", "diff_ids": [layer.diff_id]},
        "history": [{"created_by": "swefoundry lab"}],  # buildah refuses a base whose layers have no history
    }
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": _put(layout, CONFIG, image),
        "layers": [{"mediaType": LAYER, "digest": layer.digest, "size": layer.size}],
    }
    (path / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
    index = {"schemaVersion": 2, "manifests": [_put(layout, MANIFEST, manifest)]}
    (path / "index.json").write_text(json.dumps(index))
    return layout


def _put(layout: Layout, media_type: str, value: dict[str, Any]) -> dict[str, Any]:
    data = json.dumps(value, sort_keys=True).encode()
    digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
    layout.blob(digest).write_bytes(data)
    return {"mediaType": media_type, "digest": digest, "size": len(data)}
