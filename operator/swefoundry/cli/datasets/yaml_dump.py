"""Manifests as YAML that people can read and that loses no byte.

PyYAML writes a text with tabs or trailing blanks as one long quoted line, which would be nearly every patch.
Both are legal in a literal block, so such texts get one; carriage returns are not (a reader would drop them)
and stay quoted.
"""

import re
from collections.abc import Iterable, Mapping

import yaml
from yaml.emitter import ScalarAnalysis

LITERAL_BLOCK_TEXT = re.compile(
    "[\n\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"
    "[\t\n\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]*"
)
"""Not a tab first: readers take it for the block's indentation."""


class _Dumper(yaml.SafeDumper):
    def analyze_scalar(self, scalar: str) -> ScalarAnalysis:
        analysis = super().analyze_scalar(scalar)
        analysis.allow_block = bool(LITERAL_BLOCK_TEXT.fullmatch(scalar))
        return analysis

    def ignore_aliases(self, data: object) -> bool:
        return True


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = None
    if not text.isascii() or not text.isprintable():
        style = "|" if "\n" in text and LITERAL_BLOCK_TEXT.fullmatch(text) else '"'
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _represent_text)


def dump_manifests(objects: Iterable[Mapping[str, object]]) -> str:
    """The objects as one YAML stream, keys in the order given."""
    return yaml.dump_all(
        objects, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=1 << 30, explicit_start=True
    )
