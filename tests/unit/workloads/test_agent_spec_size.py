"""The spec of an agent pod fits into an environment variable, or fails with the remedy."""

import pytest

from builders import digest
from swefoundry import errors
from swefoundry.contracts.agent import AgentSpec, PastRound
from swefoundry.contracts.models import Model
from swefoundry.contracts.registry_location import RegistryLocation
from swefoundry.contracts.round_outcome import RoundOutcome
from swefoundry.workloads.agent.launch import AGENT_SPEC_LIMIT_BYTES, SHORTENED_CHARACTERS, fit_agent_spec

SMALL = Model(name="small")


def an_agent_spec(rounds, model=SMALL):
    return AgentSpec(
        nonce="n",
        place=RegistryLocation(registry="r", repository="owner/name"),
        conversation="uid",
        repo="owner/name",
        source=digest("a"),
        facts=digest("f"),
        rounds=rounds,
        ladder=[model],
    )


def rounds(count, message):
    return [
        PastRound(
            number=number,
            strategy="agents",
            draft=digest("d"),
            outcome=RoundOutcome.STEP_FAILED,
            message=message,
        )
        for number in range(count)
    ]


def test_a_usual_spec_is_sent_unchanged():
    spec = an_agent_spec(rounds(5, "x" * 2048))
    assert fit_agent_spec(spec) == spec


def test_of_many_long_rounds_the_oldest_are_shortened_just_enough():
    spec = fit_agent_spec(an_agent_spec(rounds(50, "\N{SNOWMAN}" * 2048)))
    assert AGENT_SPEC_LIMIT_BYTES * 0.9 < len(spec.to_json().encode()) <= AGENT_SPEC_LIMIT_BYTES
    lengths = [len(item.message) for item in spec.rounds]
    assert lengths == sorted(lengths) and set(lengths) == {SHORTENED_CHARACTERS, 2048}


def test_a_spec_that_cannot_fit_fails_with_the_remedy():
    headers = {f"X-{number}": "x" * 10_000 for number in range(16)}
    with pytest.raises(errors.PermanentError, match="configure fewer models, headers or base images"):
        fit_agent_spec(an_agent_spec([], Model(name="small", extra_headers=headers)))
