r"""Text of a report file: bytes in one of four encodings, and what XML 1.0 forbids as visible text.

The bytes decide the encoding where they can: byte order marks, and the zeros of UTF-16. A declaration is asked only
for files of single bytes, because files in UTF-8 that declare UTF-16 exist. Nothing is lost: a byte that does not fit
becomes ``\xe9`` and a control character ``\x1b``, as pytest writes both in ids. Large files are worked on in pieces.
``images/runner/text.go`` does the same.
"""

import codecs
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain

HEAD_LENGTH = 4096
"""How far the declaration and the first character are looked for."""

PIECE_BYTES = 256 << 10
LONGEST_REPLACED = 64
"""More characters than anything has that is replaced as a whole."""

SPACE = " \t\r\n"
DECLARED_ENCODING = re.compile(
    rb"^[ \t\r\n]*<\?xml[^>]*?encoding[ \t\r\n]*=[ \t\r\n]*[\"']([A-Za-z0-9._-]+)[\"']"
)
BYTE_ORDER_MARKS = {b"\xef\xbb\xbf": "utf-8", b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}
UTF_32_MARKS = (b"\xff\xfe\x00\x00", b"\x00\x00\xfe\xff")
DECLARED_CODECS = {
    # The zeros of UTF-16 are not there.
    **dict.fromkeys(("utf-8", "utf8", "us-ascii", "ascii"), "utf-8"),
    **dict.fromkeys(("utf-16", "utf16", "utf-16le", "utf-16be"), "utf-8"),
    **dict.fromkeys(("iso-8859-1", "iso8859-1", "latin-1", "latin1"), "latin-1"),
}

TERMINAL_STYLE = re.compile(r"\x1b\[[0-9;?]{0,32}[A-Za-z]")
FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
"""Characters that XML 1.0 has no place for."""
UNCLEAN_XML = re.compile(
    r"(?P<style>(?:\x1b|&#(?:0{0,8}27|x0{0,6}1[bB]);)\[[0-9;?]{0,32}[A-Za-z])"
    r"|&#(?:(?P<decimal>[0-9]{1,10})|x(?P<hexadecimal>[0-9A-Fa-f]{1,8}));"
    rf"|{FORBIDDEN.pattern}"
)
OPENING = re.compile("[&\x1b]")
XML_DECLARATION = re.compile(r"[ \t\r\n]*<\?xml[ \t\r\n].*?\?>", re.DOTALL)


class UnreadableReport(Exception):
    """A report that cannot be read; the message is for people."""


@dataclass(frozen=True)
class ReportText:
    """Text of a report: its first piece, and all of it piece by piece."""

    head: str
    pieces: Iterator[str]

    @property
    def is_empty(self) -> bool:
        return len(self.head) < HEAD_LENGTH and not self.head.strip(SPACE)

    def begins_with(self, beginnings: tuple[str, ...]) -> bool:
        return self.head[:HEAD_LENGTH].lstrip(SPACE).startswith(beginnings)


def decode_report(content: bytes) -> ReportText:
    """Return the file's text, without its byte order mark."""
    codec, start = _codec_and_start(content)
    pieces = _decoded(content, codec, start)
    head = next(pieces, "")
    return ReportText(head, chain((head,), pieces))


def _decoded(content: bytes, codec: str, start: int) -> Iterator[str]:
    decoder = codecs.getincrementaldecoder(codec)("backslashreplace")
    for at in range(start, len(content), PIECE_BYTES):
        end = at + PIECE_BYTES
        yield decoder.decode(content[at:end], final=end >= len(content))


def _codec_and_start(content: bytes) -> tuple[str, int]:
    if content.startswith(UTF_32_MARKS):
        raise _unsupported("utf-32")
    for mark, codec in BYTE_ORDER_MARKS.items():
        if content.startswith(mark):
            return codec, len(mark)
    if content.startswith(b"<\x00"):
        return "utf-16-le", 0
    if content.startswith(b"\x00<"):
        return "utf-16-be", 0
    return _declared_codec(content[:HEAD_LENGTH]), 0


def _declared_codec(head: bytes) -> str:
    declared = DECLARED_ENCODING.match(head)
    if declared is None:
        return "utf-8"
    name = declared[1].decode().lower()
    if name not in DECLARED_CODECS:
        raise _unsupported(name)
    return DECLARED_CODECS[name]


def _unsupported(name: str) -> UnreadableReport:
    return UnreadableReport(f"the encoding {name} is not supported; write UTF-8")


def lines(pieces: Iterable[str]) -> Iterator[str]:
    """Return the lines of a text, and what follows the last line end."""
    rest = ""
    for piece in pieces:
        *whole, rest = (rest + piece).split("\n")
        yield from whole
    yield rest


def well_formed_pieces(pieces: Iterable[str]) -> Iterator[str]:
    """Return an XML document that holds only characters and references that XML 1.0 knows, and no declaration."""
    clean = _clean_pieces(pieces)
    first = next(clean, "")
    declaration = XML_DECLARATION.match(first)
    yield first[declaration.end() :] if declaration else first.lstrip(SPACE)
    yield from clean


def _clean_pieces(pieces: Iterable[str]) -> Iterator[str]:
    kept = ""
    for piece in pieces:
        text = kept + piece
        # What may go on in the next piece waits for it.
        opening = OPENING.search(text, max(0, len(text) - LONGEST_REPLACED))
        cut = opening.start() if opening else len(text)
        kept = text[cut:]
        yield UNCLEAN_XML.sub(_replacement, text[:cut])
    yield UNCLEAN_XML.sub(_replacement, kept)


def _replacement(found: re.Match[str]) -> str:
    if found["style"]:
        return ""
    if found["decimal"] or found["hexadecimal"]:
        code = int(found["decimal"]) if found["decimal"] else int(found["hexadecimal"], 16)
        allowed = code <= 0x10FFFF and not FORBIDDEN.match(chr(code))
        return found[0] if allowed else _visible(code)
    return _visible(ord(found[0]))


def clean_name(name: str) -> str:
    """Return a name without colours, and with control characters as visible text."""
    return FORBIDDEN.sub(lambda found: _visible(ord(found[0])), TERMINAL_STYLE.sub("", name))


def _visible(code: int) -> str:
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
