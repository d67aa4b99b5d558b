"""What do all instances of one import or collection have in common, beyond what their rows say?"""

import re
from pathlib import Path
from typing import Any, get_args

import typer

from swefoundry.api.labels import EXPERIMENT
from swefoundry.api.types import StrategyName
from swefoundry.cli.clients import read_yaml
from swefoundry.cli.datasets.instance import InstanceSettings

TEMPLATE_FIELDS = ("environment", "validation", "budget", "suspend", "ttlSecondsAfterFinished")
STRATEGY_NAMES: tuple[str, ...] = get_args(StrategyName)
LABEL_VALUE = re.compile(r"[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?")


def instance_settings(
    namespace: str, registry: str, template: Path | None, strategies: str, experiment: str
) -> InstanceSettings:
    """What the options of an import or a collection say about all of its instances."""
    return InstanceSettings(
        namespace=namespace or None,
        allow_blobs=bool(registry),
        spec=shared_spec(template, strategies),
        labels=shared_labels(experiment),
    )


def shared_labels(experiment: str) -> dict[str, str]:
    """The labels of an experiment's instances."""
    if not experiment:
        return {}
    if not LABEL_VALUE.fullmatch(experiment):
        raise typer.BadParameter(
            f"{experiment!r} is no label value: at most 63 letters, digits, '-', '_' and '.'",
            param_hint="--experiment",
        )
    return {EXPERIMENT: experiment}


def shared_spec(path: Path | None, strategies: str = "") -> dict[str, Any]:
    """The shared part of the template's spec; strategies that are named besides win over the template's."""
    spec = _template_spec(path)
    if not strategies:
        return spec
    named = [name.strip() for name in strategies.split(",")]
    if strange := [name for name in named if name not in STRATEGY_NAMES]:
        raise typer.BadParameter(
            f"{', '.join(strange)}: not known; there are {', '.join(STRATEGY_NAMES)}",
            param_hint="--strategies",
        )
    if len(set(named)) < len(named):
        raise typer.BadParameter(f"{strategies}: each is tried once", param_hint="--strategies")
    return spec | {"environment": {**(spec.get("environment") or {}), "strategies": named}}


def _template_spec(path: Path | None) -> dict[str, Any]:
    if path is None:
        return {}
    found = read_yaml(path)
    spec = found.get("spec", found)
    if not isinstance(spec, dict) or not spec:
        raise typer.BadParameter(f"{path} is not YAML with a spec", param_hint="--template")
    unknown = [str(key) for key in spec if key not in TEMPLATE_FIELDS]
    if unknown:
        raise typer.BadParameter(
            f"{path} sets {', '.join(unknown)}; a template may set {', '.join(TEMPLATE_FIELDS)}",
            param_hint="--template",
        )
    return spec
