"""What is the answer to a request: a rule's, or a refusal because of the model, its limits or the script?"""

from dataclasses import dataclass

from scripted_model.asked import Asked
from scripted_model.checking import mistakes
from scripted_model.choosing import Chosen, Nobody, Stage
from scripted_model.script import SCRIPT_FAULT, Ability


@dataclass(frozen=True)
class Refusal:
    """An error that no rule asked for."""

    status: int
    message: str
    code: str | None = None
    rule: str | None = None
    note: str = ""
    """For the ledger and the log."""


@dataclass(frozen=True)
class Answering:
    """Asks the model's limits first, then the scripts."""

    stage: Stage

    def answer(self, asked: Asked) -> Chosen | Refusal:
        """A rule's answer, checked; or why there is none."""
        able = self._ability(asked)
        if isinstance(able, Refusal):
            return able
        chosen = self.stage.choose(asked)
        if isinstance(chosen, Nobody):
            return _unmatched(asked, chosen)
        wrong = list(mistakes(asked, chosen.answer))
        if wrong:
            said = f"The script is wrong: rule `{chosen.rule}`: {'; '.join(wrong)}."
            return Refusal(SCRIPT_FAULT, said, "script_wrong", chosen.rule, said)
        return chosen

    def _ability(self, asked: Asked) -> Ability | Refusal:
        models = self.stage.models
        if models and asked.model not in models:
            said = f"The model `{asked.model}` does not exist or you do not have access to it."
            return Refusal(404, said, "model_not_found")
        able = models.get(asked.model, Ability())
        if asked.tools and not able.tools:
            return Refusal(400, f"The model `{asked.model}` does not support tools.", "unsupported_parameter")
        if asked.answer and not able.json_schema:
            said = f"Invalid parameter: response_format json_schema is not supported with `{asked.model}`."
            return Refusal(400, said, "unsupported_parameter")
        if asked.prompt_tokens + asked.longest_answer > able.context_tokens:
            return Refusal(400, _too_long(asked, able), "context_length_exceeded")
        return able


def _too_long(asked: Asked, able: Ability) -> str:
    return (
        f"This model's maximum context length is {able.context_tokens} tokens. However, you requested "
        f"{asked.prompt_tokens + asked.longest_answer} tokens ({asked.prompt_tokens} in the messages, "
        f"{asked.longest_answer} in the completion). Please reduce the length of the messages or completion."
    )


def _unmatched(asked: Asked, nobody: Nobody) -> Refusal:
    who = asked.role or "somebody without a role"
    near = ". Nearest: " + " | ".join(nobody.reasons) if nobody.reasons else "; there are no rules"
    last = " ".join(asked.last.split())
    said = f"No rule of the script answers {who} (turn {asked.turn}){near}. The last message: {last[:400]}"
    return Refusal(nobody.status, said, "script_unmatched", None, said)
