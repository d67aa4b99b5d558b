"""Pairs of releases of crates, for `rust:1.85`."""

from real.real_pair import RealPair
from swefoundry.grading.verdict import Verdict

RUST_PAIRS: tuple[RealPair, ...] = (
    RealPair(
        "roxmltree",
        "0.18.0",
        "0.18.1",
        Verdict.FAIL2PASS,
        "0.18.1 replaces carriage returns in CDATA, too; a test of the tree reads one",
        quick=True,
        language="rust",
    ),
    RealPair(
        "bytes",
        "1.10.0",
        "1.10.1",
        Verdict.FAIL2PASS,
        "1.10.1 releases the owner when a vector is made of Bytes::from_owner; its new test counts the releases",
        language="rust",
    ),
    RealPair(
        "num-bigint",
        "0.4.2",
        "0.4.3",
        Verdict.FAIL2PASS,
        "0.4.3 multiplies without the panics that three of its tests meet before",
        quick=True,
        language="rust",
    ),
    RealPair(
        "fancy-regex",
        "0.16.1",
        "0.16.2",
        Verdict.FAIL2PASS,
        "two of its four targets set the flag of the Oniguruma mode, which only 0.16.2 has, and do not compile before; "
        "three tests of the others fail",
        language="rust",
    ),
    RealPair(
        "slab",
        "0.4.8",
        "0.4.9",
        Verdict.FAIL2PASS,
        "0.4.9 has its own clone_from, which reuses the entries; its new test reads the capacity, which is smaller "
        "before",
        language="rust",
    ),
)
