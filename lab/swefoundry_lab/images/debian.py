"""Builds a Debian base image with debootstrap from the machine's mirror."""

import shutil
from pathlib import Path

from swefoundry_lab.command import run
from swefoundry_lab.images.catalogue import Recipe
from swefoundry_lab.images.layer import pack_folder
from swefoundry_lab.images.layout import Layout, single_layer
from swefoundry_lab.images.machine import KEYRING, Mirror

ISOLATED = ("unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "--")
"""Runs a command in new namespaces, so that a killed run leaves no mounted /proc and no dpkg process."""

SHELL = {"Cmd": ["bash"], "Env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"]}


def make_debian(recipe: Recipe, mirror: Mirror, authorities: dict[str, bytes], work: Path) -> Layout:
    """Build the image in the folder `work`, of which only the layout is used afterwards."""
    suite, root = recipe.debootstrap or "", work / "root"
    archives = work.parent / "debs"
    archives.mkdir(parents=True, exist_ok=True)
    options = ("--variant=minbase", f"--keyring={KEYRING}", f"--cache-dir={archives}")
    run([*ISOLATED, "debootstrap", *options, suite, root, mirror.main])
    run(["sh", recipe.files[0], root])
    sources = {"etc/apt/sources.list.d/debian.sources": mirror.sources(suite).encode()}
    for name, content in {**authorities, **sources}.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content)
    layer = pack_folder(root, work / "layer.tar.gz")
    shutil.rmtree(root)
    return single_layer(work / "layout", layer, SHELL)
