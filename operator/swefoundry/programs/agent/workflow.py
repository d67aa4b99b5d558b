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
from swefoundry.programs.agent.agent_exit import GaveUp, Repeated
from swefoundry.programs.agent.answers import Guidance
from swefoundry.programs.agent.conversation import Panel
from swefoundry.programs.agent.inputs import Attempted, Case
from swefoundry.programs.agent.loop_detection import Step, advice, draft_key, signature
from swefoundry.programs.agent.prompt_context import Situation
from swefoundry.programs.agent.roles.analyst import analyse
from swefoundry.programs.agent.roles.environment import draft_environment
from swefoundry.programs.agent.roles.explorer import explore
from swefoundry.programs.agent.roles.tests import draft_command
from swefoundry.programs.agent.state import Advised, State
from swefoundry.text.plurals import ordinal

Say = Callable[[str], None]
LABEL_CHARACTERS = 200


@dataclass(frozen=True)
class Drafted:
    """What a turn of the loop came to."""

    draft: Draft
    label: str
    claimed: bool


class Story:
    """One turn of the loop. ``state`` is what the next one needs, once the draft is written."""

    def __init__(self, case: Case, state: State, panel: Panel, say: Say) -> None:
        self._case = case
        self._panel = panel
        self._say = say
        self.state = state

    async def next_draft(self) -> Drafted:
        """The draft; else one of the stops."""
        for _ in range(self.state.rung):
            self._panel.speaker.escalate()
        last = self._case.ours[-1] if self._case.ours else None
        times = self._same_failure()
        if last is None or self._case.order.ablation.no_feedback:
            return await self._first()
        return await self._after(last, times)

    async def _first(self) -> Drafted:
        if self.state.report is None:
            await self._explore(self._now())
        return await self._drafted(self._now(), "first draft")

    async def _after(self, last: Attempted, times: int) -> Drafted:
        guidance = await self._guidance(self._now(last.draft), last, times)
        if guidance.give_up:
            raise GaveUp(guidance.reason)
        if guidance.route == "explorer":
            await self._explore(self._now(last.draft, guidance))
        return await self._drafted(self._now(last.draft, guidance), f"after {last.past.outcome.value}")

    def _now(self, current: Draft | None = None, guidance: Guidance | None = None) -> Situation:
        return Situation(self._case, self.state.report, current, guidance, tuple(self.state.written))

    async def _explore(self, now: Situation) -> None:
        if self._case.order.ablation.no_explorer:
            return
        self._say("the explorer looks at the repository")
        self._keep(report=await explore(self._panel, now))

    async def _guidance(self, now: Situation, last: Attempted, times: int) -> Guidance:
        self._say(f"the analyst reads how round {ordinal(last.past.number)} ended: {last.past.outcome.value}")
        found = await analyse(self._panel, now, last, self.state.advised, times)
        said = Advised(round=last.past.number, outcome=last.past.outcome.value, guidance=found)
        earlier = [each for each in self.state.advised if each.round != said.round]
        self._keep(advised=[*earlier, said])
        return found

    async def _drafted(self, now: Situation, why: str) -> Drafted:
        note, dockerfile = "", now.current.dockerfile if now.current else ""
        if now.current is None or now.guidance is None or now.guidance.route != "tests":
            self._say("the environment manager writes a Dockerfile")
            environment = await draft_environment(self._panel, now)
            note, dockerfile = environment.note, environment.dockerfile
        self._say("the test manager writes the commands")
        draft, command = await draft_command(self._panel, now, dockerfile)
        self._keep(draft=draft, written=[*self.state.written, draft_key(draft)])
        label = f"{self._panel.speaker.model}, {why}: {' '.join((note or command.note).split())}"
        return Drafted(draft, label.rstrip(": ")[:LABEL_CHARACTERS], command.claimed)

    def _same_failure(self) -> int:
        """How often the last failure has been seen; takes the next model, or stops, when it is too often."""
        # Signatures of earlier rounds are kept: an order may have shortened what those rounds said.
        known, ours = self.state.signatures, self._case.ours
        new = [signature(each.past.outcome.value, each.past.message) for each in ours[len(known) :]]
        signatures = [*known[: len(ours)], *new]
        self._keep(signatures=signatures)
        step = advice(signatures)
        times = signatures.count(signatures[-1]) if signatures else 0
        if step is Step.CARRY_ON or self._panel.speaker.escalate():
            return times
        if step is Step.STOP:
            raise Repeated(_circle(self._case.ours[-1], times))
        return times

    def _keep(self, **fields: object) -> None:
        self.state = self.state.model_copy(update=fields)


def _circle(last: Attempted, times: int) -> str:
    lines = [line.strip() for line in last.past.message.splitlines() if line.strip()]
    said = f": {lines[0][:300]}" if lines else ""
    return (
        f"{times} different drafts ended in the same failure, {last.past.outcome.value}{said}; "
        "no model is left to ask"
    )
