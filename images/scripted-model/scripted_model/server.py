"""The HTTP server: the OpenAI protocol below /v1, and below /_scripted what tests and people ask about it."""

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
    """Nobody listens."""


@dataclass
class Server:
    """One server: its scripts, its key and what it was asked."""

    scripts: ActiveScripts = field(default_factory=ActiveScripts)
    key: str | None = None
    """Bearer key that requests must bring; None: any, or none."""
    log: Callable[[str], None] = _discard
    """Told a line about each request, without secrets."""
    request_log: RequestLog = field(default_factory=RequestLog)

    def application(self) -> web.Application:
        """The routes."""
        made = web.Application(client_max_size=MAX_BODY_BYTES)
        made.add_routes(
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
        return made

    async def complete(self, request: web.Request) -> web.StreamResponse:
        """Answer as the script says."""
        if not self.is_authorized(request):
            self.log("a request with a wrong key")
            return _error_response(401)
        try:
            asked = ChatRequest(_json_object(await request.text()))
        except ValueError:
            return _error_response(400, "We could not parse the JSON body of your request.")
        line = self.request_log.add(asked)
        outcome = Responder(self.scripts).respond(asked)
        if isinstance(outcome, ErrorReply):
            line.status, line.note, line.rule = outcome.status, outcome.note, outcome.rule
            self.log(_log_line(line))
            return _error_response(outcome.status, outcome.message, outcome.code)
        line.rule = outcome.rule
        line.tokens = replies.usage(asked, outcome.answer)["total_tokens"]
        return await self._send(request, asked, line, outcome.answer)

    async def models(self, request: web.Request) -> web.Response:
        """The models of the scripts."""
        if not self.is_authorized(request):
            return _error_response(401)
        return web.json_response(replies.model_list(sorted(self.scripts.models)))

    async def healthz(self, request: web.Request) -> web.Response:
        """For probes."""
        return web.json_response({"scripts": list(self.scripts.scripts)})

    async def requests(self, request: web.Request) -> web.Response:
        """The ledger. `?containing=TEXT`: of requests that hold it; `?bodies=1`: with what was asked."""
        told = self.request_log.report(
            request.query.get("containing"), bodies=request.query.get("bodies") == "1"
        )
        return web.json_response(told)

    async def reset(self, request: web.Request) -> web.Response:
        """Forget what was asked and how often rules have spoken; scripts stay."""
        self.request_log = RequestLog()
        self.scripts.use_counts.clear()
        return web.json_response({})

    async def put_script(self, request: web.Request) -> web.Response:
        """Play another script: beside the others when it has a name, else instead of all."""
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
        """Play a script no more."""
        if not self.scripts.remove(request.match_info["name"]):
            return _error_response(404, f"There is no script {request.match_info['name']}.", "not_found")
        return web.json_response({"scripts": list(self.scripts.scripts)})

    def is_authorized(self, request: web.Request) -> bool:
        """Whether the request brings the key."""
        brought = request.headers.get("Authorization", "").removeprefix("Bearer ")
        return self.key is None or hmac.compare_digest(brought.encode(), self.key.encode())

    async def _send(
        self, request: web.Request, chat: ChatRequest, entry: RequestLogEntry, answer: Answer
    ) -> web.StreamResponse:
        try:
            response = await send_answer(request, chat, answer)
            if request.transport is None or request.transport.is_closing():
                entry.note = "" if answer.fault else "the client was gone before it had the answer"
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
    what = entry.note or f"rule `{entry.rule}`"
    return (
        f"#{entry.number} {entry.role or 'somebody'} asks {entry.model}, turn {entry.turn}: "
        f"{entry.status or 'hung up'}, {entry.tokens} tokens; {what}"
    )
