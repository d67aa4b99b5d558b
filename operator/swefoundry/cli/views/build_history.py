"""How was the environment made: rounds, reuse tried and refused, agents, and what was spent? Pure."""

from collections.abc import Iterator, Mapping
from typing import Any

from swefoundry.api.types import Budget
from swefoundry.cli.views.costs import usage_of
from swefoundry.cli.views.page import Section
from swefoundry.cli.views.transcript_view import dollars, spent
from swefoundry.text.plurals import counted, ordinal

Body = Mapping[str, Any]
BELIEFS = {True: "sure", False: "in doubt", None: ""}
"""What the model believed of its draft, against which the outcome stands."""
SHORT = len("sha256:") + 12


def construction(build: Body) -> Iterator[Section]:
    """The sections that an EnvBuild's spec and status tell."""
    status = build.get("status") or {}
    rounds = status.get("rounds") or []
    if rounds:
        yield _rounds(rounds)
        yield from _reuse(rounds)
    if status.get("agents") or usage_of(status).turns:
        yield _agents(status)
    if rounds or status.get("agents"):
        yield _budget(build.get("spec") or {}, status)


def _rounds(rounds: list[Body]) -> Section:
    rows = tuple(
        (
            ordinal(each["number"]),
            each.get("strategy", ""),
            each.get("label", ""),
            ", ".join(f"{probe['stage']}={probe.get('code', '?')}" for probe in each.get("probes") or []),
            each.get("outcome") or "under way",
        )
        for each in rounds
    )
    logs = tuple(
        (f"round {ordinal(each['number'])}, {each.get('outcome')}", each["message"])
        for each in rounds
        if each.get("message") and not _accepted(each)
    )
    columns = ("round", "strategy", "draft", "probes", "outcome")
    return Section("Rounds", columns=columns, rows=rows, logs=logs)


def _reuse(rounds: list[Body]) -> Iterator[Section]:
    """The proven images that were tried: how each fared with this commit laid over it."""
    tried = [each for each in rounds if each.get("parent")]
    if not tried:
        return
    refused = [each for each in tried if each.get("outcome") and not _accepted(each)]
    lines = (f"{counted(len(tried), 'proven image')} tried, {len(refused)} did not do",)
    rows = tuple(
        (ordinal(each["number"]), each["parent"]["image"][:SHORT], each.get("outcome") or "under way")
        for each in tried
    )
    yield Section("Reuse", lines, ("round", "image", "outcome"), rows)


def _agents(status: Body) -> Section:
    agents = status.get("agents") or {}
    drafts = [each for each in status.get("rounds") or [] if each.get("strategy") == "agents"]
    lines = [f"asked for {counted(agents.get('asked', len(drafts)), 'draft')}: {_turns(status)}"]
    if agents.get("ended"):
        lines.append(f"{agents['ended']}: {agents.get('message') or 'no more is known'}")
    for count, said in (
        (agents.get("overclaimed"), "believed in and refused by the probe"),
        (agents.get("underclaimed"), "doubted and accepted by the probe"),
    ):
        lines += [f"{counted(count, 'draft')} {said}"] if count else []
    if agents.get("transcript"):
        lines.append("`swefoundry transcript` shows what was said")
    rows = tuple(
        (
            ordinal(each["number"]),
            _turns(each),
            BELIEFS[each.get("claimed")],
            each.get("outcome") or "under way",
        )
        for each in drafts
    )
    return Section("Agents", tuple(lines), ("round", "spent", "the model was", "outcome"), rows)


def _turns(holder: Body) -> str:
    usage = usage_of(holder)
    return f"{counted(usage.turns, 'turn')}, {spent(usage)}"


def _budget(spec: Body, status: Body) -> Section:
    """What is spent of what may be; the models' part only where models were asked."""
    budget, usage = Budget.model_validate(spec.get("budget") or {}), usage_of(status)
    rows: list[tuple[object, ...]] = [
        ("rounds", len(status.get("rounds") or ()), budget.rounds),
        ("podSeconds", f"{status.get('podSeconds') or 0:.0f}", budget.pod_seconds),
    ]
    if usage.turns:
        rows.append(("llmTokens", f"{usage.tokens:,}", f"{budget.llm_tokens:,}"))
        rows.append(("llmUsd", dollars(usage.micro_usd), f"${budget.llm_usd}"))
    return Section("Budget", columns=("budget", "spent", "of"), rows=tuple(rows))


def _accepted(each: Body) -> bool:
    return str(each.get("outcome", "")).startswith("Accepted")
