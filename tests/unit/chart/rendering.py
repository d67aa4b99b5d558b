"""The chart rendered with `helm template`."""

import json
import os
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from swefoundry.api.codegen.crds import ROOT

CHART = ROOT / "charts/swefoundry"
LAB = Path(os.environ.get("SWEFOUNDRY_LAB_DIR", Path.home() / ".cache/swefoundry-lab"))
HELM = shutil.which("helm") or str(LAB / "bin/helm")

Object = dict[str, Any]

REGISTRY = {"push": "registry.example.org:5000"}


@cache
def helm(values: str) -> subprocess.CompletedProcess[str]:
    """Run `helm template` with these values; the Kubernetes version is set because the lab's helm has no default."""
    if not Path(HELM).exists():
        pytest.skip("no helm: `make lab-up` builds one")
    command = [
        HELM,
        "template",
        "swefoundry",
        str(CHART),
        "-n",
        "swefoundry",
        "--kube-version",
        "1.37.2",
        "-f",
        "-",
    ]
    return subprocess.run(command, input=values, capture_output=True, text=True, timeout=60, check=False)


def render(**values: Any) -> list[Object]:
    """Objects of a release; `values` replace those of an external registry."""
    result = helm(json.dumps({"registry": REGISTRY, **values}))
    assert result.returncode == 0, result.stderr
    return [document for document in yaml.safe_load_all(result.stdout) if document]


def render_error(**values: Any) -> str:
    """Error message of helm for invalid values."""
    result = helm(json.dumps({"registry": REGISTRY, **values}))
    assert result.returncode != 0
    return result.stderr


def of_kind(objects: list[Object], *kinds: str) -> list[Object]:
    return [body for body in objects if body["kind"] in kinds]


def only(objects: list[Object], kind: str, name: str) -> Object:
    (match,) = [body for body in of_kind(objects, kind) if body["metadata"]["name"] == name]
    return match


def pod_specs(objects: list[Object]) -> list[Object]:
    """Specs of all pods and pod templates of the chart."""
    pods = [body["spec"] for body in of_kind(objects, "Pod")]
    return pods + [body["spec"]["template"]["spec"] for body in of_kind(objects, "Deployment")]


def environment(objects: list[Object], deployment: str = "swefoundry") -> dict[str, str]:
    """Environment variables of the operator's container."""
    container = only(objects, "Deployment", deployment)["spec"]["template"]["spec"]["containers"][0]
    return {variable["name"]: variable.get("value", "") for variable in container["env"]}
