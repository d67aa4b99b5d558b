"""Names in the headers of diffs: quoting as git does it, time stamps, and the two names of ``diff --git``."""

import re

_ESCAPES = {
    b"a": b"\a",
    b"b": b"\b",
    b"t": b"\t",
    b"n": b"\n",
    b"v": b"\v",
    b"f": b"\f",
    b"r": b"\r",
    b'"': b'"',
    b"\\": b"\\",
}
_LETTERS = {value: key for key, value in _ESCAPES.items()}
_QUOTED = re.compile(rb'"((?:[^"\\]|\\.)*)"')
_ESCAPE = re.compile(rb"\\([0-7]{1,3}|.)", re.DOTALL)
_NEEDS_QUOTES = re.compile(rb'[\x00-\x1f\x7f"\\]')
_TIMESTAMP = re.compile(rb"[\t ]+\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)?(?: [+-]\d{4})?$")
_MAX_STRIP = 8

NOWHERE = b"/dev/null"


def unquote(text: bytes) -> bytes:
    """The name that git wrote between quotation marks."""

    def character(match: re.Match[bytes]) -> bytes:
        escape = match[1]
        return bytes([int(escape, 8) & 0xFF]) if escape[:1].isdigit() else _ESCAPES.get(escape, escape)

    return _ESCAPE.sub(character, text)


def quote(name: bytes) -> bytes:
    """The name as a header has it; quoted where it must be."""

    def escape(match: re.Match[bytes]) -> bytes:
        letter = _LETTERS.get(match[0])
        return b"\\" + letter if letter else b"\\%03o" % match[0][0]

    return b'"%b"' % _NEEDS_QUOTES.sub(escape, name) if _NEEDS_QUOTES.search(name) else name


def split_name(text: bytes) -> tuple[bytes, bytes]:
    """The name of a line ``--- NAME`` or ``+++ NAME``, and what follows it: a tab, a time stamp, the line's end."""
    if (quoted := _QUOTED.match(text)) is not None:
        return unquote(quoted[1]), text[quoted.end() :]
    name = _TIMESTAMP.sub(b"", text.rstrip(b"\r\n")).partition(b"\t")[0]
    return name, text[len(name) :]


def drop_components(name: bytes, count: int) -> bytes | None:
    """The name without its first components; None when it has no more than those."""
    parts = name.split(b"/", count)
    return parts[count] if len(parts) > count and parts[count] else None


def split_names(text: bytes) -> tuple[bytes, bytes] | None:
    """The two names of ``diff --git OLD NEW``; None when it is unclear where one ends (spaces)."""
    text = text.rstrip(b"\r\n")
    if (quoted := _QUOTED.match(text)) is not None:
        return unquote(quoted[1]), split_name(text[quoted.end() :].lstrip(b" "))[0]
    if text.endswith(b'"') and b' "' in text:
        old, _, new = text.partition(b' "')
        return old, unquote(new[:-1])
    places = [match.start() for match in re.finditer(b" ", text)]
    pairs = [(text[:place], text[place + 1 :]) for place in places]
    if len(pairs) == 1:
        return pairs[0]
    for count in range(_MAX_STRIP + 1):
        for old, new in pairs:
            if (rest := drop_components(old, count)) is not None and rest == drop_components(new, count):
                return old, new
    return None
