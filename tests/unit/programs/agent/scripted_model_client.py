"""A speaker that answers from a script: what an endpoint, a turn store and a budget would be behind."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from swefoundry.contracts.models import Usage
from swefoundry.programs.agent.agent_exit import AgentExit
from swefoundry.programs.agent.llm.messages import Message, Reply, Request, ToolCall

ONE_TURN = Usage(turns=1, input_tokens=10, output_tokens=5, micro_usd=7)

ScriptedAnswer = str | Message | AgentExit | dict[str, Any] | Callable[[Request], "ScriptedAnswer"]
"""Text, a whole message, an answer's JSON, a stop to raise, or what makes one of them of the request."""


def tool_calls(*wanted: tuple[str, dict[str, Any]]) -> Message:
    """An answer that calls tools."""
    return Message(
        "assistant",
        "",
        tuple(
            ToolCall(f"call-{number}", name, json.dumps(arguments))
            for number, (name, arguments) in enumerate(wanted)
        ),
    )


class ScriptedModelClient:
    """Says each role's lines in their order; a line that is missing fails the test."""

    def __init__(
        self, answers: Mapping[str, Sequence[ScriptedAnswer]], models: Sequence[str] = ("small",)
    ) -> None:
        self._answers = {role: list(said) for role, said in answers.items()}
        self._models = list(models)
        self.model_index = 0
        self.usage = Usage()
        self.requests: list[Request] = []

    async def ask(self, request: Request) -> Reply:
        self.requests.append(request)
        left = self._answers.get(request.role, [])
        assert left, (
            f"the script has no more lines for {request.role}; it was told: {request.messages[-1].text}"
        )
        return self._reply(left.pop(0), request)

    def _reply(self, line: ScriptedAnswer, request: Request) -> Reply:
        if callable(line):
            return self._reply(line(request), request)
        if isinstance(line, AgentExit):
            raise line
        self.usage = self.usage.plus(ONE_TURN)
        if isinstance(line, dict):
            line = json.dumps(line)
        message = Message("assistant", line) if isinstance(line, str) else line
        return Reply(message, self.model, ONE_TURN)

    def use_next_model(self) -> bool:
        if self.model_index + 1 >= len(self._models):
            return False
        self.model_index += 1
        return True

    @property
    def model(self) -> str:
        return self._models[self.model_index]

    def redact(self, text: str) -> str:
        return text.replace("sk-secret", "[redacted]")

    @property
    def unused_answers(self) -> dict[str, int]:
        """How many lines of each role were not asked for."""
        return {role: len(left) for role, left in self._answers.items() if left}

    def last_messages(self, role: str) -> list[str]:
        """The last message of each of a role's requests."""
        return [request.messages[-1].text for request in self.requests if request.role == role]

    def roles_in_order(self) -> list[str]:
        """Who spoke, each run of turns once."""
        said = [request.role for request in self.requests]
        return [role for number, role in enumerate(said) if number == 0 or said[number - 1] != role]
