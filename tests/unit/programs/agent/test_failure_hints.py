"""Which failures come with a hint on clock, locale, root, network or time limits."""

import pytest

from swefoundry.programs.agent.failure_hints import hints_for

SUBJECTS = {
    "expected 'week: 12:00' to equal 'week: 07:00'": "Clock",
    "AssertionError: tzinfo differs": "Clock",
    "UnicodeDecodeError: 'ascii' codec can't decode byte 0xc3": "Locale",
    "locale.Error: unsupported locale setting": "Locale",
    "EACCES: permission denied, open '/x'": "Root",
    "Error: getaddrinfo ENOTFOUND example.org": "Network",
    "java.net.UnknownHostException: example.org": "Network",
    "Error: timeout of 2000ms exceeded.": "Time limits",
}


@pytest.mark.parametrize(("text", "subject"), SUBJECTS.items())
def test_the_hint_is_about(text: str, subject: str) -> None:
    assert [hint.partition(":")[0] for hint in hints_for([text])] == [subject]


@pytest.mark.parametrize("text", ["assert 2 == 3", "ModuleNotFoundError: No module named 'yaml'", ""])
def test_other_failures_have_none(text: str) -> None:
    assert hints_for([text]) == ()


def test_hints_are_shown_once_and_in_a_fixed_order() -> None:
    texts = ["no such host", "TZ", "no such host"]
    assert [hint.partition(":")[0] for hint in hints_for(texts)] == ["Clock", "Network"]
