"""Put the two prepared repositories on a git server, and write their TaskInstances to files.

    python samples/agents/prepare.py --served DIR --url http://git.lab:8418/demo --out DIR

Each folder beside this file is one instance: ``base`` is the repository at its commit, ``tests`` the hidden tests,
``fix`` the fix, ``taskinstance.yaml`` everything but commit, source and patches. Names and dates are fixed, so the
commits are always the same. On a cluster of your own, push the bare repositories in ``--served`` to where ``--url``
leads.
"""

import argparse
import itertools
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import yaml

from swefoundry.cli.datasets.yaml_dump import dump_manifests

HERE = Path(__file__).parent
SAMPLES = ("jsonpick", "rpn")
LABEL = {"swefoundry.dev/demo": "agents"}
DATE = "2024-03-01T00:00:00+00:00"
ENVIRONMENT = {
    "PATH": os.environ["PATH"],
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    **{f"GIT_{who}_NAME": "demo" for who in ("AUTHOR", "COMMITTER")},
    **{f"GIT_{who}_EMAIL": "demo@example.org" for who in ("AUTHOR", "COMMITTER")},
    **{f"GIT_{who}_DATE": DATE for who in ("AUTHOR", "COMMITTER")},
}


def main() -> None:
    """Prepare both."""
    parser = argparse.ArgumentParser(
        description="Prepare the repositories and TaskInstances of the agents' demonstration."
    )
    parser.add_argument("--served", type=Path, required=True, help="folder that gets the bare repositories")
    parser.add_argument("--url", required=True, help="where the git server serves that folder")
    parser.add_argument("--out", type=Path, required=True, help="folder that gets the manifests")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    for name in SAMPLES:
        manifest = prepared(name, options.served, options.url)
        (options.out / f"{name}.yaml").write_text(dump_manifests([manifest]))


def prepared(name: str, served: Path, url: str) -> dict[str, Any]:
    """Create the bare repository of one sample and return its TaskInstance."""
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder)
        git(tree, "init", "--quiet", "--initial-branch=main", ".")
        commits = [commit(tree, HERE / name / part) for part in ("base", "tests", "fix")]
        git(tree, "reset", "--quiet", "--hard", commits[0])
        bare = served / f"{name}.git"
        shutil.rmtree(bare, ignore_errors=True)
        served.mkdir(parents=True, exist_ok=True)
        git(tree, "clone", "--quiet", "--bare", ".", str(bare.absolute()))
        patches = [git(tree, "diff", "--binary", old, new) for old, new in itertools.pairwise(commits)]
    manifest: dict[str, Any] = yaml.safe_load((HERE / name / "taskinstance.yaml").read_text())
    manifest["metadata"] |= {"labels": LABEL}
    manifest["spec"] |= {
        "baseCommit": commits[0],
        "source": {"git": {"url": f"{url}/{name}.git"}},
        "testPatch": {"inline": patches[0]},
        "goldPatch": {"inline": patches[1]},
    }
    return manifest


def commit(tree: Path, part: Path) -> str:
    """Lay a folder over the tree and commit it."""
    # Not with its times: git takes a file of the same size and time for the same file.
    shutil.copytree(part, tree, dirs_exist_ok=True, copy_function=shutil.copy)
    git(tree, "add", "--all")
    git(tree, "commit", "--quiet", "--message", part.name)
    return git(tree, "rev-parse", "HEAD").strip()


def git(tree: Path, *arguments: str) -> str:
    """What git prints."""
    done = subprocess.run(
        ["git", *arguments], cwd=tree, env=ENVIRONMENT, check=True, capture_output=True, text=True
    )
    return done.stdout


if __name__ == "__main__":
    main()
