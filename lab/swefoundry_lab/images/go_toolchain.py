"""Toolchains of Go by release: the installed `go` downloads them from the module proxy and verifies them."""

import os
from pathlib import Path

from swefoundry_lab.command import run


def go_toolchain(release: str) -> Path:
    """Return the folder of a toolchain, such as that of `1.26.8`."""
    env = {**os.environ, "GOTOOLCHAIN": f"go{release}", "GOFLAGS": "", "GOENV": "off"}
    *_, folder = run(["go", "env", "GOROOT"], env=env).splitlines()  # after what it says of a download
    return Path(folder)
