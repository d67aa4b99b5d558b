"""The modules that a go.mod asks for: the tests cannot download what the fix adds."""

import re

_COMMENT = re.compile(r"//.*")
_INDIRECT = re.compile(r"//[ \t]*indirect\b")
_BLOCK = re.compile(r"^(require|replace)[ \t]*\((.*?)^[ \t]*\)", re.MULTILINE | re.DOTALL)
_LINE = re.compile(r"^[ \t]*(require|replace)[ \t]+([^(\s].*)$", re.MULTILINE)
_GO = re.compile(r"^go[ \t]+\d+\.\d+(?:\.\d+)?[ \t]*$", re.MULTILINE)
_MODULE = r"[\w.~+/!-]+"
_VERSION = r"v[\w.+-]+"
_REQUIREMENT = re.compile(rf"({_MODULE})[ \t]+{_VERSION}")
_REPLACEMENT = re.compile(rf"({_MODULE})(?:[ \t]+{_VERSION})?[ \t]*=>[ \t]*(?!\.|/){_MODULE}[ \t]+{_VERSION}")
_REPLACED = re.compile(rf"({_MODULE})(?:[ \t]+{_VERSION})?[ \t]*=>")

Requirement = tuple[str, str]
"""A module and its version."""


def added_requirements(before: str, after: str) -> list[Requirement]:
    """Return what the second go.mod requires itself and the first does not, in any version.

    Indirect requirements and those that are replaced are left out.
    """
    known = _required(before)
    return [each for each in _own_requirements(after) if each[0] not in known]


def changed_requirements(before: str, after: str) -> list[Requirement]:
    """Return what the second go.mod requires itself and the first in another version; not what is replaced."""
    known = _required(before)
    return [
        (module, version)
        for module, version in _own_requirements(after)
        if known.get(module, version) != version
    ]


def _own_requirements(manifest: str) -> list[Requirement]:
    direct = "\n".join(line for line in manifest.splitlines() if not _INDIRECT.search(line))
    replaced = {match[1] for verb, line in _lines(manifest) if (match := _REPLACED.match(line))}
    return [each for each in _required(direct).items() if each[0] not in replaced]


def _required(manifest: str) -> dict[str, str]:
    """Return versions by module."""
    lines = [line for verb, line in _lines(manifest) if verb == "require" and _REQUIREMENT.fullmatch(line)]
    return {module: version for module, version in map(str.split, lines)}


def _lines(manifest: str) -> list[tuple[str, str]]:
    """Return `require` or `replace` and the rest, for each line and each line of a block."""
    text = _COMMENT.sub("", manifest)
    blocks = [
        (verb, line.strip())
        for verb, block in _BLOCK.findall(text)
        for line in block.splitlines()
        if line.strip()
    ]
    return blocks + [(verb, line.strip()) for verb, line in _LINE.findall(_BLOCK.sub("", text))]


def module_of_requirements(manifest: str) -> list[str]:
    """Return the lines of a go.mod that requires and replaces the same modules; empty where it requires none.

    What a folder of the project replaces is left out: it is not downloaded.
    """
    lines = _lines(manifest)
    replaced = [line for verb, line in lines if verb == "replace"]
    modules = [line for line in replaced if _REPLACEMENT.fullmatch(line)]
    folders = {match[1] for line in replaced if line not in modules and (match := _REPLACED.match(line))}
    required = [
        line
        for verb, line in lines
        if verb == "require" and (match := _REQUIREMENT.fullmatch(line)) and match[1] not in folders
    ]
    if not required:
        return []
    requires = [f"require {line}" for line in required]
    return [
        "module fixed",
        *map(str.strip, _GO.findall(_COMMENT.sub("", manifest))),
        *requires,
        *(f"replace {line}" for line in modules),
    ]
