"""Pairs of releases of crates, seen with `rust:1.85` alone; the lab has `rust:1.96` besides, which is first."""

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
    RealPair(
        "slab",
        "0.4.10",
        "0.4.11",
        Verdict.FAIL2PASS,
        "get_disjoint_mut answers an index between length and capacity with an error; its new test gets another "
        "answer before",
        language="rust",
    ),
    RealPair(
        "bytes",
        "1.7.1",
        "1.7.2",
        Verdict.FAIL2PASS,
        "1.7.2 extends the sign in get_int of fewer bytes; its new test reads -42 and gets 214 before, and the other "
        "new test passes",
        language="rust",
    ),
    RealPair(
        "nom",
        "7.1.2",
        "7.1.3",
        Verdict.FAIL2PASS,
        "count of a parser whose output has no size divides by zero before; its new test makes it do so",
        language="rust",
    ),
    RealPair(
        "xmlparser",
        "0.13.1",
        "0.13.2",
        Verdict.FAIL2PASS,
        "two new tests read <?xml-stylesheet?>, which is taken for a declaration before",
        language="rust",
    ),
    RealPair(
        "smallvec",
        "1.16.2",
        "1.16.3",
        Verdict.FAIL2PASS,
        "a test in src/tests.rs that expected a panic of grow expects its capacity to stay, as only 1.16.3 does",
        language="rust",
    ),
    RealPair(
        "roxmltree",
        "0.21.0",
        "0.21.1",
        Verdict.ERROR2PASS,
        "the resolver of entities is a Fn that is lent, no FnMut; the one target that changed does not compile before",
        language="rust",
    ),
    RealPair(
        "http",
        "1.1.0",
        "1.2.0",
        Verdict.FAIL2PASS,
        "1.2.0 takes methods with digits and % and refuses some characters; two tests of #[cfg(test)] modules in src "
        "notice it",
        language="rust",
    ),
    RealPair(
        "serde_json",
        "1.0.149",
        "1.0.150",
        Verdict.FAIL2PASS,
        "1.0.150 refuses keys of enums that are no strings; its new test is a file that automod finds in "
        "tests/regression, which the target names nowhere",
        language="rust",
    ),
    RealPair(
        "ron",
        "0.8.0",
        "0.8.1",
        Verdict.FAIL2PASS,
        "0.8.1 fixes trailing commas, raw names and tagged enums; its manifest asks for later releases",
        language="rust",
    ),
)
