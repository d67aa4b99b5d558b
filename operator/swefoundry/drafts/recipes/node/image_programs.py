"""Programs of ours in the image, outside of the project: JavaScript files beside this module."""

from functools import cache
from pathlib import Path, PurePosixPath

DRIVER = "/usr/local/lib/run-test-files.js"
"""Runs the test files and writes the report."""
JASMINE_TAP = "/usr/local/lib/tap-of-jasmine.js"
"""A helper of jasmine, which prints no report by itself."""
OWN_COPIES = "/usr/local/lib/link-own-copies.js"
"""Links the source in the place of its own later releases among the packages."""


@cache
def program_step(path: str) -> str:
    """Return the step of a Dockerfile that writes a program to its path."""
    text = Path(__file__).with_name(PurePosixPath(path).name).read_text("utf-8")
    return f"RUN cat > {path} <<'EOF'\n{text}EOF"
