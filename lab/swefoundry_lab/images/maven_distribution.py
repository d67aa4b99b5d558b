"""Distributions of Maven by release: the installed `mvn` downloads them from its repository and verifies them."""

import tarfile
from pathlib import Path

from swefoundry_lab.command import run


def maven_distribution(release: str, folder: Path) -> Path:
    """Unpack a release such as `3.9.9` in a folder, and return where it is."""
    artifact = f"org.apache.maven:apache-maven:{release}:tar.gz:bin"
    run(
        [
            "mvn",
            "--batch-mode",
            "--quiet",
            "dependency:copy",
            f"-Dartifact={artifact}",
            f"-DoutputDirectory={folder}",
        ]
    )
    name = f"apache-maven-{release}"
    with tarfile.open(folder / f"{name}-bin.tar.gz") as archive:
        archive.extractall(folder, filter="data")
    return folder / name
