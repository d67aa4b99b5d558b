"""What agents are told of the operator's settings for builds: names and hosts, no addresses and no passwords."""

from swefoundry.contracts.agent import BuildAccess
from swefoundry.controllers.envbuild.agent_rounds import build_access
from swefoundry.settings import Settings


def test_agents_get_names_of_variables_with_hosts_alone() -> None:
    settings = Settings(
        build_args={
            "HTTPS_PROXY": "http://user:p@ss@proxy.example:3128/",
            "GOPROXY": "https://go.example/a|https://other.example,direct",
            "NO_PROXY": "localhost,10.0.0.0/8",
            "JAVA_TOOL_OPTIONS": "-Dhttps.proxyHost=proxy.example",
            "BROKEN": "http://[",
        },
        ca_config_map="our-ca",
        build_hosts=["index.example", "deb.example"],
    )
    assert build_access(settings) == BuildAccess(
        variables={
            "BROKEN": "[",
            "GOPROXY": "go.example",
            "HTTPS_PROXY": "proxy.example:3128",
            "JAVA_TOOL_OPTIONS": "",
            "NO_PROXY": "",
        },
        certificates=True,
        hosts=["index.example", "deb.example"],
    )


def test_without_settings_agents_get_nothing() -> None:
    assert build_access(Settings()) == BuildAccess()
