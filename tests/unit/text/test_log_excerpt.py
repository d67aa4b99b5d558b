"""The excerpt of a long log: the lines with the error."""

from hypothesis import given
from hypothesis import strategies as st

from swefoundry.text.log_excerpt import EXCERPT_LIMIT, log_excerpt

COLLECTION_ERROR = """\
============================= test session starts ==============================
platform linux -- Python 3.11.7, pytest-8.4.0, pluggy-1.6.0
rootdir: /testbed
collected 0 items / 1 error

==================================== ERRORS ====================================
____________________ ERROR collecting tests/test_thing.py ______________________
tests/test_thing.py:1: in <module>
    import yaml
E   ModuleNotFoundError: No module named 'yaml'
=========================== short test summary info ============================
ERROR tests/test_thing.py
=============================== 1 error in 0.05s ===============================
"""


def test_a_collection_error_shows_its_cause_and_its_summary():
    assert log_excerpt(COLLECTION_ERROR, limit=250) == (
        "E   ModuleNotFoundError: No module named 'yaml'\n"
        "=========================== short test summary info ============================\n"
        "ERROR tests/test_thing.py\n"
        "=============================== 1 error in 0.05s ==============================="
    )


def test_fifty_failures_do_not_hide_their_one_reason():
    failures = "\n".join(f"FAILED tests/test_thing.py::test_number_{n} - AttributeError" for n in range(50))
    log = f"E   AttributeError: module 'dep' has no attribute 'gone'\n{failures}\n=== 50 failed in 1.0s ==="
    excerpt = log_excerpt(log)
    assert "E   AttributeError: module 'dep' has no attribute 'gone'" in excerpt
    assert excerpt.endswith("=== 50 failed in 1.0s ===")


def test_a_few_failures_are_all_named():
    failures = [f"FAILED tests/test_thing.py::test_number_{n} - OSError" for n in range(9)]
    noise = "\n".join(f"E   assert {n} == {n + 1}" for n in range(200))
    excerpt = log_excerpt("\n".join([noise, *failures, "=== 9 failed, 90 passed in 1.0s ==="])).splitlines()
    assert [line for line in excerpt if line.startswith("FAILED")] == failures


def test_a_failed_build_shows_the_installers_error():
    log = (
        "Resolved 7 packages in 288ms\n"
        "  × Failed to build `lxml==4.2.1`\n"
        "  ├─▶ The build backend returned an error\n"
        "  ╰─▶ Call to `setuptools.build_meta.build_wheel` failed (exit status: 1)\n"
        "      error: command 'gcc' failed: No such file or directory\n"
    )
    excerpt = log_excerpt(log)
    assert "Failed to build `lxml==4.2.1`" in excerpt and "command 'gcc' failed" in excerpt


def test_compiled_parts_that_are_missing_are_shown_with_their_package():
    log = """\
node:internal/modules/cjs/loader:1210
  throw err;
  ^

Error: Cannot find module './build/Release/diskusage.node'
Require stack:
- /testbed/node_modules/diskusage/index.js
- /testbed/test/add.js
    at Module._resolveFilename (node:internal/modules/cjs/loader:1207:15)
    at Module._load (node:internal/modules/cjs/loader:1038:27)
    at Module.require (node:internal/modules/cjs/loader:1289:19)
    at require (node:internal/modules/helpers:182:18) {
  code: 'MODULE_NOT_FOUND',
}

Node.js v20.20.2
FAILED test/add.js
== 1 failed, 0 passed ==
"""
    assert log_excerpt(log).splitlines()[:4] == [
        "Error: Cannot find module './build/Release/diskusage.node'",
        "Require stack:",
        "- /testbed/node_modules/diskusage/index.js",
        "- /testbed/test/add.js",
    ]


def test_the_memory_that_a_forked_jvm_lacks_is_shown_beside_the_frames_of_maven():
    frames = "\n".join(f"[ERROR] \tat org.apache.maven.cli.Main.run{n}(Main.java:{n})" for n in range(40))
    log = f"""\
[INFO] Running org.example.TextTest
[ERROR] Java heap space
[INFO] Tests run: 182, Failures: 0, Errors: 0, Skipped: 0
[ERROR] There was an error in the forked process
{frames}
[ERROR] Re-run Maven using the -X switch to enable full debug logging.
[ERROR] [Help 1] http://cwiki.apache.org/confluence/display/MAVEN/MojoExecutionException
== 0 failed, 182 passed ==
"""
    assert "[ERROR] Java heap space" in log_excerpt(log, 300).splitlines()


def test_what_a_test_of_node_saw_and_expected_is_shown():
    log = """\
not ok 1 title has the year
  AssertionError [ERR_ASSERTION]: Expected values to be strictly equal:
  + actual - expected

  + 'Report of 2026'
  - 'Report of 2023'
      at Context.<anonymous> (test/report.js:4:35)
ok 2 title more
    Expected: "2023"
    Received: "2026"
# fail 1
1..2
FAILED test/report.js::title has the year
== 1 failed, 1 passed ==
"""
    assert {
        "  AssertionError [ERR_ASSERTION]: Expected values to be strictly equal:",
        "  + 'Report of 2026'",
        "  - 'Report of 2023'",
        '    Expected: "2023"',
        '    Received: "2026"',
        "== 1 failed, 1 passed ==",
    } <= set(log_excerpt(log, 500).splitlines())


def test_a_log_without_a_known_pattern_shows_its_end():
    assert log_excerpt("\n".join(f"line {n}" for n in range(100))) == "line 96\nline 97\nline 98\nline 99"


def test_colours_control_characters_and_repeated_lines_are_left_out():
    assert (
        log_excerpt("\x1b[31mE   ImportError: x\x1b[0m\nE   ImportError: x\n\x00\n") == "E   ImportError: x"
    )


def test_an_empty_log_has_an_empty_excerpt():
    assert log_excerpt("") == ""


@given(st.text(), st.integers(min_value=0, max_value=EXCERPT_LIMIT))
def test_no_excerpt_is_longer_than_the_limit(log, limit):
    assert len(log_excerpt(log, limit)) <= limit
