"""The proxy that environment variables name."""

import pytest

from swefoundry.environment_proxy import environment_proxy


@pytest.fixture(autouse=True)
def proxies(monkeypatch):
    for name in ("http_proxy", "https_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
    monkeypatch.setenv("NO_PROXY", "10.96.0.1,.svc")


@pytest.mark.parametrize(
    ("url", "proxy"),
    [
        ("https://registry.example", "http://proxy.example:3128"),
        ("https://registry.example:5000/v2/", "http://proxy.example:3128"),
        ("http://registry.example", None),
        ("https://10.96.0.1:443", None),
        ("https://registry.default.svc", None),
        ("", None),
    ],
)
def test_the_proxy_of_a_url(url, proxy):
    assert environment_proxy(url) == proxy
