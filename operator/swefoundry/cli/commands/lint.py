"""`swefoundry lint`: problems of manifests, found without a cluster."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml

from swefoundry.api import labels
from swefoundry.api.validation import manifest as lint
from swefoundry.cli import console
from swefoundry.cli.summary import RunSummary


def lint_manifests(
    files: Annotated[list[Path], typer.Argument(help="YAML, JSON or JSON lines files, or folders of them.")],
    output: console.OutputOption = console.OutputFormat.TABLE,
) -> None:
    """Check TaskInstance and EnvBuild manifests as the API server and the operator would.

    Objects of other kinds are skipped. No cluster is needed.
    """
    summary = RunSummary()
    for path in _manifest_files(files):
        for place, manifest in _manifests(path, summary):
            problems = _problems_of(manifest)
            for problem in problems:
                summary.reject(place, problem, _object_name(manifest))
            if not problems:
                summary.succeeded.append(place)
    raise typer.Exit(summary.print_summary("good manifest", output))


def _manifest_files(paths: list[Path]) -> Iterator[Path]:
    for path in paths:
        if not path.is_dir():
            yield path
            continue
        yield from sorted(
            each for each in path.rglob("*") if each.suffix in (".yaml", ".yml", ".json", ".jsonl")
        )


def _manifests(path: Path, summary: RunSummary) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every object of a file with its place; the items of List objects one by one."""
    try:
        documents = list(_documents(path))
    except OSError as error:
        summary.reject(str(path), f"cannot be read: {error.strerror}")
        return
    except (yaml.YAMLError, ValueError) as error:
        summary.reject(str(path), f"cannot be parsed: {' '.join(str(error).split())}")
        return
    for place, document in documents:
        if not isinstance(document, dict):
            summary.reject(place, f"a manifest is an object, not {type(document).__name__}")
            continue
        items = document.get("items")
        if str(document.get("kind", "")).endswith("List") and isinstance(items, list):
            yield from ((f"{place}, item {n}", item) for n, item in enumerate(items, 1) if _is_ours(item))
        elif _is_ours(document):
            yield place, document


def _documents(path: Path) -> Iterator[tuple[str, Any]]:
    """Every document of a YAML, JSON or JSON lines file with its place."""
    if path.suffix == ".jsonl":
        for number, line in enumerate(path.read_bytes().split(b"\n"), 1):
            if line.strip():
                yield f"{path}:{number}", json.loads(line)
        return
    text = path.read_text(encoding="utf-8")
    for number, document in enumerate(yaml.safe_load_all(text), 1):
        if document is not None:
            yield f"{path}#{number}", document


def _is_ours(manifest: object) -> bool:
    """Whether the object is, or is meant to be, a TaskInstance or an EnvBuild."""
    if not isinstance(manifest, dict):
        return True
    group = str(manifest.get("apiVersion", ""))
    return group.startswith(labels.GROUP) or not group or manifest.get("kind") in ("TaskInstance", "EnvBuild")


def _problems_of(manifest: Any) -> list[str]:
    if not isinstance(manifest, dict):
        return [f"a manifest is an object, not {type(manifest).__name__}"]
    try:
        return lint.manifest_problems(manifest)
    except TypeError as error:
        return [str(error)]


def _object_name(manifest: Any) -> str:
    metadata = manifest.get("metadata") if isinstance(manifest, dict) else None
    return str(metadata.get("name") or "") if isinstance(metadata, dict) else ""
