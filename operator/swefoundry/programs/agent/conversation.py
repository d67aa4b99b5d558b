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
from swefoundry.programs.agent.agent_exit import AgentExit, BudgetSpent, MalformedAnswers
from swefoundry.programs.agent.answers import AnswerT, answer_schema, parse_answer
from swefoundry.programs.agent.llm.messages import Message, ModelClient, Reply, Request
from swefoundry.programs.agent.loop_detection import call_key
from swefoundry.programs.agent.prompts import render_prompt
from swefoundry.programs.agent.repo.tools import RepoTools
from swefoundry.programs.agent.transcript_recorder import TranscriptRecorder

MAX_CORRECTIONS = 3
"""So often an answer that cannot be used is asked for again before the next model is taken."""
MAX_REPEATED_CALLS = 3
"""So many repeated tool calls are answered in words; then the role has to answer."""
MAX_CALLS_PER_TURN = 8


class TurnLimitReached(BudgetSpent):
    """A role used all its turns without an answer."""


@dataclass(frozen=True)
class InvalidAnswer:
    """What is wrong with an answer: told to the model, and at last to a person."""

    message: str
    exit_type: type[AgentExit] = MalformedAnswers


@dataclass(frozen=True)
class RoleTask(Generic[AnswerT]):
    """What one conversation is about."""

    role: AgentRole
    opening: str
    """What the role is told first, after the system prompt."""
    answer_type: type[AnswerT]
    check: Callable[[AnswerT], InvalidAnswer | None]
    max_turns: int
    """Most turns; a hard limit."""
    limit_source: str = ""
    """How to raise the limit."""


@dataclass(frozen=True)
class AgentDeps:
    """What all conversations of a pod share."""

    model_client: ModelClient
    recorder: TranscriptRecorder


class Conversation(Generic[AnswerT]):
    """One role's talk with the models, from its opening to its answer."""

    def __init__(self, deps: AgentDeps, task: RoleTask[AnswerT], toolbox: RepoTools | None = None) -> None:
        self._deps = deps
        self._task = task
        self._toolbox = toolbox
        self._messages = [
            Message("system", render_prompt(f"{task.role}.md")),
            Message("user", task.opening),
        ]
        self._last_valid = len(self._messages)
        self._turns = 0
        self._invalid_answers = 0
        self._calls: Counter[str] = Counter()
        self._last_invalid: InvalidAnswer | None = None
        self._note = ""

    async def answer(self) -> AnswerT:
        """The answer that fits; else one of the stops."""
        while True:
            reply = await self._ask()
            self._messages.append(reply.message)
            fault = self._run_calls(reply) if reply.message.calls else None
            if reply.message.calls and fault is None:
                self._last_valid = len(self._messages)
                continue
            if fault is None:
                found = self._check_answer(reply)
                if not isinstance(found, InvalidAnswer):
                    return found
                fault = found
            self._reject(fault)

    async def _ask(self) -> Reply:
        brief = self._task
        if self._turns >= brief.max_turns:
            last = f" The last problem: {self._last_invalid.message}" if self._last_invalid else ""
            raise TurnLimitReached(
                f"the {brief.role} role used its {brief.max_turns} turns ({brief.limit_source}) without an answer "
                f"that can be used.{last}"
            )
        self._turns += 1
        if self._turns == brief.max_turns and self._turns > 1:
            self._messages.append(
                Message("user", "This is your last turn: give the final answer now, call no tool.")
            )
        tools = self._toolbox.tools if self._toolbox else ()
        request = Request(brief.role, tuple(self._messages), tools, answer_schema(brief.answer_type))
        reply = await self._deps.model_client.ask(request)
        self._deps.recorder.record(brief.role, request, reply, self._note)
        self._note = ""
        return reply

    def _run_calls(self, reply: Reply) -> InvalidAnswer | None:
        """Answer every call, as endpoints demand; a fault when no call was of use."""
        useful = 0
        for number, call in enumerate(reply.message.calls):
            key = call_key(call.name, call.arguments)
            self._calls[key] += 1
            if self._toolbox is None:
                said = "Error: there are no tools here; give the final answer."
            elif number >= MAX_CALLS_PER_TURN:
                said = f"Error: at most {MAX_CALLS_PER_TURN} calls in one turn; this one was not run."
            elif self._calls[key] > 2:
                said = "Error: you have made this very call twice already, and nothing has changed since."
            else:
                useful += 1
                said = self._toolbox.run(call)
                if self._calls[key] == 2:
                    said = f"You made this call before; nothing has changed.\n{said}"
            self._messages.append(Message("tool", said, call_id=call.id))
        if self._toolbox is None:
            return InvalidAnswer("There are no tools in this conversation; give the final answer.")
        if useful == 0 or self._repeated_calls() >= MAX_REPEATED_CALLS:
            return InvalidAnswer(
                "Your tool calls repeat themselves; give the final answer with what you have found."
            )
        return None

    def _repeated_calls(self) -> int:
        return sum(count - 1 for count in self._calls.values())

    def _check_answer(self, reply: Reply) -> AnswerT | InvalidAnswer:
        found = parse_answer(self._task.answer_type, reply.message.text)
        if isinstance(found, str):
            cut = (
                " Your answer reached the longest length that is allowed: be shorter."
                if reply.truncated
                else ""
            )
            return InvalidAnswer(found + cut)
        return self._task.check(found) or found

    def _reject(self, invalid: InvalidAnswer) -> None:
        self._last_invalid = invalid
        self._invalid_answers += 1
        if self._invalid_answers <= MAX_CORRECTIONS:
            said = f"This answer cannot be used. {invalid.message}\nGive the whole answer again, corrected."
            self._messages.append(Message("user", said))
            self._note = f"asked again: {invalid.message}"
            return
        if not self._deps.model_client.use_next_model():
            raise invalid.exit_type(
                f"the {self._task.role} role gave no answer that can be used: {invalid.message}"
            )
        # The next model starts without the muddle. The sentence also makes the request another one than before, so
        # that the turn store does not answer it.
        said = f"An earlier attempt at this was refused {self._invalid_answers} times. {invalid.message}"
        self._messages = [*self._messages[: self._last_valid], Message("user", said)]
        self._invalid_answers = 0
        self._calls.clear()
        self._note = f"next model: {invalid.message}"
