"""Which rule of the scripts answers a request, and when none does: which ones were near, and what kept them from it?"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from scripted_model.request import ChatRequest
from scripted_model.script import SCRIPT_ERROR_STATUS, Answer, ModelLimits, Rule, Script, When

MAX_NEAR_MISSES = 3
"""So many rules are named when none fits."""


@dataclass(frozen=True)
class RuleMatch:
    """The answer of a rule."""

    rule: str
    """Script and name of the rule, for people."""
    answer: Answer


@dataclass(frozen=True)
class NoMatch:
    """No rule fits."""

    status: int
    reasons: tuple[str, ...]
    """Of the rules that came nearest: what did not hold."""


@dataclass
class ActiveScripts:
    """The scripts being played, and how often each rule with ``times`` has spoken: the only state that there is."""

    scripts: dict[str, Script] = field(default_factory=dict)
    """By name. The one that was put in last is asked first."""
    use_counts: Counter[str] = field(default_factory=Counter)

    def put(self, name: str, script: Script) -> None:
        """Play this script from its beginning."""
        self.remove(name)
        self.scripts = {name: script, **self.scripts}

    def remove(self, name: str) -> bool:
        """Play this script no more; False when it was not there."""
        for key in [key for key in self.use_counts if key.startswith(f"{name}: ")]:
            del self.use_counts[key]
        return self.scripts.pop(name, None) is not None

    @property
    def models(self) -> dict[str, ModelLimits]:
        """The models that exist; empty: every name does."""
        return {name: able for script in self.scripts.values() for name, able in script.models.items()}

    def match(self, request: ChatRequest) -> RuleMatch | NoMatch:
        """The first rule that fits; its word counts as spoken."""
        misses: list[tuple[int, str]] = []
        for key, rule in self._rules():
            wrong = [*mismatches(rule, request), *self._used_up(key, rule)]
            if not wrong:
                self.use_counts[key] += 1
                return RuleMatch(key, rule.then[request.turn if len(rule.then) > 1 else 0])
            misses.append((len(wrong), f"rule `{key}`: {'; '.join(wrong)}"))
        status = next((script.unmatched for script in self.scripts.values()), SCRIPT_ERROR_STATUS)
        near = sorted(misses, key=lambda each: each[0])[:MAX_NEAR_MISSES]
        return NoMatch(status, tuple(reason for _, reason in near))

    def _rules(self) -> Iterator[tuple[str, Rule]]:
        for name, script in self.scripts.items():
            for rule in script.rules:
                yield f"{name}: {rule.name}", rule

    def _used_up(self, key: str, rule: Rule) -> Iterator[str]:
        if rule.when.times is not None and self.use_counts[key] >= rule.when.times:
            yield f"it has spoken {rule.when.times} times"


def mismatches(rule: Rule, request: ChatRequest) -> Iterator[str]:
    """What of the rule's conditions does not hold, in words."""
    when = rule.when
    yield from _request_mismatches(when, request)
    yield from _text_mismatches(when, request)
    if len(rule.then) > 1 and request.turn >= len(rule.then):
        yield f"it has {len(rule.then)} answers, the request is for number {request.turn + 1}"


def _request_mismatches(when: When, request: ChatRequest) -> Iterator[str]:
    name = request.answer_schema[0] if request.answer_schema else None
    wanted = (
        ("role", when.role, request.role),
        ("model", when.model, request.model),
        ("turn", when.turn, request.turn),
        ("tools", when.tools, bool(request.tools)),
        ("schema", when.schema_name, name),
        ("request", when.request, request.digest),
    )
    for what, should, actual in wanted:
        if should is not None and should != actual:
            yield f"{what} is {actual}, not {should}"


def _text_mismatches(when: When, request: ChatRequest) -> Iterator[str]:
    for text in [*([when.repo] if when.repo else []), *when.anywhere]:
        if not any(text in message for message in request.texts):
            yield f"no message holds `{_shortened(text)}`"
    for text in when.last:
        if text not in request.last_text:
            yield f"the last message does not hold `{_shortened(text)}`"
    for text in when.nowhere:
        if any(text in message for message in request.texts):
            yield f"a message holds `{_shortened(text)}`"


def _shortened(text: str) -> str:
    return text if len(text) <= 60 else text[:57] + "..."
