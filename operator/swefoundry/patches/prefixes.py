"""Prefixes of paths in patches: which ``strip`` fits where they are not a/ and b/, and how they are rewritten.

Patches are applied with ``-p1``. Without prefixes (``diff.noprefix``) that takes a folder from each path, and may
change another file without an error. Other prefixes (``diff.mnemonicPrefix``, ``--src-prefix``) may be deeper than
one folder.
"""

import io

from swefoundry.patches.file_names import drop_components, quote, split_name
from swefoundry.patches.parsed_patch import FileDiff, ParsedPatch
from swefoundry.patches.patch_parser import GIT_HEADER

MAX_STRIP = 8


def first_without_prefixes(patch: ParsedPatch) -> FileDiff | None:
    """The first diff whose names do not begin with a/ and b/."""
    return next((file for file in patch.files if not _has_standard_prefixes(file)), None)


def fitting_strip(patch: ParsedPatch) -> int | None:
    """The least number of components without which old and new names agree and all prefixes are the same."""
    return next((count for count in range(MAX_STRIP + 1) if strip_fits(patch, count)), None)


def strip_fits(patch: ParsedPatch, count: int) -> bool:
    """Whether names without ``count`` components are paths: equal on both sides, or those of the rename."""
    return (
        all(_agrees(file, count) for file in patch.files)
        and len({_prefix(file.names[0], count) for file in patch.files} - {None}) <= 1
        and len({_prefix(file.names[1], count) for file in patch.files} - {None}) <= 1
    )


def with_standard_prefixes(data: bytes, patch: ParsedPatch, count: int) -> bytes:
    """The patch with a/ and b/ in place of the first ``count`` components of each name."""
    lines = io.BytesIO(data).readlines()
    for file in patch.files:
        at = file.line
        if lines[at].startswith(GIT_HEADER):
            lines[at] = _git_header(file, lines[at], count)
            at = next(
                (n for n in range(at + 1, file.end) if lines[n].startswith((b"--- ", b"@@ "))), file.end
            )
        if at < file.end and lines[at].startswith(b"--- "):
            lines[at] = _side(lines[at], b"a/", count)
            lines[at + 1] = _side(lines[at + 1], b"b/", count)
    return b"".join(lines)


def _has_standard_prefixes(file: FileDiff) -> bool:
    pairs = [(file.old, file.new), *([file.header] if file.header else [])]
    prefixed = all(
        (old is None or old.startswith(b"a/")) and (new is None or new.startswith(b"b/"))
        for old, new in pairs
    )
    return prefixed and (file.moved is None or _agrees(file, 1))


def _agrees(file: FileDiff, count: int) -> bool:
    names = [name for name in file.names if name is not None]
    stripped = [drop_components(name, count) for name in names]
    if None in stripped:
        return False
    return tuple(stripped) == file.moved if file.moved and len(stripped) == 2 else len(set(stripped)) <= 1


def _prefix(name: bytes | None, count: int) -> bytes | None:
    return None if name is None else b"/".join(name.split(b"/", count)[:count])


def _git_header(file: FileDiff, line: bytes, count: int) -> bytes:
    if file.header is None:
        return line
    old, new = (_renamed(name, count) for name in file.header)
    return GIT_HEADER + quote(b"a/" + old) + b" " + quote(b"b/" + new) + line[len(line.rstrip(b"\r\n")) :]


def _side(line: bytes, prefix: bytes, count: int) -> bytes:
    name, rest = split_name(line[4:])
    if name == b"/dev/null":
        return line
    return line[:4] + quote(prefix + _renamed(name, count)) + rest


def _renamed(name: bytes, count: int) -> bytes:
    return drop_components(name, count) or name
