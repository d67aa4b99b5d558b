"""Settings from the environment, and the tree of errors."""

import inspect
import os
import re
import subprocess
import sys
from decimal import Decimal

import pytest

from swefoundry import errors
from swefoundry.__main__ import end_process, main, with_default_canary
from swefoundry.contracts.models import Model
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
def test_the_kubernetes_api_is_the_default_canary(monkeypatch, configured, environment, canary):
    for name in ADDRESS:
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert with_default_canary(Settings(canary=configured)).canary == canary


def test_a_process_that_lost_its_lease_ends_without_clean_up():
    script = (
        f"from {end_process.__module__} import end_process\ntry: end_process()\nfinally: print('clean-up')"
    )
    result = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert (result.returncode, result.stdout) == (1, "")


def our_errors():
    found = [
        item for _, item in inspect.getmembers(errors, inspect.isclass) if item.__module__ == errors.__name__
    ]
    return {item.__name__: item for item in found}


def test_the_tree_in_the_docstring_is_the_tree():
    documented = re.findall(r"^ *[│ ]*[├└]── (\w+)", inspect.getdoc(errors), re.MULTILINE)
    assert {"SwefoundryError", *documented} == our_errors().keys()


def test_every_error_is_transient_or_permanent():
    kinds = [item for item in our_errors().values() if item is not errors.SwefoundryError]
    assert all(
        issubclass(item, errors.TransientError) != issubclass(item, errors.PermanentError) for item in kinds
    )


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("MODELS", '[{"name": "x"', "SWEFOUNDRY_MODELS: is not JSON: Expecting ',' delimiter: line 1"),
        (
            "MODELS",
            '[{"name": "x", "inputUSD": 1}]',
            "SWEFOUNDRY_MODELS: model 0: unknown field inputUSD; known",
        ),
        ("MODELS", '[{"inputUsd": 1}]', "SWEFOUNDRY_MODELS[0].name: Field required"),
        ("MODELS", '{"name": "x"}', "SWEFOUNDRY_MODELS: Input should be a valid list"),
        (
            "STRATEGIES",
            "recipe,fixed",
            "SWEFOUNDRY_STRATEGIES[1]: Input should be 'reuse', 'recipe' or 'agents'",
        ),
        ("LEASE", "swefoundry", "SWEFOUNDRY_LEASE: String should match pattern"),
        (
            "LEASE_RENEW_SECONDS",
            "15",
            "SWEFOUNDRY_LEASE_RETRY_SECONDS (2) must be below SWEFOUNDRY_LEASE_RENEW_SECONDS (15), and that below"
            " SWEFOUNDRY_LEASE_SECONDS (15)",
        ),
        ("OPERATOR_LLM_USD", "much", "SWEFOUNDRY_OPERATOR_LLM_USD: Input should be a valid decimal"),
    ],
)
def test_an_invalid_variable_stops_the_process_with_its_name(monkeypatch, name, value, message):
    monkeypatch.setenv(f"SWEFOUNDRY_{name}", value)
    with pytest.raises(SystemExit) as ended:
        main()
    assert str(ended.value).startswith(message)


def test_models_are_a_list_of_json_and_empty_budgets_are_none(monkeypatch):
    monkeypatch.setenv("SWEFOUNDRY_MODELS", '[{"name": "small", "inputUsd": 0.25, "outputUsd": 2}]')
    monkeypatch.setenv("SWEFOUNDRY_OPERATOR_LLM_USD", "12.50")
    monkeypatch.setenv("SWEFOUNDRY_NAMESPACE_LLM_TOKENS", "")
    loaded = Settings()
    assert loaded.models == [Model(name="small", input_usd=0.25, output_usd=2)]
    assert (loaded.operator_llm_usd, loaded.namespace_llm_tokens) == (Decimal("12.50"), None)
