"""Answers are parsed from any model output, and errors name the field so that the model can fix it."""

import json

import pytest

from swefoundry.programs.agent.answers import (
    CommandDraft,
    EnvironmentDraft,
    ExplorerReport,
    Guidance,
    RoleAnswer,
    answer_schema,
    parse_answer,
)
from swefoundry.programs.agent.prompt_templates import render_prompt

SHAPES = [ExplorerReport, EnvironmentDraft, CommandDraft, Guidance]


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.__name__)
def test_schemas_fit_strict_mode(shape: type[RoleAnswer]) -> None:
    schema = answer_schema(shape)
    assert schema["title"] == shape.__name__
    assert schema["additionalProperties"] is False
    assert schema["required"] == list(schema["properties"]) == list(shape.model_fields)
    text = json.dumps(schema)
    assert not any(f'"{word}"' in text for word in ("default", "minLength", "maxLength", "$defs", "anyOf"))


def test_only_the_schema_that_no_prompt_explains_describes_its_fields() -> None:
    described = [shape.__name__ for shape in SHAPES if "description" in json.dumps(answer_schema(shape))]
    assert described == ["ExplorerReport"]


@pytest.mark.parametrize(
    ("role", "shape"), [("environment", EnvironmentDraft), ("tests", CommandDraft), ("analyst", Guidance)]
)
def test_a_prompt_explains_every_field_of_its_answer(role: str, shape: type[RoleAnswer]) -> None:
    prompt = render_prompt(f"{role}.md")
    assert [name for name in shape.model_fields if f"`{name}`" not in prompt] == []


WROTE = [
    ("plain JSON", '{"dockerfile": "FROM x"}'),
    ("a code fence", '```json\n{"dockerfile": "FROM x"}\n```'),
    ("thoughts around it", 'I think {so}.\n{"dockerfile": "FROM x"} Good luck!'),
    ("a sketch before it", '{"draft": 1}\n{"dockerfile": "FROM x", "mood": "fine"}'),
    ("raw line ends in a string", '{"dockerfile": "FROM x", "note": "a\nb"}'),
]


@pytest.mark.parametrize("text", [case[1] for case in WROTE], ids=[case[0] for case in WROTE])
def test_an_answer_is_parsed_from(text: str) -> None:
    answer = parse_answer(EnvironmentDraft, text)
    assert isinstance(answer, EnvironmentDraft) and answer.dockerfile == "FROM x"


@pytest.mark.parametrize("text", ["", "FROM x", "[1, 2]", "{", "{" * 5000, '{"a": ' * 5000])
def test_a_text_without_an_answer_gives_a_sentence(text: str) -> None:
    assert "no JSON object could be read" in str(parse_answer(EnvironmentDraft, text))


def test_a_field_of_the_wrong_kind_is_named() -> None:
    problem = parse_answer(CommandDraft, '{"test_command": 3, "reports": "x"}')
    assert isinstance(problem, str) and "test_command" in problem and "reports" in problem


def test_guidance_needs_instructions_or_a_reason_to_give_up() -> None:
    assert "instructions are empty" in str(parse_answer(Guidance, '{"reason": "broken"}'))
    assert "needs a reason" in str(parse_answer(Guidance, '{"give_up": true, "reason": " "}'))
    assert parse_answer(Guidance, '{"give_up": true, "reason": "no such device"}') == Guidance(
        give_up=True, reason="no such device"
    )


def test_characters_that_cannot_be_stored_are_rejected() -> None:
    assert "dockerfile" in str(parse_answer(EnvironmentDraft, '{"dockerfile": "FROM \\ud800"}'))
