"""A status that the release before wrote is read, and rewritten whole."""

import pytest

from builders import digest
from swefoundry.api.envbuild import Agents, EnvBuildStatus
from swefoundry.api.status_upgrade import is_outdated, upgraded
from swefoundry.controllers.finish import merge_patch

STORED = {
    "observedGeneration": 1,
    "phase": "Drafting",
    "conditions": [],
    "layers": {},
    "round": 2,
    "rounds": [
        {"number": 0, "strategy": "recipe", "label": "python 3.11, uv", "draft": digest("1"), "probes": [],
         "outcome": "StepFailed", "seconds": 12.5},
        {"number": 1, "strategy": "agents", "label": "small: ninja", "draft": digest("2"), "probes": [],
         "outcome": "AfterFailed", "seconds": 61.0},
    ],
    "agents": {"asked": 2, "drafting": 2, "state": digest("3"), "rung": 1, "overclaimed": 1, "underclaimed": 0},
    "running": [{"work": "agent-2", "number": 0, "pod": "one-agent-2-0", "uid": "u", "memoryFactor": 1}],
    "attempts": [],
    "infraRetries": 0,
    "podSeconds": 73.5,
    "startedAt": "2026-01-01T12:00:00Z",
}  # fmt: skip
"""As an operator of f3b3550 left it, while agents wrote the third draft."""

ENDED = {
    "agents": {"asked": 1, "ended": "AgentsGaveUp", "message": "needs a GPU", "rung": 0},
    "remembered": digest("e"),
}
FIRST_DRAFT = {"agents": {"asked": 1, "drafting": 0, "rung": 0, "overclaimed": 0, "underclaimed": 0}}
NEW = {"rounds": [{"number": 1, "strategy": "recipe", "draft": digest("1")}]}


def test_rounds_count_from_1_and_the_drafting_round_with_them():
    status = EnvBuildStatus.model_validate(STORED)
    assert [(item.number, item.index) for item in status.rounds] == [(1, 0), (2, 1)]
    assert status.agents == Agents(
        drafts_requested=2, drafting=3, state=digest("3"), model_index=1, overclaimed=1
    )


def test_former_names_are_read():
    status = EnvBuildStatus.model_validate(ENDED)
    assert status.environment_record == digest("e")
    assert status.agents is not None and status.agents.end_reason == "AgentsGaveUp"


def test_the_first_draft_of_agents_is_that_of_round_1():
    status = EnvBuildStatus.model_validate(FIRST_DRAFT)
    assert status.agents == Agents(drafts_requested=1, drafting=1)


@pytest.mark.parametrize("stored", [STORED, ENDED, FIRST_DRAFT], ids=["with rounds", "ended", "first draft"])
def test_the_next_write_leaves_nothing_of_the_former_status(stored):
    assert is_outdated(stored)
    new = EnvBuildStatus.model_validate(stored).to_json_dict()
    after = applied(stored, merge_patch(stored, new))
    assert after == new
    assert not is_outdated(after)
    assert EnvBuildStatus.model_validate(after).to_json_dict() == new


@pytest.mark.parametrize("stored", [{}, NEW, {"agents": {"draftsRequested": 1, "drafting": 1}}])
def test_a_status_of_this_release_is_left_as_it_is(stored):
    assert not is_outdated(stored)
    assert upgraded(stored) == stored


def applied(target, patch):
    """RFC 7386."""
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = applied(result.get(name), value)
    return result
