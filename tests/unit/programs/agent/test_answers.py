"""Answers are read from whatever a model wrote, and faults are named so that it can mend them."""

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

SHAPES = [ExplorerReport, EnvironmentDraft, CommandDraft, Guidance]


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.__name__)
def test_schemas_are_what_strict_endpoints_take(shape: type[RoleAnswer]) -> None:
    made = answer_schema(shape)
    assert made["title"] == shape.__name__
    assert made["additionalProperties"] is False
    assert made["required"] == list(made["properties"]) == list(shape.model_fields)
    text = json.dumps(made)
    assert not any(f'"{word}"' in text for word in ("default", "minLength", "maxLength", "$defs", "anyOf"))


WROTE = [
    ("plain JSON", '{"dockerfile": "FROM x"}'),
    ("a code fence", '```json\n{"dockerfile": "FROM x"}\n```'),
    ("thoughts around it", 'I think {so}.\n{"dockerfile": "FROM x"} Good luck!'),
    ("a sketch before it", '{"draft": 1}\n{"dockerfile": "FROM x", "mood": "fine"}'),
    ("raw line ends in a string", '{"dockerfile": "FROM x", "note": "a\nb"}'),
]


@pytest.mark.parametrize("text", [case[1] for case in WROTE], ids=[case[0] for case in WROTE])
def test_an_answer_is_found_in(text: str) -> None:
    found = parse_answer(EnvironmentDraft, text)
    assert isinstance(found, EnvironmentDraft) and found.dockerfile == "FROM x"


@pytest.mark.parametrize("text", ["", "FROM x", "[1, 2]", "{", "{" * 5000, '{"a": ' * 5000])
def test_no_answer_is_said_so(text: str) -> None:
    assert "no JSON object could be read" in str(parse_answer(EnvironmentDraft, text))


def test_a_field_of_the_wrong_kind_is_named() -> None:
    said = parse_answer(CommandDraft, '{"test_command": 3, "reports": "x"}')
    assert isinstance(said, str) and "test_command" in said and "reports" in said


def test_guidance_must_lead_somewhere() -> None:
    assert "instructions are empty" in str(parse_answer(Guidance, '{"reason": "broken"}'))
    assert "needs a reason" in str(parse_answer(Guidance, '{"give_up": true, "reason": " "}'))
    assert parse_answer(Guidance, '{"give_up": true, "reason": "no such device"}') == Guidance(
        give_up=True, reason="no such device"
    )


def test_characters_that_no_registry_takes_are_refused() -> None:
    assert "dockerfile" in str(parse_answer(EnvironmentDraft, '{"dockerfile": "FROM \\ud800"}'))
