"""Back-off per host: who may ask a host that is away, when, and who is woken when it is back."""

import re
from dataclasses import dataclass, field

import pytest

from swefoundry import metrics
from swefoundry.kube.workqueue import Key
from swefoundry.workloads.host_backoff import BackoffLimits, HostBackoff, HostWait
from swefoundry.workloads.pod_outcomes import UnavailableHost

HOST = "git.example"
DOWN = UnavailableHost(HOST, "git.example did not answer")
DAY = 86400.0


def key(name: str) -> Key:
    return Key("TaskInstance", "here", name)


@dataclass
class Hosts:
    """The back-off, on a clock that the test moves."""

    now: float = 0.0
    woken: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        limits = BackoffLimits(first=5.0, longest=DAY, probe=900.0)
        self.backoff = HostBackoff(limits, lambda woken: self.woken.append(woken.name), lambda: self.now)

    def wait(self, name: str, *hosts: str) -> float:
        """Seconds that an intake has to wait; 0 when it may ask."""
        held = self.backoff.admit(hosts or (HOST,), key(name))
        return held.seconds if held else 0.0

    def fail(self, name: str, retry_after: float | None = None) -> None:
        self.backoff.report_unavailable(key(name), UnavailableHost(HOST, DOWN.message, retry_after))


def test_hosts_that_answer_are_asked_by_everybody() -> None:
    hosts = Hosts()
    assert [hosts.wait(f"row-{number}") for number in range(3)] == [0.0, 0.0, 0.0]


def test_others_wait_with_the_hosts_own_words() -> None:
    hosts = Hosts()
    hosts.fail("first")
    held = hosts.backoff.admit([HOST], key("second"))
    assert isinstance(held, HostWait)
    assert (held.host, held.seconds) == (HOST, 5.0)
    assert re.fullmatch(rf"{DOWN.message}; asked again at (\S+ )?\d\d:\d\d:\d\d UTC", held.message)
    assert hosts.wait("elsewhere", "another.example") == 0.0


def test_one_intake_at_a_time_probes_a_host_that_is_away() -> None:
    hosts = Hosts()
    hosts.fail("first")
    hosts.now = 5.0
    assert hosts.wait("second") == 0.0
    assert hosts.wait("second") == 0.0
    assert [hosts.wait(f"row-{number}") for number in range(1000)] == [60.0] * 1000
    held = hosts.backoff.admit([HOST], key("third"))
    assert held == HostWait(HOST, f"{DOWN.message}; another object asks it now", 60.0)


def test_pauses_double_up_to_a_day() -> None:
    hosts, pauses = Hosts(), []
    for _ in range(18):
        hosts.fail("probe")
        pauses.append(hosts.wait("another"))
        hosts.now += pauses[-1]
        assert hosts.wait("probe") == 0.0
    assert pauses[:4] == [5.0, 10.0, 20.0, 40.0]
    assert pauses[-2:] == [DAY, DAY]


def test_failures_of_intakes_that_ran_beside_the_first_lengthen_nothing() -> None:
    hosts = Hosts()
    for name in ("first", "second", "third"):
        hosts.fail(name)
    assert hosts.wait("another") == 5.0


@pytest.mark.parametrize(("retry_after", "pause"), [(1.0, 5.0), (120.0, 120.0), (10 * DAY, DAY)])
def test_a_host_that_names_its_pause_gets_it(retry_after: float, pause: float) -> None:
    hosts = Hosts()
    hosts.fail("first", retry_after)
    assert hosts.wait("another") == pause


def test_all_who_wait_go_on_when_the_probe_is_answered() -> None:
    hosts = Hosts()
    hosts.fail("probe")
    assert [hosts.wait("one"), hosts.wait("two")] == [5.0, 5.0]
    hosts.now = 5.0
    assert hosts.wait("probe") == 0.0
    hosts.backoff.report_answer(key("probe"))
    assert sorted(hosts.woken) == ["one", "two"]
    assert hosts.wait("one") == 0.0


def test_a_probe_that_ends_without_a_word_leaves_the_probe_to_another() -> None:
    hosts = Hosts()
    hosts.fail("first")
    hosts.now = 5.0
    assert hosts.wait("first") == 0.0
    hosts.backoff.end_probe(key("first"))
    assert hosts.wait("second") == 0.0


def test_a_probe_that_nobody_reports_is_given_up_after_its_time() -> None:
    hosts = Hosts()
    hosts.fail("first")
    hosts.now = 5.0
    assert hosts.wait("deleted") == 0.0
    hosts.now = 904.0
    assert hosts.wait("second") == 60.0
    hosts.now = 905.0
    assert hosts.wait("second") == 0.0


def test_an_intake_of_two_hosts_waits_for_both() -> None:
    hosts = Hosts()
    hosts.fail("first")
    assert hosts.wait("row", "another.example", HOST) == 5.0


def test_the_metric_names_the_first_hosts_and_counts_the_others() -> None:
    hosts = Hosts()
    for number in range(40):
        hosts.backoff.report_unavailable(key("row"), UnavailableHost(f"{number}.example", "away"))
    read = metrics.REGISTRY.get_sample_value
    assert read("swefoundry_hosts_unavailable", {"host": "0.example"}) == 1
    assert read("swefoundry_hosts_unavailable", {"host": "other"}) == 8
    assert read("swefoundry_hosts_unavailable", {"host": "39.example"}) is None
