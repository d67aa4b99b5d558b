"""Collect facts about a source from a listing and a reader of files. Pure but for calling the reader.

``collect_facts`` reads the tree before any patch (the environment is built from that), ``with_test_facts`` adds what
the test patch brings.
"""

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import PurePosixPath

from swefoundry.contracts.facts import Facts, FileFact
from swefoundry.programs.intake.decoding import decode_text
from swefoundry.programs.intake.further_manifests import further_manifests, manifests_above
from swefoundry.programs.intake.languages import count, main_language
from swefoundry.programs.intake.manifests import (
    CI,
    FIXED_MANIFESTS,
    GUIDES,
    LOCKS,
    MANIFESTS,
    METADATA,
    matching,
)
from swefoundry.programs.intake.python_modules import python_modules
from swefoundry.programs.intake.python_test_imports import import_needs
from swefoundry.programs.intake.root_sensitive import root_sensitive_tests
from swefoundry.programs.intake.testfile_classifier import is_test

FileReader = Callable[[str], bytes]

TEXT_BYTES = 64 << 10
"""Of one file; longer manifests are lockfiles, whose hash says enough."""

_HEAD_BYTES, _MAX_HEADS = 1500, 5

_MANIFESTS, _LOCKS, _CI, _HINTS, _MAX_ROOT_ENTRIES, _MAX_MODULES = 64, 16, 16, 40, 500, 1000
"""Bounds of facts.json: some 100 files of 64 KiB."""

_HINT = re.compile(
    r"\b(py\.?test|tox|nox|unittest|runtests?|make (test|check)|ctest|go test|cargo test|mvn|gradlew?|rake|rspec"
    r"|phpunit|(npm|yarn|pnpm) (run )?test|pip install|uv (sync|run|pip)|(poetry|pdm) install|hatch (run|test)"
    r"|apt(-get)? install)\b",
    re.IGNORECASE,
)


def collect_facts(paths: Sequence[str], read: FileReader, commit: str | None, tag: str | None) -> Facts:
    """Facts about a tree whose regular files are ``paths``."""
    manifests = _files(matching(paths, MANIFESTS, _MANIFESTS), read)
    locks = _files(matching(paths, LOCKS, _LOCKS), read)
    metadata = _files(matching(paths, METADATA, _LOCKS), read)
    further = further_manifests(paths, manifests, lambda path: _file(path, read(path)))
    return Facts(
        languages=count(paths),
        manifests=[*manifests, *locks, *metadata],
        further_manifests=further,
        ci=_files(matching(paths, CI, _CI), read),
        readme_hints=_command_hints(read(path) for path in matching(paths, GUIDES, 6)),
        root_entries=sorted({_root_entry(path) for path in paths})[:_MAX_ROOT_ENTRIES],
        package_dirs=sorted(filter(None, map(_package, paths)))[:_MAX_ROOT_ENTRIES],
        python_modules=python_modules(paths, _MAX_MODULES),
        commit=commit,
        version_tag=tag,
        fingerprint=_fingerprint([*manifests, *locks, *further]),
    )


def with_test_facts(
    facts: Facts, changed: Iterable[str], before: set[str], paths: set[str], read: FileReader
) -> Facts:
    """The same with the files of the test patch, read as they are after it.

    ``before`` and ``paths`` are the whole tree without and with the patch.
    """
    contents = {path: read(path) if path in paths else None for path in sorted(changed)}
    tests = [path for path, content in contents.items() if is_test(path, content)]
    new = [path for path in tests if path not in before]
    code = [path for path in tests if path.endswith(".py")]
    sources = {path: read(path) for path in sorted({*code, *_conftests(code, paths)})}
    support = {path: text for path, text in contents.items() if path.endswith(".py") and text is not None}
    needs = import_needs(sources.values())
    above = manifests_above(tests, paths - set(contents), facts)
    return facts.model_copy(
        update={
            "further_manifests": [*facts.further_manifests, *_files(above, read)],
            "test_files": tests,
            "new_test_files": new,
            "new_test_heads": _heads({path: contents[path] for path in new}) or None,
            "test_support_files": [path for path in contents if path not in tests],
            "deleted_test_files": sorted(path for path in before - paths if is_test(path, None)),
            "test_imports": sorted(needs.imports),
            "test_parameters": sorted(needs.parameters),
            "test_markers": sorted(needs.markers),
            "root_sensitive_tests": root_sensitive_tests(support | sources),
        }
    )


def with_fixed_manifests(facts: Facts, changed: Iterable[str], read: FileReader) -> Facts:
    """The same with the manifests that the gold patch changes, as it leaves them."""
    paths = sorted(path for path in changed if PurePosixPath(path).name in FIXED_MANIFESTS)
    files = _files(paths[:_LOCKS], read)
    return facts.model_copy(update={"fixed_manifests": files}) if files else facts


def language(facts: Facts) -> str | None:
    """What the source is mainly written in."""
    return main_language(facts.languages, facts.root_entries)


def encode_facts(facts: Facts) -> bytes:
    """facts.json; in the order of the fields, because the order of the languages says something."""
    return facts.to_json().encode()


def _files(paths: Iterable[str], read: FileReader) -> list[FileFact]:
    return [_file(path, read(path)) for path in paths]


def _heads(contents: Mapping[str, bytes | None]) -> list[FileFact]:
    """The first lines of some files: their imports, and how their first test looks."""
    shown = [(path, data) for path, data in contents.items() if data is not None][:_MAX_HEADS]
    return [
        FileFact(
            path=path,
            sha256=hashlib.sha256(data).hexdigest(),
            text=decode_text(data[:_HEAD_BYTES], truncated=len(data) > _HEAD_BYTES),
            truncated=len(data) > _HEAD_BYTES,
        )
        for path, data in shown
    ]


def _file(path: str, data: bytes) -> FileFact:
    return FileFact(
        path=path,
        sha256=hashlib.sha256(data).hexdigest(),
        text=decode_text(data[:TEXT_BYTES], truncated=len(data) > TEXT_BYTES),
        truncated=len(data) > TEXT_BYTES,
    )


def _command_hints(documents: Iterable[bytes]) -> list[str]:
    lines = (line.strip()[:200] for document in documents for line in decode_text(document).splitlines())
    return list(dict.fromkeys(line for line in lines if _HINT.search(line)))[:_HINTS]


def _root_entry(path: str) -> str:
    first, slash, _ = path.partition("/")
    return first + slash


def _package(path: str) -> str | None:
    """The folder of an ``__init__.py`` at the root, under src/ or lib/."""
    parts = PurePosixPath(path).parts
    if parts[-1] != "__init__.py" or len(parts) == 1:
        return None
    inner = parts[1:-1] if parts[0] in ("src", "lib") and len(parts) > 2 else parts[:-1]
    return "/".join(parts[:-1]) if len(inner) == 1 else None


def _conftests(tests: Iterable[str], paths: set[str]) -> Iterator[str]:
    """The conftest.py files beside and above test files."""
    for test in tests:
        for folder in PurePosixPath(test).parents:
            path = str(folder / "conftest.py")
            if path in paths:
                yield path


def _fingerprint(files: Iterable[FileFact]) -> str:
    """Sources that declare the same things need the same environment."""
    declared = sorted(f"{file.path} {file.sha256}\n" for file in files)
    return hashlib.sha256("".join(declared).encode()).hexdigest()
