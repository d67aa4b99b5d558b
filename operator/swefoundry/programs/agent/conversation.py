"""How does a role get its answer? Ask, run tools, check, ask again, take the next model, stop.

::

    ask ─> calls? ──yes─> run them ─────────────────────────────┐
     ^       │ no                                               │
     │    answer fits? ──yes─> done                             │
     │       │ no                                               │
     │    asked again 3 times? ──no─> say what is wrong ────────┤
     │       │ yes                                              │
     │    next model? ──yes─> back to the last sound point ─────┤
     │       │ no                                               │
     │    Malformed or Repeated                                 │
     └──────────────────────────────────────────────────────────┘

Every turn counts against one limit; a role that has used it up without an answer ends with BudgetSpent.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic

from swefoundry.contracts.transcript import AgentRole
from swefoundry.programs.agent.agent_exit import BudgetSpent, Malformed, Stop
from swefoundry.programs.agent.answers import A, read, schema
from swefoundry.programs.agent.llm.messages import Message, Reply, Request, Speaker
from swefoundry.programs.agent.loop_detection import call_key
from swefoundry.programs.agent.prompts import render
from swefoundry.programs.agent.repo.tools import Toolbox
from swefoundry.programs.agent.transcript_recorder import Scribe

REASKS = 3
"""So often an answer that cannot be used is asked for again before the next model is taken."""
REPEATED_CALLS = 3
"""So many repeated tool calls are answered in words; then the role has to answer."""
CALLS_A_TURN = 8


class OutOfTurns(BudgetSpent):
    """A role used all its turns without an answer."""


@dataclass(frozen=True)
class Fault:
    """What is wrong with an answer: told to the model, and at last to a person."""

    message: str
    stop: type[Stop] = Malformed


@dataclass(frozen=True)
class Brief(Generic[A]):
    """What one conversation is about."""

    role: AgentRole
    opening: str
    """What the role is told first, after the system prompt."""
    shape: type[A]
    check: Callable[[A], Fault | None]
    turns: int
    """Most turns; a hard limit."""
    limit_named: str = ""
    """How to raise the limit."""


@dataclass(frozen=True)
class Panel:
    """What all conversations of a pod share."""

    speaker: Speaker
    scribe: Scribe


class Conversation(Generic[A]):
    """One role's talk with the models, from its opening to its answer."""

    def __init__(self, panel: Panel, brief: Brief[A], toolbox: Toolbox | None = None) -> None:
        self._panel = panel
        self._brief = brief
        self._toolbox = toolbox
        self._messages = [
            Message("system", render(f"{brief.role}.md")),
            Message("user", brief.opening),
        ]
        self._sound = len(self._messages)
        self._turns = 0
        self._faults = 0
        self._calls: Counter[str] = Counter()
        self._last: Fault | None = None
        self._note = ""

    async def answer(self) -> A:
        """The answer that fits; else one of the stops."""
        while True:
            reply = await self._ask()
            self._messages.append(reply.message)
            fault = self._run_calls(reply) if reply.message.calls else None
            if reply.message.calls and fault is None:
                self._sound = len(self._messages)
                continue
            if fault is None:
                found = self._judged(reply)
                if not isinstance(found, Fault):
                    return found
                fault = found
            self._ask_again(fault)

    async def _ask(self) -> Reply:
        brief = self._brief
        if self._turns >= brief.turns:
            last = f" The last problem: {self._last.message}" if self._last else ""
            raise OutOfTurns(
                f"the {brief.role} role used its {brief.turns} turns ({brief.limit_named}) without an answer that can "
                f"be used.{last}"
            )
        self._turns += 1
        if self._turns == brief.turns and self._turns > 1:
            self._messages.append(
                Message("user", "This is your last turn: give the final answer now, call no tool.")
            )
        tools = self._toolbox.tools if self._toolbox else ()
        request = Request(brief.role, tuple(self._messages), tools, schema(brief.shape))
        reply = await self._panel.speaker.ask(request)
        self._panel.scribe.write(brief.role, request, reply, self._note)
        self._note = ""
        return reply

    def _run_calls(self, reply: Reply) -> Fault | None:
        """Answer every call, as endpoints demand; a fault when no call was of use."""
        useful = 0
        for number, call in enumerate(reply.message.calls):
            key = call_key(call.name, call.arguments)
            self._calls[key] += 1
            if self._toolbox is None:
                said = "Error: there are no tools here; give the final answer."
            elif number >= CALLS_A_TURN:
                said = f"Error: at most {CALLS_A_TURN} calls in one turn; this one was not run."
            elif self._calls[key] > 2:
                said = "Error: you have made this very call twice already, and nothing has changed since."
            else:
                useful += 1
                said = self._toolbox.run(call)
                if self._calls[key] == 2:
                    said = f"You made this call before; nothing has changed.\n{said}"
            self._messages.append(Message("tool", said, call_id=call.id))
        if self._toolbox is None:
            return Fault("There are no tools in this conversation; give the final answer.")
        if useful == 0 or self._repeats() >= REPEATED_CALLS:
            return Fault("Your tool calls repeat themselves; give the final answer with what you have found.")
        return None

    def _repeats(self) -> int:
        return sum(count - 1 for count in self._calls.values())

    def _judged(self, reply: Reply) -> A | Fault:
        found = read(self._brief.shape, reply.message.text)
        if isinstance(found, str):
            cut = " Your answer reached the longest length that is allowed: be shorter." if reply.cut else ""
            return Fault(found + cut)
        return self._brief.check(found) or found

    def _ask_again(self, fault: Fault) -> None:
        self._last = fault
        self._faults += 1
        if self._faults <= REASKS:
            said = f"This answer cannot be used. {fault.message}\nGive the whole answer again, corrected."
            self._messages.append(Message("user", said))
            self._note = f"asked again: {fault.message}"
            return
        if not self._panel.speaker.escalate():
            raise fault.stop(f"the {self._brief.role} role gave no answer that can be used: {fault.message}")
        # The next model starts without the muddle. The sentence also makes the request another one than before, so
        # that the turn store does not answer it.
        said = f"An earlier attempt at this was refused {self._faults} times. {fault.message}"
        self._messages = [*self._messages[: self._sound], Message("user", said)]
        self._faults = 0
        self._calls.clear()
        self._note = f"next model: {fault.message}"
