"""What do all instances of one import or collection have in common, beyond what their rows say?"""

from pathlib import Path
from typing import Any

import typer

from swefoundry.cli.connections import read_yaml

SHARED = ("environment", "validation", "budget", "suspend", "ttlSecondsAfterFinished")


def shared_spec(path: Path | None) -> dict[str, Any]:
    """The shared part of the template's spec."""
    if path is None:
        return {}
    found = read_yaml(path)
    spec = found.get("spec", found)
    if not isinstance(spec, dict) or not spec:
        raise typer.BadParameter(f"{path} is not YAML with a spec", param_hint="--template")
    unknown = [str(key) for key in spec if key not in SHARED]
    if unknown:
        raise typer.BadParameter(
            f"{path} sets {', '.join(unknown)}; a template may set {', '.join(SHARED)}",
            param_hint="--template",
        )
    return spec
