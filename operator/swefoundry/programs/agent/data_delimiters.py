"""Delimits untrusted text in prompts with a marker that the text cannot contain, so that a model takes it for data.

The marker is the text's own hash: the author of a file cannot put it into the file, and the same file still gives the
same request, so that its stored response is found.
"""

import hashlib
import json
import re

_UNREADABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")


def delimited(label: str, text: str) -> str:
    """``text`` between markers. ``label`` (such as a path) is untrusted, too, and is written as a JSON string."""
    body = printable(text)
    marker = _marker(body)
    return f"<<<DATA {marker} {json_string(label)}\n{body}\n>>>DATA {marker}"


def json_string(label: str) -> str:
    """A name on one line, whatever it contains."""
    return json.dumps(printable(label), ensure_ascii=False)


def printable(text: str) -> str:
    """Replace what cannot be sent or would be invisible: control characters and broken encodings."""
    return _UNREADABLE.sub("\N{REPLACEMENT CHARACTER}", text.replace("\r\n", "\n"))


def _marker(body: str) -> str:
    seed = body
    while True:
        marker = hashlib.sha256(seed.encode()).hexdigest()[:16]
        if marker not in body:
            return marker
        seed += marker
