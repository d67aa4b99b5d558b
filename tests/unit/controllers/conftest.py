"""Fixtures of the controllers: a simulated cluster and registry, and an operator that runs step by step."""

import pytest

from builders import NOW
from simulated.fixtures import context, proxy, seeded, server
from simulated.stepping_operator import make_operator

__all__ = ["context", "operator", "proxy", "seeded", "server"]


@pytest.fixture
def operator(context):
    context.settings = context.settings.model_copy(update={"namespaces": ["here"]})
    return make_operator(context, clock=lambda: NOW)
