"""What `helm template` makes of the chart."""

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
    """`helm template` with these values; the version is given because a home-made helm does not know its own."""
    if not Path(HELM).exists():
        pytest.skip("no helm: `make lab-up` makes one")
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
    """The objects of an installation with an external registry, unless said otherwise."""
    ended = helm(json.dumps({"registry": REGISTRY, **values}))
    assert ended.returncode == 0, ended.stderr
    return [document for document in yaml.safe_load_all(ended.stdout) if document]


def refusal(**values: Any) -> str:
    """What helm says against these values."""
    ended = helm(json.dumps({"registry": REGISTRY, **values}))
    assert ended.returncode != 0
    return ended.stderr


def of_kind(objects: list[Object], *kinds: str) -> list[Object]:
    return [one for one in objects if one["kind"] in kinds]


def only(objects: list[Object], kind: str, name: str) -> Object:
    (found,) = [one for one in of_kind(objects, kind) if one["metadata"]["name"] == name]
    return found


def pod_specs(objects: list[Object]) -> list[Object]:
    """Every pod that the chart starts."""
    pods = [one["spec"] for one in of_kind(objects, "Pod")]
    return pods + [one["spec"]["template"]["spec"] for one in of_kind(objects, "Deployment")]


def environment(objects: list[Object]) -> dict[str, str]:
    """The operator's environment."""
    container = only(objects, "Deployment", "swefoundry")["spec"]["template"]["spec"]["containers"][0]
    return {one["name"]: one["value"] for one in container["env"]}
