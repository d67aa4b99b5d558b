import uuid

import pytest


@pytest.fixture
def conversation() -> str:
    """A conversation of this test alone, so that it finds no stored responses of other tests."""
    return str(uuid.uuid4())
