"""Renders the prompts of the roles from the files in ``prompts/``.

A variable that a prompt uses and nobody passes is an error, not an empty string.
"""

from collections.abc import Sequence
from difflib import unified_diff
from functools import cache

import jinja2

from swefoundry.contracts.draft import Draft
from swefoundry.programs.agent.data_delimiters import delimited, json_string
from swefoundry.programs.agent.heredoc_marks import with_marks
from swefoundry.programs.agent.stage_results import Failure

MAX_EARLIER_CHARACTERS = 6000
"""Of a Dockerfile of an earlier round."""


def render_prompt(name: str, **variables: object) -> str:
    """A prompt with its variables filled in; equal values give equal text."""
    return _template_environment().get_template(name).render(variables).strip() + "\n"


@cache
def _template_environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("swefoundry.programs.agent", "prompts"),
        undefined=jinja2.StrictUndefined,
        autoescape=False,  # the text goes to a model, not into a page
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,  # of included files, so that headings stand apart
    )
    environment.filters["delimited"] = lambda text, label: delimited(label, text)
    environment.filters["quoted"] = json_string
    environment.filters["marked"] = with_marks
    environment.filters["beside"] = _shown_beside
    environment.filters["commands"] = _commands_json
    environment.filters["failures"] = _failure_heads
    return environment


def _shown_beside(dockerfile: str, current: Draft | None) -> str:
    """An earlier Dockerfile; where that is shorter, only how it differs from the current one."""
    shown = with_marks(dockerfile)
    if current is None:
        return delimited("Dockerfile", shown[:MAX_EARLIER_CHARACTERS])
    now = with_marks(current.dockerfile).splitlines()
    lines = list(unified_diff(now, shown.splitlines(), n=0, lineterm=""))[2:]
    changes = "\n".join(line for line in lines if not line.startswith("@@ -")) or "no difference"
    if len(changes) >= len(shown):
        return delimited("Dockerfile", shown[:MAX_EARLIER_CHARACTERS])
    return delimited("Dockerfile: lines of the current one that it lacked (-) and had instead (+)", changes)


def _failure_heads(failures: Sequence[Failure]) -> str:
    """The heads of failures, each once, below the tests that have it: the first, and how many more."""
    tests_by_head: dict[str, list[str]] = {}
    for each in failures:
        tests_by_head.setdefault(each.head, []).append(each.test)
    return "\n".join(_failure_head(head, tests) for head, tests in tests_by_head.items())


def _failure_head(head: str, tests: Sequence[str]) -> str:
    more = f" and {len(tests) - 1} more" if len(tests) > 1 else ""
    indented = head.replace("\n", "\n  ")
    return f"{tests[0]}{more}\n  {indented}"


def _commands_json(draft: Draft) -> str:
    """A draft as JSON without its Dockerfile, which is shown separately, and with defaults resolved."""
    resolved = draft.model_copy(update={"error_exit_codes": draft.could_not_run_codes})
    unset = {name for name in ("tolerated_failures", "run_as_user") if not getattr(draft, name)}
    return resolved.model_dump_json(exclude={"dockerfile", *unset}, exclude_none=True)
