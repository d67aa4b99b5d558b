"""What is the answer to a request: a rule's, or a refusal because of the model, its limits or the script?"""

import json
from dataclasses import dataclass, replace

from scripted_model.answer_check import answer_problems
from scripted_model.request import ChatRequest
from scripted_model.rule_matching import ActiveScripts, NoMatch, RuleMatch
from scripted_model.script import SCRIPT_ERROR_STATUS, Answer, ModelLimits

TOOL_BLOCK = "```tool"
"""How a system prompt of swefoundry wants calls to be written by models that know no tools."""


@dataclass(frozen=True)
class ErrorReply:
    """An error that no rule asked for."""

    status: int
    message: str
    code: str | None = None
    rule: str | None = None
    note: str = ""
    """For the ledger and the log."""


@dataclass(frozen=True)
class Responder:
    """Asks the model's limits first, then the scripts."""

    scripts: ActiveScripts

    def respond(self, request: ChatRequest) -> RuleMatch | ErrorReply:
        """A rule's answer, checked; or why there is none."""
        able = self._check_limits(request)
        if isinstance(able, ErrorReply):
            return able
        chosen = self.scripts.match(request)
        if isinstance(chosen, NoMatch):
            return _unmatched_reply(request, chosen)
        chosen = replace(chosen, answer=_calls_as_text(request, chosen.answer))
        wrong = list(answer_problems(request, chosen.answer))
        if wrong:
            said = f"The script is wrong: rule `{chosen.rule}`: {'; '.join(wrong)}."
            return ErrorReply(SCRIPT_ERROR_STATUS, said, "script_wrong", chosen.rule, said)
        return chosen

    def _check_limits(self, request: ChatRequest) -> ModelLimits | ErrorReply:
        models = self.scripts.models
        if models and request.model not in models:
            said = f"The model `{request.model}` does not exist or you do not have access to it."
            return ErrorReply(404, said, "model_not_found")
        able = models.get(request.model, ModelLimits())
        if request.tools and not able.tools:
            return ErrorReply(
                400, f"The model `{request.model}` does not support tools.", "unsupported_parameter"
            )
        if request.requires_schema and not able.json_schema:
            said = f"Invalid parameter: response_format json_schema is not supported with `{request.model}`."
            return ErrorReply(400, said, "unsupported_parameter")
        if request.prompt_tokens + request.max_output_tokens > able.context_tokens:
            return ErrorReply(400, _context_length_message(request, able), "context_length_exceeded")
        return able


def _calls_as_text(request: ChatRequest, answer: Answer) -> Answer:
    """Calls as text, where the request describes its tools in words: for models without native tools."""
    if request.tools or not answer.calls or TOOL_BLOCK not in request.texts[0]:
        return answer
    calls = [json.dumps({"name": each.name, "arguments": each.arguments}) for each in answer.calls]
    blocks = "\n".join(f"{TOOL_BLOCK}\n{call}\n```" for call in calls)
    text = f"{answer.text}\n{blocks}" if answer.text else blocks
    return answer.model_copy(update={"text": text, "calls": [], "broken": True})


def _context_length_message(request: ChatRequest, limits: ModelLimits) -> str:
    return (
        f"This model's maximum context length is {limits.context_tokens} tokens. However, you requested "
        f"{request.prompt_tokens + request.max_output_tokens} tokens ({request.prompt_tokens} in the messages, "
        f"{request.max_output_tokens} in the completion). Please reduce the length of the messages or completion."
    )


def _unmatched_reply(request: ChatRequest, no_match: NoMatch) -> ErrorReply:
    who = request.role or "somebody without a role"
    near = ". Nearest: " + " | ".join(no_match.reasons) if no_match.reasons else "; there are no rules"
    last = " ".join(request.last_text.split())
    said = f"No rule of the script answers {who} (turn {request.turn}){near}. The last message: {last[:200]}"
    return ErrorReply(no_match.status, said, "script_unmatched", None, said)
