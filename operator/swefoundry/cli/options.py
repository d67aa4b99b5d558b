"""The options that several commands share, declared once."""

from pathlib import Path
from typing import Annotated, Any

import typer

Namespace = Annotated[
    str,
    typer.Option(
        "--namespace",
        "-n",
        envvar="SWEFOUNDRY_NAMESPACE",
        help="Namespace; default: the context's, else `default`.",
    ),
]
AllNamespaces = Annotated[bool, typer.Option("--all-namespaces", "-A", help="All namespaces.")]
Context = Annotated[
    str | None, typer.Option("--context", help="Context of the kubeconfig; default: the current one.")
]


def _registry_option(default_text: str) -> Any:
    """``--registry``; ``unsaid`` is what holds without it."""
    told = f"host[:port] of the registry as this machine reaches it; {default_text}."
    return typer.Option("--registry", envvar="SWEFOUNDRY_REGISTRY", help=told)


RegistryHost = Annotated[str, _registry_option("default: as the image's name says")]
RegistryForLargeTexts = Annotated[str, _registry_option("needed for texts over 1 MiB")]
RegistryRequired = Annotated[str, _registry_option("there is no default")]

Insecure = Annotated[
    bool,
    typer.Option("--insecure", envvar="SWEFOUNDRY_REGISTRY_INSECURE", help="Plain HTTP to the registry."),
]
Prefix = Annotated[
    str,
    typer.Option(
        "--registry-prefix", envvar="SWEFOUNDRY_REGISTRY_PREFIX", help="Path of the task repositories in it."
    ),
]
Out = Annotated[
    Path | None, typer.Option("--out", help="Folder to write one YAML file per instance to; `-` for stdout.")
]
Apply = Annotated[bool, typer.Option("--apply", help="Apply to the cluster.")]
Template = Annotated[
    Path | None,
    typer.Option(
        "--template",
        exists=True,
        dir_okay=False,
        help="YAML TaskInstance whose environment, validation, budget, suspend and ttl all instances get.",
    ),
]
Experiment = Annotated[
    str,
    typer.Option("--experiment", help="Label all instances as of this experiment, to compare costs by."),
]
StrategyNames = Annotated[
    str,
    typer.Option(
        "--strategies",
        metavar="NAME,NAME…",
        help="How environments are made, tried in this order: reuse, recipe, agents, fixed. "
        "Default: the template's, else the operator's.",
    ),
]
DEFAULT_PREFIX = "swefoundry/tasks"
