"""What is the answer to a request: a rule's, or a refusal because of the model, its limits or the script?"""

import json
from dataclasses import dataclass, replace

from scripted_model.asked import Asked
from scripted_model.checking import mistakes
from scripted_model.choosing import Chosen, Nobody, Stage
from scripted_model.script import SCRIPT_FAULT, Ability, Answer

TOOL_BLOCK = "```tool"
"""How a system prompt of swefoundry wants calls to be written by models that know no tools."""


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
        chosen = replace(chosen, answer=_in_words(asked, chosen.answer))
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
        if asked.wants_schema and not able.json_schema:
            said = f"Invalid parameter: response_format json_schema is not supported with `{asked.model}`."
            return Refusal(400, said, "unsupported_parameter")
        if asked.prompt_tokens + asked.longest_answer > able.context_tokens:
            return Refusal(400, _too_long(asked, able), "context_length_exceeded")
        return able


def _in_words(asked: Asked, answer: Answer) -> Answer:
    """Calls as text, where the request describes its tools in words: for models without native tools."""
    if asked.tools or not answer.calls or TOOL_BLOCK not in asked.texts[0]:
        return answer
    calls = [json.dumps({"name": each.name, "arguments": each.arguments}) for each in answer.calls]
    blocks = "\n".join(f"{TOOL_BLOCK}\n{call}\n```" for call in calls)
    text = f"{answer.text}\n{blocks}" if answer.text else blocks
    return answer.model_copy(update={"text": text, "calls": [], "broken": True})


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
    said = f"No rule of the script answers {who} (turn {asked.turn}){near}. The last message: {last[:200]}"
    return Refusal(nobody.status, said, "script_unmatched", None, said)
