"""The variables of the roles' prompts, their turn limits, and the drafts that may not be proposed again. Pure."""

from dataclasses import dataclass
from datetime import timedelta
from enum import Enum

from swefoundry.contracts.agent import BuildAccess, PastRound
from swefoundry.contracts.build import CERTIFICATE_VARIABLES, JAVA_OPTIONS, SOURCE_DATE_VARIABLE
from swefoundry.contracts.draft import Draft
from swefoundry.contracts.round_outcome import RoundOutcome
from swefoundry.contracts.strategy_names import RECIPE, REUSE
from swefoundry.contracts.transcript import AgentRole
from swefoundry.drafts.recipes import refusal
from swefoundry.programs.agent.answers import ExplorerReport, Guidance
from swefoundry.programs.agent.failure_guidance import FailureGuidance, guidance_for
from swefoundry.programs.agent.inputs import AgentInputs, PastAttempt, RecipeDraft, input_of_recipe
from swefoundry.programs.agent.language_guides import LANGUAGE_GUIDES, LanguageGuide, language_of_row
from swefoundry.programs.agent.loop_detection import dockerfile_key, draft_key
from swefoundry.text.plurals import ordinal

MAX_TURNS_BY_ROLE: dict[AgentRole, int] = {"explorer": 16, "environment": 12, "tests": 12, "analyst": 8}
"""Turns of a role in one pod, unless spec.budget.turnsPerRole sets another limit."""
MAX_ATTEMPTS_IN_PROMPT = 3
"""The newest failed drafts are shown completely, newest last."""

BUILD_FAILURES = frozenset(
    {
        RoundOutcome.DOCKERFILE_INVALID,
        RoundOutcome.POLICY_REFUSED,
        RoundOutcome.BASE_IMAGE_MISSING,
        RoundOutcome.STEP_FAILED,
        RoundOutcome.ADDRESS_UNREACHABLE,
        RoundOutcome.BUILD_TIME_LIMIT,
        RoundOutcome.BUILD_DISK_FULL,
        RoundOutcome.BUILD_OUT_OF_MEMORY,
    }
)
"""Outcomes that depend on the Dockerfile alone: another test command would not change them."""


class SourceReader(Enum):
    """Who reads the source with tools before the first draft is written."""

    EXPLORER = "explorer"
    """For colleagues, who get its report."""
    ENVIRONMENT_MANAGER = "environment"
    """For itself: there is a draft to start from, so a report would cost turns and tell it little more."""
    NOBODY = "nobody"


@dataclass(frozen=True)
class PromptContext:
    """What is known when a role is asked."""

    inputs: AgentInputs
    report: ExplorerReport | None = None
    current: Draft | None = None
    """The draft to be changed; None for the first draft."""
    guidance: Guidance | None = None
    tried_keys: tuple[str, ...] = ()
    """Keys of the drafts that agents wrote, before a person's overrides were applied."""

    def common_variables(self, role: AgentRole) -> dict[str, object]:
        """The variables of every role's first message."""
        spec = self.inputs.spec
        return {
            "repo": spec.repo,
            "version": spec.version or "",
            "language": spec.language or language_of_row(None, self.inputs.facts),
            "date": spec.created_at.date().isoformat() if spec.created_at else "",
            "repo_summary": self._summary(role),
            "test_files": self.inputs.facts.test_files,
        }

    def _summary(self, role: AgentRole) -> str:
        """As much of the summary as the explorer's report and the current draft do not tell already."""
        inputs = self.inputs
        unread = self.report is None and self.source_reader is not SourceReader.ENVIRONMENT_MANAGER
        if role == "explorer" or self.manager_reads_source(role) or (unread and role == "environment"):
            return inputs.repo_summary
        if unread or self.current is None:
            return inputs.short_summary or inputs.repo_summary
        return inputs.facts_summary or inputs.repo_summary

    @property
    def source_reader(self) -> SourceReader:
        """The role that reads the source; the explorer wherever it has reported, as the analyst may ask it to."""
        if self.inputs.spec.ablation.no_explorer:
            return SourceReader.NOBODY
        has_start = bool(self.inputs.references) or self._recipe_draft is not None
        return SourceReader.ENVIRONMENT_MANAGER if has_start and not self.report else SourceReader.EXPLORER

    def manager_reads_source(self, role: AgentRole) -> bool:
        """Whether this role is the Environment Manager at its first draft, with the source to be read by itself."""
        reader = self.source_reader is SourceReader.ENVIRONMENT_MANAGER
        return reader and role == "environment" and self.current is None

    @property
    def guide(self) -> LanguageGuide | None:
        """What is known of the tools of the row's language."""
        return LANGUAGE_GUIDES.get(language_of_row(self.inputs.spec.language, self.inputs.facts))

    @property
    def manager_variables(self) -> dict[str, object]:
        """What both managers learn of the language and of builds."""
        spec, guide = self.inputs.spec, self.guide
        day = (spec.created_at.date() + timedelta(days=1)).isoformat() if spec.created_at else ""
        access = spec.build_access or BuildAccess()
        certificates = (*CERTIFICATE_VARIABLES, JAVA_OPTIONS) if access.certificates else ()
        return {
            "guide": guide,
            "examples": guide.fitting_examples(self.inputs.facts) if guide is not None else [],
            "recipe_refusal": self.recipe_refusal,
            "dates": guide.dated(day) if guide is not None else "",
            "access": access,
            "added_variables": [SOURCE_DATE_VARIABLE, *certificates],
        }

    @property
    def shows_outcomes(self) -> bool:
        """Whether roles are told how rounds ended."""
        return not self.inputs.spec.ablation.no_feedback

    @property
    def recipe_rounds(self) -> tuple[PastRound, ...]:
        """The recipe's rounds: their labels name what it learned."""
        if not self.shows_outcomes:
            return ()
        return tuple(each.past for each in self.inputs.attempts if each.past.strategy == RECIPE)

    @property
    def recipe_refusal(self) -> str:
        """Why the recipe of the language has no draft; empty where it has one, or knows no reason."""
        inputs = self.inputs
        if self.recipe_rounds or inputs.recipe_draft is not None:
            return ""
        return refusal(input_of_recipe(inputs.spec, inputs.facts)) or ""

    @property
    def starting_draft(self) -> RecipeDraft | None:
        """The recipe's draft to improve, as long as there is no draft of the agents' own."""
        return self._recipe_draft if self.current is None else None

    @property
    def _recipe_draft(self) -> RecipeDraft | None:
        start = self.inputs.recipe_draft
        hidden = start is not None and start.past is not None and not self.shows_outcomes
        return None if hidden else start

    @property
    def failed_attempts(self) -> tuple[PastAttempt, ...]:
        """Earlier drafts to show with how they ended; the current one and the recipe's are shown apart."""
        if not self.shows_outcomes:
            return ()
        shown = (each for each in self.inputs.attempts if each.past.strategy != RECIPE)
        return tuple(each for each in shown if each.draft != self.current)[-MAX_ATTEMPTS_IN_PROMPT:]

    @property
    def shown_dockerfiles(self) -> tuple[str, ...]:
        """All Dockerfiles in the Environment Manager's prompt."""
        drafts = [*self.inputs.references, *(each.draft for each in self.failed_attempts)]
        drafts += [each for each in (self.current, self.starting_draft and self.starting_draft.draft) if each]
        return tuple(each.dockerfile for each in drafts)

    @property
    def draft_number(self) -> int:
        """For the prompt where outcomes are hidden: otherwise two rounds would send the same request."""
        return 0 if self.shows_outcomes else len(self.inputs.attempts) + 1

    def turn_limit(self, role: AgentRole) -> tuple[int, str]:
        """A role's limit of turns, and where it comes from."""
        limit = self.inputs.spec.allowance.turns_per_role
        if limit is None:
            return MAX_TURNS_BY_ROLE[role], "the usual limit; spec.budget.turnsPerRole sets another"
        return limit, "spec.budget.turnsPerRole"

    def repeated_dockerfile(self, dockerfile: str) -> str:
        """A sentence when this Dockerfile failed before or is unchanged against guidance; else empty."""
        key = dockerfile_key(dockerfile)
        for each in self._built_attempts:
            if each.past.outcome in BUILD_FAILURES and dockerfile_key(each.draft.dockerfile) == key:
                return f"The same Dockerfile was built in round {ordinal(each.past.number)} and failed; change it."
        must_change = self.guidance is not None and self.guidance.route == "environment"
        if must_change and self.current is not None and dockerfile_key(self.current.dockerfile) == key:
            return "This is the current Dockerfile without a change; do what the guidance says."
        return ""

    def repeated_draft(self, draft: Draft) -> str:
        """When this draft was tried before and how that ended, as a sentence without a stop; else empty."""
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
        return f"The same draft was tried {tried} and was not accepted"

    @property
    def _built_attempts(self) -> tuple[PastAttempt, ...]:
        """Rounds that built their Dockerfile. A reused image says nothing about building its draft again."""
        return tuple(each for each in self.inputs.attempts if each.past.strategy != REUSE)


def guidance_for_attempt(attempt: PastAttempt) -> FailureGuidance:
    """The usual guidance after this attempt."""
    return guidance_for(attempt.past.outcome, attempt.past.message)
