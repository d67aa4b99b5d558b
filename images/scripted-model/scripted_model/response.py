"""Decides the answer to a request: a rule's answer, or an error because of the model, its limits or the script."""

import json
from dataclasses import dataclass, replace

from scripted_model.answer_check import answer_problems
from scripted_model.request import ChatRequest
from scripted_model.rule_matching import ActiveScripts, NoMatch, RuleMatch
from scripted_model.script import SCRIPT_ERROR_STATUS, Answer, ModelLimits

TOOL_BLOCK = "```tool"
"""Start of a tool call that is written as text, for models without native tools."""


@dataclass(frozen=True)
class ErrorReply:
    """An error that is not the answer of a rule."""

    status: int
    message: str
    code: str | None = None
    rule: str | None = None
    note: str = ""
    """For the request log."""


@dataclass(frozen=True)
class Responder:
    """Checks the model's limits first, then the rules."""

    scripts: ActiveScripts

    def respond(self, request: ChatRequest) -> RuleMatch | ErrorReply:
        """The answer of the first matching rule, checked against the request; or an error."""
        error = self._limit_error(request)
        if error is not None:
            return error
        match = self.scripts.match(request)
        if isinstance(match, NoMatch):
            return _unmatched_reply(request, match)
        match = replace(match, answer=_calls_as_text(request, match.answer))
        problems = list(answer_problems(request, match.answer))
        if problems:
            message = f"The script is wrong: rule `{match.rule}`: {'; '.join(problems)}."
            return ErrorReply(SCRIPT_ERROR_STATUS, message, "script_wrong", match.rule, message)
        return match

    def _limit_error(self, request: ChatRequest) -> ErrorReply | None:
        models, name = self.scripts.models, request.model
        if models and name not in models:
            message = f"The model `{name}` does not exist or you do not have access to it."
            return ErrorReply(404, message, "model_not_found")
        limits = models.get(name, ModelLimits())
        if request.tools and not limits.tools:
            return ErrorReply(400, f"The model `{name}` does not support tools.", "unsupported_parameter")
        if request.requires_schema and not limits.json_schema:
            message = f"Invalid parameter: response_format json_schema is not supported with `{name}`."
            return ErrorReply(400, message, "unsupported_parameter")
        if request.prompt_tokens + request.max_output_tokens > limits.context_tokens:
            return ErrorReply(400, _context_length_message(request, limits), "context_length_exceeded")
        return None


def _calls_as_text(request: ChatRequest, answer: Answer) -> Answer:
    """Write calls as text where the request describes its tools in the system prompt."""
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
    role = request.role or "somebody without a role"
    nearest = ". Nearest: " + " | ".join(no_match.reasons) if no_match.reasons else "; there are no rules"
    last = " ".join(request.last_text.split())[:200]
    message = f"No rule of the script answers {role} (turn {request.turn}){nearest}. The last message: {last}"
    return ErrorReply(no_match.status, message, "script_unmatched", None, message)
