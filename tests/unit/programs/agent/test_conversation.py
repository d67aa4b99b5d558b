"""One role's conversation: tools, valid answers, corrections, the next model, exits."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from swefoundry.contracts.transcript import Transcript
from swefoundry.programs.agent.agent_exit import MalformedAnswers, ModelUnavailable, RepeatedDrafts
from swefoundry.programs.agent.answers import EnvironmentDraft, answer_schema
from swefoundry.programs.agent.conversation import (
    MAX_CORRECTIONS,
    AgentDeps,
    Conversation,
    InvalidAnswer,
    RoleTask,
    TurnLimitReached,
)
from swefoundry.programs.agent.repo.tools import RepoTools
from swefoundry.programs.agent.transcript_recorder import TranscriptRecorder
from unit.programs.agent.agent_inputs import a_tree
from unit.programs.agent.scripted_model_client import ScriptedAnswer, ScriptedModelClient, tool_calls

GOOD = {"dockerfile": "FROM good", "note": ""}
BAD = {"dockerfile": "FROM bad"}
OLD = {"dockerfile": "FROM old"}


def judge(draft: EnvironmentDraft) -> InvalidAnswer | None:
    """Only FROM good is valid."""
    if draft.dockerfile == "FROM old":
        return InvalidAnswer("This was tried.", RepeatedDrafts)
    return None if draft.dockerfile == "FROM good" else InvalidAnswer("Not good.")


class ScriptedConversation:
    """A conversation with a scripted client, and its result."""

    def __init__(self, *lines: ScriptedAnswer, models: tuple[str, ...] = ("small",), **more: Any) -> None:
        self.client = ScriptedModelClient({"environment": lines}, models)
        self.recorder = TranscriptRecorder(Transcript(conversation="c"), 2, self.client.redact)
        check, turns = more.get("judge", judge), more.get("turns", 20)
        task = RoleTask("environment", "Write.", EnvironmentDraft, check, turns, "a budget")
        self._conversation = Conversation(AgentDeps(self.client, self.recorder), task, more.get("toolbox"))

    async def answer(self) -> EnvironmentDraft:
        return await self._conversation.answer()

    def prompts(self) -> list[str]:
        return self.client.last_messages("environment")


@pytest.fixture
def toolbox(tmp_path: Path) -> RepoTools:
    return RepoTools(a_tree(tmp_path))


async def test_a_valid_answer_ends_the_conversation() -> None:
    conversation = ScriptedConversation(GOOD)
    assert (await conversation.answer()).dockerfile == "FROM good"
    [request] = conversation.client.requests
    assert request.answer == answer_schema(EnvironmentDraft) and request.tools == ()
    assert [message.role for message in request.messages] == ["system", "user"]
    assert request.messages[0].text.startswith("You are the Environment Manager of swefoundry.\n")


async def test_an_invalid_answer_is_corrected_with_the_reason() -> None:
    conversation = ScriptedConversation("what?", '{"note": 1}', BAD, GOOD)
    assert (await conversation.answer()).dockerfile == "FROM good"
    prompts = conversation.prompts()[1:]
    assert "no JSON object could be read" in prompts[0]
    assert "dockerfile: Field required" in prompts[1] and "note: " in prompts[1]
    assert "Not good." in prompts[2]


async def test_invalid_answers_from_every_model_end_as_malformed_with_role_and_reason() -> None:
    conversation = ScriptedConversation(*["what?"] * (1 + MAX_CORRECTIONS))
    with pytest.raises(
        MalformedAnswers, match=r"the environment role gave no answer that can be used: .*no JSON"
    ):
        await conversation.answer()
    assert len(conversation.client.requests) == 1 + MAX_CORRECTIONS


async def test_the_next_model_starts_from_the_last_valid_message_with_the_reason() -> None:
    conversation = ScriptedConversation(*[BAD] * (1 + MAX_CORRECTIONS), GOOD, models=("small", "large"))
    await conversation.answer()
    *_, last = conversation.client.requests
    assert [message.role for message in last.messages] == ["system", "user", "user"]
    assert last.messages[-1].text == "An earlier attempt at this was refused 4 times. Not good."
    assert conversation.recorder.transcript.turns[-1].model == "large"


async def test_every_model_gets_corrections() -> None:
    conversation = ScriptedConversation(*[BAD] * 8, models=("small", "large"))
    with pytest.raises(MalformedAnswers):
        await conversation.answer()
    assert conversation.client.unused_answers == {}


async def test_repetition_by_every_model_ends_as_repeated() -> None:
    with pytest.raises(RepeatedDrafts, match="This was tried"):
        await ScriptedConversation(*[OLD] * (1 + MAX_CORRECTIONS)).answer()


async def test_an_agent_exit_of_the_client_is_passed_on() -> None:
    with pytest.raises(ModelUnavailable, match="503"):
        await ScriptedConversation(BAD, ModelUnavailable("503")).answer()


async def test_tools_are_run_and_their_results_are_sent(toolbox: RepoTools) -> None:
    conversation = ScriptedConversation(
        tool_calls(("read", {"path": "tox.ini"}), ("find", {"pattern": "*.py"})), GOOD, toolbox=toolbox
    )
    await conversation.answer()
    answers = conversation.client.requests[1].messages[3:]
    assert [(each.role, each.call_id) for each in answers] == [("tool", "call-0"), ("tool", "call-1")]
    assert "commands = pytest" in answers[0].text and "setup.py" in answers[1].text


async def test_every_call_gets_a_result_even_when_there_are_too_many(toolbox: RepoTools) -> None:
    patterns = [("find", {"pattern": f"*{n}"}) for n in range(11)]
    conversation = ScriptedConversation(tool_calls(*patterns), GOOD, toolbox=toolbox)
    await conversation.answer()
    answers = [message.text for message in conversation.client.requests[1].messages if message.role == "tool"]
    assert len(answers) == 11
    assert [text for text in answers if "at most 8 calls" in text] == answers[8:]


async def test_repeated_calls_lead_to_a_request_for_the_answer(toolbox: RepoTools) -> None:
    same = tool_calls(("read", {"path": "tox.ini"}))
    conversation = ScriptedConversation(same, same, same, GOOD, toolbox=toolbox)
    await conversation.answer()
    answers = [message.text for message in conversation.client.requests[3].messages if message.role == "tool"]
    _, second, third = answers
    assert second.startswith("You made this call before; nothing has changed.")
    assert "twice already" in third
    assert "Your tool calls repeat themselves" in conversation.prompts()[3]


async def test_a_role_that_only_repeats_calls_ends_as_malformed(toolbox: RepoTools) -> None:
    with pytest.raises(MalformedAnswers, match="repeat themselves"):
        await ScriptedConversation(*[tool_calls(("list", {}))] * 20, toolbox=toolbox).answer()


async def test_a_call_without_tools_gets_an_error() -> None:
    conversation = ScriptedConversation(tool_calls(("read", {"path": "x"})), GOOD)
    await conversation.answer()
    assert [message.role for message in conversation.client.requests[1].messages[2:]] == [
        "assistant",
        "tool",
        "user",
    ]


async def test_the_last_turn_is_announced_and_no_turn_follows(toolbox: RepoTools) -> None:
    looks = [tool_calls(("read", {"path": "tox.ini", "first_line": n})) for n in (1, 2)]
    conversation = ScriptedConversation(*looks, "still looking", toolbox=toolbox, turns=3)
    with pytest.raises(TurnLimitReached, match=r"used its 3 turns \(a budget\).*no JSON object"):
        await conversation.answer()
    assert conversation.prompts()[2].startswith("This is your last turn")
    assert len(conversation.client.requests) == 3


async def test_requests_depend_only_on_earlier_messages(toolbox: RepoTools) -> None:
    lines: list[ScriptedAnswer] = [tool_calls(("grep", {"pattern": "pytest"})), "no", BAD, GOOD]
    one, two = ScriptedConversation(*lines, toolbox=toolbox), ScriptedConversation(*lines, toolbox=toolbox)
    await one.answer()
    await two.answer()
    assert one.client.requests == two.client.requests


async def test_the_transcript_has_what_is_new_in_each_turn_and_no_secret(toolbox: RepoTools) -> None:
    conversation = ScriptedConversation(
        tool_calls(("read", {"path": "tox.ini"})), "sk-secret", GOOD, toolbox=toolbox
    )
    await conversation.answer()
    turns = conversation.recorder.transcript.turns
    assert [(turn.number, turn.round, turn.role, len(turn.request)) for turn in turns] == [
        (1, 2, "environment", 2),
        (2, 2, "environment", 1),
        (3, 2, "environment", 1),
    ]
    assert turns[1].reply.text == "[redacted]"
    assert turns[2].note.startswith("asked again: ")
    assert "sk-secret" not in conversation.recorder.transcript.model_dump_json()


async def test_a_field_that_was_kept_may_be_given_again_and_the_next_model_is_asked_for_the_whole() -> None:
    def keep_the_note(draft: EnvironmentDraft) -> InvalidAnswer | None:
        invalid = judge(draft)
        return invalid and replace(invalid, kept={"note": draft.note})

    noted = BAD | {"note": "kept"}
    conversation = ScriptedConversation(
        noted, "no JSON", BAD, BAD | {"note": "other"}, GOOD, models=("small", "large"), judge=keep_the_note
    )
    assert await conversation.answer() == EnvironmentDraft(**GOOD)
    required = [list(request.answer["required"]) for request in conversation.client.requests]
    assert required == [["dockerfile", "note"], *[["dockerfile"]] * 3, ["dockerfile", "note"]]
    assert "Give `dockerfile` again, corrected." in conversation.client.requests[2].messages[-1].text
