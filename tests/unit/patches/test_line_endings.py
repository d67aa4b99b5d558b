"""A hunk that fits but for its line endings is explained; any other is not."""

import pytest

from swefoundry.patches.line_endings import ending_mismatch
from swefoundry.patches.patch_parser import parse_patch

LF = b"def add(a, b):\n    return a - b\n"
CRLF = LF.replace(b"\n", b"\r\n")
PATCH = b"--- a/c.py\n+++ b/c.py\n@@ -1,2 +1,2 @@\n def add(a, b):\n-    return a - b\n+    return a + b\n"
CRLF_PATCH = PATCH.replace(b"\n", b"\r\n")
CRLF_BODY = PATCH[: PATCH.index(b" def")] + PATCH[PATCH.index(b" def") :].replace(b"\n", b"\r\n")


@pytest.mark.parametrize(
    ("patch", "content", "eol"),
    [
        (CRLF_PATCH, LF, ("CRLF", "LF")),
        (CRLF_BODY, LF, ("CRLF", "LF")),
        (PATCH, CRLF, ("LF", "CRLF")),
        (PATCH, b"# moved down\r\n" * 7 + CRLF, ("LF", "CRLF")),
        (PATCH, b"# mixed\n" + CRLF, ("LF", "both CRLF and LF")),
    ],
)
def test_other_endings_are_named(patch: bytes, content: bytes, eol: tuple[str, str]) -> None:
    message = ending_mismatch(parse_patch(patch).files[0], content) or ""
    assert message.startswith(f"its lines end with {eol[0]}, those of the file with {eol[1]}: ")


@pytest.mark.parametrize("content", [LF, b"", b"other\r\n", LF.replace(b"add", b"sub"), b"\r\n" * 5])
def test_what_fails_for_another_reason_is_not_explained_so(content: bytes) -> None:
    assert ending_mismatch(parse_patch(PATCH).files[0], content) is None
