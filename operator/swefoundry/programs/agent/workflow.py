"""Which roles speak in one turn of the loop, and in which order?

::

    first draft (no round of ours yet, or no feedback wanted)
        brief ─> explorer ─────────────> environment ─> tests ─> draft
    after a round of ours
        outcome ─> analyst ──gives up──> GaveUp
                     ├─ explorer ──────> environment ─> tests ─> draft
                     ├─ environment ───> environment ─> tests ─> draft
                     └─ tests ────────────────────────> tests ─> draft

The Test Manager always speaks last: a command that was made for one Dockerfile is not believed to fit another.
"""

from collections.abc import Callable
from dataclasses import dataclass

from swefoundry.contracts.draft import Draft
from swefoundry.programs.agent.agent_exit import GaveUp, RepeatedDrafts
from swefoundry.programs.agent.answers import Guidance
from swefoundry.programs.agent.conversation import AgentDeps
from swefoundry.programs.agent.inputs import AgentInputs, PastAttempt
from swefoundry.programs.agent.loop_detection import LoopReaction, draft_key, failure_signature, loop_reaction
from swefoundry.programs.agent.prompt_context import PromptContext
from swefoundry.programs.agent.roles.analyst import run_analyst
from swefoundry.programs.agent.roles.environment import run_environment_manager
from swefoundry.programs.agent.roles.explorer import run_explorer
from swefoundry.programs.agent.roles.tests import run_test_manager
from swefoundry.programs.agent.state import AgentState, PastGuidance
from swefoundry.text.plurals import ordinal

WorkflowProgress = Callable[[str], None]
MAX_LABEL_CHARACTERS = 200


@dataclass(frozen=True)
class WrittenDraft:
    """What a turn of the loop came to."""

    draft: Draft
    label: str
    claimed: bool


class DraftWorkflow:
    """One turn of the loop. ``state`` is what the next one needs, once the draft is written."""

    def __init__(
        self, inputs: AgentInputs, state: AgentState, deps: AgentDeps, progress: WorkflowProgress
    ) -> None:
        self._inputs = inputs
        self._deps = deps
        self._progress = progress
        self.state = state

    async def next_draft(self) -> WrittenDraft:
        """The draft; else one of the stops."""
        for _ in range(self.state.rung):
            self._deps.model_client.use_next_model()
        last = self._inputs.agent_attempts[-1] if self._inputs.agent_attempts else None
        times = self._count_same_failure()
        if last is None or self._inputs.spec.ablation.no_feedback:
            return await self._first_draft()
        return await self._draft_after(last, times)

    async def _first_draft(self) -> WrittenDraft:
        if self.state.report is None:
            await self._explore(self._context())
        return await self._write_draft(self._context(), "first draft")

    async def _draft_after(self, last: PastAttempt, times: int) -> WrittenDraft:
        guidance = await self._ask_analyst(self._context(last.draft), last, times)
        if guidance.give_up:
            raise GaveUp(guidance.reason)
        if guidance.route == "explorer":
            await self._explore(self._context(last.draft, guidance))
        return await self._write_draft(
            self._context(last.draft, guidance), f"after {last.past.outcome.value}"
        )

    def _context(self, current: Draft | None = None, guidance: Guidance | None = None) -> PromptContext:
        return PromptContext(self._inputs, self.state.report, current, guidance, tuple(self.state.written))

    async def _explore(self, context: PromptContext) -> None:
        if self._inputs.spec.ablation.no_explorer:
            return
        self._progress("the explorer looks at the repository")
        self._update_state(report=await run_explorer(self._deps, context))

    async def _ask_analyst(self, context: PromptContext, last: PastAttempt, times: int) -> Guidance:
        self._progress(
            f"the analyst reads how round {ordinal(last.past.number)} ended: {last.past.outcome.value}"
        )
        found = await run_analyst(self._deps, context, last, self.state.advised, times)
        said = PastGuidance(round=last.past.number, outcome=last.past.outcome.value, guidance=found)
        earlier = [each for each in self.state.advised if each.round != said.round]
        self._update_state(advised=[*earlier, said])
        return found

    async def _write_draft(self, context: PromptContext, why: str) -> WrittenDraft:
        note, dockerfile = "", context.current.dockerfile if context.current else ""
        if context.current is None or context.guidance is None or context.guidance.route != "tests":
            self._progress("the environment manager writes a Dockerfile")
            environment = await run_environment_manager(self._deps, context)
            note, dockerfile = environment.note, environment.dockerfile
        self._progress("the test manager writes the commands")
        draft, command = await run_test_manager(self._deps, context, dockerfile)
        self._update_state(draft=draft, written=[*self.state.written, draft_key(draft)])
        label = f"{self._deps.model_client.model}, {why}: {' '.join((note or command.note).split())}"
        return WrittenDraft(draft, label.rstrip(": ")[:MAX_LABEL_CHARACTERS], command.claimed)

    def _count_same_failure(self) -> int:
        """How often the last failure has been seen; takes the next model, or stops, when it is too often."""
        # Signatures of earlier rounds are kept: an order may have shortened what those rounds said.
        known, ours = self.state.signatures, self._inputs.agent_attempts
        new = [failure_signature(each.past.outcome.value, each.past.message) for each in ours[len(known) :]]
        signatures = [*known[: len(ours)], *new]
        self._update_state(signatures=signatures)
        step = loop_reaction(signatures)
        times = signatures.count(signatures[-1]) if signatures else 0
        if step is LoopReaction.CONTINUE or self._deps.model_client.use_next_model():
            return times
        if step is LoopReaction.NEXT_MODEL_OR_STOP:
            raise RepeatedDrafts(_loop_message(self._inputs.agent_attempts[-1], times))
        return times

    def _update_state(self, **fields: object) -> None:
        self.state = self.state.model_copy(update=fields)


def _loop_message(last: PastAttempt, times: int) -> str:
    lines = [line.strip() for line in last.past.message.splitlines() if line.strip()]
    said = f": {lines[0][:300]}" if lines else ""
    return (
        f"{times} different drafts ended in the same failure, {last.past.outcome.value}{said}; "
        "no model is left to ask"
    )
