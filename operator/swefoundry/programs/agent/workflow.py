"""The order in which the roles work on one draft.

::

    first draft (no agents' round yet, or spec.ablation.noFeedback)
        no draft to start from ─> explorer ─> environment ─> draft   Dockerfile and commands in one answer
        a recipe's or a proven one ─────────> environment ─> draft   it reads the source itself
    after an agents' round
        outcome ─> analyst ──ends the search──> GaveUp, RowAtFault
                    │ ^ └─ explorer ─┐
                    │ └──────────────┘ once
                    ├─ environment ───> environment ──────────> draft   the commands stay
                    ├─ environment ───> environment ─> tests ─> draft   both have to change
                    └─ tests ────────────────────────> tests ─> draft

The Test Manager is asked after a change of the Dockerfile when the analyst has instructions for it, or when the change
concerns what the commands name.
"""

from dataclasses import dataclass

from swefoundry.contracts.draft import Draft
from swefoundry.programs.agent.agent_exit import GaveUp, RepeatedDrafts, RowAtFault
from swefoundry.programs.agent.answers import Guidance
from swefoundry.programs.agent.command_dependencies import change_concerns_commands
from swefoundry.programs.agent.conversation import AgentDeps
from swefoundry.programs.agent.inputs import AgentInputs, PastAttempt
from swefoundry.programs.agent.llm.hooks import ReportProgress
from swefoundry.programs.agent.loop_detection import LoopReaction, draft_key, failure_signature, loop_reaction
from swefoundry.programs.agent.prompt_context import PromptContext, SourceReader
from swefoundry.programs.agent.roles.analyst import Analysis, run_analyst
from swefoundry.programs.agent.roles.environment import run_environment_manager, write_first_draft
from swefoundry.programs.agent.roles.explorer import run_explorer
from swefoundry.programs.agent.roles.tests import run_test_manager
from swefoundry.programs.agent.state import AgentState, PastGuidance
from swefoundry.text.plurals import ordinal

MAX_LABEL_CHARACTERS = 200


@dataclass(frozen=True)
class WrittenDraft:
    """The result of the workflow."""

    draft: Draft
    label: str
    claimed: bool | None
    """Whether the author of the commands expects that the draft will be accepted; None: they were not changed."""


class DraftWorkflow:
    """Writes one draft. Afterwards ``state`` is what the next agent pod needs."""

    def __init__(
        self, inputs: AgentInputs, state: AgentState, deps: AgentDeps, progress: ReportProgress
    ) -> None:
        self._inputs = inputs
        self._deps = deps
        self._progress = progress
        self.state = state

    async def next_draft(self) -> WrittenDraft:
        """The draft. Raises an AgentExit when there is none."""
        for _ in range(self.state.rung):
            self._deps.model_client.use_next_model()
        last = self._inputs.agent_attempts[-1] if self._inputs.agent_attempts else None
        occurrences = self._count_same_failure()
        if last is None or self._inputs.spec.ablation.no_feedback:
            return await self._first_draft()
        return await self._draft_after(last, occurrences)

    async def _first_draft(self) -> WrittenDraft:
        context = self._context()
        if context.report is None and context.source_reader is SourceReader.EXPLORER:
            await self._explore(context)
        self._progress("the environment manager writes a Dockerfile and the commands")
        draft, answer = await write_first_draft(self._deps, self._context())
        return self._written(draft, "first draft", answer.note, answer.claimed)

    async def _draft_after(self, last: PastAttempt, occurrences: int) -> WrittenDraft:
        guidance = await self._ask_analyst(last, occurrences)
        if guidance.route == "explorer" and not guidance.ends_the_search:
            await self._explore(self._context(last.draft, guidance))
            guidance = await self._ask_analyst(last, occurrences, explored=True)
        if guidance.row_at_fault:
            raise RowAtFault(guidance.reason)
        if guidance.give_up:
            raise GaveUp(guidance.reason)
        return await self._change_draft(last.draft, guidance, f"after {last.past.outcome.value}")

    def _context(self, current: Draft | None = None, guidance: Guidance | None = None) -> PromptContext:
        return PromptContext(self._inputs, self.state.report, current, guidance, tuple(self.state.written))

    async def _explore(self, context: PromptContext) -> None:
        if self._inputs.spec.ablation.no_explorer:
            return
        self._progress("the explorer looks at the repository")
        self._update_state(report=await run_explorer(self._deps, context))

    async def _ask_analyst(self, last: PastAttempt, occurrences: int, explored: bool = False) -> Guidance:
        self._progress(
            f"the analyst reads how round {ordinal(last.past.number)} ended: {last.past.outcome.value}"
        )
        analysis = Analysis(last, tuple(self.state.advised), occurrences, explored)
        guidance = await run_analyst(self._deps, self._context(last.draft), analysis)
        past = PastGuidance(round=last.past.number, outcome=last.past.outcome.value, guidance=guidance)
        earlier = [each for each in self.state.advised if each.round != past.round]
        self._update_state(advised=[*earlier, past])
        return guidance

    async def _change_draft(self, current: Draft, guidance: Guidance, why: str) -> WrittenDraft:
        """The current draft, changed by those whom the guidance is for."""
        context = self._context(current, guidance)
        if guidance.route == "tests":
            return await self._ask_test_manager(context, current, why)
        self._progress("the environment manager changes the Dockerfile")
        environment = await run_environment_manager(self._deps, context)
        changed = current.model_copy(update={"dockerfile": environment.dockerfile})
        commands_stay = (
            not guidance.test_instructions.strip()
            and not change_concerns_commands(current, environment.dockerfile)
            and not context.repeated_draft(changed)
        )
        if commands_stay:
            return self._written(changed, why, environment.note, claimed=None)
        return await self._ask_test_manager(context, changed, why, environment.note)

    async def _ask_test_manager(
        self, context: PromptContext, current: Draft, why: str, note: str = ""
    ) -> WrittenDraft:
        self._progress("the test manager changes the commands")
        draft, command = await run_test_manager(self._deps, context, current)
        return self._written(draft, why, note or command.note, command.claimed)

    def _written(self, draft: Draft, why: str, note: str, claimed: bool | None) -> WrittenDraft:
        self._update_state(draft=draft, written=[*self.state.written, draft_key(draft)])
        label = f"{self._deps.model_client.model}, {why}: {' '.join(note.split())}"
        return WrittenDraft(draft, label.rstrip(": ")[:MAX_LABEL_CHARACTERS], claimed)

    def _count_same_failure(self) -> int:
        """How often the last failure occurred. On repetition uses the next model, or raises RepeatedDrafts."""
        # Signatures of earlier rounds are kept, because the spec may have shortened the messages of those rounds.
        known, attempts = self.state.signatures, self._inputs.agent_attempts
        new = [
            failure_signature(each.past.outcome.value, each.past.message) for each in attempts[len(known) :]
        ]
        signatures = [*known[: len(attempts)], *new]
        self._update_state(signatures=signatures)
        reaction = loop_reaction(signatures)
        occurrences = signatures.count(signatures[-1]) if signatures else 0
        if reaction is LoopReaction.CONTINUE or self._deps.model_client.use_next_model():
            return occurrences
        if reaction is LoopReaction.NEXT_MODEL_OR_STOP:
            raise RepeatedDrafts(_loop_message(attempts[-1], occurrences))
        return occurrences

    def _update_state(self, **fields: object) -> None:
        self.state = self.state.model_copy(update=fields)


def _loop_message(last: PastAttempt, occurrences: int) -> str:
    lines = [line.strip() for line in last.past.message.splitlines() if line.strip()]
    first_line = f": {lines[0][:300]}" if lines else ""
    return (
        f"{occurrences} different drafts ended in the same failure, {last.past.outcome.value}{first_line}; "
        "no other model is left to try"
    )
