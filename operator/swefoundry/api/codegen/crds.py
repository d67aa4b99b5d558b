"""The CustomResourceDefinitions that the models make, and the other generated files.

``python -m swefoundry.api.codegen.crds --write`` writes the CRDs into ``crds/`` and the chart, and the reference of
resources and settings into ``docs/``; without ``--write`` it says which files are out of date and exits with 1.
"""

import argparse
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from pydantic import BaseModel

from swefoundry.api.codegen.resource_reference import resource_page
from swefoundry.api.codegen.settings_reference import settings_page as settings_page
from swefoundry.api.codegen.structural_schema import structural_schema
from swefoundry.api.envbuild import EnvBuildSpec, EnvBuildStatus
from swefoundry.api.labels import GROUP, VERSION
from swefoundry.api.taskinstance import TaskInstanceSpec, TaskInstanceStatus
from swefoundry.settings import Settings

ROOT = Path(__file__).parents[4]
GENERATED_HEADER = "# Generated from operator/swefoundry/api by `make generate`. Do not edit.\n"


class PrinterColumn(NamedTuple):
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


class ResourceDefinition(NamedTuple):
    """Properties of a resource that its models do not contain."""

    kind: str
    plural: str
    short: str
    description: str
    spec: type[BaseModel]
    status: type[BaseModel]
    columns: tuple[PrinterColumn, ...]
    selectable: tuple[str, ...]

    @property
    def name(self) -> str:
        return f"{self.plural}.{GROUP}"


AGE = PrinterColumn("Age", ".metadata.creationTimestamp", "date")
READY_REASON = PrinterColumn("Reason", '.status.conditions[?(@.type=="Ready")].reason', wide=True)
DURATION = PrinterColumn("Duration", ".status.duration", wide=True)

TASK_INSTANCE = ResourceDefinition(
    kind="TaskInstance",
    plural="taskinstances",
    short="ti",
    description="An issue-fixing commit that is to become a validated benchmark instance: its tests must fail "
    "before the reference fix and pass after it, in an environment that anybody can run again.",
    spec=TaskInstanceSpec,
    status=TaskInstanceStatus,
    columns=(
        PrinterColumn("Repo", ".spec.repo"),
        PrinterColumn("Phase", ".status.phase"),
        PrinterColumn("Verdict", ".status.verdict"),
        PrinterColumn("F2P", ".status.tests.failToPass", "integer"),
        PrinterColumn("Env", ".status.strategy"),
        PrinterColumn("Round", ".status.round", "integer"),
        AGE,
        PrinterColumn("Note", ".status.note"),
        PrinterColumn("Tests-Unknown", ".status.testsUnknown", wide=True),
        PrinterColumn("Image", ".status.image.name", wide=True),
        READY_REASON,
        DURATION,
    ),
    selectable=(".spec.repo", ".status.phase", ".status.verdict"),
)

ENV_BUILD = ResourceDefinition(
    kind="EnvBuild",
    plural="envbuilds",
    short="eb",
    description="The construction of one environment image, round by round: a draft is proposed, built and probed "
    "until one is accepted or the budget is spent.",
    spec=EnvBuildSpec,
    status=EnvBuildStatus,
    columns=(
        PrinterColumn("Repo", ".spec.repo"),
        PrinterColumn("Phase", ".status.phase"),
        PrinterColumn("Accepted", ".status.acceptedOn"),
        PrinterColumn("Env", ".status.strategy"),
        PrinterColumn("Round", ".status.round", "integer"),
        AGE,
        PrinterColumn("Image", ".status.imageName", wide=True),
        PrinterColumn("Cost", ".status.cost", wide=True),
        READY_REASON,
        DURATION,
    ),
    selectable=(".spec.repo", ".status.phase"),
)

RESOURCE_DEFINITIONS = (TASK_INSTANCE, ENV_BUILD)


def openapi_schema(resource: ResourceDefinition) -> dict[str, Any]:
    """Return the schema of a whole object."""
    return {
        "description": resource.description,
        "type": "object",
        "required": ["spec"],
        "properties": {
            "apiVersion": {"type": "string"},
            "kind": {"type": "string"},
            "metadata": {"type": "object"},
            "spec": structural_schema(resource.spec),
            "status": structural_schema(resource.status, defaults=False),
        },
    }


def crd_manifest(resource: ResourceDefinition) -> dict[str, Any]:
    """Return the CustomResourceDefinition."""
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
                    "schema": {"openAPIV3Schema": openapi_schema(resource)},
                    "subresources": {"status": {}},
                    "selectableFields": [{"jsonPath": path} for path in resource.selectable],
                    "additionalPrinterColumns": [column.manifest() for column in resource.columns],
                }
            ],
        },
    }


class _Dumper(yaml.SafeDumper):
    """Writes shared values in full: anchors are valid YAML but hard to read."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def to_yaml(manifest: dict[str, Any]) -> str:
    body = yaml.dump(manifest, Dumper=_Dumper, sort_keys=False, width=110, allow_unicode=True)
    return GENERATED_HEADER + body


def generated_files() -> dict[Path, str]:
    """Return every generated file: its path in the repository and its text."""
    files: dict[Path, str] = {Path("docs/settings.md"): settings_page(Settings)}
    for resource in RESOURCE_DEFINITIONS:
        text = to_yaml(crd_manifest(resource))
        files[Path("crds") / f"{resource.plural}.yaml"] = text
        files[Path("charts/swefoundry/files/crds") / f"{resource.plural}.yaml"] = text
        files[Path("docs/reference") / f"{resource.kind.lower()}.md"] = resource_page(
            resource.kind, resource.short, resource.description, openapi_schema(resource)
        )
    return files


def outdated_files(root: Path) -> list[Path]:
    """Return generated files that differ from what the models generate now."""
    return [
        path
        for path, text in generated_files().items()
        if not (root / path).is_file() or (root / path).read_text() != text
    ]


def main() -> int:
    arguments = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument("--write", action="store_true", help="write the files instead of comparing them")
    arguments.add_argument("--root", type=Path, default=ROOT, help="root of the repository")
    options = arguments.parse_args()
    outdated = outdated_files(options.root)
    for path in outdated:
        print(f"{'wrote' if options.write else 'out of date, run `make generate`:'} {path}")
        if options.write:
            (options.root / path).parent.mkdir(parents=True, exist_ok=True)
            (options.root / path).write_text(generated_files()[path])
    return 1 if outdated and not options.write else 0


if __name__ == "__main__":
    raise SystemExit(main())
