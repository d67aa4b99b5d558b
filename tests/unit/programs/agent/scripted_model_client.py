"""A model client with answers from a script, in place of response store, budget and endpoint."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from swefoundry.contracts.models import Usage
from swefoundry.programs.agent.agent_exit import AgentExit
from swefoundry.programs.agent.llm.messages import Message, Reply, Request, ToolCall

ONE_TURN = Usage(turns=1, input_tokens=10, output_tokens=5, micro_usd=7)

ScriptedAnswer = str | Message | AgentExit | dict[str, Any] | Callable[[Request], "ScriptedAnswer"]
"""Text, a whole message, an answer's JSON, an exception to raise, or a function from the request to one of them."""


def tool_calls(*calls: tuple[str, dict[str, Any]]) -> Message:
    """An answer that calls tools."""
    return Message(
        "assistant",
        "",
        tuple(
            ToolCall(f"call-{number}", name, json.dumps(arguments))
            for number, (name, arguments) in enumerate(calls)
        ),
    )


class ScriptedModelClient:
    """Gives each role's answers in order; a missing answer fails the test."""

    def __init__(
        self, answers: Mapping[str, Sequence[ScriptedAnswer]], models: Sequence[str] = ("small",)
    ) -> None:
        self._answers = {role: list(listed) for role, listed in answers.items()}
        self._models = list(models)
        self.model_index = 0
        self.usage = Usage()
        self.requests: list[Request] = []

    async def ask(self, request: Request) -> Reply:
        self.requests.append(request)
        left = self._answers.get(request.role, [])
        assert left, (
            f"the script has no more answers for {request.role}; the last message: {request.messages[-1].text}"
        )
        return self._reply(left.pop(0), request)

    def _reply(self, answer: ScriptedAnswer, request: Request) -> Reply:
        if callable(answer):
            return self._reply(answer(request), request)
        if isinstance(answer, AgentExit):
            raise answer
        self.usage = self.usage.plus(ONE_TURN)
        if isinstance(answer, dict):
            answer = json.dumps(answer)
        message = Message("assistant", answer) if isinstance(answer, str) else answer
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
        """The number of unused answers by role."""
        return {role: len(left) for role, left in self._answers.items() if left}

    def last_messages(self, role: str) -> list[str]:
        """The last message of each of a role's requests."""
        return [request.messages[-1].text for request in self.requests if request.role == role]

    def roles_in_order(self) -> list[str]:
        """The roles in order, consecutive turns of a role once."""
        roles = [request.role for request in self.requests]
        return [role for number, role in enumerate(roles) if number == 0 or roles[number - 1] != role]
