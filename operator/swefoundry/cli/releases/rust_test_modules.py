"""Test modules within the Rust files that they test: told from the code around them, as rustfmt writes both."""

import re

_MODULE = re.compile(
    rb"^#\[cfg\(test\)\]\n(?:#\[[^\n]*\]\n)*(?:pub(?:\(\w+\))? )?mod (?P<name>\w+) \{(?:\}\n?|\n.*?^\}(?:\n|\Z))",
    re.MULTILINE | re.DOTALL,
)
"""``#[cfg(test)] mod tests { ... }`` that begins and ends in the first column."""


def with_test_modules(old: bytes, new: bytes) -> bytes | None:
    """Return the old file with the test modules of the new one.

    None where there is nothing to tell apart: the modules are equal, or a new one is not at the end of the file.
    """
    modules = {match["name"]: match[0] for match in _MODULE.finditer(new)}
    known = {match["name"] for match in _MODULE.finditer(old)}
    mixed = _MODULE.sub(lambda match: modules.get(match["name"], b""), old)
    added = b"\n".join(text for name, text in modules.items() if name not in known)
    if added:
        if not new.endswith(added):
            return None
        mixed = mixed.rstrip(b"\n") + b"\n\n" + added
    return mixed if mixed != old else None
