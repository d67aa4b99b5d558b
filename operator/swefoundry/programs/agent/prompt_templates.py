"""Renders the prompts of the roles from the files in ``prompts/``.

A variable that a prompt uses and nobody passes is an error, not an empty string.
"""

from collections.abc import Sequence
from functools import cache

import jinja2

from swefoundry.contracts.draft import Draft
from swefoundry.programs.agent.data_delimiters import delimited, json_string
from swefoundry.programs.agent.heredoc_marks import with_marks
from swefoundry.programs.agent.stage_results import Failure


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
    environment.filters["commands"] = _commands_json
    environment.filters["failures"] = _failure_heads
    return environment


def _failure_heads(failures: Sequence[Failure]) -> str:
    return "\n".join(f"{each.test}\n  {each.head.replace(chr(10), chr(10) + '  ')}" for each in failures)


def _commands_json(draft: Draft) -> str:
    """A draft as JSON without its Dockerfile, which is shown separately, and with defaults resolved."""
    resolved = draft.model_copy(update={"error_exit_codes": draft.could_not_run_codes})
    unset = {name for name in ("tolerated_failures", "run_as_user") if not getattr(draft, name)}
    return resolved.model_dump_json(exclude={"dockerfile", *unset}, exclude_none=True)
