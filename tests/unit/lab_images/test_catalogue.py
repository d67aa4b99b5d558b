"""An image is made anew when something it is made of changed, and only then."""

from pathlib import Path

import pytest

from swefoundry_lab.errors import LabError
from swefoundry_lab.images.bases import RECIPES
from swefoundry_lab.images.catalogue import Recipe, catalogue, recipe_keys
from swefoundry_lab.images.machine import Mirror, debian_mirror
from swefoundry_lab.images.product import PRODUCTS


def recipes(tmp_path: Path, python: str = "RUN make", debian: str = "strip") -> tuple[Recipe, ...]:
    (tmp_path / "debian.sh").write_text(debian)
    (tmp_path / "python").write_text(f"FROM debian:x AS one\nFROM debian:x\n{python}\n")
    return (
        Recipe(names=("library/debian:x",), files=(tmp_path / "debian.sh",), debootstrap="x"),
        Recipe(names=("library/python:3", "library/python:3-slim"), files=(tmp_path / "python",)),
    )


def test_the_same_recipes_have_the_same_keys(tmp_path: Path) -> None:
    assert recipe_keys(recipes(tmp_path), b"here") == recipe_keys(recipes(tmp_path), b"here")


def test_all_names_of_an_image_have_one_key(tmp_path: Path) -> None:
    known = recipe_keys(recipes(tmp_path), b"here")
    assert known["library/python:3"] == known["library/python:3-slim"] != known["library/debian:x"]


def test_a_changed_recipe_leaves_the_image_below_alone(tmp_path: Path) -> None:
    before, after = (
        recipe_keys(recipes(tmp_path), b""),
        recipe_keys(recipes(tmp_path, python="RUN other"), b""),
    )
    assert before["library/debian:x"] == after["library/debian:x"]
    assert before["library/python:3"] != after["library/python:3"]


@pytest.mark.parametrize(("debian", "machine"), [("strip more", b""), ("strip", b"another mirror")])
def test_a_changed_base_or_machine_changes_what_stands_on_it(
    tmp_path: Path, debian: str, machine: bytes
) -> None:
    before, after = (
        recipe_keys(recipes(tmp_path), b""),
        recipe_keys(recipes(tmp_path, debian=debian), machine),
    )
    assert before["library/python:3"] != after["library/python:3"]


def test_bases_stand_before_what_is_made_from_them_and_names_once() -> None:
    names: list[str] = []
    for recipe in catalogue(RECIPES):
        assert set(recipe.bases) <= set(names)
        names += recipe.names
    assert len(names) == len(set(names))


def test_each_image_says_from_what_it_is_built_and_how_it_differs() -> None:
    for recipe in catalogue(RECIPES):
        text = recipe.files[0].read_text()
        assert "made of" in text.split("\n\n")[0], recipe.slug
        assert "nlike" in text, recipe.slug


def test_product_images_start_from_images_of_the_lab() -> None:
    names = {name for recipe in catalogue(RECIPES) for name in recipe.names}
    for product in PRODUCTS:
        assert set(product.bases) <= names


def an_apt_folder(tmp_path: Path, **files: str) -> Path:
    (tmp_path / "sources.list.d").mkdir()
    for name, text in files.items():
        (tmp_path / "sources.list.d" / name.replace("_", ".")).write_text(text)
    return tmp_path


STANZAS = """\
Types: deb
# a comment
URIs: http://mirror.test/debian
Suites: bookworm bookworm-updates
Components: main

Types: deb
URIs: http://mirror.test/security
Suites: bookworm-security
Components: main
"""


def test_the_mirror_is_the_machines_own(tmp_path: Path) -> None:
    apt = an_apt_folder(
        tmp_path, debian_sources=STANZAS, a_list="deb [arch=amd64] https://other.test stable main\n"
    )
    assert debian_mirror(apt) == Mirror("http://mirror.test/debian", "http://mirror.test/security")


def test_the_older_format_of_apt_sources_is_read_too(tmp_path: Path) -> None:
    (tmp_path / "sources.list").write_text(
        "# deb http://no.test/debian trixie main\ndeb http://m.test/debian trixie main\n"
    )
    assert debian_mirror(tmp_path) == Mirror("http://m.test/debian", None)


def test_a_machine_without_a_mirror_gives_an_error(tmp_path: Path) -> None:
    with pytest.raises(LabError, match="No Debian mirror"):
        debian_mirror(an_apt_folder(tmp_path, a_list="deb https://other.test stable main\n"))


def test_an_image_gets_its_own_suite_from_that_mirror() -> None:
    sources = Mirror("http://m.test/debian", "http://m.test/security").sources("trixie")
    assert "URIs: http://m.test/debian\nSuites: trixie trixie-updates\n" in sources
    assert "URIs: http://m.test/security\nSuites: trixie-security\n" in sources
