"""Pairs of releases of npm packages, for `node:20-slim`."""

from real.real_pair import RealPair
from swefoundry.grading.verdict import Verdict

NPM_PAIRS: tuple[RealPair, ...] = (
    RealPair(
        "qs",
        "6.9.6",
        "6.9.7",
        Verdict.FAIL2PASS,
        "6.9.7 ignores __proto__ keys and formats nested arrays; three tests of tape check that",
        language="javascript",
    ),
    RealPair(
        "minimist",
        "1.2.5",
        "1.2.6",
        Verdict.FAIL2PASS,
        "1.2.6 keeps arguments from changing the constructor's prototype; two tests of tape check that",
        language="javascript",
    ),
)
