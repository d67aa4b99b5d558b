"""Sections about how an environment was made: rounds, reuse, agents, and budgets. Pure."""

from collections.abc import Iterator

from swefoundry.api.status_upgrade import upgraded
from swefoundry.api.types import Budget
from swefoundry.cli.api_objects import KubernetesObject, status_of
from swefoundry.cli.views.costs import usage_of
from swefoundry.cli.views.page import PageSection
from swefoundry.cli.views.transcript_view import usage_text, usd_text
from swefoundry.text.plurals import pluralize

CLAIM_TEXTS = {True: "sure", False: "in doubt", None: ""}
"""How sure the model was of its draft, shown beside the measured outcome."""
SHORT_DIGEST_LENGTH = len("sha256:") + 12
UNFINISHED = "running"


def build_history(build: KubernetesObject) -> Iterator[PageSection]:
    """Sections for an EnvBuild; none before its first round."""
    status = upgraded(status_of(build))
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
            each["number"],
            each.get("strategy", ""),
            each.get("outcome") or UNFINISHED,
            ", ".join(f"{probe['stage']}={probe.get('code', '?')}" for probe in each.get("probes") or []),
            _draft_text(each),
        )
        for each in rounds
    )
    logs = tuple(
        (f"round {each['number']}, {each.get('outcome')}", each["message"])
        for each in rounds
        if each.get("message") and not _accepted(each)
    )
    columns = ("round", "strategy", "outcome", "probes", "draft")
    return PageSection("Rounds", columns=columns, rows=rows, logs=logs)


def _draft_text(each: KubernetesObject) -> str:
    user = f"user {each['runAsUser']}" if each.get("runAsUser") else ""
    return ", ".join(filter(None, (each.get("label", ""), user)))


def _reuse_section(rounds: list[KubernetesObject]) -> Iterator[PageSection]:
    """Proven images that were tried with this commit's checkout on top, and the outcomes."""
    tried = [each for each in rounds if each.get("parent")]
    if not tried:
        return
    rejected = [each for each in tried if each.get("outcome") and not _accepted(each)]
    lines = (f"{pluralize(len(tried), 'proven image')} tried, {len(rejected)} rejected by the probe",)
    rows = tuple(
        (
            each["number"],
            each["parent"]["image"][:SHORT_DIGEST_LENGTH],
            each.get("outcome") or UNFINISHED,
        )
        for each in tried
    )
    yield PageSection("Reuse", lines, ("round", "image", "outcome"), rows)


def _agents_section(status: KubernetesObject) -> PageSection:
    agents = status.get("agents") or {}
    drafts = [each for each in status.get("rounds") or [] if each.get("strategy") == "agents"]
    requested = pluralize(agents.get("draftsRequested", len(drafts)), "draft")
    lines = [f"requested {requested}: {_turns_text(status)}"]
    if agents.get("endReason"):
        lines.append(f"{agents['endReason']}: {agents.get('message') or 'no details'}")
    for count, text in (
        (agents.get("overclaimed"), "that the model was sure of, rejected by the probe"),
        (agents.get("underclaimed"), "that the model doubted, accepted by the probe"),
    ):
        lines += [f"{pluralize(count, 'draft')} {text}"] if count else []
    if agents.get("transcript"):
        lines.append("`swefoundry transcript` shows the conversation")
    rows = tuple(
        (
            each["number"],
            _turns_text(each),
            CLAIM_TEXTS[each.get("claimed")],
            each.get("outcome") or UNFINISHED,
        )
        for each in drafts
    )
    return PageSection("Agents", tuple(lines), ("round", "spent", "the model was", "outcome"), rows)


def _turns_text(holder: KubernetesObject) -> str:
    usage = usage_of(holder)
    return f"{pluralize(usage.turns, 'turn')}, {usage_text(usage)}"


def _budget_section(spec: KubernetesObject, status: KubernetesObject) -> PageSection:
    """Spent and allowed amounts; those of models only where models were asked."""
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
