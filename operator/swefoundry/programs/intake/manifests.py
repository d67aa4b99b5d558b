"""Files that describe the environment a source needs: manifests, lock files, CI, guides. Pure, by path alone."""

from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase

MANIFESTS = (
    # Python
    "pyproject.toml",
    "setup.py",
    "setup.cfg",
    "*requirements*.txt",
    "*requirements*.in",
    "requirements/*.txt",
    "requirements/*.in",
    "*constraints*.txt",
    "tox.ini",
    "noxfile.py",
    "pytest.ini",
    ".pytest.ini",
    "Pipfile",
    "environment*.yml",
    "environment*.yaml",
    ".python-version",
    "runtime.txt",
    "hatch.toml",
    "pdm.toml",
    "MANIFEST.in",
    # JavaScript, Go, Rust, Java, Ruby, PHP, C
    "package.json",
    ".nvmrc",
    ".node-version",
    "tsconfig.json",
    "pnpm-workspace.yaml",
    "go.mod",
    "Cargo.toml",
    "rust-toolchain",
    "rust-toolchain.toml",
    "pom.xml",
    "build.gradle",
    "build.gradle.kts",
    "settings.gradle",
    "settings.gradle.kts",
    "gradle.properties",
    "gradle/wrapper/gradle-wrapper.properties",
    "Gemfile",
    "*.gemspec",
    "composer.json",
    "CMakeLists.txt",
    "meson.build",
    "Makefile",
)

LOCKS = (
    "poetry.lock",
    "uv.lock",
    "pdm.lock",
    "Pipfile.lock",
    "package-lock.json",
    "npm-shrinkwrap.json",
    "yarn.lock",
    "pnpm-lock.yaml",
    "go.sum",
    "Cargo.lock",
    "Gemfile.lock",
    "composer.lock",
)

METADATA = ("PKG-INFO", "*.egg-info/PKG-INFO", "*.egg-info/requires.txt")
"""What a release archive says about itself. Made by the build tool, so no part of the fingerprint."""

CI = (
    ".github/workflows/*.yml",
    ".github/workflows/*.yaml",
    ".gitlab-ci.yml",
    ".travis.yml",
    ".circleci/config.yml",
    ".cirrus.yml",
    "azure-pipelines.yml",
    ".azure-pipelines/*.yml",
    "appveyor.yml",
    ".appveyor.yml",
    "Jenkinsfile",
    "Dockerfile",
    ".devcontainer/*",
    ".readthedocs.yml",
    ".readthedocs.yaml",
)

GUIDES = (
    "README*",
    "CONTRIBUTING*",
    "HACKING*",
    "DEVELOPMENT*",
    ".github/CONTRIBUTING*",
    "docs/contributing*",
)

_FOLDERS = 2
"""Manifests lie at the root or in a folder of it: deeper ones belong to examples and vendored code."""


def matching(paths: Iterable[str], patterns: Sequence[str], limit: int) -> list[str]:
    """Paths that match a pattern at the root or, for plain names, one folder down; those at the root come first."""
    matches = [
        path for path in paths if path.count("/") <= _FOLDERS and any(_matches(path, p) for p in patterns)
    ]
    return sorted(matches, key=lambda path: (path.count("/"), path))[:limit]


def _matches(path: str, pattern: str) -> bool:
    """``*`` stops at a slash, unlike in fnmatch."""
    depth = pattern.count("/")
    tail = path.split("/")[-depth - 1 :]
    pattern_parts = pattern.split("/")
    if len(tail) != len(pattern_parts) or path.count("/") - depth > (
        0 if pattern.startswith(".") or depth else 1
    ):
        return False
    return all(fnmatchcase(part, word) for part, word in zip(tail, pattern_parts, strict=True))
