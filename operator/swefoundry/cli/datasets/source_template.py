"""Git URLs of instances whose repositories are on a mirror or a forge of one's own."""

from dataclasses import replace

import typer
from pydantic import ValidationError

from swefoundry.api.types import GitSource
from swefoundry.cli.datasets.instance import Instance

FIELDS = ("{repo}", "{owner}", "{name}")


def read_source_template(template: str, git_base: str) -> str:
    """The template of either option; empty without one. Wrong ones are wrong usage, not a fault of every row."""
    if template and git_base:
        raise typer.BadParameter("give --source-template or --git-base, not both", param_hint="--git-base")
    hint = "--git-base" if git_base else "--source-template"
    if git_base:
        template = f"{git_base.rstrip('/')}/{{repo}}.git"
    if not template:
        return ""
    if "{repo}" not in template and "{name}" not in template:
        raise typer.BadParameter(
            f"{template!r} is the same for all rows: put {{repo}} where owner/name belongs", param_hint=hint
        )
    url = source_url(template, "octo/calc")
    if "{" in url or "}" in url:
        raise typer.BadParameter(f"{template!r} has braces besides {', '.join(FIELDS)}", param_hint=hint)
    try:
        GitSource(url=url)
    except ValidationError as error:
        message = error.errors()[0]["msg"]
        raise typer.BadParameter(f"{url!r} is not a URL of a source: {message}", param_hint=hint) from error
    return template


def source_url(template: str, repo: str) -> str:
    """URL of one repository."""
    owner, _, name = repo.partition("/")
    for field, value in zip(FIELDS, (repo, owner, name), strict=True):
        template = template.replace(field, value)
    return template


def with_source(instance: Instance, template: str) -> Instance:
    """The instance with a git source of the template, unless its row names a source."""
    if not template or instance.source:
        return instance
    return replace(instance, source={"git": {"url": source_url(template, instance.repo)}})
