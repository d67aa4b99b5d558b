"""What the process makes of its environment, and what its errors promise."""

import inspect
import re

import pytest

from swefoundry import errors
from swefoundry.__main__ import with_canary
from swefoundry.settings import Settings

ADDRESS = {"KUBERNETES_SERVICE_HOST": "10.0.0.1", "KUBERNETES_SERVICE_PORT": "6443"}


@pytest.mark.parametrize(
    ("configured", "environment", "canary"),
    [
        ([], ADDRESS, ["10.0.0.1:6443"]),
        ([], {"KUBERNETES_SERVICE_HOST": "10.0.0.1"}, ["10.0.0.1:443"]),
        (["192.0.2.1:80"], ADDRESS, ["192.0.2.1:80"]),
        ([], {}, []),
    ],
)
def test_without_a_canary_of_its_own_the_kubernetes_api_is_one(monkeypatch, configured, environment, canary):
    for name in ADDRESS:
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert with_canary(Settings(canary=configured)).canary == canary


def our_errors():
    found = [
        item for _, item in inspect.getmembers(errors, inspect.isclass) if item.__module__ == errors.__name__
    ]
    return {item.__name__: item for item in found}


def test_the_tree_in_the_docstring_is_the_tree():
    told = re.findall(r"^ *[│ ]*[├└]── (\w+)", inspect.getdoc(errors), re.MULTILINE)
    assert {"SwefoundryError", *told} == our_errors().keys()


def test_every_error_is_tried_again_or_given_up():
    kinds = [item for item in our_errors().values() if item is not errors.SwefoundryError]
    assert all(issubclass(item, errors.Retry) != issubclass(item, errors.GiveUp) for item in kinds)
