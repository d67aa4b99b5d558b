"""Make a release in ``dist/``: `make release VERSION=1.2.3`. docs/releasing.md is the whole process.

Sets the version in every file that has it, then builds the images, the chart, the Python package, one file of
CustomResourceDefinitions, the bill of materials and the checksums. Commits, tags and publishes nothing.
"""

import argparse
import hashlib
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).parents[1]
DIST = ROOT / "dist"
BIN = Path(sys.executable).parent

IMAGES = ("operator", "builder")

VERSION = re.compile(r"\d+\.\d+\.\d+(-(alpha|beta|rc)\.\d+)?")

VERSION_PATTERNS = (
    ("operator/swefoundry/__init__.py", r'(__version__ = ")[^"]+'),
    ("pyproject.toml", r'(?m)(^version = ")[^"]+'),
    ("charts/swefoundry/Chart.yaml", r"(?m)(^version: ).+"),
    ("charts/swefoundry/Chart.yaml", r"(?m)(^appVersion: ).+"),
    ("README.md", r"(swefoundry/\$name:)[\w.-]+"),
    ("docs/install.md", r"(swefoundry/\$name:)[\w.-]+"),
)
"""Files that name the version, and what stands before it there."""


def main() -> None:
    """Set the version and fill ``dist/``."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("version")
    parser.add_argument(
        "--images",
        choices=("docker", "podman", "lab", "none"),
        default="docker",
        help="what builds the images; lab: from the lab's own base images, to try the process",
    )
    options = parser.parse_args()
    if not VERSION.fullmatch(options.version):
        raise SystemExit("usage: make release VERSION=1.2.3 (or 1.2.3-rc.1)")
    if output("git", "status", "--porcelain", "--untracked-files=no"):
        raise SystemExit("Commit first: a release is made of a commit and the change of its version.")
    needed = {"make", "go", "helm", *({options.images} & {"docker", "podman"})}
    if missing := sorted(program for program in needed if not shutil.which(program)):
        raise SystemExit(f"Missing: {', '.join(missing)}. The lab's helm is in ~/.cache/swefoundry-lab/bin.")
    set_version(ROOT, options.version)
    shutil.rmtree(DIST, ignore_errors=True)
    DIST.mkdir()
    build_images(options.version, options.images)
    build_packages(options.version)
    write_bill_of_materials(options.version)
    write_checksums(DIST)
    print(f"dist/ holds swefoundry {options.version}. Next: docs/releasing.md, step 3.")


def set_version(root: Path, version: str) -> None:
    """Write the version into every file of PLACES, and give the unreleased changes its heading."""
    for name, pattern in VERSION_PATTERNS:
        substitute(root / name, pattern, rf"\g<1>{version}")
    changelog = (root / "CHANGELOG.md").read_text("utf-8")
    if f"## [{version}]" not in changelog:
        today = datetime.now(UTC).date()
        substitute(root / "CHANGELOG.md", r"(## \[Unreleased\]\n)", rf"\g<1>\n## [{version}] - {today}\n")


def substitute(path: Path, pattern: str, replacement: str) -> None:
    """Replace every match; a file without one was rewritten and would silently keep the old version."""
    text, count = re.subn(pattern, replacement, path.read_text("utf-8"))
    if count == 0:
        raise SystemExit(f"{path} does not name the version where it is expected: see PLACES in {__file__}.")
    path.write_text(text, "utf-8")


def build_images(version: str, engine: str) -> None:
    """Build the images and save each as an archive that `docker load` and `skopeo` read."""
    run("make", "--silent", "-C", "images/runner", "build")
    if engine == "lab":
        run(sys.executable, "-m", "swefoundry_lab", "images", "save", version, "--out", DIST)
    elif engine != "none":
        for name in IMAGES:
            image = f"swefoundry/{name}:{version}"
            run(engine, "build", "--file", f"images/{name}/Dockerfile", "--tag", image, ".")
            run(engine, "save", "--output", DIST / f"swefoundry-{name}-{version}.tar", image)


def build_packages(version: str) -> None:
    """Build the chart, the wheel with the command line, and one file of all CRDs."""
    run("helm", "package", "charts/swefoundry", "--destination", DIST)
    run(BIN / "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", DIST, ".")
    crds = sorted((ROOT / "crds").glob("*.yaml"))
    text = "---\n".join(path.read_text("utf-8") for path in crds)
    (DIST / f"swefoundry-crds-{version}.yaml").write_text(text, "utf-8")


def write_bill_of_materials(version: str) -> None:
    """Write what the images' Python environment is made of, with hashes, as CycloneDX."""
    run(
        BIN / "uv", "run", "--quiet", "--no-project", "--python", sys.executable,
        "--with-requirements", "requirements-release.txt",
        "cyclonedx-py", "requirements", "--pyproject", "pyproject.toml", "--output-reproducible",
        "--output-file", DIST / f"swefoundry-{version}.cdx.json", "images/operator/requirements.txt",
    )  # fmt: skip


def write_checksums(folder: Path) -> None:
    """Write SHA256SUMS, as `sha256sum --check` reads it."""
    lines = [f"{sha256(path)}  {path.name}\n" for path in sorted(folder.iterdir())]
    (folder / "SHA256SUMS").write_text("".join(lines), "utf-8")


def sha256(path: Path) -> str:
    """Digest of a file."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def run(*command: str | Path) -> None:
    """Run a command in the repository; its failure ends the release."""
    print("+", *command)
    if (code := subprocess.run(as_text(command), cwd=ROOT, check=False).returncode) != 0:
        raise SystemExit(f"{command[0]} ended with code {code}")


def output(*command: str) -> str:
    """Output of a command."""
    return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout


def as_text(command: Iterable[str | Path]) -> list[str]:
    """A command's arguments as subprocess wants them."""
    return [str(part) for part in command]


if __name__ == "__main__":
    main()
