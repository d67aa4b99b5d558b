"""The choice of a recipe's language."""

import pytest

from swefoundry.drafts import next_proposal
from unit.drafts.recipe_inputs import an_input


@pytest.mark.parametrize(
    ("language", "test_files", "languages", "has_recipe"),
    [
        ("python", ["a.test.ts"], {"typescript": 9}, True),
        ("cobol", ["tests/test_a.py"], {"python": 9}, False),
        (None, ["tests/test_a.py", "a.test.ts", "b.test.ts"], {"typescript": 90, "python": 1}, True),
        (None, [], {"typescript": 90, "python": 1}, True),
        (None, ["a.test.ts"], {"typescript": 90}, False),
    ],
)
def test_the_spec_decides_then_the_test_patch_then_the_source(
    language: str | None, test_files: list[str], languages: dict[str, int], has_recipe: bool
) -> None:
    inputs = an_input(test_files=test_files, languages=languages).model_copy(update={"language": language})
    assert (next_proposal(["recipe"], inputs) is not None) is has_recipe
