"""The pins are in one place, and the go.mod files say the same."""

from dataclasses import replace

import pytest

from swefoundry_lab.gobuild import fingerprint
from swefoundry_lab.layout import SOURCES
from swefoundry_lab.versions import disagreement, read_versions

GO = {**read_versions().go, **read_versions().on_demand}


@pytest.mark.parametrize("name", GO)
def test_go_mod_agrees_with_the_pins(name: str) -> None:
    assert disagreement(GO[name], (GO[name].folder / "go.mod").read_text()) is None


@pytest.mark.parametrize("name", GO)
def test_a_go_sum_verifies_the_pinned_version(name: str) -> None:
    assert f"{GO[name].module} {GO[name].version} h1:" in (GO[name].folder / "go.sum").read_text()


def test_every_go_module_of_the_lab_is_pinned() -> None:
    assert {path.parent.name for path in (SOURCES / "go").glob("*/go.mod")} == set(GO)


def test_another_version_is_noticed() -> None:
    text = (GO["runc"].folder / "go.mod").read_text()
    problem = disagreement(replace(GO["runc"], version="v9.9.9"), text)
    assert problem == f"go.mod requires {GO['runc'].version} of {GO['runc'].module}, the pin is v9.9.9"


def test_another_staging_version_is_noticed() -> None:
    text = (GO["kubernetes"].folder / "go.mod").read_text()
    assert disagreement(replace(GO["kubernetes"], staging="v0.1.0"), text)


def test_etcd_has_the_release_that_the_api_server_is_built_for() -> None:
    needed = (GO["kubernetes"].folder / "go.mod").read_text()
    assert f"go.etcd.io/etcd/client/v3 {GO['etcd'].version} " in needed


def test_a_program_may_have_another_name_than_its_package() -> None:
    assert (GO["etcd"].programs, GO["runc"].programs) == (("etcd",), ("runc",))


def test_other_flags_are_another_build() -> None:
    assert fingerprint(GO["runc"]) != fingerprint(replace(GO["runc"], tags=""))


def test_the_version_reaches_the_program() -> None:
    assert "-X main.version=" + GO["runc"].version[1:] in GO["runc"].flags()[3]
