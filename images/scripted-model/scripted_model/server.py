"""The HTTP server: the OpenAI protocol below /v1, and below /_scripted what tests and people ask about it."""

import hmac
import json
from collections.abc import Callable
from dataclasses import dataclass, field

from aiohttp import web

from scripted_model import loading, replies
from scripted_model.answering import Answering, Refusal
from scripted_model.asked import Asked, Json
from scripted_model.choosing import Stage
from scripted_model.ledger import Ledger, Line
from scripted_model.script import Answer
from scripted_model.sending import send

LARGEST_BODY = 32 << 20
ONLY = "script"
"""Name of the script that PUT /_scripted/script loads."""


def _silent(line: str) -> None:
    """Nobody listens."""


@dataclass
class Server:
    """One server: its scripts, its key and what it was asked."""

    stage: Stage = field(default_factory=Stage)
    key: str | None = None
    """Bearer key that requests must bring; None: any, or none."""
    say: Callable[[str], None] = _silent
    """Told a line about each request, without secrets."""
    ledger: Ledger = field(default_factory=Ledger)

    def application(self) -> web.Application:
        """The routes."""
        made = web.Application(client_max_size=LARGEST_BODY)
        made.add_routes(
            [
                web.post("/v1/chat/completions", self.complete),
                web.get("/v1/models", self.models),
                web.get("/healthz", self.healthy),
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
        if not self.welcome(request):
            self.say("a request with a wrong key")
            return _problem(401)
        try:
            asked = Asked(_object(await request.text()))
        except ValueError:
            return _problem(400, "We could not parse the JSON body of your request.")
        line = self.ledger.enter(asked)
        outcome = Answering(self.stage).answer(asked)
        if isinstance(outcome, Refusal):
            line.status, line.note, line.rule = outcome.status, outcome.note, outcome.rule
            self.say(_told(line))
            return _problem(outcome.status, outcome.message, outcome.code)
        line.rule = outcome.rule
        line.tokens = replies.usage(asked, outcome.answer)["total_tokens"]
        return await self._send(request, asked, line, outcome.answer)

    async def models(self, request: web.Request) -> web.Response:
        """The models of the scripts."""
        if not self.welcome(request):
            return _problem(401)
        return web.json_response(replies.model_list(sorted(self.stage.models)))

    async def healthy(self, request: web.Request) -> web.Response:
        """For probes."""
        return web.json_response({"scripts": list(self.stage.scripts)})

    async def requests(self, request: web.Request) -> web.Response:
        """The ledger. `?containing=TEXT`: of requests that hold it; `?bodies=1`: with what was asked."""
        told = self.ledger.told(request.query.get("containing"), bodies=request.query.get("bodies") == "1")
        return web.json_response(told)

    async def reset(self, request: web.Request) -> web.Response:
        """Forget what was asked and how often rules have spoken; scripts stay."""
        self.ledger = Ledger()
        self.stage.spoken.clear()
        return web.json_response({})

    async def put_script(self, request: web.Request) -> web.Response:
        """Play another script: beside the others when it has a name, else instead of all."""
        name = request.match_info.get("name")
        try:
            script = loading.parsed(await request.text(), name or ONLY)
        except loading.ScriptError as error:
            return _problem(400, str(error))
        if name is None:
            self.stage = Stage()
        self.stage.put(name or ONLY, script)
        return web.json_response({"scripts": list(self.stage.scripts), "rules": len(script.rules)})

    async def delete_script(self, request: web.Request) -> web.Response:
        """Play a script no more."""
        if not self.stage.remove(request.match_info["name"]):
            return _problem(404, f"There is no script {request.match_info['name']}.", "not_found")
        return web.json_response({"scripts": list(self.stage.scripts)})

    def welcome(self, request: web.Request) -> bool:
        """Whether the request brings the key."""
        brought = request.headers.get("Authorization", "").removeprefix("Bearer ")
        return self.key is None or hmac.compare_digest(brought.encode(), self.key.encode())

    async def _send(
        self, request: web.Request, asked: Asked, line: Line, answer: Answer
    ) -> web.StreamResponse:
        try:
            response = await send(request, asked, answer)
            if request.transport is None or request.transport.is_closing():
                line.note = "" if answer.fault else "the client was gone before it had the answer"
            else:
                line.status = response.status
            return response
        finally:
            self.say(_told(line))


def _object(text: str) -> Json:
    body = json.loads(text)
    if not isinstance(body, dict):
        raise ValueError("no object")
    return body


def _problem(status: int, message: str = "", code: str | None = None) -> web.Response:
    return web.json_response(replies.error(status, message, code), status=status)


def _told(line: Line) -> str:
    what = line.note or f"rule `{line.rule}`"
    return (
        f"#{line.number} {line.role or 'somebody'} asks {line.model}, turn {line.turn}: "
        f"{line.status or 'hung up'}, {line.tokens} tokens; {what}"
    )
