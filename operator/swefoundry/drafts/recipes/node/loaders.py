"""Packages that let Node load TypeScript, or modules of a syntax that it does not know."""

from collections.abc import Container, Iterable

_LOADERS = (
    ("tsx", "--import=tsx"),
    ("ts-node", "--require=ts-node/register"),
    ("@swc-node/register", "--require=@swc-node/register"),
    ("@swc/register", "--require=@swc/register"),
    ("esbuild-register", "--require=esbuild-register/dist/node"),
    ("@babel/register", "--require=@babel/register"),
    ("babel-register", "--require=babel-register"),
    ("sucrase", "--require=sucrase/register"),
)
"""Package, and the option of Node and of runners that loads it."""

_PROGRAMS = {
    "tsx": "tsx",
    "ts-node": "ts-node",
    "swc-node": "@swc-node/register",
    "esr": "esbuild-register",
    "babel-node": "@babel/register",
    "sucrase-node": "sucrase",
}
"""Programs that start Node with a loader, and the package whose option does the same."""


def program_loader(program: str, packages: Container[str]) -> str | None:
    """Return the option by which Node loads what a program of a loader would: `--import=tsx` of `tsx`."""
    package = _PROGRAMS.get(program)
    if program == "babel-node" and package not in packages:
        package = "babel-register"
    return dict(_LOADERS).get(package) if package is not None else None


def loader_option(packages: Container[str]) -> str | None:
    """Return the option for the first loader among packages."""
    return next((option for package, option in _LOADERS if package in packages), None)


def loader_packages(options: Iterable[str]) -> set[str]:
    """Return the packages that the options of a runner load: `ts-node` of `-r ts-node/register`."""
    words = [option.rpartition("=")[2] for option in options]
    return {"/".join(word.split("/")[: 2 if word.startswith("@") else 1]) for word in words}
