"""Outages: of package indexes during builds, which spend no round, and of hosts of sources, which cost no row."""

from collections.abc import Iterator

import pytest

from cluster.archive_host import MAINTENANCE, running_archive_host
from cluster.commands import ON_LAB, kubectl
from cluster.fault_injection import lab
from cluster.package_index import ASKED_BY_A_BUILD, PACKAGE, PackageIndex, running_index
from cluster.sample_instances import (
    NAMESPACE,
    SHELL_BUG,
    Json,
    a_task,
    apply,
    condition,
    delete,
    get,
    make_shell_repository,
    unique,
    verdict_of,
    wait_until,
    wait_until_finished,
)
from cluster.test_bad_rows import a_private_repository, a_private_task, a_secret_or_config_map

pytestmark = [
    pytest.mark.cluster,
    pytest.mark.timeout(1200),
    pytest.mark.skipif(not ON_LAB, reason="the index runs on the lab's machine"),
]

UNKNOWN_HOST = "missing.swefoundry.svc.cluster.local"


def an_installation(url: str, host: str) -> Json:
    """An environment that installs the package from an index."""
    options = (
        f"--no-cache-dir --disable-pip-version-check --retries 1 --index-url {url} --trusted-host {host}"
    )
    dockerfile = f"FROM python:3.11-slim\nRUN pip install {options} {PACKAGE}\nCOPY . /testbed\n"
    return {
        "draft": {"dockerfile": dockerfile, "testCommand": "python -c 'import lab_answer' && sh check.sh"}
    }


def an_egress_rule(name: str, port: int, role: str = "build") -> Json:
    """A NetworkPolicy that lets pods of a role reach a port."""
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {
            "podSelector": {"matchLabels": {"swefoundry.dev/role": role}},
            "policyTypes": ["Egress"],
            "egress": [{"ports": [{"protocol": "TCP", "port": port}]}],
        },
    }


@pytest.fixture(scope="module")
def index() -> Iterator[PackageIndex]:
    name = unique("index")
    with running_index(lab().address) as running:
        apply(an_egress_rule(name, running.port))
        yield running
        kubectl("delete", "networkpolicy", name, "-n", NAMESPACE)


@pytest.fixture(scope="module")
def names(index: PackageIndex) -> Iterator[dict[str, str]]:
    """Names of the instances, which are processed at the same time."""
    environments = {
        "outage": an_installation(index.url, index.host),
        "unknown-host": an_installation(f"http://{UNKNOWN_HOST}/simple", UNKNOWN_HOST),
    }
    names_by_case = {case: unique(case) for case in environments}
    apply(
        *(
            a_task(names_by_case[case], make_shell_repository(names_by_case[case]), environment=environment)
            for case, environment in environments.items()
        )
    )
    yield names_by_case
    delete(*names_by_case.values())


def message_of(name: str) -> str:
    """What the EnvBuild's condition says."""
    return str(condition(get("eb", name).get("status", {}), "Ready").get("message", ""))


@pytest.fixture(scope="module")
def message(names: dict[str, str], index: PackageIndex) -> str:
    """What the condition said during the outage, which then ends."""
    shown = str(wait_until(lambda: message_of(names["outage"]), lambda text: "build-0: Host" in text))
    index.away = False
    return shown


def test_the_condition_says_what_pip_met_and_when_the_index_is_asked_again(message, index):
    page = f"{index.url}/{PACKAGE}/: 503 Service Unavailable"
    expected = f"build-0: HostUnavailable (pip could not reach its package index: {page}; asked again at "
    assert expected in message


def test_an_outage_spends_no_round(message, names, index):
    assert verdict_of(wait_until_finished(names["outage"])) == ("Validated", "fail2pass", "Fail2Pass")
    status = get("eb", names["outage"])["status"]
    assert [item["outcome"] for item in status["rounds"]] == ["Accepted"]
    assert status["infraRetries"] * ASKED_BY_A_BUILD == index.refused > 0


def test_a_host_that_is_away_for_a_while_costs_no_row():
    name = unique("host-away")
    with running_archive_host(lab().address, SHELL_BUG, failures=2) as host:
        task = a_task(name, make_shell_repository(name), source=host.source, version="1.0")
        del task["spec"]["baseCommit"]
        apply(an_egress_rule(name, host.port, role="intake"), task)
        try:
            ready = wait_until(
                lambda: condition(get("ti", name).get("status", {}), "Ready"),
                lambda found: found.get("reason") == "HostUnavailable",
            )
            assert f"is busy (503): {MAINTENANCE.decode()}" in ready["message"]
            assert verdict_of(wait_until_finished(name)) == ("Validated", "fail2pass", "Fail2Pass")
            assert host.failures_left == 0
        finally:
            delete(name)
            kubectl("delete", "networkpolicy", name, "-n", NAMESPACE)


def test_a_failed_row_is_retried_by_an_annotation():
    name = unique("retried")
    secret = f"{name}-token"
    try:
        apply(
            a_secret_or_config_map("Secret", secret, {"token": "wrong"}),
            a_private_task(a_private_repository(name), name, secret),
        )
        assert verdict_of(wait_until_finished(name)) == ("Failed", None, "SourceUnreachable")
        apply(a_secret_or_config_map("Secret", secret, {"token": "lab"}))
        kubectl("annotate", "ti", name, "-n", NAMESPACE, "swefoundry.dev/retry=1")
        status = wait_until(
            lambda: get("ti", name)["status"],
            lambda status: status.get("retried") == "1" and "finishedAt" in status,
        )
        assert verdict_of(status) == ("Validated", "fail2pass", "Fail2Pass")
    finally:
        delete(name)
        kubectl("delete", "secret", secret, "-n", NAMESPACE, "--ignore-not-found")


def test_a_host_that_does_not_exist_ends_the_round_after_some_attempts(names):
    assert verdict_of(wait_until_finished(names["unknown-host"]))[2] == "EnvironmentNotBuilt"
    status = get("eb", names["unknown-host"])["status"]
    [round_] = status["rounds"]
    assert (round_["outcome"], status["infraRetries"]) == ("AddressUnreachable", 6)
    assert UNKNOWN_HOST in round_["message"].splitlines()[0]
