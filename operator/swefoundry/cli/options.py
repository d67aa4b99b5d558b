"""Options that several commands share."""

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

Selector = Annotated[str, typer.Option("--selector", "-l", help="Label selector.")]


def _registry_option(default_text: str) -> Any:
    """``--registry``; ``default_text`` says what holds without it."""
    text = f"host[:port] of the registry as this machine reaches it; {default_text}."
    return typer.Option("--registry", envvar="SWEFOUNDRY_REGISTRY", help=text)


RegistryHost = Annotated[str, _registry_option("default: the host in the image's name")]
RegistryForLongPatches = Annotated[
    str, _registry_option("patches over 4 KiB are stored there, and those over 1 MiB need it")
]
RegistryRequired = Annotated[str, _registry_option("there is no default")]

Insecure = Annotated[
    bool,
    typer.Option("--insecure", envvar="SWEFOUNDRY_REGISTRY_INSECURE", help="Use plain HTTP to the registry."),
]
Prefix = Annotated[
    str,
    typer.Option(
        "--registry-prefix",
        envvar="SWEFOUNDRY_REGISTRY_PREFIX",
        help="Path of the task repositories in the registry.",
    ),
]
OutFile = Annotated[Path | None, typer.Option("--out", help="File to write; default: stdout.")]
OutFolder = Annotated[
    Path | None, typer.Option("--out", help="Folder for one YAML file per instance; `-` for stdout.")
]
Apply = Annotated[bool, typer.Option("--apply", help="Apply to the cluster.")]
Template = Annotated[
    Path | None,
    typer.Option(
        "--template",
        exists=True,
        dir_okay=False,
        help="YAML TaskInstance; all instances get its environment, validation, budget, suspend and "
        "ttlSecondsAfterFinished.",
    ),
]
Experiment = Annotated[
    str,
    typer.Option("--experiment", help="Experiment to label all instances with, to compare costs."),
]
StrategyNames = Annotated[
    str,
    typer.Option(
        "--strategies",
        metavar="NAME,NAME…",
        help="Strategies that make environments, in the order in which they are tried: reuse, recipe, agents, fixed. "
        "Default: the template's, else the operator's.",
    ),
]
DEFAULT_PREFIX = "swefoundry/tasks"
