"""Decode text files as their authors saved them: with a byte order mark, as UTF-16, or in an old 8-bit encoding."""

import codecs

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16, whose mark is its beginning
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)

_SAMPLE_BYTES = 512


def decode_text(data: bytes, *, truncated: bool = False) -> str:
    """Return the text without its byte order mark; ``truncated`` data may end in the middle of a character.

    Without a mark it is UTF-8, UTF-16 when every other byte of its beginning is zero, else Latin-1, which accepts all
    bytes and keeps everything in ASCII as it is.
    """
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return _decoded(data[len(mark) :], encoding, "replace", truncated)
    try:
        return _decoded(data, _encoding_without_mark(data), "strict", truncated)
    except UnicodeDecodeError:
        return data.decode("latin-1")


def _decoded(data: bytes, encoding: str, errors: str, truncated: bool) -> str:
    return codecs.getincrementaldecoder(encoding)(errors).decode(data, final=not truncated)


def _encoding_without_mark(data: bytes) -> str:
    sample = data[:_SAMPLE_BYTES]
    first, second = sample[0::2], sample[1::2]
    if second and not any(second) and all(first[: len(second)]):
        return "utf-16-le"
    if second and not any(first) and all(second):
        return "utf-16-be"
    return "utf-8"
