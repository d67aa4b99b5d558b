import uuid

import pytest

from unit.store.conftest import registry, server

__all__ = ["conversation", "registry", "server"]


@pytest.fixture
def conversation() -> str:
    """A conversation of this test alone: turns of others are not found."""
    return str(uuid.uuid4())
