"""The list of real pairs shows every verdict that a row can end with, the quick ones included."""

from collections import Counter

from real.pairs import PAIRS, quick
from swefoundry.cli.releases.pairs import parse_pair
from swefoundry.grading.verdict import Verdict


def test_there_are_enough_pairs_of_enough_packages():
    assert len(PAIRS) >= 40
    assert len({pair.package for pair in PAIRS}) >= 30


def test_every_verdict_that_a_row_can_deserve_occurs():
    expected = {Verdict.FAIL2PASS, Verdict.ERROR2PASS, Verdict.PASS2PASS, Verdict.FAIL2FAIL}
    assert {pair.verdict for pair in quick()} == expected
    assert {pair.verdict for pair in PAIRS} == expected
    assert Counter(pair.verdict for pair in quick())[Verdict.FAIL2PASS] >= 2


def test_two_pairs_of_each_language_run_with_the_cluster_tests():
    count = Counter(pair.language for pair in quick())
    assert all(count[language] >= 2 for language in {pair.language for pair in PAIRS})


def test_the_command_line_understands_every_pair():
    assert [str(parse_pair(str(pair))) for pair in PAIRS] == [str(pair) for pair in PAIRS]


def test_no_pair_is_listed_twice():
    assert len({str(pair) for pair in PAIRS}) == len(PAIRS)
