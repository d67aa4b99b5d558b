"""How is a Debian base image made? By debootstrap, in a mount and process namespace of its own.

The namespace is what keeps a killed run from leaving a mounted /proc or a running dpkg behind.
"""

import shutil
import subprocess
from pathlib import Path

from swefoundry_lab.errors import LabError
from swefoundry_lab.images.catalogue import Recipe
from swefoundry_lab.images.layer import write_layer
from swefoundry_lab.images.layout import Layout, write_layout
from swefoundry_lab.images.machine import KEYRING, Mirror

ISOLATED = ("nice", "unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "--")
"""Everything that mounts or starts programs on the way to an image runs behind this."""

SHELL = {"Cmd": ["bash"], "Env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"]}


def make_debian(recipe: Recipe, mirror: Mirror, authorities: dict[str, bytes], work: Path) -> Layout:
    """Make the image in a folder that may be thrown away afterwards, the layout in it excepted."""
    suite, root = recipe.debootstrap or "", work / "root"
    archives = work.parent / "debs"
    archives.mkdir(parents=True, exist_ok=True)
    run(
        *ISOLATED, "debootstrap", "--variant=minbase", f"--keyring={KEYRING}", f"--cache-dir={archives}",
        suite, str(root), mirror.main, log=work / "log",
    )  # fmt: skip
    run("sh", str(recipe.made_of[0]), str(root), log=work / "log")
    sources = {"etc/apt/sources.list.d/debian.sources": mirror.sources(suite).encode()}
    for name, content in {**authorities, **sources}.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content)
    layer = write_layer(root, work / "layer.tar.gz")
    shutil.rmtree(root)
    return write_layout(work / "layout", layer, SHELL)


def run(*command: str, log: Path, env: dict[str, str] | None = None) -> None:
    """Run a step of making an image. Its output goes into a log, whose end becomes the message if it fails."""
    with log.open("ab") as output:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=env, check=False)
    if done.returncode:
        last = "\n".join(log.read_text(errors="replace").splitlines()[-15:])
        raise LabError(f"{' '.join(command)}\nended with {done.returncode}; the end of {log}:\n{last}")
