"""Toolchains of Rust by release, which rustup has installed."""

from pathlib import Path

from swefoundry_lab.command import run


def rust_toolchain(release: str) -> Path:
    """Return the folder of a toolchain, such as that of `1.95.0`."""
    return Path(run(["rustc", f"+{release}", "--print", "sysroot"]).strip())
