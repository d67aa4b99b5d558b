"""Settings that all instances of one import or collection share: template, strategies, experiment."""

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
    """Settings for the options of an import or a collection."""
    return InstanceSettings(
        namespace=namespace or None,
        allow_blobs=bool(registry),
        spec=shared_spec(template, strategies),
        labels=shared_labels(experiment),
    )


def shared_labels(experiment: str) -> dict[str, str]:
    """Labels of an experiment's instances."""
    if not experiment:
        return {}
    if not LABEL_VALUE.fullmatch(experiment):
        raise typer.BadParameter(
            f"{experiment!r} is not a label value: at most 63 letters, digits, '-', '_' and '.'",
            param_hint="--experiment",
        )
    return {EXPERIMENT: experiment}


def shared_spec(path: Path | None, strategies: str = "") -> dict[str, Any]:
    """Spec of the template; ``strategies`` replaces the template's."""
    spec = _template_spec(path)
    if not strategies:
        return spec
    named = [name.strip() for name in strategies.split(",")]
    if unknown := [name for name in named if name not in STRATEGY_NAMES]:
        raise typer.BadParameter(
            f"unknown: {', '.join(unknown)}; known are {', '.join(STRATEGY_NAMES)}",
            param_hint="--strategies",
        )
    if len(set(named)) < len(named):
        raise typer.BadParameter(
            f"{strategies}: a strategy may be named only once", param_hint="--strategies"
        )
    return spec | {"environment": {**(spec.get("environment") or {}), "strategies": named}}


def _template_spec(path: Path | None) -> dict[str, Any]:
    if path is None:
        return {}
    content = read_yaml(path)
    spec = content.get("spec", content)
    if not isinstance(spec, dict) or not spec:
        raise typer.BadParameter(f"{path} is not YAML with a spec", param_hint="--template")
    unknown = [str(key) for key in spec if key not in TEMPLATE_FIELDS]
    if unknown:
        raise typer.BadParameter(
            f"{path} sets {', '.join(unknown)}; a template may set {', '.join(TEMPLATE_FIELDS)}",
            param_hint="--template",
        )
    return spec
