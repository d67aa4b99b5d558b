"""End-to-end tests with real packages: collected from the package index, built by the recipe, evaluated in pods.

`pairs.py` has the expected verdict of each pair and its reason. The quick pairs run with the cluster tests, all pairs
with `make test-real`. No content of the packages is stored in this repository.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from cluster.commands import KUBECONFIG, LAB, ON_LAB, kubectl
from cluster.sample_instances import Json, wait_until_finished
from real.pairs import PAIRS
from real.real_pair import RealPair

NAMESPACE = "swefoundry-extra"
"""Not the namespace of `make demo`, whose objects may already have a verdict."""

REGISTRY = {"SWEFOUNDRY_REGISTRY": "127.0.0.1:5000", "SWEFOUNDRY_REGISTRY_INSECURE": "true"} if ON_LAB else {}
"""For sources of several files; on another cluster, the environment names its registry."""

MAX_SECONDS = 2400
"""For all pairs of a run; one pair takes a minute or two on two idle cores."""


def collect(pairs: list[RealPair], folder: Path) -> list[Json]:
    lines = folder / "pairs.txt"
    lines.write_text("".join(f"{pair} repo=pairs/{pair.name}\n" for pair in pairs))
    out = folder / "manifests"
    program = Path(sys.executable).with_name("swefoundry")
    command = [str(program), "collect", "releases", "--file", str(lines)]
    options = ["--out", str(out), "--cache", str(LAB / "archives"), "--namespace", NAMESPACE]
    run_until_indexes_answer([*command, *options])
    kubectl("delete", "-n", NAMESPACE, "-f", str(out), "--ignore-not-found", "--timeout=120s")
    for pair in pairs:
        allow_only_the_recipe(pair, out)
    kubectl("apply", "--server-side", "-n", NAMESPACE, "-f", str(out))
    created = json.loads(kubectl("get", "-n", NAMESPACE, "-f", str(out), "-o", "json"))
    return [item for item in created["items"] if item["kind"] == "TaskInstance"]


def run_until_indexes_answer(command: list[str]) -> None:
    """Run the command, up to three times: an index may be away for a moment."""
    environment = REGISTRY | os.environ | ({"KUBECONFIG": KUBECONFIG} if KUBECONFIG else {})
    for pause in (30, 60, 0):
        result = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
        if result.returncode == 0:
            return
        time.sleep(pause)
    raise AssertionError(result.stdout + result.stderr)


def allow_only_the_recipe(pair: RealPair, folder: Path) -> None:
    """Set the pair's budget of rounds and the recipe as the only strategy in its manifest.

    The budget saves rounds of pairs that fail in every environment. With reuse, an image of an earlier run could hide a
    fault of the recipe.
    """
    path = next(folder.glob(f"*{pair.name}-{pair.new}.yaml"))
    documents = list(yaml.safe_load_all(path.read_text()))
    for document in documents:
        if document["kind"] == "TaskInstance":
            document["spec"]["budget"] = {"rounds": pair.rounds}
            document["spec"]["environment"] = {"strategies": ["recipe"]}
    path.write_text(yaml.safe_dump_all(documents))


@pytest.fixture(scope="module")
def names(request, tmp_path_factory) -> Iterator[dict[str, str]]:
    """Instance names by pair. All pairs that are selected in this run are collected and applied together."""
    selected = [
        item for item in request.session.items if item.module is request.module and hasattr(item, "callspec")
    ]
    requested = {item.callspec.params["pair"] for item in selected}
    pairs = [pair for pair in PAIRS if pair in requested]
    items = collect(pairs, tmp_path_factory.mktemp("pairs"))
    by_release = {}
    for item in items:
        row = json.loads(item["metadata"]["annotations"]["swefoundry.dev/row"])
        by_release[f"{row['package']}:{'..'.join(row['releases'])}"] = item["metadata"]["name"]
    yield by_release
    kubectl("delete", "ti", "-n", NAMESPACE, *by_release.values(), "--ignore-not-found", "--wait=false")


def marked(pair: RealPair):
    return pytest.param(pair, id=str(pair), marks=pytest.mark.cluster if pair.quick else pytest.mark.real)


@pytest.mark.parametrize("pair", [marked(pair) for pair in PAIRS])
def test_a_release_pair_gets_its_expected_verdict(names, pair):
    status = wait_until_finished(names[f"{pair.package}:{pair.old}..{pair.new}"], MAX_SECONDS, NAMESPACE)
    assert status.get("verdict") == pair.verdict, f"{pair.why}\n{json.dumps(status, indent=1)[:6000]}"
