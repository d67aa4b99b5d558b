"""Where do the words come from that roles are told? Files in ``prompts/``, filled in strictly.

A variable that a prompt names and nobody gives is an error, not an empty place.
"""

from functools import cache

import jinja2

from swefoundry.contracts.draft import Draft
from swefoundry.programs.agent.data_delimiters import delimited, json_string


def render_prompt(name: str, **variables: object) -> str:
    """A prompt with its variables filled in; the same values give the same text."""
    return _template_environment().get_template(name).render(variables).strip() + "\n"


@cache
def _template_environment() -> jinja2.Environment:
    found = jinja2.Environment(
        loader=jinja2.PackageLoader("swefoundry.programs.agent", "prompts"),
        undefined=jinja2.StrictUndefined,
        autoescape=False,  # the text goes to a model, not into a page
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters["fenced"] = lambda text, label: delimited(label, text)
    found.filters["quoted"] = json_string
    found.filters["commands"] = _commands_json
    return found


def _commands_json(draft: Draft) -> str:
    """A draft without its Dockerfile, which is shown apart."""
    return draft.model_dump_json(exclude={"dockerfile"}, indent=1)
