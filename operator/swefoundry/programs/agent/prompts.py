"""Where do the words come from that roles are told? Files in ``prompts/``, filled in strictly.

A variable that a prompt names and nobody gives is an error, not an empty place.
"""

from functools import cache

import jinja2

from swefoundry.contracts.draft import Draft
from swefoundry.programs.agent.data_delimiters import fenced, quoted


def render(name: str, **given: object) -> str:
    """A prompt with its variables filled in; the same values give the same text."""
    return _prompts().get_template(name).render(given).strip() + "\n"


@cache
def _prompts() -> jinja2.Environment:
    found = jinja2.Environment(
        loader=jinja2.PackageLoader("swefoundry.programs.agent", "prompts"),
        undefined=jinja2.StrictUndefined,
        autoescape=False,  # the text goes to a model, not into a page
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters["fenced"] = lambda text, label: fenced(label, text)
    found.filters["quoted"] = quoted
    found.filters["commands"] = _commands
    return found


def _commands(draft: Draft) -> str:
    """A draft without its Dockerfile, which is shown apart."""
    return draft.model_dump_json(exclude={"dockerfile"}, indent=1)
