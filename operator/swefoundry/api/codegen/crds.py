"""The CustomResourceDefinitions that the models make, and the other generated files.

``python -m swefoundry.api.codegen.crds --write`` writes the CRDs into ``crds/`` and the chart, and the reference of
resources and settings into ``docs/``; without ``--write`` it says which files are out of date and exits with 1.
"""

import argparse
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from pydantic import BaseModel

from swefoundry.api.codegen.resource_reference import page
from swefoundry.api.codegen.settings_reference import page as settings_page
from swefoundry.api.codegen.structural_schema import structural
from swefoundry.api.envbuild import EnvBuildSpec, EnvBuildStatus
from swefoundry.api.labels import GROUP, VERSION
from swefoundry.api.taskinstance import TaskInstanceSpec, TaskInstanceStatus
from swefoundry.settings import Settings

ROOT = Path(__file__).parents[4]
HEADER = "# Generated from operator/swefoundry/api by `make generate`. Do not edit.\n"


class Column(NamedTuple):
    """One column of ``kubectl get``."""

    name: str
    path: str
    type: str = "string"
    wide: bool = False
    """Shown with ``-o wide`` only."""

    def manifest(self) -> dict[str, Any]:
        return {"name": self.name, "type": self.type, "jsonPath": self.path} | (
            {"priority": 1} if self.wide else {}
        )


class Resource(NamedTuple):
    """What the models do not say about a resource."""

    kind: str
    plural: str
    short: str
    about: str
    spec: type[BaseModel]
    status: type[BaseModel]
    columns: tuple[Column, ...]
    selectable: tuple[str, ...]

    @property
    def name(self) -> str:
        return f"{self.plural}.{GROUP}"


AGE = Column("Age", ".metadata.creationTimestamp", "date")
READY_REASON = Column("Reason", '.status.conditions[?(@.type=="Ready")].reason', wide=True)
DURATION = Column("Duration", ".status.duration", wide=True)

TASK_INSTANCE = Resource(
    kind="TaskInstance",
    plural="taskinstances",
    short="ti",
    about="An issue-fixing commit that is to become a validated benchmark instance: its tests must fail "
    "before the reference fix and pass after it, in an environment that anybody can run again.",
    spec=TaskInstanceSpec,
    status=TaskInstanceStatus,
    columns=(
        Column("Repo", ".spec.repo"),
        Column("Phase", ".status.phase"),
        Column("Verdict", ".status.verdict"),
        Column("Env", ".status.strategy"),
        Column("Round", ".status.round", "integer"),
        AGE,
        Column("Image", ".status.image.name", wide=True),
        READY_REASON,
        DURATION,
    ),
    selectable=(".spec.repo", ".status.phase", ".status.verdict"),
)

ENV_BUILD = Resource(
    kind="EnvBuild",
    plural="envbuilds",
    short="eb",
    about="The construction of one environment image, round by round: a draft is proposed, built and probed "
    "until one is accepted or the budget is spent.",
    spec=EnvBuildSpec,
    status=EnvBuildStatus,
    columns=(
        Column("Repo", ".spec.repo"),
        Column("Phase", ".status.phase"),
        Column("Accepted", ".status.acceptedOn"),
        Column("Env", ".status.strategy"),
        Column("Round", ".status.round", "integer"),
        AGE,
        Column("Image", ".status.imageName", wide=True),
        Column("Cost", ".status.cost", wide=True),
        READY_REASON,
        DURATION,
    ),
    selectable=(".spec.repo", ".status.phase"),
)

RESOURCES = (TASK_INSTANCE, ENV_BUILD)


def openapi(resource: Resource) -> dict[str, Any]:
    """The schema of a whole object."""
    return {
        "description": resource.about,
        "type": "object",
        "required": ["spec"],
        "properties": {
            "apiVersion": {"type": "string"},
            "kind": {"type": "string"},
            "metadata": {"type": "object"},
            "spec": structural(resource.spec),
            "status": structural(resource.status, defaults=False),
        },
    }


def definition(resource: Resource) -> dict[str, Any]:
    """The CustomResourceDefinition."""
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {
            "name": resource.name,
            "labels": {"app.kubernetes.io/name": "swefoundry", "app.kubernetes.io/part-of": "swefoundry"},
        },
        "spec": {
            "group": GROUP,
            "scope": "Namespaced",
            "names": {
                "kind": resource.kind,
                "listKind": f"{resource.kind}List",
                "plural": resource.plural,
                "singular": resource.kind.lower(),
                "shortNames": [resource.short],
                "categories": ["swe"],
            },
            "versions": [
                {
                    "name": VERSION,
                    "served": True,
                    "storage": True,
                    "schema": {"openAPIV3Schema": openapi(resource)},
                    "subresources": {"status": {}},
                    "selectableFields": [{"jsonPath": path} for path in resource.selectable],
                    "additionalPrinterColumns": [column.manifest() for column in resource.columns],
                }
            ],
        },
    }


class _Dumper(yaml.SafeDumper):
    """Repeats shared values in full: anchors are legal YAML and hard to read."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def as_yaml(manifest: dict[str, Any]) -> str:
    body = yaml.dump(manifest, Dumper=_Dumper, sort_keys=False, width=110, allow_unicode=True)
    return HEADER + body


def generated() -> dict[Path, str]:
    """Every generated file: its path in the repository, its text."""
    files: dict[Path, str] = {Path("docs/settings.md"): settings_page(Settings)}
    for resource in RESOURCES:
        text = as_yaml(definition(resource))
        files[Path("crds") / f"{resource.plural}.yaml"] = text
        files[Path("charts/swefoundry/files/crds") / f"{resource.plural}.yaml"] = text
        files[Path("docs/reference") / f"{resource.kind.lower()}.md"] = page(
            resource.kind, resource.short, resource.about, openapi(resource)
        )
    return files


def stale(root: Path) -> list[Path]:
    """Generated files that are not what the models make of them now."""
    return [
        path
        for path, text in generated().items()
        if not (root / path).is_file() or (root / path).read_text() != text
    ]


def main() -> int:
    arguments = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument("--write", action="store_true", help="write the files instead of comparing them")
    arguments.add_argument("--root", type=Path, default=ROOT, help="root of the repository")
    options = arguments.parse_args()
    old = stale(options.root)
    for path in old:
        print(f"{'wrote' if options.write else 'out of date, run `make generate`:'} {path}")
        if options.write:
            (options.root / path).parent.mkdir(parents=True, exist_ok=True)
            (options.root / path).write_text(generated()[path])
    return 1 if old and not options.write else 0


if __name__ == "__main__":
    raise SystemExit(main())
