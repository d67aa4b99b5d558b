"""How was the environment made: rounds, reuse tried and refused, agents, and what was spent? Pure."""

from collections.abc import Iterator, Mapping
from typing import Any

from swefoundry.api.types import Budget
from swefoundry.cli.views.costs import usage_of
from swefoundry.cli.views.page import PageSection
from swefoundry.cli.views.transcript_view import usage_text, usd_text
from swefoundry.text.plurals import ordinal, pluralize

KubernetesObject = Mapping[str, Any]
CLAIM_TEXTS = {True: "sure", False: "in doubt", None: ""}
"""What the model believed of its draft, against which the outcome stands."""
SHORT_DIGEST_LENGTH = len("sha256:") + 12


def build_history(build: KubernetesObject) -> Iterator[PageSection]:
    """The sections that an EnvBuild's spec and status tell."""
    status = build.get("status") or {}
    rounds = status.get("rounds") or []
    if rounds:
        yield _rounds_section(rounds)
        yield from _reuse_section(rounds)
    if status.get("agents") or usage_of(status).turns:
        yield _agents_section(status)
    if rounds or status.get("agents"):
        yield _budget_section(build.get("spec") or {}, status)


def _rounds_section(rounds: list[KubernetesObject]) -> PageSection:
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
    return PageSection("Rounds", columns=columns, rows=rows, logs=logs)


def _reuse_section(rounds: list[KubernetesObject]) -> Iterator[PageSection]:
    """The proven images that were tried: how each fared with this commit laid over it."""
    tried = [each for each in rounds if each.get("parent")]
    if not tried:
        return
    refused = [each for each in tried if each.get("outcome") and not _accepted(each)]
    lines = (f"{pluralize(len(tried), 'proven image')} tried, {len(refused)} did not do",)
    rows = tuple(
        (
            ordinal(each["number"]),
            each["parent"]["image"][:SHORT_DIGEST_LENGTH],
            each.get("outcome") or "under way",
        )
        for each in tried
    )
    yield PageSection("Reuse", lines, ("round", "image", "outcome"), rows)


def _agents_section(status: KubernetesObject) -> PageSection:
    agents = status.get("agents") or {}
    drafts = [each for each in status.get("rounds") or [] if each.get("strategy") == "agents"]
    lines = [f"asked for {pluralize(agents.get('asked', len(drafts)), 'draft')}: {_turns_text(status)}"]
    if agents.get("ended"):
        lines.append(f"{agents['ended']}: {agents.get('message') or 'no more is known'}")
    for count, said in (
        (agents.get("overclaimed"), "believed in and refused by the probe"),
        (agents.get("underclaimed"), "doubted and accepted by the probe"),
    ):
        lines += [f"{pluralize(count, 'draft')} {said}"] if count else []
    if agents.get("transcript"):
        lines.append("`swefoundry transcript` shows what was said")
    rows = tuple(
        (
            ordinal(each["number"]),
            _turns_text(each),
            CLAIM_TEXTS[each.get("claimed")],
            each.get("outcome") or "under way",
        )
        for each in drafts
    )
    return PageSection("Agents", tuple(lines), ("round", "spent", "the model was", "outcome"), rows)


def _turns_text(holder: KubernetesObject) -> str:
    usage = usage_of(holder)
    return f"{pluralize(usage.turns, 'turn')}, {usage_text(usage)}"


def _budget_section(spec: KubernetesObject, status: KubernetesObject) -> PageSection:
    """What is spent of what may be; the models' part only where models were asked."""
    budget, usage = Budget.model_validate(spec.get("budget") or {}), usage_of(status)
    rows: list[tuple[object, ...]] = [
        ("rounds", len(status.get("rounds") or ()), budget.rounds),
        ("podSeconds", f"{status.get('podSeconds') or 0:.0f}", budget.pod_seconds),
    ]
    if usage.turns:
        rows.append(("llmTokens", f"{usage.tokens:,}", f"{budget.llm_tokens:,}"))
        rows.append(("llmUsd", usd_text(usage.micro_usd), f"${budget.llm_usd}"))
    return PageSection("Budget", columns=("budget", "spent", "of"), rows=tuple(rows))


def _accepted(each: KubernetesObject) -> bool:
    return str(each.get("outcome", "")).startswith("Accepted")
