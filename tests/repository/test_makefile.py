"""Every target of the Makefile is in the list that `make help` shows."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
MAKEFILE = (ROOT / "Makefile").read_text("utf-8")


def test_every_target_has_a_line_of_help() -> None:
    declared = {
        name for line in re.findall(r"^\.PHONY: (.*)$", MAKEFILE, re.MULTILINE) for name in line.split()
    }
    helped = set(re.findall(r"^([a-z-]+):.*## .", MAKEFILE, re.MULTILINE))
    assert declared - helped == set()


def test_every_target_with_help_is_phony() -> None:
    declared = set(re.findall(r"[a-z-]+", " ".join(re.findall(r"^\.PHONY:(.*)$", MAKEFILE, re.MULTILINE))))
    assert set(re.findall(r"^([a-z-]+):.*## .", MAKEFILE, re.MULTILINE)) - declared == set()


def test_the_folders_of_the_fast_tests_exist() -> None:
    listed = re.search(r"^CORE := \$\(addprefix (.*?),(.*)\)$", MAKEFILE, re.MULTILINE)
    assert listed
    assert [name for name in listed[2].split() if not (ROOT / f"{listed[1]}{name}").is_dir()] == []
