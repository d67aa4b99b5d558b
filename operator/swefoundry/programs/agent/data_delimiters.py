"""How is text of others shown to a model so that it is taken for data? Between marks that the text cannot hold.

The marks are made from the text's own hash: whoever writes a file cannot know them, and yet the same file gives the
same request, so that no turn is paid for twice.
"""

import hashlib
import json
import re

_UNREADABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")


def delimited(label: str, text: str) -> str:
    """``text`` between its marks; ``label`` (a path, say) is foreign too and is written as a JSON string."""
    body = printable(text)
    mark = _marker(body)
    return f"<<<DATA {mark} {json_string(label)}\n{body}\n>>>DATA {mark}"


def json_string(label: str) -> str:
    """A name on one line, whatever is in it."""
    return json.dumps(printable(label), ensure_ascii=False)


def printable(text: str) -> str:
    """Without what cannot be sent or would be invisible: control characters and broken encodings."""
    return _UNREADABLE.sub("\N{REPLACEMENT CHARACTER}", text.replace("\r\n", "\n"))


def _marker(body: str) -> str:
    seed = body
    while True:
        mark = hashlib.sha256(seed.encode()).hexdigest()[:16]
        if mark not in body:
            return mark
        seed += mark
