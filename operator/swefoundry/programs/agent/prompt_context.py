"""What a role is told, as the variables of its prompt, and which drafts it may not propose; pure."""

from dataclasses import dataclass

from swefoundry.contracts.draft import Draft
from swefoundry.contracts.round_outcome import RoundOutcome
from swefoundry.contracts.transcript import AgentRole
from swefoundry.programs.agent.answers import ExplorerReport, Guidance
from swefoundry.programs.agent.failure_guidance import FailureGuidance, guidance_for
from swefoundry.programs.agent.inputs import AgentInputs, PastAttempt
from swefoundry.programs.agent.loop_detection import dockerfile_key, draft_key
from swefoundry.text.plurals import ordinal

MAX_TURNS_BY_ROLE: dict[AgentRole, int] = {"explorer": 16, "environment": 12, "tests": 12, "analyst": 8}
"""Most turns of a role in one pod, where no budget says less."""
REUSE = "reuse"
MAX_ATTEMPTS_IN_PROMPT = 3
"""Failed drafts that are shown whole, newest last."""

BUILD_FAILURES = frozenset(
    {
        RoundOutcome.DOCKERFILE_INVALID,
        RoundOutcome.POLICY_REFUSED,
        RoundOutcome.BASE_IMAGE_MISSING,
        RoundOutcome.STEP_FAILED,
        RoundOutcome.BUILD_TIME_LIMIT,
        RoundOutcome.BUILD_DISK_FULL,
        RoundOutcome.BUILD_OUT_OF_MEMORY,
    }
)
"""Outcomes that are the Dockerfile's alone: no other test command would change them."""


@dataclass(frozen=True)
class PromptContext:
    """Where the loop stands when a role is asked."""

    inputs: AgentInputs
    report: ExplorerReport | None = None
    current: Draft | None = None
    """The draft to be changed; None when the first one is written."""
    guidance: Guidance | None = None
    tried_keys: tuple[str, ...] = ()
    """Keys of the drafts that agents wrote, as they wrote them."""

    @property
    def common_variables(self) -> dict[str, object]:
        """The variables that every role's opening has."""
        order = self.inputs.spec
        return {
            "repo": order.repo,
            "version": order.version or "",
            "language": order.language or "",
            "date": order.created_at.date().isoformat() if order.created_at else "",
            "brief": self.inputs.repo_summary,
            "test_files": self.inputs.facts.test_files,
        }

    @property
    def shows_outcomes(self) -> bool:
        """Whether roles are told how rounds ended."""
        return not self.inputs.spec.ablation.no_feedback

    @property
    def failed_attempts(self) -> tuple[PastAttempt, ...]:
        """Earlier drafts to show with how they ended; the current one is shown apart."""
        if not self.shows_outcomes:
            return ()
        return tuple(each for each in self.inputs.attempts if each.draft != self.current)[
            -MAX_ATTEMPTS_IN_PROMPT:
        ]

    @property
    def draft_number(self) -> int:
        """Told only where outcomes are not: else two rounds would ask the very same question."""
        return 0 if self.shows_outcomes else len(self.inputs.attempts) + 1

    def turn_limit(self, role: AgentRole) -> tuple[int, str]:
        """A role's most turns, and how to change it."""
        wanted = self.inputs.spec.allowance.turns_per_role
        if wanted is None:
            return MAX_TURNS_BY_ROLE[role], "the usual limit; spec.budget.turnsPerRole sets another"
        return wanted, "spec.budget.turnsPerRole"

    def repeated_dockerfile(self, dockerfile: str) -> str:
        """A sentence when this Dockerfile cannot lead to anything new; else empty."""
        key = dockerfile_key(dockerfile)
        for each in self._built_attempts:
            if each.past.outcome in BUILD_FAILURES and dockerfile_key(each.draft.dockerfile) == key:
                return f"This very Dockerfile was built in round {ordinal(each.past.number)} and failed; change it."
        asked = self.guidance is not None and self.guidance.route == "environment"
        if asked and self.current is not None and dockerfile_key(self.current.dockerfile) == key:
            return "This is the current Dockerfile without a change; do what the guidance says."
        return ""

    def repeated_draft(self, draft: Draft) -> str:
        """A sentence when this draft was tried; else empty."""
        key = draft_key(draft)
        tried = next(
            (
                f"in round {ordinal(each.past.number)}"
                for each in self._built_attempts
                if draft_key(each.draft) == key
            ),
            "",
        )
        if not tried and key in self.tried_keys:
            tried = "before"
        if not tried:
            return ""
        return (
            f"This very draft was tried {tried} and was not accepted; "
            "change the test command, its reports or its error exit codes."
        )

    @property
    def _built_attempts(self) -> tuple[PastAttempt, ...]:
        """Rounds that built their Dockerfile; a reused image says nothing about building its draft anew."""
        return tuple(each for each in self.inputs.attempts if each.past.strategy != REUSE)


def guidance_for_attempt(attempt: PastAttempt) -> FailureGuidance:
    """What the end of a round asks for."""
    return guidance_for(attempt.past.outcome, attempt.past.message)
