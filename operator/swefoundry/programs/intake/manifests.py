"""Files that describe the environment a source needs: manifests, lock files, CI, guides. Pure, by path alone."""

import posixpath
import re
from collections.abc import Collection, Iterable, Sequence
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
    ".tool-versions",
    "tsconfig.json",
    "pnpm-workspace.yaml",
    "lerna.json",
    "go.mod",
    "go.work",
    "vendor/modules.txt",
    "Cargo.toml",
    "rust-toolchain",
    "rust-toolchain.toml",
    "pom.xml",
    ".mvn/maven.config",
    ".mvn/jvm.config",
    ".mvn/extensions.xml",
    ".java-version",
    ".tool-versions",
    ".sdkmanrc",
    "build.gradle",
    "build.gradle.kts",
    "settings.gradle",
    "settings.gradle.kts",
    "gradle.properties",
    "gradle/libs.versions.toml",
    "gradle/wrapper/gradle-wrapper.properties",
    "Gemfile",
    "*.gemspec",
    "composer.json",
    "CMakeLists.txt",
    "meson.build",
    "Makefile",
)

FIXED_MANIFESTS = (
    *("package.json", "Cargo.toml", "go.mod", "pom.xml"),
    *("build.gradle", "build.gradle.kts", "gradle.properties", "libs.versions.toml"),
)
"""Names of manifests that are read after the fix as well: it may need a package that the source does not name."""

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

PYTHON_PROJECT = (
    "pyproject.toml",
    "setup.py",
    "setup.cfg",
    "Pipfile",
    "pytest.ini",
    ".pytest.ini",
    "tox.ini",
    "*requirements*.txt",
    "*requirements*.in",
    "*constraints*.txt",
)
"""Names of the manifests that are read at any depth: a monorepo has its projects in folders of folders."""

_NO_MEMBERS = frozenset(
    {"__fixtures__", "__tests__", "fixtures", "node_modules", "spec", "templates", "test", "tests", "vendor"}
)
"""Folders whose package.json belong to no workspace: input of tests, and code of others."""

_FOLDERS = 2
"""Manifests lie at the root or in a folder of it: deeper ones belong to examples and vendored code."""


def matching(paths: Iterable[str], patterns: Sequence[str], limit: int) -> list[str]:
    """Paths that match a pattern at the root or, for plain names, one folder down; those at the root come first."""
    matches = [
        path for path in paths if path.count("/") <= _FOLDERS and any(_matches(path, p) for p in patterns)
    ]
    return sorted(matches, key=lambda path: (path.count("/"), path))[:limit]


def nested_projects(paths: Iterable[str], known: Collection[str]) -> list[str]:
    """Manifests of Python projects in any folder that are not among ``known``; build manifests near the root first."""
    matches = [path for path in paths if path not in known and _is_project_manifest(path)]
    return sorted(matches, key=lambda path: (not path.endswith(PYTHON_PROJECT[:3]), path.count("/"), path))


def workspace_packages(paths: Iterable[str], known: Collection[str]) -> list[str]:
    """Manifests of npm packages in any folder of a source with one in its root, that are not among ``known``."""
    matches = [path for path in paths if path.endswith("/package.json") and path not in known]
    if "package.json" not in known:
        return []
    members = [path for path in matches if not _NO_MEMBERS.intersection(path.split("/"))]
    return sorted(members, key=lambda path: (path.count("/"), path))


def _is_project_manifest(path: str) -> bool:
    name = path.rpartition("/")[2]
    return any(fnmatchcase(name, pattern) for pattern in PYTHON_PROJECT)


def included_files(path: str, text: str) -> set[str]:
    """Paths that a manifest names as further requirements: `-r more.txt`, `-c limits.txt`, `file = "deps.in"`.

    They are relative to the manifest's folder; those out of tox.ini and of `file = …` have no other base.
    """
    folder = posixpath.dirname(path)
    named = [match for pattern in _INCLUDES for match in pattern.findall(text)]
    cleaned = (name.strip("\"'").replace("{toxinidir}/", "") for name in named)
    return {posixpath.normpath(posixpath.join(folder, name)) for name in cleaned if "://" not in name}


_INCLUDES = (
    re.compile(r"(?:^|[\s\"'])(?:-[rc]|--requirement|--constraint)[ \t=]*([^\s\"',;]+)", re.MULTILINE),
    re.compile(r"\bfile\s*[:=]\s*\[?\s*[\"']?([\w./-]+)"),
    re.compile(r"[\"']([\w./-]*(?:req|dep|constraint)[\w./-]*\.(?:txt|in|pip))[\"']"),
)


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
