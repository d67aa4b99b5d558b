"""The answers of the roles as pydantic models, their JSON schemas, and a lenient parser for model output.

The schemas contain only what the strict mode of every endpoint supports: no lengths, no defaults, every field required,
empty text or list for "none". ``Draft`` checks the actual limits afterwards.
"""

import json
from collections.abc import Collection, Mapping
from typing import Any, ClassVar, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

Route = Literal["explorer", "environment", "tests"]
"""The role that acts on guidance."""

MAX_OBJECT_STARTS = 500
"""Opening braces that are tried: thousands of them without an end would take minutes."""


class RoleAnswer(BaseModel):
    """A final answer; unknown fields are ignored. Class names and fields are part of requests and of stored state."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    described: ClassVar[bool] = False
    """Whether the schema describes the fields. It does where the role's prompt does not: once is enough."""


AnswerT = TypeVar("AnswerT", bound=RoleAnswer)


class ExplorerReport(RoleAnswer):
    """The Repository Explorer's findings."""

    described: ClassVar[bool] = True

    language: str = Field(description="Main programming language of the tests.")
    language_version: str = Field(
        default="",
        description="Version of the language or interpreter that fits this commit; empty: unknown.",
    )
    package_manager: str = Field(
        default="", description="Tool that installs dependencies, such as pip, uv, npm, maven."
    )
    system_packages: list[str] = Field(
        default=[], description="System packages (Debian names) that building or testing needs."
    )
    install_steps: list[str] = Field(
        default=[], description="Shell commands, in order, that install dependencies and the project."
    )
    test_command: str = Field(
        default="", description="Shell command that runs single test files; `{files}` stands for them."
    )
    doubts: list[str] = Field(
        default=[], description="What could not be found out, or contradicts itself; name the files."
    )


class EnvironmentDraft(RoleAnswer):
    """The Environment Manager's change of a Dockerfile."""

    dockerfile: str = Field(description="The whole Dockerfile.")
    note: str = Field(
        default="", description="A few words for people: what this Dockerfile does, or what has changed."
    )


class CommandDraft(RoleAnswer):
    """The Test Manager's change of the commands."""

    test_command: str = Field(
        description="Shell command run in /testbed; `{files}` becomes the test files, quoted."
    )
    rebuild_command: str = Field(
        default="",
        description="Shell command, run in /testbed, that brings an image of another commit up to date (compiled "
        "extensions, generated files); empty: none is needed.",
    )
    reports: list[str] = Field(
        default=[],
        description="Globs, relative to /testbed, of the reports that the test command writes: JUnit XML, TAP, events "
        "of `go test -json` or output of `cargo test`.",
    )
    error_exit_codes: list[int] = Field(
        default=[],
        description="Exit codes by which the test command says that tests could not run, as opposed to failed.",
    )
    tolerated_failures: list[str] = Field(
        default=[],
        description="Ids, exactly as in the report, of tests that fail with and without the fix in this environment; "
        "empty: none.",
    )
    run_as_user: int = Field(
        default=0, description="Id of the user and group that the test command runs as; 0: root."
    )
    claimed: bool = Field(
        default=False,
        description="Whether you believe that the tests will fail before the fix and pass after it.",
    )
    note: str = Field(default="", description="A few words for people: what has changed; may be empty.")


class FirstDraft(CommandDraft, EnvironmentDraft):
    """The Environment Manager's proposal where there is no draft of the agents yet: the Dockerfile and the commands."""


class Guidance(RoleAnswer):
    """The Test Analyst's result: which roles have to do what, or that nothing can be done."""

    give_up: bool = Field(
        default=False,
        description="No Dockerfile and no test command can help.",
    )
    row_at_fault: bool = Field(
        default=False,
        description="Tests ran, and the source or the tests themselves are the cause.",
    )
    reason: str = Field(description="The cause in one or two sentences, with the error's own words.")
    route: Route = Field(default="environment", description="Who has to act: explorer, environment or tests.")
    instructions: str = Field(default="", description="What that role is to change.")
    test_instructions: str = Field(
        default="",
        description="What the Test Manager is to change with a new Dockerfile; may be empty.",
    )

    @model_validator(mode="after")
    def _complete(self) -> "Guidance":
        if self.ends_the_search and not self.reason.strip():
            raise ValueError("giving up needs a reason that a person can act on")
        if not self.ends_the_search and not self.instructions.strip():
            raise ValueError(
                "instructions are empty: say what is to be changed, or set give_up or row_at_fault"
            )
        return self

    @property
    def ends_the_search(self) -> bool:
        """Whether there is nothing left to change."""
        return self.give_up or self.row_at_fault


def answer_schema(answer_type: type[RoleAnswer], without: Collection[str] = ()) -> dict[str, Any]:
    """The JSON schema of an answer for strict mode, without the fields that are known already."""
    schema = answer_type.model_json_schema()
    hidden = {"title", "default"} if answer_type.described else {"title", "default", "description"}
    fields = {
        name: {key: value for key, value in field.items() if key not in hidden}
        for name, field in schema["properties"].items()
        if name not in without
    }
    return {
        "title": answer_type.__name__,
        "type": "object",
        "properties": fields,
        "required": list(fields),
        "additionalProperties": False,
    }


def parse_answer(
    answer_type: type[AnswerT], text: str, known: Mapping[str, object] | None = None
) -> AnswerT | str:
    """The answer in a model's text, or a sentence with what is wrong. Known fields may be left out of the text."""
    parsed = _last_object(text)
    if parsed is None:
        return "The answer must be one JSON object and nothing else; no JSON object could be read."
    try:
        return answer_type.model_validate({**(known or {}), **parsed})
    except ValidationError as error:
        return f"The JSON does not fit: {describe_errors(error)}."


def describe_errors(error: ValidationError) -> str:
    """One sentence with every invalid field and its problem."""
    problems = []
    for each in error.errors(include_url=False, include_context=False, include_input=False):
        field = ".".join(str(part) for part in each["loc"])
        problems.append(f"{field}: {each['msg']}" if field else str(each["msg"]))
    return "; ".join(problems)


def _last_object(text: str) -> dict[str, Any] | None:
    """The last JSON object in the text: models often reason first or use code blocks."""
    decoder, last, start = json.JSONDecoder(strict=False), None, text.find("{")
    for _ in range(MAX_OBJECT_STARTS):
        if start < 0:
            break
        try:
            value, end = decoder.raw_decode(text, start)
        except (ValueError, RecursionError):
            end = start + 1
        else:
            last = value if isinstance(value, dict) else last
        start = text.find("{", end)
    return last
