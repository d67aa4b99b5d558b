"""Names of files and folders, and what may not lie in them."""

import ast

from repository.sources import PACKAGE, PRODUCT, ROOT, parsed

SAYS_NOTHING = {"utils", "util", "helpers", "helper", "common", "manager", "managers", "misc"}


def test_file_names_say_what_is_inside() -> None:
    parts = {part for path in PRODUCT for part in path.relative_to(ROOT).with_suffix("").parts}
    assert parts & SAYS_NOTHING == set()


def test_the_source_root_is_not_a_package() -> None:
    # It would shadow the standard library's `operator`, which half of the standard library imports.
    assert not (PACKAGE.parent / "__init__.py").exists()


def test_no_class_of_the_product_looks_like_a_test_to_pytest() -> None:
    names = {
        node.name
        for path in PRODUCT
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.ClassDef) and node.name.startswith("Test")
    }
    assert names == set()
