"""Records a script: a proxy to a real endpoint that writes its answers as rules."""

import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import yaml
from aiohttp import web

from scripted_model import replies
from scripted_model.request import ChatRequest, Json
from scripted_model.script import Answer
from scripted_model.transport import send_answer

UPSTREAM_TIMEOUT_SECONDS = 3600
HIDDEN_KEY = "[key]"


def upstream_key(path: Path | None) -> str | None:
    """The API key of the real endpoint."""
    return path.read_text("utf-8").strip() if path else None


@dataclass
class Recorder:
    """A proxy that records answers as rules. Errors of the endpoint are passed on and not recorded."""

    upstream: str
    key: str | None
    out: Path
    loose: bool
    log: Callable[[str], None]
    rules: list[Json] = field(default_factory=list)
    models: set[str] = field(default_factory=set)
    session: aiohttp.ClientSession | None = None

    def application(self) -> web.Application:
        """The routes that clients use."""
        application = web.Application(client_max_size=32 << 20)
        application.add_routes(
            [web.post("/v1/chat/completions", self.complete), web.get("/v1/models", self.list_models)]
        )
        application.cleanup_ctx.append(self._connected)
        return application

    async def complete(self, request: web.Request) -> web.StreamResponse:
        """Forward a request, record the answer and pass it on."""
        chat = ChatRequest(await request.json())
        unstreamed = {
            name: value for name, value in chat.body.items() if name not in ("stream", "stream_options")
        }
        status, headers, body = await self._forward("POST", "/chat/completions", unstreamed)
        self.log(f"{chat.role or 'somebody'} asks {chat.model}, turn {chat.turn}: {status}")
        if status != 200 or not isinstance(body, dict):
            return web.json_response(body, status=status, headers=headers)
        then = rule_answer(body)
        self._add_rule(chat, then)
        if chat.wants_stream:
            return await send_answer(request, chat, Answer.model_validate(then))
        return web.json_response(body)

    async def list_models(self, request: web.Request) -> web.Response:
        """The real endpoint's models."""
        status, headers, body = await self._forward("GET", "/models", None)
        return web.json_response(body, status=status, headers=headers)

    async def _forward(self, method: str, path: str, body: Json | None) -> tuple[int, dict[str, str], Any]:
        assert self.session is not None, "the application has started"
        headers = {"Authorization": f"Bearer {self.key}"} if self.key else {}
        try:
            async with self.session.request(
                method, self.upstream + path, json=body, headers=headers
            ) as answer:
                passed = {name: answer.headers[name] for name in ("Retry-After",) if name in answer.headers}
                return answer.status, passed, await answer.json(content_type=None)
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            return 502, {}, replies.error(502, f"The endpoint that is recorded gave no answer: {error}")

    def _add_rule(self, request: ChatRequest, then: Json) -> None:
        self.models.add(request.model)
        name = f"{len(self.rules) + 1}: {request.role or 'somebody'}, turn {request.turn}"
        when = self._when(request)
        if not self.loose and any(rule["when"] == when for rule in self.rules):
            return
        self.rules.append(self._without_key({"name": name, "when": when, "then": then}))
        text = yaml.safe_dump(self.script(), sort_keys=False, allow_unicode=True, width=120)
        partial = self.out.with_name(self.out.name + ".part")
        partial.write_text(text, "utf-8")
        partial.replace(self.out)

    def _without_key(self, rule: Json) -> Json:
        """Replace the API key: an endpoint may repeat it in its answer."""
        return json.loads(json.dumps(rule).replace(self.key, HIDDEN_KEY)) if self.key else rule

    def script(self) -> Json:
        """The script with all rules so far."""
        return {"models": {name: {} for name in sorted(self.models)}, "rules": self.rules}

    def _when(self, request: ChatRequest) -> Json:
        if not self.loose:
            return {"request": request.digest}
        schema = request.answer_schema[0] if request.answer_schema else None
        conditions = {
            "role": request.role,
            "model": request.model,
            "turn": request.turn,
            "schema": schema,
            "times": 1,
        }
        return {name: value for name, value in conditions.items() if value is not None}

    async def _connected(self, application: web.Application) -> AsyncIterator[None]:
        limit = aiohttp.ClientTimeout(total=UPSTREAM_TIMEOUT_SECONDS)
        async with aiohttp.ClientSession(timeout=limit, trust_env=True) as session:
            self.session = session
            yield


def rule_answer(body: Json) -> Json:
    """The `then` of a rule that repeats a real endpoint's answer."""
    choice = (body.get("choices") or [{}])[0]
    message = choice.get("message") or {}
    functions = [call.get("function") or {} for call in message.get("tool_calls") or []]
    calls = [{"name": each.get("name"), "arguments": each.get("arguments") or ""} for each in functions]
    text = message.get("content")
    then: Json = {"text": text or ""} if text or not calls else {}
    if calls:
        then["calls"] = calls
    return then | {
        "broken": True,
        "finish": choice.get("finish_reason"),
        "usage": _usage(body.get("usage") or {}),
    }


def _usage(usage: Json) -> Json:
    details = usage.get("prompt_tokens_details") or {}
    counts = {
        "prompt": usage.get("prompt_tokens"),
        "cached": details.get("cached_tokens"),
        "completion": usage.get("completion_tokens"),
    }
    return {name: count for name, count in counts.items() if count is not None}
