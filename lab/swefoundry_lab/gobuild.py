"""Build the lab's Go programs from the pinned versions, unless they are built already.

A stamp file next to the programs has a hash of go.mod, go.sum and flags, so that a second `up` builds nothing.
"""

import hashlib
import json
import os
import shutil
from pathlib import Path

from swefoundry_lab.command import run
from swefoundry_lab.errors import LabError
from swefoundry_lab.layout import Lab
from swefoundry_lab.versions import GoComponent, require_agreement


def is_built(lab: Lab, component: GoComponent) -> bool:
    """Whether the programs exist and were built from the current versions."""
    stamp = lab.bin / ".stamps" / component.name
    if not stamp.is_file() or not all((lab.bin / program).is_file() for program in component.programs):
        return False
    return stamp.read_text() == fingerprint(component)


def fingerprint(component: GoComponent) -> str:
    """Hash of all inputs of the build."""
    inputs = [
        (component.folder / "go.mod").read_text(),
        (component.folder / "go.sum").read_text(),
        json.dumps([component.packages, component.flags(), component.cgo]),
    ]
    return hashlib.sha256("\0".join(inputs).encode()).hexdigest()


def build(lab: Lab, component: GoComponent) -> None:
    """Build one component in the lab's bin folder; go.sum verifies every module."""
    require_agreement(component)
    if shutil.which("go") is None:
        raise LabError("Go is not installed; the lab builds Kubernetes with it. Install Go 1.21 or newer.")
    env = {**os.environ, "CGO_ENABLED": "1" if component.cgo else "0"}
    argv = ["go", "build", *component.flags(), "-o", f"{lab.bin}/{component.program}", *component.packages]
    run(argv, cwd=component.folder, env=env)
    stamp = lab.bin / ".stamps" / component.name
    stamp.parent.mkdir(exist_ok=True)
    stamp.write_text(fingerprint(component))


def module_folder(component: GoComponent) -> Path:
    """The source of the component's module in Go's cache, downloaded when it is missing; go.sum verifies it."""
    output = run(["go", "mod", "download", "-json", component.module], cwd=component.folder)
    return Path(json.loads(output[output.index("{") :])["Dir"])
