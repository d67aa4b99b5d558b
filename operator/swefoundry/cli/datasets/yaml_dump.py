"""Manifests as readable YAML from which every text is read back unchanged.

PyYAML writes a text with tabs or trailing spaces, which nearly every patch has, as one long quoted line. Both are legal
in a literal block, so such texts are written as one. Carriage returns are not legal there (a reader would drop them):
texts with them stay quoted.
"""

import re
from collections.abc import Iterable, Mapping

import yaml
from yaml.emitter import ScalarAnalysis

LITERAL_BLOCK_TEXT = re.compile(
    "[\n\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"
    "[\t\n\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]*"
)
"""The first character is not a tab, which readers take for indentation of the block."""


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
    """The objects as one YAML stream, with keys in their order in the objects."""
    return yaml.dump_all(
        objects, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=1 << 30, explicit_start=True
    )
