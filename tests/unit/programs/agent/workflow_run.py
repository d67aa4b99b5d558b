"""Runs of the workflow against a scripted client, with the answers that tests share."""

from typing import Any

from swefoundry.contracts.round_outcome import RoundOutcome
from swefoundry.contracts.transcript import Transcript
from swefoundry.programs.agent.conversation import AgentDeps
from swefoundry.programs.agent.inputs import AgentInputs, PastAttempt
from swefoundry.programs.agent.state import AgentState
from swefoundry.programs.agent.transcript_recorder import TranscriptRecorder
from swefoundry.programs.agent.workflow import DraftWorkflow, WrittenDraft
from unit.programs.agent.agent_inputs import (
    FIRST_DRAFT,
    REPORT,
    a_past_attempt,
    dockerfile_with,
)
from unit.programs.agent.scripted_model_client import ScriptedAnswer, ScriptedModelClient

WITH_XML = dockerfile_with("RUN apt-get install -y libxml2-dev")
GCC = "error: command 'gcc' failed"
FAILED = a_past_attempt(0, RoundOutcome.STEP_FAILED, GCC)
TO_ENVIRONMENT = {"reason": GCC, "route": "environment", "instructions": "Install libxml2-dev."}
TO_TESTS = {"reason": "no report", "route": "tests", "instructions": "Write report.xml."}
AT_FAULT = {"row_at_fault": True, "reason": "add() has no such argument."}
TESTED = PastAttempt(
    FAILED.past.model_copy(update={"outcome": RoundOutcome.AFTER_FAILED, "codes": {"before": 1, "after": 1}}),
    FAILED.draft,
)
FIRST: dict[str, list[ScriptedAnswer]] = {
    "explorer": [REPORT],
    "environment": [FIRST_DRAFT],
}


class WorkflowRun:
    """One run of the workflow against a scripted client."""

    def __init__(
        self,
        inputs: AgentInputs,
        answers: dict[str, list[ScriptedAnswer]],
        state: AgentState | None = None,
        **more: Any,
    ) -> None:
        self.client = ScriptedModelClient(answers, more.get("models", ("small",)))
        recorder = TranscriptRecorder(Transcript(conversation="c"), len(inputs.attempts), self.client.redact)
        self.progress: list[str] = []
        self.workflow = DraftWorkflow(
            inputs, state or AgentState(), AgentDeps(self.client, recorder), self.progress.append
        )

    async def draft(self) -> WrittenDraft:
        return await self.workflow.next_draft()

    def opening(self, role: str) -> str:
        return next(request.messages[1].text for request in self.client.requests if request.role == role)
