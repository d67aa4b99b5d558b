"""An OCI image layout on disk: blobs by digest, and an index with one manifest."""

import hashlib
import json
import os
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from swefoundry_lab.errors import LabError
from swefoundry_lab.images.layer import Layer, pack_tar

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"

Json = dict[str, Any]


@dataclass(frozen=True)
class Layout:
    """A folder with one image."""

    path: Path

    @property
    def complete(self) -> bool:
        return (self.path / "index.json").is_file()

    @property
    def digest(self) -> str:
        """The digest of the image's manifest."""
        return str(json.loads((self.path / "index.json").read_text())["manifests"][0]["digest"])

    @property
    def manifest(self) -> Json:
        return self._read(self.digest)

    @property
    def config(self) -> Json:
        return self._read(self.manifest["config"]["digest"])

    @property
    def blobs(self) -> list[str]:
        """Digests of the blobs that a registry must have before the manifest is pushed."""
        manifest = self.manifest
        return [manifest["config"]["digest"], *(layer["digest"] for layer in manifest["layers"])]

    @property
    def layers(self) -> list[Layer]:
        """The compressed layers, lowest first."""
        pairs = zip(self.manifest["layers"], self.config["rootfs"]["diff_ids"], strict=True)
        return [
            Layer(self.blob(entry["digest"]), entry["digest"], diff, entry["size"]) for entry, diff in pairs
        ]

    @property
    def size(self) -> int:
        """Size of all compressed layers in bytes."""
        return sum(layer.size for layer in self.layers)

    def blob(self, digest: str) -> Path:
        return self.path / "blobs" / digest.replace(":", "/")

    def _read(self, digest: str) -> Json:
        value: Json = json.loads(self.blob(digest).read_text())
        return value


def single_layer(path: Path, layer: Layer, config: Json) -> Layout:
    """Write an image of one layer."""
    image = {
        "architecture": "amd64",
        "os": "linux",
        "config": config,
        "rootfs": {"type": "layers", "diff_ids": [layer.diff_id]},
        "history": [{"created_by": "swefoundry lab"}],  # buildah refuses a base whose layers have no history
    }
    return _write(path, [layer], image)


def compressed_layer(plain: Path, path: Path, known: Iterable[Layout]) -> Layout:
    """Compress the layers of an image in the `dir:` format of the containers tools, which can have uncompressed layers.

    A layer of a known image is taken from that image, so that it is compressed once and has the same digest in both.
    """
    compressed = {layer.diff_id: layer for layout in known for layer in layout.layers}
    manifest = json.loads((plain / "manifest.json").read_text())
    config = json.loads((plain / _hex(manifest["config"]["digest"])).read_text())
    scratch = plain / "packing"
    scratch.mkdir()
    layers = [
        compressed.get(diff_id) or pack_tar(plain / _hex(layer["digest"]), scratch / _hex(diff_id))
        for layer, diff_id in zip(manifest["layers"], config["rootfs"]["diff_ids"], strict=True)
    ]
    return _write(path, layers, config)


def _hex(digest: str) -> str:
    return digest.removeprefix("sha256:")


def _write(path: Path, layers: list[Layer], config: Json) -> Layout:
    if [layer.diff_id for layer in layers] != config["rootfs"]["diff_ids"]:
        raise LabError(f"The layers of {path} differ from those in its configuration.")
    layout = Layout(path)
    layout.blob("sha256:0").parent.mkdir(parents=True)
    for layer in layers:
        _link_or_copy(layer.path, layout.blob(layer.digest))
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": _put(layout, CONFIG, config),
        "layers": [{"mediaType": LAYER, "digest": layer.digest, "size": layer.size} for layer in layers],
    }
    (path / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
    index = {"schemaVersion": 2, "manifests": [_put(layout, MANIFEST, manifest)]}
    (path / "index.json").write_text(json.dumps(index))
    return layout


def _link_or_copy(source: Path, target: Path) -> None:
    """Hard-link the file if the file system supports it, because layouts only read their blobs."""
    try:
        os.link(source, target)
    except FileExistsError:
        return  # two layers with the same content
    except OSError:
        shutil.copyfile(source, target)


def _put(layout: Layout, media_type: str, value: Json) -> Json:
    data = json.dumps(value, sort_keys=True).encode()
    digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
    layout.blob(digest).write_bytes(data)
    return {"mediaType": media_type, "digest": digest, "size": len(data)}
