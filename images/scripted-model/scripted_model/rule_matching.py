"""Finds the first rule that matches a request; without one, names the nearest rules and why they do not match."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from scripted_model.request import ChatRequest
from scripted_model.script import SCRIPT_ERROR_STATUS, Answer, ModelLimits, Rule, Script, When

MAX_NEAR_MISSES = 3
"""Rules that are named when none matches."""


@dataclass(frozen=True)
class RuleMatch:
    """A rule that matches."""

    rule: str
    """Name of the script and of the rule."""
    answer: Answer


@dataclass(frozen=True)
class NoMatch:
    """No rule matches."""

    status: int
    reasons: tuple[str, ...]
    """For each of the nearest rules: the conditions that do not hold."""


@dataclass
class ActiveScripts:
    """The scripts in use and how often each rule was used: the server's only state besides the request log."""

    scripts: dict[str, Script] = field(default_factory=dict)
    """By name; the script that was added last comes first."""
    use_counts: Counter[str] = field(default_factory=Counter)

    def put(self, name: str, script: Script) -> None:
        """Add a script, or replace the one with this name; its rules are counted from 0."""
        self.remove(name)
        self.scripts = {name: script, **self.scripts}

    def remove(self, name: str) -> bool:
        """Remove a script; False when there is none with this name."""
        for key in [key for key in self.use_counts if key.startswith(f"{name}: ")]:
            del self.use_counts[key]
        return self.scripts.pop(name, None) is not None

    @property
    def models(self) -> dict[str, ModelLimits]:
        """The models that exist; empty: every name is accepted."""
        return {name: limits for script in self.scripts.values() for name, limits in script.models.items()}

    def match(self, request: ChatRequest) -> RuleMatch | NoMatch:
        """The first rule that matches. It is counted as used."""
        misses: list[tuple[int, str]] = []
        for key, rule in self._rules():
            reasons = [*mismatches(rule, request), *self._used_up(key, rule)]
            if not reasons:
                self.use_counts[key] += 1
                return RuleMatch(key, rule.then[request.turn if len(rule.then) > 1 else 0])
            misses.append((len(reasons), f"rule `{key}`: {'; '.join(reasons)}"))
        status = next((script.unmatched for script in self.scripts.values()), SCRIPT_ERROR_STATUS)
        nearest = sorted(misses, key=lambda each: each[0])[:MAX_NEAR_MISSES]
        return NoMatch(status, tuple(reason for _, reason in nearest))

    def _rules(self) -> Iterator[tuple[str, Rule]]:
        for name, script in self.scripts.items():
            for rule in script.rules:
                yield f"{name}: {rule.name}", rule

    def _used_up(self, key: str, rule: Rule) -> Iterator[str]:
        if rule.when.times is not None and self.use_counts[key] >= rule.when.times:
            yield f"it was used {rule.when.times} times"


def mismatches(rule: Rule, request: ChatRequest) -> Iterator[str]:
    """A sentence for each condition of the rule that does not hold."""
    when = rule.when
    yield from _request_mismatches(when, request)
    yield from _text_mismatches(when, request)
    if len(rule.then) > 1 and request.turn >= len(rule.then):
        yield f"it has {len(rule.then)} answers, the request is for number {request.turn + 1}"


def _request_mismatches(when: When, request: ChatRequest) -> Iterator[str]:
    name = request.answer_schema[0] if request.answer_schema else None
    conditions = (
        ("role", when.role, request.role),
        ("model", when.model, request.model),
        ("turn", when.turn, request.turn),
        ("tools", when.tools, bool(request.tools)),
        ("schema", when.schema_name, name),
        ("request", when.request, request.digest),
    )
    for what, expected, actual in conditions:
        if expected is not None and expected != actual:
            yield f"{what} is {actual}, not {expected}"


def _text_mismatches(when: When, request: ChatRequest) -> Iterator[str]:
    for text in [*([when.repo] if when.repo else []), *when.anywhere]:
        if not any(text in message for message in request.texts):
            yield f"no message contains `{_shortened(text)}`"
    for text in when.last:
        if text not in request.last_text:
            yield f"the last message does not contain `{_shortened(text)}`"
    for text in when.nowhere:
        if any(text in message for message in request.texts):
            yield f"a message contains `{_shortened(text)}`"


def _shortened(text: str) -> str:
    return text if len(text) <= 60 else text[:57] + "..."
