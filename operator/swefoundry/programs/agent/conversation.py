"""The conversation of one role with the models, from its first message to an answer that passes its check.

::

    ask ─> tool calls? ──yes─> run them ────────────────────────┐
     ^       │ no                                               │
     │    valid answer? ──yes─> done                            │
     │       │ no: of an answer that can be used, once ─────────┤   then done, whatever comes
     │       │                                                  │
     │    corrected 3 times? ──no─> say what is wrong ──────────┤   only that is asked again
     │       │ yes                                              │
     │    next model? ──yes─> drop messages after last valid ───┤
     │       │ no                                               │
     │    MalformedAnswers or RepeatedDrafts                    │
     └──────────────────────────────────────────────────────────┘

Every turn counts against one limit; a role that reaches it without an answer ends with TurnLimitReached.
"""

from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Generic

from swefoundry.contracts.transcript import AgentRole
from swefoundry.programs.agent.agent_exit import AgentExit, BudgetSpent, MalformedAnswers
from swefoundry.programs.agent.answers import AnswerT, answer_schema, parse_answer
from swefoundry.programs.agent.llm.messages import Message, ModelClient, Reply, Request
from swefoundry.programs.agent.loop_detection import call_key
from swefoundry.programs.agent.prompt_templates import render_prompt
from swefoundry.programs.agent.repo.tools import RepoTools
from swefoundry.programs.agent.transcript_recorder import TranscriptRecorder

MAX_CORRECTIONS = 3
"""Corrections of invalid answers before the next model is used."""
MAX_REPEATED_CALLS = 3
"""After this many repeated tool calls, the role has to give its answer."""
MAX_CALLS_PER_TURN = 8


class TurnLimitReached(BudgetSpent):
    """A role used all its turns without a valid answer."""


@dataclass(frozen=True)
class InvalidAnswer:
    """What is wrong with an answer, or missing in it."""

    message: str
    """For the model; for a person when no model is left."""
    exit_type: type[AgentExit] = MalformedAnswers
    kept: dict[str, object] = field(default_factory=dict)
    """Fields that are good: only the others are asked again."""
    usable: bool = False
    """The answer can be used. A better one is asked for once."""


@dataclass(frozen=True)
class RoleTask(Generic[AnswerT]):
    """The task of one conversation."""

    role: AgentRole
    opening: str
    """The first user message."""
    answer_type: type[AnswerT]
    check: Callable[[AnswerT], InvalidAnswer | None]
    max_turns: int
    limit_source: str = ""
    """Where the limit comes from, and how to raise it."""
    system_prompt: str = ""
    """File of the system prompt; empty: the one with the role's name."""
    look_up: Callable[[AnswerT], Awaitable[InvalidAnswer | None]] | None = None
    """A check that asks the network; of answers that pass the other one."""


@dataclass(frozen=True)
class AgentDeps:
    """What all conversations of an agent run share."""

    model_client: ModelClient
    recorder: TranscriptRecorder


class Conversation(Generic[AnswerT]):
    """One role's messages, tool calls and corrections."""

    def __init__(self, deps: AgentDeps, task: RoleTask[AnswerT], toolbox: RepoTools | None = None) -> None:
        self._deps = deps
        self._task = task
        self._toolbox = toolbox
        self._messages = [
            Message("system", render_prompt(task.system_prompt or f"{task.role}.md")),
            Message("user", task.opening),
        ]
        self._last_valid = len(self._messages)
        self._turns = 0
        self._invalid_answers = 0
        self._calls: Counter[str] = Counter()
        self._last_invalid: InvalidAnswer | None = None
        self._kept: dict[str, object] = {}
        self._usable: AnswerT | None = None
        self._note = ""

    async def answer(self) -> AnswerT:
        """The first answer that passes the check. Raises an AgentExit when there is none."""
        while True:
            try:
                answer = await self._next_answer()
            except BudgetSpent:
                answer = self._usable
                if answer is None:
                    raise
            if answer is not None:
                return answer

    async def _next_answer(self) -> AnswerT | None:
        """The answer in the next reply; None when another reply is needed."""
        usable = self._usable
        reply = await self._ask()
        self._messages.append(reply.message)
        invalid = self._run_calls(reply) if reply.message.calls else None
        if reply.message.calls and invalid is None:
            self._last_valid = len(self._messages)
            return None
        if invalid is None:
            answer = await self._check_answer(reply)
            if not isinstance(answer, InvalidAnswer):
                return answer
            invalid = answer
        if usable is None:
            self._reject(invalid)
        return usable

    async def _ask(self) -> Reply:
        task = self._task
        if self._turns >= task.max_turns:
            last = f" The last problem: {self._last_invalid.message}" if self._last_invalid else ""
            raise TurnLimitReached(
                f"the {task.role} role used its {task.max_turns} turns ({task.limit_source}) without an answer "
                f"that can be used.{last}"
            )
        self._turns += 1
        if self._turns == task.max_turns and self._turns > 1:
            self._messages.append(
                Message("user", "This is your last turn: give the final answer now, call no tool.")
            )
        tools = self._toolbox.tools if self._toolbox else ()
        schema = answer_schema(task.answer_type, without=self._kept)
        request = Request(task.role, tuple(self._messages), tools, schema)
        reply = await self._deps.model_client.ask(request)
        self._deps.recorder.record(task.role, request, reply, self._note)
        self._note = ""
        return reply

    def _run_calls(self, reply: Reply) -> InvalidAnswer | None:
        """Answer every call, as endpoints require; an InvalidAnswer when the calls lead nowhere."""
        useful = 0
        for number, call in enumerate(reply.message.calls):
            key = call_key(call.name, call.arguments)
            self._calls[key] += 1
            if self._toolbox is None:
                result = "Error: there are no tools here; give the final answer."
            elif number >= MAX_CALLS_PER_TURN:
                result = f"Error: at most {MAX_CALLS_PER_TURN} calls in one turn; this one was not run."
            elif self._calls[key] > 2:
                result = "Error: you have made this very call twice already, and nothing has changed since."
            else:
                useful += 1
                result = self._toolbox.run(call)
                if self._calls[key] == 2:
                    result = f"You made this call before; nothing has changed.\n{result}"
            self._messages.append(Message("tool", result, call_id=call.id))
        if self._toolbox is None:
            return InvalidAnswer("There are no tools in this conversation; give the final answer.")
        if useful == 0 or self._repeated_calls() >= MAX_REPEATED_CALLS:
            return InvalidAnswer(
                "Your tool calls repeat themselves; give the final answer with what you have found."
            )
        return None

    def _repeated_calls(self) -> int:
        return sum(count - 1 for count in self._calls.values())

    async def _check_answer(self, reply: Reply) -> AnswerT | InvalidAnswer:
        answer = parse_answer(self._task.answer_type, reply.message.text, self._kept)
        if isinstance(answer, str):
            truncated = " Your answer reached the longest length that is allowed: be shorter."
            return InvalidAnswer(answer + truncated if reply.truncated else answer)
        invalid = await self._problem_of(answer)
        self._kept = invalid.kept if invalid else {}
        if invalid is None or (invalid.usable and self._usable is not None):
            return answer
        if invalid.usable:
            self._usable = answer
        return invalid

    async def _problem_of(self, answer: AnswerT) -> InvalidAnswer | None:
        task = self._task
        problem = task.check(answer)
        if task.look_up is None or (problem is not None and not problem.usable):
            return problem
        return await task.look_up(answer) or problem

    def _reject(self, invalid: InvalidAnswer) -> None:
        self._last_invalid = invalid
        self._invalid_answers += 1
        if self._invalid_answers <= MAX_CORRECTIONS:
            verdict = "This answer lacks something." if invalid.usable else "This answer cannot be used."
            correction = f"{verdict} {invalid.message}\n{self._what_to_give()}"
            self._messages.append(Message("user", correction))
            self._note = f"asked again: {invalid.message}"
            return
        if not self._deps.model_client.use_next_model():
            raise invalid.exit_type(
                f"the {self._task.role} role gave no answer that can be used: {invalid.message}"
            )
        # The next model starts without the invalid answers. The note also gives the request another digest, so that
        # the response store does not answer it.
        note = f"An earlier attempt at this was refused {self._invalid_answers} times. {invalid.message}"
        self._messages = [*self._messages[: self._last_valid], Message("user", note)]
        self._invalid_answers, self._kept = 0, {}
        self._calls.clear()
        self._note = f"next model: {invalid.message}"

    def _what_to_give(self) -> str:
        if not self._kept:
            return "Give the whole answer again, corrected."
        fields = [f"`{name}`" for name in self._task.answer_type.model_fields if name not in self._kept]
        return (
            f"Give {', '.join(fields)} again, corrected. The other fields stay as they are and have to fit."
        )
