"""Manifests as YAML: readable, and not a byte lost."""

import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from swefoundry.cli.datasets import yaml_dump

texts = st.text(st.characters(codec="utf-8") | st.sampled_from("\n\r\t -:#'\"|>%"))


@given(text=texts, nested=texts)
@example(text="a\r\nb\r\n", nested="\n\n")
@example(text=" a\n\tb \n", nested="\ta\nb")
@example(text="a\n\u2028b\n", nested="a\n\x85")
@example(text="\ufeffa\nb", nested="---\n...\n%YAML\n")
def test_every_text_comes_back(text: str, nested: str) -> None:
    objects = [{"a": text, "b": {"c": {"d": nested}, "e": [nested, {"f": text}]}}, {"g": 1}]
    assert list(yaml.safe_load_all(yaml_dump.dump_manifests(objects))) == objects


def test_patches_are_literal_blocks_even_with_tabs_and_trailing_blanks() -> None:
    patch = "--- a/Makefile\n+++ b/Makefile\n@@ -1,3 +1,3 @@\n all:\n-\techo a \n \n"
    assert yaml_dump.dump_manifests([{"patch": patch}]) == (
        "---\npatch: |\n  --- a/Makefile\n  +++ b/Makefile\n  @@ -1,3 +1,3 @@\n   all:\n  -\techo a \n   \n"
    )


def test_carriage_returns_are_quoted_because_readers_drop_them_from_blocks() -> None:
    assert yaml_dump.dump_manifests([{"patch": "a\r\nb\r\n"}]) == '---\npatch: "a\\r\\nb\\r\\n"\n'


def test_versions_that_look_like_numbers_stay_texts() -> None:
    assert yaml.safe_load(yaml_dump.dump_manifests([{"version": "8.10", "year": "2023", "no": "no"}])) == {
        "version": "8.10",
        "year": "2023",
        "no": "no",
    }
