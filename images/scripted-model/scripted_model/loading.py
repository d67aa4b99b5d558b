"""Parses scripts from files and requests, with a sentence for each error."""

from collections.abc import Iterable
from pathlib import Path

import yaml
from pydantic import ValidationError

from scripted_model.script import Script

MAX_SCRIPT_CHARACTERS = 4 << 20


class ScriptError(Exception):
    """The script is invalid. The message is a sentence for people."""


def parse_script(text: str, origin: str) -> Script:
    """A script from YAML (or JSON) text."""
    if len(text) > MAX_SCRIPT_CHARACTERS:
        raise ScriptError(
            f"{origin}: the script has {len(text)} characters; shorten it to {MAX_SCRIPT_CHARACTERS}."
        )
    try:
        return Script.model_validate(yaml.safe_load(text) or {})
    except yaml.YAMLError as error:
        raise ScriptError(f"{origin} is no YAML: {error}") from error
    except ValidationError as error:
        raise ScriptError("\n".join(_error_lines(error, origin))) from error


def load_scripts(paths: Iterable[Path]) -> dict[str, Script]:
    """Scripts by name, from files and from every .yaml file in folders, in the order of their names."""
    scripts: dict[str, Script] = {}
    for path in paths:
        for file in sorted(path.glob("*.yaml")) if path.is_dir() else [path]:
            try:
                scripts[file.stem] = parse_script(file.read_text("utf-8"), file.name)
            except OSError as error:
                raise ScriptError(f"{file} cannot be read: {error.strerror}.") from error
    return scripts


def _error_lines(error: ValidationError, origin: str) -> list[str]:
    return [
        f"{origin}: {'.'.join(str(part) for part in each['loc']) or 'the script'}: {each['msg']}."
        for each in error.errors()
    ]
