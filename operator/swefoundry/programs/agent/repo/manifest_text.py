"""Manifests without what says nothing about an environment: people, keywords, badges, licences, linters. Pure.

Prompts repeat this text in every turn. What is left keeps its order, so that the same manifest gives the same text.
"""

import json
import re
from collections.abc import Callable
from pathlib import PurePosixPath

_JSON_KEYS = frozenset(
    {
        "author",
        "authors",
        "maintainers",
        "contributors",
        "keywords",
        "description",
        "homepage",
        "bugs",
        "repository",
    }
    | {
        "license",
        "licenses",
        "funding",
        "support",
        "files",
        "sideEffects",
        "publishConfig",
        "collective",
        "badges",
    }
    | {"all-contributors", "eslintConfig", "eslintIgnore", "prettier", "stylelint", "lint-staged", "husky"}
    | {"commitlint", "release", "renovate", "np", "size-limit", "standard", "xo", "auto", "greenkeeper"}
)
_TOML_KEYS = re.compile(
    r"^(authors?|maintainers?|keywords|categories|description|licen[cs]es?|license-files?|homepage|repository)\s*="
)
_TOML_TABLES = re.compile(
    r"^\[+(badges|project\.urls|project\.authors|project\.maintainers|tool\.poetry\.urls"
    r"|tool\.(black|ruff|isort|mypy|pylint|flake8|pyright|coverage|bumpversion|towncrier|commitizen|semantic_release)"
    r"(\..*)?|profile\..*)\]"
)
_LONG_STRING = re.compile(r'''^(description\s*=\s*)""".*?"""''', re.MULTILINE | re.DOTALL)
_DESCRIPTION_FIELD = re.compile(r"^Description: .*\n(?:[ \t|].*\n|\n)*", re.MULTILINE)
_XML_ELEMENTS = re.compile(
    r"<!--.*?-->|<(developers|contributors|licenses|scm|mailingLists|organization|issueManagement|ciManagement"
    r"|distributionManagement|description|reporting)\b[^>]*>.*?</\1>",
    re.DOTALL,
)
_CLASSIFIER = re.compile(r"""^\s*["']?(?!Programming Language)[A-Z][\w /-]+ :: .*$""")
_BADGE = re.compile(r"\[!\[[^\]]*\]\([^)]*\)\]\([^)]*\)|!\[[^\]]*\]\(https?:[^)]*\)")
_BLANK_LINES = re.compile(r"\n\s*\n(\s*\n)+")


def environment_part(path: str, text: str) -> str:
    """The part of a manifest that an environment depends on; all of it where its format is not known or broken."""
    name = PurePosixPath(path).name
    reduce = _REDUCERS.get(name) or _REDUCERS.get(PurePosixPath(path).suffix, str)
    kept = "\n".join(line for line in reduce(text).splitlines() if not _CLASSIFIER.match(line))
    return _BLANK_LINES.sub("\n\n", kept).strip()


def without_badges(text: str) -> str:
    """Markdown without images that services draw."""
    return "\n".join(line for line in _BADGE.sub("", text).splitlines())


def _reduced_json(text: str) -> str:
    try:
        content = json.loads(text)
    except ValueError:
        return text
    if not isinstance(content, dict):
        return text
    kept = {key: value for key, value in content.items() if key not in _JSON_KEYS}
    return json.dumps(kept, indent=1, ensure_ascii=False)


def _reduced_toml(text: str) -> str:
    kept: list[str] = []
    table_left_out = open_brackets = 0
    for line in _LONG_STRING.sub('\\1""', text).splitlines():
        if open_brackets > 0:
            open_brackets += line.count("[") - line.count("]")
            continue
        if line.startswith("["):
            table_left_out = bool(_TOML_TABLES.match(line))
        if table_left_out:
            continue
        if _TOML_KEYS.match(line):
            open_brackets = line.count("[") - line.count("]")
            continue
        kept.append(line)
    return "\n".join(kept)


def _reduced_xml(text: str) -> str:
    return _XML_ELEMENTS.sub("", text)


def _reduced_metadata(text: str) -> str:
    """Without the description, which is the README once more: the body, in older ones an indented field."""
    head = text.split("\n\n", 1)[0]
    return _DESCRIPTION_FIELD.sub("", head)


_REDUCERS: dict[str, Callable[[str], str]] = {
    "package.json": _reduced_json,
    "composer.json": _reduced_json,
    ".toml": _reduced_toml,
    "pom.xml": _reduced_xml,
    "PKG-INFO": _reduced_metadata,
    ".md": without_badges,
}
