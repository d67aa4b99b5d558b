"""Removes secrets from what is sent, stored and printed: the API key itself and whatever looks like one.

Equal texts are redacted to equal texts, so the digest of a request is stable.
"""

import base64
import json
import re
from collections.abc import Callable, Iterable
from urllib.parse import quote

REDACTED = "[redacted]"

_MIN_SECRET_CHARACTERS = 6
"""Shorter keys are placeholders for endpoints without keys (`none`, `x`): replacing them would corrupt every text."""

_KEY_PATTERN = re.compile(
    r"""
    \bsk-[A-Za-z0-9_-]{20,}             # OpenAI and the many that imitate its form
    | \bsk-[A-Za-z0-9_-]*\*{3,}[A-Za-z0-9_*-]*     # the same, half masked in an error message
    | (?<=[Bb]earer\ )[A-Za-z0-9._~+/=-]{16,}
    | (?<=://)[^/\s:@]+:[^/\s@]+(?=@)   # a login inside a URL
    | \b(?:gh[pousr]|github_pat|glpat|xox[abp])[_-][A-Za-z0-9_-]{20,}
    | \bnpm_[A-Za-z0-9]{30,}            # without another underscore, as in npm_config_update_notifier
    | \bAKIA[0-9A-Z]{16}\b
    | (?<=_authToken=)[^\s$]+
    | -----BEGIN\ [A-Z\ ]*PRIVATE\ KEY-----.*?(?:-----END\ [A-Z\ ]*PRIVATE\ KEY-----|\Z)
    | (?<=secure:\ )["']?[A-Za-z0-9+/]{40,}={0,2}["']?   # Travis CI
    """,
    re.VERBOSE | re.DOTALL,
)


def redact_tokens(text: str) -> str:
    """Text without what looks like a secret. To be used before text is cut: half a secret looks like none."""
    return _KEY_PATTERN.sub(REDACTED, text)


class Redactor:
    """Replaces secrets in text."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        forms = {
            form
            for secret in secrets
            if len(secret) >= _MIN_SECRET_CHARACTERS
            for form in _written_forms(secret)
        }
        self._forms = sorted(forms, key=lambda form: (-len(form), form))

    def __call__(self, text: str) -> str:
        for form in self._forms:
            text = text.replace(form, REDACTED)
        return redact_tokens(text)


Redact = Callable[[str], str]


def _written_forms(secret: str) -> set[str]:
    """The secret in all encodings: plain, JSON, URL, and base64 with and without the end, which depends on the next
    bytes.
    """
    encoded = base64.b64encode(secret.encode()).decode()
    stable_part = encoded[: len(secret.encode()) // 3 * 4]
    return {secret, json.dumps(secret)[1:-1], quote(secret, safe=""), encoded, stable_part}
