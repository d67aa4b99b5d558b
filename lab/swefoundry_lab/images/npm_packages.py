"""Packages of npm as the content of an image: the installed `npm` downloads them and verifies them."""

from collections.abc import Sequence
from pathlib import Path

from swefoundry_lab.command import run


def npm_packages(packages: Sequence[str], folder: Path) -> Path:
    """Install packages such as `npm@10.9.9` in a folder, run none of their scripts, and return where they are."""
    options = ["--ignore-scripts", "--no-save", "--no-package-lock", "--no-audit", "--no-fund"]
    run(["npm", "install", "--silent", f"--prefix={folder}", *options, *packages])
    return folder / "node_modules"
