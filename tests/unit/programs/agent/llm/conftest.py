import uuid

import pytest


@pytest.fixture
def conversation() -> str:
    """A conversation of this test alone: turns of others are not found."""
    return str(uuid.uuid4())
