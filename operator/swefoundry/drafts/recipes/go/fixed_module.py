"""The modules that a go.mod asks for, as a go.mod without the project: the tests cannot download what the fix adds."""

import re

_COMMENT = re.compile(r"//.*")
_BLOCK = re.compile(r"^(require|replace)[ \t]*\((.*?)^[ \t]*\)", re.MULTILINE | re.DOTALL)
_LINE = re.compile(r"^[ \t]*(require|replace)[ \t]+([^(\s].*)$", re.MULTILINE)
_GO = re.compile(r"^go[ \t]+\d+\.\d+(?:\.\d+)?[ \t]*$", re.MULTILINE)
_MODULE = r"[\w.~+/!-]+"
_VERSION = r"v[\w.+-]+"
_REQUIREMENT = re.compile(rf"({_MODULE})[ \t]+{_VERSION}")
_REPLACEMENT = re.compile(rf"({_MODULE})(?:[ \t]+{_VERSION})?[ \t]*=>[ \t]*(?!\.|/){_MODULE}[ \t]+{_VERSION}")
_REPLACED = re.compile(rf"({_MODULE})(?:[ \t]+{_VERSION})?[ \t]*=>")


def module_of_requirements(manifest: str) -> list[str]:
    """Return the lines of a go.mod that requires and replaces the same modules; empty where it requires none.

    What a folder of the project replaces is left out: it is not downloaded.
    """
    text = _COMMENT.sub("", manifest)
    lines = [
        (verb, line.strip())
        for verb, block in _BLOCK.findall(text)
        for line in block.splitlines()
        if line.strip()
    ]
    lines += [(verb, line.strip()) for verb, line in _LINE.findall(_BLOCK.sub("", text))]
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
        *map(str.strip, _GO.findall(text)),
        *requires,
        *(f"replace {line}" for line in modules),
    ]
