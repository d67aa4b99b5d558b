"""Names use the terms of Kubernetes, SWE-bench and the OpenAI API; each word they replaced is listed with its term.

Two lists: names that must not be used as a whole, because their parts have a plain meaning elsewhere (`Rest`, `seen`),
and words that must not be part of any name. A word that JSON or a library prescribes is in `PRESCRIBED`, with a reason.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from repository.replaced_names import REPLACED_FILES, REPLACED_NAMES, REPLACED_WORDS
from repository.sources import EVERYTHING, identifiers, name, words

PRESCRIBED = {
    ("operator/swefoundry/api/envbuild.py", "asked"): "a deprecated field of the CRD",
    ("operator/swefoundry/api/envbuild.py", "remembered"): "a deprecated field of the CRD",
    ("operator/swefoundry/api/envbuild.py", "rung"): "a deprecated field of the CRD",
    ("operator/swefoundry/api/reasons.py", "WAITING_FOR_SIBLING"): "a reason of a condition",
    ("operator/swefoundry/archives/streams.py", "tell"): "a method of Python's file objects",
    ("operator/swefoundry/contracts/agent.py", "ladder"): "a JSON key of the agent pod's spec",
    ("operator/swefoundry/contracts/agent.py", "rung"): "a JSON key of the agent pod's result",
    ("operator/swefoundry/contracts/models.py", "patience_seconds"): "a JSON key of a model",
    ("operator/swefoundry/programs/agent/state.py", "advised"): "a JSON key of the agents' state",
    ("operator/swefoundry/programs/agent/state.py", "rung"): "a JSON key of the agents' state",
    ("operator/swefoundry/settings.py", "reuse_neighbours"): "an environment variable",
    ("operator/swefoundry/settings.py", "sibling_wait_seconds"): "an environment variable",
    ("tests/unit/chart/test_monitoring.py", "panel"): "a part of a Grafana dashboard",
}
"""Names that others prescribe: (file, name) -> who does."""

STANDARD_TERMS = ("swe_bench", "bill_of_materials")
"""Terms of the field that contain a listed word."""


def offenders(path: Path) -> Iterator[str]:
    for line, found in identifiers(path):
        if (name(path), found) in PRESCRIBED:
            continue
        if found in REPLACED_NAMES:
            yield f"{line}: {found} -> {REPLACED_NAMES[found]}"
        for word in REPLACED_WORDS.keys() & words(_without_standard_terms(found)):
            yield f"{line}: {found}: {word} -> {REPLACED_WORDS[word]}"


def _without_standard_terms(found: str) -> str:
    for term in STANDARD_TERMS:
        found = found.replace(term, "").replace(term.upper(), "")
    return found


@pytest.mark.parametrize("path", EVERYTHING, ids=name)
def test_names_are_plain(path: Path) -> None:
    assert list(offenders(path)) == []


def test_file_names_are_plain() -> None:
    stems = {name(path): path.stem.removeprefix("test_") for path in EVERYTHING}
    assert {path: stem for path, stem in stems.items() if stem in REPLACED_FILES} == {}
    assert {path: stem for path, stem in stems.items() if words(stem) & REPLACED_WORDS.keys()} == {}


def test_every_prescribed_name_exists() -> None:
    defined = {(name(path), found) for path in EVERYTHING for _, found in identifiers(path)}
    assert PRESCRIBED.keys() - defined == set()


@pytest.mark.parametrize(
    ("found", "parts"),
    [
        ("model_index", {"model", "index"}),
        ("_ModelClient", {"model", "client"}),
        ("HTTPError2", {"http", "error", "2"}),
        ("SWE_BENCH", {"swe", "bench"}),
    ],
)
def test_the_words_of_a_name(found: str, parts: set[str]) -> None:
    assert words(found) == parts
