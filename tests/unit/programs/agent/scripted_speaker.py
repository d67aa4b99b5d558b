"""A speaker that answers from a script: what an endpoint, a turn store and a budget would be behind."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from swefoundry.contracts.models import Usage
from swefoundry.programs.agent.agent_exit import Stop
from swefoundry.programs.agent.llm.messages import Message, Reply, Request, ToolCall

ONE_TURN = Usage(turns=1, input_tokens=10, output_tokens=5, micro_usd=7)

Line = str | Message | Stop | dict[str, Any] | Callable[[Request], "Line"]
"""Text, a whole message, an answer's JSON, a stop to raise, or what makes one of them of the request."""


def calls(*wanted: tuple[str, dict[str, Any]]) -> Message:
    """An answer that calls tools."""
    return Message(
        "assistant",
        "",
        tuple(
            ToolCall(f"call-{number}", name, json.dumps(arguments))
            for number, (name, arguments) in enumerate(wanted)
        ),
    )


class ScriptedSpeaker:
    """Says each role's lines in their order; a line that is missing fails the test."""

    def __init__(self, lines: Mapping[str, Sequence[Line]], ladder: Sequence[str] = ("small",)) -> None:
        self._lines = {role: list(said) for role, said in lines.items()}
        self._ladder = list(ladder)
        self.rung = 0
        self.usage = Usage()
        self.requests: list[Request] = []

    async def ask(self, request: Request) -> Reply:
        self.requests.append(request)
        left = self._lines.get(request.role, [])
        assert left, (
            f"the script has no more lines for {request.role}; it was told: {request.messages[-1].text}"
        )
        return self._reply(left.pop(0), request)

    def _reply(self, line: Line, request: Request) -> Reply:
        if callable(line):
            return self._reply(line(request), request)
        if isinstance(line, Stop):
            raise line
        self.usage = self.usage.plus(ONE_TURN)
        if isinstance(line, dict):
            line = json.dumps(line)
        message = Message("assistant", line) if isinstance(line, str) else line
        return Reply(message, self.model, ONE_TURN)

    def escalate(self) -> bool:
        if self.rung + 1 >= len(self._ladder):
            return False
        self.rung += 1
        return True

    @property
    def model(self) -> str:
        return self._ladder[self.rung]

    def redact(self, text: str) -> str:
        return text.replace("sk-secret", "[redacted]")

    @property
    def unsaid(self) -> dict[str, int]:
        """How many lines of each role were not asked for."""
        return {role: len(left) for role, left in self._lines.items() if left}

    def told(self, role: str) -> list[str]:
        """The last message of each of a role's requests."""
        return [request.messages[-1].text for request in self.requests if request.role == role]

    def roles(self) -> list[str]:
        """Who spoke, each run of turns once."""
        said = [request.role for request in self.requests]
        return [role for number, role in enumerate(said) if number == 0 or said[number - 1] != role]
