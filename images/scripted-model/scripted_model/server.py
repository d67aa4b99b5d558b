"""The HTTP server: the OpenAI API below /v1; scripts and the request log, for tests and people, below /_scripted."""

import hmac
import json
from collections.abc import Callable
from dataclasses import dataclass, field

from aiohttp import web

from scripted_model import loading, replies
from scripted_model.request import ChatRequest, Json
from scripted_model.request_log import RequestLog, RequestLogEntry
from scripted_model.response import ErrorReply, Responder
from scripted_model.rule_matching import ActiveScripts
from scripted_model.script import Answer
from scripted_model.transport import send_answer

MAX_BODY_BYTES = 32 << 20
DEFAULT_SCRIPT = "script"
"""Name of the script that PUT /_scripted/script loads."""


def _discard(line: str) -> None:
    """Ignore a line."""


@dataclass
class Server:
    """One server: its scripts, its API key and its request log."""

    scripts: ActiveScripts = field(default_factory=ActiveScripts)
    key: str | None = None
    """API key that requests have to send; None: any key, or none."""
    log: Callable[[str], None] = _discard
    """Called with a line about each request, without secrets."""
    request_log: RequestLog = field(default_factory=RequestLog)

    def application(self) -> web.Application:
        """The routes."""
        application = web.Application(client_max_size=MAX_BODY_BYTES)
        application.add_routes(
            [
                web.post("/v1/chat/completions", self.complete),
                web.get("/v1/models", self.models),
                web.get("/healthz", self.healthz),
                web.get("/_scripted/requests", self.requests),
                web.post("/_scripted/reset", self.reset),
                web.put("/_scripted/script", self.put_script),
                web.put("/_scripted/scripts/{name}", self.put_script),
                web.delete("/_scripted/scripts/{name}", self.delete_script),
            ]
        )
        return application

    async def complete(self, request: web.Request) -> web.StreamResponse:
        """Answer a chat completion as the script says."""
        if not self.is_authorized(request):
            self.log("a request with a wrong key")
            return _error_response(401)
        try:
            chat = ChatRequest(_json_object(await request.text()))
        except ValueError:
            return _error_response(400, "We could not parse the JSON body of your request.")
        entry = self.request_log.add(chat)
        outcome = Responder(self.scripts).respond(chat)
        if isinstance(outcome, ErrorReply):
            entry.status, entry.note, entry.rule = outcome.status, outcome.note, outcome.rule
            self.log(_log_line(entry))
            return _error_response(outcome.status, outcome.message, outcome.code)
        entry.rule = outcome.rule
        entry.tokens = replies.usage(chat, outcome.answer)["total_tokens"]
        return await self._send(request, chat, entry, outcome.answer)

    async def models(self, request: web.Request) -> web.Response:
        """The models of the scripts."""
        if not self.is_authorized(request):
            return _error_response(401)
        return web.json_response(replies.model_list(sorted(self.scripts.models)))

    async def healthz(self, request: web.Request) -> web.Response:
        """Liveness and readiness probe."""
        return web.json_response({"scripts": list(self.scripts.scripts)})

    async def requests(self, request: web.Request) -> web.Response:
        """The request log. `?containing=TEXT`: only requests that contain it; `?bodies=1`: with their bodies."""
        bodies = request.query.get("bodies") == "1"
        return web.json_response(self.request_log.report(request.query.get("containing"), bodies))

    async def reset(self, request: web.Request) -> web.Response:
        """Clear the request log and the use counts of the rules; scripts stay."""
        self.request_log = RequestLog()
        self.scripts.use_counts.clear()
        return web.json_response({})

    async def put_script(self, request: web.Request) -> web.Response:
        """Load a script: with a name in addition to the others, without a name in place of all."""
        name = request.match_info.get("name")
        try:
            script = loading.parse_script(await request.text(), name or DEFAULT_SCRIPT)
        except loading.ScriptError as error:
            return _error_response(400, str(error))
        if name is None:
            self.scripts = ActiveScripts()
        self.scripts.put(name or DEFAULT_SCRIPT, script)
        return web.json_response({"scripts": list(self.scripts.scripts), "rules": len(script.rules)})

    async def delete_script(self, request: web.Request) -> web.Response:
        """Remove a script."""
        if not self.scripts.remove(request.match_info["name"]):
            return _error_response(404, f"There is no script {request.match_info['name']}.", "not_found")
        return web.json_response({"scripts": list(self.scripts.scripts)})

    def is_authorized(self, request: web.Request) -> bool:
        """Whether the request has the API key."""
        sent = request.headers.get("Authorization", "").removeprefix("Bearer ")
        return self.key is None or hmac.compare_digest(sent.encode(), self.key.encode())

    async def _send(
        self, request: web.Request, chat: ChatRequest, entry: RequestLogEntry, answer: Answer
    ) -> web.StreamResponse:
        try:
            response = await send_answer(request, chat, answer)
            if request.transport is None or request.transport.is_closing():
                entry.note = "" if answer.fault else "the client disconnected before it had the answer"
            else:
                entry.status = response.status
            return response
        finally:
            self.log(_log_line(entry))


def _json_object(text: str) -> Json:
    body = json.loads(text)
    if not isinstance(body, dict):
        raise ValueError("no object")
    return body


def _error_response(status: int, message: str = "", code: str | None = None) -> web.Response:
    return web.json_response(replies.error(status, message, code), status=status)


def _log_line(entry: RequestLogEntry) -> str:
    detail = entry.note or f"rule `{entry.rule}`"
    return (
        f"#{entry.number} {entry.role or 'somebody'} asks {entry.model}, turn {entry.turn}: "
        f"{entry.status or 'hung up'}, {entry.tokens} tokens; {detail}"
    )
