"""Tools of the tests that import the project: releases that accept it, or of its day."""

from swefoundry.contracts.round_outcome import RoundOutcome
from swefoundry.text.log_excerpt import log_excerpt
from unit.drafts.recipe_inputs import SETUP_PY, an_input, ended, next_dockerfile, proposed

NO_RESULT = RoundOutcome.NO_RESULT
NOISE = "\n".join(f"tests/test_{n}.py::test_{n} PASSED" for n in range(500))
FIRST_TRY_NAMES_THE_PROJECT = """\
tests/test_thing.py:3: in <module>
    from hypothesis import given
../opt/venv/lib/python3.9/site-packages/hypothesis/__init__.py:20: in <module>
    from hypothesis.core import given
../opt/venv/lib/python3.9/site-packages/hypothesis/core.py:91: in <module>
    @thing.s(slots=True, eq=False)
E   TypeError: s() got an unexpected keyword argument 'eq'
=========================== short test summary info ============================
"""
NAMES_NO_MODULE = """\
  File "/opt/venv/lib/python3.9/site-packages/_pytest/config/__init__.py", line 600, in import_plugin
    __import__(importspec)
  File "/opt/venv/lib/python3.9/site-packages/flaky/plugin.py", line 12, in <module>
    handlers = collect(strict=True)
TypeError: collect() got an unexpected keyword argument 'strict'
"""
TOO_NEW_INTERPRETER = """\
../opt/venv/lib/python3.9/site-packages/hypothesis/internal/compat.py:357: in update_code_location
    return type(code)(*unpacked)
E   TypeError: an integer is required (got type bytes)
"""


def excerpt_of(traceback: str) -> str:
    return log_excerpt(f"{NOISE}\n{traceback}{NOISE.replace('PASSED', 'FAILED')}")


def test_the_excerpt_has_the_place_in_the_tool_the_line_of_code_and_the_error():
    assert (
        "/site-packages/hypothesis/core.py:91: in <module>\n    @thing.s(slots=True, eq=False)\n"
        "E   TypeError: s() got an unexpected keyword argument 'eq'\n"
    ) in excerpt_of(FIRST_TRY_NAMES_THE_PROJECT)


def test_a_tool_that_imports_the_project_has_to_accept_its_release():
    dockerfile = next_dockerfile(an_input(), NO_RESULT, excerpt_of(FIRST_TRY_NAMES_THE_PROJECT))
    assert "RUN printf '%s\\n' 'thing<=1.0' > /opt/constraints.txt\n" in dockerfile
    assert " --constraints /opt/constraints.txt --exclude-newer 2023-07-16 " in dockerfile
    assert "hypothesis=" not in dockerfile


def test_a_tool_that_accepts_every_release_is_pinned_to_the_day_of_the_change_and_then_left_out():
    message = excerpt_of(FIRST_TRY_NAMES_THE_PROJECT)
    setup = SETUP_PY.replace(", install_requires", ", tests_require=['hypothesis'], install_requires")
    second = ended(
        ended(an_input({"setup.py": setup}, created="2015-06-01"), NO_RESULT, message), NO_RESULT, message
    )
    pinned = proposed(second).draft.dockerfile
    assert "--exclude-newer-package hypothesis=2015-07-16" in pinned
    left_out = next_dockerfile(second, NO_RESULT, message)
    assert "\n    hypothesis" in pinned and "\n    hypothesis" not in left_out


def test_a_project_without_a_known_release_gets_tools_of_its_day_at_once():
    setup = SETUP_PY.replace("version='1.0', ", "")
    inputs = an_input({"setup.py": setup}, created="2015-06-01")
    dockerfile = next_dockerfile(inputs, NO_RESULT, excerpt_of(FIRST_TRY_NAMES_THE_PROJECT))
    assert "--exclude-newer-package hypothesis=2015-07-16" in dockerfile


def test_an_error_in_a_tool_that_does_not_name_the_project_pins_the_tool():
    inputs = an_input(created="2015-06-01")
    dockerfile = next_dockerfile(inputs, NO_RESULT, excerpt_of(NAMES_NO_MODULE))
    assert "--exclude-newer-package flaky=2015-07-16" in dockerfile


def test_pytest_itself_is_not_pinned_by_an_error_in_its_modules():
    traceback = NAMES_NO_MODULE.replace("flaky/plugin.py", "_pytest/nodes.py")
    before = proposed(an_input(created="2015-06-01")).draft.dockerfile
    after = next_dockerfile(an_input(created="2015-06-01"), NO_RESULT, excerpt_of(traceback))
    assert "pytest=2015" not in before + after


def test_an_interpreter_that_is_too_new_for_a_tool_asks_for_an_older_one_and_not_for_an_older_tool():
    bases = ["python:3.7-slim", "python:3.9-slim"]
    inputs = an_input(created="2021-08-01", bases=bases)
    dockerfile = next_dockerfile(inputs, NO_RESULT, excerpt_of(TOO_NEW_INTERPRETER))
    assert "FROM python:3.7-slim\n" in dockerfile and "hypothesis=" not in dockerfile


def test_a_project_that_pytest_imports_has_tools_that_accept_it_from_the_first_draft_on():
    inputs = an_input({"setup.py": SETUP_PY.replace("thing", "attrs")}, created="2018-09-01")
    assert "'attrs<=1.0'" in proposed(inputs).draft.dockerfile


def test_pytest_is_never_older_than_the_first_that_runs_on_the_interpreter():
    inputs = an_input({"setup.py": SETUP_PY.replace("thing", "attrs")}, created="2015-06-01")
    first = proposed(inputs)
    assert first.label.startswith("python 3.9, as of 2015-07-16")
    assert " --exclude-newer-package pytest=2018-06-01 " in first.draft.dockerfile
