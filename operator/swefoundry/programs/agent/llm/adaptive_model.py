"""One model behind its endpoint: shortens requests to its context window and leaves out what it does not support."""

from dataclasses import replace

from swefoundry.contracts.models import Model
from swefoundry.programs.agent.agent_exit import ModelRefused, ModelUnavailable
from swefoundry.programs.agent.llm.chat_request import (
    Capabilities,
    capabilities_of,
    request_body,
    without_unsupported,
)
from swefoundry.programs.agent.llm.chat_response import MalformedResponse, ModelAnswer, parse_response
from swefoundry.programs.agent.llm.context_window import fit_to_context
from swefoundry.programs.agent.llm.endpoint import MAX_BROKEN_RESPONSES, Endpoint, EndpointAccess
from swefoundry.programs.agent.llm.messages import Request
from swefoundry.programs.agent.llm.request_errors import ContextExceeded, RequestRejected
from swefoundry.programs.agent.redaction import Redact

MAX_SHRINKS = 5
"""How often a request is shortened after the endpoint said that it is too long."""
SHRINK_FACTOR = 0.6
"""Of the token limit each time: five of them leave 8 %, less than any estimate is wrong by."""


class AdaptiveModel:
    """A model and what was learned about its endpoint. Close it when done."""

    def __init__(self, model: Model, access: EndpointAccess, redact: Redact) -> None:
        self._model = model
        self._access = access
        self._redact = redact
        self._endpoint = Endpoint(model, access)
        self._capabilities = capabilities_of(model)

    async def aclose(self) -> None:
        await self._endpoint.aclose()

    async def ask(self, request: Request) -> ModelAnswer:
        """Ask, with a shorter request each time the endpoint says that the request is too long."""
        model = self._model
        # Where the output limit is close to the context size, the endpoint decides what fits.
        token_limit = max(model.context_tokens - model.output_tokens, model.context_tokens // 4)
        problem = ""
        for _ in range(MAX_SHRINKS):
            within_limit = fit_to_context(request, token_limit)
            try:
                answer = await self._ask_adapting(within_limit.request)
            except ContextExceeded as error:
                problem = str(error)
                token_limit = int(token_limit * SHRINK_FACTOR)
                continue
            if not within_limit.shortened:
                return answer
            note = f"{within_limit.shortened} messages were shortened to fit the model's context"
            return replace(answer, notes=(note, *answer.notes))
        raise ModelRefused(
            self._redact(
                f"{problem}; even the shortest form of the request does not fit: set the model's contextTokens and "
                "outputTokens to what the endpoint has, or use a model with a larger context"
            )
        )

    async def _ask_adapting(self, request: Request) -> ModelAnswer:
        """Ask until the response can be parsed, without the capabilities that the endpoint turns out to lack."""
        malformed = 0
        while True:
            body = request_body(request, self._model, self._capabilities)
            try:
                response = await self._endpoint.complete(body)
                return parse_response(response, request, self._model, self._capabilities)
            except RequestRejected as error:
                message = str(error)
            except MalformedResponse as error:
                malformed += 1
                if malformed >= MAX_BROKEN_RESPONSES:
                    raise ModelUnavailable(f"{self._model.base_url}: {error}, {malformed} times") from None
                continue
            # Without their causes, whose text is not redacted.
            except ModelUnavailable as error:
                raise ModelUnavailable(self._redact(str(error)), error.host, error.retry_after) from None
            except ModelRefused as error:
                raise ModelRefused(self._redact(str(error))) from None
            self._capabilities = self._adapted(message, request.role)

    def _adapted(self, message: str, role: str) -> Capabilities:
        """Capabilities without the rejected one; ModelRefused when the endpoint's message names none."""
        adapted = without_unsupported(self._capabilities, message)
        if adapted is None:
            raise ModelRefused(
                self._redact(f"{message}; check the model's settings against what the endpoint takes")
            )
        self._access.hooks.progress(f"{message}; requests are adapted from now on ({role})")
        return adapted
